//! `--trigger`: what it says, where, and with which exit status.

use crate::harness::{Endpoint, PAYMENTS, Place, VAGUE};

#[test]
fn a_trigger_sends_and_prints_the_case_and_whom_it_reached() {
    let place = Place::new();
    place.write("u.toml", PAYMENTS);
    let answer = place.call(&["--trigger", "u.toml", "--wait=30s"]);
    answer.has(0, "1 clients, 1 contacts: 1 delivered", "mail server maildir:");
    assert!(answer.out.starts_with("case "), "{}", answer.out);
    assert!(answer.err.contains("candor.toml") && answer.err.contains("candor.db"), "{}", answer.err);
    assert_eq!(place.mails().len(), 1);
    assert!(place.mails()[0].contains("Payments fail in the EU"));
}

#[test]
fn standard_input_and_json_are_taken_too() {
    let place = Place::new();
    let update =
        r#"{"incident": {"title": "Search fails", "components": ["search"]}, "update": {"body": "It is down."}}"#;
    let answer = place.call_with_input(&["--trigger", "-", "--json"], update);
    answer.has(0, "\"clients\": 2", "incident.id was left out");
    let document: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!((&document["contacts"], &document["delivered"]), (&2.into(), &2.into()));
    assert_eq!(document["ref"].as_str().unwrap().len(), 4);
}

#[test]
fn a_repeat_changes_nothing_and_says_so() {
    let place = Place::new();
    place.triggered(PAYMENTS);
    let again = place.call(&["--trigger", "update.toml"]);
    again.has(0, "0 clients, 0 contacts", "the case knows this already");
    place.call(&["--trigger", "update.toml", "--wait"]).has(3, "0 clients, 0 contacts", "");
    assert_eq!(place.mails().len(), 1);
}

#[test]
fn a_dry_run_shows_who_would_get_what_and_stores_nothing() {
    let place = Place::new();
    place.write("u.toml", PAYMENTS);
    let answer = place.call(&["--trigger", "u.toml", "--dry-run"]);
    answer.has(0, "1 clients, 1 contacts would be told (opened)", "nothing is stored");
    assert!(answer.out.contains("acme") && answer.out.contains("o…@acme.example"), "{}", answer.out);
    assert!(!place.path("candor.db").exists() && !place.path("mail").exists());
    let document = place.json(&["--trigger", "u.toml", "--dry-run"]);
    assert_eq!(document["told"][0]["client"], "acme");
    // The same beside a state that knows the case.
    place.triggered(PAYMENTS);
    let worse = PAYMENTS.replace("major", "critical").replace("One in three", "Every");
    place.write("u.toml", &worse);
    place.call(&["--trigger", "u.toml", "--dry-run"]).has(0, "would be told (worse)", "");
    assert_eq!(place.mails().len(), 1);
}

#[test]
fn for_nobody_it_says_why_and_with_wait_ends_with_3() {
    for (update, wait, code, why) in [
        (VAGUE.to_owned(), None, 0, "names no component"),
        (VAGUE.to_owned(), Some("--wait"), 3, "names no component"),
        (PAYMENTS.replace("Payments API", "Printers"), Some("--wait=5s"), 3, "no [[component]] matches Printers"),
    ] {
        let place = Place::new();
        place.write("u.toml", &update);
        let call: Vec<&str> = ["--trigger", "u.toml"].into_iter().chain(wait).collect();
        place.call(&call).has(code, "0 clients, 0 contacts", why);
    }
}

#[test]
fn a_client_that_is_not_reached_ends_a_wait_with_3() {
    let place = Place::new();
    place.with_webhook(&Endpoint::answering(400).address);
    place.write("u.toml", PAYMENTS);
    let answer = place.call(&["--trigger", "u.toml", "--wait=30s"]);
    answer.has(3, "2 clients, 2 contacts: 1 delivered, 0 waiting, 1 failed", "1 of 2 clients not reached");
}

#[test]
fn a_wrong_call_or_update_is_named_with_its_place_and_ends_with_2() {
    let place = Place::new();
    for (update, part) in [
        ("[incident]\ntitel = \"x\"\n", "u.toml:2:1"),
        ("[incident]\nphase = \"broken\"\n", "incident.phase"),
        ("{\"incident\": 3}", "u.toml:1:"),
        ("", "empty"),
        ("[incident]\nid = \"new\"\ntitle = \"t\"\n", "a new case needs update.body"),
        ("[incident]\nid = \"new\"\nsource = \"nowhere\"\n", "there is no feed or hook \"nowhere\""),
    ] {
        place.write("u.toml", update);
        place.call(&["--trigger", "u.toml"]).has(2, "", part);
        place.call(&["--trigger", "u.toml", "--dry-run"]).has(2, "", part);
    }
    place.call(&["--trigger", "missing.toml"]).has(2, "", "missing.toml");
    place.write("u.toml", PAYMENTS);
    place.call(&["--trigger", "u.toml", "--wait=soon"]).has(2, "", "--wait");
    place.call(&["--trigger", "u.toml", "cases"]).has(2, "", "--trigger stands alone");
    place.call(&["--dry-run"]).has(2, "", "--trigger");
}

#[test]
fn an_account_that_this_user_cannot_use_is_left_to_the_daemon() {
    let place = Place::new();
    let config = std::fs::read_to_string(place.path("candor.toml")).unwrap();
    let server = "server = \"smtps://127.0.0.1:1\"\nusername = \"u\"\npassword = { credential = \"smtp\" }";
    place.write("candor.toml", &config.replace("server = \"maildir:mail\"", server));
    place.write("u.toml", PAYMENTS);
    place.call(&["--trigger", "u.toml"]).has(
        0,
        "1 clients, 1 contacts: 0 delivered, 1 waiting",
        "stored; the daemon will send",
    );
}

#[test]
fn client_files_that_are_gone_or_empty_end_what_loads_them_with_2_and_the_book_stays() {
    let place = Place::new();
    let clients = std::fs::read_to_string(place.path("clients.toml")).unwrap();
    let nobody = |place: &Place| std::fs::write(place.path("clients.toml"), "");
    let gone = |place: &Place| std::fs::remove_file(place.path("clients.toml"));
    for take_away in [nobody as fn(&Place) -> std::io::Result<()>, gone] {
        // Before anybody is known, nobody is missed.
        let place = Place::new();
        take_away(&place).unwrap();
        place.call(&["check"]).has(0, "0 clients", "");
        place.write("clients.toml", &clients);
        place.triggered(PAYMENTS);
        take_away(&place).unwrap();
        for call in [&["check"][..], &["run"], &["--trigger", "update.toml"]] {
            place.call(call).has(2, "", "clients.toml").has(2, "", "the book has 2 clients");
        }
        assert_eq!(place.call(&["check", "--json"]).code, 2);
        place.call(&["cases"]).has(0, "Payments fail", "");
        place.write("clients.toml", &clients);
        place.call(&["--trigger", "update.toml"]).has(0, "", "the case knows this already");
    }
}
