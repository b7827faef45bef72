//! What one contact of a client has been told, for the others of the same client.

use rusqlite::{Connection, params};

use super::book::current;
use super::delivery::put_delivery;
use super::text::{first, rows, word};
use super::thread::{COLUMNS, WIDTH, thread, write_settled};
use crate::domain::client::Channel;
use crate::domain::thread::Thread;
use crate::store::error::StoreError;
use crate::store::rows::{AcceptedBy, Settlement, ThreadKey};

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
