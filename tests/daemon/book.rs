//! Client files that change in the middle of a case.

use candor::store::rows::LedgerState;

use crate::harness::house::expect;
use crate::harness::{House, Mode, Plan};

const OPS: &str = "ops@acme.example";
const ACME: &str = "[[client]]\nid = \"acme\"\nname = \"Acme GmbH\"\npriorities = [\"payments\"]\n[[client.contact]]\nemail = \"ops@acme.example\"\n";
const GLOBEX: &str = "[[client]]\nid = \"globex\"\nname = \"Globex\"\npriorities = [\"payments\"]\n[[client.contact]]\nemail = \"ops@globex.example\"\n";

async fn in_a_case(clients: &'static str) -> House {
    let mut house = House::open(Plan { clients, ..Plan::default() }).await;
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:10").await;
    house
}

#[tokio::test]
async fn a_client_added_in_mid_case_gets_the_whole_story_with_the_next_news() {
    let mut house = in_a_case(ACME).await;
    house.news();
    house.write("clients.toml", &format!("{ACME}{GLOBEX}"));
    house.reload().await;
    house.at("13:20").await;
    expect(&house.news(), &[]);
    house.page.post("i1", "identified", "A certificate expired.");
    house.at("13:30").await;
    expect(&house.news(), &["ops@acme.example 13:21 NEWS", "ops@globex.example 13:21 STARTED"]);
    let words = house.last("ops@globex.example").words();
    assert!(words.contains("One in three") && words.contains("A certificate expired"), "{words}");
    house.page.post("i1", "resolved", "All payments go through.");
    house.at("13:40").await;
    expect(&house.news(), &["ops@acme.example 13:30 RESOLVED", "ops@globex.example 13:30 RESOLVED"]);
}

#[tokio::test]
async fn a_client_removed_in_mid_case_gets_nothing_more_and_is_shown_as_cancelled() {
    let mut house = House::open(Plan { clients: ACME, ..Plan::default() }).await;
    house.write("clients.toml", &format!("{ACME}{GLOBEX}"));
    house.reload().await;
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:10").await;
    house.news();
    house.relay.set(Mode::Down);
    house.page.post("i1", "identified", "A certificate expired.");
    house.at("13:20").await;
    house.write("clients.toml", ACME);
    house.reload().await;
    house.relay.set(Mode::Polite);
    house.at("13:40").await;
    house.page.post("i1", "resolved", "All payments go through.");
    house.at("14:00").await;
    let news = house.news();
    assert!(!news.iter().any(|told| told.contains("globex")), "{news:?}");
    let cancelled = house.ledger(LedgerState::Cancelled).await;
    assert!(cancelled.len() == 1 && cancelled[0].starts_with("globex"), "{cancelled:?}");
    assert_eq!(house.cases_left().await, 0, "nobody is waited for");
}

#[tokio::test]
async fn a_changed_address_is_a_new_contact_with_the_whole_story_and_the_old_one_ends() {
    let mut house = in_a_case(ACME).await;
    house.write("clients.toml", &ACME.replace("ops@", "noc@"));
    house.reload().await;
    house.at("13:20").await;
    house.page.post("i1", "identified", "A certificate expired.");
    house.at("13:40").await;
    house.page.post("i1", "resolved", "All payments go through.");
    house.at("14:00").await;
    expect(&house.told(OPS), &["13:05 STARTED"]);
    expect(&house.told("noc@acme.example"), &["13:21 STARTED", "13:40 RESOLVED"]);
    assert!(house.mails("noc@acme.example")[0].words().contains("One in three"));
    assert_eq!(house.cases_left().await, 0);
}

#[tokio::test]
async fn a_reload_by_itself_tells_nobody_anything() {
    let mut house = in_a_case(ACME).await;
    house.news();
    let more = "[[client]]\nid = \"hooli\"\nname = \"Hooli\"\npriorities = [\"*\"]\n[[client.contact]]\nemail = \"ops@hooli.example\"\n";
    for clients in
        [format!("{ACME}{GLOBEX}"), format!("{ACME}{more}"), ACME.to_owned(), ACME.replace("payments", "search")]
    {
        house.write("clients.toml", &clients);
        house.reload().await;
        house.pass(2).await;
    }
    house.write(
        "playbook.toml",
        "[[guidance]]\ncomponents = [\"payments\"]\nneed = \"required\"\naction = \"Retry.\"\n",
    );
    house.reload().await;
    house.pass(2).await;
    expect(&house.news(), &[]);
}

#[tokio::test]
async fn a_bad_client_file_changes_nothing() {
    let mut house = in_a_case(ACME).await;
    house.write("clients.toml", &format!("{GLOBEX}[[client]]\nid = \"acme\"\n[[client.contact]]\nemial = \"x\"\n"));
    house.reload().await;
    house.page.post("i1", "resolved", "All payments go through.");
    house.at("13:20").await;
    expect(&house.news(), &["ops@acme.example 13:05 STARTED", "ops@acme.example 13:10 RESOLVED"]);
}

#[tokio::test]
async fn a_client_whose_priorities_change_in_mid_case_still_hears_the_end() {
    let mut house = in_a_case(ACME).await;
    house.write("clients.toml", &ACME.replace("payments", "search"));
    house.reload().await;
    house.at("13:30").await;
    house.page.post("i1", "resolved", "All payments go through.");
    house.at("13:45").await;
    let told = house.told(OPS);
    let closing = told.iter().filter(|told| told.ends_with("RESOLVED") || told.ends_with("AFFECTS YOU")).count();
    assert_eq!(closing, 1, "{told:?}");
}

/// A book of so many clients, all on one address.
fn clients(count: usize) -> String {
    let one = |number| {
        format!(
            "[[client]]\nid = \"c{number}\"\nname = \"C\"\npriorities = [\"*\"]\n[[client.contact]]\nemail = \"c{number}@acme.example\"\n"
        )
    };
    (0..count).map(one).collect()
}

#[tokio::test]
async fn a_reload_that_removes_more_than_a_tenth_and_more_than_five_is_refused() {
    for (before, after, left) in
        [(60, 55, 55), (60, 54, 54), (60, 53, 60), (60, 1, 60), (60, 0, 60), (6, 1, 1), (6, 0, 6), (2, 0, 2)]
    {
        let mut house = House::built(Plan::default()).await;
        house.write("clients.toml", &clients(before));
        house.start().await;
        house.write("clients.toml", &clients(after));
        house.reload().await;
        let counts = house.shared().store.book_counts().await.unwrap();
        assert_eq!(counts.clients, left, "from {before} to {after}");
    }
}

#[tokio::test]
async fn a_book_outlives_files_that_are_gone_or_empty_at_a_reload_and_at_a_start() {
    for is_there in [true, false] {
        let mut house = in_a_case(ACME).await;
        if is_there {
            house.write("clients.toml", "# nobody\n");
        } else {
            std::fs::remove_file(house.path("clients.toml")).unwrap();
        }
        house.reload().await;
        house.page.post("i1", "identified", "A certificate expired.");
        house.at("13:20").await;
        expect(&house.told(OPS), &["13:05 STARTED", "13:11 NEWS"]);
        house.stop().await;
        let faults = house.refused_start().await;
        assert!(faults.contains("clients.toml") && faults.contains("the book has 1 client"), "{faults}");
        house.write("clients.toml", ACME);
        house.start().await;
        house.page.post("i1", "resolved", "All payments go through.");
        house.at("13:40").await;
        assert_eq!(house.told(OPS).len(), 3, "the book was kept");
    }
}
