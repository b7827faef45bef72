//! Where an observation puts the case: its phase, its impact, its planned window, its end.
//!
//! Deliberately absent: the posts (`updates.rs`) and whom it concerns (`scope.rs`).

use jiff::Timestamp;

use super::Work;
use crate::domain::case::{CaseState, Facts, Timers};
use crate::domain::incident::{Announce, Impact, Observation, ObservedUpdate, Origin, Phase, is_ahead, not_ahead};
use crate::domain::notice::Kind;
use crate::domain::observe::{Context, Remark, closing_kind, last_open_phase};

impl Work {
    /// Comes after the updates: beside a word that is none of ours, what the new ones say is all there is. `said`: what
    /// the feed that leads said last; as long as it says the same, what a person said stands.
    pub(in crate::domain::observe) fn take_phase(
        &mut self,
        seen: &Observation,
        said: Option<Phase>,
        context: &Context<'_>,
        remarks: &mut Vec<Remark>,
    ) {
        let stated = match &seen.phase_unknown {
            Some(_) => {
                let new = self.updates.iter().filter(|update| self.touched.contains(&update.number));
                last_open_phase(new.map(|update| update.phase))
            }
            None => seen.phase.filter(|next| seen.origin != Origin::Polled || said != Some(*next)),
        };
        self.case.facts.phase_unknown = match (&seen.phase_unknown, seen.phase) {
            (Some(word), _) => Some(word.clone()),
            (None, Some(_)) => None,
            (None, None) => self.case.facts.phase_unknown.take(),
        };
        let Some(next) = stated else { return };
        if self.case.facts.closed_by_hand && !next.is_over() && seen.origin != Origin::ByHand {
            self.case.facts.phase_last_said = Some(next);
            return;
        }
        self.case.facts.closed_by_hand = false;
        self.case.facts.phase_last_said = None;
        let before = self.case.facts.phase;
        if next == before {
            return;
        }
        self.case.facts.phase = next;
        let facts = self.change_facts();
        facts.phase_before = facts.phase_before.or(Some(before));
        match (before.is_over(), next.is_over()) {
            (false, false) => {
                let kind = open_move(before, next, &self.case.facts);
                self.mark_the_turn(seen, before, next, context);
                // What its author chose not to announce goes along with the next notice, the move too.
                if kind != Kind::Phase || !self.has_only_silent_news(seen) {
                    self.kinds.insert(kind);
                }
            }
            (false, true) => {
                self.kinds.insert(closing_kind(next));
                self.end(seen, context, remarks);
            }
            (true, false) => self.reopen(),
            (true, true) => {
                // Resolved to post-mortem is told by its update, which has been taken already.
                let resolved_at = seen.resolved_at.filter(|at| !is_ahead(*at, context.now));
                self.case.facts.resolved_at = resolved_at.or(self.case.facts.resolved_at);
            }
        }
    }

    /// Planned work begins with the post that says so; an incident that it becomes is as young as that.
    fn mark_the_turn(&mut self, seen: &Observation, before: Phase, next: Phase, context: &Context<'_>) {
        let post = seen.updates.iter().rev().find(|update| update.phase == Some(next)).and_then(|update| update.at);
        let at = post.map_or(context.now, |at| not_ahead(at, context.now));
        let facts = &mut self.case.facts;
        if before == Phase::Scheduled && next.is_maintenance() {
            facts.started_at = facts.started_at.or(Some(at).filter(|_| post.is_some()));
        }
        if before.is_maintenance() && !next.is_maintenance() {
            facts.incident_since = Some(at);
        }
    }

    fn has_only_silent_news(&self, seen: &Observation) -> bool {
        let ids: Vec<&str> =
            self.updates.iter().filter(|u| self.touched.contains(&u.number)).map(|u| u.id.as_str()).collect();
        let mut new = seen.updates.iter().filter(|u| u.id.as_deref().is_some_and(|id| ids.contains(&id))).peekable();
        new.peek().is_some() && new.all(|update| update.announce == Announce::Silent)
    }

    pub(in crate::domain::observe) fn take_impact(&mut self, seen: &Observation, said: Option<Impact>) {
        let Some(next) = seen.impact.filter(|next| seen.origin != Origin::Polled || said != Some(*next)) else {
            return;
        };
        let before = self.case.facts.impact.replace(next);
        if let Some(before) = before.filter(|before| *before != next) {
            let facts = self.change_facts();
            facts.impact_before = facts.impact_before.or(Some(before));
            self.kinds.insert(if next > before { Kind::Worse } else { Kind::Better });
        }
    }

    /// An impact that says only that work is planned says nothing of an incident.
    pub(in crate::domain::observe) fn drop_the_impact_of_planned_work(&mut self) {
        let facts = &mut self.case.facts;
        if !facts.phase.is_maintenance() && !facts.phase.is_over() && facts.impact == Some(Impact::Maintenance) {
            facts.impact = None;
        }
    }

    /// Planned work that is moved; once it runs, that it is to end at another time.
    pub(in crate::domain::observe) fn take_window(&mut self, seen: &Observation, remarks: &mut Vec<Remark>) {
        let before = (self.case.facts.scheduled_for, self.case.facts.scheduled_until);
        let after = window((seen.scheduled_for.or(before.0), seen.scheduled_until.or(before.1)), remarks);
        if before == after {
            return;
        }
        (self.case.facts.scheduled_for, self.case.facts.scheduled_until) = after;
        let is_moved = match self.case.facts.phase {
            Phase::Scheduled => before.0.is_some(),
            Phase::InProgress | Phase::Verifying => before.1.is_some() && before.1 != after.1 && after.1.is_some(),
            Phase::Investigating
            | Phase::Identified
            | Phase::Monitoring
            | Phase::Resolved
            | Phase::Postmortem
            | Phase::Completed
            | Phase::Cancelled => false,
        };
        if let (Some(start), true) = (before.0.or(after.0), is_moved) {
            self.change_facts().moved_from = Some((start, before.1));
            self.kinds.insert(Kind::Moved);
        }
    }

    pub(in crate::domain::observe) fn end(
        &mut self,
        seen: &Observation,
        context: &Context<'_>,
        remarks: &mut Vec<Remark>,
    ) {
        self.case.state = CaseState::Ended;
        self.case.ended_at = Some(context.now);
        let last_post = self.updates.iter().map(|u| u.at).max();
        let is_closing = |update: &&ObservedUpdate| update.phase.is_some_and(Phase::is_over);
        let closing_post = seen.updates.iter().rev().find(is_closing).and_then(|update| update.at);
        let said = seen.resolved_at.or(closing_post).map(|at| not_ahead(at, context.now));
        self.case.facts.resolved_at = said.or(last_post).or(Some(context.now));
        if self.case.facts.started_at.is_some_and(|start| self.case.facts.resolved_at < Some(start)) {
            remarks.push(Remark::Odd("it is said to have been over before it began; how long it took is left out"));
        }
        self.case.timers = Timers { last_quiet_at: self.case.timers.last_quiet_at, ..Timers::default() };
    }

    fn reopen(&mut self) {
        self.case.state = CaseState::Open;
        self.case.ended_at = None;
        self.case.closed_at = None;
        self.case.facts.resolved_at = None;
        // Said of what was taken to be over.
        self.case.facts.data_loss = None;
        self.case.episode += 1;
        self.kinds.insert(Kind::Reopened);
    }
}

fn open_move(before: Phase, next: Phase, facts: &Facts) -> Kind {
    match (before, next) {
        (Phase::Monitoring, Phase::Investigating | Phase::Identified) => Kind::Back,
        // That it begins has been told by the clock.
        (Phase::Scheduled, Phase::InProgress | Phase::Verifying) if facts.begun_by_clock.is_some() => Kind::Phase,
        (Phase::Scheduled, Phase::InProgress | Phase::Verifying) => Kind::Started,
        (before, next) if before.is_maintenance() && !next.is_maintenance() => Kind::Worse,
        _ => Kind::Phase,
    }
}

/// A window as far as it can be true: an end that comes before the beginning is none.
pub(in crate::domain::observe) fn window(
    (start, end): (Option<Timestamp>, Option<Timestamp>),
    remarks: &mut Vec<Remark>,
) -> (Option<Timestamp>, Option<Timestamp>) {
    match (start, end) {
        (Some(from), Some(until)) if until <= from => {
            remarks.push(Remark::Odd("its planned window ends before it begins; the end is left out"));
            (start, None)
        }
        _ => (start, end),
    }
}
