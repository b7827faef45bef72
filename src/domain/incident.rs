//! What a source says about one incident, in our terms, with its raw words kept beside.
//!
//! Deliberately absent: anything we make of it. An [`Observation`] is never compared with a case here
//! (that is `case::observe`), and no field is guessed: what the source left out is `None`.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Where an incident or a maintenance stands, as its source says it. Words of Atlassian Statuspage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Investigating,
    Identified,
    Monitoring,
    Resolved,
    Postmortem,
    Scheduled,
    InProgress,
    Verifying,
    Completed,
    Cancelled,
}

impl Phase {
    pub const ALL: [Phase; 10] = [
        Phase::Investigating,
        Phase::Identified,
        Phase::Monitoring,
        Phase::Resolved,
        Phase::Postmortem,
        Phase::Scheduled,
        Phase::InProgress,
        Phase::Verifying,
        Phase::Completed,
        Phase::Cancelled,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Investigating => "investigating",
            Phase::Identified => "identified",
            Phase::Monitoring => "monitoring",
            Phase::Resolved => "resolved",
            Phase::Postmortem => "postmortem",
            Phase::Scheduled => "scheduled",
            Phase::InProgress => "in_progress",
            Phase::Verifying => "verifying",
            Phase::Completed => "completed",
            Phase::Cancelled => "cancelled",
        }
    }

    /// The phase that a source's word names, in any case and with spaces or dashes for underscores.
    /// `None` for a word we do not know: the caller keeps it raw and treats the incident as open.
    pub fn from_word(word: &str) -> Option<Phase> {
        let folded = word.trim().to_ascii_lowercase().replace([' ', '-'], "_");
        let folded = if folded == "canceled" { "cancelled".to_owned() } else { folded };
        Phase::ALL.into_iter().find(|phase| phase.as_str() == folded)
    }

    pub fn is_over(self) -> bool {
        match self {
            Phase::Resolved | Phase::Postmortem | Phase::Completed | Phase::Cancelled => true,
            Phase::Investigating
            | Phase::Identified
            | Phase::Monitoring
            | Phase::Scheduled
            | Phase::InProgress
            | Phase::Verifying => false,
        }
    }

    pub fn is_maintenance(self) -> bool {
        match self {
            Phase::Scheduled | Phase::InProgress | Phase::Verifying | Phase::Completed | Phase::Cancelled => true,
            Phase::Investigating | Phase::Identified | Phase::Monitoring | Phase::Resolved | Phase::Postmortem => false,
        }
    }
}

/// How bad the source says it is. `Maintenance` is a class of its own, below no threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Impact {
    None,
    Maintenance,
    Minor,
    Major,
    Critical,
}

impl Impact {
    pub const ALL: [Impact; 5] = [Impact::None, Impact::Maintenance, Impact::Minor, Impact::Major, Impact::Critical];

    pub fn as_str(self) -> &'static str {
        match self {
            Impact::None => "none",
            Impact::Minor => "minor",
            Impact::Major => "major",
            Impact::Critical => "critical",
            Impact::Maintenance => "maintenance",
        }
    }

    pub fn from_word(word: &str) -> Option<Impact> {
        let folded = word.trim().to_ascii_lowercase();
        Impact::ALL.into_iter().find(|impact| impact.as_str() == folded)
    }
}

/// What the reader has to do: one of three in every notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    None,
    Maybe,
    Required,
}

/// No clock is further ahead than that: a later time of something that has happened is a slip.
const CLOCKS_DIFFER_BY: SignedDuration = SignedDuration::from_mins(5);

/// Whether a time lies further ahead of `now` than clocks differ.
pub fn is_ahead(at: Timestamp, now: Timestamp) -> bool {
    at.duration_since(now) > CLOCKS_DIFFER_BY
}

/// The time of something that has happened and was seen at `now`: what lies ahead counts as seen then.
pub fn not_ahead(at: Timestamp, now: Timestamp) -> Timestamp {
    if is_ahead(at, now) { now } else { at }
}

impl Need {
    pub const ALL: [Need; 3] = [Need::None, Need::Maybe, Need::Required];

    pub fn as_str(self) -> &'static str {
        match self {
            Need::None => "none",
            Need::Maybe => "maybe",
            Need::Required => "required",
        }
    }

    pub fn from_word(word: &str) -> Option<Need> {
        Need::ALL.into_iter().find(|need| need.as_str() == word)
    }
}

/// What a person said about lost or changed data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataLoss {
    None,
    Some,
}

impl DataLoss {
    pub fn as_str(self) -> &'static str {
        match self {
            DataLoss::None => "none",
            DataLoss::Some => "some",
        }
    }
}

/// How an observation reached us. It decides first sight and pace, never who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Read from a polled feed: the first good read of a feed is a first sight.
    Polled,
    /// Pushed to us by a webhook of the source: always live.
    Pushed,
    /// Written by a person (`--trigger`, `say`, the file feed): always live, and never waits for company.
    ByHand,
}

/// What a source has to say in a case that several sources speak of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Phase, impact, components and end are its own.
    #[default]
    Leads,
    /// It brings updates and actions, as soon as the one that leads has listed the incident.
    Follows,
}

/// The state of one incident as one source told it at one moment. What it left out is `None` and keeps
/// what the case has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Name of the feed, of the hook, or `trigger`.
    pub source: String,
    /// The source's own id of the incident.
    pub incident: String,
    /// The id of an incident of the same source that this one is part of: both are one case.
    pub parent: Option<String>,
    pub origin: Origin,
    pub part: Part,
    /// The hook that it came by: ids of updates are each speaker's own. `None`: the source itself, or a person.
    #[serde(default)]
    pub speaker: Option<String>,
    /// The sender's name for this message, the same on each of its retries. `None` where there is none.
    pub event: Option<String>,
    pub title: Option<String>,
    pub phase: Option<Phase>,
    /// The source's word when it is none of ours; such an incident counts as open.
    pub phase_unknown: Option<String>,
    pub impact: Option<Impact>,
    /// Names as the source writes them. `None`: not stated; an empty list says nothing either.
    pub components: Option<Vec<String>>,
    pub started_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub scheduled_for: Option<Timestamp>,
    pub scheduled_until: Option<Timestamp>,
    /// A page for people, http or https only.
    pub url: Option<String>,
    /// The source's own stamp of its last change, to tell a stale read from a new one.
    pub revised_at: Option<Timestamp>,
    /// In the order shown to people, oldest first.
    pub updates: Vec<ObservedUpdate>,
}

/// One post by the source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ObservedUpdate {
    /// The source's id; without one the update is known by time, label and text.
    pub id: Option<String>,
    pub phase: Option<Phase>,
    /// As the source wrote it: plain text, Markdown or HTML. Hostile until rendered.
    pub body: String,
    /// Where it stands, when the author said it apart from what happened.
    pub status: Option<String>,
    /// The time shown to people.
    pub at: Option<Timestamp>,
    pub action: Option<String>,
    pub need: Option<Need>,
    /// By when the action has to be done.
    #[serde(default)]
    pub by: Option<NextWord>,
    /// How long the action takes.
    #[serde(default)]
    pub takes: Option<String>,
    pub next_word: Option<NextWord>,
    /// "We are sorry." goes with these words.
    #[serde(default)]
    pub sorry: bool,
    pub data_loss: Option<DataLoss>,
    /// When the written report comes: a date or a time, as the author gave it.
    pub report_by: Option<String>,
    /// Where the client stands in our order, in the author's words.
    pub stand: Option<String>,
    /// The author chose not to announce this one (`deliver_notifications: false`).
    #[serde(default)]
    pub announce: Announce,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Announce {
    #[default]
    Yes,
    /// Taken in, and told with the next notice.
    Silent,
}

/// The source of what people trigger without naming a feed.
pub const TRIGGER: &str = "trigger";

/// When the author promises the next word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextWord {
    At(Timestamp),
    /// Seconds after the update.
    After(i64),
}

impl NextWord {
    /// The time that is meant by an update of `said_at`; `None` beyond all times.
    pub fn after(self, said_at: Timestamp) -> Option<Timestamp> {
        match self {
            NextWord::At(at) => Some(at),
            NextWord::After(seconds) => said_at.checked_add(SignedDuration::from_secs(seconds)).ok(),
        }
    }
}
