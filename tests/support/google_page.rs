//! A capture of Google Cloud's `incidents.json` as the `summary.json` that a Statuspage would have shown.
//!
//! As of a time: what was posted later is not shown yet. What a Statuspage has and Google has not is mapped, never
//! read from the words: an update's status gives its phase and the impact. Deliberately absent: a phase between
//! *investigating* and *resolved*, which Google does not state.
#![allow(dead_code, reason = "each test uses the part of it that it needs")]
#![allow(clippy::panic, reason = "a capture that cannot be read fails the test, with what is wrong")]

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

/// One update as it is shown.
struct Shown<'a> {
    at: Timestamp,
    status: &'a str,
    phase: &'static str,
    body: &'a str,
}

/// The page at `at`, with all incidents of the capture that had been posted by then.
pub fn page(capture: &[u8], at: Timestamp) -> Value {
    let recorded: Vec<Value> = serde_json::from_slice(capture).expect("a list of incidents");
    let products: BTreeSet<&str> = recorded.iter().flat_map(products).collect();
    let incidents: Vec<Value> = recorded.iter().filter_map(|incident| entry(incident, at)).collect();
    let stamps = recorded.iter().map(|incident| stamp(incident, at));
    json!({
        "page": {
            "id": "google-cloud", "name": "Google Cloud", "url": "https://status.cloud.google.com",
            "updated_at": stamps.max().unwrap_or(at).to_string(),
        },
        "components": products.into_iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
        "incidents": incidents,
        "scheduled_maintenances": [],
    })
}

/// One incident; `None` before its first post.
fn entry(incident: &Value, at: Timestamp) -> Option<Value> {
    let id = text(incident, "id");
    let shown = shown(incident, at);
    let (first, last) = (shown.first()?, shown.last()?);
    let is_whole = shown.len() == incident["updates"].as_array().map_or(0, Vec::len);
    let stated_end = moment(&incident["end"]).filter(|end| is_whole && *end <= at);
    let over_at =
        stated_end.or_else(|| shown.iter().rfind(|update| update.phase == "resolved").map(|update| update.at));
    let is_over = last.status == "AVAILABLE" || stated_end.is_some();
    let impact = shown.iter().rev().find_map(|update| impact(update.status));
    let updates = shown.iter().rev().map(|update| {
        json!({
            "id": format!("{id}-{}", update.at.strftime("%Y%m%dT%H%M%SZ")), "status": update.phase,
            "body": update.body, "created_at": update.at.to_string(), "display_at": update.at.to_string(),
        })
    });
    Some(json!({
        "id": id, "name": text(incident, "external_desc"), "impact": impact,
        "status": if is_over && last.phase == "investigating" { "resolved" } else { last.phase },
        "created_at": first.at.to_string(), "started_at": moment(&incident["begin"]).map(|begin| begin.to_string()),
        "updated_at": stamp(incident, at).to_string(),
        "resolved_at": over_at.filter(|_| is_over).map(|end| end.to_string()),
        "shortlink": format!("https://status.cloud.google.com/{}", text(incident, "uri")),
        "components": products(incident).map(|name| json!({"name": name})).collect::<Vec<_>>(),
        "incident_updates": updates.collect::<Vec<_>>(),
    }))
}

/// The updates posted by then, oldest first. The first AVAILABLE is the end, those that follow are reports about it.
fn shown(incident: &Value, at: Timestamp) -> Vec<Shown<'_>> {
    let mut shown: Vec<Shown<'_>> = incident["updates"].as_array().into_iter().flatten().map(update).collect();
    shown.retain(|update| update.at <= at);
    shown.sort_by_key(|update| update.at);
    let mut before = "investigating";
    for update in &mut shown {
        update.phase = match (update.status, before) {
            ("AVAILABLE", "investigating") => "resolved",
            ("AVAILABLE", _) => "postmortem",
            _ => "investigating",
        };
        before = update.phase;
    }
    shown
}

fn update(update: &Value) -> Shown<'_> {
    let at = moment(&update["when"]).expect("an update has a time");
    Shown { at, status: text(update, "status"), phase: "investigating", body: text(update, "text") }
}

fn impact(status: &str) -> Option<&'static str> {
    match status {
        "SERVICE_INFORMATION" => Some("minor"),
        "SERVICE_DISRUPTION" => Some("major"),
        "SERVICE_OUTAGE" => Some("critical"),
        _ => None,
    }
}

/// When it was last changed, as far as could be known then.
fn stamp(incident: &Value, at: Timestamp) -> Timestamp {
    moment(&incident["modified"]).map_or(at, |modified| modified.min(at))
}

fn products(incident: &Value) -> impl Iterator<Item = &str> {
    incident["affected_products"].as_array().into_iter().flatten().filter_map(|product| product["title"].as_str())
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

fn moment(value: &Value) -> Option<Timestamp> {
    value.as_str().map(|text| text.parse().unwrap_or_else(|error| panic!("{text}: {error}")))
}
