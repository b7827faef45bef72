//! Forgetting: cases that are long over, batch by batch, and then the addresses that nothing names any more.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::text::{Millis, execute, first};
use super::{book, nodes};
use crate::store::error::StoreError;

/// The tables under a case with the key of their rows, in an order that leaves no row without its parent.
const UNDER_A_CASE: [(&str, &str); 8] = [
    ("aliases", "source, incident"),
    ("promises", "case_key, client_id, sequence, due_at"),
    ("attempts", "case_key, contact_key, to_sequence, attempt, at"),
    ("deliveries", "case_key, contact_key, to_sequence"),
    ("threads", "case_key, contact_key"),
    ("variants", "case_key, hash"),
    ("updates", "case_key, number"),
    ("changes", "case_key, sequence"),
];

pub fn prune(connection: &Connection, before: Timestamp, limit: i64) -> Result<i64, StoreError> {
    let mut deleted = 0;
    while deleted < limit {
        let over = first(
            connection,
            "SELECT case_key FROM cases WHERE state IN ('closed', 'archived') AND ended_at < $1
             ORDER BY case_key LIMIT 1",
            params![Millis(before)],
            |row| row.get::<_, i64>(0),
        )?;
        match over {
            Some(case_key) => deleted += prune_case(connection, case_key, limit - deleted)?,
            None => break,
        }
    }
    if deleted == 0 {
        deleted = prune_contacts(connection, limit)?;
    }
    Ok(deleted)
}

fn prune_case(connection: &Connection, case_key: i64, limit: i64) -> Result<i64, StoreError> {
    let mut deleted = 0;
    for (table, key) in UNDER_A_CASE {
        let delete =
            format!("DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE case_key = $1 LIMIT $2)");
        deleted += execute(connection, &delete, params![case_key, limit - deleted])?;
        if deleted >= limit {
            return Ok(deleted);
        }
    }
    Ok(deleted + execute(connection, "DELETE FROM cases WHERE case_key = $1", params![case_key])?)
}

/// Addresses of contacts that are in no book and no case. While a new book is being written its contacts are
/// in no generation that counts, so nothing is forgotten.
fn prune_contacts(connection: &Connection, limit: i64) -> Result<i64, StoreError> {
    let current = book::current(connection)?;
    if nodes::meta(connection, "book_allotted")? != Some(current.to_string()) {
        return Ok(0);
    }
    execute(connection, "DELETE FROM refusals WHERE contact_key NOT IN (SELECT contact_key FROM contacts)", [])?;
    execute(
        connection,
        "DELETE FROM contacts WHERE contact_key IN
            (SELECT c.contact_key FROM contacts AS c
             WHERE NOT EXISTS (SELECT 1 FROM book_contacts AS b
                               WHERE b.generation = $1 AND b.contact_key = c.contact_key)
               AND c.contact_key NOT IN (SELECT contact_key FROM threads)
             LIMIT $2)",
        params![current, limit],
    )
}
