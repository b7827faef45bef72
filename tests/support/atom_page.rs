//! A capture of a Statuspage's `history.atom` as the `summary.json` that the same page would have shown.
//!
//! As of a time: what was posted later is not shown yet. An Atom entry has no status, so the label of the newest update
//! that has one of its own gives the phase; it has no ids of updates, so they are ours: the minute and the place in it,
//! which a rewriting does not move. Deliberately absent: impact and components, which the feed does not say.
#![allow(dead_code, reason = "each test uses the part of it that it needs")]
#![allow(clippy::panic, reason = "a capture that cannot be read fails the test, with what is wrong")]

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::replay_atom::{AtomUpdate, between, content, decoded, minute, updates};

/// Where an entry announces planned work.
const BANNER: &str = "THIS IS A SCHEDULED EVENT";
/// A time of day without a year that lies so far ahead of its entry is one of the year before.
const FAR_AHEAD: SignedDuration = SignedDuration::from_hours(60 * 24);

/// One update as it is shown.
struct Shown {
    id: String,
    at: Timestamp,
    phase: String,
    body: String,
}

/// The page at `at`, with all entries of the capture that had been posted by then.
pub fn page(capture: &str, at: Timestamp) -> Value {
    let (head, _) = capture.split_once("<entry>").expect("a feed with an entry");
    let (mut incidents, mut maintenances) = (Vec::new(), Vec::new());
    for (entry, shown) in capture.split("<entry>").skip(1).filter_map(|raw| entry(raw, at)) {
        match shown {
            Sort::Incident => incidents.push(entry),
            Sort::Maintenance => maintenances.push(entry),
        }
    }
    json!({
        "page": {
            "id": "kctbh9vrtdwd", "name": "GitHub", "url": "https://www.githubstatus.com",
            "updated_at": stamp(head, at).to_string(),
        },
        "components": [],
        "incidents": incidents,
        "scheduled_maintenances": maintenances,
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Sort {
    Incident,
    Maintenance,
}

/// One entry; `None` before its first post.
fn entry(raw: &str, at: Timestamp) -> Option<(Value, Sort)> {
    let id = between(raw, "/incidents/", "\"").expect("an entry links to its incident");
    let html = content(raw);
    let year = year_of(raw);
    let all = all_updates(id, &html, raw);
    let is_planned = html.contains(BANNER) || all.iter().any(|update| update.phase == "scheduled");
    let shown: Vec<Shown> = all.into_iter().filter(|update| update.at <= at).collect();
    let (first, last) = (shown.first()?, shown.last()?);
    let window = between(&html, BANNER, "</strong>").and_then(|window| window.split_once("&nbsp;-&nbsp;"));
    let over = shown.iter().find(|update| matches!(update.phase.as_str(), "resolved" | "completed"));
    let listed = shown.iter().rev().map(|update| {
        json!({
            "id": update.id, "status": update.phase, "body": update.body,
            "created_at": update.at.to_string(), "display_at": update.at.to_string(),
        })
    });
    let value = json!({
        "id": id, "name": decoded(between(raw, "<title>", "</title>").unwrap_or_default()), "status": last.phase,
        "impact": is_planned.then_some("maintenance"),
        "created_at": first.at.to_string(), "updated_at": stamp(raw, at).to_string(),
        "resolved_at": over.map(|update| update.at.to_string()),
        "scheduled_for": window.and_then(|(start, _)| minute(start, year)),
        "scheduled_until": window.and_then(|(_, end)| minute(end, year)),
        "shortlink": format!("https://www.githubstatus.com/incidents/{id}"),
        "incident_updates": listed.collect::<Vec<_>>(),
    });
    Some((value, if is_planned { Sort::Maintenance } else { Sort::Incident }))
}

/// All updates of an entry, oldest first. "Update" says no phase: it stays where it was.
fn all_updates(incident: &str, html: &str, raw: &str) -> Vec<Shown> {
    let published: Timestamp = moment(raw, "published").expect("an entry was published");
    let recorded = updates(html, year_of(raw));
    assert_eq!(recorded.len(), html.matches("<small>").count(), "an update of {incident} cannot be read");
    let mut phase = "investigating".to_owned();
    let mut in_minute: BTreeMap<Timestamp, usize> = BTreeMap::new();
    recorded
        .into_iter()
        .map(|AtomUpdate { status, body, at }| {
            let at = in_its_year(at.parse().unwrap_or_else(|error| panic!("{at}: {error}")), published);
            if status != "update" {
                phase = status;
            }
            let place = in_minute.entry(at).and_modify(|place| *place += 1).or_insert(1);
            let id = format!("{incident}-{}-{place}", at.strftime("%Y%m%dT%H%MZ"));
            Shown { id, at, phase: phase.clone(), body }
        })
        .collect()
}

fn in_its_year(at: Timestamp, published: Timestamp) -> Timestamp {
    if at.duration_since(published) < FAR_AHEAD {
        return at;
    }
    let shown = TimeZone::UTC.to_datetime(at);
    let before = shown.with().year(shown.year() - 1).build().expect("a day of the year before");
    TimeZone::UTC.to_timestamp(before).expect("a time")
}

/// The year in which an entry was published.
fn year_of(raw: &str) -> &str {
    between(raw, "<published>", "-").expect("an entry was published")
}

/// When it was last changed, as far as could be known then.
fn stamp(raw: &str, at: Timestamp) -> Timestamp {
    moment(raw, "updated").map_or(at, |updated| updated.min(at))
}

fn moment(raw: &str, tag: &str) -> Option<Timestamp> {
    let text = between(raw, &format!("<{tag}>"), &format!("</{tag}>"))?;
    Some(text.parse().unwrap_or_else(|error| panic!("{text}: {error}")))
}
