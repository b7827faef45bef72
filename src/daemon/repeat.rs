//! Repeats a pass: at its timer, when it is woken, until it is told to stop.
//!
//! Deliberately absent: what a pass does. A fault of the store is logged and tried again; a broken store ends
//! the daemon (`run.rs`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::store::StoreError;

/// After a fault of the store a pass waits that long.
const AFTER_FAULT: Duration = Duration::from_secs(1);

/// What a pass found to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// There may be more: at once again.
    Work,
    Nothing,
}

/// Counts the rounds of each pass, so that the watchdog sees whether all of them move.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Progress {
    pub fn beat(&self, pass: &'static str) {
        if let Ok(mut rounds) = self.0.lock() {
            *rounds.entry(pass).or_default() += 1;
        }
    }

    pub fn rounds(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().map(|rounds| rounds.clone()).unwrap_or_default()
    }
}

/// One repeated pass.
pub struct Repeat<'a> {
    pub name: &'static str,
    /// Without a wake-up, again after that long: another process may have written.
    pub every: Duration,
    pub wake: &'a Notify,
    pub stop: &'a CancellationToken,
    pub progress: &'a Progress,
}

impl Repeat<'_> {
    pub async fn run<F>(&self, mut pass: impl FnMut() -> F)
    where
        F: Future<Output = Result<Found, StoreError>>,
    {
        while !self.stop.is_cancelled() {
            self.progress.beat(self.name);
            let wait = match pass().await {
                Ok(Found::Work) => continue,
                Ok(Found::Nothing) => self.every,
                Err(error) => {
                    tracing::error!(pass = self.name, error = %error, "the pass was not finished; it is tried again");
                    AFTER_FAULT
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}
