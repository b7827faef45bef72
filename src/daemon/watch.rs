//! A file that is put into the folder of a feed is read at once, not at the next interval.
//!
//! Deliberately absent: reading. A watch only makes its feed due and wakes the pass; a folder that cannot be
//! watched is looked at each interval all the same.

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::reload;
use crate::config::settings::FeedKind;
use crate::feed::file::FolderWatch;
use crate::passes::Shared;

/// The watches of the feeds as they are configured now.
pub struct Watches {
    shared: Shared,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Ends the watches that stand.
    standing: CancellationToken,
}

impl Watches {
    /// Watches every folder of the settings until `stop`.
    pub fn start(tasks: &TaskTracker, shared: &Shared, stop: &CancellationToken) -> Watches {
        let (shared, tasks, stop) = (shared.clone(), tasks.clone(), stop.clone());
        let mut watches = Watches { shared, tasks, standing: stop.child_token(), stop };
        watches.renew();
        watches
    }

    /// SIGHUP: reads the files anew, and watches the folders that they name now.
    pub async fn reload(&mut self, config: &Path) {
        reload::reload(&self.shared, config).await;
        self.renew();
    }

    /// Watches the folders that the settings name now, and no others.
    fn renew(&mut self) {
        self.standing.cancel();
        self.standing = self.stop.child_token();
        let current = self.shared.current.load_full();
        for feed in &current.settings.feeds {
            let FeedKind::File { path } = &feed.kind else { continue };
            match FolderWatch::start(path) {
                Ok(watch) => self.follow(feed.name.clone(), watch),
                Err(error) => tracing::warn!(
                    feed = %feed.name, error = %format!("{error:#}"), "cannot be watched; it is looked at each interval"
                ),
            }
        }
    }

    fn follow(&self, feed: String, watch: FolderWatch) {
        let (shared, stop) = (self.shared.clone(), self.standing.clone());
        self.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = watch.changed() => {}
                }
                let now = shared.clock.now();
                match shared.store.poke_feed(feed.clone(), now, Duration::ZERO).await {
                    Ok(_) => shared.wakes.ingest.notify_one(),
                    Err(error) => tracing::warn!(feed = %feed, error = %error, "could not be made due"),
                }
            }
        });
    }
}
