//! One contact in one case: what it was told, what it is to be told, and what it is owed.
//!
//! `wanted > told` *is* the outbox. Deliberately absent: addresses and words; both are looked up when a
//! message is made.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::Channel;
use super::delivery::{Cause, REHEARSAL};
use super::incident::Need;
use super::missed::Missed;
use super::notice::{Action, Affected, Kind};

/// The row of one contact in one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Thread {
    pub case_key: i64,
    pub contact_key: i64,
    pub client_id: String,
    pub channel: Channel,
    /// Counts this contact's own episodes, from 1.
    pub episode: i64,
    /// The last sequence accepted by the other side; 0: none.
    pub told: i64,
    /// The last sequence planned.
    pub wanted: i64,
    /// Once `wanted` has been sent: is the contact in the case, or is it over for them?
    pub standing: Standing,
    /// Told that it is open, not yet that it is over.
    pub owed: bool,
    pub state: ThreadState,
    /// The sequence of its first accepted notice; the title is frozen there.
    pub first_told: Option<i64>,
    /// Notices accepted in this episode.
    pub notices: i64,
    /// When the oldest unsent change was planned.
    pub since: Option<Timestamp>,
    pub due_at: Option<Timestamp>,
    pub attempts: i64,
    /// What planning found for the client; names a row of the variants of this case.
    pub variant: i64,
    pub told_variant: Option<i64>,
    /// Variants accepted in this episode that asked for something: their undo is told at the end.
    pub asked: Vec<i64>,
    /// The key of the last accepted message, for `In-Reply-To`.
    pub last_key: Option<String>,
    /// The last attempt may have arrived.
    pub uncertain: bool,
    pub cause: Option<Cause>,
}

impl Thread {
    /// Whether the contact has accepted anything of this case. `told` alone does not say so: it also moves over
    /// what was told to the client elsewhere.
    pub fn was_told(&self) -> bool {
        self.first_told.is_some()
    }

    /// Everything planned for the contact so far was rehearsed and not sent: to it the case is one that it has never
    /// heard of, whatever `standing` says.
    pub fn is_rehearsed(&self) -> bool {
        !self.was_told() && !self.has_unsent() && self.cause.as_ref().is_some_and(|cause| cause.phase == REHEARSAL)
    }

    pub fn has_unsent(&self) -> bool {
        self.wanted > self.told
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    In,
    Out,
}

impl Standing {
    pub fn as_str(self) -> &'static str {
        match self {
            Standing::In => "in",
            Standing::Out => "out",
        }
    }
}

/// Whether anything may still be sent on this thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThreadState {
    Active,
    /// Given up or refused for good: listed by name until `retry`.
    Failed,
    /// The contact was removed, muted, unsubscribed or switched off.
    Cancelled,
}

impl ThreadState {
    pub const ALL: [ThreadState; 3] = [ThreadState::Active, ThreadState::Failed, ThreadState::Cancelled];

    pub fn as_str(self) -> &'static str {
        match self {
            ThreadState::Active => "active",
            ThreadState::Failed => "failed",
            ThreadState::Cancelled => "cancelled",
        }
    }

    pub fn from_word(word: &str) -> Option<ThreadState> {
        ThreadState::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// What planning found for a client in one change; equal variants of a case share a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Variant {
    pub affected: Affected,
    /// (rank from 1, or 0 without an order; our name) of the client's components that the case concerns.
    pub concerned: Vec<(u32, String)>,
    pub untouched: Vec<(u32, String)>,
    pub need: Need,
    pub known: bool,
    pub actions: Vec<Action>,
    /// Set when this ends the episode for the client.
    pub closing: Option<Kind>,
    /// What concerned only others while it was over for the client.
    #[serde(default, skip_serializing_if = "Missed::is_empty")]
    pub missed: Missed,
}

impl Variant {
    /// The place in the line of one change, from 0: *required* before *confirmed* before *possibly*, a thousand places
    /// each, in them by the client's own priority; what has no rank comes last.
    pub fn place_in_line(&self) -> i64 {
        let class = match (self.need, self.affected) {
            (Need::Required, _) => 0,
            (Need::None | Need::Maybe, Affected::Confirmed) => 1,
            (Need::None | Need::Maybe, Affected::Possibly) => 2,
        };
        let rank = self.concerned.first().map(|(rank, _)| i64::from(*rank)).filter(|rank| *rank > 0);
        class * 1_000 + rank.unwrap_or(99).min(99) * 10
    }
}
