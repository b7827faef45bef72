//! Who is told of a change, on which threads, and what planning found for them.
//!
//! The rules of `semantics.md` §3 and §4. Planning twice is harmless: the sequence stands in the change row and
//! `wanted` only rises. Deliberately absent: words, addresses and the store.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::case::{CaseState, Change, Facts, Scope, Story};
use super::client::{Client, Contact};
use super::component::Catalog;
use super::guidance::{self, Question};
use super::incident::{Impact, Need};
use super::notice::{Affected, Kind};
use super::playbook::Entry;
use super::thread::{Standing, Thread, Variant};

/// A fallback contact is used when none of the client's others has accepted within that time.
pub const FALLBACK_AFTER: SignedDuration = SignedDuration::from_mins(5);
/// Whoever is only possibly affected is told at most that often, the end included.
const POSSIBLY_MOST: i64 = 3;

/// One change, ready to be planned for client after client.
#[derive(Debug)]
pub struct Planning<'a> {
    facts: &'a Facts,
    change: &'a Change,
    catalog: &'a Catalog,
    playbook: &'a [Entry],
    sender_locale: &'a str,
    now: Timestamp,
    keys: Vec<String>,
    reach: BTreeMap<String, Affected>,
    turn: Turn,
}

/// What the change is to those who hear of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Open, with news: whoever it concerns, and whoever enters.
    News,
    /// Nothing new by the promised time.
    Due,
    /// It no longer concerns some.
    Unaffected,
    /// Over. `WholeStory`: nobody has been told of it, so everybody it concerns hears it at once.
    Over(Kind, Audience),
    /// After the end: those who were told.
    Afterwards,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    Told,
    WholeStory,
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

/// `wanted` of one thread rises to the change's sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Raise {
    pub contact_key: i64,
    pub variant: Variant,
    pub standing: Standing,
    pub begins_episode: bool,
    pub due_at: Timestamp,
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
        let facts = &story.case.facts;
        let keys = match facts.scope {
            Scope::Named | Scope::NamedByPerson => catalog.resolve(&facts.components).keys,
            Scope::Unscoped | Scope::Everyone | Scope::Nobody => Vec::new(),
        };
        let reach = catalog.reach(&keys);
        Planning { facts, change, catalog, playbook, sender_locale, now, keys, reach, turn: turn(story, change) }
    }

    /// The priorities that may be concerned; `None`: everybody's. Whoever has a thread is looked at besides.
    pub fn selector(&self) -> Option<Vec<String>> {
        match self.facts.scope {
            Scope::Everyone => None,
            Scope::Named | Scope::NamedByPerson => Some(self.reach.keys().cloned().collect()),
            Scope::Unscoped | Scope::Nobody => Some(Vec::new()),
        }
    }

    /// What this client's contacts are to be told by this change.
    pub fn client(&self, client: &Client, known: &[Known<'_>]) -> Vec<Raise> {
        let concern = self.concern(client);
        let is_in = known.iter().any(|k| k.thread.is_some_and(|t| t.standing == Standing::In));
        let Some((affected, standing, closing)) = self.verdict(client, concern.as_ref(), is_in) else {
            return Vec::new();
        };
        let before = known.iter().find_map(|k| k.variant);
        let variant = self.variant(client, concern, affected, closing, before);
        known
            .iter()
            .filter(|k| self.hears(k, &variant))
            .map(|k| Raise {
                contact_key: k.contact_key,
                variant: variant.clone(),
                standing,
                begins_episode: begins_episode(k.thread, standing),
                due_at: self.due_at(&variant, k.contact),
            })
            .collect()
    }

    fn verdict(
        &self,
        client: &Client,
        concern: Option<&Concern>,
        is_in: bool,
    ) -> Option<(Affected, Standing, Option<Kind>)> {
        let affected = concern.map(|c| c.affected);
        let told_affected = affected.unwrap_or(Affected::Confirmed);
        match self.turn {
            Turn::News => {
                let affected = affected?;
                (is_in || self.enters(client)).then_some((affected, Standing::In, None))
            }
            Turn::Due => {
                (is_in && affected == Some(Affected::Confirmed)).then_some((told_affected, Standing::In, None))
            }
            Turn::Unaffected => {
                (is_in && affected.is_none()).then_some((told_affected, Standing::Out, Some(Kind::Unaffected)))
            }
            Turn::Over(kind, audience) => {
                let hears_all = audience == Audience::WholeStory && affected.is_some() && self.enters(client);
                (is_in || hears_all).then_some((told_affected, Standing::Out, Some(kind)))
            }
            Turn::Afterwards => Some((told_affected, Standing::Out, None)),
        }
    }

    /// `min_impact` and `maintenance` decide only who enters; an impact that is not stated reaches everybody.
    fn enters(&self, client: &Client) -> bool {
        if self.facts.phase.is_maintenance() {
            return client.maintenance;
        }
        match self.facts.impact {
            None => true,
            Some(Impact::Maintenance) => client.maintenance,
            Some(impact) => impact >= client.min_impact,
        }
    }

    fn concern(&self, client: &Client) -> Option<Concern> {
        if client.priorities.is_empty() {
            return None;
        }
        match self.facts.scope {
            Scope::Unscoped | Scope::Nobody => None,
            Scope::Everyone => Some(Concern { affected: Affected::Possibly, concerned: vec![], keys: vec![] }),
            Scope::Named | Scope::NamedByPerson => self.concern_by_priority(client),
        }
    }

    fn concern_by_priority(&self, client: &Client) -> Option<Concern> {
        if client.priorities.iter().any(|p| p == "*") {
            let concerned = self.keys.iter().map(|key| (0, self.catalog.name_of(key))).collect();
            return Some(Concern { affected: Affected::Confirmed, concerned, keys: self.keys.clone() });
        }
        let hit: Vec<(u32, &String, Affected)> = (1..)
            .zip(&client.priorities)
            .filter_map(|(rank, key)| self.reach.get(key).map(|affected| (rank, key, *affected)))
            .collect();
        let affected = hit.iter().map(|(_, _, affected)| *affected).max()?;
        let surest: Vec<_> = hit.into_iter().filter(|(_, _, a)| *a == affected).collect();
        Some(Concern {
            affected,
            concerned: surest.iter().map(|(rank, key, _)| (*rank, self.catalog.name_of(key))).collect(),
            keys: surest.iter().map(|(_, key, _)| (*key).clone()).collect(),
        })
    }

    fn variant(
        &self,
        client: &Client,
        concern: Option<Concern>,
        affected: Affected,
        closing: Option<Kind>,
        before: Option<&Variant>,
    ) -> Variant {
        // Whom it no longer concerns is told about what concerned them.
        let (concerned, keys) = match (&concern, before) {
            (Some(concern), _) => (concern.concerned.clone(), concern.keys.clone()),
            (None, Some(before)) => (before.concerned.clone(), Vec::new()),
            (None, None) => (Vec::new(), Vec::new()),
        };
        let untouched = (1..)
            .zip(&client.priorities)
            .filter(|(rank, key)| {
                *key != "*" && !self.reach.contains_key(*key) && !concerned.iter().any(|(r, _)| r == rank)
            })
            .map(|(rank, key)| (rank, self.catalog.name_of(key)))
            .collect();
        let found = match closing {
            Some(Kind::Unaffected | Kind::Withdrawn) => {
                guidance::Found { need: Need::None, known: true, actions: vec![] }
            }
            Some(_) | None => guidance::find(&Question {
                facts: self.facts,
                playbook: self.playbook,
                client,
                concerned: &keys,
                sender_locale: self.sender_locale,
                before: before.map_or(&[], |variant| &variant.actions),
                now: self.now,
            }),
        };
        Variant {
            affected,
            concerned,
            untouched,
            need: found.need,
            known: found.known,
            actions: found.actions,
            closing,
        }
    }

    fn hears(&self, known: &Known<'_>, variant: &Variant) -> bool {
        let Some(thread) = known.thread else {
            return !matches!(self.turn, Turn::Due | Turn::Unaffected | Turn::Afterwards);
        };
        let has_unsent = thread.has_unsent();
        let is_in = thread.standing == Standing::In;
        match self.turn {
            Turn::Due => is_in && thread.was_told() && !has_unsent,
            Turn::Unaffected => is_in,
            Turn::Over(_, Audience::Told) => is_in,
            Turn::Over(_, Audience::WholeStory) => is_in || !thread.was_told(),
            Turn::Afterwards => thread.was_told() || has_unsent,
            Turn::News => {
                // Opened and what became of it; the third is the end.
                let is_full = is_in && thread.notices + 1 >= POSSIBLY_MOST && !has_unsent;
                variant.affected == Affected::Confirmed || !is_full
            }
        }
    }

    /// Within one change *required* goes before *confirmed* before *possibly*, then by the client's own priority.
    fn due_at(&self, variant: &Variant, contact: &Contact) -> Timestamp {
        let class = match (variant.need, variant.affected) {
            (Need::Required, _) => 0,
            (Need::None | Need::Maybe, Affected::Confirmed) => 100,
            (Need::None | Need::Maybe, Affected::Possibly) => 200,
        };
        let rank = variant.concerned.first().map_or(99, |(rank, _)| i64::from(*rank).min(99));
        let ordered = self.now - SignedDuration::from_millis(300 - class - rank);
        if contact.fallback { ordered + FALLBACK_AFTER } else { ordered }
    }

    /// The change this plans.
    pub fn change(&self) -> &Change {
        self.change
    }
}

/// How a case concerns one client.
#[derive(Debug, Clone)]
struct Concern {
    affected: Affected,
    concerned: Vec<(u32, String)>,
    keys: Vec<String>,
}

fn turn(story: &Story, change: &Change) -> Turn {
    let has = |kind: Kind| change.kinds.contains(&kind);
    let closing = change.kinds.iter().copied().filter(|kind| kind.is_closing()).max();
    match closing {
        Some(Kind::Unaffected) => Turn::Unaffected,
        Some(kind) => {
            let untold = has(Kind::Opened) || (story.case.facts.silent_since_first_sight && kind != Kind::Withdrawn);
            Turn::Over(kind, if untold { Audience::WholeStory } else { Audience::Told })
        }
        None if story.case.state != CaseState::Open => Turn::Afterwards,
        None if change.kinds == [Kind::Due] => Turn::Due,
        None => Turn::News,
    }
}

fn begins_episode(thread: Option<&Thread>, standing: Standing) -> bool {
    standing == Standing::In && thread.is_some_and(|t| t.standing == Standing::Out && t.was_told())
}
