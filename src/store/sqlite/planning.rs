//! From a change to the threads it raises.

use std::collections::HashMap;

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use super::cases::{has_version, update_case};
use super::text::{Millis, document, execute, first, json, optional_time, prepare, rows};
use crate::domain::thread::Variant;
use crate::store::error::StoreError;
use crate::store::rows::{DueChange, Episode, Progress, Raise, Raising, Recorded, Waiting};

pub fn due_changes(connection: &Connection, now: Timestamp, limit: i64) -> Result<Vec<DueChange>, StoreError> {
    rows(
        connection,
        "SELECT case_key, sequence, progress FROM changes WHERE planned_at IS NULL AND due_at <= $1
         ORDER BY due_at, case_key, sequence LIMIT $2",
        params![Millis(now), limit],
        |row| Ok(DueChange { case_key: row.get(0)?, sequence: row.get(1)?, after: row.get(2)? }),
    )
}

pub fn next_due_change(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let earliest = "SELECT min(due_at) FROM changes WHERE planned_at IS NULL";
    Ok(first(connection, earliest, [], |row| optional_time(row, 0))?.flatten())
}

pub fn raise(connection: &Connection, raising: Raising, now: Timestamp) -> Result<Recorded, StoreError> {
    let Raising { case_key, sequence, raises, progress } = raising;
    let version_read = match &progress {
        Progress::More { version, .. } => *version,
        Progress::Done { case } => case.version,
    };
    if !has_version(connection, case_key, version_read)? {
        return Ok(Recorded::Conflict);
    }
    let mut variants = HashMap::new();
    for raise in &raises {
        let variant = match variants.get(&raise.variant) {
            Some(key) => *key,
            None => {
                let key = put_variant(connection, case_key, &raise.variant)?;
                variants.insert(&raise.variant, key);
                key
            }
        };
        raise_thread(connection, case_key, sequence, raise, variant, now)?;
    }
    match progress {
        Progress::More { after, .. } => {
            execute(
                connection,
                "UPDATE changes SET progress = $3
                 WHERE case_key = $1 AND sequence = $2 AND planned_at IS NULL AND coalesce(progress, '') < $3",
                params![case_key, sequence, after],
            )?;
        }
        Progress::Done { case } => {
            execute(
                connection,
                "UPDATE changes SET planned_at = $3, progress = NULL
                 WHERE case_key = $1 AND sequence = $2 AND planned_at IS NULL",
                params![case_key, sequence, Millis(now)],
            )?;
            update_case(connection, &case)?;
        }
    }
    Ok(Recorded::Done { case_keys: vec![case_key] })
}

/// One row of one thread. Nothing happens to a thread that has been raised that far already. News that comes while
/// an attempt is under way is due by the `raised_` columns once that is settled. News at once brings a wait of
/// more than five minutes forward, and gives a thread that was refused for good another try: whoever was told
/// of a case has to hear its end. A cancelled thread whose contact is planned for is back in the book.
fn raise_thread(
    connection: &Connection,
    case_key: i64,
    sequence: i64,
    raise: &Raise,
    variant: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let begins = match raise.episode {
        Episode::Same => 0,
        Episode::Begins => 1,
    };
    let (tries_again, brings_forward) = match raise.waiting {
        Waiting::Keeps => (0, 0),
        Waiting::TriedAgain => (1, 0),
        Waiting::BroughtForward => (1, 1),
    };
    if tries_again == 1 {
        forget_failure(connection, case_key, raise.contact_key, sequence)?;
    }
    execute(
        connection,
        "INSERT INTO threads (case_key, contact_key, client_id, channel, entered, episode, told, wanted, standing,
            owed, state, notices, since, due_at, attempts, variant, asked, uncertain)
         VALUES ($1, $2, $3, $4, $5, 1, 0, $5, $6, 0, 'active', 0, $7, $8, 0, $9, '[]', 0)
         ON CONFLICT (case_key, contact_key) DO UPDATE
         SET wanted = excluded.wanted, variant = excluded.variant, standing = excluded.standing,
             episode = threads.episode + $10,
             notices = CASE WHEN $10 = 1 THEN 0 ELSE threads.notices END,
             asked = CASE WHEN $10 = 1 THEN '[]' ELSE threads.asked END,
             attempts = CASE WHEN threads.state = 'cancelled' OR (threads.state = 'failed' AND $12 = 1) THEN 0
                        ELSE threads.attempts END,
             state = CASE WHEN threads.state = 'cancelled' OR (threads.state = 'failed' AND $12 = 1) THEN 'active'
                     ELSE threads.state END,
             since = CASE WHEN threads.state = 'active' THEN coalesce(threads.since, excluded.since)
                     ELSE excluded.since END,
             due_at = CASE WHEN threads.due_at IS NULL OR threads.state <> 'active'
                             OR ($11 = 1 AND threads.due_at > excluded.due_at + 300000)
                      THEN excluded.due_at ELSE threads.due_at END,
             raised_since = CASE WHEN threads.claim_epoch IS NULL THEN NULL
                            ELSE coalesce(threads.raised_since, excluded.since) END,
             raised_due_at = CASE WHEN threads.claim_epoch IS NULL THEN NULL
                                  WHEN threads.raised_due_at < excluded.due_at THEN threads.raised_due_at
                                  ELSE excluded.due_at END
         WHERE threads.wanted < excluded.wanted",
        params![
            case_key,
            raise.contact_key,
            raise.client_id,
            raise.channel.as_str(),
            sequence,
            raise.standing.as_str(),
            Millis(now),
            Millis(raise.due_at),
            variant,
            begins,
            brings_forward,
            tries_again,
        ],
    )
    .map(drop)
}

/// What was refused for good and is raised to that sequence is pending once more, as after a retry by hand.
fn forget_failure(connection: &Connection, case_key: i64, contact_key: i64, sequence: i64) -> Result<(), StoreError> {
    execute(
        connection,
        "DELETE FROM deliveries WHERE case_key = $1 AND contact_key = $2 AND state = 'failed'
           AND to_sequence > (SELECT told FROM threads WHERE case_key = $1 AND contact_key = $2
                              AND state = 'failed' AND wanted < $3)",
        params![case_key, contact_key, sequence],
    )
    .map(drop)
}

fn put_variant(connection: &Connection, case_key: i64, variant: &Variant) -> Result<i64, StoreError> {
    let body = json(variant)?;
    let hash = HEXLOWER.encode(&Sha256::digest(body.as_bytes())[..16]);
    let find = "SELECT variant FROM variants WHERE case_key = $1 AND hash = $2";
    if let Some(key) = first(connection, find, params![case_key, hash], |row| row.get(0))? {
        return Ok(key);
    }
    let insert = "INSERT INTO variants (case_key, hash, body) VALUES ($1, $2, $3) RETURNING variant";
    Ok(prepare(connection, insert)?.query_row(params![case_key, hash, body], |row| row.get(0))?)
}

pub fn case_variants(connection: &Connection, case_key: i64) -> Result<Vec<(i64, Variant)>, StoreError> {
    rows(
        connection,
        "SELECT variant, body FROM variants WHERE case_key = $1 ORDER BY variant",
        params![case_key],
        |row| Ok((row.get(0)?, document(row, 1)?)),
    )
}
