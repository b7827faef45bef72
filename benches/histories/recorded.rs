//! Which recordings there are, and each of their incidents as it stood after every post.
//!
//! What looks like a Statuspage, or can be shown as one, goes through the parser of that feed. Deliberately absent:
//! the kinds that are only lists of posts (`posts.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use candor::domain::incident::Observation;
use candor::feed::statuspage::parse_summary;
use jiff::Timestamp;
use serde_json::Value;

use crate::{atom_page, google_page, posts};

/// One incident of a history.
pub struct Recorded {
    pub history: &'static str,
    pub incident: String,
    /// What its source said after each post.
    pub seen: Vec<(Timestamp, Observation)>,
}

/// All incidents of a file, or of the files below a folder, in the order of paths.
pub fn below(path: &Path) -> Vec<Recorded> {
    if !path.is_dir() {
        return incidents_of(path);
    }
    let entries = std::fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a folder that can be read").path()).collect();
    paths.sort();
    paths.iter().flat_map(|path| below(path)).collect()
}

/// By what the file holds; nothing, where it is no history that is known here.
fn incidents_of(file: &Path) -> Vec<Recorded> {
    let name = file.to_string_lossy();
    let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{name}: {error}"));
    if name.ends_with(".atom") {
        let text = String::from_utf8_lossy(&bytes);
        return as_shown("GitHub, history.atom", |at| atom_page::page(&text, at));
    }
    let is_read_of_a_sequence = name.ends_with(".summary.json");
    let Some(document) = json(&bytes).filter(|_| !is_read_of_a_sequence) else { return Vec::new() };
    let has = |key: &str| document.get(key).or_else(|| document.get(0)?.get(key)).is_some();
    match () {
        () if has("external_desc") => as_shown("Google Cloud", |at| google_page::page(&bytes, at)),
        () if has("page") && has("incidents") => as_shown("Statuspage, incidents", |at| as_of(&document, at)),
        () => posts::histories(&document),
    }
}

/// JSON in UTF-8, or in UTF-16 with its mark.
fn json(bytes: &[u8]) -> Option<Value> {
    let Some(wide) = bytes.strip_prefix(&[0xFE, 0xFF]) else { return serde_json::from_slice(bytes).ok() };
    let units: Vec<u16> = wide.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    serde_json::from_str(&String::from_utf16_lossy(&units)).ok()
}

/// Each incident at the time of each of its posts, as a Statuspage shows it then.
fn as_shown(history: &'static str, page: impl Fn(Timestamp) -> Value) -> Vec<Recorded> {
    let mut posted: BTreeMap<String, BTreeSet<Timestamp>> = BTreeMap::new();
    for incident in observations(&page(Timestamp::MAX)) {
        posted.insert(incident.incident, incident.updates.iter().filter_map(|update| update.at).collect());
    }
    let moments: BTreeSet<Timestamp> = posted.values().flatten().copied().collect();
    let mut seen: BTreeMap<String, Vec<(Timestamp, Observation)>> = BTreeMap::new();
    for at in moments {
        for incident in observations(&page(at)).into_iter().filter(|seen| posted[&seen.incident].contains(&at)) {
            seen.entry(incident.incident.clone()).or_default().push((at, incident));
        }
    }
    seen.into_iter().map(|(incident, seen)| Recorded { history, incident, seen }).collect()
}

fn observations(page: &Value) -> Vec<Observation> {
    parse_summary(page.to_string().as_bytes(), "page").expect("what a Statuspage shows").listed
}

/// A Statuspage's own list without what was posted later. An incident has the impact that it had in the end.
fn as_of(document: &Value, at: Timestamp) -> Value {
    let mut page = document.clone();
    let incidents = page["incidents"].as_array_mut().expect("a list of incidents");
    incidents.retain_mut(|incident| {
        let updates = incident["incident_updates"].as_array_mut().expect("a list of updates");
        updates.retain(|update| shown_at(update) <= at);
        let newest = updates.iter().max_by_key(|update| shown_at(update)).cloned();
        let Some(newest) = newest else { return false };
        incident["status"] = newest["status"].clone();
        incident["updated_at"] = Value::String(shown_at(&newest).to_string());
        true
    });
    page
}

fn shown_at(update: &Value) -> Timestamp {
    let text = update["display_at"].as_str().or(update["created_at"].as_str()).expect("an update has a time");
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}
