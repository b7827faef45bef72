//! What clients need to do, as the user wrote it down before anything failed: the entries alone.
//!
//! Deliberately absent: which entry matches (`guidance.rs`) and how the file is read (`config`).

use std::time::Duration;

use super::incident::{Impact, Need, Phase};
use super::notice::Resource;

/// One `[[guidance]]` of the playbook. An empty list is a condition left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: Option<String>,
    /// Component ids.
    pub components: Vec<String>,
    pub phases: Vec<Phase>,
    pub impacts: Vec<Impact>,
    pub tags: Vec<String>,
    /// The language of the text, not a condition.
    pub locale: Option<String>,
    pub need: Need,
    /// MiniJinja over the client's `facts`; `None` only with [`Need::None`].
    pub action: Option<String>,
    /// After the first notice that says so.
    pub by: Option<Duration>,
    pub check: Option<String>,
    pub undo: Option<String>,
    pub takes: Option<String>,
    pub who: Option<String>,
    /// `where` in the file.
    pub place: Option<String>,
    pub otherwise: Option<String>,
    pub offer: Option<String>,
    pub forward: Option<String>,
    pub resources: Vec<Resource>,
    /// Where it stands in the file, for messages.
    pub line: u32,
}
