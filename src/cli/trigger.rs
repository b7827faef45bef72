//! `candor --trigger FILE`: one update by hand, through the same path as a feed.
//!
//! With a daemon running it is stored, and the daemon sends. Without one the same passes run here once; what is
//! left waits for the daemon.

use std::io::Read as _;
use std::time::Duration;

use super::arguments::Arguments;
use super::exit::Exit;
use super::{dry_run, run, show, wait};
use crate::config::locate;
use crate::daemon::node::{self, NodeError, Opened};
use crate::daemon::{clock, files, logging};
use crate::domain::duration;
use crate::domain::incident::Observation;
use crate::domain::observe::Sight;
use crate::feed::update_format;
use crate::passes::current::Current;
use crate::passes::ingest::TakenCase;
use crate::passes::{Clock, Shared, ids, ingest};

/// The source of what people trigger without naming a feed.
pub const SOURCE: &str = "trigger";
/// An update of that many bytes is a mistake.
const LARGEST: u64 = 1024 * 1024;

pub async fn trigger(arguments: &Arguments) -> Exit {
    logging::start(arguments.log_format, "warn");
    match prepared(arguments).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn prepared(arguments: &Arguments) -> Result<Exit, Exit> {
    let limit = wait_limit(arguments)?;
    let config = locate::find(arguments.config.as_deref(), run::environment().as_deref()).map_err(|message| {
        show::problem(&message);
        Exit::Wrong
    })?;
    let current = files::read(&config).map_err(|faults| {
        show::diagnostics(&faults);
        Exit::Wrong
    })?;
    show::surroundings(&current.settings);
    let clock = clock::system();
    let seen = read_update(arguments, &clock, &current)?;
    if arguments.dry_run {
        return Ok(dry_run::show(current, seen, clock).await);
    }
    let opened = node::open_with(current, clock).await.map_err(|error| run::failed(&error))?;
    Ok(store_and_send(arguments, opened, seen, limit).await)
}

fn wait_limit(arguments: &Arguments) -> Result<Option<Duration>, Exit> {
    arguments.wait.as_deref().map(duration::parse).transpose().map_err(|message| {
        show::problem(&format!("--wait: {message}"));
        Exit::Wrong
    })
}

fn read_update(arguments: &Arguments, clock: &Clock, current: &Current) -> Result<Observation, Exit> {
    let path = arguments.trigger.clone().unwrap_or_default();
    let name = if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() };
    let mut text = String::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(LARGEST + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(&path).and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text))
    };
    if let Err(error) = read {
        show::problem(&format!("{name} cannot be read: {error}"));
        return Err(Exit::Wrong);
    }
    if text.len() as u64 > LARGEST {
        show::problem(&format!("{name} is larger than 1 MiB, which no update is"));
        return Err(Exit::Wrong);
    }
    let update = update_format::parse(&text).map_err(|error| {
        show::problem(&format!("{name}: {error}"));
        Exit::Wrong
    })?;
    if let Some(source) = &update.incident.source
        && current.feed(source).is_none()
        && source != SOURCE
    {
        let known: Vec<&str> = current.settings.feeds.iter().map(|feed| feed.name.as_str()).collect();
        show::problem(&format!(
            "{name}: incident.source is {source:?}, but there is no such feed; there are: {}",
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        ));
        return Err(Exit::Wrong);
    }
    let now = clock.now();
    Ok(update.into_observation(SOURCE, now, || {
        let id = ids::case_id(now);
        show::note(&format!("incident.id was left out; this one is {id}: name it to update the same case"));
        id
    }))
}

async fn store_and_send(arguments: &Arguments, opened: Opened, seen: Observation, limit: Option<Duration>) -> Exit {
    let (mut node, shared) = match opened {
        Opened::Ours(node) => {
            let shared = node.shared.clone();
            (Some(node), shared)
        }
        Opened::Beside(shared) => (None, *shared),
    };
    let now = shared.clock.now();
    let sight = Sight::Watching { last_good_at: None };
    let taken = match ingest::take(&shared, &[seen], sight, None, now).await {
        Ok(taken) => taken,
        Err(error) => return run::failed(&NodeError::Fault(error.into())),
    };
    if let Some(missing) = taken.incomplete.first() {
        let key = if *missing == "title" { "incident.title" } else { "update.body" };
        show::problem(&format!("this opens a new case, and a new case needs {key}"));
        return Exit::Wrong;
    }
    let Some(case) = taken.cases.first().cloned() else { return Exit::Failed };
    if let Some(node) = &mut node {
        if let Err(error) = node.settle_what_is_due().await {
            return run::failed(&NodeError::Fault(error));
        }
    } else {
        show::note("stored; the daemon will send");
        wait::until_planned(&shared, &case).await;
    }
    let waited = match limit {
        None => None,
        Some(limit) => Some(wait::until_settled(&shared, node.as_deref_mut(), &case, limit).await),
    };
    let exit = report(arguments, &shared, &case, waited).await;
    shared.store.close().await;
    exit
}

async fn report(arguments: &Arguments, shared: &Shared, case: &TakenCase, waited: Option<Exit>) -> Exit {
    let reach = match wait::reach(shared, case).await {
        Ok(reach) => reach,
        Err(error) => return run::failed(&NodeError::Fault(error)),
    };
    if arguments.json {
        show::result(&reach.json(case).to_string());
    } else {
        show::result(&reach.text(case));
    }
    if reach.clients == 0
        && let Some(why) = wait::why_nobody(shared, case).await
    {
        show::note(&why);
    }
    waited.unwrap_or(Exit::Done)
}
