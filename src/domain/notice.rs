//! One thing that one client is told: everything that a message is rendered from, and nothing else.
//!
//! A notice is put together at the moment it is sent (`plan::notice`), from the case, the changes that this
//! contact has not been told, and what planning found for the client. Deliberately absent: addresses,
//! the client's name in anything but [`Reader`], markup of any form, and the clock: `now` is a field.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::incident::{DataLoss, Impact, Need, Phase};
use super::kept::KeptPromises;

pub use super::kind::Kind;

/// Everything that one message says, before it is put into words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub now: Timestamp,
    /// The last change that this notice tells.
    pub sequence: i64,
    pub reason: Kind,
    /// All kinds it tells, strongest first; holds `reason`.
    pub changes: Vec<Kind>,
    /// The contact's first notice of this episode: the whole story so far, then the news.
    pub is_brief: bool,
    pub case: CaseFacts,
    pub affected: Affected,
    /// The client's components that the case concerns: (rank from 1, our name), by rank. Rank 0: the client
    /// depends on everything and gave this one no rank.
    pub concerned: Vec<(u32, String)>,
    /// The client's other priorities, of which no problem is reported, by rank; empty for `["*"]`.
    pub untouched: Vec<(u32, String)>,
    pub guidance: Guidance,
    /// When the next word comes. `None` once it is over for this client, or where nobody promises.
    pub next_word: Option<Timestamp>,
    /// For `due`: the promise that this notice keeps.
    pub promised: Option<Timestamp>,
    /// The source cannot be read since then.
    pub lost_sight_since: Option<Timestamp>,
    /// For `due`: nobody has written for a day, so that the next word comes tomorrow.
    pub is_daily: bool,
    /// With an end: how many of the words promised to the client came.
    pub promises: Option<KeptPromises>,
    /// The client's page, once there is one.
    pub page: Option<String>,
    pub drill: bool,
}

/// What the case is, as far as this client is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseFacts {
    pub id: String,
    /// 4 to 6 letters and digits, sayable on the telephone.
    pub reference: String,
    pub source: String,
    pub incident: String,
    /// The title frozen at this contact's first notice.
    pub title: String,
    /// The title now, when the source has renamed it since and this contact has not been told; at the end
    /// in any case.
    pub renamed: Option<String>,
    pub phase: Phase,
    /// The source's status moved within what this notice tells.
    pub phase_moved: bool,
    /// The source's own word when it is none of ours.
    pub phase_unknown: Option<String>,
    /// `None`: the source does not state one.
    pub impact: Option<Impact>,
    /// The impact before, when it rose or fell within what this notice tells.
    pub impact_before: Option<Impact>,
    /// Our names (the source's where nothing matches) of what the case concerns now.
    pub components: Vec<String>,
    /// Our ids of the same, as far as we have them.
    pub component_ids: Vec<String>,
    pub added: Vec<String>,
    pub removed: Vec<String>,
    /// When it began, as the source states it; never a time of our own.
    pub started_at: Option<Timestamp>,
    /// The time of the first words about it.
    pub reported_at: Option<Timestamp>,
    /// When it ended (by the source, or last seen for a source that vanishes). `None` too where nobody has said that
    /// it is over: withdrawn, or closed by one of us.
    pub ended_at: Option<Timestamp>,
    /// When one of us closed the case.
    pub closed_by_hand_at: Option<Timestamp>,
    /// Where nobody has said that it is over: the phase that its source last said.
    pub phase_last_said: Option<Phase>,
    /// The source's own estimate of the end, where that time has passed and it is not over.
    pub estimate_passed: Option<Timestamp>,
    /// It is over only in that its source lists it no longer; when it was last listed.
    pub last_seen_at: Option<Timestamp>,
    pub scheduled_for: Option<Timestamp>,
    pub scheduled_until: Option<Timestamp>,
    /// The window before, when it was moved within what this notice tells.
    pub moved_from: Option<(Timestamp, Option<Timestamp>)>,
    /// Within what this notice tells, planned work has turned out to be an incident.
    pub became_incident: bool,
    pub url: Option<String>,
    pub voice: Voice,
    /// The source's first words.
    pub first_words: Option<Words>,
    /// What this contact has not been sent, newest first.
    pub updates: Vec<Words>,
    /// The source's last words, sent before or not.
    pub last_words: Option<Words>,
    /// How many earlier updates a brief leaves to the page because there are too many.
    pub left_out: u32,
    pub data_loss: Option<DataLoss>,
    pub report_by: Option<String>,
    pub stand: Option<String>,
    pub sorry: Sorry,
}

/// Whether one of us said that we are sorry, which a client is told once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sorry {
    #[default]
    Unsaid,
    /// In words that this notice tells.
    Now,
    Before,
}

impl CaseFacts {
    /// The phase for machines: as its source last said it, never an end that only we have put to it.
    pub fn phase_said(&self) -> Phase {
        self.phase_last_said.unwrap_or(self.phase)
    }
}

/// Who speaks in quotation marks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Voice {
    /// A feed of our own: the words are quoted under this name ("Our engineers").
    Ours(Option<String>),
    /// A supplier, quoted by name, never as "we".
    Supplier(String),
}

/// One update in a notice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Words {
    pub id: String,
    pub phase: Option<Phase>,
    /// As the source wrote it; hostile until rendered.
    pub body: String,
    pub status: Option<String>,
    pub at: Timestamp,
    /// Set when this is a rewrite of a text this contact was sent.
    pub replaces: Option<Replaced>,
    /// Written by one of us by name (`candor say`), not by the source.
    pub by_hand: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replaced {
    pub body: String,
    pub at: Timestamp,
}

/// How sure it is that this client is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Affected {
    Possibly,
    Confirmed,
}

impl Affected {
    pub fn as_str(self) -> &'static str {
        match self {
            Affected::Possibly => "possibly",
            Affected::Confirmed => "confirmed",
        }
    }
}

/// What this client needs to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guidance {
    pub need: Need,
    /// `false` only with `Need::None`: nobody has said that there is nothing to do.
    pub known: bool,
    /// What to do now, by the client's priorities.
    pub actions: Vec<Action>,
    /// Told before, holds no longer: to be called off, with its undo.
    pub called_off: Vec<Action>,
    /// At the end: what this contact was told to do and may now undo.
    pub undo: Vec<Action>,
    /// An action that this contact is told for the first time is required.
    pub newly_required: bool,
    /// The required actions were told before and still stand.
    pub still_required: bool,
}

impl Guidance {
    pub fn unknown() -> Guidance {
        Guidance {
            need: Need::None,
            known: false,
            actions: Vec::new(),
            called_off: Vec::new(),
            undo: Vec::new(),
            newly_required: false,
            still_required: false,
        }
    }
}

/// One step, with the client's facts filled in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Action {
    /// The entry's id in the playbook, or a hash of its text.
    pub id: String,
    pub need: Need,
    pub text: String,
    /// Counted from the first notice that told it; stays.
    pub by: Option<Timestamp>,
    pub check: Option<String>,
    pub undo: Option<String>,
    pub takes: Option<String>,
    pub who: Option<String>,
    pub place: Option<String>,
    /// What happens if it is not done.
    pub otherwise: Option<String>,
    /// What we can lend.
    pub offer: Option<String>,
    /// Words the client may pass on.
    pub forward: Option<String>,
    pub resources: Vec<Resource>,
    /// The language of the text, when it is not the client's.
    pub language: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Resource {
    pub title: String,
    pub url: String,
}

/// Whom the message is for. Only these fields are the client's own; all else is shared by everybody with
/// the same variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reader {
    pub client: String,
    pub name: String,
    /// Rendered in; a pack that exists (`de-AT` has become `de` or the sender's).
    pub locale: String,
    /// IANA name.
    pub timezone: String,
}

/// Who the messages come from: `[sender]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sender {
    pub name: String,
    pub email: String,
    pub reply_to: Option<String>,
    pub phone: Option<String>,
    /// When a reply or a call is answered, e.g. "day and night".
    pub answered: Option<String>,
    pub locale: String,
}
