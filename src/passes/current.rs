//! What the files say now: settings, components, playbook, words. Replaced as a whole by a reload, so that no
//! pass ever sees half of a change.
//!
//! Deliberately absent: reading the files (`config`) and secrets.

use crate::config::settings::{Deliver, FeedKind, FeedSettings, Settings};
use crate::domain::component::{Catalog, Component};
use crate::domain::notice::Voice;
use crate::domain::observe::FeedRules;
use crate::domain::playbook::Entry;
use crate::render::words::Words;

pub type CurrentCell = arc_swap::ArcSwap<Current>;

#[derive(Debug)]
pub struct Current {
    pub settings: Settings,
    pub catalog: Catalog,
    pub playbook: Vec<Entry>,
    pub words: Words,
}

impl Current {
    pub fn new(settings: Settings, playbook: Vec<Entry>, words: Words) -> Current {
        let components = settings
            .components
            .iter()
            .map(|c| Component {
                id: c.id.clone(),
                name: c.name.clone(),
                matches: c.matches.clone(),
                words: c.words.clone(),
                part_of: c.part_of.clone(),
                depends_on: c.depends_on.clone(),
            })
            .collect();
        Current { settings, catalog: Catalog::new(components), playbook, words }
    }

    pub fn feed(&self, source: &str) -> Option<&FeedSettings> {
        self.settings.feeds.iter().find(|feed| feed.name == source)
    }

    /// The source whose incidents `name` stands for: a feed's own, or those that come by a hook. A hook that belongs
    /// to a feed speaks of that feed's.
    pub fn source_called(&self, name: &str) -> Option<String> {
        if self.feed(name).is_some() {
            return Some(name.to_owned());
        }
        let hook = self.settings.hooks.iter().find(|hook| hook.name == name)?;
        Some(hook.feed.clone().unwrap_or_else(|| name.to_owned()))
    }

    /// The rules for a source; one that is no feed of the configuration (a hook, a trigger) has the plain ones.
    pub fn rules_of(&self, source: &str) -> FeedRules {
        let unscoped = self.settings.guard.unscoped.into();
        match self.feed(source) {
            Some(feed) => FeedRules { components: feed.components.clone(), ignore: feed.ignore.clone(), unscoped },
            None => FeedRules { unscoped, ..FeedRules::default() },
        }
    }

    /// Ours unless it is a supplier's.
    pub fn is_our_own(&self, source: &str) -> bool {
        self.feed(source).is_none_or(|feed| feed.supplier.is_none())
    }

    /// Read over the network each interval, so that it can be asked once more before the keeper speaks.
    pub fn is_polled(&self, source: &str) -> bool {
        self.feed(source).is_some_and(|feed| match feed.kind {
            FeedKind::Statuspage { .. } => true,
            FeedKind::File { .. } => false,
        })
    }

    /// What the configuration asks for and this release does not do: said aloud at every start, because whoever
    /// wrote it relies on it.
    pub fn asked_in_vain(&self) -> Vec<&'static str> {
        let settings = &self.settings;
        let email = settings.email.as_ref();
        [
            (
                settings.deliver == Deliver::Rehearse,
                "deliver = \"rehearse\": nothing is sent but the operator's notices; copies of what clients would get are not there yet",
            ),
            (settings.guard.ask_above.is_some(), "guard.ask_above: nothing waits for a yes yet"),
            (email.is_some_and(|email| email.per_day.is_some()), "email.per_day: mails are not counted yet"),
        ]
        .into_iter()
        .filter_map(|(asked, word)| asked.then_some(word))
        .collect()
    }

    pub fn voice_of(&self, source: &str) -> Voice {
        match self.feed(source) {
            Some(FeedSettings { supplier: Some(supplier), .. }) => Voice::Supplier(supplier.clone()),
            Some(feed) => Voice::Ours(feed.voice.clone()),
            None => Voice::Ours(None),
        }
    }
}
