//! `candor say CASE`: a person's words beside the source's, shown before they are said.

use crate::harness::{PAYMENTS, Place};

/// The mail that holds `words`.
fn mail_with(place: &Place, words: &str) -> String {
    let mails = place.mails();
    mails.iter().find(|mail| mail.contains(words)).unwrap_or_else(|| panic!("{words}: {mails:?}")).clone()
}

#[test]
fn words_and_an_action_are_said_to_whom_the_case_concerns() {
    let place = Place::new();
    let reference = place.triggered(PAYMENTS);
    let call = [
        "say",
        &reference,
        "The EU gateway has a new certificate.",
        "--action=Send failed payments again.",
        "--need=required",
        "--by=2h",
        "--takes=5 minutes",
        "--phase=monitoring",
        "--next=45m",
        "--sorry",
        "--yes",
    ];
    place.call(&call).has(0, "1 clients, 1 contacts: 1 delivered", "reaches 1 client, 1 contact");
    assert_eq!(place.mails().len(), 2);
    let mail = mail_with(&place, "has a new certificate");
    for part in
        ["ACTION NEEDED by", "Send failed payments again.", "5 minutes", "We are sorry.", "X-Candor-Phase: monitoring"]
    {
        assert!(mail.contains(part), "{part}: {mail}");
    }
    let case = place.json(&["case", &reference]);
    let whys: Vec<&str> =
        case["timeline"].as_array().unwrap().iter().filter_map(|entry| entry["why"].as_str()).collect();
    assert_eq!(whys.last(), Some(&"said by hand"), "{case}");
}

#[test]
fn what_is_shown_before_it_is_said_is_what_is_sent_and_without_a_yes_nothing_is() {
    let place = Place::new();
    let reference = place.triggered(PAYMENTS);
    let shown = place.call(&["say", &reference, "It is a certificate."]);
    shown.has(2, "", "--yes says it without asking").has(2, "", "It is a certificate.").has(2, "", "the first message");
    assert_eq!(place.mails().len(), 1, "nothing was said");
}

#[test]
fn a_wrong_flag_is_named_as_it_was_written_and_says_nothing() {
    let place = Place::new();
    let reference = place.triggered(PAYMENTS);
    for (flag, message) in [
        ("--phase=solved", "--phase: \"solved\" is none of"),
        ("--impact=huge", "--impact: \"huge\" is none of"),
        ("--next=-5m", "--next: "),
        ("--components=serch", "did you mean `search`?"),
        ("--need=perhaps", "--need: "),
    ] {
        place.call(&["say", &reference, "Words.", flag, "--yes"]).has(2, "", message);
    }
    place.call(&["say", "QQQQ", "Words.", "--yes"]).has(1, "", "there is no case");
    place.call(&["case", &reference, "--close"]).has(0, "", "");
    place.call(&["say", &reference, "Words.", "--yes"]).has(1, "", "only an open case");
    assert_eq!(place.mails().len(), 2, "the opening and the close");
}

#[test]
fn an_editor_gets_a_form_and_what_it_leaves_empty_says_nothing() {
    let place = Place::new();
    let reference = place.triggered(PAYMENTS);
    let editing = |script: &str, flags: &[&str]| {
        let arguments: Vec<&str> = ["say", &reference].into_iter().chain(flags.iter().copied()).collect();
        let mut command = place.command(&arguments);
        crate::harness::answer(command.env("EDITOR", script).output().unwrap())
    };
    editing("true", &["--yes"]).has(1, "", "the form was not filled in");
    editing("false", &["--yes"]).has(1, "", "the editor ended with a failure");
    let wrong =
        editing("sed -i 's/^#phase .*/phase = \"solved\"/; s/^body = .*/body = \"\"\"Kept words./'", &["--yes"]);
    let kept =
        wrong.has(2, "", "is none of").err.split("--form ").nth(1).unwrap().trim_end_matches(['`', '\n']).to_owned();
    let text = std::fs::read_to_string(&kept).unwrap();
    assert!(text.contains("Kept words."), "{text}");
    std::fs::write(&kept, text.replace("solved", "identified")).unwrap();
    assert_eq!(place.mails().len(), 1);
    let script = "sed -i 's/^body = .*/body = \"\"\"The form\\x27s words./; s/^#phase .*/phase = \"identified\"/'";
    editing(script, &["--yes", "--takes=1 minute", "--action=Wait."]).has(0, "1 delivered", "");
    let mail = mail_with(&place, "The form's words.");
    assert!(mail.contains("X-Candor-Phase: identified") && mail.contains("1 minute"), "{mail}");
    place.call(&["say", &reference, "--form", &kept, "--yes"]).has(0, "1 delivered", "");
    mail_with(&place, "Kept words.");
    std::fs::remove_file(&kept).unwrap();
    place.call(&["say", &reference]).has(2, "", "there is no TEXT and no $EDITOR");
}
