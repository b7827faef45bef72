use super::*;

mod updates;

fn recorded(path: &str) -> Document {
    let file = format!("{}/tests/fixtures/feeds/github/{path}.summary.json", env!("CARGO_MANIFEST_DIR"));
    parse_summary(&std::fs::read(file).unwrap(), "github").unwrap()
}

/// What one incident of a recorded read has to say: id, phase, impact, components, and the ids of its
/// updates, oldest first. Written by hand from the capture.
type Expected<'a> = (&'a str, Phase, Impact, &'a [&'a str], &'a [&'a str]);

fn check(path: &str, page_updated_at: &str, expected: &[Expected<'_>]) {
    let document = recorded(path);
    assert_eq!(document.page_id, "kctbh9vrtdwd");
    assert_eq!(document.page_updated_at, Some(page_updated_at.parse().unwrap()), "{path}");
    assert_eq!((document.oddities, document.extent), (BTreeSet::new(), Extent::All), "{path}");
    let found: Vec<_> = document
        .listed
        .iter()
        .map(|observation| {
            let components: Vec<&str> = observation.components.as_ref().unwrap().iter().map(String::as_str).collect();
            let updates: Vec<&str> = observation.updates.iter().map(|update| update.id.as_deref().unwrap()).collect();
            let (phase, impact) = (observation.phase.unwrap(), observation.impact.unwrap());
            (observation.incident.as_str(), phase, impact, components, updates)
        })
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(id, phase, impact, components, updates)| (*id, *phase, *impact, components.to_vec(), updates.to_vec()))
        .collect();
    assert_eq!(found, expected, "{path}");
    let ids: Vec<&str> = document.listed_ids.iter().map(String::as_str).collect();
    let mut expected_ids: Vec<&str> = expected.iter().map(|(id, ..)| *id).collect();
    expected_ids.sort_unstable();
    assert_eq!(ids, expected_ids, "{path}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn recorded_reads_are_understood() {
    check("summary-seq-deescalated-2020-vts24q167tc8/00-20201127T082334Z", "2020-11-27T08:15:08.784Z", &[]);
    check(
        "summary-seq-deescalated-2020-vts24q167tc8/02-20201127T165352Z",
        "2020-11-27T16:35:35.802Z",
        &[(
            "vts24q167tc8",
            Phase::Investigating,
            Impact::Minor,
            &["GitHub Actions"],
            &["04tg6d5wl91y", "l01ktxrs06jk"],
        )],
    );
    check(
        "summary-seq-maintenance-53t2nlxs8016/04-20230208T221820Z",
        "2023-02-08T22:00:20.124Z",
        &[(
            "53t2nlxs8016",
            Phase::InProgress,
            Impact::Maintenance,
            &["Packages"],
            &["bdm3n692y4pf", "tjx78vcfl4ml", "m1h2w785zdq6", "nfx8pjw89lzb"],
        )],
    );
    check(
        "summary-seq-minor-to-critical-bhbcjn4n3jzp/03-20260820T161225Z",
        "2026-08-20T16:04:00.140Z",
        &[(
            "bhbcjn4n3jzp",
            Phase::Investigating,
            Impact::Critical,
            &[],
            &["yr7pq9x3xx7w", "lczl8wbt5v7j", "m588snklwg9n", "vffbd4c3szqn"],
        )],
    );
    check(
        "summary-seq-two-parallel-escalated-7ck5966p1073/03-20240121T043744Z",
        "2024-01-21T04:21:57.823Z",
        &[
            (
                "7ck5966p1073",
                Phase::Investigating,
                Impact::Major,
                &["Codespaces"],
                &["yybljqb9yl21", "bh59z20rnygk", "100f547wqsj1", "ql0c64vs2c05"],
            ),
            ("hmvr5kpgzc45", Phase::Investigating, Impact::Minor, &["Actions"], &["fydtyy6lc0hp", "krj11qg1mpbn"]),
        ],
    );
    check(
        "summary-seq-with-monitoring-ql942tw29yl6/05-20260427T220734Z",
        "2026-04-27T21:33:20.450Z",
        &[(
            "ql942tw29yl6",
            Phase::Monitoring,
            Impact::Critical,
            &["Issues", "Pull Requests", "Actions", "Packages"],
            &[
                "t0xbm41f3r6p",
                "l78r0dx72c5s",
                "n3skwgqx1084",
                "fx6y0c206kf3",
                "vn1g77xczh7h",
                "k160r7drp3dv",
                "qmlflsnzmp19",
                "78cnm8r63bz2",
                "v1z8m9r26sll",
                "5h7mh3nf28zj",
                "qvs9mt5pqyr6",
                "b2yb1lpcbmx7",
            ],
        )],
    );
    check("stale-read/01-20231028T075234Z", "2023-10-27T07:44:57.593Z", &[]);
}

#[test]
fn renames_and_edits_show_in_the_next_read() {
    let before = recorded("summary-seq-renamed-and-edited-y5hdmv0p49x3/01-20220324T145249Z");
    let after = recorded("summary-seq-renamed-and-edited-y5hdmv0p49x3/02-20220324T152249Z");
    let [incident, maintenance] = before.listed.as_slice() else { panic!("an incident and a maintenance") };
    assert_eq!(incident.title.as_deref(), Some("Incident with GitHub Actions"));
    assert_eq!(incident.started_at, Some("2022-03-24T14:43:35.341Z".parse().unwrap()));
    assert_eq!(maintenance.phase, Some(Phase::InProgress));
    assert_eq!(maintenance.started_at, None);
    assert_eq!(after.listed[0].title.as_deref(), Some("Incident with GitHub Actions and Webhooks"));
    assert_eq!(incident.updates[0].id, after.listed[0].updates[0].id);
    assert_ne!(incident.updates[0].body, after.listed[0].updates[0].body);
    assert_eq!(after.listed[0].url.as_deref(), Some("https://stspg.io/x0mgfyw0s1yg"));
}

#[test]
fn the_recorded_empty_body_and_broken_bodies_are_foreign() {
    let whole = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/feeds/github/summary-seq-deescalated-2020-vts24q167tc8/01-20201127T162954Z.summary.json"
    ))
    .unwrap();
    for length in (1..whole.trim_ascii_end().len()).step_by(97) {
        let refused = parse_summary(&whole[..length], "github").expect_err("cut");
        assert!(refused.0.contains("breaks off"), "{length}: {refused}");
    }
    for (body, part) in [
        (&b""[..], "empty body"),
        (b" \n ", "empty body"),
        (b"\xef\xbb\xbf", "empty body"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b"\xfe\xff\0{\0}", "not UTF-8"),
        (b"[]", "not a JSON object"),
        (b"{\"error\":\"status_page_not_found\"}", "without the list \"incidents\""),
        (b"{\"incidents\":[]}", "without \"page\""),
        (b"{\"page\":{},\"incidents\":[]}", "without the page's id"),
        (b"{\"page\":{\"id\":\"p\"},\"incidents\":null}", "without the list"),
        (b"{\"page\":{\"id\":\"p\"},\"incidents\":{}}", "without the list"),
        (b"{\"page\":[],\"incidents\":[]}", "another shape"),
        (b"{\"page\":5,\"incidents\":[]}", "another shape"),
        (b"{\"page\":{\"id\":\"p\"},\"incidents\":[}", "not JSON"),
    ] {
        let refused = parse_summary(body, "x").expect_err(part);
        assert!(refused.0.contains(part), "{refused} lacks {part}");
    }
}

/// What is odd about a document, without the names of its incidents.
fn odd(document: &Document) -> Vec<&str> {
    document.oddities.iter().map(|oddity| oddity.words.as_str()).collect()
}

fn one(members: &str) -> Document {
    let text = format!("{{\"page\":{{\"id\":7}},\"incidents\":[{{{members}}}]}}");
    parse_incidents(text.as_bytes(), "x").unwrap()
}

#[test]
fn what_is_null_or_absent_is_not_stated() {
    for members in [
        r#""id":"a""#,
        r#""id":"a","name":null,"status":null,"impact":null,"created_at":null,"updated_at":null,"started_at":null,
           "resolved_at":null,"shortlink":null,"incident_updates":null,"components":null,"reminder_intervals":"[]""#,
        r#""id":"a","name":5,"status":[],"impact":{},"updated_at":12,"started_at":"Nov 23, 15:00 UTC",
           "resolved_at":"1970-01-01T00:00:00Z","shortlink":"javascript:alert(1)","incident_updates":[]"#,
    ] {
        let document = one(members);
        assert_eq!((document.page_id.as_str(), document.page_updated_at), ("7", None));
        let [observation] = document.listed.as_slice() else { panic!("{members}: {document:?}") };
        assert_eq!(observation.incident, "a");
        assert_eq!((&observation.title, observation.phase, &observation.phase_unknown), (&None, None, &None));
        assert_eq!((observation.impact, &observation.components, &observation.url), (None, &None, &None));
        assert_eq!((observation.started_at, observation.resolved_at, observation.revised_at), (None, None, None));
        assert_eq!(observation.updates, []);
    }
}

#[test]
fn a_word_that_an_incident_and_its_updates_share_is_noted_once() {
    let updates = r#""incident_updates":[{"id":"u2","status":"mitigating"},{"id":"u1","status":"investigating"}]"#;
    for status in ["mitigating", "resolved"] {
        let document = one(&format!(r#""id":"a","name":"x","status":"{status}",{updates}"#));
        assert_eq!(
            odd(&document),
            ["`status` is \"mitigating\", which is none of ours: it neither moves nor ends the incident"],
            "{status}"
        );
    }
}

#[test]
fn unknown_words_are_kept_raw() {
    let document = one(r#""id":"a","status":"declared","impact":"catastrophic""#);
    let observation = &document.listed[0];
    assert_eq!((observation.phase, observation.phase_unknown.as_deref()), (None, Some("declared")));
    assert_eq!(observation.impact, None);
    let odd = odd(&document);
    assert!(odd.iter().any(|odd| odd.contains("\"catastrophic\", which is none of ours")), "{odd:?}");
    assert!(odd.iter().any(|odd| odd.contains("`status` is \"declared\", which is none of ours")), "{odd:?}");
    let observation = &one(r#""id":"a","status":"In Progress","impact":"MAJOR""#).listed[0];
    assert_eq!((observation.phase, observation.impact), (Some(Phase::InProgress), Some(Impact::Major)));
}

#[test]
fn ids_may_be_numbers_and_ulids_and_bad_ones_cost_the_incident() {
    assert_eq!(one(r#""id":12345678901234567890"#).listed[0].incident, "12345678901234567890");
    assert_eq!(one(r#""id":"01J9Z3NDEKTSV4RRFFQ69G5FAV""#).listed[0].incident, "01J9Z3NDEKTSV4RRFFQ69G5FAV");
    for members in [r#""name":"x""#, r#""id":null"#, r#""id":"""#, r#""id":"a b""#, r#""id":"a\nb""#, r#""id":1.5"#] {
        let document = one(members);
        assert_eq!((document.listed.len(), document.extent), (0, Extent::Some), "{members}");
        assert_eq!(odd(&document), ["an entry without a usable `id`: it is left out"], "{members}");
    }
    assert!(one(&format!("\"id\":\"{}\"", "x".repeat(201))).listed.is_empty());
}

#[test]
fn what_cannot_be_read_costs_only_itself() {
    let check = |members: &str, updates: usize, expected: &[&str]| {
        let document = one(&format!("\"id\":\"a\",\"name\":\"T\",\"status\":\"resolved\",{members}"));
        let [seen] = document.listed.as_slice() else { panic!("{members} is lost: {document:?}") };
        assert_eq!((seen.incident.as_str(), seen.phase), ("a", Some(Phase::Resolved)), "{members}");
        assert_eq!(seen.updates.len(), updates, "{members}");
        let odd = odd(&document);
        assert_eq!(odd.len(), expected.len(), "{members}: {odd:?}");
        for (words, expected) in odd.iter().zip(expected) {
            assert!(words.contains(expected), "{members}: {words}");
        }
        assert!(document.oddities.iter().all(|oddity| oddity.incident.as_deref() == Some("a")), "{members}");
    };
    check(r#""incident_updates":"none""#, 0, &["`incident_updates` is no list"]);
    check(r#""incident_updates":{"a":1}"#, 0, &["`incident_updates` is no list"]);
    check(r#""incident_updates":[{"id":"u","body":"x"},7]"#, 2, &["no object"]);
    check(r#""incident_updates":[{"id":"u","body":["x"]},{"id":"v","body":"y"}]"#, 2, &["an update's `body`"]);
    check(r#""incident_updates":[{"id":"u","body":null,"display_at":null}]"#, 1, &[]);
    check(r#""incident_updates":[{"id":"u","display_at":"soon"}]"#, 1, &["an update's `display_at` is no time"]);
    check(r#""components":"all""#, 0, &["`components` is no list"]);
    check(r#""impact":["major"]"#, 0, &["`impact` is no text"]);
    check(r#""resolved_at":"yesterday","created_at":7"#, 0, &["`created_at` is no time", "`resolved_at` is no time"]);
    check(r#""status":"investigating","status":"resolved""#, 0, &[]);
}

#[test]
fn more_than_we_take_is_cut_and_named() {
    let names: Vec<String> = (0..1_500).map(|number| format!("{{\"name\":\"C{number}\"}}")).collect();
    let document = one(&format!("\"id\":\"a\",\"name\":\"T\",\"components\":[{}]", names.join(",")));
    assert_eq!(document.listed[0].components.as_ref().map(Vec::len), Some(MOST_MEMBERS));
    assert!(odd(&document)[0].contains("more than 1000"), "{:?}", document.oddities);
    // The newest updates are kept, whichever end they stand at.
    let start: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
    let mut posts: Vec<String> = (0..5_000)
        .map(|number| {
            let at = start + jiff::SignedDuration::from_secs(number);
            format!("{{\"id\":\"u{number}\",\"status\":\"identified\",\"body\":\"x\",\"display_at\":\"{at}\"}}")
        })
        .collect();
    for _ in ["oldest first", "newest first"] {
        let document = one(&format!("\"id\":\"a\",\"name\":\"T\",\"incident_updates\":[{}]", posts.join(",")));
        let updates = &document.listed[0].updates;
        assert_eq!((updates.len(), updates[999].id.as_deref()), (MOST_MEMBERS, Some("u4999")));
        assert_eq!(updates[0].id.as_deref(), Some("u4000"));
        posts.reverse();
    }
    let entries: Vec<String> =
        (0..MOST_INCIDENTS + 1).map(|number| format!("{{\"id\":{number},\"name\":\"T\"}}")).collect();
    let text = format!("{{\"page\":{{\"id\":\"p\"}},\"incidents\":[{}]}}", entries.join(","));
    let document = parse_incidents(text.as_bytes(), "x").unwrap();
    assert_eq!((document.listed.len(), document.extent), (MOST_INCIDENTS, Extent::Some));
    assert!(odd(&document)[0].contains("more than 5000"), "{:?}", document.oddities);
}

#[test]
fn an_entry_that_cannot_be_named_leaves_open_what_is_listed() {
    let deep = format!("{}{}", "[".repeat(99_999), "]".repeat(99_999));
    for entry in ["5", "null", "{}", "{\"id\":{}}", deep.as_str()] {
        let text = format!("{{\"page\":{{\"id\":\"p\"}},\"incidents\":[{entry},{{\"id\":\"b\",\"name\":\"T\"}}]}}");
        let document = parse_incidents(text.as_bytes(), "x").unwrap();
        assert_eq!((document.listed.len(), document.extent, document.oddities.len()), (1, Extent::Some, 1));
    }
    let deep = format!("{{\"id\":\"a\",\"name\":{deep},\"status\":\"resolved\",\"incident_updates\":[{deep}]}}");
    let text = format!("{{\"page\":{{\"id\":\"p\"}},\"incidents\":[{deep}]}}");
    let document = parse_incidents(text.as_bytes(), "x").unwrap();
    assert_eq!((document.listed[0].phase, document.extent), (Some(Phase::Resolved), Extent::All));
}

#[test]
fn without_a_status_the_newest_update_says_where_it_stands() {
    let updates = r#""incident_updates":[{"id":"b","status":"resolved","display_at":"2024-01-01T11:00:00Z"},
        {"id":"a","status":"investigating","display_at":"2024-01-01T10:00:00Z"}]"#;
    for (status, phase) in [
        ("null", Some(Phase::Resolved)),
        ("[1]", Some(Phase::Resolved)),
        ("\"declared\"", None),
        ("\"identified\"", Some(Phase::Identified)),
    ] {
        let document = one(&format!("\"id\":\"a\",\"name\":\"T\",\"status\":{status},{updates}"));
        assert_eq!(document.listed[0].phase, phase, "{status}");
    }
}

#[test]
fn an_incident_listed_twice_is_named() {
    let text = r#"{"page":{"id":"p"},"incidents":[{"id":"a","name":"T"},{"id":"a","name":"T"}]}"#;
    let document = parse_incidents(text.as_bytes(), "x").unwrap();
    assert_eq!(document.listed.len(), 2);
    assert!(odd(&document)[0].contains("more than once"));
}

#[test]
fn components_are_names_without_groups_and_an_empty_list_stays_one() {
    let document = one(r#""id":"a","components":[{"name":"Payments API","group":false,"status":"major_outage"},
        {"name":"Europe","group":true},{"name":null},{"name":"  "}]"#);
    assert_eq!(document.listed[0].components, Some(vec!["Payments API".to_owned()]));
    assert_eq!(one(r#""id":"a","components":[]"#).listed[0].components, Some(vec![]));
}

#[test]
fn what_is_too_long_is_cut_where_one_can_see_it() {
    let long = "ä".repeat(LONGEST_BODY);
    let document = one(&format!("\"id\":\"i\",\"name\":\"{long}\",\"incident_updates\":[{{\"body\":\"{long}\"}}]"));
    let title = document.listed[0].title.as_deref().unwrap();
    assert_eq!((title.chars().count(), title.ends_with('…')), (LONGEST_NAME + 1, true));
    let body = &document.listed[0].updates[0].body;
    assert!(body.len() <= LONGEST_BODY + 3 && body.ends_with('…'));
}

#[test]
fn a_summary_without_maintenances_is_one() {
    let document = parse_summary(br#"{"page":{"id":"p"},"incidents":[{"id":"a"}]}"#, "x").unwrap();
    assert_eq!(document.listed.len(), 1);
    let document = parse_maintenances(
        br#"{"page":{"id":"p"},"scheduled_maintenances":[{"id":"m","status":"scheduled","impact":"maintenance",
            "scheduled_for":"2026-11-30T22:00:00+01:00","scheduled_until":"2026-11-30T23:00:00Z","started_at":"2026-11-20T00:00:00Z"}]}"#,
        "x",
    )
    .unwrap();
    let maintenance = &document.listed[0];
    assert_eq!(maintenance.scheduled_for, Some("2026-11-30T21:00:00Z".parse().unwrap()));
    assert_eq!((maintenance.phase, maintenance.started_at), (Some(Phase::Scheduled), None));
}

proptest::proptest! {
    #[test]
    fn a_damaged_document_is_refused_or_read_but_never_believed_out_of_order(
        damage in proptest::collection::vec((0..15_000_usize, proptest::prelude::any::<u8>()), 1..6),
        cut in 0..20_000_usize,
    ) {
        let file = concat!(env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/feeds/github/summary-seq-with-monitoring-ql942tw29yl6/01-20260427T170731Z.summary.json");
        let mut body = std::fs::read(file).unwrap();
        for (at, byte) in damage {
            let at = at % body.len();
            body[at] = byte;
        }
        body.truncate(cut.max(100));
        if let Ok(document) = parse_summary(&body, "x") {
            proptest::prop_assert!(document.listed.len() <= 2);
            for observation in document.listed {
                proptest::prop_assert!(document.listed_ids.contains(&observation.incident));
                let times: Vec<_> = observation.updates.iter().filter_map(|update| update.at).collect();
                proptest::prop_assert!(times.is_sorted());
            }
        }
    }
}
