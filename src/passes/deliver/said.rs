//! What is said of an attempt that has come back: to the log, to the figures, and to our own side.
//!
//! Deliberately absent: any address, and what becomes of the thread.

use jiff::Timestamp;

use super::run::Run;
use crate::domain::client::masked;
use crate::domain::delivery::{After, Cause, Consequence, Outcome};
use crate::domain::operator::{self, Thing};
use crate::passes::settling::{End, Finished, outcome_word};

impl Run<'_> {
    fn tell_the_operator(&self, finished: &Finished, after: &After, cause: &Cause) {
        let claimed = &finished.claimed;
        let to = masked(self.channel, &claimed.contact.address);
        let line = format!("{}, {} {to}: {cause}", claimed.client.id, self.channel.as_str());
        let desk = &self.shared.operator;
        if after.consequence == Consequence::ContactGone {
            desk.tell(Thing::ContactGone, line);
        } else {
            desk.tell(Thing::NotDelivered { reference: finished.bundle.reference().to_owned() }, line);
        }
    }

    pub(super) fn tell_of(&mut self, finished: &Finished, after: &After, now: Timestamp) {
        let End::Tried(_, outcome) = &finished.end else { return };
        let reference = finished.bundle.reference();
        let thread = &finished.claimed.thread;
        let word = outcome_word(outcome);
        match outcome {
            Outcome::Delivered { .. } => {
                self.report.delivered += 1;
                if let Some(seen) = finished.bundle.made_at(thread.wanted) {
                    self.shared.metrics.seen_to_accepted(now.duration_since(seen).as_secs_f64().max(0.0));
                }
                tracing::debug!(
                    case.reference = reference,
                    contact = thread.contact_key,
                    sequence = thread.wanted,
                    "accepted"
                );
            }
            Outcome::Deferred { cause, .. }
            | Outcome::Failed { cause }
            | Outcome::Uncertain { cause }
            | Outcome::AccountHeld { cause }
            | Outcome::Gone { cause } => {
                if after.settled.is_some() {
                    self.report.failed += 1
                } else {
                    self.report.waiting += 1
                }
                if after.settled.is_some() && thread.client_id != operator::CLIENT {
                    self.tell_the_operator(finished, after, cause);
                }
                tracing::warn!(case.reference = reference, client = %thread.client_id, contact = thread.contact_key, sequence = thread.wanted, outcome = word, cause = %cause, "not accepted");
            }
        }
    }
}
