//! The notices that a client is to get from a recorded sequence, as written by hand, and how what was told differs.
//!
//! The lists are in `tests/fixtures/feeds/*/EXPECTED`, the rules by which they were written in that of `github`.
//! Deliberately absent: the daemon. Whoever can run it fits it in through [`Replays`].
#![allow(dead_code, reason = "each test uses the part of it that it needs")]
#![allow(clippy::panic, reason = "a list that cannot be read fails the test, with its name")]

use std::collections::BTreeSet;
use std::future::Future;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use crate::recordings::{self, Source};

/// A notice may be planned that many seconds earlier or later than the list says.
const TOLERANCE: i64 = 60;

/// One list: the replay, and what is told in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// What the replay shows, in a few words.
    pub about: String,
    /// Beside which recordings the list stands.
    #[serde(skip)]
    pub source: Source,
    /// The folder of the reads, in that of the source.
    pub folder: String,
    /// The feed's `supplier`; without it the feed is our own.
    pub supplier: Option<String>,
    #[serde(default)]
    pub lists: Lists,
    /// The clock runs on until then after the last read.
    #[serde(default, deserialize_with = "perhaps_a_time")]
    pub until: Option<Timestamp>,
    /// The only priority of the client `one`; `all` has `["*"]`.
    pub one: String,
    /// The only priority of the client `other`.
    pub other: String,
    /// Where it is not empty: notices for other reasons are not compared.
    #[serde(default)]
    pub only: Vec<String>,
    /// Where it is not empty: these reads, instead of all of the folder at the times in their names.
    #[serde(default)]
    read: Vec<PlannedRead>,
    /// Components declared by words, beside those of the page.
    #[serde(default)]
    pub words: Vec<DeclaredByWords>,
    #[serde(default)]
    pub not_news: Vec<NotNews>,
    #[serde(default)]
    pub notice: Vec<ExpectedNotice>,
}

/// What `incidents.json` and `scheduled-maintenances.json` of the replayed page hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lists {
    #[default]
    AsSeen,
    /// No incident, from the first read on.
    Empty,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlannedRead {
    folder: Option<String>,
    /// Which file of the folder, from 0 in the order of names.
    step: usize,
    #[serde(deserialize_with = "a_time")]
    at: Timestamp,
}

/// A component that the configuration declares by words.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredByWords {
    pub component: String,
    pub words: Vec<String>,
}

/// An update that is never told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotNews {
    pub incident: String,
    pub update: String,
    pub why: String,
}

/// One notice, for each of `clients`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedNotice {
    #[serde(deserialize_with = "a_time")]
    pub at: Timestamp,
    pub clients: Vec<String>,
    pub incident: String,
    /// The strongest first, which is the reason.
    pub kinds: Vec<String>,
    /// Kinds that may be named beside, or not.
    #[serde(default)]
    pub perhaps: Vec<String>,
    /// How many updates it tells that the client had not been sent, rewritten ones included.
    pub updates: usize,
    #[serde(default)]
    pub rewritten: usize,
    /// How many of `updates` no capture holds, but the replay server adds as the end.
    #[serde(default)]
    pub after_the_reads: usize,
    /// The time of the next word that it prints.
    #[serde(default, deserialize_with = "perhaps_a_time")]
    pub next: Option<Timestamp>,
    pub why: String,
}

fn a_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let written = toml::value::Datetime::deserialize(deserializer)?;
    written.to_string().parse().map_err(serde::de::Error::custom)
}

fn perhaps_a_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    a_time(deserializer).map(Some)
}

/// One notice that the daemon planned for one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub at: Timestamp,
    pub client: String,
    /// The source's id of the incident.
    pub incident: String,
    /// In the words of the webhook's `changes`, the reason first.
    pub kinds: Vec<String>,
    pub updates: usize,
    pub rewritten: usize,
    /// The time of the next word, if one is printed.
    pub next: Option<Timestamp>,
}

/// One read of the page: when, and what `summary.json` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    pub at: Timestamp,
    pub body: Vec<u8>,
}

impl Read {
    fn of(file: &Path, at: Timestamp) -> Read {
        Read { at, body: recordings::summary(file, at) }
    }
}

/// Runs a daemon with the clients `all`, `one` and `other` on a replayed page, with time by hand.
pub trait Replays {
    /// Makes every read of `expected` at its time, does between two reads all that falls due when it is due, runs on
    /// to `until`, and gives what was planned, in any order.
    fn told(&mut self, expected: &Expected) -> impl Future<Output = Vec<Told>>;
}

/// Plays the list of this name and fails with every difference.
pub async fn check(name: &str, daemon: &mut impl Replays) {
    let expected = list(name);
    let differences = differences(&expected, &daemon.told(&expected).await);
    assert!(differences.is_empty(), "{name} ({}):\n{}", expected.about, differences.join("\n"));
}

/// The names of all lists, in their order.
pub fn names() -> Vec<String> {
    let lists = Source::ALL.into_iter().flat_map(Source::lists);
    lists.map(|file| file.file_stem().expect("a list has a name").to_string_lossy().into_owned()).collect()
}

/// The list of this name.
pub fn list(name: &str) -> Expected {
    let of = |source: Source| source.lists().into_iter().find(|file| file.file_stem().is_some_and(|stem| stem == name));
    let (source, file) = Source::ALL
        .into_iter()
        .find_map(|source| of(source).map(|file| (source, file)))
        .unwrap_or_else(|| panic!("there is no list {name}"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let list: Expected = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}.toml: {error}"));
    Expected { source, ..list }
}

impl Expected {
    /// The reads, in order.
    pub fn reads(&self) -> Vec<Read> {
        let recorded = |folder: &str| recordings::reads_in(&self.source.folder().join(folder));
        if self.read.is_empty() {
            let files = recorded(&self.folder);
            return files.iter().map(|file| Read::of(file, recordings::time_in(file))).collect();
        }
        let planned = self.read.iter();
        planned
            .map(|read| {
                let folder = recorded(read.folder.as_ref().unwrap_or(&self.folder));
                Read::of(&folder[read.step], read.at)
            })
            .collect()
    }

    /// The documents that the reads give; an empty body gives none.
    pub fn documents(&self) -> Vec<serde_json::Value> {
        self.reads().iter().filter_map(|read| serde_json::from_slice(&read.body).ok()).collect()
    }

    /// The components that the page names, without the one that only says where the page is.
    pub fn components(&self) -> BTreeSet<String> {
        let documents = self.documents();
        let listed = documents.iter().flat_map(|document| document["components"].as_array().into_iter().flatten());
        let names = listed.filter_map(|component| component["name"].as_str());
        names.filter(|name| !name.starts_with("Visit www.")).map(str::to_owned).collect()
    }

    fn compares(&self, reason: Option<&String>) -> bool {
        self.only.is_empty() || reason.is_none_or(|reason| self.only.contains(reason))
    }
}

/// Every way in which what was told is not what the list says, one line each, in the order of time.
pub fn differences(expected: &Expected, told: &[Told]) -> Vec<String> {
    let mut left: Vec<&Told> = told.iter().filter(|told| expected.compares(told.kinds.first())).collect();
    let mut differences = Vec::new();
    for notice in &expected.notice {
        for client in &notice.clients {
            match take(&mut left, notice, client) {
                Some(told) => differences.extend(faults(notice, told).into_iter().map(|fault| (told.at, fault))),
                None => differences.push((notice.at, missing(notice, client))),
            }
        }
    }
    differences.extend(left.into_iter().map(|told| (told.at, too_much(told))));
    differences.sort_by_key(|(at, _)| *at);
    differences.into_iter().map(|(_, line)| line).collect()
}

/// Takes out what this client was told at the time of the notice: for the same reason if there is such, else for any.
fn take<'t>(left: &mut Vec<&'t Told>, notice: &ExpectedNotice, client: &str) -> Option<&'t Told> {
    let fits = |told: &Told| told.client == client && told.incident == notice.incident && near(told.at, notice.at);
    let same_reason = left.iter().position(|told| fits(told) && told.kinds.first() == notice.kinds.first());
    let place = same_reason.or_else(|| left.iter().position(|told| fits(told)));
    place.map(|place| left.remove(place))
}

fn missing(notice: &ExpectedNotice, client: &str) -> String {
    let ExpectedNotice { at, incident, kinds, why, .. } = notice;
    format!("missing: {at} to {client}, {incident}, {kinds:?} ({why})")
}

fn too_much(told: &Told) -> String {
    let Told { at, client, incident, kinds, updates, .. } = told;
    format!("too much: {at} to {client}, {incident}, {kinds:?}, {updates} updates")
}

fn near(one: Timestamp, other: Timestamp) -> bool {
    one.duration_since(other).as_secs().abs() <= TOLERANCE
}

/// What is wrong with a notice that came when it should.
fn faults(notice: &ExpectedNotice, told: &Told) -> Vec<String> {
    let mut faults = Vec::new();
    let mut compare = |same: bool, what: &str, is: &dyn std::fmt::Debug, should_be: &dyn std::fmt::Debug| {
        if !same {
            let Told { at, client, incident, .. } = told;
            let why = &notice.why;
            faults.push(format!("{at} to {client}, {incident}: {what} is {is:?}, should be {should_be:?} ({why})"));
        }
    };
    compare(told.kinds.first() == notice.kinds.first(), "reason", &told.kinds.first(), &notice.kinds.first());
    compare(compared(&told.kinds, notice) == compared(&notice.kinds, notice), "kinds", &told.kinds, &notice.kinds);
    compare(told.updates == notice.updates, "updates", &told.updates, &notice.updates);
    compare(told.rewritten == notice.rewritten, "rewritten", &told.rewritten, &notice.rewritten);
    compare(next_fits(notice, told), "next word", &told.next, &notice.next);
    faults
}

/// The kinds that must agree: not those left open, and `updated` only as the reason, because `updates` counts them.
fn compared<'k>(kinds: &'k [String], notice: &ExpectedNotice) -> BTreeSet<&'k str> {
    let named = kinds.iter().enumerate().filter(|(place, kind)| *place == 0 || *kind != "updated");
    named.filter(|(place, kind)| *place == 0 || !notice.perhaps.contains(kind)).map(|(_, kind)| kind.as_str()).collect()
}

/// A list that names no next word leaves it open; else it is due at the time named.
fn next_fits(notice: &ExpectedNotice, told: &Told) -> bool {
    notice.next.is_none_or(|next| told.next.is_some_and(|told| near(told, next)))
}
