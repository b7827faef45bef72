//! The part of the book that planning looks at next, with the threads of its clients: a handful of queries a
//! chunk, however many clients.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Row, params};

use super::book::current;
use super::text::{document, json, optional_document, rows, word};
use super::thread::{COLUMNS, thread};
use crate::domain::client::{Channel, Client, Contact};
use crate::domain::thread::{Thread, Variant};
use crate::store::error::StoreError;
use crate::store::rows::{Chunk, Planned, Presence, Selector};

/// A contact of the book, switched off or not.
pub(super) struct BookContact {
    pub key: i64,
    pub contact: Contact,
    pub presence: Presence,
}

// The set of clients leads, and each table is read by the index named: left to itself SQLite reads a whole
// generation (or case) for each client. (PostgreSQL has no `INDEXED BY` and needs none.)

pub(super) const CLIENTS: &str = "SELECT c.body FROM json_each($2) AS j CROSS JOIN book_clients AS c
    WHERE c.generation = $1 AND c.client_id = j.value ORDER BY j.key";

pub(super) const CONTACTS: &str = "SELECT b.client_id, b.contact_key, contacts.channel, contacts.address, b.fallback,
        b.secret, b.name, contacts.gone_at IS NOT NULL
    FROM json_each($2) AS j CROSS JOIN book_contacts AS b INDEXED BY book_contacts_client CROSS JOIN contacts
    WHERE b.generation = $1 AND b.client_id = j.value AND contacts.contact_key = b.contact_key
    ORDER BY j.key, b.position";

pub(super) fn threads_statement() -> String {
    format!(
        "SELECT {COLUMNS} FROM json_each($2) AS j CROSS JOIN threads INDEXED BY threads_client
         WHERE threads.case_key = $1 AND threads.client_id = j.value
         ORDER BY j.key, threads.contact_key"
    )
}

pub fn planning_chunk(
    connection: &Connection,
    case_key: i64,
    after: Option<String>,
    selector: Selector,
    limit: i64,
) -> Result<Chunk, StoreError> {
    let generation = current(connection)?;
    let after = after.unwrap_or_default();
    let ids = concerned(connection, generation, case_key, &after, selector, limit)?;
    let is_full = i64::try_from(ids.len()).is_ok_and(|count| count >= limit);
    let next_after = if is_full { ids.last().cloned() } else { None };

    let mut threads: BTreeMap<String, Vec<Thread>> = BTreeMap::new();
    for thread in threads_of(connection, case_key, &ids)? {
        threads.entry(thread.client_id.clone()).or_default().push(thread);
    }
    let named: BTreeSet<i64> = threads.values().flatten().flat_map(named_variants).collect();
    let planned = clients(connection, generation, &ids)?
        .into_iter()
        .map(|(client, contacts)| {
            let threads = threads.remove(&client.id).unwrap_or_default();
            planned(client, contacts, threads)
        })
        .collect();
    Ok(Chunk { planned, variants: variants(connection, &named)?, next_after })
}

/// Ids of the clients concerned, in order. Each source is read in the order of ids and no further than the
/// chunk can hold: the first of them all are among the first of each.
fn concerned(
    connection: &Connection,
    generation: i64,
    case_key: i64,
    after: &str,
    selector: Selector,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let id = |row: &Row<'_>| row.get(0);
    let with_thread = "SELECT DISTINCT client_id FROM threads WHERE case_key = $1 AND client_id > $2
        ORDER BY client_id LIMIT $3";
    let mut found: BTreeSet<String> =
        rows(connection, with_thread, params![case_key, after, limit], id)?.into_iter().collect();
    match selector {
        Selector::Everyone => {
            let everyone = "SELECT client_id FROM book_clients
                WHERE generation = $1 AND client_id > $2 AND has_priorities = 1 ORDER BY client_id LIMIT $3";
            found.extend(rows(connection, everyone, params![generation, after, limit], id)?);
        }
        Selector::Components(words) => {
            let with_component = "SELECT client_id FROM book_components
                WHERE generation = $1 AND component = $4 AND client_id > $2 ORDER BY client_id LIMIT $3";
            let words: BTreeSet<&str> = words.iter().map(String::as_str).chain(["*"]).collect();
            for word in words {
                found.extend(rows(connection, with_component, params![generation, after, limit, word], id)?);
            }
        }
    }
    Ok(found.into_iter().take(usize::try_from(limit).unwrap_or_default()).collect())
}

fn planned(mut client: Client, contacts: Vec<BookContact>, threads: Vec<Thread>) -> Planned {
    let threads = threads
        .into_iter()
        .map(|thread| {
            let found = contacts.iter().find(|contact| contact.key == thread.contact_key);
            let presence = found.map_or(Presence::Removed, |contact| contact.presence);
            (thread, presence)
        })
        .collect();
    let contacts: Vec<(i64, Contact)> = contacts
        .into_iter()
        .filter(|contact| contact.presence == Presence::InBook)
        .map(|contact| (contact.key, contact.contact))
        .collect();
    client.contacts = contacts.iter().map(|(_, contact)| contact.clone()).collect();
    Planned { client, contacts, threads }
}

/// Clients of the book, in the order of ids, each with its contacts in the order of its file.
pub(super) fn clients(
    connection: &Connection,
    generation: i64,
    ids: &[String],
) -> Result<Vec<(Client, Vec<BookContact>)>, StoreError> {
    let ids = json(ids)?;
    let mut contacts: BTreeMap<String, Vec<BookContact>> = BTreeMap::new();
    let found =
        rows(connection, CONTACTS, params![generation, ids], |row| Ok((row.get::<_, String>(0)?, book_contact(row)?)))?;
    for (client_id, contact) in found {
        contacts.entry(client_id).or_default().push(contact);
    }
    let clients: Vec<Client> = rows(connection, CLIENTS, params![generation, ids], |row| document(row, 0))?;
    Ok(clients
        .into_iter()
        .map(|client| {
            let contacts = contacts.remove(&client.id).unwrap_or_default();
            (client, contacts)
        })
        .collect())
}

fn book_contact(row: &Row<'_>) -> rusqlite::Result<BookContact> {
    let is_gone: bool = row.get(7)?;
    Ok(BookContact {
        key: row.get(1)?,
        contact: contact(row, 2)?,
        presence: if is_gone { Presence::SwitchedOff } else { Presence::InBook },
    })
}

/// Channel, address, fallback, secret and name, from the column `at` on.
pub(super) fn contact(row: &Row<'_>, at: usize) -> rusqlite::Result<Contact> {
    Ok(Contact {
        channel: word(row, at, Channel::from_word)?,
        address: row.get(at + 1)?,
        fallback: row.get(at + 2)?,
        secret: optional_document(row, at + 3)?,
        name: row.get(at + 4)?,
    })
}

fn threads_of(connection: &Connection, case_key: i64, ids: &[String]) -> Result<Vec<Thread>, StoreError> {
    rows(connection, &threads_statement(), params![case_key, json(ids)?], thread)
}

fn named_variants(thread: &Thread) -> Vec<i64> {
    [thread.variant].into_iter().chain(thread.told_variant).chain(thread.asked.iter().copied()).collect()
}

fn variants(connection: &Connection, keys: &BTreeSet<i64>) -> Result<Vec<(i64, Variant)>, StoreError> {
    rows(
        connection,
        "SELECT variant, body FROM variants WHERE variant IN (SELECT j.value FROM json_each($1) AS j)
         ORDER BY variant",
        params![json(keys)?],
        |row| Ok((row.get(0)?, document(row, 1)?)),
    )
}
