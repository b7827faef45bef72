use super::*;

const FULL_TOML: &str = r#"
[incident]
id         = "2026-11-23-payments"
source     = "platform"
title      = "Payments fail in the EU"
phase      = "identified"
impact     = "major"
components = ["Payments API"]
started_at = 2026-11-23T13:05:00Z
scheduled_for = 2026-11-30T22:00:00Z
scheduled_until = 2026-11-30T23:00:00+01:00
url        = "https://status.example.com/incidents/1"

[update]
body        = "A certificate expired on the EU gateway."
status      = "A new certificate is being rolled out."
action      = "Retry failed charges after 14:00 UTC."
need        = "required"
next_update = "30m"
at          = 2026-11-23T13:20:00Z
data_loss   = "none"
report_by   = 2026-11-27
stand       = "third of four"
id          = "u1"
"#;

const FULL_JSON: &str = r#"
{"incident": {"id": "2026-11-23-payments", "source": "platform", "title": "Payments fail in the EU",
  "phase": "identified", "impact": "major", "components": ["Payments API"],
  "started_at": "2026-11-23T13:05:00Z", "scheduled_for": "2026-11-30T22:00:00Z",
  "scheduled_until": "2026-11-30T22:00:00Z", "url": "https://status.example.com/incidents/1"},
 "update": {"body": "A certificate expired on the EU gateway.", "status": "A new certificate is being rolled out.",
  "action": "Retry failed charges after 14:00 UTC.", "need": "required", "next_update": "30m",
  "at": "2026-11-23T13:20:00Z", "data_loss": "none", "report_by": "2026-11-27", "stand": "third of four", "id": "u1"}}
"#;

fn moment(written: &str) -> Timestamp {
    written.parse().unwrap()
}

#[test]
fn toml_and_json_with_the_same_keys_say_the_same() {
    let toml = parse(FULL_TOML).unwrap();
    assert_eq!(toml, parse(FULL_JSON).unwrap());
    assert_eq!(parse(&format!("\u{feff}{FULL_TOML}")).unwrap(), toml);
    assert_eq!(parse(&format!("\u{feff}  {FULL_JSON}")).unwrap(), toml);
    assert_eq!(parse(&FULL_TOML.replace('\n', "\r\n")).unwrap(), toml);
    assert_eq!(toml.incident.scheduled_until, Some(moment("2026-11-30T22:00:00Z")));
}

#[test]
fn a_full_update_becomes_an_observation_by_hand() {
    let observation = parse(FULL_TOML)
        .unwrap()
        .into_observation("trigger", moment("2026-11-23T14:00:00Z"), || panic!("the id is given"));
    assert_eq!((observation.source.as_str(), observation.incident.as_str()), ("platform", "2026-11-23-payments"));
    assert_eq!(observation.origin, Origin::ByHand);
    assert_eq!(observation.impact, Some(Impact::Major));
    assert_eq!(observation.components, Some(vec!["Payments API".to_owned()]));
    let [update] = observation.updates.as_slice() else { panic!("one update") };
    assert_eq!(update.phase, Some(Phase::Identified));
    assert_eq!(update.at, Some(moment("2026-11-23T13:20:00Z")));
    assert_eq!(update.next_word, Some(NextWord::After(1_800)));
    assert_eq!((update.need, update.data_loss), (Some(Need::Required), Some(DataLoss::None)));
    assert_eq!(update.report_by.as_deref(), Some("2026-11-27"));
}

#[test]
fn what_is_left_out_is_not_made_up() {
    let now = moment("2026-11-23T14:00:00Z");
    let file = parse("[update]\nbody = \"It works again.\"").unwrap();
    assert_eq!(file.missing_for_a_new_case(), ["incident.title"]);
    let observation = file.into_observation("trigger", now, || "made-up".to_owned());
    assert_eq!((observation.source.as_str(), observation.incident.as_str()), ("trigger", "made-up"));
    assert_eq!((observation.phase, observation.impact, observation.components), (None, None, None));
    assert_eq!(observation.updates[0].at, Some(now));

    let phase_only = parse("[incident]\nid = \"a\"\nphase = \"resolved\"\ncomponents = []").unwrap();
    assert_eq!(phase_only.missing_for_a_new_case(), ["incident.title", "update.body"]);
    let observation = phase_only.into_observation("trigger", now, String::new);
    assert_eq!(observation.components, Some(vec![]));
    assert_eq!(observation.updates, []);

    let id_only = parse("[incident]\nid = \"a\"\n[update]\nid = \"u\"\nat = 2026-11-23T13:20:00Z").unwrap();
    assert_eq!(id_only.into_observation("trigger", now, String::new).updates, []);
}

#[test]
fn the_next_word_is_a_duration_or_a_moment() {
    for (written, expected) in [
        ("\"30m\"", NextWord::After(1_800)),
        ("\"1h 30m\"", NextWord::After(5_400)),
        ("2026-11-23T13:20:00Z", NextWord::At(moment("2026-11-23T13:20:00Z"))),
        ("2026-11-23 14:20:00+01:00", NextWord::At(moment("2026-11-23T13:20:00Z"))),
        ("\"2026-11-23T14:20:00+01:00\"", NextWord::At(moment("2026-11-23T13:20:00Z"))),
    ] {
        let file = parse(&format!("[update]\nnext_update = {written}")).unwrap();
        assert_eq!(file.update.next_update, Some(expected), "{written}");
    }
}

/// The error's line, column and key, and a part of its message; `^` in no text: places are counted by hand.
fn check(text: &str, line: u32, column: u32, key: &str, part: &str) {
    let error = parse(text).expect_err(text);
    assert_eq!((error.line, error.column), (Some(line), Some(column)), "{text}: {error}");
    assert_eq!(error.key.as_deref().unwrap_or(""), key, "{text}: {error}");
    let shown = error.to_string();
    assert!(shown.contains(part), "{text}: {shown} lacks {part}");
    assert!(!shown.contains('\n'), "{text}: {shown:?} has more than one line");
    let span = error.byte_span().expect("a fault with a line has a span");
    assert!(text.get(span).is_some(), "{text}: the span is no part of the text");
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_known_one() {
    check("[incident]\ntitel = \"x\"", 2, 1, "incident.titel", "did you mean \"title\"?");
    check("[incident]\nid = \"a\"\n  impakt = \"x\"", 3, 3, "incident.impakt", "did you mean \"impact\"?");
    check("[update]\nnext-update = \"5m\"", 2, 1, "update.next-update", "did you mean \"next_update\"?");
    check("[update]\nzzz = 1", 2, 1, "update.zzz", "known here: body, status");
    check("[incidents]\nid = \"a\"", 1, 2, "incidents", "did you mean \"incident\"?");
    check("body = \"x\"", 1, 1, "body", "it belongs under [update]");
    check("[incident]\nbody = \"x\"", 2, 1, "incident.body", "it belongs under [update]");
    check("[update]\nphase = \"resolved\"", 2, 1, "update.phase", "it belongs under [incident]");
    check("{\"incident\": {\n  \"titel\": \"x\"}}", 2, 3, "incident.titel", "did you mean \"title\"?");
    check("\u{feff}{\"updates\": {}}", 1, 2, "updates", "did you mean \"update\"?");
    check("incident.a.b = 1", 1, 10, "incident.a", "unknown key");
}

#[test]
fn values_of_the_wrong_kind_are_refused() {
    check("[incident]\nid = 5", 2, 6, "incident.id", "found an integer, needs a text");
    check("[incident]\ntitle = true", 2, 9, "incident.title", "found true or false");
    check("[incident]\ncomponents = \"api\"", 2, 14, "incident.components", "needs a list of texts");
    check("[incident]\ncomponents = [\"a\", 2]", 2, 20, "incident.components", "found an integer");
    check("incident = 1", 1, 12, "incident", "found an integer, needs a table");
    check("[update]\nbody = [\"a\"]", 2, 8, "update.body", "found a list");
    check("[update]\nneed = 1.5", 2, 8, "update.need", "found a number, needs one of the words none, maybe, required");
    check("[update]\nnext_update = 30", 2, 15, "update.next_update", "write a duration such as");
    check("{\"update\": {\"body\": null}}", 1, 21, "update.body", "found null");
    check("{\"update\": {\"body\": {\"a\": 1}}}", 1, 21, "update.body", "found an object");
    check("[update]\nat = 5", 2, 6, "update.at", "write a time with its zone");
}

#[test]
fn unknown_words_are_refused_with_what_is_allowed() {
    check("[incident]\nphase = \"fixed\"", 2, 9, "incident.phase", "investigating, identified, monitoring");
    check("[incident]\nphase = \"Resolved\"", 2, 9, "incident.phase", "did you mean \"resolved\"?");
    check("[incident]\nimpact = \"mayor\"", 2, 10, "incident.impact", "did you mean \"major\"?");
    check("[update]\nneed = \"yes\"", 2, 8, "update.need", "is none of: none, maybe, required");
    check("[update]\ndata_loss = \"all\"", 2, 13, "update.data_loss", "none, some");
}

#[test]
fn bad_times_and_durations_are_refused_with_the_mend() {
    check("[update]\nat = 2026-11-23T13:20:00", 2, 6, "update.at", "does not say in which time zone");
    check("[update]\nat = 2026-11-23", 2, 6, "update.at", "does not say in which time zone");
    check("[update]\nat = 13:20:00", 2, 6, "update.at", "is not a time");
    check("[update]\nat = \"yesterday\"", 2, 6, "update.at", "is not a time");
    check("[incident]\nstarted_at = 1970-01-01T00:00:00Z", 2, 14, "incident.started_at", "between the years");
    check("[update]\nnext_update = \"30\"", 2, 15, "update.next_update", "without a unit");
    check("[update]\nnext_update = \"soon\"", 2, 15, "update.next_update", "or give a time");
    check("[update]\nnext_update = \"-5m\"", 2, 15, "update.next_update", "\"-5m\" lies behind");
    check("[update]\nnext_update = \" - 1h 30m\"", 2, 15, "update.next_update", "such as \"30m\", or a time to come");
    check("[update]\nnext_update = \"0s\"", 2, 15, "update.next_update", "longer than 0s");
    check("{\"update\": {\"at\":\n \"2026-02-31T00:00:00Z\"}}", 2, 2, "update.at", "is not a time");
}

#[test]
fn texts_have_limits_and_addresses_a_form() {
    check("[incident]\nid = \" \"", 2, 6, "incident.id", "is empty");
    check("[incident]\nid = \"a\\nb\"", 2, 6, "incident.id", "write one line");
    check(
        &format!("[incident]\ntitle = \"{}\"", "x".repeat(501)),
        2,
        9,
        "incident.title",
        "501 characters, at most 500",
    );
    check(&format!("[update]\nbody = \"{}\"", "x".repeat(102_401)), 2, 8, "update.body", "at most 102400");
    check("[incident]\nurl = \"javascript:alert(1)\"", 2, 7, "incident.url", "https://");
    check("[incident]\nurl = \"status.example.com\"", 2, 7, "incident.url", "no web address");
    let whole = parse(&"#".repeat(LONGEST_TEXT + 1)).unwrap_err();
    assert_eq!((whole.line, whole.byte_span()), (None, None));
    assert!(whole.to_string().contains("at most 1048576"));
    assert!(parse("").unwrap_err().to_string().contains("is empty"));
    assert!(parse("{}").unwrap_err().to_string().contains("[incident] and [update]"));
}

#[test]
fn broken_syntax_is_refused_where_it_breaks() {
    check("[incident]\nid = \"a\"\nid = \"b\"", 3, 1, "", "duplicate key");
    check("[incident\nid = \"a\"", 1, 10, "", "not TOML");
    check("[incident]\nid \"a\"", 2, 4, "", "not TOML");
    check("{\"incident\": {\"id\": \"a\",}}", 1, 25, "", "not JSON");
    check("{\"incident\": {\n\"id\": \"a\"", 2, 9, "", "not JSON");
    check("{\"incident\": {}} x", 1, 18, "", "not JSON");
    check("{\"update\": {\"id\": \"a\", \"id\": \"b\"}}", 1, 24, "id", "given twice");
    check("{\"update\": {\"a\\n\": 1, \"a\\n\": 2}}", 1, 23, "a?", "given twice");
    check("{\"update\": {\"body\": \"\\ud800\"}}", 1, 28, "", "not JSON");
}

#[test]
fn deep_nesting_is_refused_without_effort() {
    let deep = format!("{{\"update\": {{\"body\": {}", "{\"a\":".repeat(100_000));
    assert!(parse(&deep).is_err());
    let deep = format!("{{\"update\": {{\"body\": {}1{}}}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(parse(&deep).unwrap_err().to_string().contains("found a list"));
    assert!(parse(&format!("a = {}", "[".repeat(100_000))).is_err());
}

proptest::proptest! {
    #[test]
    fn a_damaged_update_is_read_or_refused_with_a_place_inside_the_text(
        as_json in proptest::prelude::any::<bool>(),
        damage in proptest::collection::vec((0..900_usize, proptest::prelude::any::<char>()), 1..5),
    ) {
        let mut characters: Vec<char> = if as_json { FULL_JSON } else { FULL_TOML }.chars().collect();
        for (at, character) in damage {
            let at = at % characters.len();
            characters[at] = character;
        }
        let text: String = characters.into_iter().collect();
        if let Err(error) = parse(&text) {
            proptest::prop_assert!(!error.to_string().chars().any(char::is_control), "{error}");
            let span = error.byte_span().expect("a damaged text is never empty or too long");
            proptest::prop_assert!(text.get(span).is_some());
        }
    }
}
