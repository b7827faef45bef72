//! What is found when a feed is looked at for the first time, and what is found over.

use crate::harness::house::expect;
use crate::harness::{House, Plan};

const OPS: &str = "ops@acme.example";

#[tokio::test]
async fn what_is_open_at_the_first_sight_is_told_as_a_whole_with_its_next_change() {
    let mut house = House::built(Plan::default()).await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.start().await;
    house.at("14:40").await;
    expect(&house.told(OPS), &[]);
    house.page.post("i1", "identified", "A certificate expired.");
    house.at("14:45").await;
    expect(&house.told(OPS), &["14:41 STARTED"]);
    let words = house.last(OPS).words();
    assert!(words.contains("One in three payments fails"), "what happened so far: {words}");
    assert!(words.contains("A certificate expired"), "and the news: {words}");
}

#[tokio::test]
async fn what_was_open_at_the_first_sight_and_ends_is_told_in_one_closing_message() {
    let mut house = House::built(Plan::default()).await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.start().await;
    house.at("13:20").await;
    house.page.post("i1", "resolved", "All payments go through.");
    house.at("15:00").await;
    expect(&house.told(OPS), &["13:20 RESOLVED"]);
    let words = house.last(OPS).words();
    assert!(words.contains("One in three") && words.contains("All payments go through"), "{words}");
}

#[tokio::test]
async fn a_feed_may_announce_what_it_finds_open() {
    let feeds = "[[feed]]\nname = \"platform\"\nkind = \"statuspage\"\nurl = \"http://127.0.0.1:{PAGE}\"\nfirst_sight = \"announce\"\n";
    let mut house = House::built(Plan { feeds, ..Plan::default() }).await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.start().await;
    house.at("13:02").await;
    expect(&house.told(OPS), &["13:00 STARTED"]);
}

#[tokio::test]
async fn what_opened_and_ended_between_two_reads_is_told_once_as_a_whole() {
    let feeds =
        "[[feed]]\nname = \"platform\"\nkind = \"statuspage\"\nurl = \"http://127.0.0.1:{PAGE}\"\nevery = \"10m\"\n";
    let mut house = House::open(Plan { feeds, ..Plan::default() }).await;
    house.at("13:02").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:05").await;
    house.page.post("i1", "resolved", "All payments go through.");
    house.at("15:00").await;
    assert_eq!(house.told(OPS).len(), 1, "{:?}", house.told(OPS));
    let mail = house.last(OPS);
    assert_eq!(mail.verdict(), "RESOLVED");
    assert!(mail.words().contains("One in three") && mail.words().contains("All payments go through"), "{}", mail.text);
}

#[tokio::test]
async fn what_was_over_before_we_watched_is_never_announced() {
    let mut house = House::built(Plan::default()).await;
    house.page.open("i1", "critical", &["Payments API"], "Everything is down.");
    house.page.post("i1", "resolved", "All is well.");
    house.start().await;
    house.at("13:30").await;
    house.page.rewrite("i1", 2, "All is well, and has been for a long while, we are glad to say.");
    house.at("13:40").await;
    house.page.post("i1", "postmortem", "It was a certificate.");
    house.at("16:00").await;
    expect(&house.told(OPS), &[]);
}
