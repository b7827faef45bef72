//! Takes observations in: what a source says is compared with the case and recorded, in one commit.
//!
//! Hooks, the command line and the pollers (`poll.rs`) all come through [`take`]. Deliberately absent: what is
//! news (`domain::observe`) and who is told.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::{Shared, ids};
use crate::domain::case::{CaseState, Story};
use crate::domain::incident::{Observation, Origin};
use crate::domain::observe::{self, Context, Observed, Remark, Sight, Step};
use crate::domain::operator::{self, Thing};
use crate::store::StoreError;
use crate::store::rows::{FeedRow, Recorded, Write};

/// A feed is asked because of webhooks at most that often.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// A write that finds its case changed reads and decides again that often.
const MOST_CONFLICTS: usize = 8;
/// Components that the question names, with everyone.
const MOST_ANSWERS: usize = 30;

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

impl Taken {
    fn add(&mut self, more: Taken) {
        self.opened += more.opened;
        self.changed += more.changed;
        self.nothing += more.nothing;
        self.stale += more.stale;
        self.cases.extend(more.cases);
        self.incomplete.extend(more.incomplete);
    }
}

/// Takes in what one source said at one moment, with the feed's cursor in the transaction of its last part.
pub async fn take(
    shared: &Shared,
    seen: &[Observation],
    sight: Sight,
    feed: Option<FeedRow>,
    now: Timestamp,
) -> Result<Taken, StoreError> {
    let mut all = Taken::default();
    let mut rest = seen;
    loop {
        let (part, after) = rest.split_at(first_part(rest));
        let cursor = feed.clone().filter(|_| after.is_empty());
        all.add(take_part(shared, part, sight, cursor, now).await?);
        rest = after;
        if rest.is_empty() {
            return Ok(all);
        }
    }
}

/// How many observations are taken together: up to one whose parent is among them, which has to be stored first.
fn first_part(seen: &[Observation]) -> usize {
    let is_among = |position: usize, parent: &String| seen[..position].iter().any(|one| one.incident == *parent);
    let child = seen.iter().enumerate().position(|(at, one)| one.parent.as_ref().is_some_and(|p| is_among(at, p)));
    child.filter(|at| *at > 0).unwrap_or(seen.len())
}

async fn take_part(
    shared: &Shared,
    seen: &[Observation],
    sight: Sight,
    feed: Option<FeedRow>,
    now: Timestamp,
) -> Result<Taken, StoreError> {
    for _ in 0..MOST_CONFLICTS {
        let (taken, made) = decide(shared, seen, sight, now).await?;
        if made.is_empty() && feed.is_none() {
            return Ok(taken);
        }
        let writes = made.iter().map(Made::write).collect();
        match shared.store.record(writes, feed.clone()).await? {
            Recorded::Conflict => {}
            Recorded::Done { case_keys } => {
                for (one, case_key) in made.iter().zip(&case_keys) {
                    one.steps.iter().for_each(|step| log_step(shared, step, *case_key));
                    if one.steps.iter().any(|step| step.remarks.contains(&Remark::Unscoped)) {
                        ask_whom_it_concerns(shared, &one.story).await?;
                    }
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

/// What several observations of one moment make of one case.
struct Made {
    /// As it will be stored.
    story: Story,
    /// Other ids of its incident, among those that were looked at.
    incidents: BTreeSet<String>,
    steps: Vec<Step>,
}

impl Made {
    fn of(story: Story, seen: &Observation) -> Made {
        Made { story, incidents: BTreeSet::from([seen.incident.clone()]), steps: Vec::new() }
    }

    fn speaks_of(&self, seen: &Observation) -> bool {
        self.story.case.source == seen.source && self.incidents.contains(&seen.incident)
    }

    fn write(&self) -> Write {
        let touched: BTreeSet<i64> = self.steps.iter().flat_map(|step| &step.updates).map(|u| u.number).collect();
        let sequences: BTreeSet<i64> =
            self.steps.iter().filter_map(|step| step.change.as_ref()).map(|change| change.sequence).collect();
        let Story { case, updates, changes } = &self.story;
        Write {
            case: case.clone(),
            updates: updates.iter().filter(|update| touched.contains(&update.number)).cloned().collect(),
            changes: changes.iter().filter(|change| sequences.contains(&change.sequence)).cloned().collect(),
        }
    }
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

/// Observes one after the other, each against what those before it have made of its case.
async fn decide(
    shared: &Shared,
    seen: &[Observation],
    sight: Sight,
    now: Timestamp,
) -> Result<(Taken, Vec<Made>), StoreError> {
    let mut taken = Taken::default();
    let mut made: Vec<Made> = Vec::new();
    for observation in seen {
        let position = position_of(shared, &mut made, observation).await?;
        let known = position.map(|position| &made[position].story);
        let (new_id, new_reference) = names(shared, known, now).await?;
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
        let (case_key, id, reference) = known.map_or((0, new_id.clone(), new_reference.clone()), |known| {
            (known.case.key, known.case.id.clone(), known.case.reference.clone())
        });
        let mut sequence = None;
        match observe::observe(known, observation, &context) {
            Observed::Nothing => taken.nothing += 1,
            Observed::Stale => taken.stale += 1,
            Observed::Incomplete { missing } => {
                taken.incomplete.push(Incomplete { incident: observation.incident.clone(), missing });
                continue;
            }
            Observed::Changed(step) => {
                if known.is_none() {
                    taken.opened += 1
                } else {
                    taken.changed += 1
                }
                sequence = step.change.as_ref().map(|change| change.sequence);
                let story = Story::after(known.cloned(), step.case.clone(), &step.updates, step.change.as_ref());
                match position {
                    Some(position) => {
                        made[position].story = story;
                        made[position].steps.push(*step);
                    }
                    None => made.push(Made { steps: vec![*step], ..Made::of(story, observation) }),
                }
            }
        }
        taken.cases.push(TakenCase { case_key, id, reference, sequence });
    }
    made.retain(|one| !one.steps.is_empty());
    Ok((taken, made))
}

/// Where the case of an observation stands among those that this moment has to do with; `None`: it is a new one.
async fn position_of(shared: &Shared, made: &mut Vec<Made>, seen: &Observation) -> Result<Option<usize>, StoreError> {
    let position = match made.iter().position(|one| one.speaks_of(seen)) {
        Some(position) => position,
        None => {
            let Some(story) = story_of(shared, seen).await? else { return Ok(None) };
            match made.iter().position(|one| one.story.case.key == story.case.key) {
                Some(position) => position,
                None => {
                    made.push(Made::of(story, seen));
                    made.len() - 1
                }
            }
        }
    };
    made[position].incidents.insert(seen.incident.clone());
    Ok(Some(position))
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
        // What is over has no parts that go on.
        Some(parent) => {
            let story = shared.store.story_of(source.clone(), parent.clone()).await?;
            story.filter(|story| story.case.state == CaseState::Open)
        }
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

/// Asks the operator, with the number of clients behind each answer.
async fn ask_whom_it_concerns(shared: &Shared, story: &Story) -> Result<(), StoreError> {
    let current = shared.current.load_full();
    let book = shared.store.book_counts().await?;
    let counted = shared.store.clients_by_component().await?;
    let of_all = counted.iter().find(|(key, _)| key == "*").map_or(0, |(_, count)| *count);
    let named = current.catalog.components().iter().map(|component| {
        let own = counted.iter().find(|(key, _)| *key == component.id).map_or(0, |(_, count)| *count);
        format!("--components {}: {}", component.id, own + of_all)
    });
    let everyone = format!("--everyone: {}", book.clients - book.without_priorities);
    let answers: Vec<String> = std::iter::once(everyone).chain(named).take(MOST_ANSWERS).collect();
    let thing = Thing::Unscoped { reference: story.case.reference.clone() };
    let line = format!("{}. Clients behind each answer: {}", operator::about(&story.case), answers.join(", "));
    shared.operator.tell(thing, line);
    Ok(())
}

/// Says in the log what was decided; never a word of the feed's text.
fn log_step(shared: &Shared, step: &Step, case_key: i64) {
    let case = &step.case;
    if let Some(change) = &step.change {
        tracing::info!(
            case.key = case_key,
            feed = %case.source,
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
                let news = names.iter().filter(|name| shared.reported.is_first_unmapped(&feed, name));
                news.for_each(|name| shared.operator.tell(Thing::Unmapped { feed: feed.clone() }, name));
                tracing::warn!(case.reference = %reference, names = ?names, "component names that match nothing of ours; add them to `matches` of a [[component]], or to `ignore` of the feed");
            }
            Remark::Unscoped => {
                tracing::warn!(case.reference = %reference, "the case names no component: nobody is told until it is known whom it concerns");
            }
            Remark::NotAnnounced => {
                let line = format!("the author of an update in {reference} chose not to announce it");
                shared.operator.tell(Thing::FeedOdd { feed: case.source.clone() }, line);
                tracing::info!(case.reference = %reference, "its author chose not to announce an update; it goes along with the next notice");
            }
            Remark::Odd(words) => {
                let line = format!("{reference}: {words}");
                shared.operator.tell(Thing::FeedOdd { feed: case.source.clone() }, line);
                tracing::warn!(case.reference = %reference, "{words}");
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
