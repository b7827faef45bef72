//! Reads the feeds that are due, and hands what they say to `ingest`.
//!
//! Each feed is one reading, one transaction, one cursor. Deliberately absent: parsing and fetching (`feed`) and
//! what is news. A feed that fails changes nothing but the time of its next reading.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::current::Current;
use super::{Shared, ingest};
use crate::config::settings::{FeedKind, FeedSettings, FirstSight};
use crate::domain::absence::{self, Miss, OwnPage};
use crate::domain::incident::Part;
use crate::domain::observe::Sight;
use crate::feed::fetch::{FeedClient, jittered};
use crate::feed::reading::{Listing, Reading, Rest};
use crate::feed::{self, Memory, statuspage_poll};
use crate::store::StoreError;
use crate::store::rows::{FeedRow, LastRead, OpenCase, Write};

/// A server that asks to be left alone is, at most that long.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    pub read: usize,
    pub failed: usize,
    pub news: usize,
}

/// Reads every feed that is due, one after the other.
pub async fn pass(shared: &Shared, client: &FeedClient, now: Timestamp) -> Result<Report, StoreError> {
    let mut report = Report::default();
    for name in due(shared, now).await? {
        let one = read_feed(shared, client, &name, now).await?;
        report.read += one.read;
        report.failed += one.failed;
        report.news += one.news;
    }
    Ok(report)
}

/// The names of the feeds that are due, the longest due first.
pub async fn due(shared: &Shared, now: Timestamp) -> Result<Vec<String>, StoreError> {
    let names: Vec<String> = shared.current.load().settings.feeds.iter().map(|feed| feed.name.clone()).collect();
    let mut due = if names.is_empty() { names } else { shared.store.due_feeds(names, now).await? };
    due.retain(|name| !shared.reported.is_paused(name, now));
    Ok(due)
}

/// Reads one feed, whether or not it is due. It must not be read twice at the same time.
pub async fn read_feed(shared: &Shared, client: &FeedClient, name: &str, now: Timestamp) -> Result<Report, StoreError> {
    let current = shared.current.load_full();
    let mut report = Report::default();
    if let Some(feed) = current.feed(name) {
        let row = shared.store.feed(name.to_owned()).await?.unwrap_or_else(|| blank_row(name, now));
        read_one(shared, client, &current, feed, row, &mut report, now).await?;
    }
    Ok(report)
}

/// When the next feed is due.
pub async fn next_due(shared: &Shared) -> Result<Option<Timestamp>, StoreError> {
    let current = shared.current.load();
    let names: Vec<String> = current.settings.feeds.iter().map(|feed| feed.name.clone()).collect();
    if names.is_empty() { Ok(None) } else { shared.store.next_due_feed(names).await }
}

async fn read_one(
    shared: &Shared,
    client: &FeedClient,
    current: &Current,
    feed: &FeedSettings,
    row: FeedRow,
    report: &mut Report,
    now: Timestamp,
) -> Result<(), StoreError> {
    let memory: Option<Memory> = serde_json::from_value(row.body.clone()).ok();
    let open = shared.store.open_cases_of(feed.name.clone()).await?;
    let ids: BTreeSet<String> = open.iter().flat_map(OpenCase::ids).cloned().collect();
    report.read += 1;
    let reading = match feed::look(client, feed, memory, &ids, now).await {
        Ok(reading) => reading,
        Err(fault) => {
            tracing::error!(feed = %feed.name, error = %fault, "the feed was not read: a fault of ours");
            report.failed += 1;
            return Ok(());
        }
    };
    let worth = Worth::of(&row, &reading);
    let is_good = worth == Worth::Good;
    let next = row_after(&row, feed, &reading, worth, now);
    let pause = reading.failure.as_ref().and_then(|failure| failure.retry_after).map(|asked| asked.min(LONGEST_PAUSE));
    shared.reported.pause(&feed.name, pause.map(|pause| now + pause));
    shared.reported.reading(&feed.name, &reading, worth, next.failing_since, &shared.operator, now);
    // A feed that has never been read well shows an age too: that of the beginning of time.
    shared.metrics.feed_read(&feed.name, if is_good { now } else { row.last_good_at.unwrap_or(Timestamp::UNIX_EPOCH) });
    if worth == Worth::Foreign {
        report.failed += 1;
        return shared.store.save_feed(FeedRow { body: row.body, page_id: row.page_id, ..next }).await;
    }
    report.failed += usize::from(!is_good);
    let sight = sight(feed, &row);
    // A first sight is a good one: half a page would make the other half news.
    if row.last_good_at.is_none() && !is_good && reading.listing != Listing::None {
        return shared.store.save_feed(FeedRow { body: row.body, ..next }).await;
    }
    let mut reading = reading;
    if let Some(leader) = &feed.same_as {
        for seen in &mut reading.observations {
            (seen.source, seen.part) = (leader.clone(), Part::Follows);
        }
    }
    let reading = reading;
    let taken = ingest::take(shared, &reading.observations, sight, Some(next), now).await?;
    for incomplete in &taken.incomplete {
        tracing::error!(feed = %feed.name, incident = %incomplete.incident, missing = incomplete.missing, "an update of a case that we do not have, without what a new case needs; it is not taken");
    }
    report.news += taken.opened + taken.changed;
    if is_good {
        remember_what_is_listed_again(shared, &reading, &open).await?;
        let ground = Ground { current, feed, last_good_at: row.last_good_at, now };
        look_for_missing(shared, client, ground, &reading, &open).await?;
    }
    Ok(())
}

/// How far a reading is to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    Good,
    /// Some document failed, or what tells whether there is news was an older copy; the others count.
    Partial,
    /// Somebody else's page: nothing of it counts.
    Foreign,
}

impl Worth {
    fn of(row: &FeedRow, reading: &Reading) -> Worth {
        match (&row.page_id, &reading.page_id) {
            (Some(known), Some(seen)) if known != seen => Worth::Foreign,
            (Some(_) | None, _) if reading.failure.is_none() && reading.older.is_empty() => Worth::Good,
            (Some(_) | None, _) => Worth::Partial,
        }
    }
}

fn sight(feed: &FeedSettings, row: &FeedRow) -> Sight {
    match (row.last_good_at, feed.first_sight, &feed.kind) {
        (None, FirstSight::Silent, _) => Sight::First,
        (None, FirstSight::Announce, _) => Sight::FirstAnnounced,
        (Some(_), _, FeedKind::Statuspage { .. }) => Sight::Watching { last_good_at: row.last_good_at },
        // Whoever puts a file there means it, whatever time it names.
        (Some(_), _, FeedKind::File { .. }) => Sight::Watching { last_good_at: None },
    }
}

fn blank_row(name: &str, now: Timestamp) -> FeedRow {
    FeedRow {
        name: name.to_owned(),
        due_at: now,
        first_read_at: None,
        last_good_at: None,
        failing_since: None,
        page_id: None,
        poked_at: None,
        body: serde_json::Value::Null,
    }
}

fn row_after(row: &FeedRow, feed: &FeedSettings, reading: &Reading, worth: Worth, now: Timestamp) -> FeedRow {
    let is_good = worth == Worth::Good;
    let tick = u64::try_from(now.as_second()).unwrap_or(0);
    let every = jittered(feed.every, &feed.name, tick);
    let asked = reading.failure.as_ref().and_then(|failure| failure.retry_after);
    let wait = asked.map_or(every, |asked| asked.clamp(every, LONGEST_PAUSE.max(every)));
    FeedRow {
        name: row.name.clone(),
        due_at: match reading.rest {
            // A poke that asked for a later read than this one still stands.
            Rest::None => row.poked_at.filter(|poked| *poked > now).map_or(now + wait, |poked| poked.min(now + wait)),
            Rest::Waiting => now,
        },
        first_read_at: row.first_read_at.or(Some(now)),
        // A first sight is over when all that was there has been seen.
        last_good_at: if is_good && reading.rest == Rest::None { Some(now) } else { row.last_good_at },
        failing_since: if is_good { None } else { row.failing_since.or(Some(now)) },
        page_id: row.page_id.clone().or_else(|| reading.page_id.clone()),
        poked_at: row.poked_at,
        body: serde_json::to_value(&reading.memory).unwrap_or(serde_json::Value::Null),
    }
}

/// Open cases that an earlier good reading missed and this one lists, in whatever state: the counting of misses
/// begins anew. Nothing is written for those that were listed all along.
async fn remember_what_is_listed_again(
    shared: &Shared,
    reading: &Reading,
    open: &[OpenCase],
) -> Result<(), StoreError> {
    for case in open.iter().filter(|case| case.last_read == LastRead::Missed) {
        if !case.ids().any(|id| reading.listed_ids.contains(id)) {
            continue;
        }
        if let Some(case) = shared.store.story(case.case_key).await?.as_ref().and_then(absence::listed_again) {
            shared.store.record(vec![Write { case, updates: Vec::new(), changes: Vec::new() }], None).await?;
        }
    }
    Ok(())
}

/// Whether any of the ids under which the case is known has a page.
async fn own_page(client: &FeedClient, page: &Url, case: &OpenCase) -> OwnPage {
    let mut found = OwnPage::None;
    for id in case.ids() {
        match statuspage_poll::permalink(client, page, id).await {
            statuspage_poll::Permalink::There => return OwnPage::There,
            statuspage_poll::Permalink::Unknown(_) => found = OwnPage::Unknown,
            statuspage_poll::Permalink::Gone if found == OwnPage::None => found = OwnPage::Gone,
            statuspage_poll::Permalink::Gone => {}
        }
    }
    found
}

/// What a reading is judged by.
#[derive(Clone, Copy)]
struct Ground<'a> {
    current: &'a Current,
    feed: &'a FeedSettings,
    /// Before this reading.
    last_good_at: Option<Timestamp>,
    now: Timestamp,
}

/// Open cases that no list of this good reading shows.
async fn look_for_missing(
    shared: &Shared,
    client: &FeedClient,
    ground: Ground<'_>,
    reading: &Reading,
    open: &[OpenCase],
) -> Result<(), StoreError> {
    let Ground { current, feed, last_good_at, now } = ground;
    for case in open.iter().filter(|case| case.ids().all(|id| reading.shows_nowhere(id))) {
        let Some(story) = shared.store.story(case.case_key).await? else { continue };
        let own_page = match &feed.kind {
            FeedKind::Statuspage { url } if absence::is_worth_asking(&story, now) => own_page(client, url, case).await,
            FeedKind::Statuspage { .. } => OwnPage::Unknown,
            FeedKind::File { .. } => continue,
        };
        let ends = feed.kind.ends();
        let miss = Miss { ends, own_page, last_good_at, pace: &current.settings.pace, now };
        if let Some(step) = absence::missed(&story, &miss) {
            let write = Write { case: step.case, updates: step.updates, changes: step.change.into_iter().collect() };
            shared.store.record(vec![write], None).await?;
            shared.wakes.dispatch.notify_one();
        }
    }
    Ok(())
}
