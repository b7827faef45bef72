//! What goes into the store and comes out of it, in plain types.
//!
//! Deliberately absent: SQL, and any judgement of what a row means. Where a rule of ours is kept by the store
//! itself (what "wanted only rises" means, say) it stands with the method of [`super::Store`] that keeps it.

mod ledger;
mod promises;

use jiff::Timestamp;

use crate::domain::case::{Case, Change, Update};
use crate::domain::client::{Channel, Client, Contact};
use crate::domain::delivery::Cause;
use crate::domain::kept::KeptPromises;
use crate::domain::refusals::Refused;
use crate::domain::thread::{Standing, Thread, Variant};

pub use ledger::*;
pub use promises::*;

/// What came of a write that names the version it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// Committed, on disk; the keys of the cases in the order in which they were given.
    Done { case_keys: Vec<i64> },
    /// Somebody else has written one of the cases since it was read (or has made it): nothing was written.
    /// Read again, decide again.
    Conflict,
}

/// One case with what is new in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// Key 0 inserts; any other key updates, if the row still has this version.
    pub case: Case,
    /// Inserted, or replacing the update of the same number.
    pub updates: Vec<Update>,
    /// Inserted, or replacing the change of the same sequence. One of which a part has been planned is a conflict;
    /// one that has been planned stays as it is.
    pub changes: Vec<Change>,
}

/// What we know of one feed between two reads.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedRow {
    pub name: String,
    pub due_at: Timestamp,
    pub first_read_at: Option<Timestamp>,
    pub last_good_at: Option<Timestamp>,
    pub failing_since: Option<Timestamp>,
    /// The id that the source gives its own page; another one is another source.
    pub page_id: Option<String>,
    /// The time for which a poke last asked for a read, as whoever made this row has seen it; it may lie ahead.
    pub poked_at: Option<Timestamp>,
    /// Whatever the kind of feed keeps: validators, the last document's figures.
    pub body: serde_json::Value,
}

/// Which cases a listing holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseFilter {
    /// Open ones, and ended ones that still owe somebody a word.
    OpenOrOwed,
    All,
}

/// One case in a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseRow {
    pub case: Case,
    /// Contacts that have accepted anything of it.
    pub told: i64,
    /// Contacts that were told it is open and not yet that it is over, and can still be told.
    pub owed: i64,
    /// Contacts with something unsent.
    pub pending: i64,
    /// Contacts whose delivery has been given up or refused.
    pub failed: i64,
}

/// An open case, as the reading of its source looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCase {
    pub case_key: i64,
    pub incident: String,
    /// Other ids under which the source speaks of it.
    pub also: Vec<String>,
    pub last_read: LastRead,
}

impl OpenCase {
    /// Every id of its incident.
    pub fn ids(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.incident).chain(&self.also)
    }
}

/// Whether the last good read of its source listed a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastRead {
    Listed,
    /// `Facts::missed_reads` says since when.
    Missed,
}

/// A change that planning is to take up, or to go on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueChange {
    pub case_key: i64,
    pub sequence: i64,
    /// The last client planned, when an earlier chunk has been committed.
    pub after: Option<String>,
}

/// Which clients of the book a change concerns, besides those that have a thread in the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// Those with one of these words among their priorities, and those with `*`.
    Components(Vec<String>),
    /// Everybody who has priorities at all.
    Everyone,
}

/// A part of the book for planning, ordered by client id.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    pub planned: Vec<Planned>,
    /// Every variant that one of the threads names (to be sent, told, or asked).
    pub variants: Vec<(i64, Variant)>,
    /// Where the next chunk begins; `None`: this was the last.
    pub next_after: Option<String>,
}

/// One client as planning sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Its `contacts` are those of `contacts` below.
    pub client: Client,
    /// The contacts that may be addressed: in the book, and not switched off.
    pub contacts: Vec<(i64, Contact)>,
    /// All its threads in this case, with what has become of the contact.
    pub threads: Vec<(Thread, Presence)>,
}

/// Whether a contact that has a thread may still be addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    InBook,
    /// The client files no longer have it.
    Removed,
    /// It answered 410.
    SwitchedOff,
}

/// One contact to be told one change.
#[derive(Debug, Clone, PartialEq)]
pub struct Raise {
    pub contact_key: i64,
    pub client_id: String,
    pub channel: Channel,
    pub variant: Variant,
    /// Where the contact stands once this has been sent.
    pub standing: Standing,
    pub episode: Episode,
    /// When it is to be sent, if nothing waits on this thread yet.
    pub due_at: Timestamp,
    /// What becomes of a wait that the thread is already in.
    pub waiting: Waiting,
}

/// Whether a raise begins an episode for its contact. A new thread always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Episode {
    Same,
    Begins,
}

/// What later news does to an unsent notice that waits already, or that was refused for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// The one waits on, the other stays refused.
    Keeps,
    /// What was refused for good is tried again; a wait stays as it is.
    TriedAgain,
    /// The same, and a wait is due at the earlier of the two times.
    BroughtForward,
}

/// One chunk of the planning of one change.
#[derive(Debug, Clone, PartialEq)]
pub struct Raising {
    pub case_key: i64,
    pub sequence: i64,
    pub raises: Vec<Raise>,
    pub progress: Progress,
}

/// How far planning has come with this chunk.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// The last client of the chunk, and the version of the case from which the chunk was planned.
    More { after: String, version: i64 },
    /// Every client has been planned: the change is marked so, and the case is written with it.
    Done { case: Box<Case> },
}

/// A thread taken for sending; its range and key are fixed until it is settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// `told` and `wanted` are the range: (told, wanted].
    pub thread: Thread,
    pub contact: Contact,
    pub client: ClientLine,
    /// The first sequence that was ever meant for this contact.
    pub entered: i64,
    /// The contact's last refusal for good, as long as it has not been accepted since.
    pub refused: Option<Refused>,
    /// How many of the words promised to the client came, this one among them; only with a thread that is told an end.
    pub promises: Option<KeptPromises>,
}

/// Whose threads are claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    Everybodys,
    /// In rehearsal nobody else gets anything.
    TheOperators,
}

/// A client none of whose contacts has accepted what is planned for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreachedClient {
    pub case_key: i64,
    pub reference: String,
    pub client_id: String,
    /// Who on our side answers for the client.
    pub owner: Option<String>,
    /// The sequence that it waits for.
    pub wanted: i64,
}

/// What a message needs to know of its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientLine {
    pub id: String,
    pub name: String,
    pub locale: Option<String>,
    pub timezone: String,
}

/// Case and contact: the name of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ThreadKey {
    pub case_key: i64,
    pub contact_key: i64,
}

/// Whose acceptance is asked for among the contacts of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptedBy {
    Anybody,
    /// A contact that is used when the others do not accept.
    Fallback,
}

/// What became of one claimed thread.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    /// The thread as it stands after the attempt, made from the claimed one.
    pub after: Thread,
    /// `wanted` of the claimed thread: the end of the range that was attempted.
    pub claim_to: i64,
    /// Set when the range is settled: delivered, failed or cancelled.
    pub delivery: Option<DeliveryRow>,
    /// Set when the attempt did not succeed.
    pub attempt: Option<AttemptRow>,
    /// The time of the next word that the message printed.
    pub promised: Option<Timestamp>,
}

/// A settled range of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    pub from_sequence: i64,
    pub to_sequence: i64,
    pub variant: i64,
    pub state: Settled,
    pub uncertain: bool,
    pub attempts: i64,
    pub planned_at: Timestamp,
    pub settled_at: Timestamp,
    pub receipt: Option<String>,
    pub cause: Option<Cause>,
    /// What the other side knows it by; none when no message was ever made.
    pub key: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Settled {
    Delivered,
    Failed,
    Cancelled,
}

impl Settled {
    pub const ALL: [Settled; 3] = [Settled::Delivered, Settled::Failed, Settled::Cancelled];

    pub fn as_str(self) -> &'static str {
        match self {
            Settled::Delivered => "delivered",
            Settled::Failed => "failed",
            Settled::Cancelled => "cancelled",
        }
    }

    pub fn from_word(word: &str) -> Option<Settled> {
        Settled::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// An attempt that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRow {
    pub to_sequence: i64,
    /// From 1.
    pub attempt: i64,
    pub at: Timestamp,
    /// `deferred`, `failed`, `uncertain`, `held` or `gone`.
    pub outcome: String,
    pub cause: Cause,
}

/// A thread that is to be sent nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    pub thread: ThreadKey,
    /// Why, for the ledger: removed, muted, told by a fallback, closed by hand.
    pub cause: Cause,
}

/// An account of ours at a relay or provider that is refused: nothing is sent through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldAccount {
    pub name: String,
    pub why: HeldFor,
    pub held_since: Timestamp,
    pub cause: Cause,
    pub probe_at: Timestamp,
}

/// What an account is held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldFor {
    /// It was refused itself: a login or a greeting that succeeds releases it.
    Account,
    /// Recipient after recipient was refused: somebody's acceptance releases it.
    Recipients,
}

impl HeldFor {
    pub fn as_str(self) -> &'static str {
        match self {
            HeldFor::Account => "account",
            HeldFor::Recipients => "recipients",
        }
    }

    pub fn from_word(word: &str) -> Option<HeldFor> {
        [HeldFor::Account, HeldFor::Recipients].into_iter().find(|why| why.as_str() == word)
    }
}

/// A contact that was refused for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedContact {
    pub contact_key: i64,
    pub refused: Refused,
}

/// What a new generation of the book changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BookChange {
    pub added: i64,
    pub removed: i64,
    /// Ids of removed clients that have been told of something that is not over; at most 100.
    pub removed_in_open_cases: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BookCounts {
    pub clients: i64,
    pub contacts: i64,
    pub without_priorities: i64,
    pub without_contacts: i64,
    /// When the current generation was switched to; `None`: there has never been a book.
    pub switched_at: Option<Timestamp>,
}
