//! Sources that fail, lie, go back in time, take things back and come back with them.

use crate::harness::house::expect;
use crate::harness::{House, Plan};

const OPS: &str = "ops@acme.example";

async fn in_a_case() -> House {
    let mut house = House::open(Plan::default()).await;
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:10").await;
    house
}

#[tokio::test]
async fn what_is_gone_from_every_list_and_has_no_page_is_withdrawn() {
    let mut house = in_a_case().await;
    house.page.delete("i1");
    house.at("13:19").await;
    assert_eq!(house.told(OPS).len(), 1);
    house.at("15:00").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:21 WITHDRAWN"]);
    assert_eq!(house.cases_left().await, 0);
}

#[tokio::test]
async fn an_older_copy_in_the_lists_is_no_second_miss() {
    let mut house = in_a_case().await;
    let old = house.page.hide("i1");
    house.at("13:13").await;
    // Listed again, as an older copy of itself, which says nothing but that it is there.
    let mut older = old.clone();
    older["updated_at"] = serde_json::json!("2026-11-23T13:04:00Z");
    house.page.show(older);
    house.at("13:20").await;
    house.page.delete("i1");
    house.at("13:29").await;
    expect(&house.told(OPS), &["13:05 STARTED"]);
    house.at("13:35").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:30 WITHDRAWN"]);
}

#[tokio::test]
async fn what_cannot_be_read_of_an_incident_never_costs_its_news_or_its_end() {
    use serde_json::{Value, json};
    let many: Vec<Value> = (0..1_500).map(|number| json!({"name": format!("Part {number}")})).collect();
    let odd: [(&str, Value); 9] = [
        ("incident_updates", json!("none")),
        ("incident_updates", json!([5, {"id": "x", "body": ["y"]}])),
        ("components", json!("all")),
        ("components", Value::Array([vec![json!({"name": "Payments API"})], many].concat())),
        ("impact", json!("catastrophic")),
        ("impact", json!({"level": 3})),
        ("started_at", json!("soon")),
        ("updated_at", json!(12)),
        ("name", Value::Null),
    ];
    for (key, value) in odd {
        let mut house = in_a_case().await;
        house.page.post("i1", "resolved", "All payments go through.");
        house.page.set_json("i1", key, value.clone());
        house.pass(5).await;
        let told = house.told(OPS);
        assert!(told.last().is_some_and(|last| last.ends_with("RESOLVED")), "{key}: {value:.40}: {told:?}");
        assert_eq!(house.cases_left().await, 0, "{key}");
    }
    // A status that is no word: its newest post says where it stands. And without a name it has its id.
    let mut house = in_a_case().await;
    house.page.post("i1", "resolved", "All payments go through.");
    house.page.set_json("i1", "status", json!(["resolved"]));
    house.page.open("i2", "major", &["Payments API"], &"It fails. ".repeat(100_000));
    house.page.set_json("i2", "name", Value::Null);
    house.pass(5).await;
    assert!(house.mails(OPS).iter().any(|mail| mail.verdict() == "RESOLVED"), "{:?}", house.told(OPS));
    assert!(house.last(OPS).words().contains("i2"), "{}", house.last(OPS).words());
    assert!(house.last(OPS).words().contains('…'), "a body that is cut shows it");
}

#[tokio::test]
async fn empty_lists_never_end_anything() {
    let mut house = in_a_case().await;
    house.page.empty_the_lists();
    house.at("13:55").await;
    expect(&house.told(OPS), &["13:05 STARTED"]);
    house.page.fill_the_lists();
    house.page.post("i1", "resolved", "All payments go through.");
    house.at("14:02").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:55 RESOLVED"]);
}

#[tokio::test]
async fn a_document_that_cannot_be_believed_changes_nothing() {
    let mut house = in_a_case().await;
    let old = house.page.summary();
    house.at("13:12").await;
    house.page.post("i1", "identified", "A certificate expired.");
    house.at("13:15").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:13 NEWS"]);
    let whole = house.page.summary();
    let foreign = whole.replace("page-1", "page-2").replace("identified", "resolved");
    let broken = whole[..whole.len() / 2].to_owned();
    for (status, body) in [
        (200, String::new()),
        (200, "<html>Down for maintenance</html>".to_owned()),
        (200, broken),
        (200, foreign),
        (200, r#"{"page": {"id": "page-1"}, "incidents": null}"#.to_owned()),
        (200, old),
        (503, "busy".to_owned()),
        (404, String::new()),
        (429, String::new()),
    ] {
        house.page.answer_instead(status, body);
        house.pass(4).await;
    }
    expect(&house.told(OPS)[2..], &[]);
    house.page.answer_as_written();
    house.page.post("i1", "resolved", "All payments go through.");
    house.pass(15).await;
    let told = house.told(OPS);
    assert!(told.len() == 3 && told[2].ends_with("RESOLVED"), "{told:?}");
}

#[tokio::test]
async fn while_the_source_cannot_be_read_the_promise_is_kept_and_that_is_said() {
    let mut house = in_a_case().await;
    house.page.answer_instead(503, "busy");
    house.at("14:10").await;
    expect(&house.told(OPS), &["13:05 STARTED", "14:05 NO CHANGE"]);
    let words = house.last(OPS).words();
    assert!(words.contains("13:1") || words.contains("13:0"), "lost sight since: {words}");
}

#[tokio::test]
async fn a_source_that_fails_just_when_a_word_is_due_is_lost_from_sight_too() {
    let mut house = in_a_case().await;
    house.at("14:03").await;
    house.page.answer_instead(503, "busy");
    house.at("14:10").await;
    let words = house.last(OPS).words();
    assert!(words.contains("14:02") || words.contains("14:03"), "lost sight since: {words}");
    assert!(!words.contains("nobody has written"), "{words}");
}

#[tokio::test]
async fn what_ended_and_begins_again_is_reopened_and_ends_once_more() {
    let mut house = in_a_case().await;
    house.page.post("i1", "resolved", "All payments go through.");
    house.at("13:30").await;
    house.page.post("i1", "investigating", "They fail again.");
    house.at("13:40").await;
    house.page.post("i1", "resolved", "Now all payments go through.");
    house.at("14:00").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:10 RESOLVED", "13:30 REOPENED", "13:40 RESOLVED"]);
    assert_eq!(house.cases_left().await, 0);
}

#[tokio::test]
async fn a_report_after_the_end_is_told_to_those_who_were_told() {
    let mut house = in_a_case().await;
    house.page.post("i1", "resolved", "All payments go through.");
    house.at("18:00").await;
    house.page.post("i1", "postmortem", "It was a certificate that nobody had in a calendar.");
    house.at("18:30").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:10 RESOLVED", "18:01 REPORT"]);
    assert!(house.last(OPS).words().contains("nobody had in a calendar"), "{}", house.last(OPS).text);
    assert_eq!(house.cases_left().await, 0);
}

#[tokio::test]
async fn a_rewritten_update_is_told_with_its_words_before_and_now_and_typos_are_not() {
    let mut house = in_a_case().await;
    house.page.rewrite("i1", 1, "One in three paymentts fails.");
    house.at("13:30").await;
    expect(&house.told(OPS), &["13:05 STARTED"]);
    house.page.rewrite("i1", 1, "Two in three payments fail outside the EU.");
    house.at("13:40").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:31 CORRECTION"]);
    let words = house.last(OPS).words();
    assert!(words.contains("One in three") && words.contains("Two in three"), "{words}");
}
