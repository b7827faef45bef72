//! What has been said in the log about each feed: every oddity and every kind of failure once, until it is over.
//!
//! A source that is read every 30 seconds would otherwise say the same thing 2,880 times a day. Kept in memory: a
//! start says what is still odd again. Deliberately absent: any word of the source's text, any address, and the
//! decision what a reading is worth.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::poll::Worth;
use crate::feed::file::FileFault;
use crate::feed::oddity::Oddity;
use crate::feed::reading::Reading;
use crate::store::StoreError;

/// A source that has said nothing for that long is lost, which is more than a hiccup.
const LOST_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// What has been said, by feed.
#[derive(Debug, Default)]
pub struct Reported(Mutex<BTreeMap<String, Said>>);

#[derive(Debug, Default)]
struct Said {
    oddities: BTreeSet<Oddity>,
    file_faults: BTreeSet<FileFault>,
    /// (document, kind of cause) since the last good reading.
    failures: BTreeSet<(String, &'static str)>,
    /// Documents that have been older than before since the last good reading.
    older: BTreeSet<String>,
    lost: Lost,
    /// Why what was read could not be stored.
    fault: Option<StoreError>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Lost {
    #[default]
    No,
    Said,
}

impl Reported {
    /// Says what is new about a feed since its last reading; `failing_since` is when its last good reading ended.
    pub(super) fn reading(
        &self,
        feed: &str,
        reading: &Reading,
        worth: Worth,
        failing_since: Option<Timestamp>,
        now: Timestamp,
    ) {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said = feeds.entry(feed.to_owned()).or_default();
        match worth {
            Worth::Good => said.good(feed),
            Worth::Partial | Worth::Foreign => said.failing(feed, reading, worth, failing_since, now),
        }
        if worth != Worth::Foreign {
            said.oddities_of(feed, reading);
        }
        for older in &reading.older {
            if said.older.insert(older.document.clone()) {
                tracing::info!(feed, document = %older.document, stamp = %older.page_updated_at, "an older copy than the one before; ignored");
            }
        }
        if reading.older.is_empty() {
            said.older.clear();
        }
    }

    /// Says that what was read could not be stored, and when it can be again.
    pub fn stored(&self, feed: &str, fault: Option<&StoreError>) {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said = feeds.entry(feed.to_owned()).or_default();
        match fault {
            Some(error) if said.fault.as_ref() != fault => {
                tracing::error!(feed, %error, "what was read could not be stored; it is read again");
            }
            None if said.fault.is_some() => tracing::info!(feed, "what is read can be stored again"),
            Some(_) | None => {}
        }
        said.fault = fault.cloned();
    }

    /// Forgets feeds that have left the settings.
    pub fn keep_only(&self, names: &BTreeSet<&str>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|name, _| names.contains(name.as_str()));
    }
}

impl Said {
    fn good(&mut self, feed: &str) {
        if !self.failures.is_empty() {
            tracing::info!(feed, "is read well again");
        }
        self.failures.clear();
        self.lost = Lost::No;
    }

    fn failing(
        &mut self,
        feed: &str,
        reading: &Reading,
        worth: Worth,
        failing_since: Option<Timestamp>,
        now: Timestamp,
    ) {
        if worth == Worth::Foreign && self.failures.insert(("page".to_owned(), "other")) {
            tracing::error!(
                feed,
                "the page has another id than the one read before: somebody else's page changes nothing"
            );
        }
        if let Some(failure) = &reading.failure
            && self.failures.insert((failure.document.clone(), failure.cause.kind()))
        {
            tracing::warn!(feed, document = %failure.document, cause = %failure.cause, "cannot be read; nothing changes");
        }
        if self.lost == Lost::No && failing_since.is_some_and(|since| now.duration_since(since) >= LOST_AFTER) {
            self.lost = Lost::Said;
            tracing::error!(
                feed,
                "has not been read well for 15 minutes: what is open stays open, and the clients are told that we have lost sight of it"
            );
        }
    }

    fn oddities_of(&mut self, feed: &str, reading: &Reading) {
        for oddity in reading.oddities.difference(&self.oddities) {
            tracing::warn!(feed, incident = ?oddity.incident, oddity = %oddity.words, "an odd document: the rest of it counts");
        }
        self.oddities.clone_from(&reading.oddities);
        for fault in reading.file_faults.difference(&self.file_faults) {
            tracing::error!(feed, file = %fault.file.display(), fault = %fault.fault, "a file that is no update; the others count, and it is tried again when it changes");
        }
        self.file_faults.clone_from(&reading.file_faults);
    }
}
