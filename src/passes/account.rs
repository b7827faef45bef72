//! Our account at a relay: held when it is refused, probed, released.
//!
//! Holding is a row of the account, never a state of its deliveries. Deliberately absent: sending (`deliver`), and
//! whose fault a refused recipient is (`domain::refusals`).

use jiff::{SignedDuration, Timestamp};

use super::Shared;
use super::lanes::Lanes;
use crate::domain::client::Channel;
use crate::domain::delivery::{Cause, Outcome};
use crate::domain::operator::Thing;
use crate::store::StoreError;
use crate::store::rows::{HeldAccount, HeldFor, RefusedContact};

/// A held account is probed that often.
const PROBE_EVERY: SignedDuration = SignedDuration::from_mins(5);
/// A server that does not answer is asked again after the first wait, as long as it has not been held for the time
/// beside it.
const STEPS: [(SignedDuration, SignedDuration); 2] = [
    (SignedDuration::from_secs(30), SignedDuration::from_mins(2)),
    (SignedDuration::from_mins(2), SignedDuration::from_mins(10)),
];
/// So many messages in a row that found no server, and it is asked once a step, not once a message.
pub const UNREACHED: u32 = 5;

/// How long until a held account is probed next.
fn probe_after(cause: &Cause, held_for: SignedDuration) -> SignedDuration {
    let step = STEPS.iter().find(|(_, until)| held_for < *until).filter(|_| cause.is_of_the_connection());
    step.map_or(PROBE_EVERY, |(wait, _)| *wait)
}

/// Whether a channel may send now.
pub enum Gate {
    Open,
    /// Nothing is claimed until the next probe.
    Shut,
    /// The relay speaks with us again, but had refused recipient after recipient: one message shows whether it
    /// takes them now.
    Trial(HeldAccount),
}

/// Looks whether the account is held, and probes it when that is due.
pub async fn gate(shared: &Shared, channel: Channel, lanes: &mut Lanes) -> Result<Gate, StoreError> {
    let now = shared.clock.now();
    let held = shared.store.held_accounts().await?;
    let Some(account) = held.into_iter().find(|account| account.name == channel.as_str()) else {
        return Ok(Gate::Open);
    };
    if account.probe_at > now {
        return Ok(Gate::Shut);
    }
    match (lanes.probe(channel).await, account.why) {
        (Outcome::Delivered { .. }, HeldFor::Account) => {
            release(shared, channel).await?;
            lanes.begin_slowly();
            Ok(Gate::Open)
        }
        (Outcome::Delivered { .. }, HeldFor::Recipients) => Ok(Gate::Trial(account)),
        (
            Outcome::Deferred { cause, .. }
            | Outcome::Failed { cause }
            | Outcome::Uncertain { cause }
            | Outcome::AccountHeld { cause }
            | Outcome::Gone { cause },
            _,
        ) => {
            if cause != account.cause {
                tracing::warn!(channel = channel.as_str(), cause = %cause, "the held account is refused otherwise than before");
            }
            let held_for = now.duration_since(account.held_since);
            hold_until(shared, channel, cause.clone(), now + probe_after(&cause, held_for)).await?;
            Ok(Gate::Shut)
        }
    }
}

/// Nothing more is sent through the account until a probe succeeds.
pub async fn hold(shared: &Shared, channel: Channel, cause: Cause) -> Result<(), StoreError> {
    tell_the_operator(shared, channel, &cause);
    if cause.is_of_the_connection() {
        tracing::error!(channel = channel.as_str(), cause = %cause, "the server does not answer: nothing is sent on this channel until a probe succeeds");
    } else {
        tracing::error!(channel = channel.as_str(), cause = %cause, "our own account is refused: nothing is sent on this channel until a probe succeeds");
    }
    let probe_at = shared.clock.now() + probe_after(&cause, SignedDuration::ZERO);
    hold_until(shared, channel, cause, probe_at).await
}

/// The same for an account that is held already: the next probe is five minutes from now.
pub async fn hold_on(shared: &Shared, channel: Channel, cause: Cause) -> Result<(), StoreError> {
    let probe_at = shared.clock.now() + PROBE_EVERY;
    hold_until(shared, channel, cause, probe_at).await
}

async fn hold_until(shared: &Shared, channel: Channel, cause: Cause, probe_at: Timestamp) -> Result<(), StoreError> {
    let name = channel.as_str().to_owned();
    shared.store.hold_account(name, HeldFor::Account, cause, shared.clock.now(), probe_at).await
}

/// The relay refuses recipient after recipient: what failed so is put back.
pub async fn hold_for_recipients(
    shared: &Shared,
    channel: Channel,
    refused: Vec<RefusedContact>,
    cause: Cause,
) -> Result<(), StoreError> {
    let now = shared.clock.now();
    tell_the_operator(shared, channel, &cause);
    tracing::error!(channel = channel.as_str(), cause = %cause, "the relay refuses everybody: nothing is sent on this channel until it takes somebody again");
    let name = channel.as_str().to_owned();
    let put_back = shared.store.hold_for_recipients(name, refused, cause, now, now + PROBE_EVERY).await?;
    if put_back > 0 {
        tracing::info!(threads = put_back, "deliveries that had failed so before are put back");
    }
    Ok(())
}

fn tell_the_operator(shared: &Shared, channel: Channel, cause: &Cause) {
    shared.operator.tell(Thing::AccountHeld { channel: channel.as_str().to_owned() }, cause.to_string());
}

pub async fn release(shared: &Shared, channel: Channel) -> Result<(), StoreError> {
    if shared.store.release_account(channel.as_str().to_owned()).await? {
        tracing::info!(channel = channel.as_str(), "the account is accepted again: what waited for it is sent");
    }
    Ok(())
}

/// The cause of a hold for refused recipients: the last refusal's code and words.
pub fn recipients_refused(last: &Cause) -> Cause {
    let text = format!("recipients are refused one after the other and none accepted; the last: {}", last.text);
    Cause::new(&last.phase, last.code, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_does_not_answer_is_asked_sooner_than_one_that_refuses_us() {
        let silent = Cause::new("connect", None, "no answer in time");
        let refused = Cause::new("auth", Some(535), "no");
        for (cause, minutes, expected) in [
            (&silent, 0, 30),
            (&silent, 1, 30),
            (&silent, 2, 120),
            (&silent, 9, 120),
            (&silent, 10, 300),
            (&refused, 0, 300),
        ] {
            let wait = probe_after(cause, SignedDuration::from_mins(minutes));
            assert_eq!(wait, SignedDuration::from_secs(expected), "{cause} after {minutes} min");
        }
    }
}
