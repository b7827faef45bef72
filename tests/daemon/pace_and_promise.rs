//! When notices come: quiet news in company, loud news at once, and a word when it was promised.

use crate::harness::house::expect;
use crate::harness::{House, Mode, Plan};

const OPS: &str = "ops@acme.example";
const QUICK: &str =
    "[[feed]]\nname = \"platform\"\nkind = \"statuspage\"\nurl = \"http://127.0.0.1:{PAGE}\"\nevery = \"15s\"\n";
const OPENED: &str = "[incident]\nid = \"p1\"\ntitle = \"Payments fail\"\nimpact = \"major\"\ncomponents = [\"payments\"]\n[update]\nbody = \"One in three payments fails.\"\n";

#[tokio::test]
async fn quiet_updates_within_a_minute_come_in_one_notice_and_half_an_hour_apart() {
    let mut house = House::open(Plan { feeds: QUICK, ..Plan::default() }).await;
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:20").await;
    house.page.post("i1", "investigating", "Cards of one bank work again.");
    house.clock.set(house.clock.now() + jiff::SignedDuration::from_secs(20));
    house.settle().await;
    house.page.post("i1", "identified", "A certificate expired.");
    house.at("13:25").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:21 NEWS"]);
    let words = house.last(OPS).words();
    assert!(words.contains("Cards of one bank") && words.contains("A certificate expired"), "{words}");
    house.page.post("i1", "identified", "A new certificate is ordered.");
    house.at("14:00").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:21 NEWS", "13:51 NEWS"]);
}

#[tokio::test]
async fn loud_news_comes_at_once_and_takes_along_what_waits() {
    let mut house = House::open(Plan { feeds: QUICK, ..Plan::default() }).await;
    house.at("13:05").await;
    house.page.open("i1", "minor", &["Payments API"], "Some payments fail.");
    house.at("13:10").await;
    house.page.post("i1", "identified", "A certificate expired.");
    house.at("13:15").await;
    house.page.post("i1", "identified", "The old one was deleted too.");
    house.at("13:20").await;
    house.page.set("i1", "impact", "critical");
    house.at("13:40").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:11 NEWS", "13:20 WORSE"]);
    assert!(house.last(OPS).words().contains("The old one was deleted too"), "{}", house.last(OPS).text);
}

#[tokio::test]
async fn with_nothing_new_a_word_comes_when_promised_and_ever_more_seldom() {
    let mut house = House::open(Plan { feeds: "", ..Plan::default() }).await;
    house.at("13:05").await;
    house.trigger(OPENED).await;
    house.at("20:10").await;
    expect(&house.told(OPS), &["13:05 STARTED", "14:04 NO CHANGE", "16:03 NO CHANGE", "20:02 NO CHANGE"]);
    house.trigger("[incident]\nid = \"p1\"\n[update]\nbody = \"A certificate expired.\"\n").await;
    house.at("23:00").await;
    let told = house.told(OPS);
    expect(&told[4..], &["20:10 NEWS", "22:09 NO CHANGE"]);
    let promised: Vec<String> = house.mails(OPS).iter().filter_map(|mail| mail.next_word()).collect();
    expect(&promised, &["14:05", "16:04", "20:03", "Tue 24 Nov, 00:02", "22:10", "Tue 24 Nov, 02:09"]);
}

#[tokio::test]
async fn every_promise_is_kept_before_it_is_over_and_none_is_printed_in_the_past() {
    let mut house = House::open(Plan { feeds: "", ..Plan::default() }).await;
    house.at("13:05").await;
    house.trigger(OPENED).await;
    house.pass(60 * 24 * 4).await;
    let mails = house.mails(OPS);
    assert!(mails.len() > 6, "{:?}", house.told(OPS));
    for pair in mails.windows(2) {
        let promised = pair[0].next_word().unwrap_or_else(|| panic!("no promise in {}", pair[0].text));
        let came = pair[1].at.to_zoned_datetime(jiff::tz::TimeZone::UTC);
        let early = came.saturating_add(jiff::SignedDuration::from_secs(60)).strftime("%H:%M").to_string();
        assert!(promised.ends_with(&early), "promised {promised}, came {came}");
    }
}

#[tokio::test]
async fn an_author_s_own_promise_is_kept_and_quiet_news_never_waits_past_it() {
    let mut house = House::open(Plan { feeds: QUICK, ..Plan::default() }).await;
    house.at("13:05").await;
    let opened = OPENED.replace("[incident]\n", "[incident]\nsource = \"platform\"\n");
    house.trigger(&format!("{opened}next_update = \"20m\"\n")).await;
    house.at("13:40").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:24 NO CHANGE"]);
}

#[tokio::test]
async fn after_a_long_stop_there_is_one_word_and_no_burst() {
    for feeds in ["", Plan::default().feeds] {
        let mut house = House::open(Plan { feeds, ..Plan::default() }).await;
        house.at("13:05").await;
        house.trigger(OPENED).await;
        house.at("13:30").await;
        house.stop().await;
        house.clock.set("2026-11-24T09:00:00Z".parse().unwrap());
        house.start().await;
        house.at("09:05").await;
        let told = house.told(OPS);
        assert_eq!(told.len(), 2, "with feeds {feeds:?}: {told:?}");
        assert!(told[1].ends_with("NO CHANGE"), "{told:?}");
    }
}

#[tokio::test]
async fn the_ledger_holds_every_promise_and_says_which_were_kept() {
    let mut house = House::open(Plan { feeds: "", ..Plan::default() }).await;
    house.at("13:05").await;
    house.trigger(OPENED).await;
    house.at("14:10").await;
    house.trigger("[incident]\nid = \"p1\"\nphase = \"resolved\"\n[update]\nbody = \"It works again.\"\n").await;
    house.at("14:20").await;
    let kept = house.promises("acme").await;
    expect(&kept, &["14:05 kept at 14:04", "16:04 kept at 14:10"]);
    let words = house.last(OPS).words();
    assert!(words.contains("we kept 2 of 2 promised times"), "{words}");
}

#[tokio::test]
async fn a_word_that_nobody_could_be_told_in_time_is_a_broken_promise() {
    let mut house = House::open(Plan { feeds: "", ..Plan::default() }).await;
    house.at("13:05").await;
    house.trigger(OPENED).await;
    house.at("13:30").await;
    house.relay.set(Mode::Down);
    house.at("14:10").await;
    expect(&house.promises("acme").await, &["14:05 broken"]);
    assert!(house.metrics().contains("candor_promises_total{result=\"broken\"} 1"), "{}", house.metrics());
    house.relay.set(Mode::Polite);
    house.at("14:40").await;
    house.trigger("[incident]\nid = \"p1\"\nphase = \"resolved\"\n[update]\nbody = \"It works again.\"\n").await;
    house.at("14:50").await;
    let ledger = house.promises("acme").await;
    assert!(ledger[0].starts_with("14:05 broken, came 14:"), "{ledger:?}");
    let words = house.last(OPS).words();
    assert!(words.contains("we kept 1 of 2 promised times"), "{words}");
}
