//! A wake-up when something in a file feed's folder changes. It carries no data: the poll finds what is new,
//! and finds it without any wake-up too, one interval later.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// A burst of changes is over when nothing has changed for this long…
const QUIET: Duration = Duration::from_millis(100);
/// …or when it has gone on for this often that time.
const LONGEST_BURST: u32 = 10;

/// Watches one folder as long as it lives.
#[derive(Debug)]
pub struct FolderWatch {
    changed: Arc<Notify>,
    /// Ends the watch when it is dropped.
    _watcher: RecommendedWatcher,
}

impl FolderWatch {
    /// Watches `path`, or the folder in which it lies when it is a file or does not exist yet.
    ///
    /// # Errors
    /// When the folder does not exist, or the system gives no more watches (`fs.inotify.max_user_watches`).
    pub fn start(path: &Path) -> anyhow::Result<FolderWatch> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = if path.is_dir() { path } else { parent };
        let changed = Arc::new(Notify::new());
        let wake = changed.clone();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.map_or(true, |event| may_matter(event.kind)) {
                wake.notify_one();
            }
        })
        .context("starting to watch files")?;
        watcher
            .watch(folder, RecursiveMode::NonRecursive)
            .with_context(|| format!("watching the folder {}", folder.display()))?;
        Ok(FolderWatch { changed, _watcher: watcher })
    }

    /// Returns once something has changed and a burst of changes is over; at once for what changed before the
    /// call and was not waited for.
    pub async fn changed(&self) {
        self.changed.notified().await;
        for _ in 0..LONGEST_BURST {
            if tokio::time::timeout(QUIET, self.changed.notified()).await.is_err() {
                return;
            }
        }
    }
}

/// Whether an event may mean a new or changed file. Opening and reading one must not: we do that ourselves.
fn may_matter(kind: EventKind) -> bool {
    use notify::event::{AccessKind, AccessMode};
    match kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Other => true,
    }
}
