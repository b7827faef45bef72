//! What is particular to SQLite: the file, the promises read back, the group commit, a full and a broken disk.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::Connection;

use super::delivery::{DUE, claim_statement};
use super::open::check_promises;
use super::text::{execute, first};
use super::{Creation, SqliteStore, cases};
use crate::store::error::{OpenError, StoreError};
use crate::store::{Store, sqlite};

fn now() -> Timestamp {
    Timestamp::from_second(1_795_000_000).unwrap()
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/candor.db");
    (folder, path)
}

fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(path, Creation::IfMissing { state_id: "00ff", now: now() })
}

fn put(name: &'static str) -> impl FnOnce(&Connection) -> Result<(), StoreError> + Send + 'static {
    move |connection| sqlite::nodes::set_meta(connection, name, name)
}

async fn has(store: &SqliteStore, name: &'static str) -> bool {
    store.read(move |connection| sqlite::nodes::meta(connection, name)).await.unwrap().is_some()
}

#[tokio::test]
async fn folder_and_file_are_made_for_us_alone() {
    let (_folder, path) = folder();
    let store = open(&path).unwrap();
    assert_eq!(store.state_id(), "00ff");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let log = path.with_file_name("candor.db-wal");
    assert_eq!(mode(&log), 0o600);
    store.close().await;
    let again = SqliteStore::open(&path, Creation::IfMissing { state_id: "1111", now: now() }).unwrap();
    assert_eq!(again.state_id(), "00ff", "an id is made once");
}

#[tokio::test]
async fn an_empty_file_is_a_new_state() {
    let (_folder, path) = folder();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "").unwrap();
    assert!(matches!(Store::open_existing(&path), Err(OpenError::Missing { .. })));
    let store = open(&path).unwrap();
    store.write(put("a")).await.unwrap();
    assert!(has(&store, "a").await);
    store.close().await;
    assert!(Store::open_existing(&path).is_ok());
}

#[test]
fn what_is_not_ours_is_refused_and_left_alone() {
    let check = |make: &dyn Fn(&Path), expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("candor.db");
        make(&path);
        let before = std::fs::read(&path).ok();
        let error = open(&path).map(drop).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(std::fs::read(&path).ok(), before, "{expected}");
    };
    let database = |sql: &'static str| {
        move |path: &Path| {
            Connection::open(path).unwrap().execute_batch(sql).unwrap();
        }
    };
    check(&|path| std::fs::create_dir(path).unwrap(), "is a folder");
    check(&|path| std::fs::write(path, "id,name\nacme,Acme").unwrap(), "it is no SQLite database");
    check(&database("CREATE TABLE a (b)"), "it has tables that are not candor's");
    check(&database("PRAGMA application_id = 4660"), "its application id is 0x1234");
}

#[test]
fn a_missing_state_is_not_made_for_a_listing() {
    let (_folder, path) = folder();
    assert!(matches!(Store::open_existing(&path), Err(OpenError::Missing { .. })));
    assert!(!path.exists());
}

async fn tamper(path: &Path, sql: &'static str) -> OpenError {
    open(path).unwrap().close().await;
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
    open(path).map(drop).unwrap_err()
}

#[tokio::test]
async fn a_newer_state_is_refused() {
    let (_folder, path) = folder();
    let error = tamper(&path, "PRAGMA user_version = 99").await;
    assert!(matches!(error, OpenError::Newer { found: 99, known: 3, .. }), "{error}");
    assert!(matches!(Store::open_existing(&path), Err(OpenError::Newer { .. })));
}

#[tokio::test]
async fn a_step_that_was_edited_is_noticed() {
    let (_folder, path) = folder();
    let error = tamper(&path, "UPDATE migrations SET checksum = 'other'").await;
    assert!(matches!(error, OpenError::OtherHistory { number: 1, .. }), "{error}");
}

#[test]
fn a_weakened_promise_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("candor.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON").unwrap();
    check_promises(&connection, &path).unwrap();
    let check = |weaken: &str, restore: &str, name: &str| {
        connection.execute_batch(weaken).unwrap();
        match check_promises(&connection, &path) {
            Err(OpenError::Weakened { pragma, .. }) => assert_eq!(pragma, name),
            other => panic!("{weaken}: {other:?}"),
        }
        connection.execute_batch(restore).unwrap();
    };
    check("PRAGMA synchronous = NORMAL", "PRAGMA synchronous = FULL", "synchronous");
    check("PRAGMA synchronous = OFF", "PRAGMA synchronous = FULL", "synchronous");
    check("PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON", "foreign_keys");
    check("PRAGMA journal_mode = DELETE", "PRAGMA journal_mode = WAL", "journal_mode");
}

#[tokio::test]
async fn the_writer_keeps_its_promises() {
    let (_folder, path) = folder();
    let store = open(&path).unwrap();
    let checked = store.write(move |connection| Ok(check_promises(connection, &path).map_err(|e| e.to_string())));
    assert_eq!(checked.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn jobs_share_a_commit_and_a_failing_one_leaves_the_others() {
    let (_folder, path) = folder();
    let store = open(&path).unwrap();
    // Holds the writer until all three are queued behind it: they share the next group.
    let (go, wait) = std::sync::mpsc::sync_channel::<()>(1);
    let holds = store.write(move |_| Ok(wait.recv().is_ok()));
    let fails = store.write(|connection| {
        put("half")(connection)?;
        Err::<(), _>(StoreError::Fault("on purpose".into()))
    });
    let second = store.write(move |connection| {
        put("second")(connection)?;
        // Another connection sees only what has been committed: not yet what the job before this one wrote.
        let beside = Connection::open(&path)?;
        Ok(sqlite::nodes::meta(&beside, "first")?.is_some())
    });
    let released = async {
        tokio::task::yield_now().await;
        go.send(()).unwrap();
    };
    let (held, first, failed, second, ()) = tokio::join!(holds, store.write(put("first")), fails, second, released);
    assert_eq!(held, Ok(true));
    assert_eq!((first, second), (Ok(()), Ok(false)));
    assert_eq!(failed, Err(StoreError::Fault("on purpose".into())));
    assert!(has(&store, "first").await && has(&store, "second").await);
    assert!(!has(&store, "half").await);
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_recovers() {
    let (_folder, path) = folder();
    let store = open(&path).unwrap();
    store.write(put("before")).await.unwrap();
    let limit = |pages: i64| {
        move |connection: &Connection| {
            Ok(connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get::<_, i64>(0))?)
        }
    };
    store.write(limit(1)).await.unwrap();
    let fill = || {
        store.write(|connection| {
            let long = "x".repeat(100_000);
            execute(connection, "INSERT INTO meta (name, value) VALUES ('long', $1)", [long])
        })
    };
    assert_eq!(fill().await, Err(StoreError::Full));
    assert!(!store.is_broken());
    assert!(has(&store, "before").await);
    store.write(limit(100_000)).await.unwrap();
    assert_eq!(fill().await, Ok(1));
}

#[tokio::test]
async fn a_damaged_file_breaks_the_store_for_good() {
    let (_folder, path) = folder();
    let store = open(&path).unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'accounts'";
    let page: Option<i64> = store.read(|connection| first(connection, root, [], |row| row.get(0))).await.unwrap();
    store.close().await;
    let mut bytes = std::fs::read(&path).unwrap();
    let start = usize::try_from(page.unwrap() - 1).unwrap() * 4096;
    bytes[start..start + 4096].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let store = open(&path).unwrap();
    store.write(put("fine")).await.unwrap();
    assert!(matches!(store.read(sqlite::accounts::held_accounts).await, Err(StoreError::Broken(_))));
    assert!(store.is_broken());
    assert!(!store.broken().await.is_empty());
    assert!(matches!(store.write(put("more")).await, Err(StoreError::Broken(_))));
    assert!(matches!(store.read(sqlite::accounts::held_accounts).await, Err(StoreError::Broken(_))));
}

#[tokio::test]
async fn a_panic_in_a_job_is_known_as_a_break() {
    let (_folder, path) = folder();
    let store = open(&path).unwrap();
    let panics = store.write(|_| -> Result<(), StoreError> { panic!("on purpose") });
    assert!(matches!(panics.await, Err(StoreError::Broken(_) | StoreError::Closed)));
    assert!(store.broken().await.contains("panic"));
    assert!(matches!(store.write(put("more")).await, Err(StoreError::Broken(_))));
}

#[tokio::test]
async fn closing_finishes_what_is_queued() {
    let (_folder, path) = folder();
    let store = open(&path).unwrap();
    let (queued, ()) = tokio::join!(store.write(put("queued")), store.close());
    assert_eq!(queued, Ok(()));
    assert_eq!(store.write(put("late")).await, Err(StoreError::Closed));
    let store = open(&path).unwrap();
    assert!(has(&store, "queued").await && !has(&store, "late").await);
}

#[tokio::test]
async fn two_processes_share_the_file() {
    let (_folder, path) = folder();
    let (daemon, command) = (open(&path).unwrap(), open(&path).unwrap());
    daemon.write(put("daemon")).await.unwrap();
    assert!(has(&command, "daemon").await);
    command.write(put("command")).await.unwrap();
    assert!(has(&daemon, "command").await);
}

#[tokio::test]
async fn what_runs_often_reads_only_an_index_of_what_is_pending() {
    let (_folder, path) = folder();
    let store = open(&path).unwrap();
    let check = async |sql: String, index: &str| {
        // A set given by the caller is small; what the table holds is not.
        let has_given_set = sql.contains("json_each");
        let explain = format!("EXPLAIN QUERY PLAN {}", sql.replace('$', "?"));
        let plan = store.read(move |connection| {
            let mut statement = connection.prepare(&explain)?;
            let mut found = statement.raw_query();
            let mut plan = Vec::new();
            while let Some(row) = found.next()? {
                plan.push(row.get::<_, String>(3)?);
            }
            Ok(plan)
        });
        let plan = plan.await.unwrap();
        assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
        assert!(!plan.iter().any(|step| step.starts_with("SCAN") && !step.contains("INDEX")), "{plan:?}");
        let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE"));
        assert!(!sorts || has_given_set, "{plan:?}");
    };
    check(claim_statement(), "threads_due").await;
    check(format!("SELECT min(due_at) FROM threads WHERE channel = $1 AND {DUE}"), "threads_due").await;
    let (threads, unsettled) = (cases::UNSETTLED_THREADS, cases::UNSETTLED);
    check(format!("SELECT count(*) FROM {threads} WHERE case_key = $1 AND {unsettled}"), "threads_unsettled").await;
    let with_thread =
        "SELECT DISTINCT client_id FROM threads WHERE case_key = $1 AND client_id > $2 ORDER BY client_id";
    check(with_thread.into(), "threads_client").await;
    check(cases::close_statement(), "threads_unsettled").await;
    check(cases::close_statement(), "SEARCH cases USING").await;
    check(super::chunk::CLIENTS.into(), "c USING PRIMARY KEY (generation=? AND client_id=?)").await;
    check(super::chunk::CONTACTS.into(), "book_contacts_client (generation=? AND client_id=?)").await;
    check(super::chunk::threads_statement(), "threads_client (case_key=? AND client_id=?)").await;
    check("SELECT case_key FROM changes WHERE planned_at IS NULL AND due_at <= $1".into(), "changes_due").await;
    check("SELECT min(wake_at) FROM cases WHERE wake_at IS NOT NULL".into(), "cases_wake").await;
    check("UPDATE threads SET uncertain = 1 WHERE claim_epoch IS NOT NULL".into(), "threads_claimed").await;
}
