//! Accounts of ours that are held, and the refusals from which it is seen whose fault they are.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::cases::FAILED_THREADS;
use super::ledger::put_back;
use super::text::{Millis, document, execute, json, rows, time, word};
use crate::domain::delivery::Cause;
use crate::domain::refusals::Standing;
use crate::store::error::StoreError;
use crate::store::rows::{HeldAccount, HeldFor, RefusedContact, ThreadKey};

pub fn hold_account(
    connection: &Connection,
    name: String,
    why: HeldFor,
    cause: Cause,
    now: Timestamp,
    probe_at: Timestamp,
) -> Result<(), StoreError> {
    execute(
        connection,
        "INSERT INTO accounts (name, why, held_since, cause, probe_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (name) DO UPDATE SET cause = excluded.cause, probe_at = excluded.probe_at",
        params![name, why.as_str(), Millis(now), json(&cause)?, Millis(probe_at)],
    )
    .map(drop)
}

pub fn hold_for_recipients(
    connection: &Connection,
    name: String,
    refused: Vec<RefusedContact>,
    cause: Cause,
    now: Timestamp,
    probe_at: Timestamp,
) -> Result<i64, StoreError> {
    note_refusals(connection, name.clone(), refused, now)?;
    let failed_since = format!(
        "SELECT threads.case_key, threads.contact_key FROM {FAILED_THREADS} CROSS JOIN refusals AS r
         WHERE threads.state = 'failed' AND r.contact_key = threads.contact_key
           AND r.account = $1 AND r.standing = 'suspected'
           AND EXISTS (SELECT 1 FROM deliveries AS d
                       WHERE d.case_key = threads.case_key AND d.contact_key = threads.contact_key
                         AND d.state = 'failed' AND d.settled_at >= r.since)"
    );
    let keys = rows(connection, &failed_since, params![name], |row| {
        Ok(ThreadKey { case_key: row.get(0)?, contact_key: row.get(1)? })
    })?;
    for key in &keys {
        put_back(connection, *key, now)?;
    }
    clear_suspicion(connection, name.clone())?;
    hold_account(connection, name, HeldFor::Recipients, cause, now, probe_at)?;
    Ok(i64::try_from(keys.len()).unwrap_or(i64::MAX))
}

pub fn held_accounts(connection: &Connection) -> Result<Vec<HeldAccount>, StoreError> {
    rows(connection, "SELECT name, why, held_since, cause, probe_at FROM accounts ORDER BY name", [], |row| {
        Ok(HeldAccount {
            name: row.get(0)?,
            why: word(row, 1, HeldFor::from_word)?,
            held_since: time(row, 2)?,
            cause: document(row, 3)?,
            probe_at: time(row, 4)?,
        })
    })
}

pub fn release_account(connection: &Connection, name: String) -> Result<bool, StoreError> {
    Ok(execute(connection, "DELETE FROM accounts WHERE name = $1", params![name])? > 0)
}

pub fn probe_held_accounts(connection: &Connection, at: Timestamp) -> Result<i64, StoreError> {
    execute(connection, "UPDATE accounts SET probe_at = $1 WHERE probe_at > $1", params![Millis(at)])
}

pub fn suspected_contacts(connection: &Connection, account: String) -> Result<Vec<i64>, StoreError> {
    rows(
        connection,
        "SELECT contact_key FROM refusals WHERE account = $1 AND standing = 'suspected' ORDER BY contact_key",
        params![account],
        |row| row.get(0),
    )
}

pub fn note_refusals(
    connection: &Connection,
    account: String,
    refused: Vec<RefusedContact>,
    now: Timestamp,
) -> Result<(), StoreError> {
    for RefusedContact { contact_key, refused } in refused {
        execute(
            connection,
            "INSERT INTO refusals (contact_key, account, code, standing, since) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (contact_key) DO UPDATE
             SET account = excluded.account, code = excluded.code, standing = excluded.standing,
                 since = CASE WHEN refusals.standing = excluded.standing THEN refusals.since ELSE excluded.since END",
            params![contact_key, account, refused.code, refused.standing.as_str(), Millis(now)],
        )?;
    }
    Ok(())
}

pub fn clear_suspicion(connection: &Connection, account: String) -> Result<i64, StoreError> {
    execute(
        connection,
        "UPDATE refusals SET standing = $2 WHERE account = $1 AND standing = 'suspected'",
        params![account, Standing::Known.as_str()],
    )
}

/// Whoever is accepted has not been refused.
pub(super) fn forget_refusal(connection: &Connection, contact_key: i64) -> Result<(), StoreError> {
    execute(connection, "DELETE FROM refusals WHERE contact_key = $1", params![contact_key]).map(drop)
}
