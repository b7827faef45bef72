//! What one look at a source came to, the same for every kind.
//!
//! Deliberately absent: what is new about it. A reading says what is listed and what failed; whether an
//! incident that no list shows is over or withdrawn is decided from several readings, elsewhere.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::Memory;
use super::cause::Cause;
use super::file::FileFault;
use super::oddity::Oddity;
use crate::domain::incident::Observation;

/// One look at one source. The caller commits `memory` together with what it makes of the observations.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// One for each incident that a fresh document lists, the newest state where two documents list it.
    pub observations: Vec<Observation>,
    pub listing: Listing,
    /// Every id that the source's documents list, open or over.
    pub listed_ids: BTreeSet<String>,
    /// Of the page, when a document came; another one than before is somebody else's page.
    pub page_id: Option<String>,
    pub page_updated_at: Option<Timestamp>,
    /// All that is odd about the source's documents as they hold now, read in this look or before.
    pub oddities: BTreeSet<Oddity>,
    /// Documents that were older than the one read before; nothing of them is in `observations`.
    pub older: Vec<OlderDocument>,
    /// Files that cannot be read as updates, in this look or since an earlier one; each is tried again when it changes.
    pub file_faults: BTreeSet<FileFault>,
    pub rest: Rest,
    /// The first document that could not be read. The others still count.
    pub failure: Option<Failure>,
    /// For the next look.
    pub memory: Memory,
}

/// Whether `listed_ids` is all that the source shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// Every document was read, or still holds, in this look: an id that is not listed is listed nowhere.
    Whole,
    /// Some document was not read, failed or was older: nothing follows from an id that is not listed.
    Partial,
    /// The source has no list of what is open (files): nothing ever follows.
    None,
}

/// Whether a look took all that is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    None,
    /// There was more than one look takes.
    Waiting,
}

/// A document that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its name, such as `summary.json`; never its address.
    pub document: String,
    pub cause: Cause,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// A document older than one that was read before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OlderDocument {
    pub document: String,
    pub page_updated_at: Timestamp,
    /// When the first of the older reads in a row came.
    pub since: Timestamp,
}

impl Reading {
    /// A reading of nothing yet.
    pub(crate) fn empty(listing: Listing, memory: Memory) -> Reading {
        Reading {
            observations: Vec::new(),
            listing,
            listed_ids: BTreeSet::new(),
            page_id: None,
            page_updated_at: None,
            oddities: BTreeSet::new(),
            older: Vec::new(),
            file_faults: BTreeSet::new(),
            rest: Rest::None,
            failure: None,
            memory,
        }
    }

    /// Whether this look was good and no document of the source shows the incident.
    pub fn shows_nowhere(&self, incident: &str) -> bool {
        match self.listing {
            Listing::Whole => !self.listed_ids.contains(incident),
            Listing::Partial | Listing::None => false,
        }
    }
}
