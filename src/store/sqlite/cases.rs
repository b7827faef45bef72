//! Cases with their updates and changes.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::feeds;
use super::text::{Millis, document, execute, first, json, optional_time, prepare, rows, time, word};
use crate::domain::case::{Case, CaseState, Change, Story, Update};
use crate::domain::operator;
use crate::store::error::StoreError;
use crate::store::rows::{CaseFilter, CaseRow, FeedRow, LastRead, OpenCase, Recorded, Write};

const CASE: &str = "SELECT case_key, version, id, reference, source, incident, state, episode, sequence,
    opened_at, ended_at, closed_at, facts, timers FROM cases";

fn case(row: &Row<'_>) -> rusqlite::Result<Case> {
    Ok(Case {
        key: row.get(0)?,
        version: row.get(1)?,
        id: row.get(2)?,
        reference: row.get(3)?,
        source: row.get(4)?,
        incident: row.get(5)?,
        state: word(row, 6, CaseState::from_word)?,
        episode: row.get(7)?,
        sequence: row.get(8)?,
        opened_at: time(row, 9)?,
        ended_at: optional_time(row, 10)?,
        closed_at: optional_time(row, 11)?,
        facts: document(row, 12)?,
        timers: document(row, 13)?,
    })
}

pub fn story(connection: &Connection, case_key: i64) -> Result<Option<Story>, StoreError> {
    let Some(case) = first(connection, &format!("{CASE} WHERE case_key = $1"), params![case_key], case)? else {
        return Ok(None);
    };
    let updates: Vec<Update> =
        rows(connection, "SELECT body FROM updates WHERE case_key = $1 ORDER BY number", params![case_key], |row| {
            document(row, 0)
        })?;
    let changes = rows(
        connection,
        "SELECT body, planned_at, progress IS NOT NULL FROM changes WHERE case_key = $1 ORDER BY sequence",
        params![case_key],
        |row| Ok(Change { planned_at: optional_time(row, 1)?, is_begun: row.get(2)?, ..document(row, 0)? }),
    )?;
    Ok(Some(Story { case, updates, changes }))
}

pub fn open_cases_of(connection: &Connection, source: String) -> Result<Vec<OpenCase>, StoreError> {
    rows(
        connection,
        "SELECT case_key, incident, coalesce(json_array_length(facts -> 'missed_reads'), 0) > 0,
            (SELECT json_group_array(a.incident) FROM aliases AS a WHERE a.case_key = cases.case_key)
         FROM cases WHERE state = 'open' AND source = $1 ORDER BY case_key",
        params![source],
        |row| {
            let last_read = if row.get(2)? { LastRead::Missed } else { LastRead::Listed };
            Ok(OpenCase { case_key: row.get(0)?, incident: row.get(1)?, also: document(row, 3)?, last_read })
        },
    )
}

pub fn is_anybody_told(connection: &Connection, case_key: i64) -> Result<bool, StoreError> {
    let told = first(
        connection,
        "SELECT 1 FROM threads WHERE case_key = $1 AND first_told IS NOT NULL LIMIT 1",
        params![case_key],
        |row| row.get::<_, i64>(0),
    )?;
    Ok(told.is_some())
}

pub fn sources_with_open_cases(connection: &Connection) -> Result<Vec<String>, StoreError> {
    rows(connection, "SELECT DISTINCT source FROM cases WHERE state = 'open' ORDER BY source", params![], |row| {
        row.get(0)
    })
}

/// The condition of the index `threads_unsettled`, word for word.
pub(super) const UNSETTLED: &str = "state = 'active' AND (owed = 1 OR wanted > told)";

/// Threads read by that index. Left to itself SQLite takes the primary key, so every thread the case has ever had.
/// (PostgreSQL has no such word and needs none.)
pub(super) const UNSETTLED_THREADS: &str = "threads INDEXED BY threads_unsettled";

/// The same for those that have failed.
pub(super) const FAILED_THREADS: &str = "threads INDEXED BY threads_failed";

pub fn listed_cases(connection: &Connection, filter: CaseFilter, limit: i64) -> Result<Vec<CaseRow>, StoreError> {
    let chosen = match filter {
        CaseFilter::OpenOrOwed => "AND state IN ('open', 'ended')",
        CaseFilter::All => "",
    };
    let cases = rows(
        connection,
        &format!("{CASE} WHERE source <> $2 {chosen} ORDER BY case_key DESC LIMIT $1"),
        params![limit, operator::SOURCE],
        case,
    )?;
    let counts = format!(
        "SELECT count(CASE WHEN owed = 1 THEN 1 END), count(CASE WHEN wanted > told THEN 1 END)
         FROM {UNSETTLED_THREADS} WHERE case_key = $1 AND {UNSETTLED}"
    );
    let failures = format!("SELECT count(*) FROM {FAILED_THREADS} WHERE case_key = $1 AND state = 'failed'");
    let acceptances = "SELECT count(*) FROM threads WHERE case_key = $1 AND first_told IS NOT NULL";
    cases
        .into_iter()
        .map(|case| {
            let told = first(connection, acceptances, params![case.key], |row| row.get(0))?.unwrap_or_default();
            let (owed, pending) = first(connection, &counts, params![case.key], |row| Ok((row.get(0)?, row.get(1)?)))?
                .unwrap_or_default();
            let failed = first(connection, &failures, params![case.key], |row| row.get(0))?;
            Ok(CaseRow { case, told, owed, pending, failed: failed.unwrap_or_default() })
        })
        .collect()
}

pub fn cases_to_wake(connection: &Connection, now: Timestamp, limit: i64) -> Result<Vec<i64>, StoreError> {
    rows(
        connection,
        "SELECT case_key FROM cases WHERE wake_at IS NOT NULL AND wake_at <= $1 ORDER BY wake_at LIMIT $2",
        params![Millis(now), limit],
        |row| row.get(0),
    )
}

pub fn next_wake(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let earliest = "SELECT min(wake_at) FROM cases WHERE wake_at IS NOT NULL";
    Ok(first(connection, earliest, [], |row| optional_time(row, 0))?.flatten())
}

pub fn record(connection: &Connection, writes: Vec<Write>, feed: Option<FeedRow>) -> Result<Recorded, StoreError> {
    // Looked at before anything is written, so that a conflict has nothing to take back.
    for write in &writes {
        if !is_as_read(connection, &write.case)? || is_any_begun(connection, write)? {
            return Ok(Recorded::Conflict);
        }
    }
    let mut case_keys = Vec::with_capacity(writes.len());
    for write in &writes {
        let case_key = match write.case.key {
            0 => insert_case(connection, &write.case)?,
            key => {
                update_case(connection, &write.case)?;
                key
            }
        };
        for update in &write.updates {
            put_update(connection, case_key, update)?;
        }
        for change in &write.changes {
            put_change(connection, case_key, change)?;
        }
        case_keys.push(case_key);
    }
    if let Some(row) = feed {
        feeds::save_feed(connection, row)?;
    }
    Ok(Recorded::Done { case_keys })
}

/// Whether a case may be written: it has the version that it was read with, or nobody has made it yet.
fn is_as_read(connection: &Connection, case: &Case) -> Result<bool, StoreError> {
    if case.key != 0 {
        return has_version(connection, case.key, case.version);
    }
    let made = first(
        connection,
        "SELECT 1 FROM cases WHERE source = $1 AND incident = $2
         UNION ALL SELECT 1 FROM cases WHERE id = $3
         UNION ALL SELECT 1 FROM cases WHERE upper(reference) = upper($4) LIMIT 1",
        params![case.source, case.incident, case.id, case.reference],
        |row| row.get::<_, i64>(0),
    )?;
    Ok(made.is_none())
}

pub(super) fn has_version(connection: &Connection, case_key: i64, version: i64) -> Result<bool, StoreError> {
    let found = first(connection, "SELECT version FROM cases WHERE case_key = $1", params![case_key], |row| {
        row.get::<_, i64>(0)
    })?;
    Ok(found == Some(version))
}

/// Whether planning has begun with a change that is to be written: who was planned would miss what it says now.
fn is_any_begun(connection: &Connection, write: &Write) -> Result<bool, StoreError> {
    for change in &write.changes {
        let begun = first(
            connection,
            "SELECT 1 FROM changes WHERE case_key = $1 AND sequence = $2 AND progress IS NOT NULL",
            params![write.case.key, change.sequence],
            |row| row.get::<_, i64>(0),
        )?;
        if begun.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn insert_case(connection: &Connection, case: &Case) -> Result<i64, StoreError> {
    let mut insert = prepare(
        connection,
        "INSERT INTO cases (version, id, reference, source, incident, state, episode, sequence,
            opened_at, ended_at, closed_at, wake_at, facts, timers)
         VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING case_key",
    )?;
    Ok(insert.query_row(
        params![
            case.id,
            case.reference,
            case.source,
            case.incident,
            case.state.as_str(),
            case.episode,
            case.sequence,
            Millis(case.opened_at),
            case.ended_at.map(Millis),
            case.closed_at.map(Millis),
            case.timers.wake_at().map(Millis),
            json(&case.facts)?,
            json(&case.timers)?,
        ],
        |row| row.get(0),
    )?)
}

pub(super) fn update_case(connection: &Connection, case: &Case) -> Result<(), StoreError> {
    execute(
        connection,
        "UPDATE cases SET version = version + 1, state = $2, episode = $3, sequence = $4, opened_at = $5,
            ended_at = $6, closed_at = $7, wake_at = $8, facts = $9, timers = $10
         WHERE case_key = $1",
        params![
            case.key,
            case.state.as_str(),
            case.episode,
            case.sequence,
            Millis(case.opened_at),
            case.ended_at.map(Millis),
            case.closed_at.map(Millis),
            case.timers.wake_at().map(Millis),
            json(&case.facts)?,
            json(&case.timers)?,
        ],
    )
    .map(drop)
}

fn put_update(connection: &Connection, case_key: i64, update: &Update) -> Result<(), StoreError> {
    execute(
        connection,
        "INSERT INTO updates (case_key, number, id, sequence, body) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (case_key, number)
         DO UPDATE SET id = excluded.id, sequence = excluded.sequence, body = excluded.body",
        params![case_key, update.number, update.id, update.sequence, json(update)?],
    )
    .map(drop)
}

fn put_change(connection: &Connection, case_key: i64, change: &Change) -> Result<(), StoreError> {
    execute(
        connection,
        "INSERT INTO changes (case_key, sequence, episode, due_at, planned_at, body)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (case_key, sequence)
         DO UPDATE SET episode = excluded.episode, due_at = excluded.due_at, planned_at = excluded.planned_at,
            body = excluded.body
         WHERE changes.planned_at IS NULL",
        params![
            case_key,
            change.sequence,
            change.episode,
            Millis(change.due_at),
            change.planned_at.map(Millis),
            json(change)?
        ],
    )
    .map(drop)
}

pub fn owed_count(connection: &Connection, case_key: i64) -> Result<i64, StoreError> {
    let count = format!("SELECT count(*) FROM {UNSETTLED_THREADS} WHERE case_key = $1 AND {UNSETTLED} AND owed = 1");
    Ok(first(connection, &count, params![case_key], |row| row.get(0))?.unwrap_or_default())
}

pub fn owed_clients(connection: &Connection, case_key: i64) -> Result<i64, StoreError> {
    let count = format!(
        "SELECT count(DISTINCT client_id) FROM {UNSETTLED_THREADS} WHERE case_key = $1 AND {UNSETTLED} AND owed = 1"
    );
    Ok(first(connection, &count, params![case_key], |row| row.get(0))?.unwrap_or_default())
}

pub(super) fn close_statement() -> String {
    format!(
        "UPDATE cases SET state = 'closed', closed_at = $1, version = version + 1
         WHERE state = 'ended'
           AND NOT EXISTS (SELECT 1 FROM changes WHERE changes.case_key = cases.case_key AND planned_at IS NULL)
           AND NOT EXISTS (SELECT 1 FROM {UNSETTLED_THREADS} WHERE threads.case_key = cases.case_key AND {UNSETTLED})
         RETURNING case_key"
    )
}

pub fn close_settled_cases(connection: &Connection, now: Timestamp) -> Result<Vec<i64>, StoreError> {
    let mut keys = rows(connection, &close_statement(), params![Millis(now)], |row| row.get::<_, i64>(0))?;
    keys.sort_unstable();
    Ok(keys)
}

pub fn archive_cases(connection: &Connection, before: Timestamp) -> Result<i64, StoreError> {
    execute(
        connection,
        "UPDATE cases SET state = 'archived', version = version + 1 WHERE state = 'closed' AND closed_at < $1",
        params![Millis(before)],
    )
}
