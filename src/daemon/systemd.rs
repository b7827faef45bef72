//! Talks to the service manager: ready, reloading, stopping, and the watchdog as long as the passes move.
//!
//! Without `$NOTIFY_SOCKET` every word goes nowhere. Deliberately absent: a private notion of health; the
//! watchdog is fed only while every pass that has to move has moved.

use std::collections::BTreeMap;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use super::repeat::Progress;

pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(error = %error, "the service manager could not be told");
    }
}

/// Feeds the watchdog every half of its time, as long as each pass has begun a new round since.
pub async fn watchdog(progress: &Progress, stop: &CancellationToken) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    let half = (limit / 2).max(Duration::from_millis(100));
    let mut before: BTreeMap<&'static str, u64> = BTreeMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(half) => {}
        }
        let rounds = progress.rounds();
        let stuck: Vec<&str> =
            rounds.iter().filter(|(pass, round)| before.get(*pass) == Some(round)).map(|(pass, _)| *pass).collect();
        if stuck.is_empty() {
            tell(&[NotifyState::Watchdog]);
        } else {
            tracing::error!(passes = ?stuck, "a pass does not move; the watchdog is not fed");
        }
        before = rounds;
    }
}
