//! Plans due changes: for each client that a change concerns, `wanted` of its threads rises.
//!
//! Goes through the client book in chunks, each one transaction with its cursor; delivery begins after the
//! first. Deliberately absent: who is told (`domain::plan`).

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::current::Current;
use super::{Shared, operator};
use crate::domain;
use crate::domain::case::{Case, Change, Story};
use crate::domain::counted::counted;
use crate::domain::faults::{Fault, is_planted};
use crate::domain::notice::Kind;
use crate::domain::operator::Thing;
use crate::domain::plan::{self, Former, Known, Planning};
use crate::domain::promise;
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
    for mut due in shared.store.due_changes(now, BATCH).await? {
        let mut reach = Reach::default();
        loop {
            let chunk = plan_chunk(shared, &due, CHUNK, now).await?;
            reach = reach.and(chunk.reach);
            match chunk.came {
                Came::Further { after } => due.after = Some(after),
                Came::Done => {
                    report.changes += 1;
                    tracing::info!(
                        case.key = due.case_key,
                        change.sequence = due.sequence,
                        threads = reach.contacts,
                        "planned"
                    );
                    tell_of_opening(shared, &due, reach).await?;
                    break;
                }
                Came::Conflict => {
                    report.changes += 1;
                    report.conflicts += 1;
                    break;
                }
                Came::NotItsTurn => break,
            }
        }
        report.raised += reach.contacts;
    }
    Ok(report)
}

/// What came of planning one chunk of the book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkReport {
    pub reach: Reach,
    pub came: Came,
}

/// Whom a change reaches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    pub clients: usize,
    pub contacts: usize,
    /// Clients who read that nothing is known to do.
    pub without_guidance: usize,
}

impl Reach {
    fn of(raises: &[rows::Raise]) -> Reach {
        let clients: BTreeMap<&str, bool> =
            raises.iter().map(|raise| (raise.client_id.as_str(), raise.variant.known)).collect();
        let without_guidance = clients.values().filter(|known| !**known).count();
        Reach { clients: clients.len(), contacts: raises.len(), without_guidance }
    }

    fn and(self, more: Reach) -> Reach {
        Reach {
            clients: self.clients + more.clients,
            contacts: self.contacts + more.contacts,
            without_guidance: self.without_guidance + more.without_guidance,
        }
    }
}

/// How far planning has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// The client after whom it goes on.
    Further { after: String },
    /// Every client has been planned.
    Done,
    /// The case was written meanwhile; nothing was raised.
    Conflict,
    /// It is planned already, or an earlier change of its case is not.
    NotItsTurn,
}

/// The operator learns that clients are being told of a case, how many, and how many of them without a word of what
/// they can do.
async fn tell_of_opening(shared: &Shared, due: &DueChange, reach: Reach) -> Result<(), StoreError> {
    let Some(story) = shared.store.story(due.case_key).await? else { return Ok(()) };
    if operator::is_the_operators(&story) || reach.clients == 0 {
        return Ok(());
    }
    let opens = |change: &Change| change.kinds.iter().any(|kind| matches!(kind, Kind::Opened | Kind::Reopened));
    let is_opening = story.changes.iter().any(|change| change.sequence == due.sequence && opens(change));
    // Of a case that nobody was told of when it opened the first who are told are those of a later change.
    if !is_opening && shared.store.is_anybody_told(due.case_key).await? {
        return Ok(());
    }
    let Reach { clients, contacts, without_guidance } = reach;
    let clients = counted(clients as u64, "client", "clients");
    let contacts = counted(contacts as u64, "contact", "contacts");
    let line = format!(
        "{}: {clients}, {contacts}; without a word of what they can do: {without_guidance}",
        domain::operator::about(&story.case)
    );
    shared.operator.tell(Thing::CaseOpened { reference: story.case.reference.clone() }, line);
    Ok(())
}

/// Plans a change for the next `most` clients of the book, in one transaction, from the case as it is now: what
/// its source has said since the chunk before has a row of its own.
pub async fn plan_chunk(
    shared: &Shared,
    due: &DueChange,
    most: i64,
    now: Timestamp,
) -> Result<ChunkReport, StoreError> {
    let story = shared.store.story(due.case_key).await?;
    let turn = story.as_ref().and_then(|story| story.first_unplanned().map(|change| (story, change)));
    let Some((story, change)) = turn.filter(|(_, change)| change.sequence == due.sequence) else {
        return Ok(ChunkReport { reach: Reach::default(), came: Came::NotItsTurn });
    };
    if operator::is_the_operators(story) {
        let raises = operator::raises(shared, now).await?;
        return raise(shared, due, raises, Progress::Done { case: Box::new(story.case.clone()) }, Came::Done, now)
            .await;
    }
    let current = shared.current.load();
    let planning =
        Planning::new(story, change, &current.catalog, &current.playbook, &current.settings.sender.locale, now);
    let selector = planning.selector().map_or(Selector::Everyone, Selector::Components);
    let chunk = shared.store.planning_chunk(due.case_key, due.after.clone(), selector, most).await?;
    let variants: HashMap<i64, Variant> = chunk.variants.into_iter().collect();
    let raises: Vec<rows::Raise> =
        chunk.planned.iter().flat_map(|planned| rows_of(&planning, planned, &variants)).collect();
    let (progress, came) = match chunk.next_after {
        Some(after) => (Progress::More { after: after.clone(), version: story.case.version }, Came::Further { after }),
        None => (Progress::Done { case: Box::new(planned_case(&current, story, change, now)) }, Came::Done),
    };
    raise(shared, due, raises, progress, came, now).await
}

async fn raise(
    shared: &Shared,
    due: &DueChange,
    raises: Vec<rows::Raise>,
    progress: Progress,
    came: Came,
    now: Timestamp,
) -> Result<ChunkReport, StoreError> {
    let reach = Reach::of(&raises);
    let raising = Raising { case_key: due.case_key, sequence: due.sequence, raises, progress };
    match shared.store.raise(raising, now).await? {
        Recorded::Conflict => Ok(ChunkReport { reach: Reach::default(), came: Came::Conflict }),
        Recorded::Done { .. } => {
            shared.wakes.deliver_all();
            Ok(ChunkReport { reach, came })
        }
    }
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
            plan::Waiting::TriedAgain => rows::Waiting::TriedAgain,
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
    case.timers.asked_feed_at = None;
    case.timers.unaffected_at = promise::unaffected_at(&case.timers, change, now);
    case.timers.promise = promise::of_change(&current.settings.promise, story, change, now);
    if is_planted(Fault::PromiseIsForgotten) {
        case.timers.promise = None;
    }
    case
}
