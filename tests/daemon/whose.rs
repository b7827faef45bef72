//! Each client's account is its own: what concerns only others is told to nobody else, whenever and however it is told.

use crate::harness::house::expect;
use crate::harness::{House, Plan};

const CLIENTS: &str = r#"
[[client]]
id = "payco"
name = "Payco"
priorities = ["payments"]
[[client.contact]]
email = "ops@payco.example"
[[client.contact]]
webhook = "http://127.0.0.1:{RECEIVER}/hooks/payco"
secret = "{SECRET}"
[[client]]
id = "searchco"
name = "Searchco"
priorities = ["search"]
[[client.contact]]
email = "ops@searchco.example"
"#;
const PAYCO: &str = "ops@payco.example";
const SEARCHCO: &str = "ops@searchco.example";

const OPENED: &str = "[incident]\nid = \"p1\"\ntitle = \"Payments fail\"\nimpact = \"minor\"\ncomponents = [\"payments\"]\n[update]\nbody = \"One in three payments fails.\"\n";
const REOPENED: &str = "[incident]\nid = \"p1\"\ntitle = \"Search is down\"\nphase = \"investigating\"\nimpact = \"major\"\ncomponents = [\"search\"]\n[update]\nbody = \"The index is broken.\"\n";

fn said(phase: &str, more: &str, body: &str) -> String {
    format!("[incident]\nid = \"p1\"\nphase = \"{phase}\"\n{more}[update]\nbody = \"{body}\"\n")
}

/// What a mail and the webhook beside it hold, all in one.
fn all_words(house: &House, address: &str) -> String {
    let mails = house.mails(address).into_iter().map(|mail| format!("{} {}", mail.subject, mail.words()));
    let calls = house.receiver.calls().into_iter().map(|call| call.body.to_string());
    mails.chain(calls).collect::<Vec<_>>().join("\n")
}

/// A case of payments that is over, and is reopened as one of search alone; that is over too.
async fn reopened_for_others() -> House {
    let mut house = House::open(Plan { feeds: "", clients: CLIENTS, ..Plan::default() }).await;
    house.at("13:05").await;
    house.trigger(OPENED).await;
    house.at("13:30").await;
    house.trigger(&said("resolved", "", "All payments go through.")).await;
    house.at("14:00").await;
    house.trigger(REOPENED).await;
    house.at("14:20").await;
    house.trigger(&said("resolved", "", "The index is rebuilt.")).await;
    house.at("14:40").await;
    house
}

#[tokio::test]
async fn whom_a_reopening_does_not_concern_gets_the_report_and_nothing_of_what_lies_between() {
    let mut house = reopened_for_others().await;
    house.trigger(&said("postmortem", "", "A certificate had expired.")).await;
    house.at("15:20").await;
    expect(&house.told(PAYCO), &["13:05 STARTED", "13:30 RESOLVED", "14:40 REPORT"]);
    expect(&house.told(SEARCHCO), &["14:00 STARTED", "14:20 RESOLVED", "14:40 REPORT"]);
    let words = all_words(&house, PAYCO);
    for of_others in ["Search", "search", "index", "14:20", "14:00", "major", "reopened"] {
        assert!(!words.contains(of_others), "{of_others}: {words}");
    }
    let report = house.last(PAYCO);
    assert!(report.words().contains("It was over at 13:30 UTC."), "{}", report.text);
    assert!(report.words().contains("A certificate had expired."), "{}", report.text);
    let calls = house.receiver.calls();
    let case = &calls.last().unwrap().body["data"]["case"];
    assert_eq!(case["components"], serde_json::json!(["payments"]), "{case}");
    assert_eq!((&case["impact"], &case["resolved_at"]), (&"minor".into(), &"2026-11-23T13:30:00Z".into()), "{case}");
    let mut again = said("postmortem", "", "The certificate is now watched.");
    again.push_str("id = \"more\"\n");
    house.trigger(&again).await;
    house.at("16:40").await;
    let last = house.last(PAYCO);
    assert!(last.words().contains("is now watched") && !last.words().contains("index"), "{}", last.text);
}

#[tokio::test]
async fn words_after_an_end_that_was_not_theirs_are_told_to_nobody_else() {
    let mut house = reopened_for_others().await;
    let action = "status = \"Rebuild your own index.\"\naction = \"Rebuild your own index.\"\n";
    house.trigger(&format!("{}{action}", said("resolved", "", "The replicas follow."))).await;
    house.at("15:20").await;
    expect(&house.told(PAYCO), &["13:05 STARTED", "13:30 RESOLVED"]);
    assert_eq!(house.told(SEARCHCO).len(), 3, "{:?}", house.told(SEARCHCO));
    house.trigger(&said("postmortem", "", "A certificate had expired.")).await;
    assert_eq!(house.told(PAYCO).last().map(String::as_str), Some("15:20 REPORT"));
    let words = all_words(&house, PAYCO);
    assert!(!words.contains("index") && !words.contains("replicas"), "{words}");
}

#[tokio::test]
async fn whom_a_third_episode_concerns_again_hears_nothing_of_the_second() {
    let mut house = reopened_for_others().await;
    house
        .trigger(&said("investigating", "title = \"Payments fail\"\ncomponents = [\"payments\"]\n", "It fails again."))
        .await;
    house.at("14:50").await;
    house.trigger(&said("resolved", "", "All is well again.")).await;
    house.trigger(&said("postmortem", "", "A certificate had expired.")).await;
    house.at("16:00").await;
    let told = ["13:05 STARTED", "13:30 RESOLVED", "14:40 REOPENED", "14:50 RESOLVED", "14:50 REPORT"];
    expect(&house.told(PAYCO), &told);
    let words = all_words(&house, PAYCO);
    assert!(!words.contains("index") && !words.contains("Search"), "{words}");
}

#[tokio::test]
async fn an_end_that_was_not_sent_in_time_says_nothing_of_the_episode_of_others() {
    let mut house = House::open(Plan { feeds: "", clients: CLIENTS, ..Plan::default() }).await;
    house.at("13:05").await;
    house.trigger(OPENED).await;
    house.relay.answer(PAYCO, 451);
    house.at("13:30").await;
    house.trigger(&said("resolved", "", "All payments go through.")).await;
    house.trigger(REOPENED).await;
    house.trigger(&said("resolved", "", "The index is rebuilt.")).await;
    house.trigger(&said("postmortem", "", "A certificate had expired.")).await;
    house.relay.answer(PAYCO, 250);
    house.at("15:00").await;
    let told = house.told(PAYCO);
    assert!(told.len() == 2 && told[1].ends_with("RESOLVED"), "{told:?}");
    let words = house.mails(PAYCO).iter().map(|mail| mail.raw.clone()).collect::<String>();
    assert!(!words.contains("index") && !words.contains("Search"), "{words}");
    assert_eq!(house.cases_left().await, 0);
}

#[tokio::test]
async fn what_is_reopened_is_back_and_has_not_become_worse() {
    let mut house = House::open(Plan { clients: CLIENTS, ..Plan::default() }).await;
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:20").await;
    house.page.set("i1", "impact", "none");
    house.page.post("i1", "resolved", "All payments go through.");
    house.at("14:00").await;
    house.page.set("i1", "impact", "major");
    house.page.post("i1", "investigating", "They fail again.");
    house.at("14:10").await;
    let reopened = house.last(PAYCO);
    assert_eq!(reopened.verdict(), "REOPENED", "{}", reopened.text);
    assert!(!reopened.words().contains("worse"), "{}", reopened.text);
    assert!(reopened.words().contains("A large part does not work."), "{}", reopened.text);
    let calls = house.receiver.calls();
    assert_eq!(calls.last().unwrap().body["data"]["notice"]["changes"], serde_json::json!(["reopened"]));
}
