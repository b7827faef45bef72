//! Plans due changes: for each client that a change concerns, `wanted` of its threads rises.
//!
//! Goes through the client book in chunks, each one transaction with its cursor; delivery begins after the
//! first. Deliberately absent: who is told (`domain::plan`).

use std::collections::HashMap;

use jiff::Timestamp;

use super::Shared;
use super::current::Current;
use crate::domain::case::{Case, Change, Story};
use crate::domain::notice::Kind;
use crate::domain::plan::{self, Former, Known, Planning};
use crate::domain::promise::{self, Standing};
use crate::domain::thread::Variant;
use crate::store::StoreError;
use crate::store::rows::{self, DueChange, Planned, Presence, Progress, Raising, Recorded, Selector};

/// Clients planned in one transaction.
const CHUNK: i64 = 2_000;
/// Changes taken up in one pass.
const BATCH: i64 = 100;

/// What one pass planned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    pub changes: usize,
    pub raised: usize,
    /// Changes whose case was written meanwhile: taken up again by the next pass.
    pub conflicts: usize,
}

/// Plans every change that is due.
pub async fn pass(shared: &Shared, now: Timestamp) -> Result<Report, StoreError> {
    let mut report = Report::default();
    for due in shared.store.due_changes(now, BATCH).await? {
        let Some(story) = shared.store.story(due.case_key).await? else { continue };
        let Some(change) = story.changes.iter().find(|c| c.sequence == due.sequence && c.planned_at.is_none()) else {
            continue;
        };
        report.changes += 1;
        match plan_change(shared, &story, change, &due, now).await? {
            Some(raised) => report.raised += raised,
            None => report.conflicts += 1,
        }
    }
    Ok(report)
}

async fn plan_change(
    shared: &Shared,
    story: &Story,
    change: &Change,
    due: &DueChange,
    now: Timestamp,
) -> Result<Option<usize>, StoreError> {
    let current = shared.current.load();
    let planning =
        Planning::new(story, change, &current.catalog, &current.playbook, &current.settings.sender.locale, now);
    let selector = planning.selector().map_or(Selector::Everyone, Selector::Components);
    let mut after = due.after.clone();
    let mut raised = 0;
    loop {
        let chunk = shared.store.planning_chunk(due.case_key, after.clone(), selector.clone(), CHUNK).await?;
        let variants: HashMap<i64, Variant> = chunk.variants.into_iter().collect();
        let raises: Vec<rows::Raise> =
            chunk.planned.iter().flat_map(|planned| rows_of(&planning, planned, &variants)).collect();
        raised += raises.len();
        let progress = match &chunk.next_after {
            Some(next) => Progress::More { after: next.clone() },
            None => Progress::Done { case: Box::new(planned_case(&current, story, change, now)) },
        };
        let is_done = chunk.next_after.is_none();
        let raising = Raising { case_key: due.case_key, sequence: change.sequence, raises, progress };
        match shared.store.raise(raising, now).await? {
            Recorded::Conflict => return Ok(None),
            Recorded::Done { .. } => shared.wakes.deliver_all(),
        }
        if is_done {
            break;
        }
        after = chunk.next_after;
    }
    tracing::info!(
        case.reference = %story.case.reference,
        change.sequence = change.sequence,
        change.reason = change.reason().as_str(),
        threads = raised,
        "planned"
    );
    Ok(Some(raised))
}

fn rows_of(planning: &Planning<'_>, planned: &Planned, variants: &HashMap<i64, Variant>) -> Vec<rows::Raise> {
    raises_of(planning, planned, variants).into_iter().map(|raise| to_row(planned, raise)).collect()
}

/// What one client of the book is told by the change; also for whoever only looks.
pub fn raises_of(planning: &Planning<'_>, planned: &Planned, variants: &HashMap<i64, Variant>) -> Vec<plan::Raise> {
    let thread_of = |contact_key: i64| {
        planned
            .threads
            .iter()
            .find(|(thread, presence)| thread.contact_key == contact_key && *presence == Presence::InBook)
            .map(|(thread, _)| thread)
    };
    let known: Vec<Known<'_>> = planned
        .contacts
        .iter()
        .map(|(contact_key, contact)| {
            let thread = thread_of(*contact_key);
            Known { contact_key: *contact_key, contact, thread, variant: thread.and_then(|t| variants.get(&t.variant)) }
        })
        .collect();
    let former: Vec<Former<'_>> = planned
        .threads
        .iter()
        .filter(|(_, presence)| *presence != Presence::InBook)
        .map(|(thread, _)| Former { thread, variant: variants.get(&thread.variant) })
        .collect();
    planning.client_with_former(&planned.client, &known, &former)
}

fn to_row(planned: &Planned, raise: plan::Raise) -> rows::Raise {
    let channel = planned
        .contacts
        .iter()
        .find(|(key, _)| *key == raise.contact_key)
        .map_or(crate::domain::client::Channel::Email, |(_, contact)| contact.channel);
    rows::Raise {
        contact_key: raise.contact_key,
        client_id: planned.client.id.clone(),
        channel,
        variant: raise.variant,
        standing: raise.standing,
        episode: if raise.begins_episode { rows::Episode::Begins } else { rows::Episode::Same },
        due_at: raise.due_at,
        waiting: match raise.waiting {
            plan::Waiting::Keeps => rows::Waiting::Keeps,
            plan::Waiting::BroughtForward => rows::Waiting::BroughtForward,
        },
    }
}

/// The case once its change is planned: the promise made anew, the pace counted from now.
pub fn planned_case(current: &Current, story: &Story, change: &Change, now: Timestamp) -> Case {
    let mut case = story.case.clone();
    case.facts.silent_since_first_sight = false;
    if !change.is_at_once() && !matches!(change.reason(), Kind::Due | Kind::Reminder) {
        case.timers.last_quiet_at = Some(now);
    }
    if case.facts.phase.is_over() || case.state != crate::domain::case::CaseState::Open {
        case.timers.promise = None;
        return case;
    }
    case.timers.asked_feed_at = None;
    let without_news = match (change.reason(), case.timers.promise) {
        (Kind::Due, Some(before)) => before.without_news + 1,
        (Kind::Due, None) => 1,
        _ => 0,
    };
    let standing = Standing {
        phase: case.facts.phase,
        impact: case.facts.impact,
        opened_at: case.opened_at,
        last_news_at: case.facts.last_news_at,
        without_news,
    };
    let said = story
        .updates
        .iter()
        .filter(|u| u.sequence == Some(change.sequence))
        .filter_map(|u| u.next_word.map(|word| (word, u.at)))
        .next_back();
    let planned = if said.is_none() { promise::of_planned_work(&case.facts, now) } else { None };
    case.timers.promise =
        Some(planned.unwrap_or_else(|| promise::make(&current.settings.promise, &standing, said, now)));
    case
}
