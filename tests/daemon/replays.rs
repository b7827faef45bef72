//! Recorded sequences replayed in order: exactly the notices that were written down by hand.
//!
//! The lists are in `tests/fixtures/feeds/*/EXPECTED`, each notice with its reason. What was told is read from
//! webhooks, which name their changes, count their updates and say when the next word comes.

use candor::daemon::node::Node;
use candor::domain::client::Channel;
use candor::passes::{Clock, poll};
use jiff::{SignedDuration, Timestamp};

use crate::expected::{self, Expected, Lists, Replays, Told};
use crate::harness::{HandClock, receiver};
use crate::replay_server::{ReplayServer, Step};

const FEED: &str = "page";

struct Stage;

impl Replays for Stage {
    async fn told(&mut self, expected: &Expected) -> Vec<Told> {
        let reads = expected.reads();
        let clock = HandClock::at(reads[0].at);
        let receiver = receiver::Receiver::start(clock.clone()).await;
        let steps = reads.iter().map(|read| Step { read_at: read.at, body: read.body.clone() });
        let page = ReplayServer::start(steps.collect()).await;
        if expected.lists == Lists::Empty {
            page.empty_the_lists();
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("candor.toml"), configuration(expected, &page)).unwrap();
        std::fs::write(folder.path().join("clients.toml"), clients(expected, receiver.port())).unwrap();
        std::fs::write(folder.path().join("playbook.toml"), "").unwrap();
        let by_hand = clock.clone();
        let opened = Node::open(&folder.path().join("candor.toml"), Clock::new(move || by_hand.now())).await;
        let mut node = opened.unwrap_or_else(|error| panic!("{error:?}"));
        node.turn().await.unwrap();
        for read in &reads[1..] {
            until(&mut node, &clock, read.at).await;
            page.advance();
            node.shared.store.poke_feed(FEED.to_owned(), read.at, std::time::Duration::ZERO).await.unwrap();
            node.turn().await.unwrap();
        }
        if let Some(end) = expected.until {
            until(&mut node, &clock, end).await;
        }
        receiver.calls().iter().map(told).collect()
    }
}

/// Goes from due time to due time.
async fn until(node: &mut Node, clock: &HandClock, target: Timestamp) {
    for _ in 0..20_000 {
        let now = clock.now();
        let next = next_due(node).await.map(|next| next.max(now + SignedDuration::from_secs(1)));
        clock.set(next.filter(|next| *next < target).unwrap_or(target));
        node.turn().await.unwrap();
        if clock.now() >= target {
            return;
        }
    }
    panic!("the time does not pass");
}

async fn next_due(node: &Node) -> Option<Timestamp> {
    let store = &node.shared.store;
    let due = [
        poll::next_due(&node.shared).await.unwrap(),
        store.next_due_change().await.unwrap(),
        store.next_wake().await.unwrap(),
        store.next_due(Channel::Webhook).await.unwrap(),
    ];
    due.into_iter().flatten().min()
}

fn configuration(expected: &Expected, page: &ReplayServer) -> String {
    let supplier = expected.supplier.as_ref().map_or(String::new(), |name| format!("supplier = {name:?}\n"));
    let mut text = format!(
        "state = \"candor.db\"\n[sender]\nname = \"Example\"\nemail = \"incidents@example.com\"\n\
         [webhook]\nallow = [\"127.0.0.0/8\"]\n\
         [[feed]]\nname = \"{FEED}\"\nkind = \"statuspage\"\nurl = {:?}\nevery = \"1d\"\nignore = [\"Visit www.*\"]\n{supplier}",
        page.url()
    );
    let mut names = expected.components();
    names.extend([expected.one.clone(), expected.other.clone()]);
    names.extend(expected.words.iter().map(|declared| declared.component.clone()));
    for (number, name) in names.iter().enumerate() {
        let words = expected.words.iter().find(|declared| declared.component == *name);
        let words = words.map_or(String::new(), |declared| format!("words = {:?}\n", declared.words));
        text.push_str(&format!("[[component]]\nid = \"c{number}\"\nname = {name:?}\n{words}"));
    }
    text
}

fn clients(expected: &Expected, receiver: u16) -> String {
    let client = |id: &str, priority: &str| {
        format!(
            "[[client]]\nid = \"{id}\"\nname = \"{id}\"\npriorities = [{priority:?}]\n[[client.contact]]\n\
             webhook = \"http://127.0.0.1:{receiver}/hooks/{id}\"\nsecret = \"{}\"\n",
            receiver::SECRET
        )
    };
    [client("all", "*"), client("one", &expected.one), client("other", &expected.other)].concat()
}

fn told(call: &receiver::Call) -> Told {
    let (case, notice) = (&call.body["data"]["case"], &call.body["data"]["notice"]);
    let updates = call.body["data"]["updates"].as_array().unwrap();
    Told {
        at: call.at,
        client: call.path.clone(),
        incident: case["incident"].as_str().unwrap().to_owned(),
        kinds: notice["changes"].as_array().unwrap().iter().map(|kind| kind.as_str().unwrap().to_owned()).collect(),
        updates: updates.len(),
        rewritten: updates.iter().filter(|update| update.get("replaces").is_some()).count(),
        next: notice["next_update_by"].as_str().map(|next| next.parse().unwrap()),
    }
}

#[tokio::test]
async fn every_recorded_sequence_is_told_as_it_was_written_down_by_hand() {
    let mut wrong = Vec::new();
    for name in expected::names() {
        let list = expected::list(&name);
        let differences = expected::differences(&list, &Stage.told(&list).await);
        if !differences.is_empty() {
            wrong.push(format!("{name} ({}):\n  {}", list.about, differences.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
