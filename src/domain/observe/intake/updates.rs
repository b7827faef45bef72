//! The posts of an observation: new ones, rewritten ones, and what their authors say clients are to do.
//!
//! Deliberately absent: what is made of the whole (`observe.rs`).

use super::Work;
use crate::domain::case::{SaidAction, Update, Version};
use crate::domain::incident::{Announce, Need, NextWord, Observation, ObservedUpdate, Origin, Phase, not_ahead};
use crate::domain::notice::Kind;
use crate::domain::observe::{Context, Remark};
use crate::domain::pace::Corrections;
use crate::domain::said_promise::{said_estimate, said_promise};
use crate::domain::text;

impl Work {
    pub(in crate::domain::observe) fn take_updates(
        &mut self,
        seen: &Observation,
        context: &Context<'_>,
        remarks: &mut Vec<Remark>,
    ) {
        for observed in &seen.updates {
            let normalised = text::normalise(&observed.body);
            let says_nothing = normalised.is_empty() && observed.status.is_none() && observed.action.is_none();
            let id = update_id(observed, &normalised);
            let position =
                self.updates.iter().position(|known| known.speaker == seen.speaker && is_called(known, &id, seen));
            if let Some(position) = position {
                self.take_rewrite(position, observed, &normalised, context);
            } else if !says_nothing && !self.has_text(observed, &normalised) {
                let is_taken = self.updates.iter().any(|known| known.id == id);
                let id = if is_taken { own_id(&id, seen) } else { id };
                self.take_new_update(id, observed, seen, &normalised, context, remarks);
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
        seen: &Observation,
        normalised: &str,
        context: &Context<'_>,
        remarks: &mut Vec<Remark>,
    ) {
        let last_told = self.updates.iter().filter(|u| u.sequence.is_some()).max_by_key(|u| u.number);
        let origin = seen.origin;
        let repeats_the_last = origin != Origin::ByHand
            && last_told.is_some_and(|last| text::alike(&text::normalise(&last.body), normalised));
        let is_news = observed.announce == Announce::Yes && !repeats_the_last;
        if observed.announce == Announce::Silent {
            remarks.push(Remark::NotAnnounced);
        }
        let at = observed.at.map_or(context.now, |at| not_ahead(at, context.now));
        if observed.next_word.is_some_and(|word| matches!(word, NextWord::At(at) if at <= context.now)) {
            remarks.push(Remark::Odd("it promises a next word for a time that is past; the usual interval holds"));
        }
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
            estimate: said_estimate(normalised, at),
            at,
            seen_at: context.now,
            origin,
            speaker: seen.speaker.clone(),
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
        let is_rewritten = before != normalised && !normalised.is_empty();
        let says_otherwise = says_otherwise(known, observed);
        if !is_rewritten && !says_otherwise {
            return;
        }
        let only_typos = !says_otherwise && text::differ_by_typos_only(&before, normalised);
        let former = former_words(known, observed);
        if is_rewritten {
            known.estimate = said_estimate(normalised, known.at);
            known.body.clone_from(&observed.body);
        }
        known.status = observed.status.clone().or(known.status.take());
        let action_before = known.action.take().filter(|_| observed.need != Some(Need::None));
        known.action = observed.action.clone().or(action_before);
        known.takes = observed.takes.clone().or(known.takes.take());
        known.need = observed.need.or(known.need);
        known.by = observed.by.and_then(|by| by.after(known.at)).or(known.by);
        known.next_word = observed.next_word.or_else(|| said_promise(normalised, known.at)).or(known.next_word);
        if let Some(former) = former {
            known.versions.insert(0, Version { body: former, seen_at: context.now, sequence: None });
            known.versions.truncate(20);
        }
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

    /// What the authors said to everybody: data, report, order, and what clients are to do.
    pub(in crate::domain::observe) fn take_words_for_all(&mut self, seen: &Observation) {
        for observed in &seen.updates {
            let facts = &mut self.case.facts;
            facts.data_loss = observed.data_loss.or(facts.data_loss);
            facts.report_by = observed.report_by.clone().or(facts.report_by.take());
            facts.stand = observed.stand.clone().or(facts.stand.take());
        }
        for number in &self.touched {
            let Some(update) = self.updates.iter().find(|u| u.number == *number) else { continue };
            let said = said_to_do(update, self.case.facts.said_action.as_ref());
            if let Some((need, text)) = said {
                let known = self.case.facts.said_action.as_ref();
                let is_sooner =
                    |known: &SaidAction| update.by.is_some() && known.by.is_none_or(|by| update.by < Some(by));
                let is_known = known.is_some_and(|k| k.text == text && k.need == need && !is_sooner(k));
                if need == Need::Required && !is_known && !self.case.facts.phase.is_over() {
                    self.kinds.insert(Kind::Action);
                }
                self.case.facts.said_action =
                    Some(SaidAction { need, text, said_at: update.at, by: update.by, takes: update.takes.clone() });
            }
        }
    }
}

/// Two speakers may call their updates alike: the second one's is kept under its own name.
fn own_id(id: &str, seen: &Observation) -> String {
    format!("{}/{id}", seen.speaker.as_deref().unwrap_or(&seen.source))
}

fn is_called(known: &Update, id: &str, seen: &Observation) -> bool {
    known.id == *id || known.id == own_id(id, seen)
}

/// The source's id, else what the update is known by: its time, label and text.
fn update_id(observed: &ObservedUpdate, normalised: &str) -> String {
    observed.id.clone().unwrap_or_else(|| {
        let at = observed.at.map_or(String::new(), |at| at.as_second().to_string());
        let label = observed.phase.map_or("", Phase::as_str);
        text::text_hash(&format!("{at}\n{label}\n{normalised}\n{}", observed.status.as_deref().unwrap_or("")))
    })
}

/// The author says something else beside the words: where it stands, or what clients are to do.
fn says_otherwise(known: &Update, observed: &ObservedUpdate) -> bool {
    let differs = |new: &Option<String>, old: &Option<String>| new.is_some() && new != old;
    let needs_otherwise = observed.need.is_some() && observed.need != known.need;
    let by = observed.by.and_then(|by| by.after(known.at));
    let is_due_otherwise = by.is_some() && by != known.by;
    differs(&observed.status, &known.status)
        || differs(&observed.action, &known.action)
        || needs_otherwise
        || is_due_otherwise
}

/// What clients were sent of an update that is rewritten; `None` where its words stay.
fn former_words(known: &Update, observed: &ObservedUpdate) -> Option<String> {
    let written = text::normalise(&observed.body);
    let body_stays = written.is_empty() || written == text::normalise(&known.body);
    let status_stays = observed.status.is_none() || observed.status == known.status;
    match (&known.status, body_stays && status_stays) {
        (_, true) => None,
        (Some(status), false) => Some(format!("{}\n\n{status}", known.body)),
        (None, false) => Some(known.body.clone()),
    }
}

/// What the update says clients are to do. A need without an action is that of the action said before, else of the
/// update's own words.
fn said_to_do(update: &Update, before: Option<&SaidAction>) -> Option<(Need, String)> {
    let known = || before.map(|said| said.text.clone()).filter(|text| !text.is_empty());
    let own_words = || update.status.clone().filter(|_| update.body.trim().is_empty()).unwrap_or(update.body.clone());
    match (&update.action, update.need) {
        (Some(text), need) => Some((need.unwrap_or(Need::Required), text.clone())),
        (None, Some(Need::None)) => Some((Need::None, String::new())),
        (None, Some(need @ (Need::Maybe | Need::Required))) => Some((need, known().unwrap_or_else(own_words))),
        // Another deadline for what is to be done already.
        (None, None) if update.by.is_some() => before.filter(|b| !b.text.is_empty()).map(|b| (b.need, b.text.clone())),
        (None, None) => None,
    }
}
