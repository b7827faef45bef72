//! `--dry-run`: who would get what. Nothing is stored and nothing is sent.

use std::collections::HashMap;

use super::exit::Exit;
use super::show;
use crate::domain::case::Story;
use crate::domain::incident::Observation;
use crate::domain::observe::{self, Context, Observed, Sight};
use crate::domain::plan::{Known, Planning};
use crate::domain::thread::Variant;
use crate::passes::Clock;
use crate::passes::current::Current;
use crate::store::Store;
use crate::store::rows::{Presence, Selector};

const CHUNK: i64 = 1_000;

pub async fn show(current: Current, seen: Observation, clock: Clock) -> Exit {
    match plan(&current, &seen, &clock).await {
        Ok(Some(text)) => {
            show::result(&text);
            Exit::Done
        }
        Ok(None) => Exit::Wrong,
        Err(error) => {
            show::problem(&format!("{error:#}"));
            Exit::Failed
        }
    }
}

async fn plan(current: &Current, seen: &Observation, clock: &Clock) -> anyhow::Result<Option<String>> {
    let now = clock.now();
    let scratch = Scratch::open(current, now).await?;
    let story = scratch.store.story_of(seen.source.clone(), seen.incident.clone()).await?;
    let context = Context {
        now,
        pace: &current.settings.pace,
        catalog: &current.catalog,
        feed: &current.rules_of(&seen.source),
        sight: Sight::Watching { last_good_at: None },
        new_id: "dry-run",
        new_reference: "----",
    };
    let step = match observe::observe(story.as_ref(), seen, &context) {
        Observed::Nothing | Observed::Stale => {
            return Ok(Some("nothing new: the case knows this already; nobody would be told".to_owned()));
        }
        Observed::Incomplete { missing } => {
            show::problem(&format!("this opens a new case, and a new case needs a {missing}"));
            return Ok(None);
        }
        Observed::Changed(step) => step,
    };
    let Some(change) = step.change.clone() else {
        return Ok(Some("taken in without news; nobody would be told".to_owned()));
    };
    let mut changes = story.map(|s| s.changes).unwrap_or_default();
    changes.push(change.clone());
    let story = Story { case: step.case, updates: step.updates, changes };
    let planning =
        Planning::new(&story, &change, &current.catalog, &current.playbook, &current.settings.sender.locale, now);
    Ok(Some(table(&scratch.store, &story, &planning).await?))
}

/// One line a contact: client, channel, masked address, what is needed, and how sure it is.
async fn table(store: &Store, story: &Story, planning: &Planning<'_>) -> anyhow::Result<String> {
    let selector = planning.selector().map_or(Selector::Everyone, Selector::Components);
    let (mut after, mut lines, mut clients, mut contacts) = (None, Vec::new(), 0, 0);
    loop {
        let chunk = store.planning_chunk(story.case.key, after, selector.clone(), CHUNK).await?;
        let variants: HashMap<i64, Variant> = chunk.variants.into_iter().collect();
        for planned in &chunk.planned {
            let known: Vec<Known<'_>> = planned
                .contacts
                .iter()
                .map(|(key, contact)| {
                    let thread = planned
                        .threads
                        .iter()
                        .find(|(t, presence)| t.contact_key == *key && *presence == Presence::InBook)
                        .map(|(t, _)| t);
                    let variant = thread.and_then(|t| variants.get(&t.variant));
                    Known { contact_key: *key, contact, thread, variant }
                })
                .collect();
            let raises = planning.client(&planned.client, &known);
            clients += usize::from(!raises.is_empty());
            contacts += raises.len();
            for raise in &raises {
                let Some((_, contact)) = planned.contacts.iter().find(|(key, _)| *key == raise.contact_key) else {
                    continue;
                };
                lines.push(format!(
                    "  {:<20} {:<8} {:<28} {} affected, need {}",
                    planned.client.id,
                    contact.channel.as_str(),
                    crate::domain::client::masked(contact.channel, &contact.address),
                    raise.variant.affected.as_str(),
                    raise.variant.need.as_str()
                ));
            }
        }
        after = chunk.next_after;
        if after.is_none() {
            break;
        }
    }
    let reason = planning.change().reason().as_str();
    lines.insert(
        0,
        format!("would be told ({reason}): {clients} clients, {contacts} contacts; nothing is stored, nothing is sent"),
    );
    Ok(lines.join("\n"))
}

/// The state as it is, or a passing one in memory of the files alone, when there is none yet.
struct Scratch {
    store: Store,
    _folder: Option<TemporaryFolder>,
}

impl Scratch {
    async fn open(current: &Current, now: jiff::Timestamp) -> anyhow::Result<Scratch> {
        if let Ok(store) = Store::open_existing(&current.settings.state)
            && store.book_fingerprint().await?.is_some()
        {
            return Ok(Scratch { store, _folder: None });
        }
        let folder = TemporaryFolder::make()?;
        let store = Store::open(&folder.0.join("dry-run.db"), &crate::passes::ids::state_id(), now)?;
        let loaded = crate::passes::book::load(&store, current, crate::passes::book::Caution::None, now).await?;
        if let crate::passes::book::Loaded::Faulty(found) = loaded {
            show::diagnostics(&found);
            anyhow::bail!("the client files are at fault");
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
        let path = std::env::temp_dir().join(format!("candor-{}", crate::passes::ids::state_id()));
        std::fs::create_dir(&path)?;
        Ok(TemporaryFolder(path))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
