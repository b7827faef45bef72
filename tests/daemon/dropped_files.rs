//! A folder that updates are put into.

use crate::harness::house::expect;
use crate::harness::{House, Plan};

const OPS: &str = "ops@acme.example";
const FOLDER: Plan = Plan {
    feeds: "[[feed]]\nname = \"inbox\"\nkind = \"file\"\npath = \"updates\"\nevery = \"1m\"\n",
    more: "",
    clients: "[[client]]\nid = \"acme\"\nname = \"Acme\"\npriorities = [\"payments\"]\n[[client.contact]]\nemail = \"ops@acme.example\"\n",
    playbook: "",
    starts: "13:00",
};
const OPENED: &str = "[incident]\nid = \"p1\"\ntitle = \"Payments fail\"\nimpact = \"major\"\ncomponents = [\"payments\"]\n[update]\nid = \"u1\"\nbody = \"One in three payments fails.\"\n";

#[tokio::test]
async fn a_file_put_into_the_folder_opens_a_case_and_the_next_one_carries_it_on() {
    let mut house = House::open(FOLDER).await;
    house.at("13:05").await;
    house.write("updates/001.toml", OPENED);
    house.at("13:10").await;
    house.write(
        "updates/002.json",
        r#"{"incident": {"id": "p1", "phase": "resolved"}, "update": {"id": "u2", "body": "All payments go through."}}"#,
    );
    house.at("13:20").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:10 RESOLVED"]);
}

#[tokio::test]
async fn a_changed_file_is_taken_again_as_a_correction_and_an_unchanged_one_is_not() {
    let mut house = House::open(FOLDER).await;
    house.at("13:05").await;
    house.write("updates/001.toml", OPENED);
    house.at("13:30").await;
    house.write(
        "updates/001.toml",
        &OPENED.replace("One in three payments fails.", "Every payment outside the EU fails."),
    );
    house.at("13:50").await;
    let told = house.told(OPS);
    assert_eq!(told.len(), 2, "{told:?}");
    let mail = house.last(OPS);
    assert_eq!(mail.verdict(), "CORRECTION", "{told:?}");
    assert!(mail.words().contains("One in three payments fails"), "before: {}", mail.text);
    assert!(mail.words().contains("Every payment outside the EU fails"), "now: {}", mail.text);
}

#[tokio::test]
async fn a_bad_file_is_skipped_and_the_others_go_on() {
    let mut house = House::open(FOLDER).await;
    house.at("13:05").await;
    house.write("updates/000.toml", "[incident]\ntitel = \"a slip of the pen\"\n");
    house.write("updates/001.toml", OPENED);
    house.write("updates/.hidden", "nothing");
    house.write("updates/half.tmp", "[incident");
    house.at("13:10").await;
    expect(&house.told(OPS), &["13:05 STARTED"]);
    house.write("updates/000.toml", &OPENED.replace("p1", "p0").replace("Payments fail", "Cards fail"));
    house.at("13:20").await;
    assert_eq!(house.told(OPS).len(), 2, "mended, it is taken: {:?}", house.told(OPS));
}

const FOUND: &str = "[incident]\nid = \"p1\"\nphase = \"identified\"\n[update]\nid = \"u2\"\nbody = \"A certificate has expired on the gateway.\"\n";
const OVER: &str =
    "[incident]\nid = \"p1\"\nphase = \"resolved\"\n[update]\nid = \"u3\"\nbody = \"All payments go through again.\"\n";

#[tokio::test]
async fn several_files_of_one_incident_that_are_found_together_are_taken_in_their_order() {
    let mut house = House::open(FOLDER).await;
    house.at("13:05").await;
    house.write("updates/001.toml", OPENED);
    house.write("updates/002.toml", FOUND);
    house.at("13:10").await;
    expect(&house.told(OPS), &["13:05 STARTED"]);
    let opened = house.last(OPS);
    assert!(
        opened.words().contains("One in three payments fails") && opened.words().contains("A certificate has expired")
    );
    house.write(
        "updates/003.toml",
        &FOUND.replace("u2", "u4").replace("A certificate has", "Its renewal failed: it had"),
    );
    house.write("updates/004.toml", OVER);
    house.at("13:20").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:10 RESOLVED"]);
    let over = house.last(OPS);
    assert!(over.words().contains("Its renewal failed") && over.words().contains("go through again"), "{}", over.text);
    assert_eq!(house.cases_left().await, 0);
}

#[tokio::test]
async fn a_folder_with_a_history_tells_nobody_and_the_next_file_tells_it_as_a_whole() {
    let mut house = House::built(FOLDER).await;
    std::fs::create_dir_all(house.path("updates")).unwrap();
    house.write("updates/001.toml", OPENED);
    house.write("updates/002.toml", FOUND);
    house.start().await;
    house.at("13:30").await;
    expect(&house.told(OPS), &[]);
    house.write("updates/003.toml", OVER);
    house.at("13:40").await;
    expect(&house.told(OPS), &["13:30 RESOLVED"]);
    let whole = house.last(OPS);
    assert!(
        whole.words().contains("One in three payments fails") && whole.words().contains("A certificate has expired")
    );
}
