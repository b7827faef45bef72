//! The ledger of promised next words: made and kept with the delivery that says so, broken when its time is over.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::text::{Millis, execute, optional_time, rows, time, word};
use crate::domain::kept::{self, KeptPromises, PromiseResult};
use crate::domain::thread::Thread;
use crate::store::error::StoreError;
use crate::store::rows::{BrokenPromise, Overdue, PromiseFilter, PromiseRow};

/// How many of the promises to a thread's client are kept or, being open, would be by a word at `$2`, and how many
/// were made. Read with a claim, and only for whoever is told an end.
pub(super) fn counted(column_of_case: &str, column_of_client: &str) -> String {
    let grace = kept::GRACE.as_millis();
    let of_client = format!(
        "FROM promises AS p WHERE p.case_key = {column_of_case} AND p.client_id = {column_of_client}
           AND p.result IS NOT 'released'"
    );
    let is_kept = format!("(p.result = 'kept' OR (p.result IS NULL AND p.due_at + {grace} >= $2))");
    format!(
        "CASE WHEN threads.standing = 'out' THEN (SELECT count(*) {of_client} AND {is_kept}) END,
         CASE WHEN threads.standing = 'out' THEN (SELECT count(*) {of_client}) END"
    )
}

pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<KeptPromises>> {
    let (kept, made): (Option<u32>, Option<u32>) = (row.get(column)?, row.get(column + 1)?);
    Ok(kept.zip(made).map(|(kept, made)| KeptPromises { kept, made }))
}

/// A contact of the client has accepted this sequence: earlier promises have had their word. How many it kept.
/// What is late is left to [`break_promises`], which counts it once.
pub(super) fn word_came(
    connection: &Connection,
    thread: &Thread,
    sequence: i64,
    at: Timestamp,
) -> Result<u64, StoreError> {
    let results: Vec<Option<PromiseResult>> = rows(
        connection,
        "UPDATE promises
         SET came_at = $4,
             result = CASE WHEN result IS NULL AND $4 <= due_at + $5 THEN 'kept' ELSE result END
         WHERE case_key = $1 AND client_id = $2 AND sequence < $3 AND came_at IS NULL AND result IS NOT 'released'
         RETURNING result",
        params![thread.case_key, thread.client_id, sequence, Millis(at), grace()],
        |row| result(row, 0),
    )?;
    Ok(results.iter().filter(|result| **result == Some(PromiseResult::Kept)).count() as u64)
}

/// What the accepted message said of the next word. One that another contact of the client has been told
/// later news than is not promised to anybody any more.
pub(super) fn promise(
    connection: &Connection,
    thread: &Thread,
    sequence: i64,
    due_at: Timestamp,
    made_at: Timestamp,
) -> Result<(), StoreError> {
    execute(
        connection,
        "INSERT INTO promises (case_key, client_id, sequence, due_at, made_at)
         SELECT $1, $2, $3, $4, $5
         WHERE NOT EXISTS (SELECT 1 FROM promises WHERE case_key = $1 AND client_id = $2 AND sequence > $3)
         ON CONFLICT DO NOTHING",
        params![thread.case_key, thread.client_id, sequence, Millis(due_at), Millis(made_at)],
    )
    .map(drop)
}

fn grace() -> i64 {
    i64::try_from(kept::GRACE.as_millis()).unwrap_or(i64::MAX)
}

fn result(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<PromiseResult>> {
    match row.get_ref(column)?.data_type() {
        rusqlite::types::Type::Null => Ok(None),
        _ => word(row, column, PromiseResult::from_word).map(Some),
    }
}

pub fn break_promises(connection: &Connection, due_before: Timestamp, limit: i64) -> Result<Overdue, StoreError> {
    let over = rows(
        connection,
        "UPDATE promises
         SET result = CASE
             WHEN came_at IS NOT NULL OR EXISTS (
                 SELECT 1 FROM threads AS t
                 WHERE t.case_key = promises.case_key AND t.client_id = promises.client_id AND t.state <> 'cancelled'
             ) THEN 'broken' ELSE 'released' END
         WHERE (case_key, client_id, sequence, due_at) IN (
             SELECT case_key, client_id, sequence, due_at FROM promises
             WHERE result IS NULL AND due_at < $1 ORDER BY due_at LIMIT $2)
         RETURNING case_key, client_id, due_at, result",
        params![Millis(due_before), limit],
        |row| {
            let broken = BrokenPromise { case_key: row.get(0)?, client_id: row.get(1)?, due_at: time(row, 2)? };
            Ok((broken, result(row, 3)?))
        },
    )?;
    let mut found = Overdue::default();
    for (promise, result) in over {
        match result {
            Some(PromiseResult::Broken) => found.broken.push(promise),
            Some(PromiseResult::Released | PromiseResult::Kept) | None => found.released += 1,
        }
    }
    Ok(found)
}

pub fn promises(connection: &Connection, filter: PromiseFilter, limit: i64) -> Result<Vec<PromiseRow>, StoreError> {
    let (condition, order, case_key) = match filter {
        PromiseFilter::Open => ("p.result IS NULL", "p.due_at", 0),
        PromiseFilter::Broken => ("p.result = 'broken'", "p.due_at DESC", 0),
        PromiseFilter::All => ("1", "p.due_at DESC", 0),
        PromiseFilter::Case(case_key) => ("p.case_key = $1", "p.client_id, p.due_at, p.sequence", case_key),
    };
    rows(
        connection,
        &format!(
            "SELECT p.case_key, c.id, c.reference, p.client_id, p.sequence, p.made_at, p.due_at, p.came_at, p.result
             FROM promises AS p JOIN cases AS c ON c.case_key = p.case_key
             WHERE {condition} AND $1 = $1 ORDER BY {order} LIMIT $2"
        ),
        params![case_key, limit],
        |row| {
            Ok(PromiseRow {
                case_key: row.get(0)?,
                case_id: row.get(1)?,
                reference: row.get(2)?,
                client_id: row.get(3)?,
                sequence: row.get(4)?,
                made_at: time(row, 5)?,
                due_at: time(row, 6)?,
                came_at: optional_time(row, 7)?,
                result: result(row, 8)?,
            })
        },
    )
}
