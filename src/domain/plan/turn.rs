//! What a change is to those who hear of it: news, a promise kept, an end, or something after the end.
//!
//! Deliberately absent: who hears of it (`plan.rs`).

use crate::domain::case::{CaseState, Change, Story};
use crate::domain::incident::Phase;
use crate::domain::notice::Kind;

/// What the change is to those who hear of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Open, with news: whoever it concerns, and whoever enters.
    News,
    /// Nothing new by the promised time.
    Due,
    /// It no longer concerns some.
    Unaffected,
    /// It no longer concerns some, and there is news for the others.
    NewsAndUnaffected,
    /// Over.
    Over(Kind, Audience),
    /// After the end: those who were told.
    Afterwards,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    Told,
    /// Nobody has been told of it, so everybody it concerns hears it as a whole.
    WholeStory,
}

/// What the change is to those who hear of it, by its kinds and by where its case stood.
pub(super) fn turn(story: &Story, change: &Change) -> Turn {
    let closing = change.kinds.iter().copied().filter(|kind| kind.is_closing()).max();
    match closing {
        Some(Kind::Unaffected) if change.kinds == [Kind::Unaffected] => Turn::Unaffected,
        Some(Kind::Unaffected) => Turn::NewsAndUnaffected,
        Some(kind) => {
            let is_untold = change.kinds.contains(&Kind::Opened) || story.case.facts.silent_since_first_sight;
            let says_that_it_is_over = kind != Kind::Withdrawn && change.facts.closed_by_hand_at.is_none();
            let audience = if is_untold && says_that_it_is_over { Audience::WholeStory } else { Audience::Told };
            Turn::Over(kind, audience)
        }
        // An end that came while this was being planned has a change of its own.
        None if story.case.state != CaseState::Open && !change.is_begun => Turn::Afterwards,
        None if change.is_begun && change.facts.phase.is_over() => Turn::Afterwards,
        None if matches!(change.kinds[..], [Kind::Due | Kind::Reminder]) => Turn::Due,
        None => Turn::News,
    }
}

/// The word for the end that a case in this phase has come to.
pub(super) fn end_of(phase: Phase) -> Kind {
    match phase {
        Phase::Cancelled => Kind::Cancelled,
        Phase::Completed => Kind::Completed,
        Phase::Investigating
        | Phase::Identified
        | Phase::Monitoring
        | Phase::Resolved
        | Phase::Postmortem
        | Phase::Scheduled
        | Phase::InProgress
        | Phase::Verifying => Kind::Resolved,
    }
}
