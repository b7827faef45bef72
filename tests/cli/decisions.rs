//! `candor case ID --…`: what only a person can decide, told at once and kept with who decided it.

use crate::harness::{PAYMENTS, Place, VAGUE};

fn why_of_last_change(place: &Place, reference: &str) -> String {
    let case = place.json(&["case", reference]);
    let changes = case["timeline"].as_array().unwrap().iter().filter(|entry| entry["what"] == "change");
    changes.collect::<Vec<_>>().last().unwrap()["why"].as_str().unwrap().to_owned()
}

#[test]
fn a_person_says_whom_an_unscoped_case_concerns() {
    for (flags, reached, why) in [
        (
            &["--components", "payments"][..],
            "1 clients, 1 contacts: 1 delivered",
            "jane said whom it concerns: payments",
        ),
        (&["--components", "Payments API,search"], "2 clients, 2 contacts: 2 delivered", "jane said whom it concerns"),
        (&["--everyone"], "2 clients, 2 contacts: 2 delivered", "jane said that it concerns everybody"),
        (&["--nobody"], "0 clients, 0 contacts", "jane said that it concerns nobody"),
    ] {
        let place = Place::new();
        let reference = place.triggered(VAGUE);
        assert_eq!(place.mails().len(), 0);
        let call: Vec<&str> = ["case", &reference].into_iter().chain(flags.iter().copied()).collect();
        place.call(&call).has(0, reached, "mail server");
        assert!(why_of_last_change(&place, &reference).contains(why), "{}", why_of_last_change(&place, &reference));
        place.call(&call).has(0, "", "nothing changes");
    }
}

#[test]
fn an_unknown_component_is_a_wrong_call_that_names_the_known_ones() {
    let place = Place::new();
    let reference = place.triggered(VAGUE);
    place.call(&["case", &reference, "--components", "printers"]).has(2, "", "there are: payments, search");
    place.call(&["case", &reference, "--everyone", "--nobody"]).has(2, "", "cannot be used with");
}

#[test]
fn a_case_closed_by_hand_is_told_once_and_over() {
    let place = Place::new();
    let reference = place.triggered(PAYMENTS);
    place.call(&["case", &reference, "--close"]).has(0, "1 clients, 1 contacts: 1 delivered", "");
    assert_eq!(why_of_last_change(&place, &reference), "closed by hand by jane");
    assert_eq!(place.mails().len(), 2);
    let last = place.mails().into_iter().find(|mail| mail.contains("CLOSED BY US")).expect("it says who closed it");
    assert!(last.contains("This is our last word on it."), "{last}");
    assert!(!last.contains("WITHDRAWN") && !last.contains("no longer listed"), "{last}");
    assert!(last.contains("X-Candor-Phase: investigating"), "nobody has said that it is over: {last}");
    assert_eq!(place.json(&["cases"]), serde_json::json!([]));
    place.call(&["case", &reference]).has(0, "Closed by hand", "");
    place.call(&["case", &reference]).has(0, "closed by us (the source last said: investigating), major;", "");
    let listed = place.json(&["cases", "--all"]);
    assert_eq!((&listed[0]["phase"], &listed[0]["state"]), (&"investigating".into(), &"closed".into()), "{listed}");
    place.call(&["case", &reference, "--close"]).has(1, "", "over already");
    place.call(&["case", &reference, "--everyone"]).has(1, "", "over already");
    assert_eq!(place.mails().len(), 2);
}

#[test]
fn the_answer_of_a_decision_is_a_document_too() {
    let place = Place::new();
    let reference = place.triggered(VAGUE);
    let answer = place.json(&["case", &reference, "--everyone"]);
    assert_eq!((&answer["clients"], &answer["sequence"]), (&2.into(), &2.into()));
    place.call(&["case", &reference, "--announce"]).has(1, "", "announced already");
}
