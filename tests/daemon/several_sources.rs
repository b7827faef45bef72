//! Several sources of one case: who leads, what the others bring, and what a feed is called.

use crate::harness::house::expect;
use crate::harness::{House, Plan};

const OPS: &str = "ops@acme.example";
const ONCALL: &str = "oncall@example.com";
const FEEDS: &str = "[[feed]]\nname = \"platform\"\nkind = \"statuspage\"\nurl = \"http://127.0.0.1:{PAGE}\"\nevery = \"15s\"\n\
    [[hook]]\nname = \"tools\"\nkind = \"native\"\nfeed = \"platform\"\ntoken = \"a-token-nobody-guesses\"\n";
const OPERATOR: &str = "[[operator.contact]]\nemail = \"oncall@example.com\"\n";

async fn pushed(house: &mut House, incident: &str, update: &str) {
    let body = format!("[incident]\n{incident}\n[update]\n{update}\n");
    let (status, words) =
        house.post("/hooks/tools", &[("authorization", "Bearer a-token-nobody-guesses")], &body).await;
    assert_eq!(status, 202, "{words}");
    house.settle().await;
}

async fn house() -> House {
    let mut house = House::open(Plan { feeds: FEEDS, more: OPERATOR, ..Plan::default() }).await;
    house.at("13:05").await;
    house
}

const OPENING: &str = "id = \"i1\"\ntitle = \"Payments fail\"\nimpact = \"major\"\ncomponents = [\"Payments API\"]";

#[tokio::test]
async fn a_webhook_opens_the_case_and_the_feed_leads_it_once_it_lists_it() {
    let mut house = house().await;
    pushed(&mut house, OPENING, "body = \"Errors are up.\"").await;
    house.at("13:06").await;
    house.page.open("i1", "critical", &["Payments API"], "One in three payments fails.");
    house.at("13:07").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:06 WORSE"]);
    pushed(&mut house, "id = \"i1\"\nimpact = \"minor\"\nphase = \"monitoring\"", "body = \"A fix is on its way.\"")
        .await;
    house.at("13:40").await;
    let words = house.last(OPS).words();
    assert!(words.contains("A fix is on its way"), "its words are told: {words}");
    assert_eq!(house.last(OPS).header("X-Candor-Phase"), "investigating", "its phase is not");
    assert_eq!(house.cases_left().await, 1);
}

#[tokio::test]
async fn an_end_that_only_a_follower_says_ends_nothing_and_the_operator_is_asked() {
    let mut house = house().await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:06").await;
    pushed(&mut house, "id = \"i1\"\nphase = \"resolved\"", "body = \"Over, says our monitor.\"").await;
    house.at("13:45").await;
    assert!(house.told(OPS).iter().all(|line| !line.contains("RESOLVED")), "{:?}", house.told(OPS));
    let asked = house.mails(ONCALL).into_iter().filter(|mail| mail.subject.contains("Two sources differ")).count();
    assert_eq!(asked, 1);
    house.page.post("i1", "resolved", "It works again.");
    house.at("14:00").await;
    assert!(house.told(OPS).last().unwrap().contains("RESOLVED"), "{:?}", house.told(OPS));
}

#[tokio::test]
async fn other_ids_of_one_page_are_one_case_in_either_order() {
    let mut house = house().await;
    let page = "url = \"https://stspg.io/x\"";
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.page.set("i1", "shortlink", "https://stspg.io/x");
    house.at("13:06").await;
    let other = OPENING.replace("\"i1\"", "\"PAGER-7\"");
    pushed(&mut house, &format!("{other}\n{page}"), "body = \"Errors are up.\"").await;
    pushed(&mut house, "id = \"PAGER-7\"", "body = \"We look at the gateway.\"").await;
    house.at("13:45").await;
    assert_eq!(house.cases_left().await, 1);
    house.page.post("i1", "resolved", "It works again.");
    house.at("14:00").await;
    let other = OPENING.replace("\"i1\"", "\"PAGER-8\"");
    pushed(&mut house, &format!("{other}\nurl = \"https://stspg.io/y\""), "body = \"Errors are up again.\"").await;
    house.page.open("i2", "major", &["Payments API"], "One in ten payments fails.");
    house.page.set("i2", "shortlink", "https://stspg.io/y");
    house.at("15:00").await;
    assert_eq!(house.cases_left().await, 1, "{:?}", house.told(OPS));
    house.page.post("i2", "resolved", "It works again.");
    house.at("15:30").await;
    assert_eq!(house.cases_left().await, 0);
    let endings = house.told(OPS).iter().filter(|line| line.contains("RESOLVED")).count();
    assert_eq!(endings, 2, "{:?}", house.told(OPS));
}

#[tokio::test]
async fn a_child_is_told_in_its_parents_thread() {
    let mut house = House::open(Plan { feeds: "", ..Plan::default() }).await;
    house.at("13:05").await;
    house.trigger(&format!("[incident]\n{OPENING}\n[update]\nbody = \"Errors are up.\"\n")).await;
    let child =
        "[incident]\nid = \"i9\"\nparent = \"i1\"\ntitle = \"Refunds fail\"\n[update]\nbody = \"Refunds fail too.\"\n";
    house.trigger(child).await;
    house.trigger("[incident]\nid = \"i9\"\n[update]\nbody = \"Refunds work again.\"\n").await;
    let mails = house.mails(OPS);
    assert_eq!((mails.len(), house.cases_left().await), (3, 1));
    let roots: std::collections::BTreeSet<String> =
        mails.iter().map(|mail| mail.header("References").split_whitespace().next().unwrap().to_owned()).collect();
    assert_eq!(roots.len(), 1);
}

#[tokio::test]
async fn a_part_of_an_incident_never_renames_narrows_or_ends_the_whole() {
    let mut house = House::open(Plan { feeds: "", ..Plan::default() }).await;
    house.at("13:05").await;
    house.trigger(&format!("[incident]\n{OPENING}\n[update]\nbody = \"Errors are up.\"\n")).await;
    let child = "[incident]\nid = \"i9\"\nparent = \"i1\"\ntitle = \"Search is slow\"\nimpact = \"minor\"\n\
        components = [\"Search\"]\n[update]\nbody = \"Search is slow too.\"\n";
    house.trigger(child).await;
    house.trigger("[incident]\nid = \"i9\"\nphase = \"resolved\"\n[update]\nbody = \"Search is quick again.\"\n").await;
    house.at("13:40").await;
    let told = house.told(OPS);
    assert_eq!(house.cases_left().await, 1, "{told:?}");
    assert!(
        !told.iter().any(|line| line.contains("RESOLVED") || line.contains("NO LONGER") || line.contains("BETTER"))
    );
    assert!(house.mails(OPS).iter().all(|mail| !mail.subject.contains("Search is slow")), "{told:?}");
    house.trigger("[incident]\nid = \"i1\"\nphase = \"resolved\"\n[update]\nbody = \"All of it works.\"\n").await;
    assert_eq!(house.cases_left().await, 0);
}

#[tokio::test]
async fn a_second_feed_that_alone_sees_an_incident_leads_it_to_its_end() {
    const TWO: &str = "[[feed]]\nname = \"platform\"\nkind = \"statuspage\"\nurl = \"http://127.0.0.1:1\"\nevery = \"15s\"\n\
        [[feed]]\nname = \"mirror\"\nkind = \"statuspage\"\nurl = \"http://127.0.0.1:{PAGE}\"\nevery = \"20s\"\nsame_as = \"platform\"\n";
    let mut house = House::open(Plan { feeds: TWO, ..Plan::default() }).await;
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:10").await;
    house.page.post("i1", "identified", "A certificate expired.");
    house.at("13:50").await;
    house.page.post("i1", "resolved", "It works again.");
    house.at("14:10").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:11 NEWS", "13:50 RESOLVED"]);
    assert_eq!(house.cases_left().await, 0);
}

#[tokio::test]
async fn what_a_person_says_of_a_feeds_case_stands_until_the_feed_says_something_else() {
    let mut house = house().await;
    house.page.open("i1", "minor", &["Payments API"], "One in three payments fails.");
    house.at("13:06").await;
    let by_hand = "[incident]\nsource = \"platform\"\nid = \"i1\"\nimpact = \"critical\"\nphase = \"identified\"\n[update]\nbody = \"It is worse than that.\"\n";
    house.trigger(by_hand).await;
    house.at("13:30").await;
    assert_eq!(house.told(OPS).len(), 2, "{:?}", house.told(OPS));
    house.page.post("i1", "monitoring", "A fix is in place.");
    house.at("14:10").await;
    assert_eq!(house.last(OPS).header("X-Candor-Phase"), "monitoring");
    assert!(house.last(OPS).words().contains("A fix is in place"));
}

#[tokio::test]
async fn a_feed_with_another_name_adopts_its_cases_in_their_threads() {
    let mut house = house().await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:06").await;
    let config = std::fs::read_to_string(house.path("candor.toml")).unwrap();
    let renamed = config
        .replace("name = \"platform\"", "name = \"edge\"\nwas = \"platform\"")
        .replace("feed = \"platform\"", "feed = \"edge\"");
    house.write("candor.toml", &renamed);
    house.restart().await;
    house.page.post("i1", "resolved", "It works again.");
    house.at("13:20").await;
    expect(&house.told(OPS), &["13:05 STARTED", "13:06 RESOLVED"]);
    let mails = house.mails(OPS);
    let root = |mail: &crate::harness::Mail| mail.header("References").split_whitespace().next().unwrap().to_owned();
    assert_eq!(root(&mails[0]), root(&mails[1]));
}

#[tokio::test]
async fn a_second_feed_of_the_same_page_brings_nothing_twice_and_ends_nothing() {
    const TWO: &str = "[[feed]]\nname = \"platform\"\nkind = \"statuspage\"\nurl = \"http://127.0.0.1:{PAGE}\"\nevery = \"15s\"\n\
        [[feed]]\nname = \"mirror\"\nkind = \"statuspage\"\nurl = \"http://127.0.0.1:{PAGE}\"\nevery = \"20s\"\nsame_as = \"platform\"\n";
    let mut house = House::open(Plan { feeds: TWO, ..Plan::default() }).await;
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:10").await;
    house.page.post("i1", "identified", "A certificate expired.");
    house.at("13:50").await;
    house.page.post("i1", "resolved", "It works again.");
    house.at("14:30").await;
    let told = house.told(OPS);
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(house.cases_left().await, 0);
}
