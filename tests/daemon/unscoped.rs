//! Cases that name no component, and components that come and go.

use crate::harness::house::expect;
use crate::harness::{House, Plan};

const CLIENTS: &str = r#"
[[client]]
id = "acme"
name = "Acme GmbH"
priorities = ["payments"]
[[client.contact]]
email = "ops@acme.example"
[[client]]
id = "globex"
name = "Globex"
priorities = ["search"]
[[client.contact]]
email = "ops@globex.example"
[[client]]
id = "silent"
name = "Silent"
[[client.contact]]
email = "ops@silent.example"
"#;
const ACME: &str = "ops@acme.example";
const GLOBEX: &str = "ops@globex.example";

async fn house() -> House {
    House::open(Plan { clients: CLIENTS, ..Plan::default() }).await
}

#[tokio::test]
async fn an_unscoped_major_case_of_our_own_goes_to_everyone_after_ten_minutes_and_naming_narrows_it() {
    let mut house = house().await;
    house.at("13:05").await;
    house.page.open("i1", "major", &[], "Something is wrong.");
    house.at("13:14").await;
    expect(&house.news(), &[]);
    house.at("13:17").await;
    expect(&house.news(), &["ops@acme.example 13:15 STARTED", "ops@globex.example 13:15 STARTED"]);
    assert!(house.last(ACME).words().to_lowercase().contains("may"), "possibly: {}", house.last(ACME).text);
    house.page.name_components("i1", &["Payments API"]);
    house.at("13:19").await;
    expect(&house.news(), &["ops@acme.example 13:17 NEWS"]);
    house.at("13:40").await;
    expect(&house.news(), &["ops@globex.example 13:27 NO LONGER AFFECTS YOU"]);
    house.page.post("i1", "resolved", "All is well.");
    house.at("14:00").await;
    expect(&house.news(), &["ops@acme.example 13:40 RESOLVED"]);
}

#[tokio::test]
async fn an_unscoped_minor_case_and_one_of_a_supplier_go_to_nobody_until_they_are_scoped() {
    let supplier = "[[feed]]\nname = \"platform\"\nkind = \"statuspage\"\nurl = \"http://127.0.0.1:{PAGE}\"\nevery = \"1m\"\nsupplier = \"GitHub\"\n";
    for (feeds, impact) in [(Plan::default().feeds, "minor"), (supplier, "critical")] {
        let mut house = House::open(Plan { feeds, clients: CLIENTS, ..Plan::default() }).await;
        house.at("13:05").await;
        house.page.open("i1", impact, &[], "Something is wrong.");
        house.at("14:00").await;
        expect(&house.news(), &[]);
        house.page.name_components("i1", &["Search"]);
        house.at("14:05").await;
        expect(&house.news(), &["ops@globex.example 14:00 STARTED"]);
        house.page.post("i1", "resolved", "All is well.");
        house.at("14:10").await;
        expect(&house.news(), &["ops@globex.example 14:05 RESOLVED"]);
    }
}

#[tokio::test]
async fn an_unscoped_case_that_becomes_critical_later_is_told_at_once() {
    let mut house = house().await;
    house.at("13:05").await;
    house.page.open("i1", "minor", &[], "Something is wrong.");
    house.at("13:30").await;
    expect(&house.news(), &[]);
    house.page.set("i1", "impact", "critical");
    house.at("13:32").await;
    expect(&house.news(), &["ops@acme.example 13:30 STARTED", "ops@globex.example 13:30 STARTED"]);
}

#[tokio::test]
async fn an_unscoped_case_that_ends_before_anybody_was_told_is_told_to_nobody() {
    let mut house = house().await;
    house.at("13:05").await;
    house.page.open("i1", "major", &[], "Something is wrong.");
    house.at("13:10").await;
    house.page.post("i1", "resolved", "All is well.");
    house.at("15:00").await;
    expect(&house.news(), &[]);
    assert_eq!(house.cases_left().await, 0);
}

#[tokio::test]
async fn whom_it_no_longer_concerns_is_told_so_once_and_back_again_is_a_new_episode() {
    let mut house = house().await;
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API", "Search"], "Both are slow.");
    house.at("13:20").await;
    house.page.name_components("i1", &["Payments API"]);
    house.at("13:50").await;
    expect(&house.told(GLOBEX), &["13:05 STARTED", "13:30 NO LONGER AFFECTS YOU"]);
    assert!(!house.last(GLOBEX).words().to_lowercase().contains("fixed"), "{}", house.last(GLOBEX).text);
    house.page.name_components("i1", &["Payments API", "Search"]);
    house.at("13:52").await;
    expect(&house.told(GLOBEX)[2..], &["13:51 STARTED"]);
    house.page.post("i1", "resolved", "All is well.");
    house.at("14:10").await;
    expect(&house.told(GLOBEX)[3..], &["13:52 RESOLVED"]);
    assert_eq!(house.told(ACME).iter().filter(|told| told.ends_with("RESOLVED")).count(), 1);
}

#[tokio::test]
async fn what_is_removed_and_back_within_ten_minutes_is_no_end() {
    let mut house = house().await;
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API", "Search"], "Both are slow.");
    house.at("13:20").await;
    house.page.name_components("i1", &["Payments API"]);
    house.at("13:25").await;
    house.page.name_components("i1", &["Payments API", "Search"]);
    house.at("13:50").await;
    let told = house.told(GLOBEX);
    assert!(!told.iter().any(|told| told.contains("AFFECTS")), "{told:?}");
}
