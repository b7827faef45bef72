//! Opens the file: whose it is, how old its tables are, and whether SQLite keeps the promises we build on.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::migrate::{self, APPLICATION_ID, Age};
use super::{BUSY_TIMEOUT, Creation};
use crate::config::owner;
use crate::store::error::{OpenError, StoreError};

/// First bytes of every database that SQLite has written.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The writer's connection and the state's id.
pub(super) fn open(path: &Path, creation: Creation<'_>) -> Result<(Connection, String), OpenError> {
    look_at_file(path, creation)?;
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let store = |source: StoreError| OpenError::Store { path: path.to_owned(), source };
    look_at_owner(&connection, path)?;
    let age = migrate::age(&connection, path)?;
    connection.execute_batch("PRAGMA journal_mode = WAL").map_err(|error| store(error.into()))?;
    connection
        .execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;
             PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8000;",
        )
        .map_err(|error| store(error.into()))?;
    check_promises(&connection, path)?;
    match (age, creation) {
        (Age::Current, Creation::IfMissing { .. } | Creation::Never) => {}
        (Age::Empty | Age::Older, Creation::IfMissing { state_id, now }) => {
            migrate::migrate(&connection, state_id, now).map_err(store)?;
        }
        (Age::Empty, Creation::Never) => return Err(OpenError::Missing { path: path.to_owned() }),
        (Age::Older, Creation::Never) => return Err(OpenError::Older { path: path.to_owned() }),
    }
    let state_id = connection
        .query_row("SELECT value FROM meta WHERE name = 'state_id'", [], |row| row.get(0))
        .map_err(|error| store(error.into()))?;
    Ok((connection, state_id))
}

/// A further connection that can only read.
pub(super) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection
        .execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2000;")
        .map_err(|error| OpenError::Store { path: path.to_owned(), source: error.into() })?;
    Ok(connection)
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, OpenError> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .and_then(|connection| connection.busy_timeout(BUSY_TIMEOUT).map(|()| connection))
        .map_err(|error| OpenError::Store { path: path.to_owned(), source: error.into() })?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// Makes folder and file where they are missing; refuses what cannot be a database of ours.
fn look_at_file(path: &Path, creation: Creation<'_>) -> Result<(), OpenError> {
    let io = |doing, source| OpenError::Io { path: path.to_owned(), doing, source };
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(OpenError::NotAFile { path: path.to_owned(), found: "a folder" }),
        Ok(found) if !found.is_file() => {
            return Err(OpenError::NotAFile { path: path.to_owned(), found: "not a regular file" });
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => match creation {
            Creation::Never => return Err(OpenError::Missing { path: path.to_owned() }),
            Creation::IfMissing { .. } => {
                let folder = owner::parent(path);
                make_folder(folder)?;
                private_file()
                    .open(path)
                    .and_then(|file| owner::hand_over(&file, folder))
                    .map_err(|error| io("create", error))?;
            }
        },
        Err(error) => return Err(io("look at", error)),
    }
    let mut start = Vec::new();
    File::open(path).and_then(|file| file.take(16).read_to_end(&mut start)).map_err(|error| io("read", error))?;
    if start.is_empty() || start == MAGIC {
        return Ok(());
    }
    Err(OpenError::Foreign { path: path.to_owned(), what: "it is no SQLite database".to_owned() })
}

/// Refuses the database of another program before anything in it is changed.
fn look_at_owner(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let ask = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(|error| OpenError::Store { path: path.to_owned(), source: error.into() })
    };
    let found = ask("PRAGMA application_id")?;
    if found == APPLICATION_ID || (found == 0 && ask("SELECT count(*) FROM sqlite_schema")? == 0) {
        return Ok(());
    }
    let what = match found {
        0 => "it has tables that are not candor's".to_owned(),
        other => format!("its application id is {other:#x}"),
    };
    Err(OpenError::Foreign { path: path.to_owned(), what })
}

/// Reads back what the invariants rest on: a build or a file system may say yes and do otherwise.
pub(super) fn check_promises(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let promises = [("journal_mode", "WAL", "wal"), ("synchronous", "FULL", "2"), ("foreign_keys", "ON", "1")];
    for (pragma, asked, expected) in promises {
        let found = connection
            .pragma_query_value(None, pragma, |row| {
                Ok(match row.get_ref(0)? {
                    rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                    other => other.as_str()?.to_owned(),
                })
            })
            .map_err(|error| OpenError::Store { path: path.to_owned(), source: error.into() })?;
        if found != expected {
            return Err(OpenError::Weakened { path: path.to_owned(), pragma, asked, found });
        }
    }
    Ok(())
}

/// Makes a folder that only we can enter, with those above it; one that is there stays as it is.
pub(in crate::store) fn make_folder(folder: &Path) -> Result<(), OpenError> {
    owner::make_folder(folder, 0o700).map_err(|source| OpenError::Io {
        path: folder.to_owned(),
        doing: "make or enter the folder",
        source,
    })
}

/// How a file is made that only we can read; SQLite gives its log the same mode.
pub(in crate::store) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options
}
