//! What clients get when the relay is down, refuses one of them, or refuses us.

use candor::store::rows::LedgerState;

use crate::harness::house::expect;
use crate::harness::{House, Mode, Plan};

const OPS: &str = "ops@acme.example";

/// Twelve clients that depend on payments, `c01` to `c12`.
fn twelve() -> String {
    (1..=12)
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
