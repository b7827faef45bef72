//! SIGHUP: everything but the state and the listeners is read anew. A bad file changes nothing and is named.
//!
//! Deliberately absent: notices. A reload tells nobody anything by itself.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::{files, node};
use crate::domain::incident::TRIGGER;

use crate::config::diagnostic::Diagnostic;
use crate::domain::client::Channel;
use crate::domain::counted::counted;
use crate::domain::operator::{self, Thing};
use crate::passes::Shared;
use crate::passes::book::{self, Caution, Loaded};
use crate::passes::current::Current;
use crate::passes::rehearsal;

/// Reads the files and, if all of them are good, lets the next pass see them.
pub async fn reload(shared: &Shared, config: &Path) {
    let current = match files::read(config) {
        Ok(current) => current,
        Err(faults) => return refuse(&faults),
    };
    let before = shared.current.load_full();
    if !before.playbook.is_empty() && !current.settings.playbook.exists() {
        let file = &current.settings.playbook;
        let help = "put it back; an empty file takes all guidance away";
        let message = "is gone, and clients are told what it says";
        return refuse(&[Diagnostic::whole_file(file, message.to_owned(), Some(help.to_owned()))]);
    }
    let now = shared.clock.now();
    match book::load(&shared.store, &current, Caution::KeepMost, now).await {
        Ok(Loaded::Faulty(faults)) => return refuse(&faults),
        Ok(Loaded::TooFew { before, removed }) => {
            let line = format!("{removed} of {}", counted(before as u64, "client", "clients"));
            shared.operator.tell(Thing::ReloadRefused, line);
            tracing::error!(
                clients = before,
                removed,
                "the client files would remove more than a tenth of the clients: nothing is reloaded; if that is meant, start candor anew"
            );
            return;
        }
        Ok(Loaded::Unchanged) => {}
        Ok(Loaded::Switched(change)) => {
            tracing::info!(added = change.added, removed = change.removed, "the client book is reloaded");
            for client in &change.removed_in_open_cases {
                shared.operator.tell(Thing::ClientsRemoved, client.clone());
                tracing::warn!(client = %client, "removed although told of something that is not over");
            }
        }
        Err(error) => {
            tracing::error!(error = %format!("{error:#}"), "the client files could not be taken in; nothing is reloaded");
            return;
        }
    }
    let current = keep_what_needs_a_start(&before, current);
    if let Err(error) = node::adopt_renamed(&shared.store, &current).await {
        tracing::error!(error = %error, "the cases of a feed's former name could not be adopted");
    }
    forget_feeds_that_are_gone(shared, &before, &current).await;
    // Before the first look at a new feed: what is put into its folder after that is news.
    node::make_folders(&current);
    settle_rehearsal(shared).await;
    shared.current.store(Arc::new(current));
    if rehearsal::is_on(shared) {
        rehearsal::say_who_waits(shared).await;
    }
    if let Err(error) = shared.store.probe_held_accounts(now).await {
        tracing::error!(error = %error, "the held accounts could not be made due for a probe");
    }
    shared.wakes.ingest.notify_one();
    shared.wakes.dispatch.notify_one();
    shared.wakes.keep.notify_one();
    shared.wakes.deliver_all();
    tracing::info!("reloaded");
}

/// Before it may be live: what was planned in rehearsal and not settled yet is not sent either.
async fn settle_rehearsal(shared: &Shared) {
    if !rehearsal::is_on(shared) {
        return;
    }
    for channel in Channel::ALL {
        if let Err(error) = rehearsal::settle(shared, channel).await {
            tracing::error!(error = %error, "what was rehearsed last could not be settled");
        }
    }
}

async fn forget_feeds_that_are_gone(shared: &Shared, before: &Current, after: &Current) {
    let names: BTreeSet<&str> = after.settings.feeds.iter().map(|feed| feed.name.as_str()).collect();
    shared.reported.keep_only(&names);
    for feed in before.settings.feeds.iter().filter(|feed| !names.contains(feed.name.as_str())) {
        shared.metrics.forget_feed(&feed.name);
        say_who_follows(shared, &feed.name).await;
    }
}

/// The same at a start: whoever took the feed out meanwhile learns which of its cases are open.
pub async fn say_who_follows_what_is_gone(shared: &Shared) {
    let current = shared.current.load_full();
    let settings = &current.settings;
    let open = match shared.store.sources_with_open_cases().await {
        Ok(open) => open,
        Err(error) => {
            tracing::error!(error = %error, "the open cases of feeds that are gone could not be read");
            return;
        }
    };
    let is_there = |source: &String| {
        settings.feeds.iter().any(|feed| feed.name == *source)
            || settings.hooks.iter().any(|hook| hook.name == *source)
            || [operator::SOURCE, TRIGGER].contains(&source.as_str())
    };
    for source in open.iter().filter(|source| !is_there(source)) {
        say_who_follows(shared, source).await;
    }
}

/// Cases of a feed that is no longer read go on: whoever took it out learns which.
async fn say_who_follows(shared: &Shared, feed: &str) {
    let open = match shared.store.open_cases_of(feed.to_owned()).await {
        Ok(open) => open,
        Err(error) => {
            tracing::error!(error = %error, "the open cases of a feed that is gone could not be read");
            return;
        }
    };
    for case in open {
        let Ok(Some(story)) = shared.store.story(case.case_key).await else { continue };
        let clients = shared.store.owed_clients(case.case_key).await.unwrap_or_default();
        let reference = &story.case.reference;
        let waiting = counted(clients.unsigned_abs(), "client follows it", "clients follow it");
        let line = format!("{reference}, {}: {waiting}", operator::about(&story.case));
        shared.operator.tell(Thing::FeedRemoved { feed: feed.to_owned() }, line);
        tracing::warn!(feed, case.reference = %reference, clients, "the feed is gone and a case of it is open");
    }
}

fn refuse(faults: &[Diagnostic]) {
    for fault in faults {
        tracing::error!(fault = %fault, "nothing is reloaded");
    }
}

fn keep_what_needs_a_start(before: &Current, mut after: Current) -> Current {
    let (was, is) = (&before.settings, &mut after.settings);
    let changed =
        [("state", was.state != is.state), ("listen", was.listen != is.listen), ("admin", was.admin != is.admin)];
    for (key, _) in changed.into_iter().filter(|(_, changed)| *changed) {
        tracing::warn!(key, "this key takes effect with the next start");
    }
    is.state.clone_from(&was.state);
    is.listen.clone_from(&was.listen);
    is.admin.clone_from(&was.admin);
    after
}
