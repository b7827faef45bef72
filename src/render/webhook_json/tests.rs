//! The document that a webhook carries, key by key, and what goes when it is too long.

use super::*;
use crate::domain::incident::{Impact, Need};
use crate::domain::notice::{Affected, CaseFacts, Guidance, Replaced as Before, Resource, Voice};
use serde_json::{Value, json};

fn at(minute: i64) -> Timestamp {
    Timestamp::from_millisecond(1_795_439_100_000 + minute * 60_000 + 789).unwrap()
}

fn words(id: &str, minute: i64, body: &str) -> Words {
    Words {
        id: id.to_owned(),
        phase: Some(Phase::Identified),
        body: body.to_owned(),
        status: None,
        at: at(minute),
        replaces: None,
        by_hand: false,
    }
}

fn notice() -> Notice {
    Notice {
        now: at(15),
        sequence: 2,
        reason: Kind::Worse,
        changes: vec![Kind::Worse, Kind::Phase],
        is_brief: false,
        case: CaseFacts {
            id: "01J9Z".to_owned(),
            reference: "K7QM".to_owned(),
            source: "platform".to_owned(),
            incident: "p31zjtct2jer".to_owned(),
            title: "Payments fail &amp; <b>time out</b>".to_owned(),
            renamed: None,
            phase: Phase::Identified,
            phase_moved: true,
            phase_unknown: None,
            impact: Some(Impact::Major),
            impact_before: Some(Impact::Minor),
            components: vec!["Payments API".to_owned()],
            component_ids: vec!["payments".to_owned()],
            added: Vec::new(),
            removed: Vec::new(),
            started_at: Some(at(0)),
            reported_at: Some(at(1)),
            ended_at: None,
            closed_by_hand_at: None,
            phase_last_said: None,
            estimate_passed: None,
            last_seen_at: None,
            scheduled_for: None,
            scheduled_until: None,
            moved_from: None,
            became_incident: false,
            url: Some("https://status.example.com/incidents/1".to_owned()),
            voice: Voice::Ours(None),
            first_words: Some(words("u1", 1, "First.")),
            updates: vec![words("u3", 14, "<p>Newest &amp; <b>worst</b></p>"), words("u2", 5, "Middle.")],
            last_words: None,
            left_out: 0,
            data_loss: None,
            report_by: None,
            stand: None,
            sorry: crate::domain::notice::Sorry::Unsaid,
        },
        affected: Affected::Confirmed,
        concerned: vec![(1, "Payments API".to_owned()), (3, "Search".to_owned())],
        untouched: Vec::new(),
        guidance: Guidance::unknown(),
        next_word: Some(at(75)),
        promised: None,
        lost_sight_since: None,
        is_daily: false,
        promises: None,
        page: None,
        drill: false,
    }
}

fn action(text: &str) -> Action {
    Action {
        id: "pause".to_owned(),
        need: Need::Required,
        text: text.to_owned(),
        by: Some(at(60)),
        check: Some("It is paused.".to_owned()),
        undo: Some("Resume it.".to_owned()),
        takes: Some("5m".to_owned()),
        who: None,
        place: None,
        otherwise: None,
        offer: None,
        forward: None,
        resources: vec![Resource { title: "Guide".to_owned(), url: "https://docs.example.com/g".to_owned() }],
        language: None,
    }
}

fn input(notice: &Notice) -> WebhookInput<'_> {
    WebhookInput {
        client: "acme",
        notice,
        summary: "WORSE: Payments API, your priority 1.",
        what_happened: "Payments fail.",
        current_status: "The cause is known.",
    }
}

/// What holds for every body, whatever is in it.
fn read(written: &str) -> Value {
    assert!(written.len() <= BYTES_MOST, "{} bytes", written.len());
    serde_json::from_str(written).unwrap()
}

#[test]
fn the_body_is_the_one_of_the_contract() {
    let mut notice = notice();
    notice.guidance =
        Guidance { need: Need::Required, known: true, actions: vec![action("Pause.")], ..Guidance::unknown() };
    let written = write(&input(&notice));
    let expected = json!({
        "type": "incident.updated",
        "timestamp": "2026-11-23T13:20:00Z",
        "data": {
            "client": "acme",
            "case": {
                "id": "01J9Z", "ref": "K7QM", "source": "platform", "incident": "p31zjtct2jer",
                "title": "Payments fail & time out", "phase": "identified", "impact": "major",
                "components": ["payments"], "started_at": "2026-11-23T13:05:00Z", "resolved_at": null,
                "url": "https://status.example.com/incidents/1",
            },
            "notice": {
                "sequence": 2, "summary": "WORSE: Payments API, your priority 1.", "reason": "worse",
                "changes": ["worse", "phase"], "what_happened": "Payments fail.",
                "current_status": "The cause is known.",
                "what_you_need_to_do": {
                    "need": "required", "known": true,
                    "actions": [{
                        "text": "Pause.", "by": "2026-11-23T14:05:00Z", "check": "It is paused.",
                        "undo": "Resume it.", "takes": "5m",
                        "resources": [{"title": "Guide", "url": "https://docs.example.com/g"}],
                    }],
                },
                "affected": "confirmed", "priority": 1, "next_update_by": "2026-11-23T14:20:00Z",
                "page": null, "drill": false,
            },
            "updates": [
                {"id": "u2", "phase": "identified", "body": "Middle.", "at": "2026-11-23T13:10:00Z"},
                {"id": "u3", "phase": "identified", "body": "Newest & worst", "at": "2026-11-23T13:19:00Z"},
            ],
        },
    });
    assert_eq!(read(&written), expected);
    let order = ["\"type\"", "\"timestamp\"", "\"client\"", "\"case\"", "\"notice\"", "\"updates\""];
    assert!(order.map(|key| written.find(key).unwrap()).is_sorted(), "{written}");
}

#[test]
fn a_notice_with_the_least_has_nulls_and_no_optional_keys() {
    let mut notice = notice();
    notice.concerned.clear();
    notice.next_word = None;
    notice.case.updates.clear();
    notice.case.impact = None;
    notice.case.started_at = None;
    notice.case.url = Some("javascript:alert(1)".to_owned());
    notice.case.component_ids.clear();
    notice.case.phase_unknown = Some("on fire".to_owned());
    let data = &read(&write(&input(&notice)))["data"];
    for (value, expected) in [
        (&data["case"]["impact"], Value::Null),
        (&data["case"]["started_at"], Value::Null),
        (&data["case"]["url"], Value::Null),
        (&data["case"]["components"], json!(["Payments API"])),
        (&data["case"]["source_phase"], json!("on fire")),
        (&data["notice"]["priority"], Value::Null),
        (&data["notice"]["next_update_by"], Value::Null),
        (&data["notice"]["what_you_need_to_do"], json!({"need": "none", "known": false, "actions": []})),
        (&data["updates"], json!([])),
    ] {
        assert_eq!(*value, expected);
    }
    assert!(data.get("truncated").is_none() && data["case"].get("scheduled_for").is_none());
}

#[test]
fn a_rewritten_update_names_what_it_replaces() {
    let mut notice = notice();
    notice.case.updates.truncate(1);
    notice.case.updates[0].replaces = Some(Before { body: "**Before**".to_owned(), at: at(3) });
    let update = &read(&write(&input(&notice)))["data"]["updates"][0];
    assert_eq!(update["replaces"], json!({"body": "Before", "at": "2026-11-23T13:08:00Z"}));
}

#[test]
fn a_brief_begins_with_the_first_words_once() {
    let mut notice = notice();
    notice.is_brief = true;
    let ids = |notice: &Notice| -> Vec<String> {
        let body = read(&write(&input(notice)));
        body["data"]["updates"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&notice), ["u1", "u2", "u3"]);
    notice.case.updates.push(words("u1", 1, "First."));
    assert_eq!(ids(&notice), ["u1", "u2", "u3"]);
    notice.is_brief = false;
    notice.case.updates.pop();
    assert_eq!(ids(&notice), ["u2", "u3"]);
}

#[test]
fn the_type_follows_the_reason() {
    let check = |reason: Kind, incident: &str, planned: &str, running: &str, brief: &str| {
        for (phase, is_brief, expected) in [
            (Phase::Monitoring, false, incident),
            (Phase::Scheduled, false, planned),
            (Phase::InProgress, false, running),
            (Phase::Identified, true, brief),
        ] {
            let mut notice = notice();
            (notice.reason, notice.is_brief, notice.case.phase) = (reason, is_brief, phase);
            assert_eq!(event_type(&notice), expected, "{reason:?} {phase:?} {is_brief}");
        }
    };
    let (iu, mu, io) = ("incident.updated", "maintenance.updated", "incident.opened");
    for reason in Kind::ALL {
        match reason {
            Kind::Opened => check(reason, io, "maintenance.scheduled", "maintenance.started", io),
            Kind::Due => check(reason, "incident.holding", mu, mu, io),
            Kind::Corrected => check(reason, "incident.corrected", mu, mu, io),
            Kind::Updated | Kind::Phase | Kind::Better | Kind::Worse | Kind::Narrower | Kind::Wider => {
                check(reason, iu, mu, mu, io);
            }
            Kind::Overdue | Kind::Action | Kind::Back => check(reason, iu, mu, mu, io),
            Kind::Reminder => check(reason, "maintenance.reminder", "maintenance.reminder", "maintenance.reminder", io),
            Kind::Started => check(reason, "maintenance.started", "maintenance.started", "maintenance.started", io),
            Kind::Moved => {
                check(reason, "maintenance.rescheduled", "maintenance.rescheduled", "maintenance.rescheduled", io);
            }
            Kind::Resolved => {
                let done = "maintenance.completed";
                check(reason, "incident.resolved", done, done, "incident.resolved");
            }
            Kind::Withdrawn => {
                let withdrawn = "incident.withdrawn";
                check(reason, withdrawn, withdrawn, withdrawn, withdrawn);
            }
            Kind::Postmortem => check(reason, "incident.postmortem", mu, mu, "incident.postmortem"),
            Kind::Reopened => {
                check(reason, "incident.reopened", "incident.reopened", "incident.reopened", "incident.reopened")
            }
            Kind::Unaffected => {
                let unaffected = "incident.unaffected";
                check(reason, unaffected, unaffected, unaffected, unaffected);
            }
            Kind::Completed => {
                let done = "maintenance.completed";
                check(reason, done, done, done, done);
            }
            Kind::Cancelled => {
                let cancelled = "maintenance.cancelled";
                check(reason, cancelled, cancelled, cancelled, cancelled);
            }
        }
    }
}

#[test]
fn too_long_loses_the_oldest_updates_first() {
    let mut notice = notice();
    notice.case.updates = (0..30).rev().map(|n| words(&format!("u{n}"), n, &"ü\"\\ ".repeat(200))).collect();
    let body = read(&write(&input(&notice)));
    let updates = body["data"]["updates"].as_array().unwrap();
    assert_eq!(body["data"]["truncated"], json!(true));
    assert!((2..30).contains(&updates.len()), "{}", updates.len());
    let first = 30 - updates.len();
    assert_eq!(updates[0]["id"], json!(format!("u{first}")));
    assert_eq!(updates.last().unwrap()["id"], json!("u29"));
    assert!(
        updates.iter().all(|one| !one["body"].as_str().unwrap().ends_with('…')),
        "no body is cut as long as an update can go"
    );
}

#[test]
fn one_byte_over_the_limit_is_cut_and_the_limit_is_not() {
    let mut notice = notice();
    notice.case.updates.truncate(1);
    notice.case.updates[0].body = "x".to_owned();
    let rest = write(&input(&notice)).len() - 1;
    for (length, is_cut) in [(BYTES_MOST - rest, false), (BYTES_MOST - rest + 1, true)] {
        notice.case.updates[0].body = "x".repeat(length);
        let written = write(&input(&notice));
        let body = read(&written);
        assert_eq!(body["data"].get("truncated").is_some(), is_cut, "{length}");
        assert_eq!(body["data"]["updates"][0]["body"].as_str().unwrap().ends_with('…'), is_cut, "{length}");
        assert!(written.len() > BYTES_MOST - 10, "{} bytes used", written.len());
    }
}

#[test]
fn anything_fits_in_the_end() {
    for unit in ["x", "ü", "🚒", "\"", "\\", "\n\n", "\u{1}", "a b ", "<p>"] {
        let long = unit.repeat(30_000 / unit.len());
        let mut notice = notice();
        notice.case.title = long.clone();
        notice.case.url = Some(format!("https://e.example/{}", "x".repeat(1_900)));
        notice.case.component_ids = vec![long.clone(); 100];
        notice.case.updates = vec![words(&long, 1, &long); 3];
        notice.page = Some(format!("https://e.example/{long}"));
        notice.guidance.actions = vec![action(&long); 40];
        notice.guidance.undo = vec![action(&long); 3];
        let made = WebhookInput { summary: &long, what_happened: &long, current_status: &long, ..input(&notice) };
        let body = read(&write(&made));
        assert_eq!(body["data"]["truncated"], json!(true), "{unit:?}");
        assert_eq!(body["data"]["updates"].as_array().unwrap().len(), 1, "{unit:?}");
        assert_eq!(body["data"]["case"]["ref"], json!("K7QM"), "{unit:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_words_make_a_body_within_the_limit(
        unit in "(?s).{1,40}", times in 1_usize..600, count in 0_usize..12, happened in "(?s).{0,80}",
    ) {
        let mut notice = notice();
        notice.case.updates = vec![words("u", 1, &unit.repeat(times)); count];
        let written = write(&WebhookInput { what_happened: &happened, ..input(&notice) });
        let body = read(&written);
        proptest::prop_assert_eq!(body["data"]["updates"].as_array().unwrap().is_empty(), count == 0);
    }
}
