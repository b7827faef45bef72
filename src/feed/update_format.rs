//! The update format: what a person writes for `--trigger`, a file feed or a native hook, as TOML or as JSON
//! with the same keys. Pure and strict: an unknown key is refused, never guessed.
//!
//! Deliberately absent: whether the incident is known already. A key left out is `None` and keeps what the
//! case has; what a new case needs is answered by [`UpdateFile::missing_for_a_new_case`].

mod error;
mod fields;
mod written;

pub use error::UpdateError;

use jiff::Timestamp;

use crate::domain::incident::{
    Announce, DataLoss, Impact, Need, NextWord, Observation, ObservedUpdate, Origin, Part, Phase, is_ahead,
};
use fields::{Fields, nearest};
use written::{Entry, Kind};

/// The longest text that is read at all, in bytes: 1 MiB.
pub const LONGEST_TEXT: usize = 1 << 20;
/// The longest body, status or action, in bytes: 100 KiB.
const LONGEST_PROSE: usize = 100 * 1024;
const LONGEST_TITLE: usize = 500;
const LONGEST_ID: usize = 200;
const LONGEST_LINE: usize = 1_000;
const LONGEST_ADDRESS: usize = 2_000;
const MOST_COMPONENTS: usize = 500;

const TABLES: [&str; 2] = ["incident", "update"];
const INCIDENT_KEYS: [&str; 11] = [
    "id",
    "source",
    "parent",
    "title",
    "phase",
    "impact",
    "components",
    "started_at",
    "scheduled_for",
    "scheduled_until",
    "url",
];
const UPDATE_KEYS: [&str; 13] = [
    "body",
    "status",
    "action",
    "need",
    "by",
    "takes",
    "next_update",
    "at",
    "data_loss",
    "report_by",
    "stand",
    "sorry",
    "id",
];

/// One update as it was written. Every field may have been left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UpdateFile {
    pub incident: WrittenIncident,
    pub update: WrittenUpdate,
}

/// The table `[incident]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WrittenIncident {
    pub id: Option<String>,
    /// The feed whose incident of this id is meant.
    pub source: Option<String>,
    /// The incident of the same source that this one is part of.
    pub parent: Option<String>,
    pub title: Option<String>,
    pub phase: Option<Phase>,
    pub impact: Option<Impact>,
    pub components: Option<Vec<String>>,
    pub started_at: Option<Timestamp>,
    pub scheduled_for: Option<Timestamp>,
    pub scheduled_until: Option<Timestamp>,
    pub url: Option<String>,
}

/// The table `[update]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WrittenUpdate {
    pub id: Option<String>,
    pub body: Option<String>,
    pub status: Option<String>,
    pub action: Option<String>,
    pub need: Option<Need>,
    /// By when the action has to be done.
    pub by: Option<NextWord>,
    /// How long the action takes.
    pub takes: Option<String>,
    pub next_update: Option<NextWord>,
    pub at: Option<Timestamp>,
    pub data_loss: Option<DataLoss>,
    pub report_by: Option<String>,
    pub stand: Option<String>,
    /// Whether "We are sorry." goes with these words.
    pub sorry: Option<bool>,
}

/// A fault of one value of an update that [`parse`] took: what only its reader can know.
pub fn fault_at(text: &str, table: &str, key: &str, message: String) -> UpdateError {
    let members = |entry: Entry| match entry.value.kind {
        Kind::Table(members) if entry.key == table => members,
        _ => Vec::new(),
    };
    let found = written::read(text).unwrap_or_default().into_iter().flat_map(members).find(|entry| entry.key == key);
    let path = format!("{table}.{key}");
    let span = found.map_or(0..0, |entry| entry.value.span);
    UpdateError::at(text, span, Some(path), message)
}

/// Reads one update. JSON when the first byte that is not white space is `{`, else TOML; a byte order mark
/// is skipped.
///
/// # Errors
/// The first fault, with line, column and key, what was found and what is allowed.
pub fn parse(text: &str) -> Result<UpdateFile, UpdateError> {
    if text.len() > LONGEST_TEXT {
        let message = format!("the update is too long: {} bytes, at most {LONGEST_TEXT} are taken", text.len());
        return Err(UpdateError::whole(message));
    }
    let mut incident = Vec::new();
    let mut update = Vec::new();
    let tables = written::read(text)?;
    if tables.is_empty() {
        return Err(UpdateError::whole("the update is empty: it needs the tables [incident] and [update]"));
    }
    for entry in tables {
        let (known, taken): (&[&str], &mut Vec<Entry>) = match entry.key.as_str() {
            "incident" => (&INCIDENT_KEYS, &mut incident),
            "update" => (&UPDATE_KEYS, &mut update),
            _ => return Err(unknown_key(text, None, &entry)),
        };
        let Kind::Table(members) = entry.value.kind else {
            let message = format!("found {}, needs a table with keys such as {}", entry.value.kind.name(), known[0]);
            return Err(UpdateError::at(text, entry.value.span, Some(entry.key), message));
        };
        if let Some(stranger) = members.iter().find(|member| !known.contains(&member.key.as_str())) {
            return Err(unknown_key(text, Some(&entry.key), stranger));
        }
        *taken = members;
    }
    let incident = read_incident(Fields::new(text, "incident", incident))?;
    Ok(UpdateFile { incident, update: read_update(Fields::new(text, "update", update))? })
}

fn read_incident(mut fields: Fields<'_>) -> Result<WrittenIncident, UpdateError> {
    Ok(WrittenIncident {
        id: fields.line("id", LONGEST_ID)?,
        source: fields.line("source", LONGEST_ID)?,
        parent: fields.line("parent", LONGEST_ID)?,
        title: fields.line("title", LONGEST_TITLE)?,
        phase: fields.word("phase", &Phase::ALL, Phase::as_str)?,
        impact: fields.word("impact", &Impact::ALL, Impact::as_str)?,
        components: fields.lines("components", MOST_COMPONENTS, LONGEST_ID)?,
        started_at: fields.time("started_at")?,
        scheduled_for: fields.time("scheduled_for")?,
        scheduled_until: fields.time("scheduled_until")?,
        url: fields.address("url", LONGEST_ADDRESS)?,
    })
}

fn read_update(mut fields: Fields<'_>) -> Result<WrittenUpdate, UpdateError> {
    Ok(WrittenUpdate {
        id: fields.line("id", LONGEST_ID)?,
        body: fields.prose("body", LONGEST_PROSE)?,
        status: fields.prose("status", LONGEST_PROSE)?,
        action: fields.prose("action", LONGEST_PROSE)?,
        need: fields.word("need", &Need::ALL, Need::as_str)?,
        by: fields.next_word("by")?,
        takes: fields.line("takes", LONGEST_LINE)?,
        next_update: fields.next_word("next_update")?,
        at: fields.time("at")?,
        data_loss: fields.word("data_loss", &[DataLoss::None, DataLoss::Some], DataLoss::as_str)?,
        report_by: fields.date_words("report_by", LONGEST_LINE)?,
        stand: fields.line("stand", LONGEST_LINE)?,
        sorry: fields.yes_or_no("sorry")?,
    })
}

fn unknown_key(text: &str, table: Option<&str>, entry: &Entry) -> UpdateError {
    let key = entry.key.as_str();
    let known: &[&str] = match table {
        Some("incident") => &INCIDENT_KEYS,
        Some(_) => &UPDATE_KEYS,
        None => &TABLES,
    };
    let home = [("incident", &INCIDENT_KEYS[..]), ("update", &UPDATE_KEYS[..])]
        .into_iter()
        .find(|(name, keys)| Some(*name) != table && keys.contains(&key));
    let advice = match home {
        Some((name, _)) => format!("; it belongs under [{name}]"),
        None => nearest(key, known.iter().copied()),
    };
    let named = table.map_or_else(|| fields::plain(key), |table| format!("{table}.{}", fields::plain(key)));
    let message = format!("unknown key{advice} (known here: {})", known.join(", "));
    UpdateError::at(text, entry.key_span.clone(), Some(named), message)
}

impl UpdateFile {
    /// The update, unless it says of something that has happened a time that lies ahead of `now`. `text` is what
    /// it was parsed from.
    ///
    /// # Errors
    /// The first such time, with line, column and key.
    pub fn believed_at(self, text: &str, now: Timestamp) -> Result<UpdateFile, UpdateError> {
        let times = [("incident", "started_at", self.incident.started_at), ("update", "at", self.update.at)];
        for (table, key, at) in times {
            if let Some(at) = at.filter(|at| is_ahead(*at, now)) {
                let message = format!(
                    "{at} lies ahead: it is {} now; write when it happened, or leave the key out",
                    now.strftime("%Y-%m-%dT%H:%M:%SZ")
                );
                return Err(fault_at(text, table, key, message));
            }
        }
        if let (Some(from), Some(until)) = (self.incident.scheduled_for, self.incident.scheduled_until)
            && until <= from
        {
            let message = format!("{until} is not after the beginning of the window, {from}");
            return Err(fault_at(text, "incident", "scheduled_until", message));
        }
        Ok(self)
    }

    /// The keys that must be given when the update opens a new case and that are not.
    pub fn missing_for_a_new_case(&self) -> Vec<&'static str> {
        let title = self.incident.title.is_none().then_some("incident.title");
        let body = self.update.body.is_none().then_some("update.body");
        title.into_iter().chain(body).collect()
    }

    /// The update as an observation by hand. `source` stands where the update names none, `now` where it
    /// gives no time, `made_up_id` where it names no incident. A native hook sets `origin` to `Pushed` itself.
    pub fn into_observation(self, source: &str, now: Timestamp, made_up_id: impl FnOnce() -> String) -> Observation {
        let UpdateFile { incident, update } = self;
        Observation {
            source: incident.source.unwrap_or_else(|| source.to_owned()),
            incident: incident.id.unwrap_or_else(made_up_id),
            parent: incident.parent,
            origin: Origin::ByHand,
            part: Part::Leads,
            speaker: None,
            event: None,
            title: incident.title,
            phase: incident.phase,
            phase_unknown: None,
            impact: incident.impact,
            components: incident.components,
            started_at: incident.started_at,
            resolved_at: None,
            scheduled_for: incident.scheduled_for,
            scheduled_until: incident.scheduled_until,
            url: incident.url,
            revised_at: None,
            updates: update.into_observed(incident.phase, now).into_iter().collect(),
        }
    }
}

impl WrittenUpdate {
    /// Nothing when the update has no content: its id and time alone say nothing.
    fn into_observed(self, phase: Option<Phase>, now: Timestamp) -> Option<ObservedUpdate> {
        let silent = WrittenUpdate { id: self.id.clone(), at: self.at, ..WrittenUpdate::default() };
        if self == silent {
            return None;
        }
        Some(ObservedUpdate {
            id: self.id,
            phase,
            body: self.body.unwrap_or_default(),
            status: self.status,
            at: Some(self.at.unwrap_or(now)),
            action: self.action,
            need: self.need,
            by: self.by,
            takes: self.takes,
            next_word: self.next_update,
            data_loss: self.data_loss,
            report_by: self.report_by,
            stand: self.stand,
            sorry: self.sorry.unwrap_or(false),
            announce: Announce::Yes,
        })
    }
}

#[cfg(test)]
mod tests;
