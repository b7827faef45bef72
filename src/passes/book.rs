//! Brings the client files into the store: streamed in, switched to in one small commit.
//!
//! Priorities are kept under the ids of the components they name. Deliberately absent: reading the files
//! (`config::clients`), and any notice: a reload tells nobody anything by itself.

use jiff::Timestamp;

use super::Shared;
use super::current::Current;
use crate::config::clients;
use crate::config::diagnostic::Diagnostic;
use crate::domain::client::Client;
use crate::store::rows::BookChange;
use crate::store::{Store, StoreError};

/// Clients written in one transaction.
const CHUNK: usize = 500;
const SWEEP: i64 = 5_000;

#[derive(Debug)]
pub enum Loaded {
    /// The files are those that the book was made from.
    Unchanged,
    Switched(BookChange),
    /// Nothing was changed.
    Refused(Vec<Diagnostic>),
}
