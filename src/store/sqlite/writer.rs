//! The threads of the adapter: one that writes, in groups, and those that read.
//!
//! The writer drains what is queued into one transaction, gives each job a savepoint so that a failed one goes
//! back alone, commits once, and answers all of them after that. So a hundred settled deliveries cost one sync.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use crate::store::error::{OpenError, StoreError};

/// Jobs that wait for a thread; a caller beyond that waits itself.
const QUEUE: usize = 1024;
/// Jobs that share a commit.
const GROUP: usize = 256;

/// What a job came to before the commit, and how to tell its caller.
pub(super) struct Ran {
    failure: Option<StoreError>,
    answer: Box<dyn FnOnce(Result<(), StoreError>) + Send>,
}

/// One method of the seam, boxed. Without a connection it only learns why.
pub(super) type Work = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Ran + Send>;

/// Boxes a job together with the way back to its caller.
pub(super) fn work<T: Send + 'static>(
    job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
) -> (Work, oneshot::Receiver<Result<T, StoreError>>) {
    let (sender, receiver) = oneshot::channel();
    let work: Work = Box::new(move |connection| {
        let result = connection.and_then(job);
        Ran {
            failure: result.as_ref().err().cloned(),
            // A caller that has gone away does not need the answer.
            answer: Box::new(move |committed| drop(sender.send(committed.and(result)))),
        }
    });
    (work, receiver)
}

/// The way to the threads of one kind.
pub(super) struct Lane {
    sender: Mutex<Option<mpsc::Sender<Work>>>,
}

impl Lane {
    pub(super) fn new() -> (Lane, mpsc::Receiver<Work>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Lane { sender: Mutex::new(Some(sender)) }, receiver)
    }

    pub(super) async fn send(&self, work: Work) -> Result<(), StoreError> {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sender = sender.ok_or(StoreError::Closed)?;
        sender.send(work).await.map_err(|_| StoreError::Closed)
    }

    /// The threads end when they have done what is queued.
    pub(super) fn close(&self) {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Whether there was room for what was last written.
#[derive(Default)]
pub(super) struct Room(AtomicBool);

impl Room {
    pub(super) fn is_full(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// A commit that wrote nothing says nothing about the room there is.
    fn note(&self, committed: &Result<(), StoreError>, ran: &[Ran], rows_written: u64) {
        let is_full =
            committed == &Err(StoreError::Full) || ran.iter().any(|job| job.failure == Some(StoreError::Full));
        if is_full {
            self.0.store(true, Ordering::Relaxed);
        } else if committed.is_ok() && rows_written > 0 {
            self.0.store(false, Ordering::Relaxed);
        }
    }
}

type Report = Arc<watch::Sender<Option<String>>>;

fn start(name: &str, path: &Path, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(body).map_err(|source| OpenError::Io {
        path: path.to_owned(),
        doing: "start a thread for",
        source,
    })
}

pub(super) fn start_writer(
    connection: Connection,
    mut queue: mpsc::Receiver<Work>,
    report: Report,
    room: Arc<Room>,
    path: &Path,
) -> Result<JoinHandle<()>, OpenError> {
    start("store", path, move || {
        let alarm = Alarm(report);
        while let Some(first) = queue.blocking_recv() {
            let mut group = vec![first];
            while group.len() < GROUP
                && let Ok(next) = queue.try_recv()
            {
                group.push(next);
            }
            commit_group(&connection, group, &alarm.0, &room);
        }
        // Only housekeeping: the next opening reads the log just as well.
        drop(connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);"));
    })
}

pub(super) fn start_reader(
    connection: Connection,
    queue: Arc<Mutex<mpsc::Receiver<Work>>>,
    report: Report,
    path: &Path,
) -> Result<JoinHandle<()>, OpenError> {
    start("store-read", path, move || {
        let alarm = Alarm(report);
        loop {
            let next = match queue.lock() {
                Ok(mut queue) => queue.blocking_recv(),
                Err(_) => None,
            };
            let Some(work) = next else { break };
            run_read(&connection, work, &alarm.0);
        }
    })
}

/// Runs a group of jobs in one transaction; in a further one those that remain when SQLite has given one up.
fn commit_group(connection: &Connection, group: Vec<Work>, report: &Report, room: &Room) {
    let mut jobs = group.into_iter();
    while jobs.len() > 0 {
        let mut ran = Vec::with_capacity(jobs.len());
        let changes = connection.total_changes();
        let committed = match breakage(report) {
            Some(broken) => {
                ran.extend(jobs.by_ref().map(|job| job(Err(broken.clone()))));
                Err(broken)
            }
            None => run_group(connection, &mut jobs, &mut ran),
        };
        if let Err(error) = &committed {
            note_breakage(error, report);
        }
        room.note(&committed, &ran, connection.total_changes() - changes);
        roll_back(connection);
        for done in ran {
            (done.answer)(committed.clone());
        }
    }
}

fn run_group(
    connection: &Connection,
    jobs: &mut std::vec::IntoIter<Work>,
    ran: &mut Vec<Ran>,
) -> Result<(), StoreError> {
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        let error = StoreError::from(error);
        ran.extend(jobs.map(|job| job(Err(error.clone()))));
        return Err(error);
    }
    for job in jobs.by_ref() {
        connection.execute_batch("SAVEPOINT job")?;
        let done = job(Ok(connection));
        let failure = done.failure.clone();
        ran.push(done);
        match failure {
            None => connection.execute_batch("RELEASE job")?,
            // SQLite has rolled everything back itself, or nothing can be trusted any more.
            Some(error) if connection.is_autocommit() => return Err(error),
            Some(error @ StoreError::Broken(_)) => return Err(error),
            Some(_) => connection.execute_batch("ROLLBACK TO job; RELEASE job")?,
        }
    }
    Ok(connection.execute_batch("COMMIT")?)
}

fn run_read(connection: &Connection, work: Work, report: &Report) {
    let begun = match breakage(report) {
        Some(broken) => Err(broken),
        None => connection.execute_batch("BEGIN").map_err(StoreError::from),
    };
    let ran = work(begun.map(|()| connection));
    if let Some(error) = &ran.failure {
        note_breakage(error, report);
    }
    roll_back(connection);
    (ran.answer)(Ok(()));
}

/// Ends a transaction that is still open; after a commit there is none.
fn roll_back(connection: &Connection) {
    if !connection.is_autocommit() {
        // Nothing was committed either way: if this fails, the next BEGIN does and says so.
        drop(connection.execute_batch("ROLLBACK"));
    }
}

fn breakage(report: &Report) -> Option<StoreError> {
    report.borrow().clone().map(StoreError::Broken)
}

fn note_breakage(error: &StoreError, report: &Report) {
    match error {
        StoreError::Broken(how) => {
            report.send_if_modified(|known| match known {
                Some(_) => false,
                None => {
                    *known = Some(how.clone());
                    true
                }
            });
        }
        StoreError::Full | StoreError::Busy | StoreError::Fault(_) | StoreError::Closed => {}
    }
}

/// Reports the store as broken when its thread ends in a panic.
struct Alarm(Report);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.send_replace(Some("the store's thread has ended in a panic".to_owned()));
        }
    }
}
