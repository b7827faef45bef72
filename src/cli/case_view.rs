//! One case as a whole: the document that `candor case --json` prints, and what the text is drawn from.
//!
//! Addresses are masked in it. Deliberately absent: layout.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::deliveries::Shown;
use super::held::{self, Held};
use super::promises;
use crate::domain::case::{CaseState, Change, Scope, Story, Update};
use crate::domain::client::masked;
use crate::domain::incident::{Impact, Need, Origin, Phase};
use crate::domain::notice::Kind;
use crate::domain::thread::{Thread, ThreadState};
use crate::store::rows::{AttemptRow, LedgerRow, PromiseRow, ThreadKey};

#[derive(Debug, Serialize)]
pub struct CaseView {
    pub id: String,
    pub r#ref: String,
    pub source: String,
    pub incident: String,
    pub title: String,
    pub state: CaseState,
    /// As its source last said it: an end that the source did not state is not its phase.
    pub phase: Phase,
    #[serde(skip)]
    pub end: Option<End>,
    pub impact: Option<Impact>,
    pub scope: Scope,
    pub components: Vec<String>,
    pub url: Option<String>,
    pub started_at: Option<Timestamp>,
    pub opened_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    pub next_word_by: Option<Timestamp>,
    /// Found open at the first sight of its feed, and nobody has been told since.
    pub silent_since_first_sight: bool,
    pub closed_by_hand: bool,
    /// When this was read.
    pub now: Timestamp,
    pub timeline: Vec<Entry>,
    /// Accounts of ours that are refused: what is addressed through them waits.
    pub accounts_held: Held,
    /// By contact and sequence.
    pub deliveries: Vec<Delivery>,
    /// Every time of the next word that a client was told, by client and time.
    pub promises: Vec<Promised>,
    pub not_reached: Vec<NotReached>,
    pub failed_attempts: Vec<FailedAttempt>,
    /// Contacts that were told that it is open, not yet that it is over, and can still be told.
    pub owed: Vec<Contact>,
    /// Told that it is open, and never to be told the end: removed from the files, switched off, or refused for good.
    pub left_untold: Vec<Contact>,
}

/// An end that the source did not state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    ClosedByUs,
    Withdrawn,
}

impl End {
    fn of(story: &Story) -> Option<End> {
        let withdrawn = story.case.facts.phase_last_said.map(|_| End::Withdrawn);
        if story.was_closed_by_hand() { Some(End::ClosedByUs) } else { withdrawn }
    }
}

/// What the source said, and what we made of it.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// When we saw or made it.
    pub at: Timestamp,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Debug, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    Update {
        id: String,
        /// The time that the source shows to people.
        said_at: Timestamp,
        origin: Origin,
        speaker: Option<String>,
        phase: Option<Phase>,
        body: String,
        status: Option<String>,
        action: Option<String>,
        need: Option<Need>,
        /// The change that told it; 0 and none as in the case's own rows.
        sequence: Option<i64>,
    },
    Rewritten {
        id: String,
        before: String,
    },
    Change {
        sequence: i64,
        reason: Kind,
        kinds: Vec<Kind>,
        why: String,
        due_at: Timestamp,
        planned_at: Option<Timestamp>,
        /// What it moved, from what to what.
        moved: Vec<String>,
    },
}

/// An item of the ledger, as `candor deliveries --json` lists it.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Delivery(pub serde_json::Value, #[serde(skip)] pub LedgerRow);

/// A promise, as `candor promises --json` lists it.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Promised(pub serde_json::Value, #[serde(skip)] pub PromiseRow);

impl Promised {
    fn value(row: &PromiseRow, now: Timestamp) -> serde_json::Value {
        serde_json::to_value(promises::Shown::of(row, now)).unwrap_or_default()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contact {
    pub client: String,
    pub channel: &'static str,
    pub to: String,
}

/// A contact without what is current, of a client none of whose contacts has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotReached {
    #[serde(flatten)]
    pub contact: Contact,
    /// `waiting`, `failed` or `cancelled`.
    pub state: &'static str,
    pub since: Option<Timestamp>,
    pub next_attempt_at: Option<Timestamp>,
    pub cause: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedAttempt {
    #[serde(flatten)]
    pub contact: Contact,
    pub sequence: i64,
    pub attempt: i64,
    pub at: Timestamp,
    pub outcome: String,
    pub cause: String,
}

impl CaseView {
    pub fn of(
        story: &Story,
        rows: &[LedgerRow],
        threads: &[Thread],
        attempts: &[(ThreadKey, AttemptRow)],
        promises: &[PromiseRow],
        held: Held,
        now: Timestamp,
    ) -> CaseView {
        let case = &story.case;
        let facts = &case.facts;
        let book = Book::of(rows, threads);
        CaseView {
            id: case.id.clone(),
            r#ref: case.reference.clone(),
            source: case.source.clone(),
            incident: case.incident.clone(),
            title: facts.title.clone(),
            state: case.state,
            phase: facts.phase_said(),
            end: End::of(story),
            impact: facts.impact,
            scope: facts.scope,
            components: facts.components.clone(),
            url: facts.url.clone(),
            started_at: facts.started_at,
            opened_at: case.opened_at,
            ended_at: case.ended_at,
            closed_at: case.closed_at,
            next_word_by: case.timers.promise.map(|promise| promise.due_at).filter(|_| threads.iter().any(is_owed)),
            silent_since_first_sight: facts.silent_since_first_sight,
            closed_by_hand: facts.closed_by_hand,
            now,
            timeline: timeline(story),
            deliveries: rows
                .iter()
                .map(|row| Delivery(serde_json::to_value(Shown::of(row, &held)).unwrap_or_default(), row.clone()))
                .collect(),
            promises: promises.iter().map(|row| Promised(Promised::value(row, now), row.clone())).collect(),
            not_reached: not_reached(threads, &book, &held),
            failed_attempts: attempts
                .iter()
                .map(|(key, attempt)| FailedAttempt {
                    contact: book.contact(key.contact_key),
                    sequence: attempt.to_sequence,
                    attempt: attempt.attempt,
                    at: attempt.at,
                    outcome: attempt.outcome.clone(),
                    cause: attempt.cause.to_string(),
                })
                .collect(),
            owed: threads
                .iter()
                .filter(|thread| is_owed(thread))
                .map(|thread| book.contact(thread.contact_key))
                .collect(),
            left_untold: threads
                .iter()
                .filter(|thread| thread.owed && thread.state != ThreadState::Active)
                .map(|thread| book.contact(thread.contact_key))
                .collect(),
            accounts_held: held,
        }
    }
}

/// Told that it is open, not yet that it is over, and can still be told.
fn is_owed(thread: &Thread) -> bool {
    thread.owed && thread.state == ThreadState::Active
}

/// Who stands behind the keys of contacts, as far as the ledger knows their addresses.
struct Book(BTreeMap<i64, Contact>);

impl Book {
    fn of(rows: &[LedgerRow], threads: &[Thread]) -> Book {
        let unknown = |thread: &Thread| Contact {
            client: thread.client_id.clone(),
            channel: thread.channel.as_str(),
            to: "…".to_owned(),
        };
        let known = |row: &LedgerRow| Contact {
            client: row.client_id.clone(),
            channel: row.channel.as_str(),
            to: masked(row.channel, &row.address),
        };
        let threads = threads.iter().map(|thread| (thread.contact_key, unknown(thread)));
        Book(threads.chain(rows.iter().map(|row| (row.id.contact_key, known(row)))).collect())
    }

    fn contact(&self, key: i64) -> Contact {
        let unknown = || Contact { client: "…".to_owned(), channel: "…", to: "…".to_owned() };
        self.0.get(&key).cloned().unwrap_or_else(unknown)
    }
}

/// Clients none of whose contacts has accepted what was planned last for the client, contact by contact.
fn not_reached(threads: &[Thread], book: &Book, held: &Held) -> Vec<NotReached> {
    let mut wanted: BTreeMap<&str, i64> = BTreeMap::new();
    for thread in threads {
        let most = wanted.entry(&thread.client_id).or_default();
        *most = thread.wanted.max(*most);
    }
    let has_it = |thread: &&Thread| wanted.get(thread.client_id.as_str()).is_some_and(|most| thread.told >= *most);
    let reached: BTreeSet<&str> = threads.iter().filter(has_it).map(|thread| thread.client_id.as_str()).collect();
    threads
        .iter()
        .filter(|thread| thread.has_unsent() && !reached.contains(thread.client_id.as_str()))
        .map(|thread| NotReached {
            contact: book.contact(thread.contact_key),
            state: match thread.state {
                ThreadState::Active => "waiting",
                ThreadState::Failed => "failed",
                ThreadState::Cancelled => "cancelled",
            },
            since: thread.since,
            next_attempt_at: thread.due_at.filter(|_| thread.state == ThreadState::Active),
            cause: held::cause(
                held.channel(thread.channel).filter(|_| thread.state == ThreadState::Active),
                thread.cause.as_ref().map(ToString::to_string),
            ),
        })
        .collect()
}

fn timeline(story: &Story) -> Vec<Entry> {
    let mut entries: Vec<Entry> = story.updates.iter().flat_map(of_update).collect();
    entries.extend(story.changes.iter().map(|change| Entry {
        at: change.made_at,
        what: What::Change {
            sequence: change.sequence,
            reason: change.reason(),
            kinds: change.kinds.clone(),
            why: change.why.clone(),
            due_at: change.due_at,
            planned_at: change.planned_at,
            moved: moved(change),
        },
    }));
    // Stable: what was said at one moment stands before what was made of it.
    entries.sort_by_key(|entry| entry.at);
    entries
}

/// "phase investigating → identified", as far as the change moved anything.
fn moved(change: &Change) -> Vec<String> {
    let facts = &change.facts;
    let word = |impact: Option<Impact>| impact.map_or("not stated", Impact::as_str);
    let window = |(from, until): (Timestamp, Option<Timestamp>)| match until {
        Some(until) => format!("{} to {}", super::listing::time(from), super::listing::time(until)),
        None => super::listing::time(from),
    };
    let mut moved = Vec::new();
    moved.extend(facts.phase_before.map(|before| format!("phase {} → {}", before.as_str(), facts.phase.as_str())));
    moved.extend(facts.impact_before.map(|before| format!("impact {} → {}", word(Some(before)), word(facts.impact))));
    moved.extend((!facts.added.is_empty()).then(|| format!("also {}", facts.added.join(", "))));
    moved.extend((!facts.removed.is_empty()).then(|| format!("no longer {}", facts.removed.join(", "))));
    moved.extend(facts.moved_from.map(|before| format!("window moved from {}", window(before))));
    moved.extend(facts.promised.map(|at| format!("keeps the word promised for {}", super::listing::time(at))));
    moved.extend(facts.lost_sight_since.map(|at| format!("source not read since {}", super::listing::time(at))));
    moved.extend(facts.last_seen_at.map(|at| format!("last listed {}", super::listing::time(at))));
    moved
}

/// The update with its first text, then each rewriting.
fn of_update(update: &Update) -> Vec<Entry> {
    // The newest former text stands first; the text that followed it was seen at its time.
    let mut entries = vec![Entry {
        at: update.seen_at,
        what: What::Update {
            id: update.id.clone(),
            said_at: update.at,
            origin: update.origin,
            speaker: update.speaker.clone(),
            phase: update.phase,
            body: update.body.clone(),
            status: update.status.clone(),
            action: update.action.clone(),
            need: update.need,
            sequence: update.sequence,
        },
    }];
    entries.extend(update.versions.iter().rev().map(|former| Entry {
        at: former.seen_at,
        what: What::Rewritten { id: update.id.clone(), before: former.body.clone() },
    }));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::client::Channel;

    fn thread(contact_key: i64, client: &str, told: i64, wanted: i64, state: ThreadState) -> Thread {
        Thread {
            case_key: 1,
            contact_key,
            client_id: client.into(),
            channel: Channel::Email,
            episode: 1,
            told,
            wanted,
            standing: crate::domain::thread::Standing::In,
            owed: told > 0,
            state,
            first_told: (told > 0).then_some(1),
            notices: told,
            since: None,
            due_at: None,
            attempts: 0,
            variant: 1,
            told_variant: None,
            asked: vec![],
            last_key: None,
            uncertain: false,
            cause: None,
        }
    }

    #[test]
    fn a_client_is_reached_by_any_contact_that_has_what_is_current() {
        use ThreadState::{Active, Cancelled, Failed};
        let check = |threads: &[Thread], expected: &[(&str, &str)]| {
            let found = not_reached(threads, &Book::of(&[], threads), &Held::default());
            let found: Vec<_> = found.iter().map(|n| (n.contact.client.as_str(), n.state)).collect();
            assert_eq!(found, expected);
        };
        check(&[thread(1, "acme", 2, 2, Active)], &[]);
        check(&[thread(1, "acme", 2, 2, Active), thread(2, "acme", 0, 2, Failed)], &[]);
        check(&[thread(1, "acme", 1, 2, Active)], &[("acme", "waiting")]);
        check(
            &[thread(1, "acme", 1, 2, Failed), thread(2, "acme", 1, 2, Cancelled), thread(3, "globex", 2, 2, Active)],
            &[("acme", "failed"), ("acme", "cancelled")],
        );
    }
}
