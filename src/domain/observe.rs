//! What an observation changes in a case, and whether that is news.
//!
//! The rules of `semantics.md` §1 and §2. An observation is compared with what the same source said last.
//! Deliberately absent: who is told (`plan.rs`) and everything that happens without the source (`keep`).

mod intake;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::case::{Case, CaseState, Change, Facts, Scope, SourceSaid, Story, Timers, Update};
use super::component::Catalog;
use super::guidance;
use super::incident::{Impact, Observation, Origin, Part, Phase, is_ahead, not_ahead};
use super::notice::Kind;
use super::pace::{PaceSettings, Unscoped};
use super::playbook::Entry;
use intake::Work;

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

fn first_seen(seen: &Observation, context: &Context<'_>) -> Observed {
    let title = match (seen.title.clone().filter(|title| !title.trim().is_empty()), seen.origin) {
        (Some(title), _) => title,
        // Nobody is there to be asked for one, and a case without a name is better than none.
        (None, Origin::Polled) => seen.incident.clone(),
        (None, Origin::Pushed | Origin::ByHand) => return Observed::Incomplete { missing: "title" },
    };
    if seen.origin != Origin::Polled && seen.updates.iter().all(|u| u.body.trim().is_empty()) {
        return Observed::Incomplete { missing: "body" };
    }
    let phase = seen.phase.unwrap_or_else(|| presumed_phase(seen, context.now));
    let mut remarks = Vec::new();
    let mut work = Work {
        case: blank_case(seen, title, phase, context),
        updates: Vec::new(),
        touched: BTreeSet::new(),
        kinds: BTreeSet::new(),
        facts: None,
    };
    work.take_updates(seen, context, &mut remarks);
    work.take_scope(seen, context, &mut remarks);
    work.take_words_for_all(seen);
    let kinds = opening_kinds(seen, phase, context, &mut remarks);
    work.case.facts.silent_since_first_sight = kinds.is_empty() && !phase.is_over();
    if phase.is_over() {
        work.end(seen, context);
    }
    if kinds.is_empty() {
        work.case.state = if phase.is_over() { CaseState::Closed } else { CaseState::Open };
        work.case.closed_at = phase.is_over().then_some(context.now);
        work.case.timers = Timers::default();
        for update in &mut work.updates {
            update.sequence = Some(0);
        }
        return work.finish(None, context, remarks);
    }
    work.kinds = kinds;
    let why = if work.kinds.contains(&Kind::Resolved) { "found ended" } else { "a case we have not had" };
    work.finish(Some(why.to_owned()), context, remarks)
}

/// Where an incident stands whose own word says nothing to us: where its newest update put it that does. That it is
/// over only the incident's own word can say.
fn presumed_phase(seen: &Observation, now: Timestamp) -> Phase {
    if let Some(phase) = last_open_phase(seen.updates.iter().map(|update| update.phase)) {
        return phase;
    }
    match seen.scheduled_for {
        Some(start) if start > now => Phase::Scheduled,
        Some(_) => Phase::InProgress,
        None if seen.impact == Some(Impact::Maintenance) => Phase::Scheduled,
        None => Phase::Investigating,
    }
}

/// The last open phase that is stated.
fn last_open_phase(phases: impl DoubleEndedIterator<Item = Option<Phase>>) -> Option<Phase> {
    phases.rev().flatten().find(|phase| !phase.is_over())
}

fn opening_kinds(seen: &Observation, phase: Phase, context: &Context<'_>, remarks: &mut Vec<Remark>) -> BTreeSet<Kind> {
    if phase.is_over() {
        if is_history(seen, context) {
            remarks.push(Remark::TakenInAsHistory);
            return BTreeSet::new();
        }
        return BTreeSet::from([Kind::Opened, closing_kind(phase)]);
    }
    match context.sight {
        Sight::First => {
            remarks.push(Remark::FoundOpenAtFirstSight);
            BTreeSet::new()
        }
        Sight::FirstAnnounced | Sight::Watching { .. } => {
            let mut kinds = BTreeSet::from([Kind::Opened]);
            if phase == Phase::InProgress || phase == Phase::Verifying {
                kinds.insert(Kind::Started);
            }
            kinds
        }
    }
}

/// Found closed: told only if its first post came after our last good read and it ended within `max_age`.
fn is_history(seen: &Observation, context: &Context<'_>) -> bool {
    let last_good_at = match context.sight {
        Sight::First | Sight::FirstAnnounced => return true,
        Sight::Watching { last_good_at } => last_good_at,
    };
    let first_post = seen.updates.iter().filter_map(|u| u.at).min();
    let ended = seen.resolved_at.or_else(|| seen.updates.iter().filter_map(|u| u.at).max());
    let posted_before = last_good_at.is_some_and(|good| first_post.is_none_or(|post| post <= good));
    let max_age = SignedDuration::try_from(context.pace.max_age).unwrap_or(SignedDuration::MAX);
    let too_old = ended.is_some_and(|end| context.now.duration_since(end) > max_age);
    posted_before || too_old
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

fn blank_case(seen: &Observation, title: String, phase: Phase, context: &Context<'_>) -> Case {
    Case {
        key: 0,
        version: 0,
        id: context.new_id.to_owned(),
        reference: context.new_reference.to_owned(),
        source: seen.source.clone(),
        incident: seen.incident.clone(),
        state: CaseState::Open,
        episode: 1,
        sequence: 0,
        opened_at: context.now,
        ended_at: None,
        closed_at: None,
        facts: Facts {
            title,
            phase,
            phase_unknown: seen.phase_unknown.clone(),
            impact: seen.impact,
            components: Vec::new(),
            scope: Scope::Unscoped,
            started_at: seen.started_at.map(|at| not_ahead(at, context.now)),
            resolved_at: None,
            scheduled_for: seen.scheduled_for,
            scheduled_until: seen.scheduled_until,
            url: seen.url.clone(),
            data_loss: None,
            report_by: None,
            stand: None,
            said_action: None,
            silent_since_first_sight: false,
            revised_at: seen.revised_at.filter(|at| !is_ahead(*at, context.now)),
            last_news_at: context.now,
            missed_reads: Vec::new(),
            source_said: source_said(seen),
            first_source: None,
            events: seen.event.iter().cloned().collect(),
            asked_at: None,
            closed_by_hand: false,
            phase_last_said: None,
            stale_since: None,
        },
        timers: Timers::default(),
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
    };
    if seen.origin == Origin::Polled {
        // Listed, however old the copy is.
        work.case.facts.missed_reads.clear();
    }
    if is_stale(story, seen) {
        let since = *work.case.facts.stale_since.get_or_insert(context.now);
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
    } else if follows(story, seen) {
        work.follow(story, seen, context, &mut remarks);
    } else {
        take_all(&mut work, seen, context, &mut remarks);
    }
    if guidance::requires_more(&story.case.facts, &work.case.facts, context.playbook, context.catalog) {
        work.kinds.insert(Kind::Action);
    }
    work.drop_what_is_not_news();
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
        Origin::Polled | Origin::Pushed => format!("{} said so", seen.source),
    };
    work.finish_against(story, Some(why), context, remarks)
}

fn take_all(work: &mut Work, seen: &Observation, context: &Context<'_>, remarks: &mut Vec<Remark>) {
    let facts = &mut work.case.facts;
    facts.stale_since = None;
    let not_ahead = |at: &Timestamp| !is_ahead(*at, context.now);
    facts.revised_at = seen.revised_at.filter(not_ahead).or(facts.revised_at);
    facts.started_at = seen.started_at.filter(not_ahead).or(facts.started_at);
    facts.url = seen.url.clone().or(facts.url.take());
    let new_title = seen.title.clone().filter(|title| !title.trim().is_empty());
    facts.title = new_title.unwrap_or_else(|| facts.title.clone());

    work.take_updates(seen, context, remarks);
    let said = work.case.facts.source_said.clone();
    work.take_phase(seen, said.as_ref().and_then(|said| said.phase), context);
    work.take_impact(seen, said.as_ref().and_then(|said| said.impact));
    work.take_window(seen);
    let is_said_again =
        said.as_ref().is_some_and(|said| said.components.is_some() && said.components == seen.components);
    let stands = is_said_again && seen.origin == Origin::Polled && work.case.facts.scope == Scope::NamedByPerson;
    if !stands {
        work.take_scope(seen, context, remarks);
    }
    work.case.facts.source_said = source_said(seen).or(said);
    work.take_words_for_all(seen);
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
    if seen.origin != Origin::Polled {
        return false;
    }
    let known = story.updates.iter().filter(|u| u.origin == Origin::Polled).count();
    match (seen.revised_at, story.case.facts.revised_at) {
        (Some(theirs), Some(ours)) => theirs < ours || (theirs == ours && seen.updates.len() < known),
        (Some(_) | None, None) | (None, Some(_)) => false,
    }
}
