//! What follows when a source that lists its incidents no longer lists one of them.
//!
//! For sources whose incidents end by being *stated* to end: gone from a list is not the end. Deliberately
//! absent: sources that end by vanishing, and the asking for the incident's own page.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::case::{CaseState, ChangeFacts, Story, Timers};
use super::incident::{Origin, Phase};
use super::news::{News, Urgency, join};
use super::notice::Kind;
use super::observe::Step;
use super::pace::PaceSettings;

/// Two good reads at least that far apart have to miss it.
const APART: SignedDuration = SignedDuration::from_mins(10);

/// What the incident's own page says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnPage {
    /// 404 or 410.
    Gone,
    There,
    /// It has none, as far as we know.
    None,
    /// Not asked, or no answer.
    Unknown,
}

/// Whether enough good reads have missed it that its own page is worth asking for.
pub fn is_worth_asking(story: &Story, now: Timestamp) -> bool {
    story.case.state == CaseState::Open
        && story.case.facts.missed_reads.first().is_some_and(|first| now.duration_since(*first) >= APART)
}

/// Only what the source has listed can be gone from its lists: a person or a webhook may be ahead of it, or speak of
/// what it never lists.
fn has_been_listed(story: &Story) -> bool {
    story.updates.iter().any(|update| update.origin == Origin::Polled)
}

/// A good read that shows the incident nowhere.
pub fn missed(story: &Story, own_page: OwnPage, pace: &PaceSettings, now: Timestamp) -> Option<Step> {
    if story.case.state != CaseState::Open || !has_been_listed(story) {
        return None;
    }
    let mut case = story.case.clone();
    if case.facts.missed_reads.is_empty() {
        case.facts.missed_reads.push(now);
        return Some(Step { case, updates: Vec::new(), change: None, remarks: Vec::new() });
    }
    let is_withdrawn = match own_page {
        OwnPage::Gone | OwnPage::None => is_worth_asking(story, now),
        OwnPage::There | OwnPage::Unknown => false,
    };
    if !is_withdrawn {
        return None;
    }
    case.state = CaseState::Ended;
    case.ended_at = Some(now);
    let (phase, kind) = match story.case.facts.phase.is_maintenance() {
        true => (Phase::Cancelled, Kind::Cancelled),
        false => (Phase::Resolved, Kind::Withdrawn),
    };
    case.facts.phase = phase;
    case.facts.resolved_at = Some(case.facts.missed_reads.first().copied().unwrap_or(now));
    case.facts.missed_reads.clear();
    case.timers = Timers { last_quiet_at: case.timers.last_quiet_at, ..Timers::default() };
    let facts = ChangeFacts {
        title: case.facts.title.clone(),
        phase,
        phase_before: None,
        impact: case.facts.impact,
        impact_before: None,
        added: Vec::new(),
        removed: Vec::new(),
        moved_from: None,
        promised: None,
        lost_sight_since: None,
    };
    let news = News {
        kinds: BTreeSet::from([kind]),
        facts,
        why: "no list of the source shows it any more, nor has it a page".to_owned(),
        urgency: Urgency::ByKind,
    };
    let change = join(&mut case, story.waiting(), news, pace, now);
    Some(Step { case, updates: Vec::new(), change: Some(change), remarks: Vec::new() })
}
