//! What every adapter of the store has to do, as statements. Each test is given a new, empty store; a second
//! adapter is one more line in [`suite`].

mod book;
mod cases;
mod delivery;
mod ledger;
mod planning;
mod promises;
mod walk;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Store;
use super::rows::*;
use crate::domain::case::*;
use crate::domain::client::{Channel, Client, Contact};
use crate::domain::incident::{Impact, Need, Origin, Phase};
use crate::domain::missed::Missed;
use crate::domain::notice::{Affected, Kind};
use crate::domain::thread::{Standing, Thread, ThreadState, Variant};

/// An empty store that lives as long as the test.
struct Fresh {
    store: Store,
    _folder: tempfile::TempDir,
}

fn sqlite() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("candor.db"), "00ff", at(0)).unwrap();
    Fresh { store, _folder: folder }
}

/// Runs each statement against each adapter.
macro_rules! suite {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test]
                async fn $name() {
                    let fresh = crate::store::conformance::sqlite();
                    super::$name(fresh.store.clone()).await;
                    fresh.store.close().await;
                    assert!(!fresh.store.is_broken());
                }
            )*
        }
    };
}
use suite;

/// Seconds after an arbitrary start.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + seconds).unwrap()
}

fn new_case(incident: &str) -> Case {
    // A reference of its own for each incident: four letters and digits.
    let number: u32 = incident.bytes().fold(7, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    Case {
        key: 0,
        version: 0,
        id: format!("0193aaaa-{number:08x}-7000-8000-{incident}"),
        reference: format!("R{:03X}", number % 0xfff),
        source: "platform".into(),
        incident: incident.into(),
        state: CaseState::Open,
        episode: 1,
        sequence: 1,
        opened_at: at(0),
        ended_at: None,
        closed_at: None,
        facts: facts(),
        timers: Timers::default(),
    }
}

fn facts() -> Facts {
    Facts {
        title: "Payments fail".into(),
        phase: Phase::Investigating,
        phase_unknown: None,
        impact: Some(Impact::Major),
        components: vec!["Payments API".into()],
        scope: Scope::Named,
        started_at: Some(at(-60)),
        resolved_at: None,
        scheduled_for: None,
        scheduled_until: None,
        url: None,
        data_loss: None,
        report_by: None,
        stand: None,
        said_action: None,
        silent_since_first_sight: false,
        revised_at: None,
        last_news_at: at(0),
        missed_reads: vec![],
        last_listed_at: None,
        source_said: None,
        first_source: None,
        events: vec![],
        asked_at: None,
        closed_by_hand: false,
        phase_last_said: None,
        begun_by_clock: None,
        incident_since: None,
        parts: Vec::new(),
        stale_since: None,
        stale_stamp: None,
    }
}

fn change(sequence: i64, due: i64) -> Change {
    Change {
        sequence,
        episode: 1,
        kinds: vec![Kind::Updated],
        made_at: at(due),
        due_at: at(due),
        planned_at: None,
        is_begun: false,
        why: "a new update".into(),
        facts: ChangeFacts {
            title: "Payments fail".into(),
            phase: Phase::Investigating,
            phase_before: None,
            impact: None,
            impact_before: None,
            added: vec![],
            removed: vec![],
            moved_from: None,
            promised: None,
            lost_sight_since: None,
            closed_by_hand_at: None,
            last_seen_at: None,
            phase_last_said: None,
        },
    }
}

fn update(number: i64, id: &str) -> Update {
    Update {
        number,
        id: id.into(),
        sequence: Some(1),
        phase: Some(Phase::Investigating),
        body: "We are looking into it.".into(),
        status: None,
        action: None,
        need: None,
        by: None,
        takes: None,
        sorry: false,
        estimate: None,
        speaker: None,
        next_word: None,
        at: at(0),
        seen_at: at(1),
        origin: Origin::Polled,
        versions: vec![],
    }
}

fn client(id: &str, priorities: &[&str], addresses: &[&str]) -> Client {
    Client {
        id: id.into(),
        name: id.to_uppercase(),
        timezone: "Europe/Berlin".into(),
        locale: Some("de".into()),
        priorities: priorities.iter().map(|&word| word.into()).collect(),
        min_impact: Impact::None,
        maintenance: true,
        owner: None,
        tags: vec!["batch".into()],
        facts: BTreeMap::new(),
        contacts: addresses
            .iter()
            .map(|&address| Contact {
                channel: if address.contains('@') { Channel::Email } else { Channel::Webhook },
                address: address.into(),
                secret: None,
                fallback: false,
                name: None,
            })
            .collect(),
    }
}

fn variant(text: &str) -> Variant {
    Variant {
        affected: Affected::Confirmed,
        concerned: vec![(1, text.into())],
        untouched: vec![],
        need: Need::None,
        known: true,
        actions: vec![],
        closing: None,
        missed: Missed::default(),
    }
}

/// Writes a book of these clients and switches to it.
async fn read_book(store: &Store, clients: Vec<Client>) -> BookChange {
    let generation = store.begin_book().await.unwrap();
    store.write_book_chunk(generation, clients).await.unwrap();
    store.switch_book(generation, format!("book {generation}"), at(0)).await.unwrap()
}

/// Records one new case with a first change that is due; its key.
async fn open_case(store: &Store, incident: &str) -> i64 {
    let write = Write { case: new_case(incident), updates: vec![update(1, "u1")], changes: vec![change(1, 0)] };
    match store.record(vec![write], None).await.unwrap() {
        Recorded::Done { case_keys } => case_keys[0],
        Recorded::Conflict => panic!("a new case conflicts"),
    }
}

async fn case_of(store: &Store, case_key: i64) -> Case {
    store.story(case_key).await.unwrap().unwrap().case
}

/// A raise as planning makes it for every contact of the clients in the chunk.
fn raises(chunk: &Chunk, words: &str, due: i64) -> Vec<Raise> {
    let contacts = chunk.planned.iter().flat_map(|planned| {
        planned.contacts.iter().map(|(contact_key, contact)| (planned.client.id.clone(), *contact_key, contact.channel))
    });
    contacts
        .map(|(client_id, contact_key, channel)| Raise {
            contact_key,
            client_id,
            channel,
            variant: variant(words),
            standing: Standing::In,
            episode: Episode::Same,
            due_at: at(due),
            waiting: Waiting::Keeps,
        })
        .collect()
}

/// Plans one change of a case for everybody in the book.
async fn plan(store: &Store, case_key: i64, sequence: i64, now: i64) -> Recorded {
    plan_as(store, case_key, sequence, Waiting::Keeps, now).await
}

async fn plan_as(store: &Store, case_key: i64, sequence: i64, waiting: Waiting, now: i64) -> Recorded {
    let chunk = store.planning_chunk(case_key, None, Selector::Everyone, 1000).await.unwrap();
    let case = Box::new(case_of(store, case_key).await);
    let raises = raises(&chunk, &format!("change {sequence}"), now);
    let raises = raises.into_iter().map(|raise| Raise { waiting, ..raise }).collect();
    let raising = Raising { case_key, sequence, raises, progress: Progress::Done { case } };
    store.raise(raising, at(now)).await.unwrap()
}

/// Adds the next change to a case and plans it.
async fn plan_next(store: &Store, case_key: i64, now: i64) -> i64 {
    plan_next_as(store, case_key, Waiting::Keeps, now).await
}

async fn plan_next_as(store: &Store, case_key: i64, waiting: Waiting, now: i64) -> i64 {
    let mut case = case_of(store, case_key).await;
    case.sequence += 1;
    let sequence = case.sequence;
    let kind = if waiting == Waiting::Keeps { Kind::Updated } else { Kind::Worse };
    let changes = vec![Change { kinds: vec![kind], ..change(sequence, now) }];
    let write = Write { case, updates: vec![], changes };
    assert!(matches!(store.record(vec![write], None).await.unwrap(), Recorded::Done { .. }));
    assert!(matches!(plan_as(store, case_key, sequence, waiting, now).await, Recorded::Done { .. }));
    sequence
}

/// A case of one client with one mail contact, planned; the case's key.
async fn one_waiting_mail(store: &Store) -> i64 {
    read_book(store, vec![client("acme", &["payments"], &["ops@acme.example"])]).await;
    let case_key = open_case(store, "i1").await;
    plan(store, case_key, 1, 0).await;
    case_key
}

/// What settling a claimed thread as accepted, refused or to be tried again makes of it.
fn settlement(claimed: &Claimed, outcome: Settled, now: i64) -> Settlement {
    let before = &claimed.thread;
    let mut after = before.clone();
    let mut delivery = DeliveryRow {
        from_sequence: before.told,
        to_sequence: before.wanted,
        variant: before.variant,
        state: outcome,
        uncertain: false,
        attempts: before.attempts + 1,
        planned_at: before.since.unwrap(),
        settled_at: at(now),
        receipt: Some("250 ok".into()),
        cause: None,
        key: Some("key".into()),
    };
    match outcome {
        Settled::Delivered => {
            after.told = before.wanted;
            after.first_told = after.first_told.or(Some(before.wanted));
            after.told_variant = Some(before.variant);
            after.owed = before.standing == Standing::In;
            after.notices += 1;
            after.attempts = 0;
        }
        Settled::Failed | Settled::Cancelled => {
            after.state = ThreadState::Failed;
            after.attempts += 1;
            after.cause = Some(cause("no such user"));
            delivery.cause = after.cause.clone();
            delivery.receipt = None;
        }
    }
    Settlement { after, claim_to: before.wanted, delivery: Some(delivery), attempt: None, promised: None }
}

fn cause(text: &str) -> crate::domain::delivery::Cause {
    crate::domain::delivery::Cause::new("rcpt", Some(550), text)
}

async fn only_thread(store: &Store, case_key: i64) -> Thread {
    let threads = store.case_threads(case_key).await.unwrap();
    assert_eq!(threads.len(), 1);
    threads.into_iter().next().unwrap()
}

/// Claims what is due by mail and has it accepted; how many.
async fn deliver_all(store: &Store, epoch: i64, now: i64) -> i64 {
    let claimed = store.claim(Channel::Email, epoch, at(now), 100, Whose::Everybodys).await.unwrap();
    let settlements = claimed.iter().map(|claimed| settlement(claimed, Settled::Delivered, now)).collect();
    store.settle(epoch, settlements).await.unwrap().threads
}
