//! The real passes and store, without a network: the source is read and the channels answer in memory.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use candor::daemon::node::Node;
use candor::domain::absence::{self, Ends, Miss, OwnPage};
use candor::domain::case::{CaseState, Scope};
use candor::domain::client::Channel;
use candor::domain::delivery::{self, Asks, Attempt, Cause, Consequence, Outcome, Policy};
use candor::domain::incident::Observation;
use candor::domain::observe::Sight;
use candor::domain::thread::{ThreadState, Variant};
use candor::passes::dispatch::{self, Came};
use candor::passes::message::Bundle;
use candor::passes::{Clock, Shared, book, deliver, ingest, keep};
use candor::store::rows::{CaseFilter, Claimed, FeedRow, Settlement, Whose, Write};
use jiff::{SignedDuration, Timestamp};

use super::clients::Clients;
use super::dice::Dice;
use super::heard::Heard;
use super::source::Source;
use crate::harness::HandClock;

const CONFIG: &str = r#"
state = "candor.db"
[sender]
name = "Example Platform"
email = "incidents@example.com"
[[feed]]
name = "platform"
kind = "statuspage"
url = "http://127.0.0.1:1"
[[component]]
id = "payments"
name = "Payments API"
[[component]]
id = "search"
name = "Search"
[[component]]
id = "mail"
name = "Mail"
[email]
server = "smtp://127.0.0.1:1"
[webhook]
key = "a key that nobody guesses, for tests"
"#;
const PLAYBOOK: &str = "[[guidance]]\nid = \"pause\"\ncomponents = [\"search\"]\nphases = [\"identified\"]\nneed = \"required\"\naction = \"Pause the export.\"\nby = \"1h\"\nundo = \"Resume it.\"\n";

/// How the other side answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    Accept,
    /// `451`, and the connection lost after the last byte, in turns.
    Waver,
    /// No answer at all.
    Down,
}

pub struct World {
    folder: tempfile::TempDir,
    pub clock: HandClock,
    node: Node,
    pub dice: Dice,
    pub source: Source,
    pub clients: Clients,
    pub channels: Channels,
    /// Since when nothing has been in the way of a word.
    pub clear_since: Timestamp,
    /// The source has said its last word.
    pub is_ending: bool,
    pub heard: Heard,
}

impl World {
    pub async fn open(seed: u64) -> World {
        let clock = HandClock::at("2026-11-23T13:00:00Z".parse().unwrap());
        let memory = std::path::Path::new("/dev/shm");
        // What is lost with the power is no part of these walks.
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let clients = Clients::new();
        for (name, text) in [("candor.toml", CONFIG), ("playbook.toml", PLAYBOOK), ("clients.toml", &clients.written())]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let hand = clock.clone();
        let node = Node::open(&folder.path().join("candor.toml"), Clock::new(move || hand.now())).await;
        let node = node.unwrap_or_else(|error| panic!("the node does not open: {error:?}"));
        let clear_since = clock.now();
        let (dice, source, heard) = (Dice::of(seed), Source::default(), Heard::default());
        let mut world = World {
            folder,
            clock,
            node,
            dice,
            source,
            clients,
            channels: Channels::Accept,
            clear_since,
            is_ending: false,
            heard,
        };
        world.read(&[]).await;
        world
    }

    pub fn shared(&self) -> &Shared {
        &self.node.shared
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A good read of the source's lists.
    pub async fn read_source(&mut self) {
        let shown = self.source.shown();
        self.read(&shown).await;
        let (shared, now) = (self.shared(), self.now());
        for open in shared.store.open_cases_of("platform".to_owned()).await.unwrap() {
            let Some(story) = shared.store.story(open.case_key).await.unwrap() else { continue };
            let pace = shared.current.load().settings.pace;
            if !self.source.shows(&open.incident)
                && let Some(step) = absence::missed(
                    &story,
                    &Miss { ends: Ends::Stated, own_page: OwnPage::Gone, last_good_at: Some(now), pace: &pace, now },
                )
            {
                let write =
                    Write { case: step.case, updates: step.updates, changes: step.change.into_iter().collect() };
                shared.store.record(vec![write], None).await.unwrap();
            }
        }
    }

    /// Takes in what a read brought, whatever its worth.
    pub async fn read(&mut self, seen: &[Observation]) {
        let (shared, now) = (self.shared(), self.now());
        let before = shared.store.feed("platform".to_owned()).await.unwrap();
        let last_good_at = before.as_ref().and_then(|row| row.last_good_at);
        let sight = if last_good_at.is_some() { Sight::Watching { last_good_at } } else { Sight::First };
        let row = FeedRow {
            name: "platform".to_owned(),
            due_at: now + SignedDuration::from_hours(1_000),
            first_read_at: Some(now),
            last_good_at: Some(now),
            failing_since: None,
            page_id: None,
            poked_at: before.and_then(|row| row.poked_at),
            body: serde_json::Value::Null,
        };
        ingest::take(shared, seen, sight, Some(row), now).await.unwrap();
    }

    pub async fn load_clients(&mut self) {
        std::fs::write(self.folder.path().join("clients.toml"), self.clients.written()).unwrap();
        let shared = self.shared();
        let current = shared.current.load_full();
        book::load(&shared.store, &current, book::Caution::None, self.now()).await.unwrap();
    }

    /// What was claimed and never settled is free again, as after any end without warning.
    pub async fn crash(&mut self) {
        let epoch = self.shared().store.begin_epoch("walk".to_owned(), self.now()).await.unwrap();
        self.node.shared.epoch = epoch;
    }

    /// Lets time pass, stopping wherever something is due.
    pub async fn pass(&mut self, minutes: i64) {
        let target = self.now() + SignedDuration::from_mins(minutes);
        loop {
            self.turn().await;
            let now = self.now();
            let store = &self.shared().store;
            let due = [
                store.next_due_change().await.unwrap(),
                store.next_wake().await.unwrap(),
                store.next_due(Channel::Email).await.unwrap(),
                store.next_due(Channel::Webhook).await.unwrap(),
            ];
            let next = due.into_iter().flatten().min().map(|next| next.max(now + SignedDuration::from_secs(1)));
            if now >= target {
                return;
            }
            self.clock.set(next.map_or(target, |next| next.min(target)));
        }
    }

    async fn turn(&mut self) {
        for _ in 0..50 {
            let asked = self.shared().store.due_feeds(vec!["platform".to_owned()], self.now()).await.unwrap();
            if !asked.is_empty() {
                self.read_source().await;
            }
            let kept = keep::pass(self.shared(), self.now()).await.unwrap();
            self.note_reach().await;
            let planned = self.plan().await;
            let sent = self.send().await;
            if kept.spoken + kept.closed + kept.cancelled + planned + sent == 0 && asked.is_empty() {
                self.look().await;
                return;
            }
        }
        panic!("something is due again and again at {}", self.now());
    }

    async fn note_reach(&mut self) {
        let current = self.shared().current.load_full();
        for row in self.shared().store.listed_cases(CaseFilter::All, 100).await.unwrap() {
            let facts = &row.case.facts;
            let reached = self.heard.reached.entry(row.case.key).or_default();
            match facts.scope {
                Scope::Everyone => drop(reached.insert("*".to_owned())),
                Scope::Unscoped | Scope::Nobody => {}
                Scope::Named | Scope::NamedByPerson => {
                    let named = current.catalog.resolve(&facts.components).keys;
                    reached.extend(current.catalog.reach(&named).into_keys());
                }
            }
        }
    }

    /// Plans what is due in small chunks, between which anything may happen.
    async fn plan(&mut self) -> usize {
        let mut chunks = 0;
        while let Some(due) = self.shared().store.due_changes(self.now(), 1).await.unwrap().pop() {
            let most = 1 + i64::try_from(self.dice.throw(4)).unwrap();
            let planned = dispatch::plan_chunk(self.shared(), &due, most, self.now()).await.unwrap();
            assert_ne!(planned.came, Came::NotItsTurn, "{due:?} is the first of its case");
            chunks += 1;
            match self.dice.throw(24) {
                0 => self.crash().await,
                1 if !self.is_ending => drop(self.source.moves(&mut self.dice, self.clock.now())),
                2 => self.read_source().await,
                3..=5 => drop(self.send().await),
                _ => {}
            }
            self.note_reach().await;
        }
        chunks
    }

    /// Attempts all that is due; how many were settled.
    async fn send(&mut self) -> usize {
        let mut settled = 0;
        for channel in Channel::ALL {
            let (shared, now) = (self.shared().clone(), self.now());
            let mut bundles = BTreeMap::new();
            let mut settlements = Vec::new();
            for claimed in shared.store.claim(channel, shared.epoch, now, 100, Whose::Everybodys).await.unwrap() {
                let case_key = claimed.thread.case_key;
                if let Entry::Vacant(place) = bundles.entry(case_key) {
                    place.insert(Bundle::load(&shared, case_key, now).await.unwrap().unwrap());
                }
                settled += 1;
                if self.dice.once_in(200) {
                    // We crash with this one and all that follow under way.
                    shared.store.settle(shared.epoch, settlements).await.unwrap();
                    self.crash().await;
                    return settled;
                }
                settlements.push(self.attempt(&shared, &claimed, &bundles[&case_key]).await);
            }
            shared.store.settle(shared.epoch, settlements).await.unwrap();
        }
        settled
    }

    async fn attempt(&mut self, shared: &Shared, claimed: &Claimed, bundle: &Bundle) -> Settlement {
        let (thread, now) = (&claimed.thread, self.now());
        let after = if let Some((until, by)) = deliver::told_elsewhere(shared, claimed).await {
            delivery::told_elsewhere(thread, until, by, now)
        } else {
            let notice = bundle.notice(thread, None).expect("a variant that is kept");
            let key = delivery::delivery_key(shared.store.state_id(), &notice.case.id, thread, thread.wanted);
            if self.dice.once_in(30) {
                bundle.message(shared, claimed).expect("it can be put into words");
            }
            let asks = if notice.guidance.actions.is_empty() { Asks::Nothing } else { Asks::Something };
            let outcome = self.outcome();
            if let Outcome::Delivered { .. } = outcome {
                self.heard.hears(thread, &claimed.contact.address, &key, notice, &self.clients);
            }
            let policy = Policy {
                retry: [2, 10, 30].map(|minutes| std::time::Duration::from_secs(minutes * 60)).to_vec(),
                give_up: std::time::Duration::MAX,
            };
            let attempt = Attempt { thread, until: thread.wanted, asks, key: &key, outcome: &outcome };
            delivery::after(&attempt, &policy, now)
        };
        assert_eq!(after.consequence, Consequence::None);
        Settlement { after: after.thread, claim_to: thread.wanted, delivery: None, attempt: None, promised: None }
    }

    fn outcome(&mut self) -> Outcome {
        let cause = Cause::new("data", Some(451), "not now");
        match self.channels {
            Channels::Accept => Outcome::Delivered { receipt: "250 ok".to_owned() },
            Channels::Down => Outcome::Deferred { cause, retry_after: None },
            Channels::Waver => match self.dice.throw(3) {
                0 => Outcome::Delivered { receipt: "250 ok".to_owned() },
                1 => Outcome::Uncertain { cause },
                _ => Outcome::Deferred { cause, retry_after: None },
            },
        }
    }

    /// Whether any promise is broken.
    async fn look(&mut self) {
        let (shared, now) = (self.shared(), self.now());
        let mut waiting = Vec::new();
        for row in shared.store.listed_cases(CaseFilter::OpenOrOwed, 100).await.unwrap() {
            if row.case.state == CaseState::Open {
                for thread in shared.store.case_threads(row.case.key).await.unwrap() {
                    let is_active = thread.state == ThreadState::Active;
                    if is_active && thread.owed {
                        waiting.push((thread.case_key, thread.client_id));
                    }
                }
            }
        }
        let since = if self.channels == Channels::Accept { self.clear_since } else { now };
        self.heard.nobody_waits(since, now, |case_key, client| {
            waiting.iter().any(|(of_case, of_client)| *of_case == case_key && of_client == client)
        });
    }

    /// After everything has ended and settled: every case is closed and nobody lacks a word.
    pub async fn is_at_rest(&self) {
        let store = &self.shared().store;
        for row in store.listed_cases(CaseFilter::All, 100).await.unwrap() {
            let case = &row.case;
            assert_eq!((case.state, row.pending, row.owed), (CaseState::Closed, 0, 0), "{case:#?}");
            let story = store.story(case.key).await.unwrap().unwrap();
            let updates: Vec<(String, i64)> =
                story.updates.iter().filter_map(|u| u.sequence.map(|sequence| (u.id.clone(), sequence))).collect();
            let variants: HashMap<i64, Variant> = store.case_variants(case.key).await.unwrap().into_iter().collect();
            for thread in store.case_threads(case.key).await.unwrap() {
                if thread.state == ThreadState::Active {
                    // What concerned only others while it was over for the contact is not told to it.
                    let missed = &variants[&thread.variant].missed;
                    let of_theirs = updates.iter().filter(|(_, sequence)| !missed.holds(*sequence));
                    let updates: Vec<(String, i64)> = of_theirs.cloned().collect();
                    self.heard.is_complete(&thread, &updates);
                }
            }
        }
    }
}
