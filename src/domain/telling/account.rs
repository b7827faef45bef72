//! The account of the case, as far as it is the client's: its facts, and the words that it has not been sent.
//!
//! Deliberately absent: which kinds of news it makes and what the client needs to do (`telling.rs`).

use jiff::Timestamp;

use super::{Telling, names, without};
use crate::domain::case::{Change, Update};
use crate::domain::faults::{Fault, is_planted};
use crate::domain::incident::{Origin, Phase};
use crate::domain::notice::{CaseFacts, Kind, Replaced, Sorry, Words};

/// A brief tells at most that many updates; the rest is counted.
const MOST_UPDATES: usize = 20;

impl Telling<'_> {
    /// The last change of an episode that the client had part in.
    pub(super) fn last_own(&self) -> Option<&Change> {
        self.variant.missed.last_own(self.story, self.until)
    }

    /// The episode that runs, or ran last, is told only to others.
    pub(super) fn is_of_a_former_episode(&self) -> bool {
        self.last_own().is_some_and(|own| own.episode < self.story.case.episode)
    }

    /// What the case concerns, in our names and ids: of a former episode that which concerned the client.
    fn components(&self) -> (Vec<String>, Vec<String>) {
        let of_client: Vec<String> = self.variant.concerned.iter().map(|(_, name)| name.clone()).collect();
        let facts = &self.story.case.facts;
        let named = if self.is_of_a_former_episode() { &of_client } else { &facts.components };
        let keys = self.catalog.resolve(named).keys;
        match keys.is_empty() {
            true => (named.clone(), keys),
            false => (keys.iter().map(|key| self.catalog.name_of(key)).collect(), keys),
        }
    }

    pub(super) fn case_facts(&self, range: &[&Change]) -> CaseFacts {
        let case = &self.story.case;
        let facts = &case.facts;
        let (components, component_ids) = self.components();
        let shown = self.shown_updates();
        let (updates, left_out) = self.untold_updates(&shown);
        let now = self.as_told();
        let title_of = |sequence: i64| self.story.change(sequence).map(|change| &change.facts.title);
        let frozen = self.thread.first_told.and_then(title_of).unwrap_or(now.title);
        let told_title = title_of(self.thread.told).unwrap_or(frozen);
        let compared: Vec<&Change> = range.iter().copied().filter(|c| !self.compares_with_others(c)).collect();
        let (added, removed) = (names(&compared, |c| &c.added), names(&compared, |c| &c.removed));
        let own_until = self.last_own().map_or(self.until, |own| own.sequence);
        let end = self.story.end_up_to(own_until).filter(|_| now.phase.is_over());
        let closed_by_hand_at = end.and_then(|end| end.facts.closed_by_hand_at);
        let is_said_to_be_over =
            closed_by_hand_at.is_none() && !end.is_some_and(|end| end.kinds.contains(&Kind::Withdrawn));
        CaseFacts {
            id: case.id.clone(),
            reference: case.reference.clone(),
            source: case.source.clone(),
            incident: case.incident.clone(),
            title: frozen.clone(),
            // Once when it is news, and at the end, whose subject is read by itself.
            renamed: (now.title != frozen && (now.title != told_title || self.variant.closing.is_some()))
                .then(|| now.title.clone()),
            phase: now.phase,
            phase_moved: range.iter().any(|c| c.facts.phase_before.is_some()),
            phase_unknown: facts.phase_unknown.clone(),
            impact: now.impact,
            impact_before: self
                .impact_before(range)
                .filter(|before| !self.is_brief() && !self.is_of_a_former_episode() && Some(*before) != now.impact),
            components,
            component_ids,
            added: without(&added, &removed),
            removed: without(&removed, &added),
            started_at: facts.started_at,
            reported_at: shown.iter().map(|u| u.at).min(),
            ended_at: self.ended_at().filter(|_| now.phase.is_over() && is_said_to_be_over),
            closed_by_hand_at,
            phase_last_said: end.and_then(|end| end.facts.phase_last_said),
            estimate_passed: self.estimate_passed(&shown),
            last_seen_at: end.and_then(|end| end.facts.last_seen_at),
            scheduled_for: facts.scheduled_for,
            scheduled_until: facts.scheduled_until,
            moved_from: range.iter().find_map(|c| c.facts.moved_from),
            became_incident: !now.phase.is_maintenance()
                && !now.phase.is_over()
                && range.iter().any(|c| c.facts.phase_before.is_some_and(Phase::is_maintenance)),
            url: facts.url.clone(),
            voice: self.voice.clone(),
            first_words: shown.first().map(|u| words(u, None)),
            updates,
            last_words: shown.last().map(|u| words(u, None)),
            left_out,
            data_loss: facts.data_loss,
            report_by: facts.report_by.clone(),
            stand: facts.stand.clone(),
            sorry: self.sorry(&shown),
        }
    }

    /// The newest estimate of the end among the words of the case, once its time has passed: said with the next notice,
    /// not again with those after it.
    fn estimate_passed(&self, shown: &[&Update]) -> Option<Timestamp> {
        let at = shown.iter().rev().find_map(|update| update.estimate)?;
        let last_told = self.story.change(self.thread.told).and_then(|change| change.planned_at);
        let is_first_since = last_told.is_none_or(|told| told < at) || self.is_brief();
        let is_open = !self.as_told().phase.is_over() && self.closing().is_none();
        (is_open && at < self.now && is_first_since).then_some(at)
    }

    fn sorry(&self, shown: &[&Update]) -> Sorry {
        let said_in = |update: &&Update| update.sorry.then_some(update.sequence).flatten();
        let is_told = |sequence: i64| !self.is_brief() && sequence <= self.thread.told;
        match shown.iter().find_map(said_in) {
            None => Sorry::Unsaid,
            Some(first) if is_told(first) => Sorry::Before,
            Some(_) => Sorry::Now,
        }
    }

    fn ended_at(&self) -> Option<Timestamp> {
        match self.last_own().filter(|_| self.is_of_a_former_episode()) {
            Some(own) => self.variant.missed.own_end(self.story, own),
            None => self.story.case.facts.resolved_at,
        }
    }

    /// Every update told so far to anybody, in the order shown to people, but for what concerned only others.
    fn shown_updates(&self) -> Vec<&Update> {
        let is_shown = |s: i64| s <= self.until && !self.variant.missed.holds(s);
        let mut shown: Vec<&Update> = self.story.updates.iter().filter(|u| u.sequence.is_some_and(is_shown)).collect();
        shown.sort_by_key(|u| (u.at, u.number));
        shown
    }

    /// What this contact has not been sent, newest first, and how many more there are.
    fn untold_updates(&self, shown: &[&Update]) -> (Vec<Words>, u32) {
        let is_brief = self.is_brief();
        let told = self.thread.told;
        let is_new =
            |u: &Update| is_planted(Fault::WordsAreRepeated) || is_brief || u.sequence.is_some_and(|s| s > told);
        let rewritten = |u: &Update| {
            // What this contact has read is the text that the first rewriting after `told` replaced.
            u.versions
                .iter()
                .rev()
                .find(|v| v.sequence.is_some_and(|s| s > told && s <= self.until && !self.variant.missed.holds(s)))
                .map(|v| Replaced { body: v.body.clone(), at: u.at })
        };
        // Newest first; what is too much for a message is counted and not put into words.
        let untold = shown
            .iter()
            .rev()
            .filter_map(|u| if is_new(u) { Some((*u, None)) } else { rewritten(u).map(|r| (*u, Some(r))) });
        let (mut told, mut left_out) = (Vec::new(), 0_u32);
        for (update, replaces) in untold {
            if told.len() < MOST_UPDATES {
                told.push(words(update, replaces));
            } else {
                left_out = left_out.saturating_add(1);
            }
        }
        (told, left_out)
    }
}

fn words(update: &Update, replaces: Option<Replaced>) -> Words {
    Words {
        id: update.id.clone(),
        phase: update.phase,
        body: update.body.clone(),
        status: update.status.clone(),
        at: update.at,
        replaces,
        by_hand: update.origin != Origin::Polled,
    }
}
