//! What is new about a case: the kinds of news, from the weakest to the strongest.
//!
//! Deliberately absent: who is told of which (`plan.rs`), and when it waits (`news.rs`).

use serde::{Deserialize, Serialize};

/// What is new, as the change row and the webhook name it. Ordered from the weakest to the strongest:
/// of several kinds in one notice the greatest is its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The promise fell due and nothing new came.
    Due,
    Reminder,
    Corrected,
    Updated,
    Narrower,
    Phase,
    Better,
    Overdue,
    Postmortem,
    /// A newly required action: said by an author, or by an entry of the playbook that holds since a move.
    Action,
    Wider,
    /// Back from monitoring to looking for the cause.
    Back,
    Worse,
    Started,
    Moved,
    Opened,
    Reopened,
    Unaffected,
    Withdrawn,
    Cancelled,
    Completed,
    Resolved,
}

impl Kind {
    pub const ALL: [Kind; 22] = [
        Kind::Due,
        Kind::Reminder,
        Kind::Corrected,
        Kind::Updated,
        Kind::Narrower,
        Kind::Phase,
        Kind::Better,
        Kind::Overdue,
        Kind::Postmortem,
        Kind::Action,
        Kind::Wider,
        Kind::Back,
        Kind::Worse,
        Kind::Started,
        Kind::Moved,
        Kind::Opened,
        Kind::Reopened,
        Kind::Unaffected,
        Kind::Withdrawn,
        Kind::Cancelled,
        Kind::Completed,
        Kind::Resolved,
    ];

    /// The word in `notice.reason` and `notice.changes` of the webhook and in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Due => "due",
            Kind::Reminder => "reminder",
            Kind::Corrected => "corrected",
            Kind::Narrower => "narrower",
            Kind::Better => "better",
            Kind::Phase => "phase",
            Kind::Updated => "updated",
            Kind::Overdue => "overdue",
            Kind::Postmortem => "postmortem",
            Kind::Action => "action",
            Kind::Wider => "wider",
            Kind::Back => "back",
            Kind::Worse => "worse",
            Kind::Started => "started",
            Kind::Moved => "moved",
            Kind::Opened => "opened",
            Kind::Reopened => "reopened",
            Kind::Unaffected => "unaffected",
            Kind::Withdrawn => "withdrawn",
            Kind::Cancelled => "cancelled",
            Kind::Completed => "completed",
            Kind::Resolved => "resolved",
        }
    }

    pub fn from_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Sent immediately, to every contact (`semantics.md` §4).
    pub fn is_at_once(self) -> bool {
        match self {
            Kind::Opened
            | Kind::Worse
            | Kind::Back
            | Kind::Reopened
            | Kind::Resolved
            | Kind::Withdrawn
            | Kind::Completed
            | Kind::Cancelled
            | Kind::Moved
            | Kind::Started
            | Kind::Action
            | Kind::Wider
            | Kind::Unaffected => true,
            Kind::Due
            | Kind::Reminder
            | Kind::Corrected
            | Kind::Narrower
            | Kind::Better
            | Kind::Phase
            | Kind::Updated
            | Kind::Overdue
            | Kind::Postmortem => false,
        }
    }

    /// Ends the episode for whoever gets it.
    pub fn is_closing(self) -> bool {
        match self {
            Kind::Unaffected | Kind::Withdrawn | Kind::Cancelled | Kind::Completed | Kind::Resolved => true,
            Kind::Due
            | Kind::Reminder
            | Kind::Corrected
            | Kind::Narrower
            | Kind::Better
            | Kind::Phase
            | Kind::Updated
            | Kind::Overdue
            | Kind::Postmortem
            | Kind::Action
            | Kind::Wider
            | Kind::Back
            | Kind::Worse
            | Kind::Started
            | Kind::Moved
            | Kind::Opened
            | Kind::Reopened => false,
        }
    }
}
