//! Brings the client files into the store: streamed in, switched to in one small commit.
//!
//! Deliberately absent: reading the files (`config::clients`), and any notice: a reload tells nobody anything
//! by itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::current::Current;
use crate::config::clients::{self, BookError, BookSummary, ClientRules};
use crate::config::diagnostic::Diagnostic;
use crate::config::fingerprint;
use crate::domain::client::Client;
use crate::domain::counted::counted;
use crate::domain::incident::Impact;
use crate::domain::operator;
use crate::store::Store;
use crate::store::rows::BookChange;

/// Clients written in one transaction.
const CHUNK: usize = 500;
const SWEEP: i64 = 5_000;

/// What became of the client files.
#[derive(Debug)]
pub enum Loaded {
    /// They are those that the book was made from.
    Unchanged,
    Switched(BookChange),
    /// They are at fault; the book stays as it was.
    Faulty(Vec<Diagnostic>),
    /// They would remove more than a tenth of the clients; the book stays as it was.
    TooFew {
        before: i64,
        removed: i64,
    },
}

/// How much a load may take away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caution {
    /// A start: what the files say holds, unless that is nobody at all.
    None,
    /// A reload: more than a tenth of the clients, and more than five, are not removed by a slip.
    KeepMost,
}

/// Loads the files if they have changed since the book was made.
///
/// # Errors
/// A fault of ours or of the disk; mistakes in the files are a [`Loaded`].
pub async fn load(store: &Store, current: &Current, caution: Caution, now: Timestamp) -> anyhow::Result<Loaded> {
    let path = current.settings.clients.clone();
    let prints = fingerprint::fingerprint(&path)?;
    let settings = &current.settings;
    let print = format!("{prints:?} {:?} {:?}", settings.components, settings.operator.contacts);
    let print = crate::domain::text::text_hash(&print);
    if store.book_fingerprint().await?.as_deref() == Some(print.as_str()) {
        return Ok(Loaded::Unchanged);
    }
    let before = store.book_counts().await?.clients;
    if prints.is_empty()
        && let Some(fault) = nobody_left(&path, &[], before)
    {
        return Ok(Loaded::Faulty(vec![fault]));
    }
    let generation = store.begin_book().await?;
    let summary = match write_generation(store, current, generation).await? {
        Ok(summary) => summary,
        Err(faults) => return Ok(Loaded::Faulty(faults)),
    };
    if summary.clients == 0
        && let Some(fault) = nobody_left(&path, &summary.files, before)
    {
        return Ok(Loaded::Faulty(vec![fault]));
    }
    let change = store.compare_book(generation).await?;
    if caution == Caution::KeepMost && change.removed > 5 && change.removed * 10 > before {
        return Ok(Loaded::TooFew { before, removed: change.removed });
    }
    let change = store.switch_book(generation, print, now).await?;
    while store.sweep_book(SWEEP).await? > 0 {}
    Ok(Loaded::Switched(change))
}

/// What is wrong with client `files` at `path` without any client, when the book has some: neither a reload nor a
/// start takes that for meant, because a folder that is not mounted would send everybody away. `None` when nobody
/// was there before.
pub fn nobody_left(path: &Path, files: &[PathBuf], before: i64) -> Option<Diagnostic> {
    if before == 0 {
        return None;
    }
    let (found, help) = match files {
        [] => (
            "no client file is here any more",
            "put the client files back, or name their place with `clients = ` in the configuration",
        ),
        [_, ..] => (
            "no client is left here",
            "put the clients back; whoever means to begin with nobody gives candor a new `state`",
        ),
    };
    let message = format!("{found}, and the book has {}; it stays as it is", clients_of(before));
    Some(Diagnostic::whole_file(path, message, Some(help.to_owned())))
}

fn clients_of(count: i64) -> String {
    counted(u64::try_from(count).unwrap_or(0), "client", "clients")
}

async fn write_generation(
    store: &Store,
    current: &Current,
    generation: i64,
) -> anyhow::Result<Result<BookSummary, Vec<Diagnostic>>> {
    let rules = ClientRules::new(&current.settings, &current.playbook);
    let path = current.settings.clients.clone();
    let (sender, mut receiver) = mpsc::channel::<Vec<Client>>(2);
    let reading = tokio::task::spawn_blocking(move || {
        let mut chunk = Vec::with_capacity(CHUNK);
        let mut sink = |client: Client| {
            chunk.push(client);
            if chunk.len() == CHUNK {
                sender.blocking_send(std::mem::take(&mut chunk))?;
            }
            Ok(())
        };
        let summary = clients::for_each_client(&path, &rules, &mut sink)?;
        sender.blocking_send(chunk).map_err(|error| BookError::Sink(error.into()))?;
        Ok::<BookSummary, BookError>(summary)
    });
    while let Some(chunk) = receiver.recv().await {
        store.write_book_chunk(generation, chunk).await?;
    }
    match reading.await? {
        Ok(summary) => {
            store.write_book_chunk(generation, the_operator(current).into_iter().collect()).await?;
            Ok(Ok(summary))
        }
        Err(BookError::Faulty(faults)) => Ok(Err(faults)),
        Err(BookError::Sink(error)) => Err(error),
    }
}

/// The operator's contacts as a client of the book that depends on nothing: no case of others ever concerns it.
fn the_operator(current: &Current) -> Option<Client> {
    let contacts = current.settings.operator.contacts.clone();
    (!contacts.is_empty()).then(|| Client {
        id: operator::CLIENT.to_owned(),
        name: current.settings.sender.name.clone(),
        timezone: "UTC".to_owned(),
        locale: None,
        priorities: Vec::new(),
        min_impact: Impact::None,
        maintenance: false,
        owner: None,
        tags: Vec::new(),
        facts: BTreeMap::new(),
        contacts,
    })
}
