//! The tables, as numbered steps that are embedded in the program and applied once, in order, in one transaction.
//! A step that has been released is never edited: its checksum is kept beside it.

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};
use std::path::Path;

use super::text::Millis;
use crate::store::error::{OpenError, StoreError};

/// Step 1 is the first; a step is never taken back.
const STEPS: &[&str] = &[
    include_str!("migrations/0001_first_tables.sql"),
    include_str!("migrations/0002_refusals.sql"),
    include_str!("migrations/0003_news_during_planning.sql"),
    include_str!("migrations/0004_promises.sql"),
    include_str!("migrations/0005_several_sources.sql"),
];

/// `CAND`: what `file` and we ourselves know our files by.
pub(super) const APPLICATION_ID: i64 = 0x4341_4e44;

/// How the tables of a file compare with those this program knows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// Nothing has been applied yet.
    Empty,
    Older,
    Current,
}

/// Compares without changing anything.
pub(super) fn age(connection: &Connection, path: &Path) -> Result<Age, OpenError> {
    let store = |error: rusqlite::Error| OpenError::Store { path: path.to_owned(), source: error.into() };
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(store)?;
    let known = step_number(STEPS.len());
    if found > known {
        return Err(OpenError::Newer { path: path.to_owned(), found, known });
    }
    if found == 0 {
        return Ok(Age::Empty);
    }
    let mut applied = connection.prepare("SELECT number, checksum FROM migrations ORDER BY number").map_err(store)?;
    let applied = applied.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))).map_err(store)?;
    for (step, applied) in STEPS.iter().zip(applied) {
        let (number, kept) = applied.map_err(store)?;
        if kept != checksum(step) {
            return Err(OpenError::OtherHistory { path: path.to_owned(), number });
        }
    }
    Ok(if found < known { Age::Older } else { Age::Current })
}

/// Applies the steps that are missing. `state_id` is kept if the state is new.
pub(super) fn migrate(connection: &Connection, state_id: &str, now: Timestamp) -> Result<(), StoreError> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let applied = apply(connection, state_id, now).and_then(|()| Ok(connection.execute_batch("COMMIT")?));
    if applied.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    applied
}

fn apply(connection: &Connection, state_id: &str, now: Timestamp) -> Result<(), StoreError> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (
            number INTEGER PRIMARY KEY, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL
         ) STRICT",
    )?;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (position, step) in STEPS.iter().enumerate() {
        let number = step_number(position + 1);
        if number <= found {
            continue;
        }
        connection.execute_batch(step)?;
        connection.execute(
            "INSERT INTO migrations (number, checksum, applied_at) VALUES (?1, ?2, ?3)",
            params![number, checksum(step), Millis(now)],
        )?;
    }
    connection.pragma_update(None, "user_version", step_number(STEPS.len()))?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.execute(
        "INSERT INTO meta (name, value) VALUES ('state_id', ?1) ON CONFLICT (name) DO NOTHING",
        params![state_id],
    )?;
    Ok(())
}

fn checksum(step: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(step.as_bytes()))
}

fn step_number(count: usize) -> i64 {
    i64::try_from(count).expect("a handful of steps")
}
