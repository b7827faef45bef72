//! Claiming threads for an attempt, and settling what came of it.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::accounts::forget_refusal;
use super::book::current;
use super::cases::{UNSETTLED, UNSETTLED_THREADS};
use super::chunk::contact;
use super::promises;
use super::text::{Millis, document, execute, first, json, optional_json, optional_time, rows, word};
use super::thread::{COLUMNS, WIDTH, standing, thread, write_settled};
use crate::domain::case::Change;
use crate::domain::client::Channel;
use crate::domain::operator;
use crate::domain::refusals::{self, Refused};
use crate::domain::thread::{Standing, Thread, ThreadState};
use crate::store::error::StoreError;
use crate::store::rows::{
    AttemptRow, Cancellation, Claimed, ClientLine, DeliveryRow, Settled, SettledCount, Settlement, ThreadKey, Whose,
};

/// The condition of the index `threads_due`.
pub(super) const DUE: &str =
    "threads.wanted > threads.told AND threads.state = 'active' AND threads.claim_epoch IS NULL";

/// The joins are crossed so that the index of what is due leads, whatever the planner thinks of the book.
pub(super) fn claim_statement() -> String {
    let promises = promises::counted("threads.case_key", "threads.client_id");
    format!(
        "SELECT {COLUMNS}, contacts.channel, contacts.address, b.fallback, b.secret, b.name,
                c.client_id, c.name, c.locale, c.timezone, threads.entered, r.code, r.standing, {promises}
             FROM threads CROSS JOIN contacts CROSS JOIN book_contacts AS b CROSS JOIN book_clients AS c
                LEFT JOIN refusals AS r ON r.contact_key = threads.contact_key
             WHERE threads.channel = $1 AND threads.due_at <= $2 AND {DUE} AND ($5 OR threads.client_id = '{}')
               AND contacts.contact_key = threads.contact_key AND contacts.gone_at IS NULL
               AND b.generation = $3 AND b.contact_key = threads.contact_key
               AND c.generation = $3 AND c.client_id = b.client_id
             ORDER BY threads.due_at LIMIT $4",
        operator::CLIENT
    )
}

pub fn claim(
    connection: &Connection,
    channel: Channel,
    epoch: i64,
    now: Timestamp,
    limit: i64,
    whose: Whose,
) -> Result<Vec<Claimed>, StoreError> {
    let claimed = rows(
        connection,
        &claim_statement(),
        params![channel.as_str(), Millis(now), current(connection)?, limit, whose == Whose::Everybodys],
        |row| {
            Ok(Claimed {
                thread: thread(row)?,
                contact: contact(row, WIDTH)?,
                client: ClientLine {
                    id: row.get(WIDTH + 5)?,
                    name: row.get(WIDTH + 6)?,
                    locale: row.get(WIDTH + 7)?,
                    timezone: row.get(WIDTH + 8)?,
                },
                entered: row.get(WIDTH + 9)?,
                refused: refused(row, WIDTH + 10)?,
                promises: promises::count(row, WIDTH + 12)?,
            })
        },
    )?;
    for Claimed { thread, .. } in &claimed {
        execute(
            connection,
            "UPDATE threads SET claim_epoch = $3, claim_from = told, claim_to = wanted, claim_variant = variant,
                claimed_at = $4
             WHERE case_key = $1 AND contact_key = $2",
            params![thread.case_key, thread.contact_key, epoch, Millis(now)],
        )?;
    }
    Ok(claimed)
}

fn refused(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Refused>> {
    let Some(code) = row.get(column)? else { return Ok(None) };
    Ok(Some(Refused { code, standing: word(row, column + 1, refusals::Standing::from_word)? }))
}

pub fn next_due(connection: &Connection, channel: Channel) -> Result<Option<Timestamp>, StoreError> {
    let earliest = format!("SELECT min(due_at) FROM threads WHERE channel = $1 AND {DUE}");
    Ok(first(connection, &earliest, params![channel.as_str()], |row| optional_time(row, 0))?.flatten())
}

/// What may have changed on a thread while it was claimed.
struct Meanwhile {
    wanted: i64,
    episode: i64,
    variant: i64,
    standing: Standing,
    raised_since: Option<Timestamp>,
    raised_due_at: Option<Timestamp>,
}

pub fn settle(connection: &Connection, epoch: i64, settlements: Vec<Settlement>) -> Result<SettledCount, StoreError> {
    let mut settled = SettledCount::default();
    for settlement in settlements {
        let Settlement { after, claim_to, delivery, attempt, promised } = settlement;
        let key = ThreadKey { case_key: after.case_key, contact_key: after.contact_key };
        let meanwhile = first(
            connection,
            "SELECT wanted, episode, variant, standing, raised_since, raised_due_at FROM threads
             WHERE case_key = $1 AND contact_key = $2 AND claim_epoch = $3 AND claim_to = $4",
            params![key.case_key, key.contact_key, epoch, claim_to],
            |row| {
                Ok(Meanwhile {
                    wanted: row.get(0)?,
                    episode: row.get(1)?,
                    variant: row.get(2)?,
                    standing: standing(row, 3)?,
                    raised_since: optional_time(row, 4)?,
                    raised_due_at: optional_time(row, 5)?,
                })
            },
        )?;
        let Some(meanwhile) = meanwhile else { continue };
        let is_tried_again =
            after.state == ThreadState::Failed && has_to_hear_more(connection, &after, claim_to, &meanwhile)?;
        let after = if is_tried_again { tried_again(after, &meanwhile) } else { after };
        let merged = merged(after, claim_to, meanwhile);
        write_settled(connection, &merged)?;
        if let Some(delivery) = delivery.filter(|_| !is_tried_again) {
            if delivery.state == Settled::Delivered {
                forget_refusal(connection, key.contact_key)?;
                let (sequence, at) = (delivery.to_sequence, delivery.settled_at);
                settled.promises_kept += promises::word_came(connection, &merged, sequence, at)?;
                if let Some(due_at) = promised {
                    promises::promise(connection, &merged, sequence, due_at, at)?;
                }
            }
            put_delivery(connection, key, &delivery)?;
        }
        if let Some(attempt) = attempt {
            put_attempt(connection, key, &attempt)?;
        }
        settled.threads += 1;
    }
    Ok(settled)
}

/// Whether news at once, or the end, was planned for the thread while it was being refused for good: such a thread
/// is tried again, with what was refused folded in.
fn has_to_hear_more(
    connection: &Connection,
    after: &Thread,
    claim_to: i64,
    meanwhile: &Meanwhile,
) -> Result<bool, StoreError> {
    if meanwhile.wanted <= claim_to {
        return Ok(false);
    }
    let came: Vec<Change> = rows(
        connection,
        "SELECT body FROM changes WHERE case_key = $1 AND sequence > $2 AND sequence <= $3",
        params![after.case_key, claim_to, meanwhile.wanted],
        |row| document(row, 0),
    )?;
    let is_over = after.standing == Standing::In && meanwhile.standing == Standing::Out;
    Ok(is_over || came.iter().any(Change::is_at_once))
}

fn tried_again(failed: Thread, meanwhile: &Meanwhile) -> Thread {
    let (since, due_at) = (meanwhile.raised_since, meanwhile.raised_due_at);
    Thread { state: ThreadState::Active, attempts: 0, since, due_at, ..failed }
}

/// The thread after its attempt, with the news that was planned while it was under way.
fn merged(after: Thread, claim_to: i64, meanwhile: Meanwhile) -> Thread {
    let mut thread = after;
    if meanwhile.wanted > claim_to {
        thread.wanted = meanwhile.wanted;
        thread.variant = meanwhile.variant;
        thread.standing = meanwhile.standing;
        if meanwhile.episode > thread.episode {
            thread.episode = meanwhile.episode;
            thread.notices = 0;
            thread.asked = Vec::new();
        }
        if thread.told >= claim_to {
            thread.since = meanwhile.raised_since;
            thread.due_at = meanwhile.raised_due_at;
        }
    }
    if thread.told >= thread.wanted {
        thread.since = None;
        thread.due_at = None;
    }
    thread
}

pub(super) fn put_delivery(connection: &Connection, key: ThreadKey, delivery: &DeliveryRow) -> Result<(), StoreError> {
    execute(
        connection,
        "INSERT INTO deliveries (case_key, contact_key, from_sequence, to_sequence, variant, state, uncertain,
            attempts, planned_at, settled_at, receipt, cause, key)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (case_key, contact_key, to_sequence) DO UPDATE
         SET from_sequence = excluded.from_sequence, variant = excluded.variant, state = excluded.state,
             uncertain = excluded.uncertain, attempts = excluded.attempts, planned_at = excluded.planned_at,
             settled_at = excluded.settled_at, receipt = excluded.receipt, cause = excluded.cause,
             key = excluded.key",
        params![
            key.case_key,
            key.contact_key,
            delivery.from_sequence,
            delivery.to_sequence,
            delivery.variant,
            delivery.state.as_str(),
            delivery.uncertain,
            delivery.attempts,
            Millis(delivery.planned_at),
            Millis(delivery.settled_at),
            delivery.receipt,
            optional_json(delivery.cause.as_ref())?,
            delivery.key,
        ],
    )
    .map(drop)
}

fn put_attempt(connection: &Connection, key: ThreadKey, attempt: &AttemptRow) -> Result<(), StoreError> {
    execute(
        connection,
        "INSERT INTO attempts (case_key, contact_key, to_sequence, attempt, at, outcome, cause)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        params![
            key.case_key,
            key.contact_key,
            attempt.to_sequence,
            attempt.attempt,
            Millis(attempt.at),
            attempt.outcome,
            json(&attempt.cause)?
        ],
    )
    .map(drop)
}

pub fn unclaim(connection: &Connection, epoch: i64, threads: Vec<ThreadKey>) -> Result<i64, StoreError> {
    let mut freed = 0;
    for key in threads {
        freed += execute(
            connection,
            "UPDATE threads SET raised_since = NULL, raised_due_at = NULL,
                claim_epoch = NULL, claim_from = NULL, claim_to = NULL, claim_variant = NULL, claimed_at = NULL
             WHERE case_key = $1 AND contact_key = $2 AND claim_epoch = $3",
            params![key.case_key, key.contact_key, epoch],
        )?;
    }
    Ok(freed)
}

/// Nothing of the case has been accepted, and nothing may have been.
const NEVER_TOLD: &str = "threads.first_told IS NULL AND threads.uncertain = 0";

pub fn unsent_and_never_told(connection: &Connection, channel: Channel, limit: i64) -> Result<Vec<Thread>, StoreError> {
    let unsent = format!(
        "SELECT {COLUMNS} FROM threads
         WHERE threads.channel = $1 AND {DUE} AND {NEVER_TOLD} AND threads.client_id <> $3 LIMIT $2"
    );
    rows(connection, &unsent, params![channel.as_str(), limit, operator::CLIENT], thread)
}

pub fn unsent_and_told_before(connection: &Connection) -> Result<i64, StoreError> {
    let count = format!("SELECT count(*) FROM threads WHERE {DUE} AND NOT ({NEVER_TOLD})");
    Ok(first(connection, &count, params![], |row| row.get(0))?.unwrap_or_default())
}

pub fn orphaned(connection: &Connection, limit: i64) -> Result<Vec<Thread>, StoreError> {
    let generation = current(connection)?;
    if generation == 0 {
        // No book has ever been read: that says nothing about anybody.
        return Ok(Vec::new());
    }
    rows(
        connection,
        &format!(
            "SELECT {COLUMNS} FROM {UNSETTLED_THREADS}
             LEFT JOIN book_contacts AS b ON b.generation = $1 AND b.contact_key = threads.contact_key
             LEFT JOIN contacts ON contacts.contact_key = threads.contact_key
             WHERE {UNSETTLED} AND threads.claim_epoch IS NULL
               AND (b.contact_key IS NULL OR contacts.gone_at IS NOT NULL)
             ORDER BY threads.case_key, threads.contact_key LIMIT $2"
        ),
        params![generation, limit],
        thread,
    )
}

pub fn cancel(connection: &Connection, cancellations: Vec<Cancellation>, now: Timestamp) -> Result<i64, StoreError> {
    let mut cancelled = 0;
    for Cancellation { thread: key, cause } in cancellations {
        let found = first(
            connection,
            &format!(
                "SELECT {COLUMNS} FROM threads
                 WHERE case_key = $1 AND contact_key = $2 AND state = 'active' AND claim_epoch IS NULL"
            ),
            params![key.case_key, key.contact_key],
            thread,
        )?;
        let Some(mut thread) = found else { continue };
        if thread.wanted > thread.told {
            let delivery = DeliveryRow {
                from_sequence: thread.told,
                to_sequence: thread.wanted,
                variant: thread.variant,
                state: Settled::Cancelled,
                uncertain: thread.uncertain,
                attempts: thread.attempts,
                planned_at: thread.since.unwrap_or(now),
                settled_at: now,
                receipt: None,
                cause: Some(cause.clone()),
                key: None,
            };
            put_delivery(connection, key, &delivery)?;
        }
        thread.state = ThreadState::Cancelled;
        thread.cause = Some(cause);
        thread.since = None;
        thread.due_at = None;
        write_settled(connection, &thread)?;
        cancelled += 1;
    }
    Ok(cancelled)
}

pub fn contact_gone(connection: &Connection, contact_key: i64, now: Timestamp) -> Result<(), StoreError> {
    execute(
        connection,
        "UPDATE contacts SET gone_at = $2 WHERE contact_key = $1 AND gone_at IS NULL",
        params![contact_key, Millis(now)],
    )
    .map(drop)
}
