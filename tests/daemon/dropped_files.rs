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
