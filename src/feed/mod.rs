//! The sources that we look at: one file a kind, its parser pure, the conditional GET shared.
//!
//! - [`look`] reads a source once and gives a [`reading::Reading`]: observations, what is listed, what failed.
//! - [`statuspage_poll`] reads a status page over [`fetch`]; [`statuspage`] understands its documents, and
//!   [`document_age`] says which are too old to be believed.
//! - [`file`] takes updates out of files; [`update_format`] is what they, `--trigger` and native hooks speak.
//!
//! Deliberately absent: cases, clients, the store, the clock and the interval. A feed turns documents into
//! observations and says what it could not read; what is new about them is decided elsewhere.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::settings::{FeedKind, FeedSettings};

pub mod cause;
pub mod document_age;
pub mod fetch;
pub mod file;
pub mod oddity;
pub mod reading;
pub mod statuspage;
pub mod statuspage_poll;
mod time;
pub mod update_format;

/// What is kept of a source between two looks, by its kind. Stored by the caller as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "memory", rename_all = "snake_case")]
pub enum Memory {
    Statuspage(Box<statuspage_poll::PageMemory>),
    File(file::Cursor),
}

/// Looks at a source once. `memory` is that of the last look whose result was committed; one of another kind
/// counts as none. `open` are the ids of this feed's incidents that we hold to be open.
///
/// # Errors
/// Only when the thread that reads files dies. Whatever the source does is part of the reading.
pub async fn look(
    client: &fetch::FeedClient,
    feed: &FeedSettings,
    memory: Option<Memory>,
    open: &BTreeSet<String>,
    now: Timestamp,
) -> anyhow::Result<reading::Reading> {
    match &feed.kind {
        FeedKind::Statuspage { url } => {
            let memory = match memory {
                Some(Memory::Statuspage(memory)) => *memory,
                Some(Memory::File(_)) | None => statuspage_poll::PageMemory::default(),
            };
            let question = statuspage_poll::Question { source: &feed.name, page: url, open, now };
            Ok(statuspage_poll::read(client, question, memory).await)
        }
        FeedKind::File { path } => {
            let cursor = match memory {
                Some(Memory::File(cursor)) => cursor,
                Some(Memory::Statuspage(_)) | None => file::Cursor::default(),
            };
            let (path, source) = (path.clone(), feed.name.clone());
            Ok(tokio::task::spawn_blocking(move || file::read(&path, &source, cursor, now)).await?)
        }
    }
}

/// Whether `written` is an absolute http or https address with a host: the only kind of link that is kept.
fn web_address(written: &str) -> bool {
    url::Url::parse(written).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
