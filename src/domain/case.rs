//! A case: our following of one incident, from first sight to closure, with what its source said last.
//!
//! Deliberately absent: clients and deliveries (`thread.rs`), and how an observation changes a case
//! (`observe.rs`). Everything here is a plain value that the store keeps and gives back.

mod timers;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::incident::{DataLoss, Impact, Need, NextWord, Origin, Phase};
use super::notice::Kind;

pub use timers::{Acts, Promise, Timers};

/// One incident followed. `key` and `version` belong to the store: a new case has `key` 0 and `version` 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    pub key: i64,
    /// Rises with each write; a write names the version it was made from.
    pub version: i64,
    /// Shown to people and sent to webhooks; a UUID v7.
    pub id: String,
    /// 4 to 6 letters and digits that cannot be misheard.
    pub reference: String,
    pub source: String,
    pub incident: String,
    pub state: CaseState,
    /// From 1; a reopening begins the next.
    pub episode: i64,
    /// The last sequence allotted to a change.
    pub sequence: i64,
    /// When we first saw it.
    pub opened_at: Timestamp,
    /// When we saw its end.
    pub ended_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    pub facts: Facts,
    pub timers: Timers,
}

/// `open → ended → closed → archived`; a reopening leads back from ended or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    Open,
    /// Over, and somebody is still owed the word that it is.
    Ended,
    /// Nobody is owed a word; listens for a post-mortem and a reopening.
    Closed,
    /// 30 days later: listens no more.
    Archived,
}

impl CaseState {
    pub const ALL: [CaseState; 4] = [CaseState::Open, CaseState::Ended, CaseState::Closed, CaseState::Archived];

    pub fn as_str(self) -> &'static str {
        match self {
            CaseState::Open => "open",
            CaseState::Ended => "ended",
            CaseState::Closed => "closed",
            CaseState::Archived => "archived",
        }
    }

    pub fn from_word(word: &str) -> Option<CaseState> {
        CaseState::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// What the source has said so far, taken together; kept by the store as one document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    pub title: String,
    pub phase: Phase,
    pub phase_unknown: Option<String>,
    pub impact: Option<Impact>,
    /// The source's names, without those that mean nothing to us.
    pub components: Vec<String>,
    pub scope: Scope,
    pub started_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub scheduled_for: Option<Timestamp>,
    pub scheduled_until: Option<Timestamp>,
    pub url: Option<String>,
    pub data_loss: Option<DataLoss>,
    pub report_by: Option<String>,
    pub stand: Option<String>,
    /// What the author of the newest update says clients are to do, until a later one says otherwise.
    pub said_action: Option<SaidAction>,
    /// Nobody has been told anything yet because it was found at the first sight of its feed.
    pub silent_since_first_sight: bool,
    pub revised_at: Option<Timestamp>,
    /// When the source last brought words or a move, as we saw it.
    pub last_news_at: Timestamp,
    /// The first good read that did not list it, as long as none has listed it since; else empty.
    pub missed_reads: Vec<Timestamp>,
    /// The last good read that listed it before those that missed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_listed_at: Option<Timestamp>,
    /// When the operator was asked whom it concerns, because it named no component.
    #[serde(default)]
    pub asked_at: Option<Timestamp>,
    /// What the feed that leads said last, so that a person's words stand until it says something else. `None` until
    /// it has listed the incident.
    #[serde(default)]
    pub source_said: Option<SourceSaid>,
    /// The name under which its source was known when the case began, if that was another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_source: Option<String>,
    /// The ids of incidents that are parts of this one: they are told in its thread and never lead it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// The messages of webhooks that have been taken in, by their senders' ids; the last ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// A person has closed it: what its source goes on saying is kept and told to nobody, until the source itself
    /// says that it is over.
    #[serde(default)]
    pub closed_by_hand: bool,
    /// Where `phase` is an end that the source did not state, because one of us closed the case or the source dropped
    /// it: the phase that it last said.
    #[serde(default)]
    pub phase_last_said: Option<Phase>,
    /// The planned start at which it was said to begin by the clock, because its source had not said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_by_clock: Option<Timestamp>,
    /// Since when planned work has been an incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident_since: Option<Timestamp>,
    /// Since when the reads of its feed have been older than what we know and in line with each other.
    pub stale_since: Option<Timestamp>,
    /// The source's stamp of the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_stamp: Option<Timestamp>,
}

impl Facts {
    /// The phase as the source last said it: what machines are told, who cannot read that an end is ours alone.
    pub fn phase_said(&self) -> Phase {
        self.phase_last_said.unwrap_or(self.phase)
    }
}

/// The state of the incident as the feed that leads listed it last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceSaid {
    pub phase: Option<Phase>,
    pub impact: Option<Impact>,
    #[serde(default)]
    pub components: Option<Vec<String>>,
}

/// An action said in an update, as against one from the playbook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SaidAction {
    pub need: Need,
    /// Empty with [`Need::None`].
    pub text: String,
    pub said_at: Timestamp,
    #[serde(default)]
    pub by: Option<Timestamp>,
    #[serde(default)]
    pub takes: Option<String>,
}

/// Whom the case concerns, before any client is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// No component has been named, and nobody has decided yet.
    Unscoped,
    /// `Facts::components` names what it concerns.
    Named,
    /// Components set by a person; they stand until the source names its own.
    NamedByPerson,
    /// Everybody, as possibly affected.
    Everyone,
    /// Decided: nobody, until it is scoped.
    Nobody,
}

/// One post by the source, as we keep it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// From 1, in the order shown to people at the time we first saw it.
    pub number: i64,
    /// The source's id, or a hash of (time, label, normalised text).
    pub id: String,
    /// The change that told it. 0: taken in at first sight, part of the story; `None`: goes along with the next change.
    pub sequence: Option<i64>,
    pub phase: Option<Phase>,
    pub body: String,
    pub status: Option<String>,
    pub action: Option<String>,
    pub need: Option<Need>,
    /// By when the action has to be done.
    #[serde(default)]
    pub by: Option<Timestamp>,
    #[serde(default)]
    pub takes: Option<String>,
    /// "We are sorry." goes with these words.
    #[serde(default)]
    pub sorry: bool,
    pub next_word: Option<NextWord>,
    /// When its source expects the end, if the text gives a time that leaves no doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Timestamp>,
    /// The time shown to people.
    pub at: Timestamp,
    pub seen_at: Timestamp,
    pub origin: Origin,
    /// The hook that it came by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// The text before, when it was rewritten: the newest former version first.
    pub versions: Vec<Version>,
}

impl Update {
    /// Its author said what clients are to do, or that there is nothing to do.
    pub fn says_what_to_do(&self) -> bool {
        self.action.is_some() || self.need == Some(Need::None)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    pub body: String,
    pub seen_at: Timestamp,
    /// The change that told of the rewriting; `None` when it was not news.
    pub sequence: Option<i64>,
}

/// What is new about a case, with the time it is due. At most one change of a case waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub sequence: i64,
    pub episode: i64,
    pub kinds: Vec<Kind>,
    pub made_at: Timestamp,
    /// When planning takes it up.
    pub due_at: Timestamp,
    /// Set when every client has been planned.
    pub planned_at: Option<Timestamp>,
    /// Planning has begun and is not done: some may have been told it already, so nothing joins it any more.
    /// Known from the row's progress, not part of what was written.
    #[serde(skip)]
    pub is_begun: bool,
    /// Why it was made, in words for the ledger.
    pub why: String,
    pub facts: ChangeFacts,
}

/// The case before and after one change, as far as a message tells of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeFacts {
    pub title: String,
    pub phase: Phase,
    pub phase_before: Option<Phase>,
    pub impact: Option<Impact>,
    pub impact_before: Option<Impact>,
    pub added: Vec<String>,
    pub removed: Vec<String>,
    /// The window before it was moved.
    pub moved_from: Option<(Timestamp, Option<Timestamp>)>,
    /// For `due`: the promise it keeps.
    pub promised: Option<Timestamp>,
    pub lost_sight_since: Option<Timestamp>,
    /// For an end: when a person on our side closed the case. It says nothing of whether it is over.
    #[serde(default)]
    pub closed_by_hand_at: Option<Timestamp>,
    /// As in [`Facts`].
    #[serde(default)]
    pub phase_last_said: Option<Phase>,
    /// For an end that is only that the source lists it no longer: when it was last listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<Timestamp>,
}

impl ChangeFacts {
    /// The case as it stands, with nothing that has moved.
    pub fn of(facts: &Facts) -> ChangeFacts {
        ChangeFacts {
            title: facts.title.clone(),
            phase: facts.phase,
            phase_before: None,
            impact: facts.impact,
            impact_before: None,
            added: Vec::new(),
            removed: Vec::new(),
            moved_from: None,
            promised: None,
            lost_sight_since: None,
            closed_by_hand_at: None,
            phase_last_said: facts.phase_last_said,
            last_seen_at: None,
        }
    }
}

impl Change {
    /// The strongest of its kinds.
    pub fn reason(&self) -> Kind {
        self.kinds.iter().copied().max().unwrap_or(Kind::Updated)
    }

    /// An end of the case itself, not only for those whom it no longer concerns.
    pub fn ends_for_all(&self) -> bool {
        self.kinds.iter().any(|kind| kind.is_closing() && *kind != Kind::Unaffected)
    }

    pub fn is_at_once(&self) -> bool {
        self.kinds.iter().any(|kind| kind.is_at_once())
    }
}

/// A case with everything that happened in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    pub case: Case,
    /// By number.
    pub updates: Vec<Update>,
    /// By sequence.
    pub changes: Vec<Change>,
}

impl Story {
    /// The story with what a step writes.
    pub fn after(known: Option<Story>, case: Case, updates: &[Update], change: Option<&Change>) -> Story {
        let (mut all, mut changes) = known.map(|known| (known.updates, known.changes)).unwrap_or_default();
        all.retain(|known| !updates.iter().any(|new| new.number == known.number));
        all.extend(updates.iter().cloned());
        all.sort_by_key(|update| update.number);
        changes.retain(|known| change.is_none_or(|new| new.sequence != known.sequence));
        changes.extend(change.cloned());
        changes.sort_by_key(|change| change.sequence);
        Story { case, updates: all, changes }
    }

    /// Whether the feed of its source has listed the incident: from then on it leads.
    pub fn is_listed(&self) -> bool {
        self.case.facts.source_said.is_some()
    }

    /// The one change that planning has not taken up.
    pub fn waiting(&self) -> Option<&Change> {
        self.changes.iter().find(|change| change.planned_at.is_none() && !change.is_begun)
    }

    /// The change of which some clients have been planned and some have not.
    pub fn being_planned(&self) -> Option<&Change> {
        self.changes.iter().find(|change| change.planned_at.is_none() && change.is_begun)
    }

    /// The change that is planned next, or further: one after the other, in their order.
    pub fn first_unplanned(&self) -> Option<&Change> {
        self.changes.iter().find(|change| change.planned_at.is_none())
    }

    /// The change says no more than that the case concerns everybody, or everybody no longer: what it names is as it
    /// was, so to whomever that concerns nothing is new.
    pub fn changes_only_who_is_told(&self, change: &Change) -> bool {
        change.kinds.iter().all(|kind| matches!(kind, Kind::Wider | Kind::Narrower))
            && change.facts.added.is_empty()
            && change.facts.removed.is_empty()
            && !self.updates.iter().any(|update| update.sequence == Some(change.sequence))
    }

    pub fn change(&self, sequence: i64) -> Option<&Change> {
        let at = self.changes.binary_search_by_key(&sequence, |change| change.sequence).ok()?;
        self.changes.get(at)
    }

    /// The change up to that sequence by which the case ended for everybody, unless it was reopened since.
    pub fn end_up_to(&self, sequence: i64) -> Option<&Change> {
        let mut before = self.changes.iter().rev().filter(|change| change.sequence <= sequence);
        let turn = before.find(|change| change.kinds.contains(&Kind::Reopened) || change.ends_for_all())?;
        turn.ends_for_all().then_some(turn)
    }

    /// It is over because one of us closed it, whatever its source has said since.
    pub fn was_closed_by_hand(&self) -> bool {
        let end = self.end_up_to(self.case.sequence);
        self.case.facts.closed_by_hand || end.is_some_and(|end| end.facts.closed_by_hand_at.is_some())
    }
}
