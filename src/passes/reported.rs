//! What has been said in the log about each feed: every oddity and every kind of failure once, until it is over.
//!
//! A source that is read every 30 seconds would otherwise say the same thing 2,880 times a day. Kept in memory: a
//! start says what is still odd again. Deliberately absent: any word of the source's text, any address, and the
//! decision what a reading is worth.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::operator::Desk;
use super::poll::Worth;
use crate::domain::operator::Thing;
use crate::feed::file::FileFault;
use crate::feed::oddity::Oddity;
use crate::feed::reading::Reading;
use crate::store::StoreError;

/// A source that has said nothing for that long is lost, which is more than a hiccup.
const LOST_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// More names of one feed are not remembered, and not said either.
const MOST_UNMAPPED: usize = 1_000;

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
    /// Component names that match nothing of ours and have been said.
    unmapped: BTreeSet<String>,
    /// Its server asked to be left alone until then, whoever wants it read.
    paused_until: Option<Timestamp>,
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
        desk: &Desk,
        now: Timestamp,
    ) {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said = feeds.entry(feed.to_owned()).or_default();
        match worth {
            Worth::Good => said.good(feed),
            Worth::Partial | Worth::Foreign => said.failing(feed, reading, worth, failing_since, desk, now),
        }
        if worth != Worth::Foreign {
            said.oddities_of(feed, reading, desk);
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

    /// Whether a name that matches nothing has not been said of this feed.
    pub(super) fn is_first_unmapped(&self, feed: &str, name: &str) -> bool {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unmapped = &mut feeds.entry(feed.to_owned()).or_default().unmapped;
        unmapped.len() < MOST_UNMAPPED && unmapped.insert(name.to_owned())
    }

    pub(super) fn pause(&self, feed: &str, until: Option<Timestamp>) {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        feeds.entry(feed.to_owned()).or_default().paused_until = until;
    }

    pub(super) fn is_paused(&self, feed: &str, now: Timestamp) -> bool {
        let feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        feeds.get(feed).and_then(|said| said.paused_until).is_some_and(|until| until > now)
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
        desk: &Desk,
        now: Timestamp,
    ) {
        let lost = |line: &str| desk.tell(Thing::FeedLost { feed: feed.to_owned() }, line);
        if worth == Worth::Foreign && self.failures.insert(("page".to_owned(), "other")) {
            lost("the page has another id than the one read before: somebody else's page changes nothing");
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
            let cause = match (&reading.failure, reading.older.first()) {
                (Some(failure), _) => format!(": {}", failure.cause),
                (None, Some(_)) => ": every copy was older than one read before".to_owned(),
                (None, None) => String::new(),
            };
            lost(&format!("it has not been read well for 15 minutes{cause}"));
            tracing::error!(
                feed,
                "has not been read well for 15 minutes{cause}: what is open stays open, and the clients are told that we have lost sight of it"
            );
        }
    }

    fn oddities_of(&mut self, feed: &str, reading: &Reading, desk: &Desk) {
        let odd = |line: String| desk.tell(Thing::FeedOdd { feed: feed.to_owned() }, line);
        for oddity in reading.oddities.difference(&self.oddities) {
            odd(match &oddity.incident {
                Some(incident) => format!("{incident}: {}", oddity.words),
                None => oddity.words.clone(),
            });
            tracing::warn!(feed, incident = oddity.incident.as_deref(), oddity = %oddity.words, "an odd document: the rest of it counts");
        }
        self.oddities.clone_from(&reading.oddities);
        for fault in reading.file_faults.difference(&self.file_faults) {
            odd(format!("{}: {}", fault.file.display(), fault.fault));
            tracing::error!(feed, file = %fault.file.display(), fault = %fault.fault, "a file that is no update; the others count, and it is tried again when it changes");
        }
        self.file_faults.clone_from(&reading.file_faults);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use super::*;
    use crate::feed::Memory;
    use crate::feed::cause::Cause;
    use crate::feed::file::Cursor;
    use crate::feed::reading::{Failure, Listing};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn blank() -> Reading {
        Reading::empty(Listing::Whole, Memory::File(Cursor::default()))
    }

    fn failing(cause: Cause) -> Reading {
        let failure = Failure { document: "summary.json".to_owned(), cause, retry_after: None };
        Reading { failure: Some(failure), ..blank() }
    }

    fn odd(words: &str) -> Reading {
        let oddity = Oddity { incident: Some("i1".to_owned()), words: words.to_owned() };
        Reading { oddities: BTreeSet::from([oddity]), ..blank() }
    }

    /// Reads once a minute, each with its worth and how many lines are said of it.
    fn check(readings: &[(Reading, Worth, usize)]) {
        let (log, reported) = (Log::default(), Reported::default());
        let shared = log.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || shared.clone()).finish();
        let since: Timestamp = "2026-11-23T13:00:00Z".parse().unwrap();
        tracing::subscriber::with_default(subscriber, || {
            for (minute, (reading, worth, lines)) in readings.iter().enumerate() {
                log.0.lock().unwrap().clear();
                let now = since + SignedDuration::from_mins(i64::try_from(minute).unwrap());
                let failing_since = (*worth != Worth::Good).then_some(since);
                reported.reading("platform", reading, *worth, failing_since, &Desk::default(), now);
                let said = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
                assert_eq!(said.lines().count(), *lines, "reading {minute}: {said}");
                assert!(said.lines().all(|line| line.contains("platform")), "{said}");
            }
        });
    }

    #[test]
    fn each_oddity_is_said_once_and_again_when_it_was_gone() {
        check(&[
            (odd("one"), Worth::Good, 1),
            (odd("one"), Worth::Good, 0),
            (odd("one"), Worth::Partial, 0),
            (odd("two"), Worth::Good, 1),
            (blank(), Worth::Good, 0),
            (odd("two"), Worth::Good, 1),
        ]);
    }

    #[test]
    fn a_failure_is_said_once_a_kind_then_that_the_source_is_lost_and_then_that_it_is_over() {
        let status = |code| (failing(Cause::Status(code)), Worth::Partial, 0);
        let mut readings = vec![(failing(Cause::Status(503)), Worth::Partial, 1), status(502)];
        readings.push((failing(Cause::TimedOut), Worth::Partial, 1));
        readings.extend((3..15).map(|_| status(503)));
        readings.push((failing(Cause::Status(503)), Worth::Partial, 1));
        readings.extend([status(503), (blank(), Worth::Good, 1), (blank(), Worth::Good, 0)]);
        readings.push((failing(Cause::Status(503)), Worth::Partial, 2));
        check(&readings);
    }

    #[test]
    fn somebody_elses_page_is_said_once_and_its_oddities_are_not_ours() {
        check(&[(odd("one"), Worth::Foreign, 1), (odd("one"), Worth::Foreign, 0), (blank(), Worth::Good, 1)]);
    }
}
