//! Statuspage's public API v2 (`summary.json`, `incidents.json`, `scheduled-maintenances.json`), and what looks
//! like it: bytes become [`Observation`]s. Pure. Field by field: <https://status.atlassian.com/api>.
//!
//! Deliberately absent: components' colours, the page's indicator and `affected_components`. They often
//! contradict the incident; its own `status` is what its author said. A foreign document is refused whole; an
//! unreadable incident costs only itself, and its id still counts as listed.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::incident::{Announce, Impact, Observation, ObservedUpdate, Origin, Phase};

mod values;
use values::{flag, identifier, list, moment, prose, text};

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
    /// Every id that the document lists, of unreadable incidents too.
    pub listed_ids: BTreeSet<String>,
    pub skipped: Vec<Skipped>,
    pub unknown_impacts: Vec<UnknownImpact>,
}

/// An incident that is listed and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    pub incident: Option<String>,
    pub reason: String,
}

/// An impact that is none of ours: the incident counts as one that states none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownImpact {
    pub incident: String,
    pub word: String,
}

/// Not a document of a status page; in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ForeignDocument(pub String);

#[derive(Deserialize)]
struct RawDocument<'a> {
    #[serde(borrow)]
    page: Option<RawPage<'a>>,
    incidents: Option<Vec<&'a RawValue>>,
    scheduled_maintenances: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct RawPage<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    updated_at: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawIncident<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    name: Option<&'a RawValue>,
    status: Option<&'a RawValue>,
    impact: Option<&'a RawValue>,
    created_at: Option<&'a RawValue>,
    updated_at: Option<&'a RawValue>,
    started_at: Option<&'a RawValue>,
    resolved_at: Option<&'a RawValue>,
    scheduled_for: Option<&'a RawValue>,
    scheduled_until: Option<&'a RawValue>,
    shortlink: Option<&'a RawValue>,
    incident_updates: Option<&'a RawValue>,
    components: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawUpdate<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    status: Option<&'a RawValue>,
    body: Option<&'a RawValue>,
    created_at: Option<&'a RawValue>,
    display_at: Option<&'a RawValue>,
    deliver_notifications: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawComponent<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    group: Option<&'a RawValue>,
}

/// Reads `summary.json`: what is open, and the maintenances that are planned or running.
///
/// # Errors
/// What the bytes are instead, when they are no summary of a status page.
pub fn parse_summary(body: &[u8], source: &str) -> Result<Document, ForeignDocument> {
    let raw = raw_document(body)?;
    let incidents = raw.incidents.as_ref().ok_or_else(|| lacks("incidents"))?;
    let maintenances = raw.scheduled_maintenances.as_deref().unwrap_or_default();
    let mut document = document_of(&raw)?;
    take(&mut document, incidents, source, Sort::Incident)?;
    take(&mut document, maintenances, source, Sort::Maintenance)?;
    Ok(document)
}

/// Reads `incidents.json`: the last fifty, open or over.
///
/// # Errors
/// What the bytes are instead, when they are no such list.
pub fn parse_incidents(body: &[u8], source: &str) -> Result<Document, ForeignDocument> {
    let raw = raw_document(body)?;
    let incidents = raw.incidents.as_ref().ok_or_else(|| lacks("incidents"))?;
    let mut document = document_of(&raw)?;
    take(&mut document, incidents, source, Sort::Incident)?;
    Ok(document)
}

/// Reads `scheduled-maintenances.json`: the last fifty, planned, running or over.
///
/// # Errors
/// What the bytes are instead, when they are no such list.
pub fn parse_maintenances(body: &[u8], source: &str) -> Result<Document, ForeignDocument> {
    let raw = raw_document(body)?;
    let maintenances = raw.scheduled_maintenances.as_ref().ok_or_else(|| lacks("scheduled_maintenances"))?;
    let mut document = document_of(&raw)?;
    take(&mut document, maintenances, source, Sort::Maintenance)?;
    Ok(document)
}

fn lacks(key: &str) -> ForeignDocument {
    ForeignDocument(format!("JSON without the list \"{key}\""))
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
        skipped: Vec::new(),
        unknown_impacts: Vec::new(),
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Sort {
    Incident,
    Maintenance,
}

fn take(document: &mut Document, raws: &[&RawValue], source: &str, sort: Sort) -> Result<(), ForeignDocument> {
    if raws.len() > MOST_INCIDENTS {
        let count = raws.len();
        return Err(ForeignDocument(format!("a list of {count} incidents, more than {MOST_INCIDENTS}")));
    }
    for raw in raws {
        let (id, read) = match serde_json::from_str::<RawIncident<'_>>(raw.get()) {
            Ok(incident) => (identifier(incident.id), observation(&incident, source, sort)),
            Err(error) => (lone_identifier(raw), Err(format!("not an incident: {error}"))),
        };
        document.listed_ids.extend(id.clone());
        match read {
            Ok((observation, unknown_impact)) => {
                document
                    .unknown_impacts
                    .extend(unknown_impact.map(|word| UnknownImpact { incident: observation.incident.clone(), word }));
                document.listed.push(observation);
            }
            Err(reason) => document.skipped.push(Skipped { incident: id, reason }),
        }
    }
    Ok(())
}

/// The id of an incident that cannot be read otherwise.
fn lone_identifier(raw: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Lone<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
    }
    identifier(serde_json::from_str::<Lone<'_>>(raw.get()).ok()?.id)
}

/// One incident as an observation, with its impact's word where that is none of ours.
fn observation(raw: &RawIncident<'_>, source: &str, sort: Sort) -> Result<(Observation, Option<String>), String> {
    let incident = identifier(raw.id).ok_or("it has no usable id")?;
    let status = text(raw.status, LONGEST_WORD);
    let phase = status.as_deref().and_then(Phase::from_word);
    let impact_word = text(raw.impact, LONGEST_WORD);
    let impact = impact_word.as_deref().and_then(Impact::from_word);
    let started_at = match sort {
        Sort::Incident => moment(raw.started_at).or_else(|| moment(raw.created_at)),
        // Statuspage puts the time of the announcement there: the work starts when `scheduled_for` says.
        Sort::Maintenance => None,
    };
    let observation = Observation {
        source: source.to_owned(),
        incident,
        origin: Origin::Polled,
        title: text(raw.name, LONGEST_NAME),
        phase,
        phase_unknown: status.filter(|_| phase.is_none()),
        impact,
        components: components(raw.components)?,
        started_at,
        resolved_at: moment(raw.resolved_at),
        scheduled_for: moment(raw.scheduled_for),
        scheduled_until: moment(raw.scheduled_until),
        url: text(raw.shortlink, 2_000).filter(|link| super::web_address(link)),
        revised_at: moment(raw.updated_at),
        updates: updates(raw.incident_updates)?,
    };
    Ok((observation, impact_word.filter(|_| impact.is_none())))
}

/// The names of the components, without groups. `None` where the key is absent or null.
fn components(raw: Option<&RawValue>) -> Result<Option<Vec<String>>, String> {
    let Some(members) = list(raw, MOST_MEMBERS).map_err(|reason| format!("its components are {reason}"))? else {
        return Ok(None);
    };
    let name = |member: &&RawValue| {
        let component: RawComponent<'_> = serde_json::from_str(member.get()).ok()?;
        if flag(component.group) == Some(true) { None } else { text(component.name, LONGEST_NAME) }
    };
    Ok(Some(members.iter().filter_map(name).collect()))
}

/// The updates, oldest first by the time shown to people, equal times in the source's own order.
fn updates(raw: Option<&RawValue>) -> Result<Vec<ObservedUpdate>, String> {
    let members = list(raw, MOST_MEMBERS).map_err(|reason| format!("its updates are {reason}"))?.unwrap_or_default();
    let mut updates = members.iter().map(|member| update(member)).collect::<Result<Vec<_>, _>>()?;
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
    Ok(timed.into_iter().map(|(_, update)| update).collect())
}

fn update(raw: &RawValue) -> Result<ObservedUpdate, String> {
    let raw: RawUpdate<'_> = serde_json::from_str(raw.get()).map_err(|error| format!("an update of it: {error}"))?;
    Ok(ObservedUpdate {
        id: identifier(raw.id),
        phase: text(raw.status, LONGEST_WORD).as_deref().and_then(Phase::from_word),
        body: prose(raw.body, LONGEST_BODY).unwrap_or_default(),
        // Null on post-mortems.
        at: moment(raw.display_at).or_else(|| moment(raw.created_at)),
        announce: if flag(raw.deliver_notifications) == Some(false) { Announce::Silent } else { Announce::Yes },
        ..ObservedUpdate::default()
    })
}

#[cfg(test)]
mod tests;
