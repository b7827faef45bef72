//! The client book by generations: written in chunks beside the current one, switched to in one small commit.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::chunk;
use super::nodes::{meta, set_meta};
use super::text::{execute, first, json, optional_json, prepare, rows};
use crate::domain::client::{Client, Contact};
use crate::domain::operator;
use crate::store::error::StoreError;
use crate::store::rows::{BookChange, BookCounts, Presence};

/// How many removed clients are named; the rest is only counted.
const MOST_NAMED: i64 = 100;

/// The generation that is read; 0 before there is one.
pub(super) fn current(connection: &Connection) -> Result<i64, StoreError> {
    number(connection, "book_generation")
}

fn number(connection: &Connection, name: &str) -> Result<i64, StoreError> {
    match meta(connection, name)? {
        None => Ok(0),
        Some(text) => text.parse().map_err(|_| StoreError::Fault(format!("meta {name} is not a number"))),
    }
}

pub fn begin_book(connection: &Connection) -> Result<i64, StoreError> {
    let generation = number(connection, "book_allotted")? + 1;
    set_meta(connection, "book_allotted", &generation.to_string())?;
    Ok(generation)
}

pub fn write_book_chunk(connection: &Connection, generation: i64, clients: Vec<Client>) -> Result<(), StoreError> {
    if generation <= current(connection)? {
        return Err(StoreError::Fault("a generation of the book is written after it was switched to".to_owned()));
    }
    for client in clients {
        write_client(connection, generation, client)?;
    }
    Ok(())
}

fn write_client(connection: &Connection, generation: i64, mut client: Client) -> Result<(), StoreError> {
    let contacts = std::mem::take(&mut client.contacts);
    execute(
        connection,
        "INSERT INTO book_clients (generation, client_id, name, locale, timezone, has_priorities, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![
            generation,
            client.id,
            client.name,
            client.locale,
            client.timezone,
            i64::from(!client.priorities.is_empty()),
            json(&client)?
        ],
    )?;
    for component in client.priorities.iter().collect::<BTreeSet<_>>() {
        execute(
            connection,
            "INSERT INTO book_components (generation, component, client_id) VALUES ($1, $2, $3)",
            params![generation, component, client.id],
        )?;
    }
    for (position, contact) in contacts.iter().enumerate() {
        let named = params![client.id, contact.channel.as_str(), contact.address];
        let find = "SELECT contact_key FROM contacts WHERE client_id = $1 AND channel = $2 AND address = $3";
        let contact_key: i64 = match first(connection, find, named, |row| row.get(0))? {
            Some(key) => key,
            None => prepare(
                connection,
                "INSERT INTO contacts (client_id, channel, address) VALUES ($1, $2, $3) RETURNING contact_key",
            )?
            .query_row(named, |row| row.get(0))?,
        };
        execute(
            connection,
            "INSERT INTO book_contacts (generation, contact_key, client_id, position, fallback, secret, name)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            params![
                generation,
                contact_key,
                client.id,
                i64::try_from(position).unwrap_or(i64::MAX),
                i64::from(contact.fallback),
                optional_json(contact.secret.as_ref())?,
                contact.name
            ],
        )?;
    }
    Ok(())
}

pub fn switch_book(
    connection: &Connection,
    generation: i64,
    fingerprint: String,
    now: Timestamp,
) -> Result<BookChange, StoreError> {
    if generation <= current(connection)? {
        return Err(StoreError::Fault("the book is switched to a generation that is not new".to_owned()));
    }
    let change = compare_book(connection, generation)?;
    set_meta(connection, "book_generation", &generation.to_string())?;
    set_meta(connection, "book_fingerprint", &fingerprint)?;
    set_meta(connection, "book_switched_at", &now.to_string())?;
    Ok(change)
}

/// Ids in generation $1 that generation $2 does not have.
const ONLY_IN_FIRST: &str = "FROM book_clients AS mine WHERE mine.generation = $1
    AND mine.client_id <> 'the operator' AND NOT EXISTS
    (SELECT 1 FROM book_clients AS other WHERE other.generation = $2 AND other.client_id = mine.client_id)";

pub fn compare_book(connection: &Connection, generation: i64) -> Result<BookChange, StoreError> {
    let current = current(connection)?;
    let count = format!("SELECT count(*) {ONLY_IN_FIRST}");
    let counted = |mine: i64, other: i64| {
        first(connection, &count, params![mine, other], |row| row.get(0)).map(Option::unwrap_or_default)
    };
    let removed_in_open_cases = rows(
        connection,
        &format!(
            "SELECT mine.client_id {ONLY_IN_FIRST} AND EXISTS
                (SELECT 1 FROM cases CROSS JOIN threads
                 WHERE cases.state IN ('open', 'ended') AND threads.case_key = cases.case_key
                   AND threads.client_id = mine.client_id AND threads.state = 'active' AND threads.owed = 1)
             ORDER BY mine.client_id LIMIT $3"
        ),
        params![current, generation, MOST_NAMED],
        |row| row.get(0),
    )?;
    Ok(BookChange {
        added: counted(generation, current)?,
        removed: counted(current, generation)?,
        removed_in_open_cases,
    })
}

pub fn sweep_book(connection: &Connection, limit: i64) -> Result<i64, StoreError> {
    let current = current(connection)?;
    let sweeps = [
        "DELETE FROM book_components WHERE (generation, component, client_id) IN
            (SELECT generation, component, client_id FROM book_components WHERE generation < $1 LIMIT $2)",
        "DELETE FROM book_contacts WHERE (generation, contact_key) IN
            (SELECT generation, contact_key FROM book_contacts WHERE generation < $1 LIMIT $2)",
        "DELETE FROM book_clients WHERE (generation, client_id) IN
            (SELECT generation, client_id FROM book_clients WHERE generation < $1 LIMIT $2)",
    ];
    let mut deleted = 0;
    for sweep in sweeps {
        if deleted < limit {
            deleted += execute(connection, sweep, params![current, limit - deleted])?;
        }
    }
    Ok(deleted)
}

pub fn book_fingerprint(connection: &Connection) -> Result<Option<String>, StoreError> {
    meta(connection, "book_fingerprint")
}

pub fn book_counts(connection: &Connection) -> Result<BookCounts, StoreError> {
    let switched_at = meta(connection, "book_switched_at")?.and_then(|text| text.parse().ok());
    let counts = first(
        connection,
        "SELECT count(*), (SELECT count(*) FROM book_contacts WHERE generation = $1 AND client_id <> $2),
            count(CASE WHEN has_priorities = 0 THEN 1 END),
            count(CASE WHEN NOT EXISTS (SELECT 1 FROM book_contacts AS c
                  WHERE c.generation = $1 AND c.client_id = book_clients.client_id) THEN 1 END)
         FROM book_clients WHERE generation = $1 AND client_id <> $2",
        params![current(connection)?, operator::CLIENT],
        |row| {
            Ok(BookCounts {
                clients: row.get(0)?,
                contacts: row.get(1)?,
                without_priorities: row.get(2)?,
                without_contacts: row.get(3)?,
                switched_at,
            })
        },
    )?;
    Ok(counts.unwrap_or_default())
}

pub fn clients_by_component(connection: &Connection) -> Result<Vec<(String, i64)>, StoreError> {
    rows(
        connection,
        "SELECT component, count(*) FROM book_components WHERE generation = $1 GROUP BY component ORDER BY component",
        params![current(connection)?],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

pub fn contacts_of(connection: &Connection, client_id: String) -> Result<Vec<(i64, Contact)>, StoreError> {
    let found = chunk::clients(connection, current(connection)?, &[client_id])?;
    let contacts = found.into_iter().flat_map(|(_, contacts)| contacts);
    let in_book = contacts.filter(|contact| contact.presence == Presence::InBook);
    Ok(in_book.map(|contact| (contact.key, contact.contact)).collect())
}

pub fn client(connection: &Connection, id: String) -> Result<Option<Client>, StoreError> {
    let found = chunk::clients(connection, current(connection)?, &[id])?;
    Ok(found.into_iter().next().map(|(mut client, contacts)| {
        client.contacts = contacts.into_iter().map(|contact| contact.contact).collect();
        client
    }))
}
