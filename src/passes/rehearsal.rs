//! What takes the place of sending under `deliver = "rehearse"`: what waits is settled as rehearsed.
//!
//! Whoever was told something before the rehearsal keeps waiting, so that its end is not lost. Deliberately absent:
//! the operator's copies.

use super::Shared;
use super::metrics::Settled;
use super::settling::settlement;
use crate::config::settings::Deliver;
use crate::domain::client::Channel;
use crate::domain::delivery;
use crate::store::StoreError;

/// Threads settled in one transaction.
const BATCH: i64 = 500;

/// Whether nothing may be sent to anybody.
pub fn is_on(shared: &Shared) -> bool {
    shared.current.load().settings.deliver == Deliver::Rehearse
}

/// Settles what waits on one channel for contacts that have never been told, due or not: what was rehearsed is never
/// sent. How many threads.
pub async fn settle(shared: &Shared, channel: Channel) -> Result<usize, StoreError> {
    let now = shared.clock.now();
    let mut rehearsed = 0;
    loop {
        let threads = shared.store.unsent_and_never_told(channel, BATCH).await?;
        let settlements = threads.iter().map(|thread| settlement(thread, None, delivery::rehearsed(thread), now));
        let settled = shared.store.settle_unclaimed(settlements.collect()).await?;
        // What was raised meanwhile is left to the next pass.
        let Some(settled) = usize::try_from(settled).ok().filter(|settled| *settled > 0) else { break };
        shared.metrics.settled(channel, Settled::Cancelled, u64::try_from(settled).unwrap_or(u64::MAX));
        rehearsed += settled;
    }
    if rehearsed > 0 {
        tracing::info!(channel = channel.as_str(), deliveries = rehearsed, "rehearsed, not sent");
        shared.wakes.keep.notify_one();
    }
    Ok(rehearsed)
}

/// Says how many wait who were told something before the rehearsal.
pub async fn say_who_waits(shared: &Shared) {
    match shared.store.unsent_and_told_before().await {
        Ok(0) => {}
        Ok(waiting) => tracing::warn!(
            deliveries = waiting,
            "in rehearsal: what these are to be told next waits until `deliver` is live again"
        ),
        Err(error) => tracing::error!(error = %error, "who waits could not be counted"),
    }
}
