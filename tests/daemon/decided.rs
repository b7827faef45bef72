//! What only a person can decide about a case, and what clients are told of it.

use candor::domain::decide::Decision;

use crate::harness::house::{expect, text};
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

async fn house() -> House {
    let mut house = House::open(Plan { clients: CLIENTS, ..Plan::default() }).await;
    house.at("13:05").await;
    house
}

#[tokio::test]
async fn machines_are_told_of_a_close_by_hand_what_the_source_last_said() {
    for (opened, verdict) in [("incident", "identified"), ("work", "scheduled")] {
        let mut house = house().await;
        if opened == "work" {
            let (start, end) = ("2026-11-23T22:00:00Z", "2026-11-23T23:00:00Z");
            house.page.schedule("i1", start, end, &["Payments API"], "We move a database.");
        } else {
            house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
            house.at("13:07").await;
            house.page.post("i1", "identified", "A certificate expired.");
        }
        house.at("13:20").await;
        house.decide(&Decision::Close).await;
        let mail = house.last(PAYCO);
        assert_eq!(mail.verdict(), "CLOSED BY US", "{}", mail.text);
        assert_eq!(mail.header("X-Candor-Phase"), verdict);
        let calls = house.receiver.calls();
        let call = calls.last().unwrap();
        let told = ["/type", "/data/case/phase", "/data/notice/reason"].map(|pointer| text(call, pointer));
        assert_eq!(told, ["incident.withdrawn", verdict, "withdrawn"]);
        assert!(call.body["data"]["case"]["resolved_at"].is_null(), "{}", call.body);
    }
}

#[tokio::test]
async fn machines_are_told_of_an_incident_that_its_source_dropped_what_it_last_said() {
    let mut house = house().await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:10").await;
    house.page.delete("i1");
    house.at("13:40").await;
    expect(&house.told(PAYCO)[1..], &["13:21 WITHDRAWN"]);
    assert_eq!(house.last(PAYCO).header("X-Candor-Phase"), "investigating");
    let calls = house.receiver.calls();
    assert_eq!(text(calls.last().unwrap(), "/data/case/phase"), "investigating");
}

#[tokio::test]
async fn everyone_after_components_brings_in_the_others_and_tells_nobody_else_anything() {
    let mut house = house().await;
    house.page.open("i1", "minor", &[], "One in three fails.");
    house.at("13:06").await;
    house.decide(&Decision::Components(vec!["payments".into()])).await;
    house.at("13:08").await;
    house.decide(&Decision::Everyone).await;
    house.at("13:10").await;
    expect(&house.news(), &["ops@payco.example 13:06 STARTED", "ops@searchco.example 13:08 STARTED"]);
    let words = house.last("ops@searchco.example").words();
    assert!(words.starts_with("STARTED: may concern you; named so far: Payments API."), "{words}");
    assert!(words.contains("You get this because it may concern anybody, Searchco too."), "{words}");
    assert!(!words.contains("may concern Payments API"), "{words}");
    assert_eq!(house.last(PAYCO).next_word().as_deref(), Some("15:06"));
    house.at("13:20").await;
    house.page.post("i1", "identified", "A certificate expired.");
    house.at("13:30").await;
    assert_eq!(house.last(PAYCO).verdict(), "NEWS");
    assert!(house.last(PAYCO).head().contains("Payments API, your priority 1"), "{}", house.last(PAYCO).text);
    house.news();
    house.decide(&Decision::Components(vec!["payments".into()])).await;
    house.at("13:50").await;
    expect(&house.news(), &["ops@searchco.example 13:40 NO LONGER AFFECTS YOU"]);
    let words = house.last("ops@searchco.example").words();
    assert!(!words.contains("No problem is reported with Payments API"), "{words}");
}

#[tokio::test]
async fn a_case_for_everyone_keeps_the_promise_to_those_who_were_told_before() {
    let mut house = house().await;
    house.page.open("i1", "minor", &[], "One in three fails.");
    house.at("13:06").await;
    house.decide(&Decision::Components(vec!["payments".into()])).await;
    house.at("14:30").await;
    house.decide(&Decision::Everyone).await;
    house.at("15:10").await;
    expect(&house.told(PAYCO), &["13:06 STARTED", "15:05 NO CHANGE"]);
}
