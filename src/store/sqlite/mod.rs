//! The SQLite adapter: one file, one writer on its own thread, two readers beside it.
//!
//! [`writer`] commits in groups, [`open`] makes the file and checks what SQLite promises, [`migrate`] brings its
//! tables up to date; the other files hold the methods of the seam by subject, each a plain function over a
//! connection inside a transaction. Statements are written with `$1` as PostgreSQL has them; [`text`] makes
//! SQLite's form. Deliberately absent: any decision.

pub(super) mod accounts;
pub(super) mod book;
pub(super) mod cases;
pub(super) mod chunk;
pub(super) mod delivery;
pub(super) mod fallback;
pub(super) mod feeds;
pub(super) mod ledger;
mod migrate;
pub(super) mod names;
pub(super) mod nodes;
mod open;
pub(super) mod planning;
pub(super) mod promises;
pub(super) mod retention;
#[cfg(test)]
mod tests;
mod text;
mod thread;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::{Mutex, watch};

use super::error::{OpenError, StoreError};
pub(super) use open::{make_folder, private_file};
use writer::{Lane, Room, Work, work};

/// Another process (the CLI beside the daemon) may hold the file for that long.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const READERS: usize = 2;

/// Whether a state that is not there is made.
#[derive(Debug, Clone, Copy)]
pub enum Creation<'a> {
    IfMissing { state_id: &'a str, now: Timestamp },
    Never,
}

/// The threads and the queues to them.
pub struct SqliteStore {
    state_id: String,
    writes: Lane,
    reads: Lane,
    broken: watch::Receiver<Option<String>>,
    room: Arc<Room>,
    threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
}

impl SqliteStore {
    pub fn open(path: &Path, creation: Creation<'_>) -> Result<SqliteStore, OpenError> {
        let (writing, state_id) = open::open(path, creation)?;
        let (report, broken) = watch::channel(None);
        let report = Arc::new(report);
        let room = Arc::new(Room::default());
        let (writes, queue) = Lane::new();
        let mut threads = vec![writer::start_writer(writing, queue, Arc::clone(&report), Arc::clone(&room), path)?];
        let (reads, queue) = Lane::new();
        let queue = Arc::new(std::sync::Mutex::new(queue));
        for _ in 0..READERS {
            let reading = open::open_reader(path)?;
            threads.push(writer::start_reader(reading, Arc::clone(&queue), Arc::clone(&report), path)?);
        }
        Ok(SqliteStore { state_id, writes, reads, broken, room, threads: Mutex::new(threads) })
    }

    pub fn state_id(&self) -> &str {
        &self.state_id
    }

    /// Runs `job` in a savepoint of the writer's next transaction; answers after its commit.
    pub async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(&self.writes, work(job)).await
    }

    /// Runs `job` in a read transaction of its own, beside the writer.
    pub async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(&self.reads, work(job)).await
    }

    async fn run<T>(
        &self,
        lane: &Lane,
        (work, answer): (Work, tokio::sync::oneshot::Receiver<Result<T, StoreError>>),
    ) -> Result<T, StoreError> {
        if let Some(how) = &*self.broken.borrow() {
            return Err(StoreError::Broken(how.clone()));
        }
        lane.send(work).await?;
        match answer.await {
            Ok(result) => result,
            // The thread is gone or has dropped the job unanswered.
            Err(_) => Err(self.broken.borrow().clone().map_or(StoreError::Closed, StoreError::Broken)),
        }
    }

    pub fn is_broken(&self) -> bool {
        self.broken.borrow().is_some()
    }

    pub fn is_full(&self) -> bool {
        self.room.is_full()
    }

    pub async fn broken(&self) -> String {
        let mut broken = self.broken.clone();
        let how = broken.wait_for(Option::is_some).await.ok().map(|how| how.clone().unwrap_or_default());
        match how {
            Some(how) => how,
            // Closed in good order: it can no longer break.
            None => std::future::pending().await,
        }
    }

    pub async fn close(&self) {
        self.reads.close();
        self.writes.close();
        let threads = std::mem::take(&mut *self.threads.lock().await);
        let joined = tokio::task::spawn_blocking(move || {
            // All of them, whatever the first came to.
            let panics = threads.into_iter().filter_map(|thread| thread.join().err()).count();
            panics == 0
        });
        if !matches!(joined.await, Ok(true)) {
            tracing::error!("a thread of the store ended in a panic");
        }
    }
}
