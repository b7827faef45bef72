//! What is known of each feed between two reads.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::text::{Millis, document, execute, first, json, optional_time, rows, time};
use crate::store::error::StoreError;
use crate::store::rows::FeedRow;

const FEED: &str =
    "SELECT name, due_at, first_read_at, last_good_at, failing_since, page_id, poked_at, body FROM feeds";

fn feed_row(row: &Row<'_>) -> rusqlite::Result<FeedRow> {
    Ok(FeedRow {
        name: row.get(0)?,
        due_at: time(row, 1)?,
        first_read_at: optional_time(row, 2)?,
        last_good_at: optional_time(row, 3)?,
        failing_since: optional_time(row, 4)?,
        page_id: row.get(5)?,
        poked_at: optional_time(row, 6)?,
        body: document(row, 7)?,
    })
}

pub fn feed(connection: &Connection, name: String) -> Result<Option<FeedRow>, StoreError> {
    first(connection, &format!("{FEED} WHERE name = $1"), params![name], feed_row)
}

pub fn feeds(connection: &Connection) -> Result<Vec<FeedRow>, StoreError> {
    rows(connection, &format!("{FEED} ORDER BY name"), [], feed_row)
}

pub fn due_feeds(connection: &Connection, names: Vec<String>, now: Timestamp) -> Result<Vec<String>, StoreError> {
    rows(
        connection,
        "SELECT j.value FROM json_each($1) AS j LEFT JOIN feeds ON feeds.name = j.value
         WHERE feeds.due_at IS NULL OR feeds.due_at <= $2
         ORDER BY coalesce(feeds.due_at, 0), j.value",
        params![json(&names)?, Millis(now)],
        |row| row.get(0),
    )
}

pub fn next_due_feed(connection: &Connection, names: Vec<String>) -> Result<Option<Timestamp>, StoreError> {
    let earliest = "SELECT min(due_at) FROM feeds WHERE name IN (SELECT j.value FROM json_each($1) AS j)";
    Ok(first(connection, earliest, params![json(&names)?], |row| optional_time(row, 0))?.flatten())
}

pub fn poke_feed(
    connection: &Connection,
    name: String,
    now: Timestamp,
    at_most_every: Duration,
) -> Result<(), StoreError> {
    let every = i64::try_from(at_most_every.as_millis()).unwrap_or(i64::MAX);
    // A time from after the clock was set back stops nothing: neither a poke nor a read of that time counts.
    execute(
        connection,
        "INSERT INTO feeds (name, due_at, poked_at, body) VALUES ($1, $2, $2, 'null')
         ON CONFLICT (name) DO UPDATE
         SET (due_at, poked_at) = (
             SELECT min(feeds.due_at, wanted.at), wanted.at
             FROM (SELECT CASE
                 WHEN feeds.poked_at > $2 AND feeds.poked_at - $2 <= $3 THEN feeds.poked_at
                 ELSE max($2,
                     CASE WHEN feeds.poked_at <= $2 THEN feeds.poked_at + $3 ELSE $2 END,
                     CASE WHEN feeds.last_good_at <= $2 THEN feeds.last_good_at + $3 ELSE $2 END)
             END AS at) AS wanted)",
        params![name, Millis(now), every],
    )
    .map(drop)
}

pub fn save_feed(connection: &Connection, row: FeedRow) -> Result<(), StoreError> {
    execute(
        connection,
        "INSERT INTO feeds (name, due_at, first_read_at, last_good_at, failing_since, page_id, poked_at, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (name) DO UPDATE
         SET due_at = CASE WHEN feeds.poked_at IS DISTINCT FROM excluded.poked_at AND feeds.poked_at IS NOT NULL
                            AND feeds.poked_at < excluded.due_at
                      THEN feeds.poked_at ELSE excluded.due_at END,
             poked_at = coalesce(feeds.poked_at, excluded.poked_at),
             first_read_at = excluded.first_read_at, last_good_at = excluded.last_good_at,
             failing_since = excluded.failing_since, page_id = excluded.page_id, body = excluded.body",
        params![
            row.name,
            Millis(row.due_at),
            row.first_read_at.map(Millis),
            row.last_good_at.map(Millis),
            row.failing_since.map(Millis),
            row.page_id,
            row.poked_at.map(Millis),
            json(&row.body)?,
        ],
    )
    .map(drop)
}
