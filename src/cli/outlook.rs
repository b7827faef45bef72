//! What an update would come to: the same planning as the daemon's, on rows that are read and never written.
//!
//! For `--dry-run` and `preview`. Without a state the client files are loaded into a passing one. Deliberately
//! absent: showing it.

use std::collections::HashMap;

use jiff::Timestamp;

use super::show;
use crate::domain::case::{Change, Story};
use crate::domain::client::{Client, Contact};
use crate::domain::incident::Observation;
use crate::domain::observe::{self, Context, Observed, Sight};
use crate::domain::plan::{Planning, Raise};
use crate::domain::thread::{Thread, ThreadState, Variant};
use crate::passes::book::{self, Caution, Loaded};
use crate::passes::current::Current;
use crate::passes::{dispatch, ids};
use crate::store::Store;
use crate::store::rows::{BookCounts, Planned, Presence, Selector};

/// Clients looked at in one read.
const CHUNK: i64 = 1_000;

/// What an update would make of its case.
pub enum Outlook {
    /// Nobody would be told; why.
    Nobody(&'static str),
    /// It opens a new case and lacks this.
    Incomplete(&'static str),
    Told(Box<Prospect>),
}

/// A case as it would be, with the change that would be told.
pub struct Prospect {
    pub story: Story,
    pub change: Change,
    /// The next word that would be promised.
    pub next_word: Option<Timestamp>,
    pub now: Timestamp,
    scratch: Scratch,
}

/// One contact that would be told.
pub struct Reached {
    pub client: Client,
    pub contact: Contact,
    /// As it would stand before the message is sent.
    pub thread: Thread,
    pub variant: Variant,
    pub told_variant: Option<Variant>,
    pub asked: Vec<Variant>,
}

/// Looks at what the update would change.
///
/// # Errors
/// The state or the client files cannot be read.
pub async fn of(current: &Current, seen: &Observation, now: Timestamp) -> anyhow::Result<Outlook> {
    let scratch = Scratch::open(current, now).await?;
    let story = scratch.store.story_of(seen.source.clone(), seen.incident.clone()).await?;
    let context = Context {
        now,
        pace: &current.settings.pace,
        catalog: &current.catalog,
        playbook: &current.playbook,
        feed: &current.rules_of(&seen.source),
        sight: Sight::Watching { last_good_at: None },
        new_id: "not-stored-yet",
        new_reference: "XXXX",
    };
    let step = match observe::observe(story.as_ref(), seen, &context) {
        Observed::Nothing | Observed::Stale => return Ok(Outlook::Nobody("the case knows this already")),
        Observed::Incomplete { missing } => return Ok(Outlook::Incomplete(missing)),
        Observed::Changed(step) => *step,
    };
    let Some(change) = step.change else { return Ok(Outlook::Nobody("it would be taken in without news")) };
    let story = Story::after(story, step.case, &step.updates, Some(&change));
    let promise = dispatch::planned_case(current, &story, &change, now).timers.promise;
    Ok(Outlook::Told(Box::new(Prospect { next_word: promise.map(|made| made.due_at), story, change, now, scratch })))
}

/// How many clients the book holds that the prospect was made with.
///
/// # Errors
/// The state cannot be read.
pub async fn counts(prospect: &Prospect) -> anyhow::Result<BookCounts> {
    Ok(prospect.scratch.store.book_counts().await?)
}

impl Prospect {
    /// Gives every contact that would be told to `each`, by client.
    ///
    /// # Errors
    /// The state cannot be read, or what `each` says.
    pub async fn for_each(
        &self,
        current: &Current,
        each: &mut dyn FnMut(Reached) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let sender_locale = &current.settings.sender.locale;
        let planning =
            Planning::new(&self.story, &self.change, &current.catalog, &current.playbook, sender_locale, self.now);
        let selector = planning.selector().map_or(Selector::Everyone, Selector::Components);
        let mut after = None;
        loop {
            let key = self.story.case.key;
            let chunk = self.scratch.store.planning_chunk(key, after, selector.clone(), CHUNK).await?;
            let variants: HashMap<i64, Variant> = chunk.variants.into_iter().collect();
            for planned in &chunk.planned {
                for raise in dispatch::raises_of(&planning, planned, &variants) {
                    if let Some(reached) = self.reached(planned, raise, &variants) {
                        each(reached)?;
                    }
                }
            }
            after = chunk.next_after;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    fn reached(&self, planned: &Planned, raise: Raise, variants: &HashMap<i64, Variant>) -> Option<Reached> {
        let (_, contact) = planned.contacts.iter().find(|(key, _)| *key == raise.contact_key)?;
        let known = planned
            .threads
            .iter()
            .find(|(thread, presence)| thread.contact_key == raise.contact_key && *presence == Presence::InBook)
            .map(|(thread, _)| thread.clone());
        let is_known = known.is_some();
        let mut thread = known.unwrap_or_else(|| self.blank_thread(planned, contact, &raise));
        thread.wanted = self.change.sequence;
        thread.standing = raise.standing;
        if raise.begins_episode && is_known {
            thread.episode += 1;
            thread.asked.clear();
        }
        Some(Reached {
            client: planned.client.clone(),
            contact: contact.clone(),
            told_variant: thread.told_variant.and_then(|key| variants.get(&key).cloned()),
            asked: thread.asked.iter().filter_map(|key| variants.get(key).cloned()).collect(),
            thread,
            variant: raise.variant,
        })
    }

    fn blank_thread(&self, planned: &Planned, contact: &Contact, raise: &Raise) -> Thread {
        Thread {
            case_key: self.story.case.key,
            contact_key: raise.contact_key,
            client_id: planned.client.id.clone(),
            channel: contact.channel,
            episode: 1,
            told: 0,
            wanted: self.change.sequence,
            standing: raise.standing,
            owed: false,
            state: ThreadState::Active,
            first_told: None,
            notices: 0,
            since: Some(self.now),
            due_at: Some(raise.due_at),
            attempts: 0,
            variant: 0,
            told_variant: None,
            asked: Vec::new(),
            last_key: None,
            uncertain: false,
            cause: None,
        }
    }
}

/// The state as it is, or a passing one of the files alone, when there is none yet.
struct Scratch {
    store: Store,
    _folder: Option<TemporaryFolder>,
}

impl Scratch {
    async fn open(current: &Current, now: Timestamp) -> anyhow::Result<Scratch> {
        if let Ok(store) = Store::open_existing(&current.settings.state)
            && store.book_fingerprint().await?.is_some()
        {
            return Ok(Scratch { store, _folder: None });
        }
        let folder = TemporaryFolder::make()?;
        let store = Store::open(&folder.0.join("outlook.db"), &ids::state_id(), now)?;
        if let Loaded::Faulty(found) = book::load(&store, current, Caution::None, now).await? {
            return Err(show::FilesAtFault(found).into());
        }
        Ok(Scratch { store, _folder: Some(folder) })
    }
}

/// A folder that goes with this value.
pub struct TemporaryFolder(pub std::path::PathBuf);

impl TemporaryFolder {
    /// # Errors
    /// The folder for temporary files cannot be written.
    pub fn make() -> std::io::Result<TemporaryFolder> {
        let path = std::env::temp_dir().join(format!("candor-{}", ids::state_id()));
        std::fs::create_dir(&path)?;
        Ok(TemporaryFolder(path))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
