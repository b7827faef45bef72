//! The ledger of promised next words, as it is listed and counted.

use jiff::Timestamp;

use crate::domain::kept::PromiseResult;

/// Which promises are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromiseFilter {
    /// Those that are yet to be kept.
    Open,
    Broken,
    All,
    Case(i64),
}

/// One time of the next word that a client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromiseRow {
    pub case_key: i64,
    pub case_id: String,
    pub reference: String,
    pub client_id: String,
    /// The notice that said it.
    pub sequence: i64,
    pub made_at: Timestamp,
    pub due_at: Timestamp,
    /// When the next word was accepted.
    pub came_at: Option<Timestamp>,
    /// `None`: it is yet to be kept.
    pub result: Option<PromiseResult>,
}

/// A promise that has just been found broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenPromise {
    pub case_key: i64,
    pub client_id: String,
    pub due_at: Timestamp,
}

/// What came of promises that fell due with no word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overdue {
    pub broken: Vec<BrokenPromise>,
    pub released: i64,
}

/// What settling attempts came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SettledCount {
    /// Attempts that were still claimed by this epoch for the same range.
    pub threads: i64,
    /// Promises that the accepted ones kept.
    pub promises_kept: u64,
}
