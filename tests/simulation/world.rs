//! The real passes and store, without a network: the source is read and the channels answer in memory.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use candor::daemon::node::Node;
use candor::domain::absence::{self, Ends, Miss, OwnPage};
use candor::domain::case::{CaseState, Scope};
use candor::domain::client::Channel;
use candor::domain::delivery::{self, Asks, Cause, Consequence, Outcome};
use candor::domain::incident::Observation;
use candor::domain::observe::Sight;
use candor::domain::thread::ThreadState;
use candor::passes::dispatch::{self, Came};
use candor::passes::message::{Bundle, Form, Made};
use candor::passes::settling::{End, Finished};
use candor::passes::{Clock, Shared, book, deliver, ingest, keep};
use candor::store::rows::{CaseFilter, Claimed, FeedRow, Settlement, Whose, Write};
use jiff::{SignedDuration, Timestamp};

use super::clients::Clients;
use super::clock::HandClock;
use super::dice::Dice;
use super::heard::Heard;
use super::model::Model;
use super::source::Source;

const CONFIG: &str = r#"
state = "candor.db"
[sender]
name = "Example Platform"
email = "incidents@example.com"
[[feed]]
name = "platform"
kind = "statuspage"
url = "http://127.0.0.1:1"
[[feed]]
name = "vendor"
kind = "statuspage"
url = "http://127.0.0.1:1"
supplier = "Vendor"
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
retry = ["2m", "10m", "30m"]
give_up = "30d"
[webhook]
retry = ["2m", "10m", "30m"]
give_up = "30d"
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
    pub sources: [Source; 2],
    /// Neither source can be read.
    pub sources_fail: bool,
    pub model: Model,
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
        let (dice, heard) = (Dice::of(seed), Heard::default());
        let sources = [Source::new("platform", Ends::Stated), Source::new("vendor", Ends::Vanishing)];
        let mut world = World {
            folder,
            clock,
            node,
            dice,
            sources,
            sources_fail: false,
            model: Model::default(),
            clients,
            channels: Channels::Accept,
            clear_since,
            is_ending: false,
            heard,
        };
        // What stands there at the first sight is told to nobody.
        for source in 0..world.sources.len() {
            if world.dice.once_in(3) {
                world.sources[source].moves(&mut world.dice, world.clock.now());
            }
        }
        world.read_sources().await;
        world
    }

    pub fn shared(&self) -> &Shared {
        &self.node.shared
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A good read of the lists of both sources, unless they cannot be read.
    pub async fn read_sources(&mut self) {
        for source in 0..self.sources.len() {
            self.read_source(source).await;
        }
    }

    async fn read_source(&mut self, source: usize) {
        let (shown, name, ends) = (self.sources[source].shown(), self.sources[source].name, self.sources[source].ends);
        let now = self.now();
        if self.sources_fail {
            let row = self.shared().store.feed(name.to_owned()).await.unwrap().unwrap_or_else(|| blank(name));
            let failing_since = row.failing_since.or(Some(now));
            let row = FeedRow { due_at: now + SignedDuration::from_hours(1_000), failing_since, ..row };
            self.shared().store.save_feed(row).await.unwrap();
            return;
        }
        let last_good_at = self.shared().store.feed(name.to_owned()).await.unwrap().and_then(|row| row.last_good_at);
        self.read(source, &shown).await;
        for open in self.shared().store.open_cases_of(name.to_owned()).await.unwrap() {
            let shared = self.shared();
            let Some(story) = shared.store.story(open.case_key).await.unwrap() else { continue };
            if self.sources[source].shows(&open.incident) {
                continue;
            }
            let pace = shared.current.load().settings.pace;
            let miss = Miss { ends, own_page: OwnPage::Gone, last_good_at, pace: &pace, now };
            if let Some(step) = absence::missed(&story, &miss) {
                let write =
                    Write { case: step.case, updates: step.updates, changes: step.change.into_iter().collect() };
                shared.store.record(vec![write], None).await.unwrap();
            }
        }
        let source = &self.sources[source];
        self.model.misses(ends, |incident| source.shows(incident), &name[..1], now);
    }

    /// Takes in what a good read brought, whatever its worth.
    pub async fn read(&mut self, source: usize, seen: &[Observation]) {
        let (name, now) = (self.sources[source].name, self.now());
        let before = self.shared().store.feed(name.to_owned()).await.unwrap();
        let last_good_at = before.as_ref().and_then(|row| row.last_good_at);
        let sight = if last_good_at.is_some() { Sight::Watching { last_good_at } } else { Sight::First };
        let row = FeedRow {
            due_at: now + SignedDuration::from_hours(1_000),
            first_read_at: Some(now),
            last_good_at: Some(now),
            poked_at: before.and_then(|row| row.poked_at),
            ..blank(name)
        };
        let shared = self.shared();
        ingest::take(shared, seen, sight, Some(row), now).await.unwrap();
        self.note_reach().await;
        let shown = self.sources[source].shown();
        for one in seen {
            if shown.contains(one) || self.model.is_newest(one) {
                self.model.sees(one, sight, now);
            }
        }
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
            let names = self.sources.iter().map(|source| source.name.to_owned()).collect();
            let asked = self.shared().store.due_feeds(names, self.now()).await.unwrap();
            for name in &asked {
                let source = self.sources.iter().position(|source| source.name == *name).unwrap();
                self.read_source(source).await;
            }
            let kept = keep::pass(self.shared(), self.now()).await.unwrap();
            if kept.spoken > 0 {
                self.note_reach().await;
            }
            let planned = self.plan().await;
            let sent = self.send().await;
            if kept.spoken + kept.closed + kept.cancelled + planned + sent == 0 && asked.is_empty() {
                self.look().await;
                return;
            }
        }
        panic!("something is due again and again at {}", self.now());
    }

    pub async fn note_reach(&mut self) {
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
                1 if !self.is_ending => {
                    let source = self.dice.throw(self.sources.len());
                    drop(self.sources[source].moves(&mut self.dice, self.clock.now()));
                }
                2 => self.read_sources().await,
                3..=5 => drop(self.send().await),
                _ => {}
            }
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
            let all = shared.store.claim(channel, shared.epoch, now, 100, Whose::Everybodys).await.unwrap();
            for claimed in all {
                let case_key = claimed.thread.case_key;
                if let Entry::Vacant(place) = bundles.entry(case_key) {
                    place.insert(Arc::new(Bundle::load(&shared, case_key, now).await.unwrap().unwrap()));
                }
                settled += 1;
                if self.dice.once_in(200) {
                    // We crash with this one and all that follow under way.
                    shared.store.settle(shared.epoch, settlements).await.unwrap();
                    self.crash().await;
                    return settled;
                }
                let bundle = bundles[&case_key].clone();
                settlements.push(self.attempt(&shared, claimed, &bundle).await);
            }
            shared.store.settle(shared.epoch, settlements).await.unwrap();
        }
        settled
    }

    async fn attempt(&mut self, shared: &Shared, claimed: Claimed, bundle: &Arc<Bundle>) -> Settlement {
        let now = self.now();
        let end = match deliver::told_elsewhere(shared, &claimed).await {
            Some((until, by)) => End::ToldElsewhere { until, by },
            None => self.tried(shared, &claimed, bundle),
        };
        let finished = Finished { claimed, bundle: bundle.clone(), end };
        let (after, settlement) = finished.settled(shared, now).expect("it was tried");
        assert_eq!(after.consequence, Consequence::None);
        settlement
    }

    fn tried(&mut self, shared: &Shared, claimed: &Claimed, bundle: &Bundle) -> End {
        let thread = &claimed.thread;
        let notice = bundle.notice(thread, None).expect("a variant that is kept");
        let key = delivery::delivery_key(shared.store.state_id(), &notice.case.id, thread, thread.wanted);
        if self.dice.once_in(60) {
            bundle.message(shared, claimed).expect("it can be put into words");
        }
        let asks = if notice.guidance.actions.is_empty() { Asks::Nothing } else { Asks::Something };
        let made = Made { key: key.clone(), asks, form: Form::Nothing, promised: notice.next_word };
        let outcome = self.outcome();
        if let Outcome::Delivered { .. } = outcome {
            self.heard.hears(thread, &claimed.contact.address, &key, notice, &self.clients);
        }
        End::Tried(made, outcome)
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
        if !self.heard.is_any_late(now) {
            return;
        }
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
}

fn blank(name: &str) -> FeedRow {
    FeedRow {
        name: name.to_owned(),
        due_at: Timestamp::UNIX_EPOCH,
        first_read_at: None,
        last_good_at: None,
        failing_since: None,
        page_id: None,
        poked_at: None,
        body: serde_json::Value::Null,
    }
}
