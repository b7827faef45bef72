//! Who is told, through which contact, and what they have to do.

use candor::store::rows::LedgerState;

use crate::harness::house::expect;
use crate::harness::{House, Plan};

const OPS: &str = "ops@acme.example";
const NIGHT: &str = "night@acme.example";
const OPENED: &str = "[incident]\nid = \"p1\"\ntitle = \"Payments fail\"\nimpact = \"major\"\ncomponents = [\"payments\"]\n[update]\nid = \"u1\"\nbody = \"One in three payments fails.\"\n";
const RESOLVED: &str = "[incident]\nid = \"p1\"\nphase = \"resolved\"\n[update]\nbody = \"All payments go through.\"\n";

async fn by_hand(clients: &'static str, playbook: &'static str) -> House {
    let mut house = House::open(Plan { feeds: "", clients, playbook, ..Plan::default() }).await;
    house.at("13:05").await;
    house
}

#[tokio::test]
async fn an_update_by_hand_never_waits_and_may_speak_of_a_feed_s_incident() {
    let mut house = House::open(Plan::default()).await;
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:20").await;
    let said = "[incident]\nid = \"i1\"\nsource = \"platform\"\n[update]\nbody = \"We are calling the bank.\"\nstatus = \"A new certificate is on its way.\"\n";
    let first = house.trigger(said).await;
    assert_eq!((first.opened, first.changed), (0, 1), "the feed's own case");
    let again = house.trigger(said).await;
    assert_eq!((again.changed, again.nothing), (0, 1), "a repeat changes nothing");
    expect(&house.told(OPS), &["13:05 STARTED", "13:20 NEWS"]);
    assert!(house.last(OPS).words().contains("A new certificate is on its way"), "{}", house.last(OPS).text);
    house.page.post("i1", "resolved", "All payments go through.");
    house.at("13:40").await;
    expect(&house.told(OPS)[2..], &["13:20 RESOLVED"]);
}

#[tokio::test]
async fn min_impact_decides_who_enters_and_whoever_is_in_stays() {
    let clients = "[[client]]\nid = \"acme\"\nname = \"Acme\"\npriorities = [\"payments\"]\nmin_impact = \"major\"\n[[client.contact]]\nemail = \"ops@acme.example\"\n";
    let mut house = by_hand(clients, "").await;
    house.trigger(&OPENED.replace("major", "minor")).await;
    expect(&house.told(OPS), &[]);
    house.trigger("[incident]\nid = \"p1\"\nimpact = \"critical\"\n[update]\nbody = \"Now all fail.\"\n").await;
    house.trigger("[incident]\nid = \"p1\"\nimpact = \"minor\"\n[update]\nbody = \"Now few fail.\"\n").await;
    house.trigger(RESOLVED).await;
    let verdicts: Vec<String> = house.mails(OPS).iter().map(|mail| mail.verdict()).collect();
    expect(&verdicts, &["STARTED", "BETTER", "RESOLVED"]);
}

const WITH_FALLBACK: &str = "[[client]]\nid = \"acme\"\nname = \"Acme\"\npriorities = [\"payments\"]\n[[client.contact]]\nemail = \"ops@acme.example\"\n[[client.contact]]\nemail = \"night@acme.example\"\nfallback = true\n";

#[tokio::test]
async fn a_fallback_is_left_alone_when_another_contact_accepts() {
    let mut house = by_hand(WITH_FALLBACK, "").await;
    house.trigger(OPENED).await;
    house.at("13:30").await;
    house.trigger(RESOLVED).await;
    house.at("14:30").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:30 RESOLVED"]);
    expect(&house.told(NIGHT), &[]);
    assert_eq!(house.cases_left().await, 0);
}

#[tokio::test]
async fn a_fallback_is_used_after_five_minutes_and_then_hears_the_end_too() {
    let mut house = by_hand(WITH_FALLBACK, "").await;
    house.relay.answer(OPS, 451);
    house.trigger(OPENED).await;
    house.at("13:09").await;
    expect(&house.told(NIGHT), &[]);
    house.at("13:15").await;
    expect(&house.told(NIGHT), &["13:10 STARTED"]);
    house.relay.answer(OPS, 250);
    house.at("14:00").await;
    expect(&house.told(OPS), &[]);
    expect(&house.ledger(LedgerState::Cancelled).await, &["acme 1: fallback: told by email"]);
    house.trigger(RESOLVED).await;
    house.at("14:30").await;
    expect(&house.told(OPS), &["14:00 RESOLVED"]);
    assert_eq!(house.told(NIGHT).last().map(String::as_str), Some("14:05 RESOLVED"), "{:?}", house.told(NIGHT));
    assert_eq!(house.cases_left().await, 0);
}

#[tokio::test]
async fn a_closing_notice_is_never_told_by_a_fallback_in_place_of_the_contact_that_was_told() {
    let mut house = by_hand(WITH_FALLBACK, "").await;
    house.trigger(OPENED).await;
    house.at("13:30").await;
    expect(&house.told(OPS), &["13:05 STARTED"]);
    house.relay.answer(OPS, 451);
    house.trigger("[incident]\nid = \"p1\"\nimpact = \"critical\"\n[update]\nbody = \"Now all fail.\"\n").await;
    house.at("13:40").await;
    assert_eq!(house.told(NIGHT).len(), 1, "{:?}", house.told(NIGHT));
    expect(&house.ledger(LedgerState::Pending).await, &[]);
    house.trigger(RESOLVED).await;
    house.at("13:50").await;
    let waiting = house.ledger(LedgerState::Pending).await;
    assert_eq!(waiting.len(), 1, "the end waits for the first contact: {waiting:?}");
    house.relay.answer(OPS, 250);
    house.at("15:00").await;
    assert_eq!(house.last(OPS).verdict(), "RESOLVED");
    assert_eq!(house.last(NIGHT).verdict(), "RESOLVED");
    assert_eq!(house.cases_left().await, 0);
}

const PLAYBOOK: &str = "[[guidance]]\nid = \"pause\"\ncomponents = [\"payments\"]\nphases = [\"investigating\", \"identified\"]\nneed = \"required\"\naction = \"Pause the settlement export in {{ facts.region }}.\"\nby = \"1h\"\nundo = \"Resume the export.\"\n";
const WITH_FACTS: &str = "[[client]]\nid = \"acme\"\nname = \"Acme\"\ntimezone = \"Europe/Berlin\"\npriorities = [\"payments\"]\nfacts = { region = \"eu-1\" }\n[[client.contact]]\nemail = \"ops@acme.example\"\n";

#[tokio::test]
async fn a_required_action_is_told_with_its_time_and_its_undo_at_the_end() {
    let mut house = by_hand(WITH_FACTS, PLAYBOOK).await;
    house.trigger(OPENED).await;
    let first = house.last(OPS);
    assert!(first.subject.starts_with("Action needed by 15:05 CET: "), "{}", first.subject);
    assert!(first.part("What you need to do").contains("Pause the settlement export in eu-1."), "{}", first.text);
    assert_eq!(first.header("X-Candor-Need"), "required");
    house.at("13:30").await;
    house
        .trigger("[incident]\nid = \"p1\"\nphase = \"identified\"\n[update]\nbody = \"A certificate expired.\"\n")
        .await;
    let second = house.last(OPS);
    assert!(!second.subject.starts_with("Action needed"), "only when newly required: {}", second.subject);
    assert!(second.words().contains("15:05 CET"), "the time stays: {}", second.text);
    house.trigger(RESOLVED).await;
    assert!(house.last(OPS).words().contains("Resume the export"), "{}", house.last(OPS).text);
}

#[tokio::test]
async fn an_action_whose_condition_ends_is_called_off_with_its_undo() {
    let mut house = by_hand(WITH_FACTS, PLAYBOOK).await;
    house.trigger(OPENED).await;
    house
        .trigger("[incident]\nid = \"p1\"\nphase = \"monitoring\"\n[update]\nbody = \"A new certificate is live.\"\n")
        .await;
    let words = house.last(OPS).words();
    assert!(words.contains("no longer needed") && words.contains("Resume the export"), "{words}");
    house.trigger(RESOLVED).await;
    assert_eq!(house.told(OPS).len(), 3);
}

#[tokio::test]
async fn an_author_s_action_outranks_the_playbook_and_none_calls_it_off() {
    let mut house = by_hand(WITH_FACTS, PLAYBOOK).await;
    house.trigger(&format!("{OPENED}action = \"Retry failed charges after 14:00 UTC.\"\n")).await;
    assert!(house.last(OPS).part("What you need to do").contains("Retry failed charges"), "{}", house.last(OPS).text);
    house.trigger("[incident]\nid = \"p1\"\n[update]\nbody = \"We retry for you.\"\nneed = \"none\"\n").await;
    assert!(house.last(OPS).words().contains("no longer needed"), "{}", house.last(OPS).text);
    assert_eq!(house.last(OPS).header("X-Candor-Need"), "none");
}

#[tokio::test]
async fn nothing_known_is_said_and_never_passed_over() {
    let mut house = by_hand(WITH_FALLBACK, "").await;
    house.trigger(OPENED).await;
    assert!(house.last(OPS).words().contains("We know of nothing you can do yet"), "{}", house.last(OPS).text);
    house.trigger(RESOLVED).await;
    assert_eq!(house.ledger(LedgerState::Failed).await.len(), 0);
}

const FIX_PLAYBOOK: &str = "[[guidance]]\nid = \"switch\"\ncomponents = [\"payments\"]\nphases = [\"monitoring\"]\nneed = \"required\"\naction = \"Switch back to the EU gateway.\"\nby = \"1h\"\n[[guidance]]\nid = \"call\"\ncomponents = [\"payments\"]\nimpacts = [\"minor\"]\nphases = [\"identified\"]\nneed = \"required\"\naction = \"Call the bank.\"\n";
const TWO_CLIENTS: &str = "[[client]]\nid = \"acme\"\nname = \"Acme\"\npriorities = [\"payments\"]\n[[client.contact]]\nemail = \"ops@acme.example\"\n[[client]]\nid = \"globex\"\nname = \"Globex\"\npriorities = [\"search\"]\n[[client.contact]]\nemail = \"ops@globex.example\"\n";

#[tokio::test]
async fn what_a_quiet_move_makes_required_is_told_at_once() {
    let mut house = House::open(Plan { clients: TWO_CLIENTS, playbook: FIX_PLAYBOOK, ..Plan::default() }).await;
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API", "Search"], "One in three payments fails.");
    house.at("13:20").await;
    house.page.post("i1", "identified", "A certificate expired.");
    house.at("13:25").await;
    house.page.post("i1", "identified", "A new one is ordered.");
    house.at("13:30").await;
    house.page.set("i1", "impact", "minor");
    house.at("13:33").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:21 NEWS", "13:30 ACTION NEEDED"]);
    assert!(house.last(OPS).subject.starts_with("Action needed: "), "{}", house.last(OPS).subject);
    let words = house.last(OPS).words();
    assert!(
        words.contains("Call the bank") && words.contains("A new one is ordered"),
        "what waited comes along: {words}"
    );
    house.page.post("i1", "monitoring", "The new certificate is live.");
    house.at("13:40").await;
    expect(&house.told(OPS)[3..], &["13:33 ACTION NEEDED"]);
    let subject = house.last(OPS).subject;
    assert!(subject.starts_with("Action needed by 14:33 UTC: "), "{subject}");
    let others = house.told("ops@globex.example");
    expect(&others, &["13:05 STARTED", "13:21 NEWS", "13:30 BETTER", "13:33 NEWS"]);
    house.page.post("i1", "monitoring", "All is quiet.");
    house.at("15:00").await;
    let last = house.last(OPS);
    assert!(!last.subject.starts_with("Action needed"), "it is asked for once: {}", last.subject);
    house.page.post("i1", "resolved", "All payments go through.");
    house.at("15:10").await;
    assert_eq!(house.told(OPS).last().map(String::as_str), Some("15:00 RESOLVED"), "{:?}", house.told(OPS));
}
