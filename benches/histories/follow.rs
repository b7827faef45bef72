//! One incident followed as the passes follow it, from timer to timer: observed, planned, promises kept.
//!
//! Deliberately absent: everything that those passes do besides deciding (`passes/ingest.rs`, `dispatch.rs`, `keep.rs`).

use std::collections::BTreeSet;
use std::ops::AddAssign;
use std::path::Path;

use candor::config::document::Document;
use candor::config::meaning;
use candor::config::written::WrittenSettings;
use candor::domain::case::{CaseState, Change, ChangeFacts, Story};
use candor::domain::component::Catalog;
use candor::domain::incident::Observation;
use candor::domain::news::{self, News, Urgency};
use candor::domain::notice::Kind;
use candor::domain::observe::{Context, FeedRules, Observed, Sight, Step, UnscopedRule, observe};
use candor::domain::pace::{PaceSettings, PromiseSettings};
use candor::domain::promise;
use jiff::{SignedDuration, Timestamp};

use crate::recorded::Recorded;

/// How often the page is read.
const EVERY: SignedDuration = SignedDuration::from_secs(30);
/// A *due* notice that is followed by news so soon had better been left out.
const TOO_SOON: SignedDuration = SignedDuration::from_mins(5);
/// So long an ended case listens.
const LISTENS: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What was counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub incidents: usize,
    pub updates: usize,
    /// One for each new update, and for each move or rewriting that came without one.
    pub on_every_change: usize,
    pub sent: usize,
    pub due: usize,
    /// Of the due ones, followed by news within five minutes.
    pub due_too_soon: usize,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, more: Tally) {
        self.incidents += more.incidents;
        self.updates += more.updates;
        self.on_every_change += more.on_every_change;
        self.sent += more.sent;
        self.due += more.due;
        self.due_too_soon += more.due_too_soon;
    }
}

/// What decides besides the incident.
pub struct Rules {
    pace: PaceSettings,
    promise: PromiseSettings,
    catalog: Catalog,
    feed: FeedRules,
}

impl Rules {
    /// As shipped; a case that names no component concerns the client too.
    pub fn shipped() -> Rules {
        let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/config/candor.toml"));
        let text = std::fs::read_to_string(file).expect("the shipped configuration is there");
        let document = Document::parse_public(file, &text).expect("the shipped configuration is TOML");
        let written: Option<WrittenSettings> = document.read().0;
        let folder = file.parent().expect("it lies in a folder");
        let settings = meaning::settings(&written.expect("it has the known keys"), file, folder);
        let settings = settings.unwrap_or_else(|problems| panic!("{problems:?}"));
        let feed =
            FeedRules { components: vec!["everything".to_owned()], ignore: Vec::new(), unscoped: UnscopedRule::All };
        Rules { pace: settings.pace, promise: settings.promise, catalog: Catalog::new(Vec::new()), feed }
    }
}

/// Counts one incident, to its end or to its last post.
pub fn follow(recorded: &Recorded, rules: &Rules) -> Tally {
    let updates = recorded.seen.last().map_or(0, |(_, seen)| seen.updates.len());
    let tally = Tally { incidents: 1, updates, ..Tally::default() };
    let mut case = Followed { rules, story: None, before: None, was_told: false, last_due: None, tally };
    for (at, seen) in &recorded.seen {
        case.run_until(*at);
        case.see(seen, *at);
    }
    case.tell_what_waits();
    case.tally
}

struct Followed<'a> {
    rules: &'a Rules,
    story: Option<Story>,
    before: Option<&'a Observation>,
    was_told: bool,
    last_due: Option<Timestamp>,
    tally: Tally,
}

impl<'a> Followed<'a> {
    fn see(&mut self, seen: &'a Observation, now: Timestamp) {
        self.tally.on_every_change += changes(self.before.replace(seen), seen);
        if let Some(story) = &mut self.story
            && story.case.closed_at.is_some_and(|closed| now.duration_since(closed) > LISTENS)
        {
            story.case.state = CaseState::Archived;
        }
        let context = Context {
            now,
            pace: &self.rules.pace,
            catalog: &self.rules.catalog,
            playbook: &[],
            feed: &self.rules.feed,
            sight: Sight::Watching { last_good_at: Some(now - EVERY) },
            new_id: "case",
            new_reference: "CASE",
        };
        if let Observed::Changed(step) = observe(self.story.as_ref(), seen, &context) {
            self.take(*step, now);
        }
    }

    fn take(&mut self, step: Step, now: Timestamp) {
        let Step { mut case, updates, change, .. } = step;
        case.key = 1;
        let story = self.story.get_or_insert_with(|| Story { case: case.clone(), updates: vec![], changes: vec![] });
        story.case = case;
        for update in updates {
            story.updates.retain(|known| known.number != update.number);
            story.updates.push(update);
        }
        story.updates.sort_by_key(|update| update.number);
        let Some(change) = change else { return };
        story.changes.retain(|known| known.sequence != change.sequence);
        story.changes.push(change);
        let due = self.last_due.take();
        self.tally.due_too_soon += usize::from(due.is_some_and(|due| now.duration_since(due) <= TOO_SOON));
    }

    /// Does what falls due before the source is heard at `until`.
    fn run_until(&mut self, until: Timestamp) {
        while let Some((now, timer)) = self.next_timer().filter(|(at, _)| *at < until) {
            match timer {
                Timer::News => self.plan(now),
                Timer::Promise => self.keep_promise(now),
            }
        }
    }

    fn tell_what_waits(&mut self) {
        while let Some(due_at) = self.story.as_ref().and_then(Story::waiting).map(|change| change.due_at) {
            self.plan(due_at);
        }
    }

    fn next_timer(&self) -> Option<(Timestamp, Timer)> {
        let story = self.story.as_ref()?;
        let news = story.waiting().map(|change| (change.due_at, Timer::News));
        let promise = story.case.timers.promise.filter(|_| story.case.state == CaseState::Open);
        [news, promise.map(|promise| (promise.act_at(), Timer::Promise))]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
    }

    /// As `keep` does once it has had the feed read: lets go what waits, or says that there is nothing new.
    fn keep_promise(&mut self, now: Timestamp) {
        let Some(story) = self.story.as_mut() else { return };
        if story.waiting().is_none()
            && let Some(promise) = story.case.timers.promise
        {
            let kinds = BTreeSet::from([promise::word_when_due(&story.case.facts, &promise)]);
            let facts = ChangeFacts { promised: Some(promise.due_at), ..ChangeFacts::of(&story.case.facts) };
            let word = News { kinds, facts, why: "nothing new".to_owned(), urgency: Urgency::ByHand };
            let change = news::join(&mut story.case, None, word, &self.rules.pace, now);
            story.changes.push(change);
        }
        self.plan(now);
    }

    /// As `dispatch` does: tells the change that waits, and makes the next promise.
    fn plan(&mut self, now: Timestamp) {
        let Some(change) = self.story.as_ref().and_then(Story::waiting).cloned() else { return };
        if self.hears(&change) {
            self.was_told = true;
            self.tally.sent += 1;
            if change.reason() == Kind::Due {
                self.tally.due += 1;
                self.last_due = Some(now);
            }
        }
        let Some(story) = self.story.as_mut() else { return };
        let promise = promise::of_change(&self.rules.promise, story, &change, now);
        let timers = &mut story.case.timers;
        if !change.is_at_once() && !matches!(change.reason(), Kind::Due | Kind::Reminder) {
            timers.last_quiet_at = Some(now);
        }
        timers.promise = promise;
        if story.case.state == CaseState::Ended {
            story.case.state = CaseState::Closed;
            story.case.closed_at = Some(now);
        }
        story.changes.iter_mut().filter(|known| known.sequence == change.sequence).for_each(|known| {
            known.planned_at = Some(now);
        });
    }

    /// Whether a client whom everything concerns hears of the change: of what was taken in as history nobody does.
    fn hears(&self, change: &Change) -> bool {
        let Some(story) = &self.story else { return false };
        let begins = change.kinds.contains(&Kind::Opened) || story.case.state == CaseState::Open;
        match self.was_told {
            true => !story.changes_only_who_is_told(change),
            false => begins,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Timer {
    News,
    Promise,
}

/// How many notices whoever reports every change would send of it.
fn changes(before: Option<&Observation>, seen: &Observation) -> usize {
    let Some(before) = before else { return seen.updates.len().max(1) };
    let added = seen.updates.len().saturating_sub(before.updates.len());
    let state = |seen: &Observation| (seen.phase, seen.impact);
    let words = |seen: &Observation| seen.updates.iter().map(|update| update.body.clone()).collect::<Vec<_>>();
    let moved = state(before) != state(seen) || words(before) != words(seen);
    added.max(usize::from(moved))
}
