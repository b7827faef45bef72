//! What our own side is told when something goes wrong: once an hour for each thing, through the same outbox.

use crate::harness::house::expect;
use crate::harness::{House, Mode, Plan};

const OPS: &str = "ops@acme.example";
const ONCALL: &str = "oncall@example.com";
const OPERATOR: &str = "[[operator.contact]]\nemail = \"oncall@example.com\"\n";
const QUICK: &str =
    "[[feed]]\nname = \"platform\"\nkind = \"statuspage\"\nurl = \"http://127.0.0.1:{PAGE}\"\nevery = \"15s\"\n";

/// What the operator was told, as `13:05 Clients are told of`, without references.
fn told(house: &House) -> Vec<String> {
    let line = |mail: &crate::harness::Mail| {
        let title = mail.subject.trim_start_matches("candor: ").to_owned();
        let words: Vec<&str> = title.split(' ').filter(|word| !is_reference(word)).collect();
        format!("{} {}", crate::harness::told_at(mail.at), words.join(" "))
    };
    house.mails(ONCALL).iter().map(line).collect()
}

fn is_reference(word: &str) -> bool {
    let bare = word.trim_matches(['(', ')', '?']);
    (4..=6).contains(&bare.len()) && bare.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

async fn in_a_case() -> House {
    let mut house = House::open(Plan { feeds: QUICK, more: OPERATOR, ..Plan::default() }).await;
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:06").await;
    house
}

#[tokio::test]
async fn a_case_that_clients_are_told_of_is_told_with_how_many_and_how_to_stop_it() {
    let house = in_a_case().await;
    expect(&told(&house), &["13:05 Clients are told of"]);
    let words = house.last(ONCALL).text;
    assert!(words.contains("1 client, 1 contact; without a word of what they can do: 1"), "{words}");
    assert!(words.contains("--close"), "{words}");
    assert_eq!(house.told(OPS).len(), 1, "and the client hears of the case alone");
    assert_eq!(house.cases_left().await, 1, "an operator's notice is no case");
}

#[tokio::test]
async fn before_a_word_is_due_the_operator_is_reminded_and_not_when_nobody_waits() {
    let mut house = in_a_case().await;
    house.at("14:01").await;
    expect(&told(&house), &["13:05 Clients are told of", "14:00 A word about is due in a few minutes"]);
    assert!(house.last(ONCALL).text.contains("1 client waits"), "{}", house.last(ONCALL).text);
    house.page.post("i1", "resolved", "It works again.");
    house.at("18:00").await;
    assert_eq!(house.mails(ONCALL).len(), 2, "{:?}", told(&house));
}

#[tokio::test]
async fn one_thing_is_told_once_an_hour_with_all_that_came_meanwhile() {
    let mut house = House::open(Plan { feeds: QUICK, more: OPERATOR, ..Plan::default() }).await;
    house.at("13:05").await;
    for (minute, name) in [("13:05", "Alpha"), ("13:15", "Beta"), ("13:25", "Gamma")] {
        house.at(minute).await;
        house.page.open(name, "major", &["Payments API", name], "It fails.");
    }
    house.at("14:30").await;
    let names: Vec<String> = told(&house).into_iter().filter(|line| line.contains("names components")).collect();
    expect(
        &names,
        &[
            "13:05 The feed platform names components that match nothing",
            "14:05 The feed platform names components that match nothing",
        ],
    );
    let mails = house.mails(ONCALL);
    let second = mails.iter().rfind(|mail| mail.subject.contains("names components")).unwrap();
    assert!(second.text.contains("- Beta") && second.text.contains("- Gamma"), "{}", second.text);
    assert!(!second.text.contains("- Alpha"), "{}", second.text);
}

#[tokio::test]
async fn what_could_not_be_sent_is_told_when_the_relay_is_back_and_tells_of_no_operators_notice() {
    let mut house = in_a_case().await;
    house.relay.answer(OPS, 550);
    house.page.post("i1", "identified", "A certificate expired.");
    house.at("13:40").await;
    let last = house.last(ONCALL);
    assert!(last.subject.contains("Not delivered"), "{}", last.subject);
    assert!(last.text.contains("acme, email o…@acme.example"), "{}", last.text);
    house.relay.set(Mode::Down);
    house.at("15:30").await;
    house.relay.set(Mode::Polite);
    house.relay.answer(ONCALL, 550);
    house.at("16:30").await;
    house.relay.answer(ONCALL, 250);
    let before = house.mails(ONCALL).len();
    house.at("23:00").await;
    let about_the_operator = house.mails(ONCALL).iter().filter(|mail| mail.text.contains("oncall")).count();
    assert_eq!(about_the_operator, 0, "{before}");
}

#[tokio::test]
async fn in_rehearsal_the_operator_alone_is_told() {
    let more = "[[operator.contact]]\nemail = \"oncall@example.com\"\n";
    let mut house = House::built(Plan { feeds: QUICK, more, ..Plan::default() }).await;
    let config = std::fs::read_to_string(house.path("candor.toml")).unwrap();
    house.write("candor.toml", &format!("deliver = \"rehearse\"\n{config}"));
    house.start().await;
    house.at("13:05").await;
    house.page.open("i1", "major", &["Payments API", "Unknown"], "One in three payments fails.");
    house.at("13:10").await;
    assert_eq!(house.mails(OPS).len(), 0);
    assert!(!house.mails(ONCALL).is_empty());
}

#[tokio::test]
async fn a_client_that_has_not_been_reached_for_a_quarter_of_an_hour_is_named() {
    let more = "[[operator.contact]]\nwebhook = \"http://127.0.0.1:{RECEIVER}/hooks/oncall\"\nsecret = \"{SECRET}\"\n";
    let mut house = House::open(Plan { feeds: QUICK, more, ..Plan::default() }).await;
    house.at("13:05").await;
    house.relay.set(Mode::Down);
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.at("13:30").await;
    let calls = house.receiver.calls();
    let things: Vec<String> = calls.iter().map(|call| crate::harness::house::text(call, "/data/thing")).collect();
    let of = |kind: &str| things.iter().filter(|thing| thing.starts_with(kind)).count();
    // A relay that does not answer is asked once a step and not once a message, which the operator hears of.
    assert_eq!((of("case_opened"), of("not_reached"), of("account_held")), (1, 1, 1), "{things:?}");
    let lines = calls.iter().find(|call| crate::harness::house::text(call, "/data/thing").starts_with("not_reached"));
    assert_eq!(lines.unwrap().body["data"]["lines"][0], "acme");
}

#[tokio::test]
async fn a_source_that_is_lost_or_only_shows_old_copies_is_told_after_a_quarter_of_an_hour() {
    let mut house = in_a_case().await;
    let old = house.page.summary();
    house.page.post("i1", "identified", "A certificate expired.");
    house.at("13:08").await;
    house.page.answer_instead(200, old);
    house.at("13:40").await;
    let lost = told(&house).into_iter().filter(|line| line.contains("cannot be read")).count();
    assert_eq!(lost, 1, "{:?}", told(&house));
    let words = house.last(ONCALL).text;
    assert!(words.replace('\n', " ").contains("every copy was older than one read before"), "{words}");
    assert_eq!(house.cases_left().await, 1, "and nothing is taken back");
    house.page.answer_instead(503, "");
    house.at("13:59").await;
    house.at("14:30").await;
    let due = house.last(OPS).words();
    assert!(due.contains("We have not been able to read"), "{due}");
}

#[tokio::test]
async fn what_is_found_open_at_the_first_sight_of_a_feed_is_told_with_how_to_tell_it() {
    let mut house = House::built(Plan { feeds: QUICK, more: OPERATOR, ..Plan::default() }).await;
    house.page.open("i1", "major", &["Payments API"], "One in three payments fails.");
    house.start().await;
    house.at("13:05").await;
    let found = house.last(ONCALL);
    assert!(found.subject.contains("was first read, and incidents are open"), "{}", found.subject);
    assert!(found.text.contains("--announce"), "{}", found.text);
    assert_eq!(house.mails(OPS).len(), 0);
}

#[tokio::test]
async fn a_promise_that_is_broken_is_told_when_somebody_can_be_told_again() {
    let mut house = in_a_case().await;
    house.relay.set(Mode::Down);
    house.at("15:00").await;
    house.relay.set(Mode::Polite);
    house.at("15:40").await;
    let lines = told(&house);
    assert!(lines.iter().any(|line| line.contains("A promised word about did not come")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("Nothing is sent by email")), "{lines:?}");
}

#[tokio::test]
async fn whom_a_case_concerns_is_asked_with_the_clients_behind_each_answer() {
    let mut house = House::open(Plan { feeds: QUICK, more: OPERATOR, ..Plan::default() }).await;
    house.at("13:05").await;
    house.page.open("i1", "minor", &[], "Something is slow.");
    house.at("13:06").await;
    expect(&told(&house), &["13:05 Whom does concern?"]);
    let words = house.last(ONCALL).text.replace('\n', " ");
    assert!(words.contains("--everyone: 1") && words.contains("--components payments: 1"), "{words}");
}

#[tokio::test]
async fn clients_and_feeds_that_leave_in_the_middle_of_a_case_are_told_by_name() {
    let mut house = in_a_case().await;
    let config = std::fs::read_to_string(house.path("candor.toml")).unwrap();
    house.write("candor.toml", &config.replace("name = \"platform\"", "name = \"other\""));
    house.reload().await;
    house.at("13:07").await;
    let gone = house.last(ONCALL);
    assert!(gone.subject.contains("left the configuration with open cases"), "{}", gone.subject);
    house.at("14:30").await;
    let due = house.last(OPS).words();
    assert!(due.contains("We have not been able to read"), "what is not read is not called unchanged: {due}");
    let clients = std::fs::read_to_string(house.path("clients.toml")).unwrap();
    let others = "[[client]]\nid = \"other\"\nname = \"Other\"\npriorities = [\"payments\"]\n[[client.contact]]\nemail = \"ops@other.example\"\n";
    assert!(clients.contains("acme"));
    house.write("clients.toml", others);
    house.reload().await;
    house.at("14:40").await;
    let lines = told(&house);
    assert!(lines.iter().any(|line| line.contains("Clients were removed")), "{lines:?}");
}
