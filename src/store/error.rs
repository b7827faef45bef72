//! What can go wrong with the store itself. A conflict between two writers is no error but a value
//! ([`super::rows::Recorded`]). No message holds a row's content.

use std::path::PathBuf;

/// Why a method of the store did not do its work. Nothing of it has been written then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// What was there is kept; the same call may succeed once there is room.
    #[error("no room left on the disk (or in the quota) that holds the state")]
    Full,
    /// Another process has held the file for longer than we wait.
    #[error("the state has been locked by another process for more than 10 seconds")]
    Busy,
    /// A write or a sync has failed, or the file is damaged: what is on disk can no longer be known. The
    /// process must end; the next start reads what is there.
    #[error("the state can no longer be written safely: {0}")]
    Broken(String),
    /// A statement or a row that this program should never have made or met.
    #[error("the state refused or returned something unexpected: {0}")]
    Fault(String),
    #[error("the store has been closed")]
    Closed,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::FileLockingProtocolFailed,
            ) => StoreError::Broken(error.to_string()),
            Some(_) | None => StoreError::Fault(error.to_string()),
        }
    }
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("there is no state at {}; the daemon makes it when it starts", .path.display())]
    Missing { path: PathBuf },
    #[error("{} is {found}; `state` must name a file that candor may create or has created", .path.display())]
    NotAFile { path: PathBuf, found: &'static str },
    #[error("{} belongs to another program ({what}); `state` must name a file that candor may create or has created", .path.display())]
    Foreign { path: PathBuf, what: String },
    #[error(
        "{} was written by a newer candor (its tables are at {found}, this program knows {known}); install that version, or restore the state from before the upgrade",
        .path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    /// Only where nothing may be changed: the daemon brings the tables up to date.
    #[error("{} was written by an older candor; start this version's daemon once, it brings the state up to date", .path.display())]
    Older { path: PathBuf },
    #[error("{}: migration {number} is not the one this program has; the file was made by a build that was never released", .path.display())]
    OtherHistory { path: PathBuf, number: i64 },
    #[error("{}: asked for {pragma} = {asked}, SQLite says {found}; without it what is acknowledged could be lost", .path.display())]
    Weakened { path: PathBuf, pragma: &'static str, asked: &'static str, found: String },
    #[error("cannot {doing} {}: {source}", .path.display())]
    Io { path: PathBuf, doing: &'static str, source: std::io::Error },
    #[error("cannot open the state {}: {source}", .path.display())]
    Store { path: PathBuf, source: StoreError },
}
