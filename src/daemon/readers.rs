//! Reads each due feed in a task of its own: a source that hangs holds up neither the others nor the watchdog.
//!
//! Deliberately absent: what a reading does (`passes::poll`). A feed is never read twice at the same time.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::repeat::Found;
use crate::feed::fetch::FeedClient;
use crate::passes::{Shared, poll};
use crate::store::StoreError;

/// Feeds that are read at the same time; each may hold documents of 5 MiB.
const AT_ONCE: usize = 32;
/// After a fault of the store a feed is read again no sooner.
const AFTER_FAULT: Duration = Duration::from_secs(1);

/// The readings under way.
pub struct Readers {
    pub shared: Shared,
    pub client: FeedClient,
    pub tasks: TaskTracker,
    pub stop: CancellationToken,
    places: Arc<Semaphore>,
    under_way: Arc<Mutex<BTreeSet<String>>>,
}

impl Readers {
    pub fn new(shared: Shared, client: FeedClient, tasks: TaskTracker, stop: CancellationToken) -> Readers {
        Readers { shared, client, tasks, stop, places: Arc::new(Semaphore::new(AT_ONCE)), under_way: Arc::default() }
    }

    /// Begins to read every feed that is due and not being read.
    ///
    /// # Errors
    /// The store failed; that of a single reading is logged, and the feed is read again.
    pub async fn begin_due(&self) -> Result<Found, StoreError> {
        for name in poll::due(&self.shared, self.shared.clock.now()).await? {
            let Some(turn) = Turn::take(&self.under_way, &name) else { continue };
            let (shared, client, places) = (self.shared.clone(), self.client.clone(), self.places.clone());
            let stop = self.stop.clone();
            self.tasks.spawn(async move {
                let reading = async {
                    let _place = places.acquire().await.expect("the semaphore is never closed");
                    let read = poll::read_feed(&shared, &client, &turn.feed, shared.clock.now()).await;
                    shared.reported.stored(&turn.feed, read.as_ref().err());
                    if read.is_err() {
                        tokio::time::sleep(AFTER_FAULT).await;
                    }
                };
                // Cut at a stop: what is not committed is read again after the next start.
                stop.run_until_cancelled(reading).await;
                drop(turn);
            });
        }
        Ok(Found::Nothing)
    }
}

/// The right to read one feed, given back when it is dropped.
struct Turn {
    feed: String,
    under_way: Arc<Mutex<BTreeSet<String>>>,
}

impl Turn {
    fn take(under_way: &Arc<Mutex<BTreeSet<String>>>, feed: &str) -> Option<Turn> {
        let is_free = under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(feed.to_owned());
        is_free.then(|| Turn { feed: feed.to_owned(), under_way: under_way.clone() })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.feed);
    }
}
