//! The seam between candor and its database: every row that outlives the process goes through a method here.
//!
//! Each method is one transaction, speaks our own types ([`rows`]) and decides nothing. When a write returns,
//! it is on disk. Deliberately absent: the clock (`now` is an argument), retries, and any rule of who is told
//! what. SQL stands with the methods of its subject in [`sqlite`].

#[cfg(test)]
mod conformance;
pub mod error;
pub mod lock;
pub mod rows;
mod sqlite;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::case::Story;
use crate::domain::client::{Channel, Client, Contact};
use crate::domain::delivery::Cause;
use crate::domain::thread::{Thread, Variant};

pub use error::{OpenError, StoreError};
use rows::*;

/// The database. Cheap to clone: all clones share one writer.
#[derive(Clone)]
pub enum Store {
    Sqlite(Arc<sqlite::SqliteStore>),
}

impl Store {
    /// Opens the state, making its folder (0700) and file (0600) if need be, and brings its tables up to date.
    /// `new_state_id` (16 random bytes as hex) becomes the state's id only if there is no state yet.
    /// Blocking; call it before anything runs.
    pub fn open(path: &Path, new_state_id: &str, now: Timestamp) -> Result<Store, OpenError> {
        let creation = sqlite::Creation::IfMissing { state_id: new_state_id, now };
        sqlite::SqliteStore::open(path, creation).map(|store| Store::Sqlite(Arc::new(store)))
    }

    /// Opens a state that is there, for listings beside a daemon; makes no file and changes no table.
    pub fn open_existing(path: &Path) -> Result<Store, OpenError> {
        sqlite::SqliteStore::open(path, sqlite::Creation::Never).map(|store| Store::Sqlite(Arc::new(store)))
    }

    /// Random, made with the state: part of every delivery's key, so that a new state never repeats an old key.
    pub fn state_id(&self) -> &str {
        match self {
            Store::Sqlite(store) => store.state_id(),
        }
    }

    /// Waits until the store breaks, and says how. Never returns while all is well.
    pub async fn broken(&self) -> String {
        match self {
            Store::Sqlite(store) => store.broken().await,
        }
    }

    /// Whether the store has broken: every call answers [`StoreError::Broken`] from then on.
    pub fn is_broken(&self) -> bool {
        match self {
            Store::Sqlite(store) => store.is_broken(),
        }
    }

    /// Whether the last write that had anything to write found no room on the disk.
    pub fn is_full(&self) -> bool {
        match self {
            Store::Sqlite(store) => store.is_full(),
        }
    }

    /// Finishes what is queued and closes the file. Later calls answer [`StoreError::Closed`].
    pub async fn close(&self) {
        match self {
            Store::Sqlite(store) => store.close().await,
        }
    }
}

/// Writes one method of the seam: `read` runs beside the writer, `write` in its next group commit.
macro_rules! methods {
    ($( $(#[$doc:meta])* $mode:ident $name:ident($($argument:ident: $kind:ty),* $(,)?) -> $answer:ty = $subject:ident; )*) => {
        impl Store {
            $(
                $(#[$doc])*
                pub async fn $name(&self, $($argument: $kind),*) -> Result<$answer, StoreError> {
                    match self {
                        Store::Sqlite(store) => {
                            store.$mode(move |connection| sqlite::$subject::$name(connection, $($argument),*)).await
                        }
                    }
                }
            )*
        }
    };
}

// Nodes, accounts, feeds.
methods! {
    /// Begins the epoch of a node that has just started, under the lock of the state. What earlier epochs had
    /// claimed and never settled is free again, due now and *uncertain*.
    write begin_epoch(node: String, now: Timestamp) -> i64 = nodes;
    /// `false`: the epoch is not the newest any more.
    write renew_epoch(epoch: i64, now: Timestamp) -> bool = nodes;
    /// Holds an account of ours; one that is already held keeps its `held_since` and `why`.
    write hold_account(name: String, why: HeldFor, cause: Cause, now: Timestamp, probe_at: Timestamp) -> () = accounts;
    /// Holds an account because recipient after recipient was refused: these and all that are suspected become
    /// known, and what failed of them since they were suspected is put back; how many threads.
    write hold_for_recipients(
        name: String, refused: Vec<RefusedContact>, cause: Cause, now: Timestamp, probe_at: Timestamp
    ) -> i64 = accounts;
    read held_accounts() -> Vec<HeldAccount> = accounts;
    /// `false`: it was not held.
    write release_account(name: String) -> bool = accounts;
    /// Has every held account probed at that time, if it would be later; how many.
    write probe_held_accounts(at: Timestamp) -> i64 = accounts;
    /// Contacts of the account that were refused for good while nobody has been accepted since.
    read suspected_contacts(account: String) -> Vec<i64> = accounts;
    /// Remembers refusals until the contact is accepted; one of the same standing keeps its time.
    write note_refusals(account: String, refused: Vec<RefusedContact>, now: Timestamp) -> () = accounts;
    /// Somebody was accepted: the suspected ones are known; how many.
    write clear_suspicion(account: String) -> i64 = accounts;
    read feed(name: String) -> Option<FeedRow> = feeds;
    read feeds() -> Vec<FeedRow> = feeds;
    /// Those of `names` that are due, the longest due first; one that has no row yet is due.
    read due_feeds(names: Vec<String>, now: Timestamp) -> Vec<String> = feeds;
    /// The earliest time at which one of `names` is due; `None` if there are no rows for them.
    read next_due_feed(names: Vec<String>) -> Option<Timestamp> = feeds;
    /// Makes a feed due now, or `at_most_every` after it was last poked or read; never later than it is due anyway.
    write poke_feed(name: String, now: Timestamp, at_most_every: Duration) -> () = feeds;
    /// Writes the row. A poke that came since `row.poked_at` is kept: the feed stays due.
    write save_feed(row: FeedRow) -> () = feeds;
}

// Cases.
methods! {
    read story(case_key: i64) -> Option<Story> = cases;
    /// By the id of its incident, or by another one that joined it.
    read story_of(source: String, incident: String) -> Option<Story> = names;
    /// The one open case of a source whose incident has this page; `None` if there are several.
    read open_case_by_page(source: String, page: String) -> Option<i64> = names;
    /// What is said of `incident` from now on is said of this case; an id that is a case of its own stays one.
    write join_incident(source: String, incident: String, case_key: i64) -> () = names;
    /// A feed has another name: its cases, their other ids and its cursor are found under the new one. How many cases.
    write rename_source(was: String, name: String) -> i64 = names;
    /// By id, by the first characters of an id (at least 8, if only one case has them), or by reference;
    /// upper and lower case are the same.
    read find_case(text: String) -> Option<i64> = names;
    /// The cases of one source that are open, the oldest first.
    read open_cases_of(source: String) -> Vec<OpenCase> = cases;
    /// Whether any contact has ever accepted a word of the case.
    read is_anybody_told(case_key: i64) -> bool = cases;
    /// How many clients depend on each component, by its key; `*`: on everything.
    read clients_by_component() -> Vec<(String, i64)> = book;
    /// Every source that has an open case.
    read sources_with_open_cases() -> Vec<String> = cases;
    /// The newest first.
    read listed_cases(filter: CaseFilter, limit: i64) -> Vec<CaseRow> = cases;
    /// Whether a kept case has this reference, in upper or lower case.
    read reference_taken(reference: String) -> bool = names;
    /// Cases whose timers have something for `keep` to do.
    read cases_to_wake(now: Timestamp, limit: i64) -> Vec<i64> = cases;
    read next_wake() -> Option<Timestamp> = cases;
    /// Everything that one reading brought, with the feed's cursor, in one transaction. A change that has been
    /// planned stays as it is; one of which a part has been planned is a `Conflict`: news gets a row of its own.
    write record(writes: Vec<Write>, feed: Option<FeedRow>) -> Recorded = cases;
    /// Threads that were told it is open, not yet that it is over, and can still be told.
    read owed_count(case_key: i64) -> i64 = cases;
    /// The clients of those threads.
    read owed_clients(case_key: i64) -> i64 = cases;
    /// Closes the ended cases in which no change waits and nobody is owed or being sent a word; their keys.
    write close_settled_cases(now: Timestamp) -> Vec<i64> = cases;
    /// Archives cases that were closed before that time; how many.
    write archive_cases(before: Timestamp) -> i64 = cases;
    /// Deletes up to about `limit` rows of closed and archived cases that ended before that time, and addresses that
    /// nothing names any more; how many rows. 0: there is nothing left to delete.
    write prune(before: Timestamp, limit: i64) -> i64 = retention;
}

// Planning.
methods! {
    /// The changes that are due and not planned, the longest due first.
    read due_changes(now: Timestamp, limit: i64) -> Vec<DueChange> = planning;
    read next_due_change() -> Option<Timestamp> = planning;
    /// The next clients of the book that a change concerns: those that `selector` names, and those that have a
    /// thread in the case. Case key 0 plans for a case that does not exist.
    read planning_chunk(case_key: i64, after: Option<String>, selector: Selector, limit: i64) -> Chunk = chunk;
    /// Raises threads and moves planning on. `wanted` only rises and `since` of a pending thread stays, so that
    /// planning twice is harmless; a thread that has failed or is cancelled keeps its state. `Conflict`: the
    /// case has been written since it was read; nothing has been raised.
    write raise(raising: Raising, now: Timestamp) -> Recorded = planning;
    /// (key, body) of all variants of a case.
    read case_variants(case_key: i64) -> Vec<(i64, Variant)> = planning;
}

// Delivery.
methods! {
    /// Claims due threads of one channel, the longest due first, for one attempt each. Contacts that are not in
    /// the book or are switched off are passed over; see `orphaned`.
    write claim(channel: Channel, epoch: i64, now: Timestamp, limit: i64, whose: Whose) -> Vec<Claimed> = delivery;
    /// When the next unclaimed thread of this channel is due.
    read next_due(channel: Channel) -> Option<Timestamp> = delivery;
    /// Settles attempts; those that are no longer claimed by this epoch for the same range change nothing. News
    /// planned meanwhile is kept, and due as it was planned. What is accepted keeps the client's earlier promises,
    /// and makes the one that it printed.
    write settle(epoch: i64, settlements: Vec<Settlement>) -> SettledCount = delivery;
    /// Gives claims back that were never attempted.
    write unclaim(epoch: i64, threads: Vec<ThreadKey>) -> i64 = delivery;
    /// Active threads with something to send or owed, whose contact is no longer in the book or switched off.
    read orphaned(limit: i64) -> Vec<Thread> = delivery;
    /// Cancels threads that are active and not claimed; how many. What waited on them becomes a cancelled
    /// delivery; `owed` stays, for the list by name.
    write cancel(cancellations: Vec<Cancellation>, now: Timestamp) -> i64 = delivery;
    /// The last sequence of the case that a contact of the client has accepted, and its channel.
    read accepted_until(case_key: i64, client_id: String, by: AcceptedBy) -> Option<(i64, Channel)> = fallback;
    /// Threads of one client in a case that are active, not claimed, and have something to send; `true`: the
    /// contact is a fallback.
    read waiting_of_client(case_key: i64, client_id: String) -> Vec<(Thread, bool)> = fallback;
    /// Settles threads that nobody has claimed and that are still as they were read; how many.
    write settle_unclaimed(settlements: Vec<Settlement>) -> i64 = fallback;
    /// Threads of clients on a channel that have something to send, due or not, are not claimed, and have accepted
    /// nothing, as far as is known.
    read unsent_and_never_told(channel: Channel, limit: i64) -> Vec<Thread> = delivery;
    /// Threads that have something to send and have accepted something before, or may have.
    read unsent_and_told_before() -> i64 = delivery;
    /// Clients with something planned before that time of which none of their contacts has accepted as much.
    read unreached(planned_before: Timestamp, limit: i64) -> Vec<UnreachedClient> = fallback;
    /// Switches a contact off (410). It stays off until the client files name another address.
    write contact_gone(contact_key: i64, now: Timestamp) -> () = delivery;
}

// Promises.
methods! {
    /// Judges up to `limit` open promises for times before that one: the word did not come, or nobody of the client
    /// can be told any more.
    write break_promises(due_before: Timestamp, limit: i64) -> Overdue = promises;
    /// Open ones by time, others the latest first; those of a case by client and time.
    read promises(filter: PromiseFilter, limit: i64) -> Vec<PromiseRow> = promises;
}

// The client book.
methods! {
    /// Allots the number of a new generation, to be written in chunks and then switched to.
    write begin_book() -> i64 = book;
    /// Adds clients to a generation that is not yet the current one. A client or contact named twice is a fault.
    write write_book_chunk(generation: i64, clients: Vec<Client>) -> () = book;
    /// Makes a generation the current one.
    write switch_book(generation: i64, fingerprint: String, now: Timestamp) -> BookChange = book;
    /// What `switch_book` would change; for refusing a reload that removes too many.
    read compare_book(generation: i64) -> BookChange = book;
    /// Deletes up to about `limit` rows of generations before the current one; 0: none are left.
    write sweep_book(limit: i64) -> i64 = book;
    /// What the current generation was made from.
    read book_fingerprint() -> Option<String> = book;
    read book_counts() -> BookCounts = book;
    read client(id: String) -> Option<Client> = book;
    /// The contacts of a client that may be addressed: in the book, and not switched off.
    read contacts_of(client_id: String) -> Vec<(i64, Contact)> = book;
}

// The ledger.
methods! {
    /// The newest case first, within a case by contact and sequence.
    read deliveries(filter: LedgerFilter, limit: i64) -> Vec<LedgerRow> = ledger;
    /// The failed attempts of a case, by contact, sequence and number.
    read failed_attempts(case_key: i64) -> Vec<(ThreadKey, AttemptRow)> = ledger;
    /// All threads of a case, by contact.
    read case_threads(case_key: i64) -> Vec<Thread> = ledger;
    /// Puts failed threads back: active, due now, attempts from 0, for whatever is current.
    write retry(what: Retry, now: Timestamp) -> Retried = ledger;
    read gauges() -> Gauges = ledger;
}
