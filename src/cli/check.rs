//! `candor check`: validates configuration, clients, playbook and templates; `--online` asks the other side too.
//!
//! Every reason is rendered in every form and language, so that an overriding template fails here and not at
//! three in the morning.

use super::arguments::Arguments;
use super::exit::Exit;
use super::{run, show};
use crate::channel::email::{Account, AccountOptions, Password};
use crate::config::clients::{self, BookError, BookSummary, ClientRules};
use crate::config::settings::{FeedKind, FeedSettings};
use crate::config::{locate, secret};
use crate::daemon::{clock, files, logging};
use crate::domain::delivery::Outcome;
use crate::feed::fetch::{FeedClient, Limits};
use crate::passes::current::Current;
use secrecy::ExposeSecret as _;

pub async fn check(arguments: &Arguments, online: bool) -> Exit {
    logging::start(arguments.log_format, "warn");
    let config = match locate::find(arguments.config.as_deref(), run::environment().as_deref()) {
        Ok(config) => config,
        Err(message) => {
            show::problem(&message);
            return Exit::Wrong;
        }
    };
    let current = match files::read(&config) {
        Ok(current) => current,
        Err(found) => {
            show::diagnostics(&found);
            return Exit::Wrong;
        }
    };
    let summary = match read_book(&current) {
        Ok(summary) => summary,
        Err(exit) => return exit,
    };
    let faults = current.words.check();
    for fault in &faults {
        show::problem(&format!("{}: {fault}", current.settings.templates.display()));
    }
    let mut warnings = locate::warnings(&current.settings);
    warnings.extend(locate::book_warnings(&current.settings, &summary));
    if !warnings.is_empty() {
        show::diagnostics(&warnings);
    }
    for word in current.asked_in_vain() {
        show::note(&format!("warning: set, and not in this release: {word}"));
    }
    if !faults.is_empty() {
        return Exit::Wrong;
    }
    let reached = if online { ask_others(&current).await } else { Exit::Done };
    show::result(&format!(
        "{}: good; {} clients, {} feeds, {} hooks, {} playbook entries, {} warnings",
        config.display(),
        summary.clients,
        current.settings.feeds.len(),
        current.settings.hooks.len(),
        current.playbook.len(),
        warnings.len()
    ));
    reached
}

fn read_book(current: &Current) -> Result<BookSummary, Exit> {
    let rules = ClientRules::new(&current.settings, &current.playbook);
    clients::for_each_client(&current.settings.clients, &rules, &mut |_| Ok(())).map_err(|error| match error {
        BookError::Faulty(found) => {
            show::diagnostics(&found);
            Exit::Wrong
        }
        BookError::Sink(error) => {
            show::problem(&format!("{error:#}"));
            Exit::Failed
        }
    })
}

/// Asks the mail server and every feed; says of each whether it answers.
async fn ask_others(current: &Current) -> Exit {
    let mut exit = Exit::Done;
    if let Some(email) = &current.settings.email {
        let password = email.password.clone().map(|reference| -> Password {
            Box::new(move || Ok(secret::resolve("email.password", &reference)?.expose_secret().to_owned()))
        });
        let domain = current.settings.sender.email.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        let answer = match Account::new(email, domain, password, AccountOptions::default()) {
            Ok(account) => match account.probe().await {
                Outcome::Delivered { .. } => Ok(()),
                Outcome::Deferred { cause, .. }
                | Outcome::Failed { cause }
                | Outcome::Uncertain { cause }
                | Outcome::AccountHeld { cause }
                | Outcome::Gone { cause } => Err(cause.to_string()),
            },
            Err(error) => Err(format!("{error:#}")),
        };
        exit = say("mail server", answer, exit);
    }
    let client = match FeedClient::new(Limits::default()) {
        Ok(client) => client,
        Err(error) => return say("feeds", Err(format!("{error:#}")), exit),
    };
    for feed in &current.settings.feeds {
        exit = say(&format!("feed {}", feed.name), ask_feed(current, &client, feed).await, exit);
    }
    exit
}

async fn ask_feed(current: &Current, client: &FeedClient, feed: &FeedSettings) -> Result<(), String> {
    let nothing = std::collections::BTreeSet::new();
    let now = clock::system().now();
    let reading = crate::feed::look(client, feed, None, &nothing, now).await.map_err(|error| format!("{error:#}"))?;
    if let Some(failure) = reading.failure {
        return Err(format!("{}: {}", failure.document, failure.cause));
    }
    if let Some(fault) = reading.file_faults.first() {
        return Err(format!("{}: {}", fault.file.display(), fault.error));
    }
    let ignore = &feed.ignore;
    let names: std::collections::BTreeSet<String> = reading
        .observations
        .iter()
        .flat_map(|seen| seen.components.clone().unwrap_or_default())
        .filter(|name| {
            !ignore
                .iter()
                .any(|glob| crate::domain::component::glob_matches(&glob.to_lowercase(), &name.to_lowercase()))
        })
        .collect();
    let unmapped = current.catalog.resolve(&names.into_iter().collect::<Vec<_>>()).unmapped;
    match (&feed.kind, unmapped.is_empty()) {
        (FeedKind::Statuspage { .. } | FeedKind::File { .. }, true) => {}
        (FeedKind::Statuspage { .. } | FeedKind::File { .. }, false) => {
            show::note(&format!("feed {}: no [[component]] matches {}", feed.name, unmapped.join(", ")));
        }
    }
    Ok(())
}

fn say(what: &str, answer: Result<(), String>, exit: Exit) -> Exit {
    match answer {
        Ok(()) => {
            show::note(&format!("{what}: answers"));
            exit
        }
        Err(why) => {
            show::problem(&format!("{what}: {why}"));
            Exit::Failed
        }
    }
}
