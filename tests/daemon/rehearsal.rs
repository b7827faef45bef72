//! `deliver = "rehearse"`: nobody gets anything, and what was rehearsed is never sent.

use candor::store::rows::LedgerState;

use crate::harness::house::expect;
use crate::harness::{House, Plan};

const OPS: &str = "ops@acme.example";
const FALLBACK: &str = "boss@acme.example";
const FEEDS: &str =
    "[[feed]]\nname = \"platform\"\nkind = \"statuspage\"\nurl = \"http://127.0.0.1:{PAGE}\"\nevery = \"1m\"\n";
const CLIENTS: &str = r#"
[[client]]
id = "acme"
name = "Acme GmbH"
priorities = ["payments", "search"]
[[client.contact]]
email = "ops@acme.example"
[[client.contact]]
email = "boss@acme.example"
fallback = true
"#;
const REHEARSED: &str = "acme 1: rehearsal: rehearsed, not sent";

#[derive(Debug, Clone, Copy)]
enum By {
    Reload,
    Restart,
}

async fn switch(house: &mut House, deliver: &str, by: By) {
    let text = std::fs::read_to_string(house.path("candor.toml")).unwrap();
    let other = if deliver == "live" { "rehearse" } else { "live" };
    let text = text.replace(&format!("deliver = \"{other}\""), &format!("deliver = \"{deliver}\""));
    house.write("candor.toml", &text);
    match by {
        By::Reload => house.reload().await,
        By::Restart => house.restart().await,
    }
}

/// What the first contact was told, without the minute, which hangs on when the page was read.
fn verdicts(house: &House) -> Vec<String> {
    house.mails(OPS).iter().map(|mail| mail.verdict()).collect()
}

/// A case that is opened at 13:05, in this mode.
async fn in_a_case(deliver: &str) -> House {
    let mut house = House::built(Plan { feeds: FEEDS, clients: CLIENTS, ..Plan::default() }).await;
    let text = std::fs::read_to_string(house.path("candor.toml")).unwrap();
    house.write("candor.toml", &format!("deliver = \"{deliver}\"\n{text}"));
    house.start().await;
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:07").await;
    house
}

#[tokio::test]
async fn what_is_open_when_it_goes_live_is_told_as_a_whole_with_its_next_change() {
    for by in [By::Reload, By::Restart] {
        let mut house = in_a_case("rehearse").await;
        expect(&house.ledger(LedgerState::Cancelled).await, &[REHEARSED, REHEARSED]);
        switch(&mut house, "live", by).await;
        house.at("13:30").await;
        expect(&house.news(), &[]);
        house.page.post("i1", "identified", "A certificate expired.");
        house.at("13:34").await;
        expect(&verdicts(&house), &["STARTED"]);
        let words = house.last(OPS).words();
        assert!(words.contains("One in three") && words.contains("A certificate expired"), "{by:?}: {words}");
        house.page.post("i1", "resolved", "All payments go through.");
        house.at("15:30").await;
        expect(&verdicts(&house), &["STARTED", "RESOLVED"]);
        expect(&house.told(FALLBACK), &[]);
        assert_eq!(house.cases_left().await, 0, "{by:?}");
    }
}

#[tokio::test]
async fn what_was_opened_in_rehearsal_and_ends_live_is_told_in_one_closing_message() {
    for by in [By::Reload, By::Restart] {
        let mut house = in_a_case("rehearse").await;
        house.page.post("i1", "identified", "A certificate expired.");
        house.at("13:25").await;
        switch(&mut house, "live", by).await;
        house.at("13:40").await;
        house.page.post("i1", "resolved", "All payments go through.");
        house.at("16:00").await;
        expect(&verdicts(&house), &["RESOLVED"]);
        let words = house.last(OPS).words();
        assert!(words.contains("One in three") && words.contains("All payments go through"), "{by:?}: {words}");
        expect(&house.told(FALLBACK), &[]);
        assert_eq!(house.cases_left().await, 0, "{by:?}");
    }
}

#[tokio::test]
async fn what_ended_in_rehearsal_is_told_to_nobody() {
    for by in [By::Reload, By::Restart] {
        let mut house = in_a_case("rehearse").await;
        house.page.post("i1", "resolved", "All payments go through.");
        house.at("15:00").await;
        let ends = house.ledger(LedgerState::Cancelled).await;
        assert_eq!(ends.len(), 4, "the end is rehearsed too: {ends:?}");
        assert_eq!(house.cases_left().await, 0, "nobody is waited for");
        switch(&mut house, "live", by).await;
        house.at("15:30").await;
        house.page.post("i1", "postmortem", "It was a certificate.");
        house.at("18:00").await;
        expect(&house.news(), &[]);
    }
}

#[tokio::test]
async fn what_no_longer_concerns_whoever_was_only_rehearsed_is_not_taken_back_live() {
    let mut house = in_a_case("rehearse").await;
    switch(&mut house, "live", By::Reload).await;
    house.write("clients.toml", &CLIENTS.replace("[\"payments\", \"search\"]", "[\"search\"]"));
    house.reload().await;
    house.page.post("i1", "identified", "A certificate expired.");
    house.at("13:30").await;
    house.page.post("i1", "resolved", "All payments go through.");
    house.at("15:30").await;
    expect(&house.news(), &[]);
    assert_eq!(house.cases_left().await, 0);
}

#[tokio::test]
async fn whoever_was_told_before_a_rehearsal_hears_the_end_after_it() {
    for by in [By::Reload, By::Restart] {
        let mut house = in_a_case("live").await;
        expect(&house.told(OPS), &["13:05 STARTED"]);
        switch(&mut house, "rehearse", by).await;
        house.at("13:20").await;
        house.page.post("i1", "identified", "A certificate expired.");
        house.at("13:40").await;
        house.page.post("i1", "resolved", "All payments go through.");
        house.at("14:00").await;
        expect(&house.told(OPS), &["13:05 STARTED"]);
        assert_eq!(house.cases_left().await, 1, "its end is owed");
        switch(&mut house, "live", by).await;
        house.at("14:30").await;
        expect(&house.told(OPS), &["13:05 STARTED", "14:00 RESOLVED"]);
        expect(&house.told(FALLBACK), &[]);
        assert_eq!(house.cases_left().await, 0, "{by:?}");
    }
}
