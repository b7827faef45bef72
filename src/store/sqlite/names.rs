//! By which names a case is found: its incident's ids, its page, its own id and its reference.
//!
//! Deliberately absent: the case itself (`cases.rs`).

use rusqlite::{Connection, Row, params};

use super::cases::story;
use super::text::{execute, first, rows};
use crate::domain::case::Story;
use crate::domain::operator;
use crate::store::error::StoreError;

/// Shorter beginnings of an id are not looked for: they name too many cases, and look like a reference.
const SHORTEST_PREFIX: usize = 8;

pub fn story_of(connection: &Connection, source: String, incident: String) -> Result<Option<Story>, StoreError> {
    let key = first(
        connection,
        "SELECT case_key FROM cases WHERE source = $1 AND incident = $2
         UNION ALL SELECT case_key FROM aliases WHERE source = $1 AND incident = $2 LIMIT 1",
        params![source, incident],
        |row| row.get(0),
    )?;
    key.map_or(Ok(None), |key| story(connection, key))
}

pub fn open_case_by_page(connection: &Connection, source: String, page: String) -> Result<Option<i64>, StoreError> {
    let found: Vec<i64> = rows(
        connection,
        "SELECT case_key FROM cases WHERE state = 'open' AND source = $1 AND facts ->> 'url' = $2 LIMIT 2",
        params![source, page],
        |row| row.get(0),
    )?;
    Ok(if let [only] = found[..] { Some(only) } else { None })
}

pub fn join_incident(
    connection: &Connection,
    source: String,
    incident: String,
    case_key: i64,
) -> Result<(), StoreError> {
    execute(
        connection,
        "INSERT INTO aliases (source, incident, case_key)
         SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM cases WHERE source = $1 AND incident = $2)
         ON CONFLICT DO NOTHING",
        params![source, incident, case_key],
    )
    .map(drop)
}

pub fn rename_source(connection: &Connection, was: String, name: String) -> Result<i64, StoreError> {
    // The name under which a case began stays part of its mails' thread.
    let renamed = execute(
        connection,
        "UPDATE cases SET source = $2, version = version + 1,
            facts = json_patch(facts, json_object('first_source', coalesce(facts ->> 'first_source', source)))
         WHERE source = $1 AND NOT EXISTS
            (SELECT 1 FROM cases AS o WHERE o.source = $2 AND o.incident = cases.incident)",
        params![was, name],
    )?;
    execute(connection, "UPDATE OR IGNORE aliases SET source = $2 WHERE source = $1", params![was, name])?;
    execute(connection, "UPDATE OR IGNORE feeds SET name = $2 WHERE name = $1", params![was, name])?;
    Ok(renamed)
}

pub fn find_case(connection: &Connection, text: String) -> Result<Option<i64>, StoreError> {
    let text = text.trim();
    let key = |row: &Row<'_>| row.get(0);
    let by_reference =
        first(connection, "SELECT case_key FROM cases WHERE upper(reference) = upper($1)", params![text], key)?;
    if by_reference.is_some() || text.len() < SHORTEST_PREFIX {
        return Ok(by_reference);
    }
    let beginning = text.to_ascii_lowercase();
    // A note to the operator is in no listing, and is often made in the same breath as the case that it is about.
    // Ids are ASCII: no character of one sorts after this.
    let end = format!("{beginning}\u{7f}");
    let found: Vec<i64> = rows(
        connection,
        "SELECT case_key FROM cases WHERE id >= $1 AND id < $2 AND source <> $3 ORDER BY id LIMIT 2",
        params![beginning, end, operator::SOURCE],
        key,
    )?;
    match found[..] {
        [only] => Ok(Some(only)),
        _ => first(connection, "SELECT case_key FROM cases WHERE id = $1", params![beginning], key),
    }
}

pub fn reference_taken(connection: &Connection, reference: String) -> Result<bool, StoreError> {
    let found =
        first(connection, "SELECT 1 FROM cases WHERE upper(reference) = upper($1)", params![reference], |row| {
            row.get::<_, i64>(0)
        })?;
    Ok(found.is_some())
}
