//! The notice that one contact gets now: what it has not been told, folded into one.
//!
//! Made when it is sent, so that what was overtaken while it waited is told with what is newest. Deliberately
//! absent: who gets it (`plan.rs`) and the words (`render`).

mod account;

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::case::{CaseState, Change, ChangeFacts, Story};
use super::component::Catalog;
use super::faults::{Fault, is_planted};
use super::incident::{Impact, Need, Phase};
use super::kept::KeptPromises;
use super::notice::{Action, Affected, Guidance, Kind, Notice, Voice};
use super::promise;
use super::thread::{Standing, Thread, Variant};

#[derive(Debug, Clone, Copy)]
pub struct Telling<'a> {
    pub story: &'a Story,
    pub thread: &'a Thread,
    /// The last sequence this attempt tells; the first is the one after `thread.told`.
    pub until: i64,
    pub variant: &'a Variant,
    pub told_variant: Option<&'a Variant>,
    /// The variants accepted in this episode that asked for something.
    pub asked: &'a [&'a Variant],
    pub catalog: &'a Catalog,
    pub voice: &'a Voice,
    /// The promise that holds now.
    pub next_word: Option<Timestamp>,
    /// How many of the words promised to the client came, where this tells an end.
    pub promises: Option<KeptPromises>,
    pub now: Timestamp,
}

impl Telling<'_> {
    pub fn notice(&self) -> Notice {
        let range = self.range();
        let is_brief = self.is_brief();
        let guidance = self.guidance();
        let changes = self.kinds(&range, &guidance);
        let is_due = changes == [Kind::Due];
        let case = &self.story.case;
        let is_in = self.thread.standing == Standing::In && case.state == CaseState::Open;
        let speaks_again = is_in && self.variant.affected == Affected::Confirmed;
        Notice {
            now: self.now,
            sequence: self.until,
            reason: changes.first().copied().unwrap_or(Kind::Updated),
            is_brief,
            case: self.case_facts(&range),
            affected: self.variant.affected,
            concerned: self.variant.concerned.clone(),
            untouched: self.variant.untouched.clone(),
            guidance,
            next_word: self.next_word.filter(|at| speaks_again && *at > self.now),
            promised: range.last().and_then(|c| c.facts.promised).filter(|_| is_due),
            lost_sight_since: range.last().and_then(|c| c.facts.lost_sight_since),
            is_daily: self.now.duration_since(promise::quiet_since(&case.facts, self.now)).as_hours() >= 24,
            promises: self.promises.filter(|_| self.closing().is_some()),
            page: None,
            drill: false,
            changes,
        }
    }

    fn range(&self) -> Vec<&Change> {
        let told = self.thread.told;
        let is_own =
            |c: &&Change| c.sequence > told && c.sequence <= self.until && !self.variant.missed.holds(c.sequence);
        self.story.changes.iter().filter(is_own).collect()
    }

    /// The end that this notice tells. One that was kept beside later news (`plan.rs`) is not told again to
    /// whoever was told it meanwhile: it was on its way when that news was planned.
    fn closing(&self) -> Option<Kind> {
        let was_told_it = self.told_variant.is_some_and(|variant| variant.closing.is_some());
        let is_this_change =
            self.story.change(self.until).is_some_and(|c| c.kinds.iter().any(|kind| kind.is_closing()));
        self.variant.closing.filter(|_| is_this_change || !was_told_it || is_planted(Fault::EndIsToldTwice))
    }

    /// Never told of the case, or told that it no longer concerned them.
    fn is_brief(&self) -> bool {
        let was_unaffected = self.told_variant.is_some_and(|v| v.closing == Some(Kind::Unaffected));
        !self.thread.was_told() || was_unaffected
    }

    /// All kinds, strongest first. What was overtaken is left out: an end that was reopened before it was
    /// told, an opening for whoever was told long ago, a rise that has fallen again.
    fn kinds(&self, range: &[&Change], guidance: &Guidance) -> Vec<Kind> {
        let mut kinds: BTreeSet<Kind> = range.iter().flat_map(|c| self.kinds_of(c)).collect();
        kinds.retain(|kind| !kind.is_closing() && !self.is_overtaken(*kind, range));
        if !self.thread.was_told() {
            kinds.remove(&Kind::Reopened);
        }
        if self.as_told().phase.is_over() && self.closing().is_none() {
            // After the end nothing is open, worse or wider any more.
            kinds.retain(|kind| matches!(kind, Kind::Updated | Kind::Corrected | Kind::Postmortem));
        }
        match self.is_brief() {
            true if self.closing().is_none() && !kinds.contains(&Kind::Reopened) => {
                kinds.insert(Kind::Opened);
            }
            true => {}
            false => {
                kinds.remove(&Kind::Opened);
            }
        }
        // What is newly required of some is no news for the others.
        kinds.remove(&Kind::Action);
        if guidance.newly_required && self.closing().is_none() {
            kinds.insert(Kind::Action);
        }
        kinds.extend(self.closing());
        if kinds.len() > 1 {
            kinds.remove(&Kind::Due);
        }
        // That there are new words goes without saying where something has moved.
        if kinds.last().is_some_and(|strongest| *strongest > Kind::Updated) {
            kinds.remove(&Kind::Updated);
        }
        if kinds.is_empty() {
            kinds.insert(Kind::Updated);
        }
        kinds.into_iter().rev().collect()
    }

    /// What the change is to this contact. A reopening after an episode of others compares with that episode.
    fn kinds_of(&self, change: &Change) -> Vec<Kind> {
        if self.thread.was_told() && self.story.changes_only_who_is_told(change) {
            return Vec::new();
        }
        match self.compares_with_others(change) {
            true => change.kinds.iter().copied().filter(|kind| !matches!(kind, Kind::Wider | Kind::Narrower)).collect(),
            false => change.kinds.clone(),
        }
    }

    fn compares_with_others(&self, change: &Change) -> bool {
        let is_missed = |c: &Change| self.variant.missed.holds(c.sequence);
        let before = self.story.changes.iter().rev().find(|c| c.sequence < change.sequence);
        change.kinds.contains(&Kind::Reopened) && before.is_some_and(is_missed)
    }

    /// The impact before the first change of the range that moved it. What is reopened has failed before: it is compared
    /// with the worst that it was in this case.
    fn impact_before(&self, range: &[&Change]) -> Option<Impact> {
        let Some(reopening) = self.reopening(range) else {
            return range.iter().find_map(|change| change.facts.impact_before);
        };
        let is_own = |c: &&Change| c.sequence < reopening.sequence && !self.variant.missed.holds(c.sequence);
        let worst = self.story.changes.iter().filter(is_own).flat_map(|c| [c.facts.impact, c.facts.impact_before]);
        worst.flatten().max().filter(|worst| self.as_told().impact > Some(*worst))
    }

    fn reopening<'r>(&self, range: &[&'r Change]) -> Option<&'r Change> {
        let reopened = range.iter().find(|change| change.kinds.contains(&Kind::Reopened));
        reopened.copied().filter(|_| self.thread.was_told())
    }

    /// Whether what the range ends with has undone it.
    fn is_overtaken(&self, kind: Kind, range: &[&Change]) -> bool {
        let (before, after) = (self.impact_before(range), self.as_told().impact);
        let is_reopened = self.reopening(range).is_some();
        match kind {
            Kind::Worse if is_reopened => before.is_none(),
            Kind::Worse => before.is_some() && after <= before,
            Kind::Better => is_reopened || (before.is_some() && after >= before),
            Kind::Back => match self.as_told().phase {
                Phase::Investigating | Phase::Identified => false,
                Phase::Monitoring
                | Phase::Resolved
                | Phase::Postmortem
                | Phase::Scheduled
                | Phase::InProgress
                | Phase::Verifying
                | Phase::Completed
                | Phase::Cancelled => true,
            },
            Kind::Wider => is_undone(&names(range, |c| &c.added), &names(range, |c| &c.removed)),
            Kind::Narrower => is_undone(&names(range, |c| &c.removed), &names(range, |c| &c.added)),
            Kind::Due
            | Kind::Reminder
            | Kind::Corrected
            | Kind::Phase
            | Kind::Updated
            | Kind::Overdue
            | Kind::Postmortem
            | Kind::Action
            | Kind::Started
            | Kind::Moved
            | Kind::Opened
            | Kind::Reopened
            | Kind::Unaffected
            | Kind::Withdrawn
            | Kind::Cancelled
            | Kind::Completed
            | Kind::Resolved => false,
        }
    }

    /// Title, phase and impact as of the last change that is told: what came after it is told by the next.
    fn as_told(&self) -> AsTold<'_> {
        let facts = &self.story.case.facts;
        let last = self.story.change(self.until);
        match (last, self.last_own()) {
            (Some(change), own) => {
                let own = own.unwrap_or(change);
                AsTold { title: &own.facts.title, phase: change.facts.phase, impact: own.facts.impact }
            }
            (None, _) => AsTold { title: &facts.title, phase: facts.phase, impact: facts.impact },
        }
    }

    fn guidance(&self) -> Guidance {
        let is_end = self.closing().is_some();
        let goes_on = !is_end && self.story.case.state == CaseState::Open;
        let was_asked = |action: &&Action| {
            let told = self.asked.iter().flat_map(|v| &v.actions).filter(|a| a.id == action.id);
            // As pressing as now: needed as much, and by a time that is not later than the one that holds now.
            told.into_iter().any(|a| a.need >= action.need && !is_earlier(action.by, a.by))
        };
        let still_stands = |action: &&Action| self.variant.actions.iter().any(|a| a.id == action.id);
        // What stood in the last notice and stands no more. Whatever fell away earlier has been called off already.
        let told_last = self.told_variant.map_or(&[][..], |v| &v.actions[..]);
        let mut fell_away = told_last.iter().filter(|a| a.need != Need::None && !still_stands(a));
        let mut required = self.variant.actions.iter().filter(|a| a.need == Need::Required).peekable();
        let is_any_required = required.peek().is_some();
        let newly_required = required.any(|a| !was_asked(&a));
        let is_moot = self.closing().is_some_and(leaves_moot);
        let (undo, without_undo): (Vec<Action>, Vec<Action>) = match is_end {
            true => fell_away.by_ref().cloned().partition(|action| action.undo.is_some()),
            false => Default::default(),
        };
        Guidance {
            need: self.variant.need,
            known: self.variant.known,
            actions: self.variant.actions.clone(),
            called_off: match (goes_on, is_moot) {
                (true, _) => fell_away.cloned().collect(),
                (false, true) => without_undo,
                (false, false) => Vec::new(),
            },
            undo,
            newly_required,
            still_required: is_any_required && !newly_required,
        }
    }
}

/// Whether a step is to be done sooner than it was to be.
fn is_earlier(now: Option<Timestamp>, before: Option<Timestamp>) -> bool {
    match (now, before) {
        (Some(now), Some(before)) => now < before,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// Whether what was asked falls away with that end. Where it is over, what was to be done about it may well have to
/// be done still ("Send failed payments again").
fn leaves_moot(end: Kind) -> bool {
    !matches!(end, Kind::Resolved | Kind::Completed)
}

/// The case as of one change.
struct AsTold<'a> {
    title: &'a String,
    phase: Phase,
    impact: Option<Impact>,
}

fn names(range: &[&Change], of: impl Fn(&ChangeFacts) -> &Vec<String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in range.iter().flat_map(|change| of(&change.facts)) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

fn without(names: &[String], others: &[String]) -> Vec<String> {
    names.iter().filter(|name| !others.contains(name)).cloned().collect()
}

/// Something was named, and all of it has been taken back.
fn is_undone(names: &[String], others: &[String]) -> bool {
    !names.is_empty() && without(names, others).is_empty()
}

#[cfg(test)]
mod tests;
