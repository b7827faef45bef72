//! The ledger as it is listed, the names of its items, and the figures taken from it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::domain::client::Channel;
use crate::domain::delivery::Cause;

/// Which rows of the ledger are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerFilter {
    /// What waits, and what has failed.
    Unsettled,
    Failed,
    /// Settled ones and superseded sequences too.
    All,
    /// Everything of one case.
    Case(i64),
    /// Everything that was for our own side; the others leave it out.
    Operator,
}

/// One item of the ledger: a settled range, or what waits on a thread.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerRow {
    pub id: ItemId,
    pub case_key: i64,
    pub case_id: String,
    pub client_id: String,
    pub channel: Channel,
    /// As it is; whoever shows it masks it.
    pub address: String,
    /// The range is (from_sequence, id.sequence].
    pub from_sequence: i64,
    pub state: LedgerState,
    pub uncertain: bool,
    pub attempts: i64,
    /// When it was planned, as far as that is known.
    pub planned_at: Option<Timestamp>,
    pub due_at: Option<Timestamp>,
    pub settled_at: Option<Timestamp>,
    pub receipt: Option<String>,
    pub cause: Option<Cause>,
    pub key: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LedgerState {
    Pending,
    Delivered,
    Failed,
    Cancelled,
    /// Folded into the later item whose range holds it.
    Superseded,
}

impl LedgerState {
    pub fn as_str(self) -> &'static str {
        match self {
            LedgerState::Pending => "pending",
            LedgerState::Delivered => "delivered",
            LedgerState::Failed => "failed",
            LedgerState::Cancelled => "cancelled",
            LedgerState::Superseded => "superseded",
        }
    }
}

/// The name of an item of the ledger, as `deliveries` shows it and `retry` takes it: `K7QM-17-2`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ItemId {
    pub reference: String,
    pub contact_key: i64,
    pub sequence: i64,
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.reference, self.contact_key, self.sequence)
    }
}

/// The text is not the name of an item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the id of a delivery; `candor deliveries` lists them, for example K7QM-17-2")]
pub struct NotAnItem(pub String);

impl FromStr for ItemId {
    type Err = NotAnItem;

    fn from_str(text: &str) -> Result<ItemId, NotAnItem> {
        let wrong = || NotAnItem(text.chars().take(40).collect());
        let mut parts = text.trim().split('-');
        let (Some(reference), Some(contact), Some(sequence), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        let is_reference = !reference.is_empty() && reference.chars().all(|c| c.is_ascii_alphanumeric());
        match (is_reference, contact.parse(), sequence.parse()) {
            (true, Ok(contact_key), Ok(sequence)) => {
                Ok(ItemId { reference: reference.to_ascii_uppercase(), contact_key, sequence })
            }
            (true | false, _, _) => Err(wrong()),
        }
    }
}

/// What `retry` puts back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retry {
    Items(Vec<ItemId>),
    All,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retried {
    pub put_back: i64,
    /// Asked for by name, and not among what has failed.
    pub not_failed: Vec<ItemId>,
}

/// Figures for health and metrics, read from indexes of what is pending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gauges {
    pub pending: Vec<PendingGauge>,
    pub open_cases: i64,
    /// Ended, and somebody is still owed the word.
    pub owed_cases: i64,
    pub failed_threads: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingGauge {
    pub channel: Channel,
    pub count: i64,
    pub oldest_since: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_known_by_the_text_it_is_shown_as() {
        let check = |text: &str, expected: Option<(&str, i64, i64)>| {
            let found: Option<ItemId> = text.parse().ok();
            let expected = expected.map(|(reference, contact_key, sequence)| ItemId {
                reference: reference.into(),
                contact_key,
                sequence,
            });
            assert_eq!(found, expected, "{text}");
        };
        check("K7QM-17-2", Some(("K7QM", 17, 2)));
        check(" k7qm-17-2 ", Some(("K7QM", 17, 2)));
        check("K7QM-17", None);
        check("K7QM-17-2-3", None);
        check("K7QM-x-2", None);
        check("-17-2", None);
        check("K7'M-17-2", None);
        check("", None);
        let item = ItemId { reference: "K7QM".into(), contact_key: 17, sequence: 2 };
        assert_eq!(item.to_string().parse(), Ok(item));
    }
}
