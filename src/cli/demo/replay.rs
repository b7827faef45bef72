//! Turns the clock by hand, from one thing that happens to the next, and lets the daemon's own passes do the rest.
//!
//! What happens next is a post of the source, or whatever the store says is due: news that waited for company, a
//! promise, a message. Deliberately absent: any decision about clients.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};

use super::arrival::{Arrival, Dossier};
use super::audience::Audience;
use super::folder::Folder;
use super::inbox::Inbox;
use super::page::Page;
use super::{ledger, message, stage};
use crate::daemon::node::{Node, NodeError};
use crate::domain::case::{Change, Story};
use crate::domain::client::Channel;
use crate::passes::Clock;

/// The feed's name in the demo's configuration.
pub const SOURCE: &str = "google-cloud";
/// The page is read every 30 seconds: on average so long after a post.
const READ_AFTER: SignedDuration = SignedDuration::from_secs(12);
/// What is due already and was not done is looked at again after that.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(2);
/// More moments than this incident has by far: the replay goes in circles.
const MOMENTS_MOST: usize = 400;

/// The demo's time, in milliseconds since 1970.
#[derive(Clone)]
pub struct HandClock(Arc<AtomicI64>);

impl HandClock {
    pub fn at(time: Timestamp) -> HandClock {
        HandClock(Arc::new(AtomicI64::new(time.as_millisecond())))
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn turn_to(&self, time: Timestamp) {
        self.0.store(time.as_millisecond(), Ordering::SeqCst);
    }

    fn for_passes(&self) -> Clock {
        let clock = self.clone();
        Clock::new(move || clock.now())
    }
}

/// The incident under way.
pub struct Replay<'a> {
    node: Node,
    folder: &'a Folder,
    clock: HandClock,
    page: Arc<Page>,
    inbox: Arc<Inbox>,
    arrivals: Vec<Arrival>,
    /// Changes that have been shown.
    shown: BTreeSet<i64>,
}

impl<'a> Replay<'a> {
    /// Opens a state in the folder, as the daemon does at its start.
    ///
    /// # Errors
    /// The files are at fault, or the state cannot be opened.
    pub async fn open(
        config: &Path,
        folder: &'a Folder,
        clock: HandClock,
        page: Arc<Page>,
        inbox: Arc<Inbox>,
    ) -> anyhow::Result<Replay<'a>> {
        let node = Node::open(config, clock.for_passes()).await.map_err(|error| match error {
            NodeError::Files(found) => match found.first() {
                Some(first) => anyhow::anyhow!("its own files are at fault: {first}"),
                None => anyhow::anyhow!("its own files are at fault"),
            },
            NodeError::HeldBy { .. } | NodeError::Lost { .. } => anyhow::anyhow!("{error}"),
            NodeError::Fault(error) => error,
        })?;
        Ok(Replay { node, folder, clock, page, inbox, arrivals: Vec::new(), shown: BTreeSet::new() })
    }

    /// From the first look at the page to the ledger.
    ///
    /// # Errors
    /// A pass failed, or something that had to happen did not.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let outcome = self.play().await;
        self.node.shared.store.close().await;
        outcome
    }

    async fn play(&mut self) -> anyhow::Result<()> {
        let audience = Audience::read(&self.node.shared.store).await?;
        stage::opening(&audience, self.folder.kept());
        self.node.turn().await?;
        stage::quiet_start(self.clock.now());
        let page = self.page.clone();
        let mut posts = page.incident.posts.iter().enumerate().peekable();
        for _ in 0..MOMENTS_MOST {
            let due = self.next_due().await?;
            let posted = posts.peek().map(|(_, post)| post.at + READ_AFTER);
            let Some(next) = due.into_iter().chain(posted).min() else {
                return self.close(&audience).await;
            };
            self.clock.turn_to(next);
            // A promise that falls due has the page read again before anything is said: hence the second turn.
            self.node.turn().await?;
            self.node.turn().await?;
            let story = self.story().await?;
            let told = self.newly_planned(&story);
            match posts.next_if(|_| posted == Some(next)) {
                Some((number, post)) => {
                    let before = number.checked_sub(1).and_then(|before| page.incident.posts.get(before));
                    stage::posted(post, before, next);
                }
                None if told.is_empty() => {}
                None => stage::spoken(&told, next),
            }
            self.show_what_came(&audience, &story, next).await?;
            if posted == Some(next) && told.is_empty() {
                stage::nothing_sent(story.waiting(), next);
            }
        }
        bail!("the replay does not come to an end")
    }

    /// The earliest thing that the store has to do; never in the past.
    async fn next_due(&self) -> anyhow::Result<Option<Timestamp>> {
        let (store, now) = (&self.node.shared.store, self.clock.now());
        let due = [
            store.next_due_change().await?,
            store.next_wake().await?,
            store.next_due(Channel::Email).await?,
            store.next_due(Channel::Webhook).await?,
        ];
        let next = due.into_iter().flatten().min();
        Ok(next.map(|next| if next > now { next } else { now + LOOK_AGAIN }))
    }

    async fn close(&self, audience: &Audience) -> anyhow::Result<()> {
        let story = self.story().await?;
        let dossier = Dossier::read(&self.node.shared.store, &story.case).await?;
        ledger::show_all(&story, &dossier, audience, &self.arrivals, self.folder.kept());
        ledger::check(&dossier, audience, &self.arrivals, &self.inbox.refused())
    }

    async fn story(&self) -> anyhow::Result<Story> {
        let incident = self.page.incident.id.clone();
        let story = self.node.shared.store.story_of(SOURCE.to_owned(), incident).await?;
        story.context("the incident was posted, and there is no case of it")
    }

    fn newly_planned(&mut self, story: &Story) -> Vec<Change> {
        let planned = story.changes.iter().filter(|change| change.planned_at.is_some());
        planned.filter(|change| self.shown.insert(change.sequence)).cloned().collect()
    }

    async fn show_what_came(&mut self, audience: &Audience, story: &Story, now: Timestamp) -> anyhow::Result<()> {
        let received = self.inbox.empty();
        if received.is_empty() {
            return Ok(());
        }
        let dossier = Dossier::read(&self.node.shared.store, &story.case).await?;
        let mut arrivals = received
            .into_iter()
            .map(|one| Arrival::of(one, audience, &dossier, now))
            .collect::<anyhow::Result<Vec<Arrival>>>()?;
        arrivals.sort_by_key(|arrival| arrival.contact_key);
        if self.arrivals.is_empty() {
            stage::decided(audience, &arrivals, &story.case.reference);
        }
        for mut arrival in arrivals {
            arrival.number = self.arrivals.len() + 1;
            message::show(&arrival, audience.member(&arrival.client)?);
            self.folder.keep_message(&arrival.file_name(), &arrival.bytes)?;
            self.arrivals.push(arrival);
        }
        Ok(())
    }
}
