//! Keeps the word: what has to happen in a case without its source saying anything.
//!
//! A promise that falls due, a component that stays removed, an unscoped case that nobody has answered for,
//! cases whose last word has been heard, threads whose contact is gone. Deliberately absent: the length of
//! the intervals (`domain::promise`) and what the notice says.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::Shared;
use super::metrics::Settled;
use crate::domain::case::{Case, CaseState, Change, ChangeFacts, Scope, Story};
use crate::domain::counted::counted;
use crate::domain::delivery::Cause;
use crate::domain::incident::Impact;
use crate::domain::kept::{self, PromiseResult};
use crate::domain::news::{self, News, Urgency};
use crate::domain::notice::Kind;
use crate::domain::operator::{self, Thing};
use crate::domain::promise::{self, Standing};
use crate::store::StoreError;
use crate::store::rows::{Cancellation, FeedRow, Recorded, ThreadKey, Write};

const BATCH: i64 = 200;
/// The feed is asked once before the keeper speaks, and waited for that long.
const WAIT_FOR_FEED: SignedDuration = SignedDuration::from_secs(20);
/// After a start the keeper speaks only after a good read, or that much later.
const WAIT_AFTER_START: SignedDuration = SignedDuration::from_secs(60);
/// A closed case listens for a post-mortem that long.
const ARCHIVE_AFTER: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Between an acceptance and its commit.
const A_MOMENT: SignedDuration = SignedDuration::from_secs(5);
/// Rows deleted in one transaction.
const PRUNE_BATCH: i64 = 2_000;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    pub spoken: usize,
    pub closed: usize,
    pub cancelled: usize,
    pub broken: usize,
}

/// Looks at every case whose timer has come.
pub async fn pass(shared: &Shared, now: Timestamp) -> Result<Report, StoreError> {
    let mut report = Report::default();
    for case_key in shared.store.cases_to_wake(now, BATCH).await? {
        let Some(story) = shared.store.story(case_key).await? else { continue };
        let feed = shared.store.feed(story.case.source.clone()).await?;
        let Some(write) = decide(shared, &story, feed.as_ref(), now).await? else { continue };
        let speaks = !write.changes.is_empty();
        if shared.store.record(vec![write], None).await? != Recorded::Conflict && speaks {
            report.spoken += 1;
            shared.wakes.dispatch.notify_one();
        }
    }
    report.closed = shared.store.close_settled_cases(now).await?.len();
    report.cancelled = cancel_orphans(shared, now).await?;
    report.broken = break_promises(shared, now).await?;
    Ok(report)
}

/// Old rows go in small batches; run now and then, not with every pass.
pub async fn prune(shared: &Shared, now: Timestamp) -> Result<i64, StoreError> {
    shared.store.archive_cases(now - ARCHIVE_AFTER).await?;
    let retain = SignedDuration::try_from(shared.current.load().settings.retain).unwrap_or(SignedDuration::MAX);
    let before = now.checked_sub(retain).unwrap_or(Timestamp::MIN);
    let mut deleted = 0;
    loop {
        let batch = shared.store.prune(before, PRUNE_BATCH).await?;
        deleted += batch;
        if batch == 0 {
            return Ok(deleted);
        }
    }
}

async fn cancel_orphans(shared: &Shared, now: Timestamp) -> Result<usize, StoreError> {
    let orphans = shared.store.orphaned(BATCH).await?;
    if orphans.is_empty() {
        return Ok(0);
    }
    let cause = Cause::new("book", None, "the contact is no longer in the client files, or was switched off");
    let cancellations = orphans
        .iter()
        .map(|thread| Cancellation {
            thread: ThreadKey { case_key: thread.case_key, contact_key: thread.contact_key },
            cause: cause.clone(),
        })
        .collect();
    let cancelled = shared.store.cancel(cancellations, now).await?;
    for thread in orphans.iter().filter(|thread| thread.has_unsent()) {
        shared.metrics.settled(thread.channel, Settled::Cancelled, 1);
    }
    tracing::warn!(
        threads = cancelled,
        "cancelled: their contacts are no longer in the client files, or answered that they are gone (410); `candor case` names them"
    );
    Ok(usize::try_from(cancelled).unwrap_or(0))
}

/// Says which promises nobody has kept, case by case. A word that is being accepted just now is given a moment more.
async fn break_promises(shared: &Shared, now: Timestamp) -> Result<usize, StoreError> {
    let mut broken = 0;
    loop {
        let over = shared.store.break_promises(now - kept::GRACE - A_MOMENT, BATCH).await?;
        broken += over.broken.len();
        shared.metrics.promises(PromiseResult::Broken, u64::try_from(over.broken.len()).unwrap_or(u64::MAX));
        let mut by_case: BTreeMap<(i64, Timestamp), usize> = BTreeMap::new();
        for promise in &over.broken {
            *by_case.entry((promise.case_key, promise.due_at)).or_default() += 1;
        }
        for ((case_key, due_at), clients) in by_case {
            let reference = shared.store.story(case_key).await?.map(|story| story.case.reference).unwrap_or_default();
            let line = format!(
                "{}: the word promised for {}",
                counted(clients as u64, "client", "clients"),
                operator::minute(due_at)
            );
            shared.operator.tell(Thing::PromiseBroken { reference: reference.clone() }, line);
            tracing::error!(
                case = %reference,
                clients,
                promised = %due_at,
                "a promise is broken: the next word was promised and has not been accepted; `candor promises --broken` lists it"
            );
        }
        if over.broken.is_empty() && over.released == 0 {
            return Ok(broken);
        }
    }
}

async fn decide(
    shared: &Shared,
    story: &Story,
    feed: Option<&FeedRow>,
    now: Timestamp,
) -> Result<Option<Write>, StoreError> {
    let mut case = story.case.clone();
    nudge(shared, &mut case, now).await?;
    ask_about_a_follower(shared, &mut case, now);
    let mut change = None;
    if case.timers.unscoped_at.is_some_and(|at| at <= now) {
        case.timers.unscoped_at = None;
        change = answer_for_unscoped(shared, story, &mut case, now);
    } else if case.timers.unaffected_at.is_some_and(|at| at <= now) {
        // What waits is told first, now: the two are not one notice.
        change = match (story.waiting(), story.being_planned()) {
            (None, None) => {
                case.timers.unaffected_at = None;
                Some(say(shared, story, &mut case, Kind::Unaffected, "it stays removed", now))
            }
            (Some(waiting), None) if waiting.due_at > now => Some(Change { due_at: now, ..waiting.clone() }),
            (_, _) => None,
        };
    } else {
        change = keep_promise(shared, story, &mut case, feed, now).await?.or(change);
    }
    if case == story.case && change.is_none() {
        return Ok(None);
    }
    Ok(Some(Write { case, updates: Vec::new(), changes: change.into_iter().collect() }))
}

/// Reminds the operator of a word that is due in a few minutes, as long as somebody waits for it.
async fn nudge(shared: &Shared, case: &mut Case, now: Timestamp) -> Result<(), StoreError> {
    let Some(promise) = case.timers.promise.filter(|_| case.state == CaseState::Open) else { return Ok(()) };
    if case.timers.nudged_for == Some(promise.due_at) || promise.nudge_at().is_none_or(|at| at > now) {
        return Ok(());
    }
    case.timers.nudged_for = Some(promise.due_at);
    let waiting = shared.store.owed_clients(case.key).await?;
    let is_reminder = promise::word_when_due(&case.facts, &promise) == Kind::Reminder;
    if waiting == 0 || is_reminder {
        return Ok(());
    }
    let clients = counted(waiting.unsigned_abs(), "client waits", "clients wait");
    let line = format!("{clients} for a word by {}: {}", operator::minute(promise.due_at), operator::about(case));
    shared.operator.tell(Thing::WordDue { reference: case.reference.clone() }, line);
    Ok(())
}

/// Another source than the one that leads has ended the case a while ago, and this one goes on.
fn ask_about_a_follower(shared: &Shared, case: &mut Case, now: Timestamp) {
    if case.timers.follower_ended_at.is_none_or(|at| at > now) {
        return;
    }
    case.timers.follower_ended_at = None;
    if case.state == CaseState::Open {
        let reference = case.reference.clone();
        tracing::warn!(case.reference = %reference, "another source has ended it 30 minutes ago, and the one that leads goes on");
        shared.operator.tell(Thing::FollowerEnded { reference }, operator::about(case));
    }
}

/// Nobody has answered: a major or critical case of a feed of our own goes to everyone as *possibly*,
/// anything else to nobody until it is scoped.
fn answer_for_unscoped(shared: &Shared, story: &Story, case: &mut Case, now: Timestamp) -> Option<Change> {
    if case.facts.scope != Scope::Unscoped || case.state != CaseState::Open {
        return None;
    }
    let is_grave = match case.facts.impact {
        Some(Impact::Major | Impact::Critical) => true,
        Some(Impact::None | Impact::Minor | Impact::Maintenance) | None => false,
    };
    if is_grave && shared.current.load().is_our_own(&case.source) {
        case.facts.scope = Scope::Everyone;
        return Some(say(shared, story, case, Kind::Wider, "nobody has said whom it concerns for 10 minutes", now));
    }
    // It stays unscoped: told to nobody until somebody scopes it, or until it becomes grave.
    None
}

/// Reads the feed once more, lets a waiting change go, or says that there is nothing new.
async fn keep_promise(
    shared: &Shared,
    story: &Story,
    case: &mut Case,
    feed: Option<&FeedRow>,
    now: Timestamp,
) -> Result<Option<Change>, StoreError> {
    let Some(promise) = case.timers.promise else { return Ok(None) };
    if case.state != CaseState::Open {
        case.timers.promise = None;
        return Ok(None);
    }
    // What is being planned is a word, and makes the next promise when that is done.
    if now < promise.act_at() || story.being_planned().is_some() {
        return Ok(None);
    }
    let is_polled = shared.current.load().is_polled(&case.source);
    if is_polled && !has_looked(shared, case, feed, now) {
        if asked_at(case, now).is_none() {
            case.timers.asked_feed_at = Some(now);
            shared.store.poke_feed(case.source.clone(), now, std::time::Duration::ZERO).await?;
            shared.wakes.ingest.notify_one();
        }
        return Ok(None);
    }
    if let Some(waiting) = story.waiting() {
        // Let go already; planning makes the next promise, and has to know the one that this word keeps.
        return Ok((waiting.due_at > now).then(|| Change { due_at: now, ..waiting.clone() }));
    }
    let kind = promise::word_when_due(&case.facts, &promise);
    if kind == Kind::Due && shared.store.owed_count(case.key).await? == 0 {
        // Nobody has been told of it, so nobody waits; whoever is told late is promised a time that is ahead.
        case.timers.asked_feed_at = None;
        let standing = Standing::of(case, promise.without_news, now);
        let settings = shared.current.load().settings.promise;
        case.timers.promise = Some(promise::make(&settings, &standing, None, now));
        return Ok(None);
    }
    let why = match kind {
        Kind::Started => {
            case.facts.begun_by_clock = case.facts.scheduled_for;
            "its planned start has come, and its source has not said that it has begun"
        }
        _ => "the promised time has come and nothing new",
    };
    let mut change = say(shared, story, case, kind, why, now);
    change.facts.promised = Some(promise.due_at);
    change.facts.lost_sight_since = feed
        .and_then(|feed| feed.last_good_at)
        // Asked for before the word, and not had: who has not looked cannot say that there is nothing. Nor can who
        // has taken the feed out of the configuration.
        .filter(|good| {
            let is_gone = shared.current.load().feed(&case.source).is_none();
            is_gone || (is_polled && case.timers.asked_feed_at.is_some_and(|asked| *good < asked))
        });
    Ok(Some(change))
}

/// When the feed was asked; a time that lies ahead, because the clock was put back, is none.
fn asked_at(case: &Case, now: Timestamp) -> Option<Timestamp> {
    case.timers.asked_feed_at.filter(|asked| *asked <= now)
}

/// A good read since we asked, or waited long enough for one.
fn has_looked(shared: &Shared, case: &Case, feed: Option<&FeedRow>, now: Timestamp) -> bool {
    let last_good_at = feed.and_then(|feed| feed.last_good_at);
    let awake_since = shared.awake_since();
    let read_since_start = last_good_at.is_some_and(|good| good >= awake_since);
    if !read_since_start && now.duration_since(awake_since) < WAIT_AFTER_START {
        return false;
    }
    asked_at(case, now).is_some_and(|asked| {
        last_good_at.is_some_and(|good| good >= asked) || now.duration_since(asked) >= WAIT_FOR_FEED
    })
}

fn say(shared: &Shared, story: &Story, case: &mut Case, kind: Kind, why: &str, now: Timestamp) -> Change {
    let facts = ChangeFacts::of(&case.facts);
    let news = News { kinds: BTreeSet::from([kind]), facts, why: why.to_owned(), urgency: Urgency::ByHand };
    news::join(case, story.waiting(), news, &shared.current.load().settings.pace, now)
}
