//! The case while it takes an observation in, part by part, and what is written of it in the end.
//!
//! Deliberately absent: the order of the parts and what is made of the whole (`observe.rs`).

mod phase;
mod scope;
mod updates;

pub(super) use phase::window;

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{Context, Observed, Remark, Sight, Step};
use crate::domain::case::{Case, CaseState, ChangeFacts, Story, Timers, Update};
use crate::domain::faults::{Fault, is_planted};
use crate::domain::incident::{Impact, Observation, Phase};
use crate::domain::news::{News, Urgency, join};
use crate::domain::notice::Kind;

/// The one that leads has that long to end a case that another source has ended.
const HALF_AN_HOUR: SignedDuration = SignedDuration::from_mins(30);
/// A sender retries for days at most, and a case has no more messages under way than that.
const MOST_EVENTS: usize = 100;

/// The case while it takes an observation in.
pub(super) struct Work {
    pub(super) case: Case,
    pub(super) updates: Vec<Update>,
    /// Numbers of updates that are new or rewritten.
    pub(super) touched: BTreeSet<i64>,
    pub(super) kinds: BTreeSet<Kind>,
    pub(super) facts: Option<ChangeFacts>,
    pub(super) urgency: Urgency,
}

impl Work {
    fn change_facts(&mut self) -> &mut ChangeFacts {
        let facts = &self.case.facts;
        self.facts.get_or_insert_with(|| ChangeFacts::of(facts))
    }

    /// So that a retry of the same message changes nothing.
    pub(super) fn remember_event(&mut self, seen: &Observation) {
        let events = &mut self.case.facts.events;
        events.extend(seen.event.clone());
        let too_many = events.len().saturating_sub(MOST_EVENTS);
        events.drain(..too_many);
    }

    /// What a source that does not lead brings: updates and actions. Its end is a line of the timeline; if the one that
    /// leads goes on, the operator is asked.
    pub(super) fn follow(
        &mut self,
        story: &Story,
        seen: &Observation,
        context: &Context<'_>,
        remarks: &mut Vec<Remark>,
    ) {
        // What another source has said before we watched it is no news of today.
        if context.sight != Sight::First {
            self.take_updates(seen, context, remarks);
            self.take_words_for_all(seen);
        }
        let ends = seen.phase.is_some_and(Phase::is_over) && story.case.state == CaseState::Open;
        if ends && self.case.timers.follower_ended_at.is_none() {
            self.case.timers.follower_ended_at = Some(context.now + HALF_AN_HOUR);
        }
    }

    /// An incident that is part of this one brings updates and actions, more components and a graver impact. Its end
    /// is a line of the timeline.
    pub(super) fn take_part(&mut self, seen: &Observation, context: &Context<'_>, remarks: &mut Vec<Remark>) {
        if !self.case.facts.parts.contains(&seen.incident) {
            self.case.facts.parts.push(seen.incident.clone());
        }
        self.take_updates(seen, context, remarks);
        self.take_words_for_all(seen);
        if !self.case.facts.phase.is_over() {
            if seen.impact > self.case.facts.impact && seen.impact != Some(Impact::Maintenance) {
                self.take_impact(seen, None);
            }
            self.add_components(seen, context, remarks);
        }
    }

    /// Found at the first sight of its feed: it is part of the story, and nobody is told.
    pub(super) fn finish_in_silence(mut self, context: &Context<'_>, remarks: Vec<Remark>) -> Observed {
        let is_over = self.case.facts.phase.is_over();
        self.kinds.clear();
        self.case.facts.silent_since_first_sight = !is_over;
        self.case.state = if is_over { CaseState::Closed } else { CaseState::Open };
        self.case.closed_at = is_over.then_some(context.now);
        self.case.timers = Timers::default();
        // Whom it concerns is asked again when there is something to tell.
        self.case.facts.asked_at = None;
        for update in self.updates.iter_mut().filter(|update| update.sequence.is_none()) {
            update.sequence = Some(0);
            self.touched.insert(update.number);
        }
        self.finish(None, context, remarks)
    }

    /// A rewrite that comes with a new update is folded into it; an end needs no word that an update came.
    pub(super) fn drop_what_is_not_news(&mut self) {
        if self.kinds.contains(&Kind::Updated) || self.kinds.iter().any(|kind| kind.is_at_once()) {
            self.kinds.remove(&Kind::Corrected);
        }
    }

    pub(super) fn finish(self, why: Option<String>, context: &Context<'_>, remarks: Vec<Remark>) -> Observed {
        let story = Story { case: self.case.clone(), updates: vec![], changes: vec![] };
        self.finish_against(&story, why, context, remarks)
    }

    /// Makes the change row, or joins the one that waits, and gives every untold update its sequence.
    pub(super) fn finish_against(
        mut self,
        story: &Story,
        why: Option<String>,
        context: &Context<'_>,
        remarks: Vec<Remark>,
    ) -> Observed {
        let change = why.map(|why| {
            self.case.facts.last_news_at = context.now;
            let facts = self.change_facts().clone();
            let facts = ChangeFacts {
                title: self.case.facts.title.clone(),
                phase: self.case.facts.phase,
                phase_last_said: self.case.facts.phase_last_said,
                impact: self.case.facts.impact,
                ..facts
            };
            let new = News { kinds: std::mem::take(&mut self.kinds), facts, why, urgency: self.urgency };
            join(&mut self.case, story.waiting(), new, context.pace, context.now)
        });
        if let Some(change) = &change {
            for update in &mut self.updates {
                if update.sequence.is_none() && !(is_planted(Fault::WordsAreLost) && change.sequence > 1) {
                    update.sequence = Some(change.sequence);
                    self.touched.insert(update.number);
                }
                let told_before = update.sequence.is_some_and(|s| s < change.sequence);
                if let Some(version) = update.versions.first_mut()
                    && version.seen_at == context.now
                    && told_before
                    && version.sequence.is_none()
                {
                    version.sequence = Some(change.sequence);
                }
            }
        }
        let touched = self.touched;
        let updates = self.updates.into_iter().filter(|u| touched.contains(&u.number)).collect();
        Observed::Changed(Box::new(Step { case: self.case, updates, change, remarks }))
    }
}
