//! What the rules themselves cost, without a store: planning one change for 100,000 clients, putting together a notice
//! of a long case, and looking for what is due when nothing is.
//!
//! `cargo bench --bench rules`. Each figure is the least of several runs. Deliberately absent: sending (`storm.rs`).
#![allow(clippy::print_stdout, reason = "a benchmark prints")]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use candor::domain::case::{Change, Story, Update};
use candor::domain::client::{Channel, Client, Contact};
use candor::domain::component::{Catalog, Component};
use candor::domain::incident::{Impact, Observation, ObservedUpdate, Origin, Part, Phase};
use candor::domain::notice::Voice;
use candor::domain::observe::{Context, FeedRules, Observed, Sight, observe};
use candor::domain::pace::{Corrections, PaceSettings};
use candor::domain::plan::{Known, Planning};
use candor::domain::telling::Telling;
use candor::domain::thread::{Standing, Thread, ThreadState, Variant};
use candor::store::Store;
use candor::store::rows::Write;
use jiff::{SignedDuration, Timestamp};

const CLIENTS: usize = 100_000;
const RUNS: usize = 7;

fn main() {
    println!("planning one change for {CLIENTS} clients, pure: {:?}", planning());
    let (short, long) = (noticing(10), noticing(1_000));
    println!("a notice of a case with 10 updates: {short:?}; with 1,000: {long:?}");
    println!("looking for what is due among 10,000 open cases when nothing is: {:?}", idle_keep());
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(30_000_000 + minutes)
}

/// The least of several runs.
fn least(mut run: impl FnMut() -> Duration) -> Duration {
    (0..RUNS).map(|_| run()).min().unwrap_or_default()
}

fn catalog() -> Catalog {
    let component = |number: usize| Component {
        id: format!("c{number}"),
        name: format!("Component {number}"),
        matches: Vec::new(),
        words: Vec::new(),
        part_of: None,
        depends_on: Vec::new(),
    };
    Catalog::new((0..20).map(component).collect())
}

/// A case with so many posts, each of them told.
fn story(posts: usize) -> Story {
    let pace = PaceSettings {
        settle: Duration::ZERO,
        apart: Duration::ZERO,
        max_age: Duration::from_secs(86_400),
        corrections: Corrections::Open,
    };
    let (catalog, feed) = (catalog(), FeedRules::default());
    let mut story: Option<Story> = None;
    let mut updates: Vec<ObservedUpdate> = Vec::new();
    for post in 0..posts {
        let minute = i64::try_from(post).unwrap_or(0);
        updates.push(ObservedUpdate {
            id: Some(format!("u{post}")),
            phase: Some(Phase::Investigating),
            body: format!("Post {post} says {} and {} of it.", post * 7, post * 13),
            at: Some(at(minute)),
            ..ObservedUpdate::default()
        });
        // Only the new post: what is measured is the telling, not the taking in.
        let seen = observation(vec![updates[post].clone()], minute);
        let context = Context {
            now: at(minute),
            pace: &pace,
            catalog: &catalog,
            playbook: &[],
            feed: &feed,
            sight: Sight::Watching { last_good_at: None },
            new_id: "0193",
            new_reference: "K7QM",
        };
        if let Observed::Changed(step) = observe(story.as_ref(), &seen, &context) {
            let mut after = Story::after(story.take(), step.case, &step.updates, step.change.as_ref());
            after.changes.iter_mut().for_each(|change| change.planned_at = Some(at(minute)));
            story = Some(after);
        }
    }
    story.expect("there is a post")
}

fn observation(updates: Vec<ObservedUpdate>, minute: i64) -> Observation {
    Observation {
        source: "platform".to_owned(),
        incident: "i1".to_owned(),
        parent: None,
        origin: Origin::Pushed,
        part: Part::Leads,
        speaker: None,
        event: None,
        title: Some("Payments fail".to_owned()),
        phase: Some(Phase::Investigating),
        phase_unknown: None,
        impact: Some(Impact::Major),
        components: Some(vec!["c1".to_owned(), "c2".to_owned()]),
        started_at: Some(at(0)),
        resolved_at: None,
        scheduled_for: None,
        scheduled_until: None,
        url: None,
        revised_at: Some(at(minute)),
        updates,
    }
}

fn client(number: usize) -> Client {
    Client {
        id: format!("client-{number}"),
        name: format!("Client {number}"),
        timezone: "Europe/Berlin".to_owned(),
        locale: Some("de".to_owned()),
        priorities: vec![format!("c{}", number % 20), "c1".to_owned()],
        min_impact: Impact::None,
        maintenance: true,
        owner: None,
        tags: Vec::new(),
        facts: BTreeMap::new(),
        contacts: vec![contact(number)],
    }
}

fn contact(number: usize) -> Contact {
    let address = format!("ops@client-{number}.example");
    Contact { channel: Channel::Email, address, secret: None, fallback: false, name: None }
}

fn planning() -> Duration {
    let (story, catalog) = (story(1), catalog());
    let change: &Change = &story.changes[0];
    let clients: Vec<Client> = (0..CLIENTS).map(client).collect();
    least(|| {
        let began = Instant::now();
        let planning = Planning::new(&story, change, &catalog, &[], "en", at(1));
        let mut raised = 0;
        for (key, client) in clients.iter().enumerate() {
            let contact_key = i64::try_from(key).unwrap_or(0);
            let known = [Known { contact_key, contact: &client.contacts[0], thread: None, variant: None }];
            raised += black_box(planning.client_with_former(client, &known, &[])).len();
        }
        assert_eq!(raised, CLIENTS);
        began.elapsed()
    })
}

/// One notice of the last change, for somebody who has heard all before it.
fn noticing(posts: usize) -> Duration {
    let (story, catalog) = (story(posts), catalog());
    let last = story.changes.last().expect("a change");
    let planning = Planning::new(&story, last, &catalog, &[], "en", at(2_000));
    let client = client(1);
    let known = [Known { contact_key: 1, contact: &client.contacts[0], thread: None, variant: None }];
    let variant: Variant = planning.client_with_former(&client, &known, &[]).remove(0).variant;
    let thread = thread(last.sequence);
    let notices = 200_u32;
    least(|| {
        let began = Instant::now();
        for _ in 0..notices {
            let telling = Telling {
                story: &story,
                thread: &thread,
                until: last.sequence,
                variant: &variant,
                told_variant: Some(&variant),
                asked: &[],
                catalog: &catalog,
                voice: &Voice::Ours(None),
                next_word: Some(at(3_000)),
                promises: None,
                now: at(2_000),
            };
            black_box(telling.notice());
        }
        began.elapsed() / notices
    })
}

fn thread(wanted: i64) -> Thread {
    Thread {
        case_key: 1,
        contact_key: 1,
        client_id: "client-1".to_owned(),
        channel: Channel::Email,
        episode: 1,
        told: wanted - 1,
        wanted,
        standing: Standing::In,
        owed: true,
        state: ThreadState::Active,
        first_told: Some(1),
        notices: wanted - 1,
        since: Some(at(0)),
        due_at: Some(at(0)),
        attempts: 0,
        variant: 1,
        told_variant: Some(1),
        asked: Vec::new(),
        last_key: None,
        uncertain: false,
        cause: None,
    }
}

fn idle_keep() -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    runtime.block_on(async {
        let store = Store::open(&folder.path().join("candor.db"), "state", at(0)).expect("a state");
        let one = story(1);
        for chunk in 0..10 {
            let writes = (0..1_000).map(|number| open_case(&one, chunk * 1_000 + number)).collect();
            store.record(writes, None).await.expect("it is stored");
        }
        let looks = 100_u32;
        let mut best = Duration::MAX;
        for _ in 0..RUNS {
            let began = Instant::now();
            for _ in 0..looks {
                let due = store.cases_to_wake(at(10), 200).await.expect("it answers");
                assert!(black_box(due).is_empty());
            }
            best = best.min(began.elapsed() / looks);
        }
        store.close().await;
        best
    })
}

fn open_case(like: &Story, number: i64) -> Write {
    let mut case = like.case.clone();
    (case.key, case.version) = (0, 0);
    (case.incident, case.id, case.reference) = (format!("i{number}"), format!("id-{number}"), format!("R{number}"));
    case.timers.promise = Some(candor::domain::case::Promise {
        made_at: at(0),
        due_at: at(600),
        without_news: 0,
        acts: candor::domain::case::Acts::Ahead,
    });
    let updates: Vec<Update> = like.updates.clone();
    Write { case, updates, changes: like.changes.clone() }
}
