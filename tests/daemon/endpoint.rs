//! What a client's endpoint gets, and what its answers do.

use candor::store::rows::LedgerState;
use serde_json::Value;

use crate::harness::house::{expect, text};
use crate::harness::receiver::Call;
use crate::harness::{House, Plan};

const CLIENTS: &str = r#"
[[client]]
id = "acme"
name = "Acme GmbH"
priorities = ["payments"]
[[client.contact]]
webhook = "http://127.0.0.1:{RECEIVER}/hooks/acme"
secret = "{SECRET}"
"#;
const OPENED: &str = "[incident]\nid = \"p1\"\ntitle = \"Payments fail\"\nimpact = \"major\"\ncomponents = [\"payments\"]\n[update]\nbody = \"One in three payments fails.\"\n";

async fn house() -> House {
    House::open(Plan { feeds: "", clients: CLIENTS, ..Plan::default() }).await
}

#[tokio::test]
async fn a_failing_endpoint_gets_the_same_id_again_and_the_receipt_is_kept() {
    let mut house = house().await;
    house.at("13:05").await;
    house.receiver.answer_next([(500, None), (500, None)]);
    house.trigger(OPENED).await;
    house.at("13:10").await;
    expect(
        &house.called("acme"),
        &["13:05 incident.opened 500", "13:05 incident.opened 500", "13:06 incident.opened 200"],
    );
    let calls = house.receiver.calls();
    assert!(calls.iter().all(|call| call.id == calls[0].id), "one id for all attempts");
    expect(&house.ledger(LedgerState::Delivered).await, &["acme 1: HTTP 200 noted"]);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_switched_off() {
    let mut house = house().await;
    house.at("13:05").await;
    house.trigger(OPENED).await;
    house.receiver.answer_always(410);
    house.trigger("[incident]\nid = \"p1\"\n[update]\nbody = \"A certificate expired.\"\n").await;
    house.receiver.answer_always(200);
    house.trigger("[incident]\nid = \"p1\"\nphase = \"resolved\"\n[update]\nbody = \"All is well.\"\n").await;
    house.pass(60 * 24).await;
    expect(&house.called("acme"), &["13:05 incident.opened 200", "13:05 incident.updated 410"]);
    assert_eq!(house.ledger(LedgerState::Cancelled).await.len(), 1, "{:?}", house.ledger_rows().await);
    assert_eq!(house.cases_left().await, 0, "nobody is waited for");
}

#[tokio::test]
async fn an_endpoint_that_refuses_us_is_tried_for_a_day_and_then_listed() {
    let mut house = house().await;
    house.receiver.answer_always(401);
    house.at("13:05").await;
    house.trigger(OPENED).await;
    house.pass(60 * 12).await;
    expect(&house.ledger(LedgerState::Failed).await, &[]);
    house.pass(60 * 24).await;
    assert_eq!(house.ledger(LedgerState::Failed).await.len(), 1, "{:?}", house.called("acme"));
    let tried = house.called("acme").len();
    assert!((5..=12).contains(&tried), "{:?}", house.called("acme"));
}

#[tokio::test]
async fn an_endpoint_that_asks_for_a_pause_gets_it_within_twice_our_step() {
    let mut house = house().await;
    house.at("13:05").await;
    house.receiver.answer_next([(503, Some(8)), (429, Some(86_400))]);
    house.trigger(OPENED).await;
    house.at("13:15").await;
    let calls = house.receiver.calls();
    let waits: Vec<i64> = calls.windows(2).map(|pair| pair[1].at.duration_since(pair[0].at).as_secs()).collect();
    assert_eq!(waits, [8, 120], "{:?}", house.called("acme"));
}

#[tokio::test]
async fn a_redirect_and_a_plain_refusal_are_failures_at_once() {
    for status in [302, 404] {
        let mut house = house().await;
        house.receiver.answer_always(status);
        house.trigger(OPENED).await;
        house.pass(60).await;
        assert_eq!(house.called("acme").len(), 1, "{:?}", house.called("acme"));
        assert_eq!(house.ledger(LedgerState::Failed).await.len(), 1);
    }
}

const KEYS: [(&str, &[&str]); 6] = [
    ("", &["data", "timestamp", "type"]),
    ("/data", &["case", "client", "notice", "updates"]),
    (
        "/data/case",
        &[
            "components",
            "id",
            "impact",
            "incident",
            "phase",
            "ref",
            "resolved_at",
            "source",
            "started_at",
            "title",
            "url",
        ],
    ),
    (
        "/data/notice",
        &[
            "affected",
            "changes",
            "current_status",
            "drill",
            "next_update_by",
            "page",
            "priority",
            "reason",
            "sequence",
            "summary",
            "what_happened",
            "what_you_need_to_do",
        ],
    ),
    ("/data/notice/what_you_need_to_do", &["actions", "known", "need"]),
    ("/data/updates/0", &["at", "body", "id", "phase"]),
];

/// Every key of the contract is there, in every type; others may be.
fn check_shape(call: &Call) {
    for (pointer, keys) in KEYS {
        let Some(Value::Object(found)) = call.body.pointer(pointer) else {
            assert_eq!(pointer, "/data/updates/0", "{pointer} of {} is no object", call.body);
            continue;
        };
        for key in keys {
            assert!(found.contains_key(*key), "{pointer}/{key} is missing in {}", text(call, "/type"));
        }
    }
    assert!(call.bytes <= 20_000, "{} bytes", call.bytes);
    assert!(text(call, "/timestamp").parse::<jiff::Timestamp>().is_ok(), "{}", call.body);
    assert_eq!(text(call, "/data/client"), "acme");
    let reason = call.body.pointer("/data/notice/reason");
    assert_eq!(reason, call.body.pointer("/data/notice/changes/0"), "the reason is the strongest change");
    // Of what was withdrawn nobody has said that it is over.
    let is_over = text(call, "/type") == "incident.resolved";
    assert_eq!(call.body.pointer("/data/case/resolved_at").is_some_and(Value::is_string), is_over, "{}", call.body);
}

#[tokio::test]
async fn every_type_of_webhook_has_the_keys_of_the_contract() {
    let mut house = House::open(Plan { clients: CLIENTS, ..Plan::default() }).await;
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:20").await;
    house.page.post("i1", "identified", "A certificate expired.");
    house.at("13:40").await;
    house.page.set("i1", "impact", "critical");
    house.at("14:20").await;
    house.page.rewrite("i1", 2, "A certificate expired on the gateway in Frankfurt.");
    house.at("14:50").await;
    house.page.post("i1", "resolved", "All payments go through.");
    house.at("15:00").await;
    house.page.post("i1", "investigating", "They fail again.");
    house.at("15:10").await;
    house.page.name_components("i1", &["Search"]);
    house.at("15:40").await;
    house.page.open("i2", "minor", &["Payments API"], "Slow.");
    house.at("15:50").await;
    house.page.delete("i2");
    house.at("16:30").await;
    let types: Vec<String> = house.receiver.calls().iter().map(|call| text(call, "/type")).collect();
    expect(
        &types,
        &[
            "incident.opened",
            "incident.updated",
            "incident.updated",
            "incident.holding",
            "incident.corrected",
            "incident.resolved",
            "incident.reopened",
            "incident.unaffected",
            "incident.opened",
            "incident.withdrawn",
        ],
    );
    house.receiver.calls().iter().for_each(check_shape);
    let corrected = &house.receiver.calls()[4];
    let replaced = corrected.body.pointer("/data/updates/0/replaces/body").and_then(Value::as_str);
    assert_eq!(replaced, Some("A certificate expired."), "{}", corrected.body);
    let ids: std::collections::BTreeSet<String> = house.receiver.calls().into_iter().map(|call| call.id).collect();
    assert_eq!(ids.len(), types.len(), "each delivery has an id of its own");
}

#[tokio::test]
async fn two_hundred_updates_fit_into_20_000_bytes_and_it_is_said() {
    let mut house = house().await;
    house.receiver.answer_always(503);
    house.trigger(OPENED).await;
    for number in 0..200 {
        let body = format!("Update {number}: {}", "long words of an engineer; ".repeat(20));
        house.trigger(&format!("[incident]\nid = \"p1\"\n[update]\nid = \"u{number}\"\nbody = \"{body}\"\n")).await;
    }
    house.receiver.answer_always(200);
    house.pass(60 * 6).await;
    let calls = house.receiver.calls();
    let call = calls.iter().find(|call| call.status == 200).expect("an accepted call");
    assert!(call.bytes <= 20_000, "{} bytes", call.bytes);
    assert_eq!(
        call.body
            .pointer("/data/notice/truncated")
            .or(call.body.pointer("/truncated"))
            .or(call.body.pointer("/data/truncated")),
        Some(&Value::Bool(true))
    );
    let newest = call.body["data"]["updates"].to_string();
    assert!(newest.contains("Update 199"), "the newest is kept: {newest}");
}
