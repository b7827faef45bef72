//! Who is told of a change, on which threads, and what planning found for them.
//!
//! The rules of `semantics.md` §3 and §4. Planning twice is harmless: the sequence stands in the change row and
//! `wanted` only rises. Deliberately absent: words, addresses and the store.

mod concern;
#[cfg(test)]
mod life;
mod past;
#[cfg(test)]
mod tests;
mod turn;

use jiff::{SignedDuration, Timestamp};

use super::case::{Change, Facts, Story, Update};
use super::client::{Client, Contact};
use super::component::Catalog;
use super::faults::{Fault, is_planted};
use super::guidance::{self, Question};
use super::incident::{Impact, Need};
use super::missed::{Missed, Stage};
use super::notice::{Affected, Kind};
use super::playbook::Entry;
use super::thread::{Standing, Thread, Variant};
use concern::{Concern, Reach};
use past::{Past, past};
use turn::{Audience, Turn, end_of, turn};

/// A fallback contact is used when none of the client's others has accepted within that time.
pub const FALLBACK_AFTER: SignedDuration = SignedDuration::from_mins(5);
/// News that is told at once brings forward only a wait that is longer than that.
const LONG_WAIT: SignedDuration = SignedDuration::from_mins(5);
/// Whoever is only possibly affected is told at most that often, the end included.
const POSSIBLY_MOST: i64 = 3;

/// One change, ready to be planned for client after client.
#[derive(Debug)]
pub struct Planning<'a> {
    story: &'a Story,
    change: &'a Change,
    playbook: &'a [Entry],
    sender_locale: &'a str,
    now: Timestamp,
    reach: Reach<'a>,
    turn: Turn,
}

/// A contact as planning sees it.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub contact_key: i64,
    pub contact: &'a Contact,
    pub thread: Option<&'a Thread>,
    /// The variant that the thread names.
    pub variant: Option<&'a Variant>,
}

/// The thread of a contact that the client has no more: removed, its address changed, or switched off.
#[derive(Debug, Clone, Copy)]
pub struct Former<'a> {
    pub thread: &'a Thread,
    /// The variant that the thread names.
    pub variant: Option<&'a Variant>,
}

/// `wanted` of one thread rises to the change's sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Raise {
    pub contact_key: i64,
    pub variant: Variant,
    pub standing: Standing,
    pub begins_episode: bool,
    pub due_at: Timestamp,
    pub waiting: Waiting,
}

/// What the change does to a thread that waits already, or that was refused for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Quiet news: the one waits on, the other stays refused.
    Keeps,
    /// What was refused for good is tried again; a wait stays as it is.
    TriedAgain,
    /// The same, and a wait is due at the earlier of the two times.
    BroughtForward,
}

/// What the change means for one client.
#[derive(Debug, Clone, Copy)]
struct Verdict {
    affected: Affected,
    standing: Standing,
    closing: Option<Kind>,
}

impl<'a> Planning<'a> {
    pub fn new(
        story: &'a Story,
        change: &'a Change,
        catalog: &'a Catalog,
        playbook: &'a [Entry],
        sender_locale: &'a str,
        now: Timestamp,
    ) -> Planning<'a> {
        let reach = Reach::of(&story.case.facts, catalog);
        Planning { story, change, playbook, sender_locale, now, reach, turn: turn(story, change) }
    }

    /// The change this plans.
    pub fn change(&self) -> &Change {
        self.change
    }

    /// The priorities that may be concerned; `None`: everybody's. Whoever has a thread is looked at besides.
    pub fn selector(&self) -> Option<Vec<String>> {
        self.reach.priorities()
    }

    /// What this client's contacts are to be told by this change.
    pub fn client(&self, client: &Client, known: &[Known<'_>]) -> Vec<Raise> {
        self.client_with_former(client, known, &[])
    }

    /// The same for a client some of whose threads belong to contacts that it has no more: what they were told
    /// counts for the client as long as none of the present contacts has a thread of its own.
    pub fn client_with_former(&self, client: &Client, known: &[Known<'_>], former: &[Former<'_>]) -> Vec<Raise> {
        let concern = self.reach.concern(client);
        let past = past(known, former);
        let Some(verdict) = self.verdict(client, concern.as_ref(), &past) else { return Vec::new() };
        let missed = self.missed(known, former);
        if missed.is_left_out_of(self.story, self.change.episode) && !missed.leaves(self.story, self.change) {
            return Vec::new();
        }
        let mut variants: Vec<Variant> = Vec::new();
        let mut raises = Vec::new();
        for contact in known.iter().filter(|contact| self.hears(contact, verdict.affected)) {
            let closing = verdict.closing.or_else(|| self.end_still_unsent(contact));
            // A contact's first word is the whole story.
            let is_first = self.turn != Turn::Afterwards && !contact.thread.is_some_and(Thread::was_told);
            let missed = if is_first { Missed::default() } else { missed.clone() };
            let variant = match variants.iter().find(|known| known.closing == closing && known.missed == missed) {
                Some(variant) => variant.clone(),
                None => {
                    let verdict = Verdict { closing, ..verdict };
                    let variant = self.variant(client, concern.as_ref(), verdict, &past, missed);
                    variants.push(variant.clone());
                    variant
                }
            };
            if !self.is_only_for_others(&variant, &past) {
                raises.push(self.raise(contact, variant, verdict.standing));
            }
        }
        raises
    }

    /// What concerned only others since any contact of the client last heard of the case.
    fn missed(&self, known: &[Known<'_>], former: &[Former<'_>]) -> Missed {
        let stage = if self.turn == Turn::Afterwards { Stage::AfterTheEnd } else { Stage::Open };
        let Some((thread, variant)) = past::newest(known, former) else { return Missed::default() };
        let before = variant.map(|variant| variant.missed.clone()).unwrap_or_default();
        before.by(self.story, thread.wanted, self.change, stage)
    }

    /// The case as far as it is the client's: what authors asked of others is not asked of them.
    fn facts_for(&self, missed: &Missed) -> Facts {
        let mut facts = self.story.case.facts.clone();
        if missed.is_left_out_of(self.story, self.change.episode) {
            let is_asked_now = |u: &Update| u.sequence == Some(self.change.sequence) && u.says_what_to_do();
            facts.said_action = facts.said_action.filter(|_| self.story.updates.iter().any(is_asked_now));
            let own = missed.last_own(self.story, self.change.sequence);
            facts.impact = own.map_or(facts.impact, |own| own.facts.impact);
        }
        facts
    }

    /// Nothing is new but that something is required, and not of this client.
    fn is_only_for_others(&self, variant: &Variant, past: &Past<'_>) -> bool {
        let is_asked_before = |id: &String| past.actions.iter().any(|a| a.need == Need::Required && a.id == *id);
        let is_asked = variant.actions.iter().any(|a| a.need == Need::Required && !is_asked_before(&a.id));
        self.change.kinds == [Kind::Action] && past.was_told && !is_asked
    }

    fn verdict(&self, client: &Client, concern: Option<&Concern>, past: &Past<'_>) -> Option<Verdict> {
        let affected = affected(concern, past);
        let stays = Verdict { affected, standing: Standing::In, closing: None };
        let leaves = |kind: Kind| Verdict { affected, standing: Standing::Out, closing: Some(kind) };
        match (self.turn, concern) {
            (Turn::News, Some(_)) if past.is_in && self.story.changes_only_who_is_told(self.change) => None,
            // `min_impact` decides who enters: whoever was told has entered.
            (Turn::News | Turn::NewsAndUnaffected, Some(_)) => {
                (past.is_in || past.was_told || self.enters(client)).then_some(stays)
            }
            (Turn::Unaffected | Turn::NewsAndUnaffected, None) => past.is_in.then_some(leaves(Kind::Unaffected)),
            // What the source has just removed may come back; what the client files no longer say does not end a case.
            (Turn::News, None) => (past.is_in && !self.removal_is_pending()).then_some(stays),
            (Turn::Due, _) => (past.is_in && affected == Affected::Confirmed).then_some(stays),
            (Turn::Unaffected, Some(_)) => None,
            (Turn::Over(kind, audience), _) => {
                let hears_all = match audience {
                    Audience::WholeStory => concern.is_some() && self.enters(client),
                    Audience::Told => past.is_in_rehearsal && self.may_be_a_first_word(kind) && concern.is_some(),
                };
                let is_owed = past.is_in && (!is_planted(Fault::EndIsKeptBack) || self.enters(client));
                (is_owed || hears_all).then_some(leaves(kind))
            }
            (Turn::Afterwards, _) => {
                let again = is_planted(Fault::EndIsToldTwice).then_some(Kind::Resolved);
                Some(Verdict { affected, standing: Standing::Out, closing: again })
            }
        }
    }

    /// Withdrawn or closed by one of us is no word for whoever has not heard that it began.
    fn may_be_a_first_word(&self, end: Kind) -> bool {
        end != Kind::Withdrawn && !self.is_closed_by_hand()
    }

    /// A component was removed less than ten minutes ago.
    fn removal_is_pending(&self) -> bool {
        self.story.case.timers.unaffected_at.is_some()
    }

    /// `min_impact` and `maintenance` decide only who enters; an impact that is not stated reaches everybody.
    fn enters(&self, client: &Client) -> bool {
        let facts = &self.story.case.facts;
        if facts.phase.is_maintenance() {
            return client.maintenance;
        }
        match facts.impact {
            None => true,
            Some(Impact::Maintenance) => client.maintenance,
            Some(impact) => impact >= client.min_impact,
        }
    }

    fn hears(&self, known: &Known<'_>, affected: Affected) -> bool {
        let Some(thread) = known.thread else {
            return match self.turn {
                Turn::News | Turn::NewsAndUnaffected | Turn::Over(_, _) => true,
                Turn::Due | Turn::Unaffected | Turn::Afterwards => false,
            };
        };
        let is_rehearsed = thread.is_rehearsed();
        let is_in = thread.standing == Standing::In && !is_rehearsed;
        let left_before = known.variant.is_some_and(|variant| variant.closing == Some(Kind::Unaffected));
        match self.turn {
            Turn::Due => is_in && thread.was_told() && !thread.has_unsent(),
            Turn::Unaffected => is_in,
            Turn::Over(kind, Audience::Told) if is_rehearsed => {
                thread.standing == Standing::In && self.may_be_a_first_word(kind)
            }
            Turn::Over(_, Audience::Told) => is_in,
            Turn::Over(_, Audience::WholeStory) => is_in || !thread.was_told(),
            Turn::Afterwards => {
                let has_had_its_three = affected == Affected::Possibly && thread.notices >= POSSIBLY_MOST;
                (thread.was_told() || thread.has_unsent()) && !left_before && !has_had_its_three
            }
            Turn::News | Turn::NewsAndUnaffected => {
                // Opened and what became of it; the third is the end.
                let is_full = is_in && thread.notices + 1 >= POSSIBLY_MOST;
                affected == Affected::Confirmed || !is_full
            }
        }
    }

    /// News after the end never takes the place of the end itself.
    fn end_still_unsent(&self, known: &Known<'_>) -> Option<Kind> {
        let thread = known.thread.filter(|_| self.turn == Turn::Afterwards)?;
        match thread.standing {
            Standing::In => Some(self.end_told_to_others()),
            Standing::Out if thread.has_unsent() => known.variant.and_then(|variant| variant.closing),
            Standing::Out => None,
        }
    }

    fn end_told_to_others(&self) -> Kind {
        let end = self.story.end_up_to(self.change.sequence).map(Change::reason);
        end.unwrap_or_else(|| end_of(self.story.case.facts.phase))
    }

    /// Closed by one of us: it is not said that it is over, so nothing that was written for the end holds.
    fn is_closed_by_hand(&self) -> bool {
        let end = self.story.end_up_to(self.change.sequence);
        [Some(self.change), end].into_iter().flatten().any(|end| end.facts.closed_by_hand_at.is_some())
    }

    fn variant(
        &self,
        client: &Client,
        concern: Option<&Concern>,
        verdict: Verdict,
        past: &Past<'_>,
        missed: Missed,
    ) -> Variant {
        // Whom it no longer concerns is told about what concerned them.
        let (concerned, keys) = match (concern, past.variant) {
            (Some(concern), _) => (concern.concerned.clone(), &concern.keys[..]),
            (None, Some(before)) => (before.concerned.clone(), &[][..]),
            (None, None) => (Vec::new(), &[][..]),
        };
        let found = match verdict.closing {
            Some(Kind::Unaffected) => guidance::Found { need: Need::None, known: true, actions: vec![] },
            Some(Kind::Withdrawn) => nothing_said(),
            Some(_) if self.is_closed_by_hand() => nothing_said(),
            Some(_) | None => guidance::find(&Question {
                facts: &self.facts_for(&missed),
                playbook: self.playbook,
                client,
                concerned: keys,
                sender_locale: self.sender_locale,
                before: &past.actions,
                now: self.now,
            }),
        };
        Variant {
            affected: verdict.affected,
            untouched: self.reach.untouched(client, &concerned),
            concerned,
            need: found.need,
            known: found.known,
            actions: found.actions,
            closing: verdict.closing,
            missed,
        }
    }

    fn raise(&self, known: &Known<'_>, variant: Variant, standing: Standing) -> Raise {
        let waits_long = known
            .thread
            .and_then(|thread| thread.due_at)
            .is_some_and(|due_at| due_at.duration_since(self.now) > LONG_WAIT);
        let waiting = if self.change.is_at_once() && waits_long && !known.contact.fallback {
            Waiting::BroughtForward
        } else if self.change.is_at_once() || is_first_word_of_the_end(known.thread, &variant) {
            Waiting::TriedAgain
        } else {
            Waiting::Keeps
        };
        Raise {
            contact_key: known.contact_key,
            standing,
            begins_episode: begins_episode(known.thread, standing),
            due_at: self.due_at(&variant, known),
            waiting,
            variant,
        }
    }

    /// Within one change *required* goes before *confirmed* before *possibly*, then by the client's own priority,
    /// then the longest untold: by milliseconds before now.
    fn due_at(&self, variant: &Variant, known: &Known<'_>) -> Timestamp {
        if known.contact.fallback {
            return self.now + FALLBACK_AFTER;
        }
        let untold = (self.change.sequence - known.thread.map_or(0, |thread| thread.told)).clamp(0, 9);
        self.now - SignedDuration::from_millis(3_000 - variant.place_in_line() - (9 - untold))
    }
}

/// Once confirmed, a client stays so until it leaves: what it was promised holds.
fn affected(concern: Option<&Concern>, past: &Past<'_>) -> Affected {
    let before = past.variant.map(|variant| variant.affected);
    match (concern.map(|concern| concern.affected), before) {
        (Some(affected), Some(before)) if past.is_in => affected.max(before),
        (Some(affected), _) => affected,
        (None, before) => before.unwrap_or(Affected::Confirmed),
    }
}

/// Nobody has said that there is nothing to do.
fn nothing_said() -> guidance::Found {
    guidance::Found { need: Need::None, known: false, actions: vec![] }
}

/// The end of the contact's episode has not been planned before, whatever the change is.
fn is_first_word_of_the_end(thread: Option<&Thread>, variant: &Variant) -> bool {
    variant.closing.is_some() && thread.is_some_and(|thread| thread.standing == Standing::In)
}

/// A contact's episode ends with the word that it is over: one that was reopened before that goes on.
fn begins_episode(thread: Option<&Thread>, standing: Standing) -> bool {
    standing == Standing::In
        && thread.is_some_and(|thread| thread.standing == Standing::Out && thread.was_told() && !thread.owed)
}
