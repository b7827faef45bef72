//! `cases`, `case`, `deliveries` and `retry`: what happened can be listed, and what failed put back.

use crate::harness::{Endpoint, PAYMENTS, Place, VAGUE};

#[test]
fn empty_listings_say_so_and_are_empty_lists() {
    let place = Place::new();
    for call in
        [&["cases"][..], &["cases", "--all"], &["deliveries"], &["deliveries", "--all"], &["deliveries", "--failed"]]
    {
        let answer = place.call(call);
        assert_eq!((answer.code, answer.out.as_str()), (0, ""), "{call:?}");
        assert!(!answer.err.is_empty(), "{call:?}");
        assert_eq!(place.json(call), serde_json::json!([]), "{call:?}");
    }
    assert!(!place.path("candor.db").exists());
    place.triggered(VAGUE);
    place.call(&["deliveries"]).has(0, "", "nothing waits");
    assert_eq!(place.json(&["deliveries", "--failed"]), serde_json::json!([]));
}

#[test]
fn an_open_case_is_listed_with_its_promise_and_its_contacts() {
    let place = Place::new();
    let reference = place.triggered(PAYMENTS);
    let answer = place.call(&["cases"]);
    answer.has(0, "Payments fail in the EU", "");
    assert!(answer.out.contains(&reference) && answer.out.contains("major"), "{}", answer.out);
    let listed = place.json(&["cases"]);
    let case = &listed[0];
    assert_eq!(case["ref"], reference.as_str());
    assert_eq!(
        (&case["told"], &case["owed"], &case["pending"], &case["failed"]),
        (&1.into(), &1.into(), &0.into(), &0.into())
    );
    assert!(case["next_word_by"].is_string());
    place.write("end.toml", "[incident]\nid = \"p1\"\nphase = \"resolved\"\n[update]\nbody = \"It works again.\"");
    place.call(&["--trigger", "end.toml", "--wait=30s"]).has(0, "1 delivered", "");
    assert_eq!(place.json(&["cases"]), serde_json::json!([]));
    let all = place.json(&["cases", "--all"]);
    assert_eq!((&all[0]["state"], &all[0]["owed"]), (&"closed".into(), &0.into()));
}

#[test]
fn nobody_told_means_no_next_word() {
    let place = Place::new();
    let reference = place.triggered(VAGUE);
    place.call(&["cases"]).has(0, "none (nobody told)", "");
    assert_eq!(place.json(&["cases"])[0]["next_word_by"], serde_json::Value::Null);
    assert_eq!(place.json(&["case", &reference])["next_word_by"], serde_json::Value::Null);
    let text = place.call(&["case", &reference]).out;
    assert!(!text.contains("next word by"), "{text}");
}

#[test]
fn a_case_is_found_by_reference_id_or_the_beginning_of_its_id() {
    let place = Place::new();
    let reference = place.triggered(PAYMENTS);
    let id = place.json(&["cases"])[0]["id"].as_str().unwrap().to_owned();
    for name in [reference.as_str(), &reference.to_lowercase(), &id, &id[..8], &id[..12]] {
        place.call(&["case", name]).has(0, "Payments fail in the EU", "");
    }
    for name in ["ZZZZ", "01234567", "", &id[..3]] {
        place.call(&["case", name]).has(1, "", "there is no case");
        place.call(&["deliveries", "--case", name]).has(1, "", "there is no case");
        place.call(&["case", name, "--close"]).has(1, "", "there is no case");
    }
}

#[test]
fn a_case_shows_what_was_said_and_who_was_told_and_who_was_not() {
    let place = Place::new();
    place.with_webhook(&Endpoint::answering(400).address);
    let reference = place.triggered(PAYMENTS);
    let text = place.call(&["case", &reference]).out;
    for part in [
        "One in three payments fails.",
        "opened: a case we have not had",
        "email o…@acme.example",
        "delivered",
        "maildir",
        "Not reached",
        "hooked",
        "400",
        "Attempts that did not succeed",
        "Still owed",
        "next word by",
    ] {
        assert!(text.contains(part), "lacks {part:?}:\n{text}");
    }
    assert!(!text.contains("ops@acme") && !text.contains("/hook"), "addresses are masked:\n{text}");
    assert!(!text.contains('\u{1b}'), "no colour without a terminal");
    let case = place.json(&["case", &reference]);
    let kinds: Vec<&str> = case["timeline"].as_array().unwrap().iter().map(|e| e["what"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["update", "change"]);
    assert_eq!(case["deliveries"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&case["not_reached"][0]["client"], &case["not_reached"][0]["state"]),
        (&"hooked".into(), &"failed".into())
    );
    assert_eq!(case["failed_attempts"][0]["outcome"], "failed");
    assert_eq!(case["owed"][0]["client"], "acme");
}

#[test]
fn a_delivery_has_the_fields_of_the_contract() {
    let place = Place::new();
    let reference = place.triggered(PAYMENTS);
    let listed = place.json(&["deliveries", "--all"]);
    let row = listed[0].as_object().unwrap();
    let case = place.json(&["cases"]);
    for (field, value) in [
        ("case", case[0]["id"].clone()),
        ("ref", reference.clone().into()),
        ("sequence", 1.into()),
        ("client", "acme".into()),
        ("channel", "email".into()),
        ("to", "o…@acme.example".into()),
        ("state", "delivered".into()),
        ("uncertain", false.into()),
        ("attempts", 1.into()),
        ("due_at", serde_json::Value::Null),
        ("cause", serde_json::Value::Null),
    ] {
        assert_eq!(row[field], value, "{field}");
    }
    assert!(row["id"].as_str().unwrap().starts_with(&reference));
    assert!(row["receipt"].as_str().unwrap().starts_with("maildir"));
    let settled: jiff::Timestamp = row["settled_at"].as_str().unwrap().parse().unwrap();
    assert!(settled > jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(place.json(&["deliveries", "--case", &reference]), listed);
}

#[test]
fn what_failed_is_put_back_by_id_or_all_at_once_and_sent() {
    for all in [false, true] {
        let place = Place::new();
        let endpoint = Endpoint::answering(400);
        place.with_webhook(&endpoint.address);
        place.triggered(PAYMENTS);
        let failed = place.json(&["deliveries", "--failed"]);
        let id = failed[0]["id"].as_str().unwrap();
        assert_eq!((failed.as_array().unwrap().len(), &failed[0]["client"]), (1, &"hooked".into()));
        assert!(failed[0]["cause"].as_str().unwrap().contains("400"));
        place.call(&["deliveries", "--failed"]).has(0, id, "");
        endpoint.answers_from_now_on(204);
        let call = if all { ["retry", "--all"] } else { ["retry", id] };
        place.call(&call).has(0, "1 put back", "mail server");
        assert_eq!(place.json(&["deliveries", "--failed"]), serde_json::json!([]));
        let states = place.json(&["deliveries", "--all"]);
        assert!(states.as_array().unwrap().iter().all(|row| row["state"] == "delivered"), "{states}");
    }
}

#[test]
fn an_id_that_has_not_failed_is_named_and_ends_with_1() {
    let place = Place::new();
    place.triggered(PAYMENTS);
    let delivered = place.json(&["deliveries", "--all"])[0]["id"].as_str().unwrap().to_owned();
    place.call(&["retry", &delivered]).has(1, "0 put back", &delivered);
    place.call(&["retry", "nonsense"]).has(1, "", "is not the id of a delivery");
    place.call(&["retry", "--all"]).has(0, "0 put back", "");
    place.call(&["retry"]).has(2, "", "required");
    place.call(&["retry", "--all", &delivered]).has(2, "", "cannot be used");
}

#[test]
fn listings_fit_the_width_that_is_said() {
    let place = Place::new();
    place.triggered(PAYMENTS);
    for call in [&["cases"][..], &["deliveries", "--all"]] {
        for width in ["80", "50"] {
            let out = place.command(call).env("COLUMNS", width).output().unwrap().stdout;
            let out = String::from_utf8(out).unwrap();
            let widest = out.lines().map(|line| line.chars().count()).max().unwrap();
            let fits = widest <= width.parse().unwrap() || out.contains("RECEIPT OR CAUSE: ");
            assert!(fits, "{call:?} at {width}:\n{out}");
        }
    }
}

#[test]
fn a_state_that_this_user_may_not_read_ends_with_1_and_says_so() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    place.triggered(PAYMENTS);
    let state = place.path("candor.db");
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&state).is_ok() {
        return crate::skip::skip(
            "a_state_that_this_user_may_not_read_ends_with_1_and_says_so",
            "this user may read every file: run the tests as an ordinary user",
        );
    }
    place.call(&["cases"]).has(1, "", "this user may not do that");
}
