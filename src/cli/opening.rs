//! What a command works with: the files, the state as it is, and the passes where no daemon runs.
//!
//! Everything that goes wrong here has been said on standard error when it comes back as an [`Exit`].
//! Deliberately absent: what a command does with it.

use super::arguments::Arguments;
use super::exit::Exit;
use super::{run, show};
use crate::config::settings::Settings;
use crate::config::{locate, secret};
use crate::daemon::node::{self, LostState, Node, NodeError, Opened};
use crate::daemon::{clock, files, logging};
use crate::passes::current::Current;
use crate::passes::{Clock, Shared, dispatch, keep};
use crate::store::{OpenError, Store};

/// Finds the configuration and reads it alone: for listings, which need no playbook and no clients.
pub fn settings(arguments: &Arguments) -> Result<Settings, Exit> {
    logging::start(arguments.log_format, tracing::Level::WARN);
    locate::load(&configuration(arguments)?).map_err(|found| show::wrong(&found))
}

/// The configuration with playbook and templates.
pub fn files(arguments: &Arguments) -> Result<Current, Exit> {
    logging::start(arguments.log_format, tracing::Level::WARN);
    files::read(&configuration(arguments)?).map_err(|found| show::wrong(&found))
}

fn configuration(arguments: &Arguments) -> Result<std::path::PathBuf, Exit> {
    locate::find(arguments.config.as_deref(), run::environment().as_deref()).map_err(|message| {
        show::problem(&message);
        Exit::Wrong
    })
}

/// The state as it is, beside a daemon or not. `None`: there is none yet, which is said; nothing has happened then.
pub fn state(settings: &Settings) -> Result<Option<Store>, Exit> {
    match Store::open_existing(&settings.state) {
        Ok(store) => Ok(Some(store)),
        Err(missing @ OpenError::Missing { .. }) => {
            show::note(&missing.to_string());
            Ok(None)
        }
        Err(error) => Err(show::fault(&error.into())),
    }
}

/// The key of the case that a user names.
pub async fn case_key(store: &Store, named: &str) -> Result<i64, Exit> {
    match store.find_case(named.to_owned()).await {
        Ok(Some(key)) => Ok(key),
        Ok(None) => Err(unknown_case(named)),
        Err(error) => Err(show::fault(&error.into())),
    }
}

pub fn unknown_case(named: &str) -> Exit {
    let named: String = named.chars().filter(|c| !c.is_control()).take(60).collect();
    show::problem(&format!(
        "there is no case {named:?}: name a reference, an id, or its first 8 or more characters if no other id begins so; `candor cases --all` lists them"
    ));
    Exit::Failed
}

/// A state that may be written: with its lock in our hands, or beside the daemon that holds it.
pub struct Hands {
    pub shared: Shared,
    node: Option<Box<Node>>,
}

impl Hands {
    /// Opens the state, making it if there is none.
    pub async fn open(current: Current, clock: Clock) -> Result<Hands, Exit> {
        match node::open_with(current, clock, LostState::Refuse).await.map_err(|error| run::failed(&error))? {
            Opened::Ours(node) => Ok(Hands { shared: node.shared.clone(), node: Some(node) }),
            Opened::Beside(shared) => Ok(Hands { shared: *shared, node: None }),
        }
    }

    /// Has what was recorded sent: by the daemon, or without one by the same passes, once.
    pub async fn send(&mut self) -> Result<(), Exit> {
        let Some(node) = &mut self.node else {
            show::note("stored; the daemon will send");
            return Ok(());
        };
        let ran = match unusable(&self.shared.current.load().settings) {
            None => node.settle_what_is_due().await,
            Some(why) => {
                show::note(&format!("stored; the daemon will send ({why})"));
                plan(&self.shared).await
            }
        };
        ran.map_err(|error| show::fault(&error))
    }

    /// One more round of what is due, where no daemon does it.
    pub async fn send_again(&mut self) -> anyhow::Result<()> {
        match &mut self.node {
            Some(node) if unusable(&self.shared.current.load().settings).is_none() => node.settle_what_is_due().await,
            Some(_) | None => Ok(()),
        }
    }

    pub fn is_daemon_at_work(&self) -> bool {
        self.node.is_none()
    }

    pub async fn close(self) {
        self.shared.store.close().await;
    }
}

/// Plans without sending anything.
async fn plan(shared: &Shared) -> anyhow::Result<()> {
    for _ in 0..1_000 {
        let now = shared.clock.now();
        let spoken = keep::pass(shared, now).await?;
        let planned = dispatch::pass(shared, now).await?;
        if spoken.spoken + planned.changes == 0 {
            break;
        }
    }
    Ok(())
}

/// Why this user cannot use an account of ours that the daemon can: trying would hold the account for both.
fn unusable(settings: &Settings) -> Option<String> {
    let password = settings.email.as_ref().and_then(|email| email.password.as_ref());
    let password = password.map(|reference| ("email.password", reference));
    let key = settings.webhook.key.as_ref().map(|reference| ("webhook.key", reference));
    let mut unreadable =
        password.into_iter().chain(key).filter_map(|(name, reference)| secret::resolve(name, reference).err());
    unreadable.next().map(|error| format!("{error:#}"))
}

/// What a store's fault is to the command.
pub fn store_failed(error: crate::store::StoreError) -> Exit {
    run::failed(&NodeError::Fault(error.into()))
}

/// The wall clock, for commands that run no passes.
pub fn clock() -> Clock {
    clock::system()
}
