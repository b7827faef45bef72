//! The epochs of daemons, and what the state says of itself.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::text::{Millis, execute, first, prepare};
use crate::domain::faults::{Fault, is_planted};
use crate::store::error::StoreError;

pub fn begin_epoch(connection: &Connection, node: String, now: Timestamp) -> Result<i64, StoreError> {
    let epoch =
        prepare(connection, "INSERT INTO epochs (node, started_at, renewed_at) VALUES ($1, $2, $2) RETURNING epoch")?
            .query_row(params![node, Millis(now)], |row| row.get(0))?;
    if is_planted(Fault::ClaimedIsLost) {
        return Ok(epoch);
    }
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
