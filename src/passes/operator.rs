//! Tells our own side of what goes wrong, through the outbox of everybody else.
//!
//! Whoever notices something leaves a note on the [`Desk`]; the pass makes changes of the notes, one case a thing, and
//! `dispatch` plans them for the operator's contacts. A note is lost with the process; the log line that stands beside
//! each is not. Deliberately absent: what a thing is called and how often it is told of (`domain::operator`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use super::{Shared, ids};
use crate::domain::case::Story;
use crate::domain::operator::{self, Names, Thing};
use crate::domain::thread::Standing;
use crate::store::StoreError;
use crate::store::rows::{self, Recorded, Write};

/// More lines are not kept between two passes.
const MOST_NOTES: usize = 2_000;
/// A write that finds its case changed reads and decides again that often.
const MOST_CONFLICTS: usize = 8;
/// A client none of whose contacts has accepted within that time has not been reached.
const REACHED_WITHIN: SignedDuration = SignedDuration::from_mins(15);
/// Who has not been reached is looked for that often.
const LOOK_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// Clients looked at in one look.
const MOST_UNREACHED: i64 = 1_000;

/// Notes that have not been written down yet.
#[derive(Debug, Default)]
pub struct Desk {
    notes: Mutex<Vec<(Thing, String)>>,
    unreached: Mutex<Unreached>,
    pub wake: Notify,
}

/// Who has been said not to be reached, by case and client, with the sequence that was wanted.
#[derive(Debug, Default)]
struct Unreached {
    looked_at: Option<Timestamp>,
    said: BTreeSet<(i64, String, i64)>,
}

impl Desk {
    /// One line about a thing. Never a word of a message, an address or a secret.
    pub fn tell(&self, thing: Thing, line: impl Into<String>) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() < MOST_NOTES {
            notes.push((thing, line.into()));
        }
        self.wake.notify_one();
    }

    fn take(&self) -> BTreeMap<Thing, Vec<String>> {
        let mut by_thing: BTreeMap<Thing, Vec<String>> = BTreeMap::new();
        for (thing, line) in std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner)) {
            let lines = by_thing.entry(thing).or_default();
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        by_thing
    }

    fn is_time_to_look(&self, now: Timestamp) -> bool {
        let mut unreached = self.unreached.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = unreached.looked_at.is_none_or(|at| now.duration_since(at).abs() >= LOOK_EVERY);
        if is_time {
            unreached.looked_at = Some(now);
        }
        is_time
    }
}

/// Writes down what has been noted. How many things.
pub async fn pass(shared: &Shared, now: Timestamp) -> Result<usize, StoreError> {
    note_who_is_not_reached(shared, now).await?;
    let notes = shared.operator.take();
    // First here, where no store can fail.
    for (thing, lines) in &notes {
        match thing.is_trouble() {
            true => tracing::error!(thing = %thing, lines = lines.len(), "for the operator: {}", thing.title()),
            false => tracing::info!(thing = %thing, lines = lines.len(), "for the operator: {}", thing.title()),
        }
        shared.metrics.operator_note(thing.word());
    }
    if shared.current.load().settings.operator.contacts.is_empty() {
        return Ok(0);
    }
    for (thing, lines) in &notes {
        write_down(shared, thing, lines, now).await?;
    }
    if !notes.is_empty() {
        shared.wakes.dispatch.notify_one();
    }
    Ok(notes.len())
}

async fn write_down(shared: &Shared, thing: &Thing, lines: &[String], now: Timestamp) -> Result<(), StoreError> {
    for _ in 0..MOST_CONFLICTS {
        let story = shared.store.story_of(operator::SOURCE.to_owned(), thing.to_string()).await?;
        let (id, reference) = (ids::case_id(now), ids::reference(6));
        let names = Names { id: &id, reference: &reference };
        let (case, change) = operator::note(story.as_ref(), thing, lines, names, now);
        let write = Write { case, updates: Vec::new(), changes: vec![change] };
        if shared.store.record(vec![write], None).await? != Recorded::Conflict {
            return Ok(());
        }
    }
    Err(StoreError::Busy)
}

/// The rows that tell an operator's change to every contact of the operator.
pub async fn raises(shared: &Shared, now: Timestamp) -> Result<Vec<rows::Raise>, StoreError> {
    let contacts = shared.store.contacts_of(operator::CLIENT.to_owned()).await?;
    let raise = |(contact_key, contact): (i64, crate::domain::client::Contact)| rows::Raise {
        contact_key,
        client_id: operator::CLIENT.to_owned(),
        channel: contact.channel,
        variant: operator::variant(),
        standing: Standing::Out,
        episode: rows::Episode::Same,
        due_at: now,
        waiting: rows::Waiting::BroughtForward,
    };
    Ok(contacts.into_iter().map(raise).collect())
}

pub fn is_the_operators(story: &Story) -> bool {
    story.case.source == operator::SOURCE
}

/// Names the clients none of whose contacts has accepted what was planned for them a while ago, each once.
async fn note_who_is_not_reached(shared: &Shared, now: Timestamp) -> Result<(), StoreError> {
    if !shared.operator.is_time_to_look(now) {
        return Ok(());
    }
    let found = shared.store.unreached(now - REACHED_WITHIN, MOST_UNREACHED).await?;
    let mut unreached = shared.operator.unreached.lock().unwrap_or_else(PoisonError::into_inner);
    let still: BTreeSet<(i64, String, i64)> =
        found.iter().map(|one| (one.case_key, one.client_id.clone(), one.wanted)).collect();
    for one in &found {
        if unreached.said.contains(&(one.case_key, one.client_id.clone(), one.wanted)) {
            continue;
        }
        let owner = one.owner.as_deref().map(|owner| format!(" ({owner})")).unwrap_or_default();
        shared
            .operator
            .tell(Thing::NotReached { reference: one.reference.clone() }, format!("{}{owner}", one.client_id));
        tracing::error!(case.reference = %one.reference, client = %one.client_id, "not reached: no contact has accepted for 15 minutes");
    }
    unreached.said = still;
    Ok(())
}
