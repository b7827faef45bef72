//! Takes observations in: what a source says is compared with the case and recorded, in one commit.
//!
//! Hooks, the command line and the pollers (`poll.rs`) all come through [`take`]. Deliberately absent: what is
//! news (`domain::observe`) and who is told.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::{Shared, ids};
use crate::domain::case::Story;
use crate::domain::incident::{Observation, Origin};
use crate::domain::observe::{self, Context, Observed, Remark, Sight, Step};
use crate::domain::operator::{self, Thing};
use crate::store::StoreError;
use crate::store::rows::{FeedRow, Recorded, Write};

/// A feed is asked because of webhooks at most that often.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// A write that finds its case changed reads and decides again that often.
const MOST_CONFLICTS: usize = 8;

/// What became of the observations.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Taken {
    pub opened: usize,
    pub changed: usize,
    pub nothing: usize,
    pub stale: usize,
    /// (source, incident id, case id, reference) of each, in order; for whoever asked by hand.
    pub cases: Vec<TakenCase>,
    /// Updates of cases that we do not have, without what a new case needs; nothing of them was taken.
    pub incomplete: Vec<Incomplete>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    pub incident: String,
    pub missing: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenCase {
    pub case_key: i64,
    pub id: String,
    pub reference: String,
    /// The change that tells the news; `None` when there is none.
    pub sequence: Option<i64>,
}

/// Takes in what one source said at one moment, with the feed's cursor in the same transaction.
pub async fn take(
    shared: &Shared,
    seen: &[Observation],
    sight: Sight,
    feed: Option<FeedRow>,
    now: Timestamp,
) -> Result<Taken, StoreError> {
    for _ in 0..MOST_CONFLICTS {
        let (taken, writes, steps) = decide(shared, seen, sight, now).await?;
        if writes.is_empty() && feed.is_none() {
            return Ok(taken);
        }
        match shared.store.record(writes, feed.clone()).await? {
            Recorded::Conflict => {}
            Recorded::Done { case_keys } => {
                for (step, case_key) in steps.iter().zip(&case_keys) {
                    log_step(shared, step, *case_key);
                }
                shared.wakes.dispatch.notify_one();
                shared.wakes.keep.notify_one();
                ask_the_feed(shared, seen, now).await?;
                return finish(shared, taken).await;
            }
        }
    }
    Err(StoreError::Busy)
}

/// What a webhook says of a feed's incident is a reason to read that feed at once: it may say more.
async fn ask_the_feed(shared: &Shared, seen: &[Observation], now: Timestamp) -> Result<(), StoreError> {
    let current = shared.current.load();
    let pushed = seen.iter().filter(|one| one.origin == Origin::Pushed && current.is_polled(&one.source));
    let sources: BTreeSet<&str> = pushed.map(|one| one.source.as_str()).collect();
    for source in sources {
        shared.store.poke_feed(source.to_owned(), now, ASK_EVERY).await?;
        shared.wakes.ingest.notify_one();
    }
    Ok(())
}

async fn decide(
    shared: &Shared,
    seen: &[Observation],
    sight: Sight,
    now: Timestamp,
) -> Result<(Taken, Vec<Write>, Vec<Step>), StoreError> {
    let mut taken = Taken::default();
    let mut steps: Vec<Step> = Vec::new();
    for observation in seen {
        let story = story_of(shared, observation).await?;
        let (new_id, new_reference) = names(shared, story.as_ref(), now).await?;
        let current = shared.current.load();
        let context = Context {
            now,
            pace: &current.settings.pace,
            catalog: &current.catalog,
            playbook: &current.playbook,
            feed: &current.rules_of(&observation.source),
            sight,
            new_id: &new_id,
            new_reference: &new_reference,
        };
        let (id, reference) = story
            .as_ref()
            .map_or((new_id.clone(), new_reference.clone()), |s| (s.case.id.clone(), s.case.reference.clone()));
        let mut sequence = None;
        match observe::observe(story.as_ref(), observation, &context) {
            Observed::Nothing => taken.nothing += 1,
            Observed::Stale => taken.stale += 1,
            Observed::Incomplete { missing } => {
                taken.incomplete.push(Incomplete { incident: observation.incident.clone(), missing });
                continue;
            }
            Observed::Changed(step) => {
                if story.is_none() {
                    taken.opened += 1
                } else {
                    taken.changed += 1
                }
                sequence = step.change.as_ref().map(|change| change.sequence);
                steps.push(*step);
            }
        }
        taken.cases.push(TakenCase { case_key: story.map_or(0, |s| s.case.key), id, reference, sequence });
    }
    let writes = steps
        .iter()
        .map(|step| Write {
            case: step.case.clone(),
            updates: step.updates.clone(),
            changes: step.change.clone().into_iter().collect(),
        })
        .collect();
    Ok((taken, writes, steps))
}

/// The case that an observation speaks of: of its incident, of the incident that this one is part of, or the one that
/// the other of feed and webhook reports under the same page.
async fn story_of(shared: &Shared, seen: &Observation) -> Result<Option<Story>, StoreError> {
    let (source, incident) = (&seen.source, &seen.incident);
    let known = shared.store.story_of(source.clone(), incident.clone()).await?;
    if known.is_some() {
        return Ok(known);
    }
    let mut found = match &seen.parent {
        Some(parent) => shared.store.story_of(source.clone(), parent.clone()).await?,
        None => None,
    };
    if found.is_none()
        && let Some(page) = &seen.url
        && let Some(case_key) = shared.store.open_case_by_page(source.clone(), page.clone()).await?
    {
        let story = shared.store.story(case_key).await?;
        found = story.filter(|story| match seen.origin {
            Origin::Polled => !story.is_listed() && !story.updates.iter().any(|u| u.origin == Origin::ByHand),
            Origin::Pushed => story.is_listed(),
            Origin::ByHand => false,
        });
    }
    if let Some(story) = &found {
        shared.store.join_incident(source.clone(), incident.clone(), story.case.key).await?;
    }
    Ok(found)
}

/// A case that was made just now has its key only since the commit.
async fn finish(shared: &Shared, mut taken: Taken) -> Result<Taken, StoreError> {
    for case in taken.cases.iter_mut().filter(|case| case.case_key == 0) {
        case.case_key = shared.store.find_case(case.id.clone()).await?.unwrap_or(0);
    }
    Ok(taken)
}

async fn names(shared: &Shared, story: Option<&Story>, now: Timestamp) -> Result<(String, String), StoreError> {
    if story.is_some() {
        return Ok((String::new(), String::new()));
    }
    for length in [4, 4, 4, 5, 5, 6] {
        let reference = ids::reference(length);
        if !shared.store.reference_taken(reference.clone()).await? {
            return Ok((ids::case_id(now), reference));
        }
    }
    Ok((ids::case_id(now), ids::reference(6)))
}

/// Says in the log what was decided; never a word of the feed's text.
fn log_step(shared: &Shared, step: &Step, case_key: i64) {
    let case = &step.case;
    if let Some(change) = &step.change {
        tracing::info!(
            case.key = case_key,
            case.reference = %case.reference,
            change.sequence = change.sequence,
            change.reason = change.reason().as_str(),
            case.phase = case.facts.phase.as_str(),
            "news of a case"
        );
    }
    for remark in &step.remarks {
        let reference = &case.reference;
        match remark {
            Remark::Unmapped(names) => {
                let feed = case.source.clone();
                names.iter().for_each(|name| shared.operator.tell(Thing::Unmapped { feed: feed.clone() }, name));
                tracing::warn!(case.reference = %reference, names = ?names, "component names that match nothing of ours; add them to `matches` of a [[component]], or to `ignore` of the feed");
            }
            Remark::Unscoped => {
                shared.operator.tell(Thing::Unscoped { reference: reference.clone() }, operator::about(case));
                tracing::warn!(case.reference = %reference, "the case names no component: nobody is told until it is known whom it concerns");
            }
            Remark::NotAnnounced => {
                let line = format!("the author of an update in {reference} chose not to announce it");
                shared.operator.tell(Thing::FeedOdd { feed: case.source.clone() }, line);
                tracing::info!(case.reference = %reference, "its author chose not to announce an update; it goes along with the next notice");
            }
            Remark::FoundOpenAtFirstSight => {
                let line = format!("{reference}, {}", operator::about(case));
                shared.operator.tell(Thing::FoundOpen { feed: case.source.clone() }, line);
                tracing::warn!(case.reference = %reference, "found open at the first sight of its feed: told with its next change, nobody yet");
            }
            Remark::TakenInAsHistory => {
                tracing::info!(case.reference = %reference, "was over before we watched: taken in, nobody is told");
            }
        }
    }
}
