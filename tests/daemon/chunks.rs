//! A book that is planned in chunks: what is said, and what breaks off, between two of them.

use candor::domain::client::Channel;
use candor::passes::dispatch::{self, Came};

use crate::harness::house::text;
use crate::harness::receiver::Call;
use crate::harness::{House, Plan};

const CLIENTS: &str = r#"
[[client]]
id = "acme"
name = "Acme"
priorities = ["payments"]
[[client.contact]]
webhook = "http://127.0.0.1:{RECEIVER}/hooks/acme"
secret = "{SECRET}"
[[client]]
id = "globex"
name = "Globex"
priorities = ["payments"]
[[client.contact]]
webhook = "http://127.0.0.1:{RECEIVER}/hooks/globex"
secret = "{SECRET}"
[[client]]
id = "hooli"
name = "Hooli"
priorities = ["*"]
[[client.contact]]
webhook = "http://127.0.0.1:{RECEIVER}/hooks/hooli"
secret = "{SECRET}"
"#;
const CLIENT_IDS: [&str; 3] = ["acme", "globex", "hooli"];

const OPENED: &str = "[incident]\nid = \"p1\"\ntitle = \"Payments fail\"\nimpact = \"major\"\ncomponents = [\"payments\"]\n[update]\nid = \"u1\"\nbody = \"One in three payments fails.\"\n";
const NEWS: &str =
    "[incident]\nid = \"p1\"\nphase = \"identified\"\n[update]\nid = \"u2\"\nbody = \"A certificate expired.\"\n";
const RESOLVED: &str =
    "[incident]\nid = \"p1\"\nphase = \"resolved\"\n[update]\nid = \"u3\"\nbody = \"All payments go through.\"\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Between {
    Nothing,
    Crash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    AtTheEnd,
    AfterEachChunk,
}

/// Plans what is due for one client; `false` when nothing is left.
async fn plan_one_client(house: &House) -> bool {
    let now = house.clock.now();
    let Some(due) = house.shared().store.due_changes(now, 1).await.unwrap().pop() else { return false };
    match dispatch::plan_chunk(house.shared(), &due, 1, now).await.unwrap().came {
        Came::Further { .. } | Came::Done => true,
        Came::Conflict | Came::NotItsTurn => panic!("nobody else is at work"),
    }
}

/// Hands in one text after the other, the next when `chunks` clients have been planned of the one before.
async fn told_in_chunks(texts: &[&str], chunks: usize, between: Between, sent: Sent) -> House {
    let mut house = House::open(Plan { feeds: "", clients: CLIENTS, ..Plan::default() }).await;
    for text in texts {
        house.hand_in(text).await;
        for _ in 0..chunks {
            plan_one_client(&house).await;
            if sent == Sent::AfterEachChunk {
                house.send(Channel::Webhook).await;
            }
            if between == Between::Crash {
                house.crash();
                house.reopen().await;
            }
        }
    }
    while plan_one_client(&house).await {}
    house.settle().await;
    house
}

fn calls(house: &House, client: &str) -> Vec<Call> {
    house.receiver.calls().into_iter().filter(|call| call.path == client).collect()
}

/// The ids of the updates that each call brought as new, in the order told.
fn updates(calls: &[Call]) -> Vec<String> {
    let of_call = |call: &Call| {
        let updates = call.body.pointer("/data/updates").and_then(|updates| updates.as_array()).cloned();
        let mut ids: Vec<String> =
            updates.unwrap_or_default().iter().filter_map(|u| u["id"].as_str().map(str::to_owned)).collect();
        ids.sort();
        ids
    };
    calls.iter().flat_map(of_call).collect()
}

#[tokio::test]
async fn whatever_comes_between_two_chunks_everybody_is_told_everything_once_and_in_order() {
    for (texts, last, ids) in [
        (&[OPENED, NEWS][..], "updated", &["u1", "u2"][..]),
        (&[OPENED, RESOLVED], "resolved", &["u1", "u3"]),
        (&[OPENED, NEWS, RESOLVED], "resolved", &["u1", "u2", "u3"]),
    ] {
        for chunks in 0..=3 {
            for between in [Between::Nothing, Between::Crash] {
                for sent in [Sent::AtTheEnd, Sent::AfterEachChunk] {
                    let house = told_in_chunks(texts, chunks, between, sent).await;
                    for client in CLIENT_IDS {
                        let why = format!("{client}: {last} after {chunks} chunks, {between:?}, sent {sent:?}");
                        let calls = calls(&house, client);
                        assert_eq!(updates(&calls), ids, "{why}");
                        let ends = calls.iter().filter(|call| text(call, "/type") == "incident.resolved").count();
                        assert_eq!(ends, usize::from(last == "resolved"), "{why}");
                        let promises = |call: &Call| !text(call, "/data/notice/next_update_by").is_empty();
                        assert!(last == "resolved" || calls.iter().all(promises), "{why}");
                    }
                    assert_eq!(house.cases_left().await, usize::from(last != "resolved"));
                }
            }
        }
    }
}
