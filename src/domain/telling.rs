//! The notice that one contact gets now: what it has not been told, folded into one.
//!
//! Made when it is sent, so that what was overtaken while it waited is told with what is newest. Deliberately
//! absent: who gets it (`plan.rs`) and the words (`render`).

use jiff::Timestamp;

use super::case::{CaseState, Change, Story, Update};
use super::component::Catalog;
use super::incident::Need;
use super::notice::{Action, Affected, CaseFacts, Guidance, Kind, Notice, Replaced, Voice, Words};
use super::thread::{Standing, Thread, Variant};

/// A brief tells at most that many updates; the rest is counted.
const MOST_UPDATES: usize = 20;

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
    pub now: Timestamp,
}

impl Telling<'_> {
    pub fn notice(&self) -> Notice {
        let range = self.range();
        let is_brief = self.is_brief();
        let guidance = self.guidance();
        let changes = self.kinds(&range, is_brief, guidance.newly_required);
        let case = &self.story.case;
        let is_in = self.thread.standing == Standing::In && case.state == CaseState::Open;
        let speaks_again = is_in && self.variant.affected == Affected::Confirmed;
        Notice {
            now: self.now,
            sequence: self.until,
            reason: changes.first().copied().unwrap_or(Kind::Updated),
            is_brief,
            case: self.case_facts(&range, is_brief),
            affected: self.variant.affected,
            concerned: self.variant.concerned.clone(),
            untouched: self.variant.untouched.clone(),
            guidance,
            next_word: self.next_word.filter(|at| speaks_again && *at > self.now),
            promised: range.iter().rev().find_map(|c| c.facts.promised),
            lost_sight_since: range.iter().rev().find_map(|c| c.facts.lost_sight_since),
            is_daily: self.now.duration_since(case.facts.last_news_at).as_hours() >= 24,
            page: None,
            drill: false,
            changes,
        }
    }

    fn range(&self) -> Vec<&Change> {
        let told = self.thread.told;
        self.story.changes.iter().filter(|c| c.sequence > told && c.sequence <= self.until).collect()
    }

    /// Never told of the case, or told that it no longer concerned them.
    fn is_brief(&self) -> bool {
        let was_unaffected = self.told_variant.is_some_and(|v| v.closing == Some(Kind::Unaffected));
        !self.thread.was_told() || was_unaffected
    }

    /// All kinds, strongest first. What was overtaken is left out: an end that was reopened before it was
    /// told, an opening for whoever was told long ago.
    fn kinds(&self, range: &[&Change], is_brief: bool, newly_required: bool) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = range.iter().flat_map(|c| c.kinds.iter().copied()).collect();
        kinds.retain(|kind| !kind.is_closing());
        kinds.extend(self.variant.closing);
        if is_brief && self.variant.closing.is_none() && !kinds.contains(&Kind::Reopened) {
            kinds.push(Kind::Opened);
        }
        if !is_brief {
            kinds.retain(|kind| *kind != Kind::Opened);
        }
        if newly_required && self.variant.closing.is_none() {
            kinds.push(Kind::Action);
        }
        if kinds.len() > 1 {
            kinds.retain(|kind| *kind != Kind::Due);
        }
        kinds.sort_unstable_by(|a, b| b.cmp(a));
        kinds.dedup();
        kinds
    }

    fn case_facts(&self, range: &[&Change], is_brief: bool) -> CaseFacts {
        let case = &self.story.case;
        let facts = &case.facts;
        let keys = self.catalog.resolve(&facts.components).keys;
        let components = if keys.is_empty() {
            facts.components.clone()
        } else {
            keys.iter().map(|key| self.catalog.name_of(key)).collect()
        };
        let (updates, left_out) = self.untold_updates(is_brief);
        let impact_before = range.iter().find_map(|c| c.facts.impact_before).filter(|b| Some(*b) != facts.impact);
        let title_of =
            |sequence: i64| self.story.changes.iter().find(|c| c.sequence == sequence).map(|c| &c.facts.title);
        let frozen = self.thread.first_told.and_then(title_of).unwrap_or(&facts.title);
        let told_title = title_of(self.thread.told).unwrap_or(frozen);
        let shown = self.shown_updates();
        CaseFacts {
            id: case.id.clone(),
            reference: case.reference.clone(),
            source: case.source.clone(),
            incident: case.incident.clone(),
            title: frozen.clone(),
            // Once when it is news, and at the end, whose subject is read by itself.
            renamed: (facts.title != *frozen && (facts.title != *told_title || self.variant.closing.is_some()))
                .then(|| facts.title.clone()),
            phase: facts.phase,
            phase_moved: range.iter().any(|c| c.facts.phase_before.is_some()),
            phase_unknown: facts.phase_unknown.clone(),
            impact: facts.impact,
            impact_before: impact_before.filter(|_| !is_brief),
            components,
            component_ids: keys,
            added: range.iter().flat_map(|c| c.facts.added.clone()).collect(),
            removed: range.iter().flat_map(|c| c.facts.removed.clone()).collect(),
            started_at: facts.started_at.or_else(|| shown.iter().map(|u| u.at).min()),
            ended_at: facts.resolved_at.filter(|_| facts.phase.is_over()),
            scheduled_for: facts.scheduled_for,
            scheduled_until: facts.scheduled_until,
            moved_from: range.iter().find_map(|c| c.facts.moved_from),
            url: facts.url.clone(),
            voice: self.voice.clone(),
            first_words: shown.first().map(|u| words(u, None)),
            updates,
            last_words: shown.last().map(|u| words(u, None)),
            left_out,
            data_loss: facts.data_loss,
            report_by: facts.report_by.clone(),
            stand: facts.stand.clone(),
        }
    }

    /// Every update told so far to anybody, in the order shown to people.
    fn shown_updates(&self) -> Vec<&Update> {
        let mut shown: Vec<&Update> =
            self.story.updates.iter().filter(|u| u.sequence.is_some_and(|s| s <= self.until)).collect();
        shown.sort_by_key(|u| (u.at, u.number));
        shown
    }

    /// What this contact has not been sent, newest first, and how many more there are.
    fn untold_updates(&self, is_brief: bool) -> (Vec<Words>, u32) {
        let told = self.thread.told;
        let is_new = |u: &Update| is_brief || u.sequence.is_some_and(|s| s > told);
        let rewritten = |u: &Update| {
            // What this contact has read is the text that the first rewriting after `told` replaced.
            u.versions
                .iter()
                .rev()
                .find(|v| v.sequence.is_some_and(|s| s > told && s <= self.until))
                .map(|v| Replaced { body: v.body.clone(), at: u.at })
        };
        let mut untold: Vec<Words> = self
            .shown_updates()
            .into_iter()
            .filter_map(|u| if is_new(u) { Some(words(u, None)) } else { rewritten(u).map(|r| words(u, Some(r))) })
            .collect();
        untold.reverse();
        let left_out = u32::try_from(untold.len().saturating_sub(MOST_UPDATES)).unwrap_or(u32::MAX);
        untold.truncate(MOST_UPDATES);
        (untold, left_out)
    }

    fn guidance(&self) -> Guidance {
        let is_over = self.variant.closing.is_some() || self.story.case.state != CaseState::Open;
        let mut asked: Vec<&Action> = Vec::new();
        for action in self.asked.iter().flat_map(|v| &v.actions).filter(|a| a.need != Need::None) {
            if !asked.iter().any(|a| a.id == action.id) {
                asked.push(action);
            }
        }
        let was_asked = |action: &&Action| asked.iter().any(|a| a.id == action.id);
        let still_stands = |action: &&&Action| self.variant.actions.iter().any(|a| a.id == action.id);
        let told_last = self.told_variant.map_or(&[][..], |v| &v.actions[..]);
        let required: Vec<&Action> = self.variant.actions.iter().filter(|a| a.need == Need::Required).collect();
        Guidance {
            need: self.variant.need,
            known: self.variant.known,
            actions: self.variant.actions.clone(),
            called_off: if is_over {
                Vec::new()
            } else {
                told_last.iter().filter(|a| a.need != Need::None && !still_stands(&a)).cloned().collect()
            },
            // Told with the end, and not again with a report that comes after it.
            undo: if is_over && self.thread.owed {
                asked.iter().filter(|a| a.undo.is_some() && !still_stands(a)).map(|a| (*a).clone()).collect()
            } else {
                Vec::new()
            },
            newly_required: required.iter().any(|a| !was_asked(a)),
            still_required: !required.is_empty() && required.iter().all(was_asked),
        }
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
        by_hand: update.origin == super::incident::Origin::ByHand,
    }
}
