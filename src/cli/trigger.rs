//! `candor --trigger FILE`: one update by hand, through the same path as a feed.
//!
//! With a daemon running it is stored, and the daemon sends. Without one the same passes run here once; what is
//! left waits for the daemon.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::arguments::Arguments;
use super::exit::Exit;
use super::opening::{self, Hands};
use super::{dry_run, show, wait};
use crate::config::diagnostic::{Cause, Diagnostic, Excerpt, Severity};
use crate::config::excerpt::Showing;
use crate::config::locate::is_utf_16;
use crate::config::problem::{nearest, quoted};
use crate::domain::duration;
use crate::domain::incident::{Observation, TRIGGER as SOURCE};
use crate::domain::observe::Sight;
use crate::feed::update_format::{self, UpdateError};
use crate::passes::current::Current;
use crate::passes::{Clock, ids, ingest};

/// An update of that many bytes is a mistake.
const LARGEST: u64 = 1024 * 1024;

pub async fn trigger(arguments: &Arguments) -> Exit {
    match prepared(arguments).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn prepared(arguments: &Arguments) -> Result<Exit, Exit> {
    let limit = wait_limit(arguments)?;
    let current = opening::files(arguments)?;
    show::surroundings(&current.settings);
    let clock = opening::clock();
    let seen = read_update(&arguments.trigger.clone().unwrap_or_default(), &clock, &current)?;
    if arguments.dry_run {
        return Ok(dry_run::show(arguments, current, seen, clock).await);
    }
    let mut hands = Hands::open(current, clock).await?;
    let exit = store_and_send(arguments, &mut hands, seen, limit).await;
    hands.close().await;
    exit
}

fn wait_limit(arguments: &Arguments) -> Result<Option<Duration>, Exit> {
    arguments.wait.as_deref().map(duration::parse).transpose().map_err(|message| {
        show::problem(&format!("--wait: {message}"));
        Exit::Wrong
    })
}

/// Reads an update from a file or, for `-`, from standard input; its faults are drawn with their line.
pub fn read_update(path: &Path, clock: &Clock, current: &Current) -> Result<Observation, Exit> {
    let is_input = path.as_os_str() == "-";
    let name = if is_input { PathBuf::from("standard input") } else { path.to_owned() };
    let wrong = |found: Diagnostic| show::wrong(&[found]);
    let mut bytes = Vec::new();
    let read = if is_input {
        std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    if let Err(error) = read {
        return Err(wrong(Diagnostic::unreadable(&name, &error)));
    }
    if bytes.len() as u64 > LARGEST {
        return Err(wrong(Diagnostic::whole_file(&name, "is larger than 1 MiB, which no update is", None)));
    }
    let what = if is_utf_16(&bytes) { "this is UTF-16 text" } else { "this is not UTF-8 text" };
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(wrong(Diagnostic::whole_file(&name, what, Some("save it as UTF-8".to_owned()))));
    };
    let now = clock.now();
    let mut update = update_format::parse(&text)
        .and_then(|update| update.believed_at(&text, now))
        .map_err(|error| wrong(placed(&name, &text, &error)))?;
    if let Some(source) = update.incident.source.take_if(|source| source != SOURCE) {
        let Some(known) = current.source_called(&source) else {
            return Err(wrong(unknown_source(&name, &text, &source, current)));
        };
        update.incident.source = Some(known);
    }
    Ok(update.into_observation(SOURCE, now, || {
        let id = ids::case_id(now);
        show::note(&format!("incident.id was left out; this one is {id}: name it to update the same case"));
        id
    }))
}

fn unknown_source(name: &Path, text: &str, source: &str, current: &Current) -> Diagnostic {
    let feeds: Vec<&str> = current.settings.feeds.iter().map(|feed| feed.name.as_str()).collect();
    let hooks: Vec<&str> = current.settings.hooks.iter().map(|hook| hook.name.as_str()).collect();
    let message = match nearest(source, feeds.iter().chain(&hooks).copied()) {
        Some(near) => format!("there is no feed or hook {}; did you mean `{near}`?", quoted(source)),
        None => format!("there is no feed or hook {}", quoted(source)),
    };
    let named = |names: &[&str]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let help =
        format!("feeds: {}; hooks: {}; left out, the update is an incident of its own", named(&feeds), named(&hooks));
    let error = update_format::fault_at(text, "incident", "source", message);
    Diagnostic { help: Some(help), ..placed(name, text, &error) }
}

/// Says what is wrong with an update, with its line.
pub fn wrong_update(name: &Path, text: &str, error: &UpdateError) -> Exit {
    show::wrong(&[placed(name, text, error)])
}

/// A fault of an update in the form in which faults of the configuration are drawn.
fn placed(name: &Path, text: &str, error: &UpdateError) -> Diagnostic {
    let number = |value: Option<u32>| value.and_then(|value| usize::try_from(value).ok()).unwrap_or(0);
    Diagnostic {
        severity: Severity::Error,
        file: name.to_owned(),
        line: number(error.line),
        column: number(error.column),
        key: error.key.clone().unwrap_or_default(),
        message: error.message.clone(),
        help: None,
        excerpt: error.byte_span().map(|span| Excerpt::of(text, span, Showing::AsWritten)),
        cause: Cause::Content,
    }
}

async fn store_and_send(
    arguments: &Arguments,
    hands: &mut Hands,
    seen: Observation,
    limit: Option<Duration>,
) -> Result<Exit, Exit> {
    let now = hands.shared.clock.now();
    let sight = Sight::Watching { last_good_at: None };
    let taken = ingest::take(&hands.shared, &[seen], sight, None, now).await.map_err(opening::store_failed)?;
    if let Some(incomplete) = taken.incomplete.first() {
        let key = if incomplete.missing == "title" { "incident.title" } else { "update.body" };
        show::problem(&format!("this opens a new case, and a new case needs {key}"));
        return Err(Exit::Wrong);
    }
    let Some(case) = taken.cases.first() else { return Err(Exit::Failed) };
    hands.send().await?;
    if hands.is_daemon_at_work() {
        wait::until_planned(&hands.shared, case).await;
    }
    let waited = match limit {
        None => Exit::Done,
        Some(limit) => wait::until_settled(hands, case, limit).await,
    };
    wait::report(arguments, &hands.shared, case).await?;
    Ok(waited)
}
