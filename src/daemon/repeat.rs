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
        // What was said last: a full disk would otherwise be said every second.
        let mut fault: Option<StoreError> = None;
        while !self.stop.is_cancelled() {
            self.progress.beat(self.name);
            let found = pass().await;
            if let (Ok(_), Some(over)) = (&found, &fault) {
                tracing::info!(pass = self.name, error = %over, "the pass goes on again");
                fault = None;
            }
            let wait = match found {
                Ok(Found::Work) => continue,
                Ok(Found::Nothing) => self.every,
                Err(error) => {
                    if fault.as_ref() != Some(&error) {
                        tracing::error!(pass = self.name, error = %error, "the pass was not finished; it is tried again");
                    }
                    fault = Some(error);
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
