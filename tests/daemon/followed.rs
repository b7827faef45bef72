//! One incident of a status page, from its first post to its end.

use crate::harness::house::expect;
use crate::harness::{House, Plan};

const OPS: &str = "ops@acme.example";

#[tokio::test]
async fn a_client_is_followed_through_to_the_end_in_one_thread() {
    let mut house = House::open(Plan::default()).await;
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments ends with error 502.");
    house.at("13:20").await;
    house.page.post("i1", "identified", "A certificate expired on the EU gateway.");
    house.page.set("i1", "name", "Payments fail in the EU and the UK");
    house.at("14:05").await;
    house.page.post("i1", "monitoring", "The new certificate is live.");
    house.at("14:50").await;
    house.page.post("i1", "resolved", "All payments go through.");
    house.at("15:30").await;

    expect(&house.told(OPS), &["13:05 STARTED", "13:21 NEWS", "14:06 NEWS", "14:50 RESOLVED"]);
    let mails = house.mails(OPS);
    let root = mails[0].references[0].clone();
    assert_eq!(mails[0].references, [root.as_str()], "the first one stands under the thread's root");
    assert_eq!(mails[0].in_reply_to, root);
    for (number, mail) in mails.iter().enumerate().skip(1) {
        assert_eq!(mail.in_reply_to, mails[number - 1].message_id, "mail {number} answers the one before");
        assert_eq!(mail.references.first(), Some(&root), "mail {number} is in the thread: {:?}", mail.references);
    }
    assert!(mails.iter().all(|mail| mail.message_id != root), "no message bears the root's id");
    let titled = "Payments fail in the EU (Example Platform ";
    assert!(mails[..3].iter().all(|mail| mail.subject.starts_with(titled)), "{}", mails[2].subject);
    assert!(mails[3].subject.starts_with(&format!("Resolved: {titled}")), "{}", mails[3].subject);
    assert!(mails[1].words().contains("Payments fail in the EU and the UK"), "a rename is told: {}", mails[1].text);
    assert!(mails[0].words().contains("error 502"), "{}", mails[0].text);
    assert!(mails[1].words().contains("A certificate expired"), "{}", mails[1].text);
    assert!(!mails[2].words().contains("A certificate expired"), "told once: {}", mails[2].text);
    assert_eq!(house.cases_left().await, 0);
}

#[tokio::test]
async fn planned_work_is_announced_moved_begun_and_done() {
    let mut house = House::open(Plan::default()).await;
    house.at("13:05").await;
    house.page.schedule("m1", "2026-11-23T22:00:00Z", "2026-11-23T23:00:00Z", &["Payments API"], "We move a database.");
    house.at("13:30").await;
    house.page.set("m1", "scheduled_for", "2026-11-23T22:30:00Z");
    house.at("22:29").await;
    house.page.post("m1", "in_progress", "It begins.");
    house.at("22:50").await;
    house.page.post("m1", "completed", "The database has moved.");
    house.at("23:30").await;
    expect(&house.told(OPS), &["13:05 PLANNED", "13:30 MOVED", "21:29 REMINDER", "22:29 BEGUN", "22:50 DONE"]);
    assert!(house.mails(OPS)[1].subject.starts_with("Moved to "), "{}", house.mails(OPS)[1].subject);
    assert!(house.mails(OPS)[0].text.contains("What will happen"), "{}", house.mails(OPS)[0].text);
}

#[tokio::test]
async fn planned_work_whose_source_says_nothing_is_spoken_of_at_its_start_and_its_end() {
    let mut house = House::open(Plan::default()).await;
    house.at("13:05").await;
    house.page.schedule("m1", "2026-11-23T14:00:00Z", "2026-11-23T15:00:00Z", &["Payments API"], "We move a database.");
    house.at("14:20").await;
    house.page.post("m1", "in_progress", "It begins.");
    house.at("15:30").await;
    house.page.post("m1", "completed", "The database has moved.");
    house.at("23:30").await;
    // That it has begun is told once; the source's own word of it is news like any other.
    let expected = ["13:05 PLANNED", "14:00 BEGUN", "14:21 NEWS", "15:00 LONGER THAN PLANNED", "15:30 DONE"];
    expect(&house.told(OPS), &expected);
    let begun = house.mails(OPS).remove(1).text;
    assert!(begun.contains("BEGUN by the clock: Payments API"), "{begun}");
    assert!(begun.contains("Nobody has said yet that it has."), "{begun}");
}

#[tokio::test]
async fn planned_work_that_its_source_never_speaks_of_again_is_not_silent_for_a_day() {
    let mut house = House::open(Plan::default()).await;
    house.at("13:05").await;
    house.page.schedule("m1", "2026-11-25T14:00:00Z", "2026-11-25T18:00:00Z", &["Payments API"], "We move a database.");
    house.pass(58 * 60 + 25).await;
    let expected = [
        "13:05 PLANNED",
        "24th 13:59 REMINDER",
        "25th 12:59 REMINDER",
        "25th 14:00 BEGUN",
        "25th 15:59 NO CHANGE",
        "25th 18:00 LONGER THAN PLANNED",
        "25th 21:59 NO CHANGE",
    ];
    expect(&house.told(OPS), &expected);
    let late = house.last(OPS).text;
    assert!(!late.contains("once a day"), "{late}");
    assert!(late.contains("Nobody has said yet that it has."), "{late}");
}

#[tokio::test]
async fn work_under_way_that_is_to_end_later_is_moved_with_the_old_end_and_the_new() {
    let mut house = House::open(Plan::default()).await;
    house.at("13:05").await;
    house.page.schedule("m1", "2026-11-23T14:00:00Z", "2026-11-23T15:00:00Z", &["Payments API"], "We move a database.");
    house.at("13:59").await;
    house.page.post("m1", "in_progress", "It begins.");
    house.at("14:30").await;
    house.page.set("m1", "scheduled_until", "2026-11-23T16:00:00Z");
    house.at("14:40").await;
    let moved = house.last(OPS);
    assert!(moved.text.starts_with("MOVED: it is now planned to end by 16:00"), "{}", moved.text);
    assert!(moved.words().contains("Before, it was planned to end by 15:00"), "{}", moved.text);
    house.at("16:30").await;
    let expected = ["13:05 PLANNED", "13:59 BEGUN", "14:30 MOVED", "16:00 LONGER THAN PLANNED"];
    expect(&house.told(OPS), &expected);
}

#[tokio::test]
async fn work_that_is_to_end_within_the_minute_is_told_as_late_when_it_does_not() {
    let mut house = House::open(Plan { feeds: "", ..Plan::default() }).await;
    house.at("13:05").await;
    let work = "[incident]\nid = \"m1\"\ntitle = \"Index moves\"\nphase = \"in_progress\"\ncomponents = [\"payments\"]\n\
        scheduled_for = 2026-11-23T12:00:00Z\nscheduled_until = 2026-11-23T13:05:20Z\n[update]\nbody = \"Nearly done.\"\n";
    house.trigger(work).await;
    assert_eq!(house.last(OPS).next_word().as_deref(), Some("13:06"), "{}", house.last(OPS).text);
    house.at("13:10").await;
    expect(&house.told(OPS), &["13:05 BEGUN", "13:05 LONGER THAN PLANNED"]);
}
