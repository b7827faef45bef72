//! Statuspage's public API v2 (`summary.json`, `incidents.json`, `scheduled-maintenances.json`), and what looks
//! like it: bytes become [`Observation`]s. Pure. Field by field: <https://status.atlassian.com/api>.
//!
//! Deliberately absent: components' colours, the page's indicator and `affected_components`. They often
//! contradict the incident; its own `status` is what its author said. A foreign document is refused whole; what
//! cannot be read inside one costs only itself, and is an [`Oddity`].

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::oddity::{Oddity, note};
use crate::domain::incident::{Announce, Impact, Observation, ObservedUpdate, Origin, Part, Phase};

mod values;
use values::{Ends, Members, identifier, moment};

/// The most incidents, and the most maintenances, of one document.
const MOST_INCIDENTS: usize = 5_000;
/// The most updates of one incident, and the most components.
const MOST_MEMBERS: usize = 1_000;
const LONGEST_NAME: usize = 500;
const LONGEST_WORD: usize = 60;
/// In bytes: 100 KiB.
const LONGEST_BODY: usize = 100 * 1024;

/// What one document of a page says.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Of the page; another one than before means that the address serves somebody else's page.
    pub page_id: String,
    pub page_updated_at: Option<Timestamp>,
    pub listed: Vec<Observation>,
    /// Every id that was read.
    pub listed_ids: BTreeSet<String>,
    pub extent: Extent,
    /// What was not taken as it stands.
    pub oddities: BTreeSet<Oddity>,
}

/// Whether `listed_ids` is all that a document lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    #[default]
    All,
    /// There are more than we take, or some without a usable id: nothing follows from an id that is not there.
    Some,
}

/// Not a document of a status page; in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ForeignDocument(pub String);

#[derive(Deserialize)]
struct RawDocument<'a> {
    #[serde(borrow)]
    page: Option<RawPage<'a>>,
    incidents: Option<&'a RawValue>,
    scheduled_maintenances: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawPage<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    updated_at: Option<&'a RawValue>,
}

/// Reads `summary.json`: what is open, and the maintenances that are planned or running.
///
/// # Errors
/// What the bytes are instead, when they are no summary of a status page.
pub fn parse_summary(body: &[u8], source: &str) -> Result<Document, ForeignDocument> {
    let raw = raw_document(body)?;
    let listed = list(raw.incidents, "incidents")?;
    let mut document = document_of(&raw)?;
    take(&mut document, &listed, source, Sort::Incident);
    // Look-alikes without maintenances leave them out.
    match raw.scheduled_maintenances.map(|raw| Ends::of(raw, MOST_INCIDENTS)) {
        Some(Some(maintenances)) => take(&mut document, &maintenances, source, Sort::Maintenance),
        Some(None) => note(&mut document.oddities, None, ["`scheduled_maintenances` is no list".to_owned()]),
        None => {}
    }
    Ok(document)
}

/// Reads `incidents.json`: the last fifty, open or over.
///
/// # Errors
/// What the bytes are instead, when they are no such list.
pub fn parse_incidents(body: &[u8], source: &str) -> Result<Document, ForeignDocument> {
    let raw = raw_document(body)?;
    let listed = list(raw.incidents, "incidents")?;
    let mut document = document_of(&raw)?;
    take(&mut document, &listed, source, Sort::Incident);
    Ok(document)
}

/// Reads `scheduled-maintenances.json`: the last fifty, planned, running or over.
///
/// # Errors
/// What the bytes are instead, when they are no such list.
pub fn parse_maintenances(body: &[u8], source: &str) -> Result<Document, ForeignDocument> {
    let raw = raw_document(body)?;
    let listed = list(raw.scheduled_maintenances, "scheduled_maintenances")?;
    let mut document = document_of(&raw)?;
    take(&mut document, &listed, source, Sort::Maintenance);
    Ok(document)
}

fn list<'a>(raw: Option<&'a RawValue>, key: &str) -> Result<Ends<'a>, ForeignDocument> {
    raw.and_then(|raw| Ends::of(raw, MOST_INCIDENTS))
        .ok_or_else(|| ForeignDocument(format!("JSON without the list \"{key}\"")))
}

fn raw_document(body: &[u8]) -> Result<RawDocument<'_>, ForeignDocument> {
    let text = std::str::from_utf8(body).map_err(|_| ForeignDocument("not UTF-8".to_owned()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    match text.as_bytes().first() {
        None => return Err(ForeignDocument("an empty body".to_owned())),
        Some(b'<') => return Err(ForeignDocument("HTML or XML".to_owned())),
        Some(b'{') => {}
        Some(_) => return Err(ForeignDocument("not a JSON object".to_owned())),
    }
    serde_json::from_str(text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        match error.classify() {
            serde_json::error::Category::Eof => ForeignDocument(format!("JSON that breaks off at {place}")),
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
                ForeignDocument(format!("not JSON, at {place}"))
            }
            serde_json::error::Category::Data => ForeignDocument(format!("JSON of another shape, at {place}")),
        }
    })
}

fn document_of(raw: &RawDocument<'_>) -> Result<Document, ForeignDocument> {
    let page = raw.page.as_ref().ok_or_else(|| ForeignDocument("JSON without \"page\"".to_owned()))?;
    let page_id = identifier(page.id).ok_or_else(|| ForeignDocument("JSON without the page's id".to_owned()))?;
    Ok(Document {
        page_id,
        page_updated_at: moment(page.updated_at),
        listed: Vec::new(),
        listed_ids: BTreeSet::new(),
        extent: Extent::All,
        oddities: BTreeSet::new(),
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Sort {
    Incident,
    Maintenance,
}

fn take(document: &mut Document, list: &Ends<'_>, source: &str, sort: Sort) {
    if !list.last.is_empty() {
        document.extent = Extent::Some;
        let words = format!("lists more than {MOST_INCIDENTS} at once: only the first {MOST_INCIDENTS} count");
        note(&mut document.oddities, None, [words]);
    }
    for raw in &list.first {
        let Some(mut incident) = Members::of(raw, "") else {
            document.extent = Extent::Some;
            note(&mut document.oddities, None, ["an entry that is no object: it is left out".to_owned()]);
            continue;
        };
        let Some(id) = incident.identifier() else {
            document.extent = Extent::Some;
            note(&mut document.oddities, None, ["an entry without a usable `id`: it is left out".to_owned()]);
            continue;
        };
        document.listed.push(observation(&mut incident, &id, source, sort));
        if !document.listed_ids.insert(id.clone()) {
            incident.odd.push("it is listed more than once: its newest state counts".to_owned());
        }
        note(&mut document.oddities, Some(&id), incident.odd);
    }
}

fn observation(raw: &mut Members<'_>, incident: &str, source: &str, sort: Sort) -> Observation {
    let updates = updates(raw);
    let status = raw.text("status", LONGEST_WORD);
    let phase = match &status {
        Some(word) => phase_of(word, raw),
        // Without a status of its own the incident stands where its newest update put it.
        None => updates.iter().rev().find_map(|update| update.phase),
    };
    let impact_word = raw.text("impact", LONGEST_WORD);
    let impact = impact_word.as_deref().and_then(Impact::from_word);
    if let Some(word) = impact_word.filter(|_| impact.is_none()) {
        raw.note("impact", &format!("{word:?}, which is none of ours: it counts as not stated"));
    }
    let started_at = match sort {
        Sort::Incident => raw.moment("started_at").or_else(|| raw.moment("created_at")),
        // Statuspage puts the time of the announcement there: the work starts when `scheduled_for` says.
        Sort::Maintenance => None,
    };
    let title = raw.text("name", LONGEST_NAME);
    if title.is_none() {
        raw.note("name", "not there: a new case is called by its id");
    }
    Observation {
        source: source.to_owned(),
        incident: incident.to_owned(),
        parent: None,
        origin: Origin::Polled,
        part: Part::Leads,
        speaker: None,
        event: None,
        title,
        phase,
        phase_unknown: status.filter(|_| phase.is_none()),
        impact,
        components: components(raw),
        started_at,
        resolved_at: raw.moment("resolved_at"),
        scheduled_for: raw.moment("scheduled_for"),
        scheduled_until: raw.moment("scheduled_until"),
        url: raw.text("shortlink", 2_000).filter(|link| super::web_address(link)),
        revised_at: raw.moment("updated_at"),
        updates,
    }
}

/// What a status word names. One that is none of ours is noted in the same words wherever the incident says it, so
/// that it is said once.
fn phase_of(word: &str, of: &mut Members<'_>) -> Option<Phase> {
    let phase = Phase::from_word(word);
    if phase.is_none() {
        of.note("status", &format!("{word:?}, which is none of ours: it neither moves nor ends the incident"));
    }
    phase
}

/// The names of the components, without groups. `None` where the list is absent, null or none.
fn components(raw: &mut Members<'_>) -> Option<Vec<String>> {
    let members = raw.list("components", MOST_MEMBERS)?;
    if !members.last.is_empty() {
        raw.note("components", &format!("a list of more than {MOST_MEMBERS}: only the first {MOST_MEMBERS} count"));
    }
    let mut names = Vec::new();
    for member in &members.first {
        let Some(mut component) = Members::of(member, "a component's ") else {
            raw.note("components", "a list with an entry that is no object: that entry is left out");
            continue;
        };
        if component.flag("group") != Some(true) {
            names.extend(component.text("name", LONGEST_NAME));
        }
        raw.odd.append(&mut component.odd);
    }
    Some(names)
}

/// The updates, oldest first by the time shown to people, equal times in the source's own order. Of more than
/// we take the newest, at whichever end of the list they stand.
fn updates(raw: &mut Members<'_>) -> Vec<ObservedUpdate> {
    let Some(members) = raw.list("incident_updates", MOST_MEMBERS) else { return Vec::new() };
    if members.count > MOST_MEMBERS {
        raw.note("incident_updates", &format!("a list of more than {MOST_MEMBERS}: only the newest count"));
    }
    let mut updates: Vec<ObservedUpdate> =
        members.first.iter().chain(&members.last).map(|member| update(member, raw)).collect();
    let mut times = updates.iter().filter_map(|update| update.at);
    let first = times.next();
    let last = times.next_back();
    let oldest_first = matches!((first, last), (Some(first), Some(last)) if first < last);
    if !oldest_first {
        updates.reverse();
    }
    let mut shown_at = Timestamp::MIN;
    let mut timed: Vec<(Timestamp, ObservedUpdate)> = updates
        .into_iter()
        .map(|update| {
            // One without a time stays behind the one that the source puts before it.
            shown_at = update.at.unwrap_or(shown_at);
            (shown_at, update)
        })
        .collect();
    timed.sort_by_key(|(shown_at, _)| *shown_at);
    let too_many = timed.len().saturating_sub(MOST_MEMBERS);
    timed.into_iter().skip(too_many).map(|(_, update)| update).collect()
}

/// One that cannot be read keeps its place, so that the number of updates stays what it is, and says nothing.
fn update(member: &RawValue, of: &mut Members<'_>) -> ObservedUpdate {
    let Some(mut raw) = Members::of(member, "an update's ") else {
        of.note("incident_updates", "a list with an entry that is no object: that entry says nothing");
        return ObservedUpdate::default();
    };
    let update = ObservedUpdate {
        id: raw.identifier(),
        phase: raw.text("status", LONGEST_WORD).and_then(|word| phase_of(&word, of)),
        body: raw.prose("body", LONGEST_BODY).unwrap_or_default(),
        // Null on post-mortems.
        at: raw.moment("display_at").or_else(|| raw.moment("created_at")),
        announce: if raw.flag("deliver_notifications") == Some(false) { Announce::Silent } else { Announce::Yes },
        ..ObservedUpdate::default()
    };
    of.odd.append(&mut raw.odd);
    update
}

#[cfg(test)]
mod tests;
