//! The case while it takes an observation in, part by part: updates, phase, impact, window, scope.
//!
//! Deliberately absent: the order of the parts and what is made of the whole (`observe.rs`).

mod scope;

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{Context, Observed, Remark, Sight, Step, closing_kind, last_open_phase};
use crate::domain::case::{Case, CaseState, ChangeFacts, SaidAction, Story, Timers, Update, Version};
use crate::domain::incident::{
    Announce, Impact, Need, Observation, ObservedUpdate, Origin, Phase, is_ahead, not_ahead,
};
use crate::domain::news::{News, Urgency, join};
use crate::domain::notice::Kind;
use crate::domain::pace::Corrections;
use crate::domain::said_promise::said_promise;
use crate::domain::text;

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

    pub(super) fn take_updates(&mut self, seen: &Observation, context: &Context<'_>, remarks: &mut Vec<Remark>) {
        for observed in &seen.updates {
            let normalised = text::normalise(&observed.body);
            let says_nothing = normalised.is_empty() && observed.status.is_none() && observed.action.is_none();
            let id = update_id(observed, &normalised);
            if let Some(position) = self.updates.iter().position(|known| known.id == id) {
                self.take_rewrite(position, observed, &normalised, context);
            } else if !says_nothing && !self.has_text(observed, &normalised) {
                self.take_new_update(id, observed, seen.origin, &normalised, context, remarks);
            }
        }
    }

    fn has_text(&self, observed: &ObservedUpdate, normalised: &str) -> bool {
        self.updates.iter().any(|known| {
            text::normalise(&known.body) == normalised
                && known.status == observed.status
                && known.action == observed.action
        })
    }

    fn take_new_update(
        &mut self,
        id: String,
        observed: &ObservedUpdate,
        origin: Origin,
        normalised: &str,
        context: &Context<'_>,
        remarks: &mut Vec<Remark>,
    ) {
        let last_told = self.updates.iter().filter(|u| u.sequence.is_some()).max_by_key(|u| u.number);
        let repeats_the_last = origin != Origin::ByHand
            && last_told.is_some_and(|last| text::alike(&text::normalise(&last.body), normalised));
        let is_news = observed.announce == Announce::Yes && !repeats_the_last;
        if observed.announce == Announce::Silent {
            remarks.push(Remark::NotAnnounced);
        }
        let at = observed.at.map_or(context.now, |at| not_ahead(at, context.now));
        let number = self.updates.iter().map(|u| u.number).max().unwrap_or(0) + 1;
        self.updates.push(Update {
            number,
            id,
            sequence: None,
            phase: observed.phase,
            body: observed.body.clone(),
            status: observed.status.clone(),
            action: observed.action.clone(),
            need: observed.need,
            by: observed.by.and_then(|by| by.after(at)),
            takes: observed.takes.clone(),
            sorry: observed.sorry,
            next_word: observed.next_word.or_else(|| said_promise(normalised, at)),
            at,
            seen_at: context.now,
            origin,
            versions: Vec::new(),
        });
        self.touched.insert(number);
        if is_news {
            self.kinds.insert(if observed.phase == Some(Phase::Postmortem) { Kind::Postmortem } else { Kind::Updated });
        }
    }

    fn take_rewrite(&mut self, position: usize, observed: &ObservedUpdate, normalised: &str, context: &Context<'_>) {
        let known = &mut self.updates[position];
        let before = text::normalise(&known.body);
        if before == normalised || normalised.is_empty() {
            return;
        }
        let only_typos = text::differ_by_typos_only(&before, normalised);
        let former = std::mem::replace(&mut known.body, observed.body.clone());
        known.status = observed.status.clone().or(known.status.take());
        known.versions.insert(0, Version { body: former, seen_at: context.now, sequence: None });
        known.versions.truncate(20);
        self.touched.insert(known.number);
        // A text that nobody has been sent yet is simply the text.
        if only_typos || known.sequence.is_none() {
            return;
        }
        let is_over = self.case.facts.phase.is_over();
        let grew = normalised.chars().count() * 2 > before.chars().count() * 3;
        if is_over && grew {
            self.kinds.insert(Kind::Postmortem);
            return;
        }
        match (context.pace.corrections, is_over) {
            (Corrections::Open, false) | (Corrections::All, _) => {
                self.kinds.insert(Kind::Corrected);
            }
            (Corrections::Open, true) | (Corrections::None, _) => {}
        }
    }

    /// Comes after the updates: beside a word that is none of ours, what the new ones say is all there is. `said`: what
    /// the feed that leads said last; as long as it says the same, what a person said stands.
    pub(super) fn take_phase(&mut self, seen: &Observation, said: Option<Phase>, context: &Context<'_>) {
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
                self.kinds.insert(open_move(before, next));
            }
            (false, true) => {
                self.kinds.insert(closing_kind(next));
                self.end(seen, context);
            }
            (true, false) => self.reopen(),
            (true, true) => {
                // Resolved to post-mortem is told by its update, which has been taken already.
                let resolved_at = seen.resolved_at.filter(|at| !is_ahead(*at, context.now));
                self.case.facts.resolved_at = resolved_at.or(self.case.facts.resolved_at);
            }
        }
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

    pub(super) fn end(&mut self, seen: &Observation, context: &Context<'_>) {
        self.case.state = CaseState::Ended;
        self.case.ended_at = Some(context.now);
        let last_post = self.updates.iter().map(|u| u.at).max();
        let resolved_at = seen.resolved_at.map(|at| not_ahead(at, context.now));
        self.case.facts.resolved_at = resolved_at.or(last_post).or(Some(context.now));
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

    pub(super) fn take_impact(&mut self, seen: &Observation, said: Option<Impact>) {
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

    pub(super) fn take_window(&mut self, seen: &Observation) {
        let before = (self.case.facts.scheduled_for, self.case.facts.scheduled_until);
        let after = (seen.scheduled_for.or(before.0), seen.scheduled_until.or(before.1));
        if before == after {
            return;
        }
        (self.case.facts.scheduled_for, self.case.facts.scheduled_until) = after;
        if let (Some(start), Phase::Scheduled) = (before.0, self.case.facts.phase) {
            self.change_facts().moved_from = Some((start, before.1));
            self.kinds.insert(Kind::Moved);
        }
    }

    /// What the authors said to everybody: data, report, order, and what clients are to do.
    pub(super) fn take_words_for_all(&mut self, seen: &Observation) {
        for observed in &seen.updates {
            let facts = &mut self.case.facts;
            facts.data_loss = observed.data_loss.or(facts.data_loss);
            facts.report_by = observed.report_by.clone().or(facts.report_by.take());
            facts.stand = observed.stand.clone().or(facts.stand.take());
        }
        for number in &self.touched {
            let Some(update) = self.updates.iter().find(|u| u.number == *number) else { continue };
            let said = match (&update.action, update.need) {
                (_, Some(Need::None)) => Some((Need::None, String::new())),
                (Some(text), need) => Some((need.unwrap_or(Need::Required), text.clone())),
                (None, Some(Need::Maybe | Need::Required) | None) => None,
            };
            if let Some((need, text)) = said {
                let is_known = self.case.facts.said_action.as_ref().is_some_and(|known| known.text == text);
                if need == Need::Required && !is_known && !self.case.facts.phase.is_over() {
                    self.kinds.insert(Kind::Action);
                }
                self.case.facts.said_action =
                    Some(SaidAction { need, text, said_at: update.at, by: update.by, takes: update.takes.clone() });
            }
        }
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
            let by_hand = self.updates.iter().any(|u| self.touched.contains(&u.number) && u.origin == Origin::ByHand);
            let facts = self.change_facts().clone();
            let facts = ChangeFacts {
                title: self.case.facts.title.clone(),
                phase: self.case.facts.phase,
                phase_last_said: self.case.facts.phase_last_said,
                impact: self.case.facts.impact,
                ..facts
            };
            let urgency = if by_hand { Urgency::ByHand } else { Urgency::ByKind };
            let new = News { kinds: std::mem::take(&mut self.kinds), facts, why, urgency };
            join(&mut self.case, story.waiting(), new, context.pace, context.now)
        });
        if let Some(change) = &change {
            for update in &mut self.updates {
                if update.sequence.is_none() {
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

fn open_move(before: Phase, next: Phase) -> Kind {
    match (before, next) {
        (Phase::Monitoring, Phase::Investigating | Phase::Identified) => Kind::Back,
        (Phase::Scheduled, Phase::InProgress | Phase::Verifying) => Kind::Started,
        _ => Kind::Phase,
    }
}

/// The source's id, else what the update is known by: its time, label and text.
fn update_id(observed: &ObservedUpdate, normalised: &str) -> String {
    observed.id.clone().unwrap_or_else(|| {
        let at = observed.at.map_or(String::new(), |at| at.as_second().to_string());
        let label = observed.phase.map_or("", Phase::as_str);
        text::text_hash(&format!("{at}\n{label}\n{normalised}\n{}", observed.status.as_deref().unwrap_or("")))
    })
}
