//! What a contact gets that refused one word for good in the middle of a case, and accepts again.

use candor::store::rows::LedgerState;

use crate::harness::house::expect;
use crate::harness::{House, Plan};

const OPS: &str = "ops@acme.example";
const CLIENTS: &str = r#"
[[client]]
id = "acme"
name = "Acme GmbH"
priorities = ["payments"]
[[client.contact]]
email = "ops@acme.example"
[[client.contact]]
webhook = "http://127.0.0.1:{RECEIVER}/hooks/acme"
secret = "{SECRET}"
"#;
const OPENED: &str = "[incident]\nid = \"p1\"\ntitle = \"Payments fail\"\nimpact = \"major\"\ncomponents = [\"payments\"]\n[update]\nbody = \"One in three payments fails.\"\n";
const WORSE: &str = "[incident]\nid = \"p1\"\nimpact = \"critical\"\n[update]\nbody = \"All payments fail.\"\n";
const RESOLVED: &str = "[incident]\nid = \"p1\"\nphase = \"resolved\"\n[update]\nbody = \"All payments go through.\"\n";

fn says(words: &str) -> String {
    format!("[incident]\nid = \"p1\"\n[update]\nbody = \"{words}\"\n")
}

/// Both contacts have been told that it is open, and have refused what came next.
async fn refused_once() -> House {
    let mut house = House::open(Plan { feeds: "", clients: CLIENTS, ..Plan::default() }).await;
    house.at("13:05").await;
    house.trigger(OPENED).await;
    house.relay.answer(OPS, 550);
    house.receiver.answer_always(404);
    house.trigger(&says("A certificate expired.")).await;
    house.at("13:30").await;
    assert_eq!(house.ledger(LedgerState::Failed).await.len(), 2, "{:?}", house.ledger_rows().await);
    house.relay.answer(OPS, 250);
    house.receiver.answer_always(200);
    house
}

fn hooks(house: &House) -> Vec<String> {
    house.called("acme").into_iter().map(|call| call.split_once(' ').unwrap().1.to_owned()).collect()
}

#[tokio::test]
async fn whoever_refused_one_word_for_good_hears_the_end_with_all_that_was_missed() {
    let mut house = refused_once().await;
    house.at("13:40").await;
    house.trigger(RESOLVED).await;
    house.at("15:00").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:40 RESOLVED"]);
    expect(&hooks(&house), &["incident.opened 200", "incident.updated 404", "incident.resolved 200"]);
    assert!(house.last(OPS).words().contains("A certificate expired"), "{}", house.last(OPS).text);
    let end = house.receiver.calls().pop().unwrap().body.to_string();
    assert!(end.contains("A certificate expired"), "{end}");
    expect(&house.ledger(LedgerState::Failed).await, &[]);
    assert_eq!(house.cases_left().await, 0);
}

#[tokio::test]
async fn quiet_news_leaves_a_refusal_as_it_is_and_news_at_once_tries_again() {
    let mut house = refused_once().await;
    house.trigger(&says("We are replacing it.")).await;
    house.at("14:30").await;
    expect(&house.told(OPS), &["13:05 STARTED"]);
    expect(&hooks(&house), &["incident.opened 200", "incident.updated 404"]);
    assert_eq!(house.ledger(LedgerState::Failed).await.len(), 2);
    house.trigger(WORSE).await;
    assert_eq!(house.told(OPS).len(), 2, "{:?}", house.told(OPS));
    assert!(house.last(OPS).words().contains("We are replacing it"), "{}", house.last(OPS).text);
    expect(&hooks(&house)[2..], &["incident.updated 200"]);
    expect(&house.ledger(LedgerState::Failed).await, &[]);
}

#[tokio::test]
async fn an_end_that_is_refused_for_good_is_listed_once_and_holds_no_case_open() {
    let mut house = refused_once().await;
    house.relay.answer(OPS, 550);
    house.receiver.answer_always(404);
    house.trigger(RESOLVED).await;
    house.pass(60 * 24).await;
    expect(&house.told(OPS), &["13:05 STARTED"]);
    expect(&hooks(&house), &["incident.opened 200", "incident.updated 404", "incident.resolved 404"]);
    assert_eq!(house.ledger(LedgerState::Failed).await.len(), 2, "{:?}", house.ledger_rows().await);
    assert_eq!(house.cases_left().await, 0);
}
