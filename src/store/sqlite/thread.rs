//! The row of a thread, read and written whole.

use rusqlite::{Connection, Row, params};

use super::text::{Millis, document, execute, json, optional_document, optional_json, optional_time, word};
use crate::domain::client::Channel;
use crate::domain::thread::{Standing, Thread, ThreadState};
use crate::store::error::StoreError;

/// What [`thread`] reads, in its order; further columns may follow from [`WIDTH`] on.
pub(super) const COLUMNS: &str = "threads.case_key, threads.contact_key, threads.client_id, threads.channel,
    threads.episode, threads.told, threads.wanted, threads.standing, threads.owed, threads.state,
    threads.first_told, threads.notices, threads.since, threads.due_at, threads.attempts, threads.variant,
    threads.told_variant, threads.asked, threads.last_key, threads.uncertain, threads.cause";

pub(super) const WIDTH: usize = 21;

pub(super) fn thread(row: &Row<'_>) -> rusqlite::Result<Thread> {
    Ok(Thread {
        case_key: row.get(0)?,
        contact_key: row.get(1)?,
        client_id: row.get(2)?,
        channel: word(row, 3, Channel::from_word)?,
        episode: row.get(4)?,
        told: row.get(5)?,
        wanted: row.get(6)?,
        standing: standing(row, 7)?,
        owed: row.get(8)?,
        state: word(row, 9, ThreadState::from_word)?,
        first_told: row.get(10)?,
        notices: row.get(11)?,
        since: optional_time(row, 12)?,
        due_at: optional_time(row, 13)?,
        attempts: row.get(14)?,
        variant: row.get(15)?,
        told_variant: row.get(16)?,
        asked: document(row, 17)?,
        last_key: row.get(18)?,
        uncertain: row.get(19)?,
        cause: optional_document(row, 20)?,
    })
}

pub(super) fn standing(row: &Row<'_>, column: usize) -> rusqlite::Result<Standing> {
    word(row, column, |text| [Standing::In, Standing::Out].into_iter().find(|standing| standing.as_str() == text))
}

/// Writes a thread after its attempt and frees the claim.
pub(super) fn write_settled(connection: &Connection, thread: &Thread) -> Result<(), StoreError> {
    execute(
        connection,
        "UPDATE threads SET episode = $3, told = $4, wanted = $5, standing = $6, owed = $7, state = $8,
            first_told = $9, notices = $10, since = $11, due_at = $12, attempts = $13, variant = $14,
            told_variant = $15, asked = $16, last_key = $17, uncertain = $18, cause = $19,
            raised_since = NULL, raised_due_at = NULL,
            claim_epoch = NULL, claim_from = NULL, claim_to = NULL, claim_variant = NULL, claimed_at = NULL
         WHERE case_key = $1 AND contact_key = $2",
        params![
            thread.case_key,
            thread.contact_key,
            thread.episode,
            thread.told,
            thread.wanted,
            thread.standing.as_str(),
            thread.owed,
            thread.state.as_str(),
            thread.first_told,
            thread.notices,
            thread.since.map(Millis),
            thread.due_at.map(Millis),
            thread.attempts,
            thread.variant,
            thread.told_variant,
            json(&thread.asked)?,
            thread.last_key,
            thread.uncertain,
            optional_json(thread.cause.as_ref())?,
        ],
    )
    .map(drop)
}
