//! A restart, or an end without warning, changes nothing of what clients get.

use candor::domain::client::Channel;
use candor::passes::{dispatch, ingest};
use candor::store::rows::{LedgerState, Whose};

use crate::harness::house::expect;
use crate::harness::{House, Plan};

const OPS: &str = "ops@acme.example";

#[derive(Debug, Clone, Copy)]
enum Interruption {
    Restart,
    Crash,
}

async fn interrupted(how: Interruption) -> House {
    let mut house = House::open(Plan::default()).await;
    for (time, status, words) in [
        ("13:05", "investigating", "One in three payments ends with error 502."),
        ("13:20", "identified", "A certificate expired on the EU gateway."),
        ("14:05", "monitoring", "The new certificate is live."),
        ("14:50", "resolved", "All payments go through."),
    ] {
        house.at(time).await;
        if status == "investigating" {
            house.page.open("i1", "major", &["Payments API"], words);
        } else {
            house.page.post("i1", status, words);
        }
        for minutes in [0, 1, 1, 5] {
            house.pass(minutes).await;
            match how {
                Interruption::Restart => house.stop().await,
                Interruption::Crash => house.crash(),
            }
            house.start().await;
        }
    }
    house.at("16:00").await;
    house
}

#[tokio::test]
async fn sixteen_restarts_in_a_case_repeat_nothing_and_lose_nothing() {
    for how in [Interruption::Restart, Interruption::Crash] {
        let house = interrupted(how).await;
        let told = house.told(OPS);
        let verdicts: Vec<String> = house.mails(OPS).iter().map(|mail| mail.verdict()).collect();
        assert_eq!(verdicts, ["STARTED", "NEWS", "NEWS", "RESOLVED"], "{how:?}: {told:?}");
        assert_eq!(house.cases_left().await, 0);
        let mails = house.mails(OPS);
        assert!(mails.windows(2).all(|pair| pair[1].in_reply_to == pair[0].message_id), "one thread: {how:?}");
    }
}

#[tokio::test]
async fn what_was_claimed_when_we_crashed_is_uncertain_and_sent_under_the_same_id() {
    let mut house = House::open(Plan { feeds: "", ..Plan::default() }).await;
    house.at("13:05").await;
    let shared = house.shared().clone();
    let now = house.clock.now();
    let text = "[incident]\nid = \"p1\"\ntitle = \"Payments fail\"\ncomponents = [\"payments\"]\n[update]\nbody = \"They fail.\"\n";
    let update = candor::feed::update_format::parse(text).unwrap().into_observation("trigger", now, || "x".to_owned());
    let sight = candor::domain::observe::Sight::Watching { last_good_at: None };
    ingest::take(&shared, &[update], sight, None, now).await.unwrap();
    dispatch::pass(&shared, now).await.unwrap();
    let claimed = shared.store.claim(Channel::Email, shared.epoch, now, 10, Whose::Everybodys).await.unwrap();
    let bundle =
        candor::passes::message::Bundle::load(&shared, claimed[0].thread.case_key, now).await.unwrap().unwrap();
    let key = bundle.message(&shared, &claimed[0]).unwrap().key;
    drop((shared, bundle));
    house.crash();
    house.start().await;
    house.at("13:30").await;
    expect(&house.told(OPS), &["13:05 STARTED"]);
    assert_eq!(house.last(OPS).message_id, format!("{key}@example.com"));
    assert_eq!(house.ledger(LedgerState::Delivered).await.len(), 1);
    house.restart().await;
    assert_eq!(house.told(OPS).len(), 1);
}
