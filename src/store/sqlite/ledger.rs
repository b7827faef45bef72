//! The ledger: what was settled, what waits, what has failed; and the figures taken from it.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::cases::{FAILED_THREADS, UNSETTLED, UNSETTLED_THREADS};
use super::text::{Millis, document, execute, first, optional_document, optional_time, rows, time, word};
use super::thread::{COLUMNS, thread};
use crate::domain::client::Channel;
use crate::domain::operator;
use crate::domain::thread::Thread;
use crate::store::error::StoreError;
use crate::store::rows::{
    AttemptRow, Gauges, ItemId, LedgerFilter, LedgerRow, LedgerState, PendingGauge, Retried, Retry, Settled, ThreadKey,
};

pub fn deliveries(connection: &Connection, filter: LedgerFilter, limit: i64) -> Result<Vec<LedgerRow>, StoreError> {
    let clients = format!("threads.client_id <> '{}'", operator::CLIENT);
    let failed =
        &format!("{clients} AND threads.state = 'failed' AND d.state = 'failed' AND d.to_sequence > threads.told");
    let everything = clients.clone();
    let waiting = format!("{clients} AND {UNSETTLED} AND wanted > told");
    let mut listed = match filter {
        LedgerFilter::Unsettled => {
            let mut listed = settled(connection, Drive::Failed, failed, limit)?;
            listed.extend(pending(connection, &waiting, limit)?);
            listed
        }
        LedgerFilter::Failed => settled(connection, Drive::Failed, failed, limit)?,
        LedgerFilter::All => {
            let mut listed = settled(connection, Drive::Deliveries, &everything, limit)?;
            listed.extend(pending(connection, &waiting, limit)?);
            with_superseded(connection, listed)?
        }
        LedgerFilter::Case(case_key) => {
            let mut listed = settled(connection, Drive::Deliveries, &format!("d.case_key = {case_key}"), limit)?;
            let waiting = format!("threads.case_key = {case_key} AND {UNSETTLED} AND wanted > told");
            listed.extend(pending(connection, &waiting, limit)?);
            with_superseded(connection, listed)?
        }
        LedgerFilter::Operator => {
            let theirs = format!("threads.client_id = '{}'", operator::CLIENT);
            let mut listed = settled(connection, Drive::Deliveries, &theirs, limit)?;
            listed.extend(pending(connection, &format!("{theirs} AND {UNSETTLED} AND wanted > told"), limit)?);
            with_superseded(connection, listed)?
        }
    };
    listed.sort_by_key(|item| (std::cmp::Reverse(item.row.case_key), item.row.id.contact_key, item.row.id.sequence));
    listed.truncate(usize::try_from(limit).unwrap_or_default());
    Ok(listed.into_iter().map(|item| item.row).collect())
}

/// A row, and the first sequence that was ever meant for its contact.
struct Listed {
    row: LedgerRow,
    entered: i64,
}

/// Which table leads: the one with an index of what is asked for.
enum Drive {
    Failed,
    Deliveries,
}

fn settled(connection: &Connection, drive: Drive, condition: &str, limit: i64) -> Result<Vec<Listed>, StoreError> {
    let tables = match drive {
        Drive::Failed => format!("{FAILED_THREADS} CROSS JOIN deliveries AS d"),
        Drive::Deliveries => "deliveries AS d CROSS JOIN threads".to_owned(),
    };
    rows(
        connection,
        &format!(
            "SELECT cases.reference, d.contact_key, d.to_sequence, d.case_key, cases.id, threads.client_id,
                threads.channel, coalesce(contacts.address, ''), d.from_sequence, threads.entered, d.uncertain,
                d.attempts, d.planned_at, d.cause, d.state, d.settled_at, d.receipt, d.key
             FROM {tables} CROSS JOIN cases LEFT JOIN contacts ON contacts.contact_key = d.contact_key
             WHERE {condition} AND d.case_key = threads.case_key AND d.contact_key = threads.contact_key
               AND cases.case_key = d.case_key
             ORDER BY d.case_key DESC, d.contact_key, d.to_sequence LIMIT $1"
        ),
        params![limit],
        |row| {
            let mut listed = common(row)?;
            listed.row.state = match word(row, 14, Settled::from_word)? {
                Settled::Delivered => LedgerState::Delivered,
                Settled::Failed => LedgerState::Failed,
                Settled::Cancelled => LedgerState::Cancelled,
            };
            listed.row.settled_at = Some(time(row, 15)?);
            listed.row.receipt = row.get(16)?;
            listed.row.key = row.get(17)?;
            Ok(listed)
        },
    )
}

fn pending(connection: &Connection, condition: &str, limit: i64) -> Result<Vec<Listed>, StoreError> {
    rows(
        connection,
        &format!(
            "SELECT cases.reference, t.contact_key, t.wanted, t.case_key, cases.id, t.client_id, t.channel,
                coalesce(contacts.address, ''), t.told, t.entered, t.uncertain, t.attempts, t.since, t.cause,
                t.due_at
             FROM (SELECT * FROM {UNSETTLED_THREADS} WHERE {condition} ORDER BY case_key DESC, contact_key LIMIT $1) AS t
             CROSS JOIN cases LEFT JOIN contacts ON contacts.contact_key = t.contact_key
             WHERE cases.case_key = t.case_key"
        ),
        params![limit],
        |row| {
            let mut listed = common(row)?;
            listed.row.due_at = optional_time(row, 14)?;
            Ok(listed)
        },
    )
}

/// The columns that both kinds of row begin with.
fn common(row: &Row<'_>) -> rusqlite::Result<Listed> {
    let id = ItemId { reference: row.get(0)?, contact_key: row.get(1)?, sequence: row.get(2)? };
    Ok(Listed {
        row: LedgerRow {
            id,
            case_key: row.get(3)?,
            case_id: row.get(4)?,
            client_id: row.get(5)?,
            channel: word(row, 6, Channel::from_word)?,
            address: row.get(7)?,
            from_sequence: row.get(8)?,
            state: LedgerState::Pending,
            uncertain: row.get(10)?,
            attempts: row.get(11)?,
            planned_at: optional_time(row, 12)?,
            due_at: None,
            settled_at: None,
            receipt: None,
            cause: optional_document(row, 13)?,
            key: None,
        },
        entered: row.get(9)?,
    })
}

/// Adds a row for each planned change inside a range other than its last.
fn with_superseded(connection: &Connection, listed: Vec<Listed>) -> Result<Vec<Listed>, StoreError> {
    let mut planned: HashMap<i64, Vec<i64>> = HashMap::new();
    let mut all = Vec::with_capacity(listed.len());
    for item in listed {
        let case_key = item.row.case_key;
        if let std::collections::hash_map::Entry::Vacant(entry) = planned.entry(case_key) {
            entry.insert(rows(
                connection,
                "SELECT sequence FROM changes WHERE case_key = $1 AND planned_at IS NOT NULL ORDER BY sequence",
                params![case_key],
                |row| row.get(0),
            )?);
        }
        let after = item.row.from_sequence.max(item.entered - 1);
        for sequence in
            planned[&case_key].iter().filter(|&&sequence| sequence > after && sequence < item.row.id.sequence)
        {
            all.push(Listed { row: superseded(&item.row, *sequence), entered: item.entered });
        }
        all.push(item);
    }
    Ok(all)
}

fn superseded(by: &LedgerRow, sequence: i64) -> LedgerRow {
    LedgerRow {
        id: ItemId { sequence, ..by.id.clone() },
        from_sequence: sequence - 1,
        state: LedgerState::Superseded,
        uncertain: false,
        attempts: 0,
        planned_at: None,
        due_at: None,
        receipt: None,
        cause: None,
        key: None,
        ..by.clone()
    }
}

pub fn failed_attempts(connection: &Connection, case_key: i64) -> Result<Vec<(ThreadKey, AttemptRow)>, StoreError> {
    rows(
        connection,
        "SELECT contact_key, to_sequence, attempt, at, outcome, cause FROM attempts WHERE case_key = $1
         ORDER BY contact_key, to_sequence, at, attempt",
        params![case_key],
        |row| {
            let attempt = AttemptRow {
                to_sequence: row.get(1)?,
                attempt: row.get(2)?,
                at: time(row, 3)?,
                outcome: row.get(4)?,
                cause: document(row, 5)?,
            };
            Ok((ThreadKey { case_key, contact_key: row.get(0)? }, attempt))
        },
    )
}

pub fn case_threads(connection: &Connection, case_key: i64) -> Result<Vec<Thread>, StoreError> {
    rows(
        connection,
        &format!("SELECT {COLUMNS} FROM threads WHERE case_key = $1 ORDER BY contact_key"),
        params![case_key],
        thread,
    )
}

pub fn retry(connection: &Connection, what: Retry, now: Timestamp) -> Result<Retried, StoreError> {
    let mut retried = Retried::default();
    match what {
        Retry::All => {
            let failed = &format!("SELECT case_key, contact_key FROM {FAILED_THREADS} WHERE state = 'failed'");
            let keys =
                rows(connection, failed, [], |row| Ok(ThreadKey { case_key: row.get(0)?, contact_key: row.get(1)? }))?;
            for key in keys {
                put_back(connection, key, now)?;
                retried.put_back += 1;
            }
        }
        Retry::Items(items) => {
            for item in items {
                let found = first(
                    connection,
                    "SELECT threads.case_key FROM cases CROSS JOIN threads
                     WHERE upper(cases.reference) = upper($1) AND threads.case_key = cases.case_key
                       AND threads.contact_key = $2 AND threads.state = 'failed'
                       AND threads.told < $3 AND threads.wanted >= $3",
                    params![item.reference, item.contact_key, item.sequence],
                    |row| row.get(0),
                )?;
                match found {
                    Some(case_key) => {
                        put_back(connection, ThreadKey { case_key, contact_key: item.contact_key }, now)?;
                        retried.put_back += 1;
                    }
                    None => retried.not_failed.push(item),
                }
            }
        }
    }
    Ok(retried)
}

/// A failed thread waits again, for whatever is current; its failed range is pending once more.
pub(super) fn put_back(connection: &Connection, key: ThreadKey, now: Timestamp) -> Result<(), StoreError> {
    execute(
        connection,
        "DELETE FROM deliveries WHERE case_key = $1 AND contact_key = $2 AND state = 'failed'
           AND to_sequence > (SELECT told FROM threads WHERE case_key = $1 AND contact_key = $2)",
        params![key.case_key, key.contact_key],
    )?;
    execute(
        connection,
        "UPDATE threads SET state = 'active', attempts = 0,
            since = CASE WHEN wanted > told THEN $3 END, due_at = CASE WHEN wanted > told THEN $3 END
         WHERE case_key = $1 AND contact_key = $2 AND state = 'failed'",
        params![key.case_key, key.contact_key, Millis(now)],
    )
    .map(drop)
}

pub fn gauges(connection: &Connection) -> Result<Gauges, StoreError> {
    let count = |sql: &str| first(connection, sql, [], |row| row.get(0)).map(Option::unwrap_or_default);
    let owed_cases = format!(
        "SELECT count(*) FROM cases WHERE state = 'ended' AND source <> '{}' AND EXISTS
            (SELECT 1 FROM {UNSETTLED_THREADS} WHERE threads.case_key = cases.case_key AND {UNSETTLED})",
        operator::SOURCE
    );
    Ok(Gauges {
        pending: pending_gauges(connection)?,
        open_cases: count("SELECT count(*) FROM cases WHERE state = 'open'")?,
        owed_cases: count(&owed_cases)?,
        failed_threads: count("SELECT count(*) FROM threads WHERE state = 'failed'")?,
    })
}

fn pending_gauges(connection: &Connection) -> Result<Vec<PendingGauge>, StoreError> {
    // Two indexes: what waits, and what is under way.
    let waiting = "SELECT count(*), min(since) FROM threads
        WHERE channel = $1 AND wanted > told AND state = 'active' AND claim_epoch IS NULL";
    let claimed = "SELECT count(*), min(since) FROM threads WHERE claim_epoch IS NOT NULL AND channel = $1";
    let figures = |sql: &str, channel: Channel| {
        first(connection, sql, params![channel.as_str()], |row| Ok((row.get::<_, i64>(0)?, optional_time(row, 1)?)))
            .map(Option::unwrap_or_default)
    };
    Channel::ALL
        .into_iter()
        .map(|channel| {
            let (waiting, oldest) = figures(waiting, channel)?;
            let (claimed, oldest_claimed) = figures(claimed, channel)?;
            let oldest_since = [oldest, oldest_claimed].into_iter().flatten().min();
            Ok(PendingGauge { channel, count: waiting + claimed, oldest_since })
        })
        .collect()
}
