//! The words of an incident: their order, their authors, and what is announced.

use super::*;

#[test]
fn updates_come_oldest_first_by_the_time_shown_to_people() {
    let cases: [(&str, &[&str]); 6] = [
        // Newest first, as Statuspage writes; a post-mortem has no display_at.
        (
            r#"{"id":"pm","display_at":null,"created_at":"2024-01-05T10:00:00Z","status":"postmortem"},
               {"id":"b","display_at":"2024-01-01T11:00:00.000Z"},{"id":"a","display_at":"2024-01-01T10:00:00.000Z"}"#,
            &["a", "b", "pm"],
        ),
        // The same second: the source's own order, turned round.
        (
            r#"{"id":"b","display_at":"2024-01-01T10:00:00Z"},{"id":"a","display_at":"2024-01-01T10:00:00Z"}"#,
            &["a", "b"],
        ),
        // Oldest first already.
        (
            r#"{"id":"a","display_at":"2024-01-01T10:00:00Z"},{"id":"b","display_at":"2024-01-01T11:00:00Z"}"#,
            &["a", "b"],
        ),
        // Back-dated by its author.
        (
            r#"{"id":"b","display_at":"2024-01-01T09:00:00-08:00","created_at":"2024-01-01T18:00:00Z"},
               {"id":"a","display_at":"2024-01-01T17:30:00Z"}"#,
            &["b", "a"],
        ),
        // Without any time: the source's own order, turned round.
        (r#"{"id":"b"},{"id":"a"}"#, &["a", "b"]),
        (
            r#"{"id":"c"},{"id":"b","display_at":"2024-01-01T11:00:00Z"},{"id":"a","display_at":"2024-01-01T10:00:00Z"}"#,
            &["a", "b", "c"],
        ),
    ];
    for (updates, expected) in cases {
        let document = one(&format!("\"id\":\"i\",\"incident_updates\":[{updates}]"));
        let ids: Vec<&str> = document.listed[0].updates.iter().map(|update| update.id.as_deref().unwrap()).collect();
        assert_eq!(ids, expected, "{updates}");
    }
}

#[test]
fn an_update_keeps_its_words_and_whether_its_author_announced_it() {
    let document = one(
        r#""id":"i","incident_updates":[{"id":"u","status":"monitoring","body":"Fixed <SOME/ALL> & well.\r\nNext: \u0007",
        "display_at":"2022-02-15T13:37:37.407-08:00","deliver_notifications":false,"tweet_id":1461439137024008200000,
        "affected_components":[{"name":"No components were affected by this update."}]},
        {"id":"t","status":"tweaked","body":null,"deliver_notifications":null}]"#,
    );
    let [older, newer] = document.listed[0].updates.as_slice() else { panic!("two") };
    assert_eq!(newer.body, "Fixed <SOME/ALL> & well.\r\nNext: \u{7}");
    assert_eq!(newer.at, Some("2022-02-15T21:37:37.407Z".parse().unwrap()));
    assert_eq!((newer.phase, newer.announce), (Some(Phase::Monitoring), Announce::Silent));
    assert_eq!((older.phase, older.body.as_str(), older.announce), (None, "", Announce::Yes));
}
