//! What came of a claimed thread, as the rows that settle it and the figures that count it.
//!
//! Deliberately absent: claiming and sending (`deliver`), and the rule of what follows (`domain::delivery`).

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Shared;
use super::message::{Bundle, Made};
use super::metrics;
use crate::domain::client::Channel;
use crate::domain::delivery::{self, After, Attempt, Cause, Certainty, Outcome, Policy, Settled};
use crate::domain::thread::Thread;
use crate::store::rows::{self, AttemptRow, Claimed, DeliveryRow, Settlement, ThreadKey};

/// A claimed thread that has come back from a lane.
pub struct Finished {
    pub claimed: Claimed,
    pub bundle: Arc<Bundle>,
    pub end: End,
}

pub enum End {
    /// We are stopping, or the account is held: given back as it was.
    NeverBegun,
    /// Another contact of the client has been told it up to that sequence, through that channel.
    ToldElsewhere {
        until: i64,
        by: Channel,
    },
    Tried(Made, Outcome),
}

impl Finished {
    pub fn key(&self) -> ThreadKey {
        key_of(&self.claimed)
    }

    /// Why it was not accepted, if it was tried.
    pub fn cause(&self) -> Option<&Cause> {
        match &self.end {
            End::Tried(
                _,
                Outcome::Deferred { cause, .. }
                | Outcome::Failed { cause }
                | Outcome::Uncertain { cause }
                | Outcome::AccountHeld { cause }
                | Outcome::Gone { cause },
            ) => Some(cause),
            End::Tried(_, Outcome::Delivered { .. }) | End::NeverBegun | End::ToldElsewhere { .. } => None,
        }
    }

    /// Why it was refused for good, if it was.
    pub fn refusal(&self) -> Option<&Cause> {
        match &self.end {
            End::Tried(_, Outcome::Failed { cause }) => Some(cause),
            End::Tried(
                _,
                Outcome::Delivered { .. }
                | Outcome::Deferred { .. }
                | Outcome::Uncertain { .. }
                | Outcome::AccountHeld { .. }
                | Outcome::Gone { .. },
            )
            | End::NeverBegun
            | End::ToldElsewhere { .. } => None,
        }
    }

    pub fn was_accepted(&self) -> bool {
        matches!(&self.end, End::Tried(_, Outcome::Delivered { .. }))
    }

    /// What follows, and the rows that say so.
    pub fn settled(&self, shared: &Shared, now: Timestamp) -> Option<(After, Settlement)> {
        let thread = &self.claimed.thread;
        let (after, tried) = match &self.end {
            End::NeverBegun => return None,
            End::ToldElsewhere { until, by } => (delivery::told_elsewhere(thread, *until, *by, now), None),
            End::Tried(made, outcome) => (after_attempt(shared, thread, made, outcome, now), Some((made, outcome))),
        };
        let settlement = settlement(thread, tried, after.clone(), now);
        Some((after, settlement))
    }

    /// Counts a settled range with the changes that were folded into it.
    pub fn count(&self, shared: &Shared, settlement: &Settlement) {
        let Some(row) = &settlement.delivery else { return };
        let channel = self.claimed.thread.channel;
        let outcome = match row.state {
            rows::Settled::Delivered => metrics::Settled::Delivered,
            rows::Settled::Failed => metrics::Settled::Failed,
            rows::Settled::Cancelled => metrics::Settled::Cancelled,
        };
        shared.metrics.settled(channel, outcome, 1);
        let folded = self.bundle.planned_between(row.from_sequence.max(self.claimed.entered - 1), row.to_sequence);
        shared.metrics.settled(channel, metrics::Settled::Superseded, folded);
    }
}

pub fn key_of(claimed: &Claimed) -> ThreadKey {
    ThreadKey { case_key: claimed.thread.case_key, contact_key: claimed.thread.contact_key }
}

fn after_attempt(shared: &Shared, thread: &Thread, made: &Made, outcome: &Outcome, now: Timestamp) -> After {
    let current = shared.current.load();
    let policy = match thread.channel {
        Channel::Email => {
            current.settings.email.as_ref().map(|email| Policy { retry: email.retry.clone(), give_up: email.give_up })
        }
        Channel::Webhook => {
            Some(Policy { retry: current.settings.webhook.retry.clone(), give_up: current.settings.webhook.give_up })
        }
    };
    let policy = policy.unwrap_or(Policy { retry: Vec::new(), give_up: Duration::from_secs(72 * 3600) });
    let attempt = Attempt { thread, until: thread.wanted, asks: made.asks, key: &made.key, outcome };
    delivery::after(&attempt, &policy, now)
}

/// The rows for a thread as it was, and as it is to be; `tried`: the attempt, if one was made.
pub fn settlement(before: &Thread, tried: Option<(&Made, &Outcome)>, after: After, now: Timestamp) -> Settlement {
    let key = tried.map(|(made, _)| made.key.clone()).filter(|key| !key.is_empty());
    let row = |to_sequence, state, receipt, cause, uncertain| DeliveryRow {
        from_sequence: before.told,
        to_sequence,
        variant: before.variant,
        state,
        uncertain,
        attempts: before.attempts + i64::from(tried.is_some()),
        planned_at: before.since.unwrap_or(now),
        settled_at: now,
        receipt,
        cause,
        key: key.clone(),
    };
    let delivery = after.settled.as_ref().map(|settled| match settled {
        Settled::Delivered { receipt } => {
            row(before.wanted, rows::Settled::Delivered, Some(receipt.clone()), None, false)
        }
        Settled::Failed { cause, uncertain } => {
            let uncertain = *uncertain == Certainty::Uncertain;
            row(before.wanted, rows::Settled::Failed, None, Some(cause.clone()), uncertain)
        }
        Settled::Cancelled { cause } => {
            // What was told elsewhere reaches only so far; a contact that is gone has lost the whole range.
            let to_sequence = if after.thread.told > before.told { after.thread.told } else { before.wanted };
            row(to_sequence, rows::Settled::Cancelled, None, Some(cause.clone()), before.uncertain)
        }
    });
    let attempt = after.failure.as_ref().map(|cause| AttemptRow {
        to_sequence: before.wanted,
        attempt: before.attempts + 1,
        at: now,
        outcome: tried.map_or("cancelled", |(_, outcome)| outcome_word(outcome)).to_owned(),
        cause: cause.clone(),
    });
    let promised = tried.and_then(|(made, _)| made.promised);
    Settlement { after: after.thread, claim_to: before.wanted, delivery, attempt, promised }
}

pub fn outcome_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered { .. } => "delivered",
        Outcome::Deferred { .. } => "deferred",
        Outcome::Failed { .. } => "failed",
        Outcome::Uncertain { .. } => "uncertain",
        Outcome::AccountHeld { .. } => "held",
        Outcome::Gone { .. } => "gone",
    }
}
