//! News on its way into a change row: at most one change of a case waits, and how long.
//!
//! The pace of `semantics.md` §2. Deliberately absent: what is news (`observe.rs`) and who is told.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::case::{Case, Change, ChangeFacts};
use super::notice::Kind;
use super::pace::PaceSettings;

/// News on its way into a change row.
#[derive(Debug, Clone)]
pub struct News {
    pub kinds: BTreeSet<Kind>,
    pub facts: ChangeFacts,
    pub why: String,
    pub urgency: Urgency,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// A person wrote it: never waits.
    ByHand,
    ByKind,
}

/// Makes a change of the news, or lets it join the one that waits: at most one change of a case waits, and
/// what is due at once takes along what was waiting.
pub fn join(case: &mut Case, waiting: Option<&Change>, news: News, pace: &PaceSettings, now: Timestamp) -> Change {
    let at_once = news.urgency == Urgency::ByHand || news.kinds.iter().any(|kind| kind.is_at_once());
    let due_at = if at_once { now } else { quiet_due(case, waiting, pace, now) };
    let Some(waiting) = waiting else {
        case.sequence += 1;
        return Change {
            sequence: case.sequence,
            episode: case.episode,
            kinds: news.kinds.into_iter().rev().collect(),
            made_at: now,
            due_at,
            planned_at: None,
            why: news.why,
            facts: news.facts,
        };
    };
    let kinds = joined(&waiting.kinds, news.kinds);
    let mut facts = news.facts;
    facts.phase_before = waiting.facts.phase_before.or(facts.phase_before);
    facts.impact_before = waiting.facts.impact_before.or(facts.impact_before);
    facts.moved_from = waiting.facts.moved_from.or(facts.moved_from);
    facts.added.extend(waiting.facts.added.iter().cloned());
    facts.removed.extend(waiting.facts.removed.iter().cloned());
    Change {
        sequence: waiting.sequence,
        episode: case.episode,
        kinds: kinds.into_iter().rev().collect(),
        made_at: waiting.made_at,
        due_at: due_at.min(waiting.due_at),
        planned_at: None,
        why: format!("{}; {}", waiting.why, news.why),
        facts,
    }
}

/// Both lots of kinds, without what the later has overtaken: an end by a reopening, a reopening by an end, and
/// the word that there is nothing new by anything new.
fn joined(before: &[Kind], later: BTreeSet<Kind>) -> BTreeSet<Kind> {
    let mut kinds: BTreeSet<Kind> = before.iter().copied().collect();
    if later.contains(&Kind::Reopened) {
        kinds.retain(|kind| !kind.is_closing());
    }
    if later.iter().any(|kind| kind.is_closing() && *kind != Kind::Unaffected) {
        kinds.remove(&Kind::Reopened);
    }
    kinds.extend(later);
    if kinds.len() > 1 {
        kinds.remove(&Kind::Due);
    }
    kinds
}

/// Quiet news comes at the later of the first waiting + `settle` and the last quiet notice + `apart`, but
/// never past a promise.
fn quiet_due(case: &Case, waiting: Option<&Change>, pace: &PaceSettings, now: Timestamp) -> Timestamp {
    let first_waiting = waiting.map_or(now, |change| change.made_at);
    let settled = first_waiting + pace.settle;
    let apart = case.timers.last_quiet_at.map(|last| last + pace.apart);
    let due = apart.map_or(settled, |apart| apart.max(settled));
    case.timers.promise.map_or(due, |promise| due.min(promise.act_at().max(now)))
}
