//! Webhooks of sources, through the real router.

use candor::domain::signature::{self, WebhookSecret};

use crate::harness::house::expect;
use crate::harness::receiver::SECRET;
use crate::harness::{House, Plan};

const OPS: &str = "ops@acme.example";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const HOOKS: &str = r#"
[[hook]]
name = "pager"
kind = "native"
secret = "{SECRET}"
[[hook]]
name = "bearer"
kind = "native"
token = "0123456789abcdef0123456789abcdef"
[[hook]]
name = "page"
kind = "statuspage"
feed = "platform"
token = "0123456789abcdef0123456789abcdef"
"#;
const BODY: &str = r#"{"incident": {"id": "p1", "title": "Payments fail", "impact": "major", "components": ["payments"]},
  "update": {"id": "u1", "body": "One in three payments fails."}}"#;

fn hooked() -> Plan {
    Plan { more: HOOKS, ..Plan::default() }
}

async fn signed(house: &House, id: &str, body: &str) -> (u16, String) {
    let at = house.clock.now().as_second();
    let secret = WebhookSecret::parse(SECRET).unwrap();
    let signature = signature::sign(&secret, id, at, body.as_bytes());
    let at = at.to_string();
    let headers = [("webhook-id", id), ("webhook-timestamp", at.as_str()), ("webhook-signature", signature.as_str())];
    house.post("/hooks/pager", &headers, body).await
}

#[tokio::test]
async fn a_signed_webhook_is_accepted_once_it_is_stored_and_repeats_change_nothing() {
    let mut house = House::open(hooked()).await;
    house.at("13:05").await;
    assert_eq!(signed(&house, "msg_1", BODY).await.0, 202);
    // Gone at once after the answer: what was accepted is on disk.
    house.crash();
    house.start().await;
    expect(&house.told(OPS), &["13:05 STARTED"]);
    for _ in 0..5 {
        assert_eq!(signed(&house, "msg_1", BODY).await.0, 202);
        assert_eq!(signed(&house, "msg_2", BODY).await.0, 202);
    }
    house.at("13:10").await;
    expect(&house.told(OPS), &["13:05 STARTED"]);
}

#[tokio::test]
async fn a_late_retry_of_an_overtaken_message_changes_nothing() {
    let mut house = House::open(hooked()).await;
    house.at("13:05").await;
    let found = r#"{"incident": {"id": "p1", "phase": "identified", "impact": "critical"}}"#;
    let ended = r#"{"incident": {"id": "p1", "phase": "resolved", "impact": "minor"}, "update": {"body": "All payments go through."}}"#;
    for (id, body) in [("msg_1", BODY), ("msg_2", found), ("msg_3", ended)] {
        assert_eq!(signed(&house, id, body).await.0, 202);
        house.pass(10).await;
    }
    let told = house.told(OPS);
    assert!(told.last().is_some_and(|last| last.ends_with("RESOLVED")), "{told:?}");
    for (id, body) in [("msg_2", found), ("msg_1", BODY), ("msg_3", ended)] {
        assert_eq!(signed(&house, id, body).await.0, 202);
        house.pass(10).await;
        assert_eq!(house.cases_left().await, 0, "{id} opens nothing again");
    }
    // Without a signature its own id tells the update.
    let bearer = format!("/hooks/bearer/{TOKEN}");
    let old = r#"{"incident": {"id": "p2", "title": "Search is slow", "phase": "investigating", "components": ["search"]},
      "update": {"id": "u1", "body": "Search is slow."}}"#;
    let new = r#"{"incident": {"id": "p2", "phase": "resolved"}, "update": {"id": "u2", "body": "Search is fast."}}"#;
    for body in [old, new, old] {
        assert_eq!(house.post(&bearer, &[], body).await.0, 202);
        house.pass(10).await;
    }
    assert_eq!(house.cases_left().await, 0);
    let count = house.mails(OPS).len();
    house.pass(120).await;
    assert_eq!(house.mails(OPS).len(), count);
}

#[tokio::test]
async fn a_message_that_names_no_incident_is_one_case_however_often_it_comes() {
    let mut house = House::open(hooked()).await;
    house.at("13:05").await;
    let body =
        r#"{"incident": {"title": "Payments fail", "components": ["payments"]}, "update": {"body": "They fail."}}"#;
    for _ in 0..3 {
        assert_eq!(signed(&house, "msg_1", body).await.0, 202);
        house.pass(3).await;
    }
    assert_eq!(house.cases_left().await, 1);
    expect(&house.told(OPS), &["13:05 STARTED"]);
}

#[tokio::test]
async fn what_proves_nothing_is_refused_and_all_alike() {
    let house = House::open(hooked()).await;
    let unsigned = house.post("/hooks/pager", &[], BODY).await;
    let wrong = [("webhook-id", "msg_1"), ("webhook-timestamp", "1795438800"), ("webhook-signature", "v1,bm8=")];
    assert_eq!(unsigned.0, 401);
    assert_eq!(house.post("/hooks/pager", &wrong, BODY).await, unsigned);
    assert_eq!(house.post("/hooks/pager", &wrong, "not even JSON {").await, unsigned);
    assert_eq!(house.post("/hooks/bearer", &[("authorization", "Bearer wrong")], BODY).await, unsigned);
    assert_eq!(house.cases_left().await, 0);
    let unknown = house.post("/hooks/nobody", &[], BODY).await;
    assert_eq!(unknown.0, 404);
    assert_eq!(house.post("/hooks/bearer/wrong", &[], BODY).await, unknown);
    assert_eq!(house.post("/hooks/page/wrong", &[], BODY).await, unknown);
}

#[tokio::test]
async fn a_bad_body_is_refused_and_the_key_is_named() {
    let house = House::open(hooked()).await;
    for (body, named) in [
        (r#"{"incident": {"titel": "x"}}"#, "titel"),
        (r#"{"incident": {"id": "n1", "title": "x", "phase": "exploded"}, "update": {"body": "y"}}"#, "phase"),
        (r#"{"incident": {"id": "n1"}, "update": {"body": "y"}}"#, "title"),
        (r#"{"incident": {"id": "n1", "title": "x"}}"#, "body"),
        ("{", "JSON"),
    ] {
        let (status, words) = signed(&house, "msg_1", body).await;
        assert_eq!(status, 400, "{body}: {words}");
        assert!(words.contains(named), "{body}: {words:?} does not name {named}");
    }
    assert_eq!(house.cases_left().await, 0);
    let large = "x".repeat(1024 * 1024 + 1);
    assert_eq!(signed(&house, "msg_1", &large).await.0, 413);
}

#[tokio::test]
async fn a_bearer_token_proves_in_the_header_and_in_the_path() {
    let mut house = House::open(hooked()).await;
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(house.post("/hooks/bearer", &[("authorization", &bearer)], BODY).await.0, 202);
    house.at("13:01").await;
    let ended = r#"{"incident": {"id": "p1", "phase": "resolved"}, "update": {"body": "All payments go through."}}"#;
    assert_eq!(house.post(&format!("/hooks/bearer/{TOKEN}"), &[], ended).await.0, 202);
    house.at("13:02").await;
    let verdicts: Vec<String> = house.mails(OPS).iter().map(|mail| mail.verdict()).collect();
    expect(&verdicts, &["STARTED", "RESOLVED"]);
}

#[tokio::test]
async fn a_status_page_s_hook_only_makes_its_feed_due_and_that_once_in_five_seconds() {
    let feeds =
        "[[feed]]\nname = \"platform\"\nkind = \"statuspage\"\nurl = \"http://127.0.0.1:{PAGE}\"\nevery = \"10m\"\n";
    let mut house = House::open(Plan { feeds, more: HOOKS, ..Plan::default() }).await;
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    let path = format!("/hooks/page/{TOKEN}");
    let lie = r#"{"incident": {"name": "A lie", "status": "resolved"}}"#;
    assert_eq!(house.post(&path, &[], lie).await.0, 202);
    let before = house.page.reads();
    house.settle().await;
    expect(&house.told(OPS), &["13:05 STARTED"]);
    assert!(house.page.reads() > before);
    let reads = house.page.reads();
    for _ in 0..50 {
        assert_eq!(house.post(&path, &[], lie).await.0, 202);
        house.settle().await;
    }
    assert_eq!(house.page.reads(), reads, "fifty knocks within five seconds");
    house.clock.set(house.clock.now() + jiff::SignedDuration::from_secs(6));
    house.settle().await;
    assert!(house.page.reads() > reads, "six seconds later it is read for those knocks");
    let reads = house.page.reads();
    house.pass(5).await;
    assert_eq!(house.page.reads(), reads, "once, and the next time in ten minutes");
    assert_eq!(house.post(&path, &[], lie).await.0, 202);
    house.settle().await;
    assert!(house.page.reads() > reads, "the next knock is heard at once");
    expect(&house.told(OPS), &["13:05 STARTED"]);
}
