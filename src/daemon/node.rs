//! The state with all that belongs to it: opened by the daemon, by `--trigger` without one, and by tests.
//!
//! Whoever holds the lock may claim and send; whoever does not may still record. Deliberately absent: loops,
//! listeners and signals.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use super::files;
use crate::config::diagnostic::Diagnostic;
use crate::config::owner;
use crate::config::settings::FeedKind;
use crate::domain::client::Channel;
use crate::domain::counted::counted;
use crate::domain::operator::Thing;
use crate::feed::fetch::{FeedClient, Limits};
use crate::passes::book::{self, Caution, Loaded};
use crate::passes::current::{Current, CurrentCell};
use crate::passes::lanes::Lanes;
use crate::passes::metrics::Metrics;
use crate::passes::{Clock, Shared, Wakes, deliver, dispatch, ids, keep, operator, poll};
use crate::store::lock::{self, Locked, StateLock};
use crate::store::{Store, StoreError};

/// An opened state whose passes we may run.
pub struct Node {
    pub shared: Shared,
    pub feeds: FeedClient,
    pub email: Lanes,
    pub webhook: Lanes,
    /// Held as long as the node lives.
    pub lock: StateLock,
}

/// Why there is no node.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The files are at fault.
    #[error("{} in the files", counted(.0.len(), "mistake", "mistakes"))]
    Files(Vec<Diagnostic>),
    /// Another process runs on this state.
    #[error("process {pid} works on the state {state} already; stop it, or give this one a `state` of its own")]
    HeldBy { pid: String, state: String },
    /// There was a state, and it is gone.
    #[error(
        "the state {state} is gone, and {state}.lock shows that there was one: put it back; or, if it is lost, start \
         with --new-state, which tells nobody anything twice, but does not know what clients have been told"
    )]
    Lost { state: String },
    #[error(transparent)]
    Fault(#[from] anyhow::Error),
}

/// What is done where the state is gone that was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostState {
    Refuse,
    /// A person has said that a new one may take its place.
    Replace,
}

/// Whether the state is free for us.
pub enum Opened {
    Ours(Box<Node>),
    /// A daemon holds it; we may record into it, and it sends.
    Beside(Box<Shared>),
}

impl Node {
    /// Reads the files, takes the lock, opens the state, begins an epoch and loads the client book.
    ///
    /// # Errors
    /// See [`NodeError`].
    pub async fn open(config: &Path, clock: Clock) -> Result<Node, NodeError> {
        Node::open_as(config, clock, LostState::Refuse).await
    }

    /// The same, with what is to be done where the state is gone.
    ///
    /// # Errors
    /// See [`NodeError`].
    pub async fn open_as(config: &Path, clock: Clock, lost: LostState) -> Result<Node, NodeError> {
        let current = files::read(config).map_err(NodeError::Files)?;
        match open_with(current, clock, lost).await? {
            Opened::Ours(node) => Ok(*node),
            Opened::Beside(shared) => {
                let state = shared.current.load().settings.state.display().to_string();
                Err(NodeError::HeldBy { pid: held_by(Path::new(&state)), state })
            }
        }
    }

    /// Runs every pass, in order, until none has anything to do at this time. For a state without a daemon, and
    /// for tests that turn the crank.
    ///
    /// # Errors
    /// The store failed.
    pub async fn turn(&mut self) -> anyhow::Result<()> {
        poll::pass(&self.shared, &self.feeds, self.shared.clock.now()).await?;
        self.settle_what_is_due().await
    }

    /// The same without looking at the feeds.
    ///
    /// # Errors
    /// The store failed.
    pub async fn settle_what_is_due(&mut self) -> anyhow::Result<()> {
        let never = CancellationToken::new();
        for _ in 0..1_000 {
            let now = self.shared.clock.now();
            let spoken = keep::pass(&self.shared, now).await?;
            operator::pass(&self.shared, now).await?;
            let planned = dispatch::pass(&self.shared, now).await?;
            self.email.refresh(&self.shared.current.load_full());
            self.webhook.refresh(&self.shared.current.load_full());
            let mail = deliver::pass(&self.shared, Channel::Email, &mut self.email, &never).await?;
            let hooks = deliver::pass(&self.shared, Channel::Webhook, &mut self.webhook, &never).await?;
            let sent = mail.delivered + mail.failed + hooks.delivered + hooks.failed;
            if spoken.spoken + spoken.closed + planned.changes + sent == 0 {
                break;
            }
        }
        self.email.rest().await;
        Ok(())
    }
}

/// Opens the state as far as it is free, with files that have been read already.
///
/// # Errors
/// The client files are at fault, or the state cannot be opened.
pub async fn open_with(current: Current, clock: Clock, lost: LostState) -> Result<Opened, NodeError> {
    let state = current.settings.state.clone();
    let now = clock.now();
    let is_lost = lock::lock_path(&state).exists() && !state.exists();
    if is_lost && lost == LostState::Refuse {
        return Err(NodeError::Lost { state: state.display().to_string() });
    }
    let locked = lock::lock(&state).map_err(anyhow::Error::from)?;
    let lock = match locked {
        Locked::Ours(lock) => lock,
        Locked::HeldBy(_) => {
            let store = Store::open_existing(&state).map_err(anyhow::Error::from)?;
            return Ok(Opened::Beside(Box::new(shared(store, current, clock, 0))));
        }
    };
    let store = Store::open(&state, &ids::state_id(), now).map_err(anyhow::Error::from)?;
    let epoch = store.begin_epoch(node_name(), now).await.context("cannot begin an epoch")?;
    let removed = match book::load(&store, &current, Caution::None, now).await? {
        Loaded::Faulty(faults) => return Err(NodeError::Files(faults)),
        Loaded::Switched(change) => change.removed_in_open_cases,
        Loaded::Unchanged | Loaded::TooFew { .. } => Vec::new(),
    };
    adopt_renamed(&store, &current).await.map_err(anyhow::Error::from)?;
    make_folders(&current);
    let shared = shared(store, current, clock, epoch);
    if is_lost {
        shared.operator.tell(Thing::StateLost, format!("{} was gone; a new one stands in its place", state.display()));
        tracing::error!(state = %state.display(), "the state was gone: a new one is begun, every feed is seen for the first time");
    }
    for client in removed {
        shared.operator.tell(Thing::ClientsRemoved, client.clone());
        tracing::warn!(client = %client, "removed although told of something that is not over");
    }
    let feeds = FeedClient::new(Limits::default());
    let (mut email, mut webhook) = (Lanes::of(Channel::Email), Lanes::of(Channel::Webhook));
    email.refresh(&shared.current.load_full());
    webhook.refresh(&shared.current.load_full());
    Ok(Opened::Ours(Box::new(Node { shared, feeds, email, webhook, lock })))
}

fn shared(store: Store, current: Current, clock: Clock, epoch: i64) -> Shared {
    let awake_since = Arc::new(clock.now().as_millisecond().into());
    Shared {
        store,
        current: Arc::new(CurrentCell::from_pointee(current)),
        clock,
        wakes: Arc::new(Wakes::default()),
        pulse: Arc::default(),
        metrics: Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"))),
        reported: Arc::default(),
        operator: Arc::default(),
        epoch,
        awake_since,
    }
}

/// The cases of feeds that have another name now.
///
/// # Errors
/// The store failed.
pub(super) async fn adopt_renamed(store: &Store, current: &Current) -> Result<(), StoreError> {
    for feed in &current.settings.feeds {
        let Some(was) = &feed.was else { continue };
        let adopted = store.rename_source(was.clone(), feed.name.clone()).await?;
        if adopted > 0 {
            tracing::info!(feed = %feed.name, was = %was, cases = adopted, "the cases of the feed's former name are its own now");
        }
    }
    Ok(())
}

/// A folder that updates are put into has to be there before the first of them. One that cannot be made shows
/// as a feed that cannot be read.
pub(super) fn make_folders(current: &Current) {
    for feed in &current.settings.feeds {
        if let FeedKind::File { path } = &feed.kind
            && path.extension().is_none()
            && !path.exists()
            && let Err(error) = owner::make_folder(path, 0o777)
        {
            tracing::warn!(feed = %feed.name, error = %error, "the folder of updates could not be made");
        }
    }
}

fn held_by(state: &Path) -> String {
    match lock::lock(state) {
        Ok(Locked::HeldBy(pid)) => pid,
        Ok(Locked::Ours(_)) | Err(_) => "?".to_owned(),
    }
}

fn node_name() -> String {
    format!("pid {}", std::process::id())
}
