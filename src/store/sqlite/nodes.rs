//! The epochs of daemons, and accounts of ours that are held.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::text::{Millis, document, execute, first, json, prepare, rows, time};
use crate::domain::delivery::Cause;
use crate::store::error::StoreError;
use crate::store::rows::HeldAccount;

pub fn begin_epoch(connection: &Connection, node: String, now: Timestamp) -> Result<i64, StoreError> {
    let epoch =
        prepare(connection, "INSERT INTO epochs (node, started_at, renewed_at) VALUES ($1, $2, $2) RETURNING epoch")?
            .query_row(params![node, Millis(now)], |row| row.get(0))?;
    execute(
        connection,
        "UPDATE threads SET uncertain = 1, due_at = $1, raised_since = NULL, raised_due_at = NULL,
            claim_epoch = NULL, claim_from = NULL, claim_to = NULL, claim_variant = NULL, claimed_at = NULL
         WHERE claim_epoch IS NOT NULL",
        params![Millis(now)],
    )?;
    execute(connection, "DELETE FROM epochs WHERE epoch < $1 - 100", params![epoch])?;
    Ok(epoch)
}

pub fn renew_epoch(connection: &Connection, epoch: i64, now: Timestamp) -> Result<bool, StoreError> {
    let renewed = execute(
        connection,
        "UPDATE epochs SET renewed_at = CASE WHEN renewed_at < $2 THEN $2 ELSE renewed_at END
         WHERE epoch = $1 AND epoch = (SELECT max(epoch) FROM epochs)",
        params![epoch, Millis(now)],
    )?;
    Ok(renewed > 0)
}

pub fn hold_account(
    connection: &Connection,
    name: String,
    cause: Cause,
    now: Timestamp,
    probe_at: Timestamp,
) -> Result<(), StoreError> {
    execute(
        connection,
        "INSERT INTO accounts (name, held_since, cause, probe_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET cause = excluded.cause, probe_at = excluded.probe_at",
        params![name, Millis(now), json(&cause)?, Millis(probe_at)],
    )
    .map(drop)
}

pub fn held_accounts(connection: &Connection) -> Result<Vec<HeldAccount>, StoreError> {
    rows(connection, "SELECT name, held_since, cause, probe_at FROM accounts ORDER BY name", [], |row| {
        Ok(HeldAccount {
            name: row.get(0)?,
            held_since: time(row, 1)?,
            cause: document(row, 2)?,
            probe_at: time(row, 3)?,
        })
    })
}

pub fn release_account(connection: &Connection, name: String) -> Result<bool, StoreError> {
    Ok(execute(connection, "DELETE FROM accounts WHERE name = $1", params![name])? > 0)
}

/// A value of `meta`.
pub(super) fn meta(connection: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    first(connection, "SELECT value FROM meta WHERE name = $1", params![name], |row| row.get(0))
}

pub(super) fn set_meta(connection: &Connection, name: &str, value: &str) -> Result<(), StoreError> {
    execute(
        connection,
        "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        params![name, value],
    )
    .map(drop)
}
