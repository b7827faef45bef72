//! What clients need to do, as the playbook says it: entries with a condition and an action.
//!
//! Deliberately absent: how the file is written and checked (`config::playbook`).

use std::time::Duration;

use super::incident::{Impact, Need, Phase};
use super::notice::Resource;

/// One entry. An empty list in the condition matches everything.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Chosen by the user, else a hash of the action. Entries that are translations of each other may share it.
    pub id: String,
    /// Ids of components.
    pub components: Vec<String>,
    pub phases: Vec<Phase>,
    pub impacts: Vec<Impact>,
    pub tags: Vec<String>,
    /// BCP 47: the language of the texts, never a condition. `None`: the sender's.
    pub locale: Option<String>,
    pub need: Need,
    /// A template. `None` only with `Need::None`.
    pub action: Option<String>,
    /// Counted from the first notice that tells it.
    pub by: Option<Duration>,
    pub check: Option<String>,
    pub undo: Option<String>,
    pub takes: Option<String>,
    pub who: Option<String>,
    /// Written as `where`.
    pub place: Option<String>,
    pub otherwise: Option<String>,
    pub offer: Option<String>,
    pub forward: Option<String>,
    pub resources: Vec<Resource>,
    /// The line of the file that the entry begins at.
    pub line: usize,
}

/// What templates of the playbook may name besides `facts.NAME`: the fields of `client`.
pub const CLIENT_VARIABLES: [&str; 4] = ["id", "name", "timezone", "locale"];

impl Entry {
    /// Every text that is a template, with its key as written.
    pub fn templates(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("action", &self.action),
            ("check", &self.check),
            ("undo", &self.undo),
            ("takes", &self.takes),
            ("who", &self.who),
            ("where", &self.place),
            ("otherwise", &self.otherwise),
            ("offer", &self.offer),
            ("forward", &self.forward),
        ]
        .into_iter()
        .filter_map(|(key, text)| text.as_deref().map(|text| (key, text)))
    }
}
