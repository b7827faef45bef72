//! What an observation changes in a case, and whether that is news.
//!
//! The rules of `semantics.md` §1 and §2. An observation is compared with what the same source said last.
//! Deliberately absent: who is told (`plan.rs`) and everything that happens without the source (`keep`).

mod intake;
mod opening;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::case::{Case, CaseState, Change, Scope, SourceSaid, Story, Update};
use super::component::Catalog;
use super::faults::{Fault, is_planted};
use super::guidance;
use super::incident::{Observation, Origin, Part, Phase, is_ahead};
use super::news::Urgency;
use super::notice::Kind;
use super::pace::{PaceSettings, Unscoped};
use super::playbook::Entry;
use intake::Work;
use opening::first_seen;

/// What stays removed for that long no longer concerns those it was removed for; and so long the operator
/// has to say whom an unscoped case concerns.
const TEN_MINUTES: SignedDuration = SignedDuration::from_mins(10);
/// After that long of older reads that agree with each other the new line is taken as true.
const STALE_IS_TRUE_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// All that decides besides the case and the observation.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub now: Timestamp,
    pub pace: &'a PaceSettings,
    pub catalog: &'a Catalog,
    pub playbook: &'a [Entry],
    pub feed: &'a FeedRules,
    pub sight: Sight,
    /// For a case that we have not had.
    pub new_id: &'a str,
    pub new_reference: &'a str,
}

/// What the configuration says of the source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedRules {
    /// Our components that its unscoped cases concern.
    pub components: Vec<String>,
    /// Globs of names that mean nothing.
    pub ignore: Vec<String>,
    pub unscoped: UnscopedRule,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnscopedRule {
    #[default]
    Ask,
    All,
    None,
}

impl From<Unscoped> for UnscopedRule {
    fn from(rule: Unscoped) -> UnscopedRule {
        match rule {
            Unscoped::Ask => UnscopedRule::Ask,
            Unscoped::All => UnscopedRule::All,
            Unscoped::None => UnscopedRule::None,
        }
    }
}

/// Whether the source has been watched before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// The first good read of a polled feed: taken in, nobody is told.
    First,
    /// The first good read of a feed that announces what it finds open.
    FirstAnnounced,
    /// Watched since; the last good read before this one, if it is a polled feed.
    Watching { last_good_at: Option<Timestamp> },
}

/// What came of an observation.
#[derive(Debug, Clone, PartialEq)]
pub enum Observed {
    /// It says what we know already.
    Nothing,
    /// It is older than what we know.
    Stale,
    /// A new case needs a title and a body.
    Incomplete {
        missing: &'static str,
    },
    Changed(Box<Step>),
}

/// The case after the observation, with only those updates and changes that have to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub case: Case,
    pub updates: Vec<Update>,
    pub change: Option<Change>,
    pub remarks: Vec<Remark>,
}

/// For the operator: noticed while taking it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    Unmapped(Vec<String>),
    Unscoped,
    NotAnnounced,
    /// What the source says cannot be true, and what we made of it.
    Odd(&'static str),
    FoundOpenAtFirstSight,
    TakenInAsHistory,
}

/// Takes one observation in. Pure: the same arguments give the same step.
pub fn observe(known: Option<&Story>, seen: &Observation, context: &Context<'_>) -> Observed {
    match known {
        None => first_seen(seen, context),
        Some(story) if story.case.state == CaseState::Archived => Observed::Nothing,
        // A retry of its sender, however late: what it says has been overtaken, or holds already.
        Some(story) if seen.event.as_ref().is_some_and(|event| story.case.facts.events.contains(event)) => {
            Observed::Nothing
        }
        Some(story) => seen_again(story, seen, context),
    }
}

/// What a person says never waits for company.
fn urgency_of(seen: &Observation) -> Urgency {
    if seen.origin == Origin::ByHand { Urgency::ByHand } else { Urgency::ByKind }
}

/// The last open phase that is stated.
fn last_open_phase(phases: impl DoubleEndedIterator<Item = Option<Phase>>) -> Option<Phase> {
    phases.rev().flatten().find(|phase| !phase.is_over())
}

fn closing_kind(phase: Phase) -> Kind {
    match phase {
        Phase::Completed => Kind::Completed,
        Phase::Cancelled => Kind::Cancelled,
        Phase::Resolved
        | Phase::Postmortem
        | Phase::Investigating
        | Phase::Identified
        | Phase::Monitoring
        | Phase::Scheduled
        | Phase::InProgress
        | Phase::Verifying => Kind::Resolved,
    }
}

/// What the feed that leads says of the state of an incident.
fn source_said(seen: &Observation) -> Option<SourceSaid> {
    let leads = seen.origin == Origin::Polled && seen.part == Part::Leads;
    leads.then(|| SourceSaid { phase: seen.phase, impact: seen.impact, components: seen.components.clone() })
}

fn seen_again(story: &Story, seen: &Observation, context: &Context<'_>) -> Observed {
    let mut work = Work {
        case: story.case.clone(),
        updates: story.updates.clone(),
        touched: BTreeSet::new(),
        kinds: BTreeSet::new(),
        facts: None,
        urgency: urgency_of(seen),
    };
    if seen.origin == Origin::Polled {
        // Listed, however old the copy is.
        work.case.facts.missed_reads.clear();
    }
    if is_stale(story, seen) {
        let facts = &mut work.case.facts;
        if facts.stale_stamp.is_some_and(|stamp| seen.revised_at < Some(stamp)) {
            // Older than an older one: they are copies at random, not a line that the source has gone back to.
            facts.stale_since = None;
        }
        facts.stale_stamp = seen.revised_at;
        let since = *facts.stale_since.get_or_insert(context.now);
        let believed = context.now.duration_since(since) >= STALE_IS_TRUE_AFTER && story.case.state == CaseState::Open;
        if !believed {
            return if work.case == story.case {
                Observed::Stale
            } else {
                Observed::Changed(Box::new(Step { case: work.case, updates: vec![], change: None, remarks: vec![] }))
            };
        }
    }
    let mut remarks = Vec::new();
    work.remember_event(seen);
    if repeats_an_older_update(story, seen) {
        work.take_updates(seen, context, &mut remarks);
    } else if is_part(story, seen) {
        work.take_part(seen, context, &mut remarks);
    } else if follows(story, seen) {
        work.follow(story, seen, context, &mut remarks);
    } else {
        take_all(&mut work, seen, context, &mut remarks);
    }
    if guidance::requires_more(&story.case.facts, &work.case.facts, context.playbook, context.catalog) {
        work.kinds.insert(Kind::Action);
    }
    work.drop_what_is_not_news();
    if context.sight == Sight::First && story.case.sequence == 0 {
        return work.finish_in_silence(context, remarks);
    }
    if story.was_closed_by_hand() && seen.origin != Origin::ByHand {
        // That it was our last word has been told: only what fails again after its source had it over is news.
        work.kinds.retain(|kind| *kind == Kind::Reopened);
    }
    if work.kinds.is_empty() {
        if work.case == story.case && work.touched.is_empty() {
            return Observed::Nothing;
        }
        return work.finish_against(story, None, context, remarks);
    }
    let why = match seen.origin {
        Origin::ByHand => "said by hand".to_owned(),
        Origin::Polled | Origin::Pushed => format!("{} said so", seen.speaker.as_deref().unwrap_or(&seen.source)),
    };
    work.finish_against(story, Some(why), context, remarks)
}

fn take_all(work: &mut Work, seen: &Observation, context: &Context<'_>, remarks: &mut Vec<Remark>) {
    let facts = &mut work.case.facts;
    (facts.stale_since, facts.stale_stamp) = (None, None);
    let not_ahead = |at: &Timestamp| !is_ahead(*at, context.now);
    facts.revised_at = seen.revised_at.filter(not_ahead).or(facts.revised_at);
    facts.started_at = seen.started_at.filter(not_ahead).or(facts.started_at);
    facts.url = seen.url.clone().or(facts.url.take());
    let new_title = seen.title.clone().filter(|title| !title.trim().is_empty());
    facts.title = new_title.unwrap_or_else(|| facts.title.clone());

    work.take_updates(seen, context, remarks);
    let said = work.case.facts.source_said.clone();
    work.take_phase(seen, said.as_ref().and_then(|said| said.phase), context, remarks);
    work.take_impact(seen, said.as_ref().and_then(|said| said.impact));
    work.drop_the_impact_of_planned_work();
    work.take_window(seen, remarks);
    let is_said_again =
        said.as_ref().is_some_and(|said| said.components.is_some() && said.components == seen.components);
    let stands = is_said_again && seen.origin == Origin::Polled && work.case.facts.scope == Scope::NamedByPerson;
    if !stands {
        work.take_scope(seen, context, remarks);
    }
    work.case.facts.source_said = source_said(seen).or(said);
    work.take_words_for_all(seen);
}

/// Whether it is one of several incidents that its author joined into this case.
fn is_part(story: &Story, seen: &Observation) -> bool {
    let case = &story.case;
    seen.incident != case.incident && (seen.parent.is_some() || case.facts.parts.contains(&seen.incident))
}

/// Whether another source than this one leads the case: the feed, once it has listed the incident.
fn follows(story: &Story, seen: &Observation) -> bool {
    let is_feed = match (seen.origin, seen.part) {
        (Origin::Polled, Part::Leads) => true,
        (Origin::Polled, Part::Follows) | (Origin::Pushed | Origin::ByHand, _) => false,
    };
    // A person may always say how it stands.
    !is_feed && seen.origin != Origin::ByHand && story.is_listed()
}

/// An update by hand or by webhook that we have, and that a later one has overtaken: its words may be a correction,
/// its phase is the one of then.
fn repeats_an_older_update(story: &Story, seen: &Observation) -> bool {
    let number_of = |id: &String| story.updates.iter().find(|known| known.id == *id).map(|known| known.number);
    let newest = story.updates.iter().map(|known| known.number).max();
    let numbers: Vec<Option<i64>> = seen.updates.iter().map(|update| update.id.as_ref().and_then(number_of)).collect();
    let is_older = |number: &Option<i64>| number.is_some() && *number < newest;
    seen.origin != Origin::Polled && !numbers.is_empty() && numbers.iter().all(is_older)
}

/// Older than what we know: by the source's own stamp, or as many updates short at the same stamp.
fn is_stale(story: &Story, seen: &Observation) -> bool {
    if seen.origin != Origin::Polled || is_planted(Fault::StaleIsBelieved) {
        return false;
    }
    let known = story.updates.iter().filter(|u| u.origin == Origin::Polled).count();
    match (seen.revised_at, story.case.facts.revised_at) {
        (Some(theirs), Some(ours)) => theirs < ours || (theirs == ours && seen.updates.len() < known),
        (Some(_) | None, None) | (None, Some(_)) => false,
    }
}
