//! The read plan of a Statuspage: `summary.json` each time; `incidents.json` and `scheduled-maintenances.json`
//! when the summary changed, when something of ours is open, or when they are owed from last time.
//!
//! Deliberately absent: the interval, and any conclusion from an incident that is not listed: it is over only
//! when a list says so. See [`Reading::shows_nowhere`] and [`permalink`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use super::cause::Cause;
use super::document_age::{self, Age, Verdict};
use super::fetch::{FeedClient, Fetched, Validators};
use super::oddity::Oddity;
use super::reading::{Failure, Listing, OlderDocument, Reading};
use super::statuspage::{self, Document, Extent, ForeignDocument};
use crate::domain::incident::Observation;

/// What is kept of a page between two looks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PageMemory {
    summary: DocumentMemory,
    incidents: DocumentMemory,
    maintenances: DocumentMemory,
    /// Whether a list could not be read when it should have been.
    #[serde(default)]
    lists_owed: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct DocumentMemory {
    validators: Validators,
    /// Of its bytes; empty before it was read.
    #[serde(default)]
    hash: String,
    listed: BTreeSet<String>,
    #[serde(default)]
    extent: Extent,
    #[serde(default)]
    oddities: BTreeSet<Oddity>,
    age: Age,
}

impl DocumentMemory {
    fn holds(&self, body: &[u8]) -> bool {
        !self.hash.is_empty() && self.hash == hash(body)
    }
}

fn hash(body: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(body))
}

/// What a page was asked, to answer one look.
pub struct Question<'a> {
    /// The feed's name.
    pub source: &'a str,
    /// The page's address, without `/api/v2`.
    pub page: &'a Url,
    /// Ids of this feed's incidents and maintenances that we hold to be open.
    pub open: &'a BTreeSet<String>,
    pub now: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Summary,
    Incidents,
    Maintenances,
}

impl Name {
    fn file(self) -> &'static str {
        match self {
            Name::Summary => "summary.json",
            Name::Incidents => "incidents.json",
            Name::Maintenances => "scheduled-maintenances.json",
        }
    }

    fn parse(self, body: &[u8], source: &str) -> Result<Document, ForeignDocument> {
        match self {
            Name::Summary => statuspage::parse_summary(body, source),
            Name::Incidents => statuspage::parse_incidents(body, source),
            Name::Maintenances => statuspage::parse_maintenances(body, source),
        }
    }
}

/// What a document came to, for the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Changed,
    Same,
    /// Failed, foreign or older than before.
    Nothing,
}

/// Looks at a page once.
pub async fn read(client: &FeedClient, question: Question<'_>, memory: PageMemory) -> Reading {
    let mut look = Look { client, question, memory, observations: BTreeMap::new(), reading: blank() };
    let summary = look.document(Name::Summary).await;
    let lists_due = match summary {
        Seen::Changed => true,
        Seen::Same | Seen::Nothing => look.memory.lists_owed || !look.question.open.is_empty(),
    };
    // A server that asks for a pause gets one at once, and one that does not answer is not asked three times.
    let paused = look
        .reading
        .failure
        .as_ref()
        .is_some_and(|failure| failure.retry_after.is_some() || failure.cause.is_silence());
    let mut listing = Listing::Partial;
    if lists_due && !paused {
        let incidents = look.document(Name::Incidents).await;
        let maintenances = look.document(Name::Maintenances).await;
        look.memory.lists_owed = incidents == Seen::Nothing || maintenances == Seen::Nothing;
        if !look.memory.lists_owed && summary != Seen::Nothing {
            listing = Listing::Whole;
        }
    } else if lists_due {
        look.memory.lists_owed = true;
    }
    look.finish(listing)
}

/// What the page of one incident, which no list shows, says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permalink {
    There,
    /// 404 or 410.
    Gone,
    Unknown(Cause),
}

/// Asks for `PAGE/incidents/ID`.
pub async fn permalink(client: &FeedClient, page: &Url, incident: &str) -> Permalink {
    match client.status(&address(page, &["incidents", incident])).await {
        Ok(404 | 410) => Permalink::Gone,
        Ok(200..=299) => Permalink::There,
        Ok(status) => Permalink::Unknown(Cause::Status(status)),
        Err(cause) => Permalink::Unknown(cause),
    }
}

fn blank() -> Reading {
    Reading::empty(Listing::Partial, super::Memory::Statuspage(Box::default()))
}

/// The page's address with further path segments, which are escaped, and without query.
fn address(page: &Url, segments: &[&str]) -> Url {
    let mut address = page.clone();
    if let Ok(mut path) = address.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    address.set_query(None);
    address.set_fragment(None);
    address
}

struct Look<'a> {
    client: &'a FeedClient,
    question: Question<'a>,
    memory: PageMemory,
    /// By id, with the place in which it was first listed.
    observations: BTreeMap<String, (usize, Observation)>,
    reading: Reading,
}

impl Look<'_> {
    async fn document(&mut self, name: Name) -> Seen {
        let url = address(self.question.page, &["api", "v2", name.file()]);
        let known = self.memory_of(name).validators.clone();
        match self.client.get(&url, &known, self.question.now).await {
            Fetched::Unchanged => Seen::Same,
            // A page without ETags sends the same document each time.
            Fetched::Fresh { body, validators } if self.memory_of(name).holds(&body) => {
                self.memory_of(name).validators = validators;
                Seen::Same
            }
            Fetched::Fresh { body, validators } => match name.parse(&body, self.question.source) {
                Ok(document) => self.take(name, document, validators, hash(&body)),
                Err(foreign) => self.fail(name, Cause::Foreign(foreign.0), None),
            },
            // Look-alikes without maintenances have no such list; what it would show is shown nowhere.
            Fetched::Refused { cause: Cause::Status(404 | 410), .. } if name == Name::Maintenances => {
                *self.memory_of(name) = DocumentMemory::default();
                Seen::Same
            }
            Fetched::Refused { cause, retry_after } => self.fail(name, cause, retry_after),
        }
    }

    fn take(&mut self, name: Name, document: Document, validators: Validators, hash: String) -> Seen {
        if self.reading.page_id.as_ref().is_some_and(|page_id| *page_id != document.page_id) {
            return self.fail(name, Cause::Foreign("a document of another page than the summary".to_owned()), None);
        }
        let now = self.question.now;
        let verdict = document_age::judge(&self.memory_of(name).age, document.page_updated_at, now);
        let age = match verdict {
            Verdict::Believed(age) => age,
            Verdict::Older(age, line) => {
                let document = name.file().to_owned();
                let older = OlderDocument { document, page_updated_at: line.stamp, since: line.since };
                self.reading.older.push(older);
                self.memory_of(name).age = age;
                return Seen::Nothing;
            }
        };
        *self.memory_of(name) = DocumentMemory {
            validators,
            hash,
            listed: document.listed_ids,
            extent: document.extent,
            oddities: document.oddities,
            age,
        };
        self.reading.page_id.get_or_insert(document.page_id);
        self.reading.page_updated_at = self.reading.page_updated_at.max(document.page_updated_at);
        for observation in document.listed {
            self.keep_newest(observation);
        }
        Seen::Changed
    }

    fn keep_newest(&mut self, observation: Observation) {
        let place = self.observations.len();
        let newness = |observation: &Observation| (observation.revised_at, observation.updates.len());
        match self.observations.get_mut(&observation.incident) {
            Some((_, kept)) if newness(&observation) >= newness(kept) => *kept = observation,
            Some(_) => {}
            None => {
                self.observations.insert(observation.incident.clone(), (place, observation));
            }
        }
    }

    fn fail(&mut self, name: Name, cause: Cause, retry_after: Option<std::time::Duration>) -> Seen {
        let failure = Failure { document: name.file().to_owned(), cause, retry_after };
        self.reading.failure.get_or_insert(failure);
        Seen::Nothing
    }

    fn memory_of(&mut self, name: Name) -> &mut DocumentMemory {
        match name {
            Name::Summary => &mut self.memory.summary,
            Name::Incidents => &mut self.memory.incidents,
            Name::Maintenances => &mut self.memory.maintenances,
        }
    }

    fn finish(self, listing: Listing) -> Reading {
        let mut reading = self.reading;
        let mut placed: Vec<(usize, Observation)> = self.observations.into_values().collect();
        placed.sort_by_key(|(place, _)| *place);
        reading.observations = placed.into_iter().map(|(_, observation)| observation).collect();
        let mut all_is_listed = true;
        for document in [&self.memory.summary, &self.memory.incidents, &self.memory.maintenances] {
            reading.listed_ids.extend(document.listed.iter().cloned());
            reading.oddities.extend(document.oddities.iter().cloned());
            all_is_listed &= document.extent == Extent::All;
        }
        reading.listing = if all_is_listed { listing } else { Listing::Partial };
        reading.memory = super::Memory::Statuspage(Box::new(self.memory));
        reading
    }
}

#[cfg(test)]
mod tests;
