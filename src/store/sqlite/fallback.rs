//! What one contact of a client has been told, for the others of the same client.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::book::current;
use super::delivery::{DUE, put_delivery};
use super::text::{Millis, first, rows, word};
use super::thread::{COLUMNS, WIDTH, thread, write_settled};
use crate::domain::client::Channel;
use crate::domain::operator;
use crate::domain::thread::Thread;
use crate::store::error::StoreError;
use crate::store::rows::{AcceptedBy, Settlement, ThreadKey, UnreachedClient};

pub fn accepted_until(
    connection: &Connection,
    case_key: i64,
    client_id: String,
    by: AcceptedBy,
) -> Result<Option<(i64, Channel)>, StoreError> {
    let which = match by {
        AcceptedBy::Anybody => "$3 > 0",
        AcceptedBy::Fallback => {
            "EXISTS (SELECT 1 FROM book_contacts AS b
                     WHERE b.generation = $3 AND b.contact_key = threads.contact_key AND b.fallback = 1)"
        }
    };
    first(
        connection,
        &format!(
            "SELECT d.to_sequence, threads.channel FROM threads CROSS JOIN deliveries AS d
             WHERE threads.case_key = $1 AND threads.client_id = $2 AND {which}
               AND d.case_key = threads.case_key AND d.contact_key = threads.contact_key AND d.state = 'delivered'
             ORDER BY d.to_sequence DESC LIMIT 1"
        ),
        params![case_key, client_id, current(connection)?],
        |row| Ok((row.get(0)?, word(row, 1, Channel::from_word)?)),
    )
}

pub fn waiting_of_client(
    connection: &Connection,
    case_key: i64,
    client_id: String,
) -> Result<Vec<(Thread, bool)>, StoreError> {
    rows(
        connection,
        &format!(
            "SELECT {COLUMNS}, b.fallback FROM threads CROSS JOIN book_contacts AS b
             WHERE threads.case_key = $1 AND threads.client_id = $2 AND threads.wanted > threads.told
               AND threads.state = 'active' AND threads.claim_epoch IS NULL
               AND b.generation = $3 AND b.contact_key = threads.contact_key
             ORDER BY threads.contact_key"
        ),
        params![case_key, client_id, current(connection)?],
        |row| Ok((thread(row)?, row.get(WIDTH)?)),
    )
}

pub fn settle_unclaimed(connection: &Connection, settlements: Vec<Settlement>) -> Result<i64, StoreError> {
    let mut settled = 0;
    for Settlement { after, claim_to, delivery, .. } in settlements {
        let Some(delivery) = delivery else { continue };
        let key = ThreadKey { case_key: after.case_key, contact_key: after.contact_key };
        let as_read = first(
            connection,
            "SELECT 1 FROM threads WHERE case_key = $1 AND contact_key = $2 AND claim_epoch IS NULL
               AND state = 'active' AND told = $3 AND wanted = $4",
            params![key.case_key, key.contact_key, delivery.from_sequence, claim_to],
            |row| row.get::<_, i64>(0),
        )?;
        if as_read.is_some() {
            put_delivery(connection, key, &delivery)?;
            write_settled(connection, &after)?;
            settled += 1;
        }
    }
    Ok(settled)
}

pub fn unreached(
    connection: &Connection,
    planned_before: Timestamp,
    limit: i64,
) -> Result<Vec<UnreachedClient>, StoreError> {
    // What waits is found by the index of what is due; the rest is looked up for those few.
    rows(
        connection,
        &format!(
            "SELECT t.case_key, cases.reference, t.client_id, max(t.wanted), b.body ->> 'owner'
             FROM (SELECT DISTINCT case_key, client_id, wanted FROM threads WHERE {DUE} AND threads.since <= $1) AS t
                JOIN cases ON cases.case_key = t.case_key
                LEFT JOIN book_clients AS b ON b.generation = $2 AND b.client_id = t.client_id
             WHERE t.client_id <> $3
               AND NOT EXISTS (SELECT 1 FROM threads AS o
                               WHERE o.case_key = t.case_key AND o.client_id = t.client_id AND o.told >= t.wanted)
             GROUP BY t.case_key, t.client_id ORDER BY t.case_key, t.client_id LIMIT $4"
        ),
        params![Millis(planned_before), current(connection)?, operator::CLIENT, limit],
        |row| {
            Ok(UnreachedClient {
                case_key: row.get(0)?,
                reference: row.get(1)?,
                client_id: row.get(2)?,
                wanted: row.get(3)?,
                owner: row.get(4)?,
            })
        },
    )
}
