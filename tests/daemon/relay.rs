//! What clients get when the relay is down, refuses one of them, or refuses us.

use candor::store::rows::LedgerState;

use crate::harness::house::expect;
use crate::harness::{House, Mode, Plan};

const OPS: &str = "ops@acme.example";

/// Twelve clients that depend on payments, `c01` to `c12`.
fn twelve() -> String {
    clients(12)
}

/// So many clients that depend on payments, `c01` and on.
fn clients(count: usize) -> String {
    (1..=count)
        .map(|n| format!("[[client]]\nid = \"c{n:02}\"\nname = \"Client {n}\"\npriorities = [\"payments\"]\n[[client.contact]]\nemail = \"ops@c{n:02}.example\"\n"))
        .collect()
}

#[tokio::test]
async fn after_two_hours_without_a_relay_each_client_gets_one_message_with_all_that_was_missed() {
    let mut house = House::open(Plan::default()).await;
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:10").await;
    house.relay.set(Mode::Down);
    for (time, words) in [
        ("13:15", "First words of the outage."),
        ("13:50", "Second words of the outage."),
        ("14:20", "Third words of the outage."),
        ("14:40", "Fourth words of the outage."),
    ] {
        house.at(time).await;
        house.page.post("i1", "identified", words);
    }
    house.at("14:50").await;
    house.page.post("i1", "monitoring", "Fifth words of the outage.");
    house.at("15:00").await;
    house.page.post("i1", "resolved", "Sixth words of the outage.");
    house.at("15:10").await;
    expect(&house.told(OPS), &["13:05 STARTED"]);
    house.relay.set(Mode::Polite);
    house.at("18:00").await;
    let told = house.told(OPS);
    assert_eq!(told.len(), 2, "{told:?}");
    let mail = house.last(OPS);
    assert_eq!(mail.verdict(), "RESOLVED");
    for words in ["First", "Second", "Third", "Fourth", "Fifth", "Sixth"] {
        assert!(mail.words().contains(&format!("{words} words of the outage")), "{words}: {}", mail.text);
    }
    assert_eq!(house.cases_left().await, 0);
}

#[tokio::test]
async fn what_opened_and_ended_while_the_relay_was_down_is_one_message_that_names_it() {
    let mut house = House::open(Plan::default()).await;
    house.relay.set(Mode::Down);
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("14:00").await;
    house.page.post("i1", "resolved", "All payments go through.");
    house.at("14:30").await;
    house.relay.set(Mode::Polite);
    house.at("17:00").await;
    assert_eq!(house.told(OPS).len(), 1, "{:?}", house.told(OPS));
    let mail = house.last(OPS);
    assert_eq!(mail.verdict(), "RESOLVED");
    assert!(mail.words().contains("One in three") && mail.words().contains("Payments fail in the EU"), "{}", mail.text);
}

#[tokio::test]
async fn one_refused_recipient_costs_nobody_else_a_word() {
    let mut house = House::open(Plan::default()).await;
    house.write("clients.toml", &twelve());
    house.reload().await;
    house.relay.answer("ops@c03.example", 550);
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:30").await;
    let news = house.news();
    assert_eq!(news.len(), 11, "{news:?}");
    assert_eq!(house.ledger(LedgerState::Failed).await.len(), 1, "{:?}", house.ledger(LedgerState::Failed).await);
    assert_eq!(house.relay.refused(), 1, "a refusal for good is not tried again");
    // A 4xx is tried again, alone.
    house.relay.answer("ops@c04.example", 451);
    house.page.post("i1", "resolved", "All payments go through.");
    house.at("13:35").await;
    house.relay.answer("ops@c04.example", 250);
    house.at("14:30").await;
    let news = house.news();
    assert_eq!(news.len(), 11, "{news:?}");
}

#[tokio::test]
async fn ten_refusals_in_a_row_are_the_relay_s_fault_and_nobody_s_row_fails() {
    let mut house = House::open(Plan::default()).await;
    house.write("clients.toml", &twelve());
    house.reload().await;
    house.relay.set(Mode::RefusesEverybody);
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:08").await;
    expect(&house.ledger(LedgerState::Failed).await, &[]);
    let held = house.shared().store.held_accounts().await.unwrap();
    assert_eq!(held.len(), 1, "the account is held");
    assert!(house.post("/hooks/none", &[], "").await.0 == 404);
    let refused = house.relay.refused();
    assert!(refused <= 12, "{refused} refusals");
    house.at("13:09").await;
    assert_eq!(house.relay.refused(), refused, "a held account is left alone until its probe");
    house.relay.set(Mode::Polite);
    house.at("13:30").await;
    let news = house.news();
    assert_eq!(news.len(), 12, "{news:?}");
    expect(&house.ledger(LedgerState::Failed).await, &[]);
}

#[tokio::test]
async fn an_account_refused_at_the_greeting_is_held_and_probed() {
    let mut house = House::open(Plan::default()).await;
    house.write("clients.toml", &twelve());
    house.reload().await;
    house.relay.set(Mode::RefusesAtGreeting);
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:06").await;
    assert_eq!(house.shared().store.held_accounts().await.unwrap().len(), 1, "the account is held");
    let connections = house.relay.connections();
    house.at("13:30").await;
    let probes = house.relay.connections() - connections;
    assert!((3..=6).contains(&probes), "probed every five minutes: {probes}");
    house.relay.set(Mode::Polite);
    house.at("13:36").await;
    assert_eq!(house.news().len(), 12);
    let pending: Vec<i64> = house.ledger_rows().await.iter().map(|row| row.attempts).collect();
    assert!(pending.iter().all(|attempts| *attempts <= 1), "nobody's attempts were spent: {pending:?}");
}

#[tokio::test]
async fn what_may_have_arrived_is_sent_again_under_the_same_id_and_shown_as_uncertain() {
    let mut house = House::open(Plan::default()).await;
    house.relay.set(Mode::SilentAfterDot);
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:07").await;
    let rows = house.ledger_rows().await;
    assert!(rows.len() == 1 && rows[0].uncertain && rows[0].state == LedgerState::Pending, "{rows:?}");
    house.relay.set(Mode::Polite);
    house.at("13:20").await;
    let mails = house.mails(OPS);
    expect(&house.told(OPS), &["13:05 STARTED", "13:10 STARTED"]);
    assert_eq!(mails[0].message_id, mails[1].message_id);
    assert_eq!(house.ledger(LedgerState::Delivered).await.len(), 1);
}

/// A house with so many clients of which the first so many have addresses that the relay does not know.
async fn with_dead(count: usize, dead: usize) -> House {
    let mut house = House::open(Plan::default()).await;
    house.write("clients.toml", &clients(count));
    house.reload().await;
    for n in 1..=dead {
        house.relay.answer(&format!("ops@c{n:02}.example"), 550);
    }
    house.at("13:05").await;
    house
}

async fn is_held(house: &House) -> bool {
    !house.shared().store.held_accounts().await.unwrap().is_empty()
}

const OPENED: &str = "[incident]\nid = \"p1\"\ntitle = \"Payments fail\"\nimpact = \"major\"\ncomponents = [\"Payments API\"]\n[update]\nbody = \"One in three payments fails.\"\n";
const WORSE: &str = "[incident]\nid = \"p1\"\nimpact = \"critical\"\n[update]\nbody = \"All payments fail.\"\n";

#[tokio::test]
async fn ten_dead_addresses_that_stand_together_cost_the_others_one_probe_once() {
    let mut house = with_dead(60, 10).await;
    // Held or not: that depends on whether the next acceptance comes back together with the tenth refusal.
    house.trigger(OPENED).await;
    house.at("13:11").await;
    assert!(!is_held(&house).await, "somebody else was taken");
    assert_eq!(house.news().len(), 50);
    assert_eq!(house.ledger(LedgerState::Failed).await.len(), 10, "refused again while others were accepted");
    house.trigger(WORSE).await;
    assert!(!is_held(&house).await, "they are known");
    assert_eq!(house.news().len(), 50, "nobody waits for them again");
}

#[tokio::test]
async fn ten_dead_addresses_that_are_the_whole_book_fail_after_a_while_and_are_held_no_more() {
    let mut house = with_dead(10, 10).await;
    house.trigger(OPENED).await;
    assert!(is_held(&house).await);
    house.at("14:30").await;
    assert!(is_held(&house).await, "a relay that mends within 90 minutes has lost nobody a word");
    expect(&house.ledger(LedgerState::Failed).await, &[]);
    house.at("14:45").await;
    assert_eq!(house.ledger(LedgerState::Failed).await.len(), 10);
    assert!(!is_held(&house).await);
    house.trigger(WORSE).await;
    assert!(!is_held(&house).await, "the same ten say nothing new");
    assert_eq!(house.ledger(LedgerState::Pending).await.len(), 0);
}

#[tokio::test]
async fn a_relay_that_refuses_everybody_for_an_hour_loses_nobody() {
    for count in [10, 12, 40] {
        let mut house = with_dead(count, 0).await;
        house.relay.set(Mode::RefusesEverybody);
        house.trigger(OPENED).await;
        house.at("14:04").await;
        expect(&house.ledger(LedgerState::Failed).await, &[]);
        let refused = house.relay.refused();
        assert!(refused <= count + 12 + 5, "each once before the hold at most, then one a probe: {refused}");
        house.relay.set(Mode::Polite);
        house.at("14:11").await;
        assert_eq!(house.news().len(), count, "of {count}");
        expect(&house.ledger(LedgerState::Failed).await, &[]);
        assert!(!is_held(&house).await);
    }
}

#[tokio::test]
async fn refusals_are_counted_from_one_run_to_the_next_and_the_first_are_put_back_too() {
    let mut house = with_dead(0, 0).await;
    house.relay.set(Mode::RefusesEverybody);
    let mut book = String::new();
    for n in 1..=10 {
        book.push_str(&format!(
            "[[client]]\nid = \"c{n}\"\nname = \"C {n}\"\npriorities = [\"payments\"]\n[[client.contact]]\nemail = \"ops@c{n}.example\"\n"
        ));
        house.write("clients.toml", &book);
        house.reload().await;
        house.trigger(&OPENED.replace("\"p1\"", &format!("\"p{n}\""))).await;
        assert_eq!(is_held(&house).await, n == 10, "after {n} different recipients");
    }
    expect(&house.ledger(LedgerState::Failed).await, &[]);
    house.relay.set(Mode::Polite);
    house.at("13:15").await;
    assert_eq!(house.news().len(), 55, "each client each case");
}

/// A house that offers the relay so many connections.
async fn with_connections(connections: usize) -> House {
    let mut house = House::built(Plan::default()).await;
    let config = std::fs::read_to_string(house.path("candor.toml")).unwrap();
    house.write("candor.toml", &config.replace("connections = 1", &format!("connections = {connections}")));
    house.write("clients.toml", &clients(40));
    house.start().await;
    house.at("13:05").await;
    house
}

#[tokio::test]
async fn a_connection_too_many_is_one_lane_fewer_and_holds_nothing() {
    let mut house = with_connections(6).await;
    house.relay.set(Mode::RoomFor(2));
    house.trigger(OPENED).await;
    house.at("13:06").await;
    assert!(!is_held(&house).await);
    assert_eq!(house.news().len(), 40);
    let attempts: Vec<i64> = house.ledger_rows().await.iter().map(|row| row.attempts).collect();
    assert!(attempts.iter().all(|attempts| *attempts == 1), "nobody's attempts were spent: {attempts:?}");
    house.relay.set(Mode::RefusesAtGreeting);
    house.at("13:10").await;
    house.trigger(WORSE).await;
    assert!(is_held(&house).await, "no lane gets through");
}

#[tokio::test]
async fn a_hold_for_one_reason_is_one_row_and_ends_with_the_first_good_probe() {
    let mut house = with_connections(6).await;
    house.relay.set(Mode::RefusesAtGreeting);
    house.trigger(OPENED).await;
    let held = house.shared().store.held_accounts().await.unwrap();
    assert_eq!(held[0].cause.to_string(), "greeting: 421 4.3.2 not now");
    house.relay.set(Mode::Polite);
    house.reload().await;
    assert_eq!(house.news().len(), 40, "a reload probes at once");
}
