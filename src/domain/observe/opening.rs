//! A case that we have not had: whether it is told, to whom nobody has said anything, or taken in as history.
//!
//! Deliberately absent: everything that follows (`observe.rs`).

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::intake::{self, Work};
use super::{Context, Observed, Remark, Sight, closing_kind, last_open_phase, source_said, urgency_of};
use crate::domain::case::{Case, CaseState, Facts, Scope, Timers};
use crate::domain::faults::{Fault, is_planted};
use crate::domain::incident::{Announce, Impact, Observation, Origin, Phase, is_ahead, not_ahead};
use crate::domain::notice::Kind;

pub(super) fn first_seen(seen: &Observation, context: &Context<'_>) -> Observed {
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
    let mut case = blank_case(seen, title, phase, context);
    let facts = &mut case.facts;
    (facts.scheduled_for, facts.scheduled_until) =
        intake::window((seen.scheduled_for, seen.scheduled_until), &mut remarks);
    let mut work = Work {
        case,
        updates: Vec::new(),
        touched: BTreeSet::new(),
        kinds: BTreeSet::new(),
        facts: None,
        urgency: urgency_of(seen),
    };
    work.take_updates(seen, context, &mut remarks);
    work.take_scope(seen, context, &mut remarks);
    work.take_words_for_all(seen);
    let is_announced = seen.updates.is_empty() || seen.updates.iter().any(|update| update.announce == Announce::Yes);
    let kinds = match is_announced || phase.is_over() {
        true => opening_kinds(seen, phase, context, &mut remarks),
        // Its author chose not to announce it: it is told with its next change, as a whole.
        false => BTreeSet::new(),
    };
    if phase.is_over() {
        work.end(seen, context, &mut remarks);
    }
    if kinds.is_empty() {
        return work.finish_in_silence(context, remarks);
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

fn opening_kinds(seen: &Observation, phase: Phase, context: &Context<'_>, remarks: &mut Vec<Remark>) -> BTreeSet<Kind> {
    if phase.is_over() {
        if is_history(seen, context) {
            remarks.push(Remark::TakenInAsHistory);
            return BTreeSet::new();
        }
        return BTreeSet::from([Kind::Opened, closing_kind(phase)]);
    }
    match context.sight {
        Sight::First if !is_planted(Fault::FirstSightIsTold) => {
            remarks.push(Remark::FoundOpenAtFirstSight);
            BTreeSet::new()
        }
        Sight::First | Sight::FirstAnnounced | Sight::Watching { .. } => {
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
            last_listed_at: None,
            source_said: source_said(seen),
            first_source: None,
            events: seen.event.iter().cloned().collect(),
            asked_at: None,
            closed_by_hand: false,
            phase_last_said: None,
            begun_by_clock: None,
            incident_since: None,
            parts: Vec::new(),
            stale_since: None,
            stale_stamp: None,
        },
        timers: Timers::default(),
    }
}
