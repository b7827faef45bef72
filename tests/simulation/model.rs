//! What a client that depends on everything and never changes must have received at rest, from nothing but what the
//! sources showed: a page that shares no line with the program.

use std::collections::{BTreeMap, BTreeSet};

use candor::domain::absence::Ends;
use candor::domain::incident::{Announce, Observation, Phase};
use candor::domain::observe::Sight;

use jiff::{SignedDuration, Timestamp};

use super::heard::Word;

/// Component names that are ours.
const KNOWN: [&str; 3] = ["Payments API", "Search", "Mail"];

/// One incident as good reads have shown it.
#[derive(Debug, Default)]
struct Shown {
    /// Post by post, in the order in which they were first seen.
    posts: Vec<String>,
    silent: BTreeSet<String>,
    /// Told of from its first read on: after the first sight, announced, and of something of ours.
    is_told_at_once: bool,
    is_over: bool,
    ends: usize,
    missed_since: Option<Timestamp>,
    last: Option<Observation>,
    stamp: Option<Timestamp>,
    /// Found at the first sight of its source: nobody hears of it before something of it changes.
    is_found: bool,
    changed_at: Option<Timestamp>,
    /// It named nothing of ours when it was first read: who only may be concerned hears of it three times at most.
    is_vague: bool,
    /// A person had a hand in whom it concerns, or whether it goes on: the page does not say what follows.
    is_decided: bool,
}

#[derive(Debug, Default)]
pub struct Model(BTreeMap<String, Shown>);

impl Model {
    /// A good read that shows the incident.
    pub fn sees(&mut self, seen: &Observation, sight: Sight, now: Timestamp) {
        let is_new = !self.0.contains_key(&seen.incident);
        let shown = self.0.entry(seen.incident.clone()).or_default();
        let mut posts: Vec<_> = seen.updates.iter().collect();
        posts.sort_by_key(|post| post.at);
        for post in posts {
            let id = post.id.clone().unwrap_or_default();
            if !shown.posts.contains(&id) {
                shown.posts.push(id.clone());
                if post.announce == Announce::Silent {
                    shown.silent.insert(id);
                }
            }
        }
        let names_ours = seen.components.iter().flatten().any(|name| KNOWN.contains(&name.as_str()));
        let is_announced = seen.updates.iter().any(|post| post.announce == Announce::Yes);
        let is_over = seen.phase.is_some_and(Phase::is_over);
        if is_new {
            shown.is_vague = !names_ours;
            shown.is_told_at_once = sight != Sight::First && names_ours && is_announced && !is_over;
        }
        shown.ends += usize::from(is_over && !shown.is_over);
        shown.is_over = is_over;
        shown.missed_since = None;
        let now_shown = Observation { revised_at: None, ..seen.clone() };
        if shown.last.as_ref().is_some_and(|last| *last != now_shown) {
            shown.changed_at.get_or_insert(now);
        }
        shown.is_found |= is_new && sight == Sight::First;
        shown.last = Some(now_shown);
        shown.stamp = seen.revised_at;
    }

    /// Whether a copy is of the newest that has been read of its incident: then it is listed, whatever the source means.
    pub fn is_newest(&self, copy: &Observation) -> bool {
        let last = self.0.get(&copy.incident).and_then(|shown| shown.last.as_ref());
        last.is_none_or(|last| {
            copy.updates.len() >= last.updates.len() && self.stamp(&copy.incident) <= copy.revised_at
        })
    }

    fn stamp(&self, incident: &str) -> Option<Timestamp> {
        self.0.get(incident).and_then(|shown| shown.stamp)
    }

    /// A good read that does not show what an earlier one did.
    pub fn misses(&mut self, ends: Ends, shows: impl Fn(&str) -> bool, prefix: &str, now: Timestamp) {
        let limit = SignedDuration::from_mins(if ends == Ends::Vanishing { 2 } else { 10 });
        for (incident, shown) in self.0.iter_mut().filter(|(id, one)| id.starts_with(prefix) && one.last.is_some()) {
            if shows(incident) || shown.is_over {
                continue;
            }
            let since = *shown.missed_since.get_or_insert(now);
            if now.duration_since(since) >= limit {
                shown.ends += 1;
                shown.is_over = true;
                shown.changed_at.get_or_insert(now);
            }
        }
    }

    /// Beside the source somebody else has spoken or decided.
    pub fn is_decided(&mut self, incident: &str) {
        self.0.entry(incident.to_owned()).or_default().is_decided = true;
    }

    /// Holds what the client heard of an incident against what was shown.
    pub fn is_what(&self, incident: &str, words: &[Word]) {
        let Some(shown) = self.0.get(incident).filter(|shown| !shown.is_decided) else { return };
        assert!(!words.is_empty() || !shown.is_told_at_once, "{incident} was never told: {shown:?}");
        let Some(first) = words.first() else { return };
        let may_speak = !shown.is_found || shown.changed_at.is_some_and(|changed| first.at >= changed);
        assert!(may_speak, "{incident} was found at first sight, and told before it changed: {shown:?} {words:#?}");
        assert!(first.notice.is_brief, "{incident} did not begin with the whole story: {words:#?}");
        let mut heard: Vec<&str> = Vec::new();
        for word in words {
            for post in word.notice.case.updates.iter().rev().filter(|post| post.replaces.is_none()) {
                if !heard.contains(&post.id.as_str()) {
                    heard.push(&post.id);
                }
            }
        }
        let left: Vec<&String> =
            shown.posts.iter().filter(|id| !heard.contains(&id.as_str()) && !shown.silent.contains(*id)).collect();
        assert!(left.is_empty() || shown.is_vague, "{incident}: {left:?} were never told: {words:#?}");
        let loud: Vec<_> = shown.posts.iter().filter(|id| !shown.silent.contains(*id)).collect();
        let places: Vec<_> = heard.iter().filter_map(|id| loud.iter().position(|known| known == id)).collect();
        assert!(places.is_sorted(), "{incident}: told out of their order: {heard:?}, shown {loud:?}");
        let ends = words.iter().filter(|word| word.closes).count();
        assert!(ends <= shown.ends, "{incident} ended {} times and was told so {ends} times: {words:#?}", shown.ends);
        let last = words.iter().rfind(|word| !word.is_afterwards);
        assert!(last.is_some_and(|word| word.closes), "{incident} is over, which was not told last: {words:#?}");
    }
}
