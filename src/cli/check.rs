//! `candor check`: validates configuration, clients, playbook and templates; `--online` asks the other side too.
//!
//! Every reason is rendered in every form and language, so that an overriding template fails here and not at
//! three in the morning. Deliberately absent: the asking (`check_online.rs`).

use super::arguments::Arguments;
use super::check_online::{self, Answer};
use super::exit::Exit;
use super::{run, show};
use crate::config::clients::{self, BookError, BookSummary, ClientRules};
use crate::config::diagnostic::Diagnostic;
use crate::config::settings::Settings;
use crate::config::{locate, playbook};
use crate::daemon::{files, logging};
use crate::domain::client::{Channel, Client};
use crate::domain::counted::counted;
use crate::passes::book;
use crate::passes::current::Current;
use crate::store::Store;

/// More endpoints of clients are not asked.
pub const MOST_ENDPOINTS: usize = 1_000;

/// All that was found.
#[derive(Default)]
struct Findings {
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    /// A fault of this machine while the client files were read.
    fault: Option<anyhow::Error>,
    /// Counted only if all of it could be read.
    book: BookSummary,
    endpoints: Vec<Endpoint>,
    /// The secrets of the configuration that this user cannot use.
    unusable_secrets: Vec<Diagnostic>,
    current: Option<Current>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Book {
    Read,
    Faulty,
}

/// A client's webhook, to be asked whether it answers.
pub struct Endpoint {
    pub client: String,
    pub url: String,
}

/// Whether the other side is asked too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    Nobody,
    Others,
}

pub async fn check(arguments: &Arguments, asks: Asks) -> Exit {
    logging::start(arguments.log_format, tracing::Level::WARN);
    let config = match locate::find(arguments.config.as_deref(), run::environment().as_deref()) {
        Ok(config) => config,
        Err(message) => {
            show::problem(&message);
            return Exit::Wrong;
        }
    };
    let mut found = Findings::default();
    match locate::load(&config) {
        Ok(settings) => {
            found.read(settings);
            found.look_at_the_book().await;
        }
        Err(errors) => found.errors = errors,
    }
    let answers = match &found.current {
        Some(current) if asks == Asks::Others && found.errors.is_empty() => {
            let mut answers = check_online::secrets(&found.unusable_secrets, found.book.unusable_secrets);
            answers.extend(check_online::ask(current, &found.endpoints).await);
            answers
        }
        Some(_) | None => Vec::new(),
    };
    if arguments.json {
        show::json(&document(&found, &answers));
    } else {
        print(&found, &answers, &config.display().to_string());
    }
    if let Some(fault) = &found.fault {
        return show::fault(fault);
    }
    match (found.errors.is_empty(), answers.iter().all(|answer| answer.fault.is_none())) {
        (false, _) => show::status_of(&found.errors),
        (true, false) => Exit::Failed,
        (true, true) => Exit::Done,
    }
}

impl Findings {
    /// The files that the configuration names. A mistake in one of them does not hide those in the others.
    fn read(&mut self, settings: Settings) {
        let entries = match playbook::read(&settings.playbook, &settings.components) {
            Ok(entries) => entries,
            Err(errors) => {
                self.errors.extend(errors);
                Vec::new()
            }
        };
        let is_read = self.read_clients(&settings, &ClientRules::new(&settings, &entries).with_secrets_tried());
        self.unusable_secrets = locate::unusable_secrets(&settings);
        self.warnings = locate::warnings(&settings);
        self.warnings.extend(self.unusable_secrets.iter().cloned());
        if is_read == Book::Read {
            self.warnings.extend(locate::book_warnings(&settings, &self.book));
        }
        self.errors.extend(locate::misplaced_files(&settings));
        match files::with_settings(settings) {
            Ok(current) => {
                self.current = Some(current);
            }
            // The playbook's mistakes are known already.
            Err(errors) => {
                let news: Vec<_> = errors.into_iter().filter(|error| !self.errors.contains(error)).collect();
                self.errors.extend(news);
            }
        }
    }

    /// Files without any client are refused where the state knows some. A state that this user cannot read, or that is
    /// not there yet, knows nobody.
    async fn look_at_the_book(&mut self) {
        let Some(current) = self.current.as_ref().filter(|_| self.errors.is_empty() && self.book.clients == 0) else {
            return;
        };
        let Ok(store) = Store::open_existing(&current.settings.state) else { return };
        let before = store.book_counts().await.map_or(0, |counts| counts.clients);
        store.close().await;
        self.errors.extend(book::nobody_left(&current.settings.clients, &self.book.files, before));
    }

    fn read_clients(&mut self, settings: &Settings, rules: &ClientRules) -> Book {
        let endpoints = &mut self.endpoints;
        let read = clients::for_each_client(&settings.clients, rules, &mut |client| {
            keep_endpoints(endpoints, &client);
            Ok(())
        });
        match read {
            Ok(book) => {
                self.book = book;
                return Book::Read;
            }
            Err(BookError::Faulty(errors)) => self.errors.extend(errors),
            Err(BookError::Sink(error)) => self.fault = Some(error),
        }
        Book::Faulty
    }
}

fn keep_endpoints(endpoints: &mut Vec<Endpoint>, client: &Client) {
    for contact in client.contacts.iter().filter(|contact| contact.channel == Channel::Webhook) {
        if endpoints.len() < MOST_ENDPOINTS {
            endpoints.push(Endpoint { client: client.id.clone(), url: contact.address.clone() });
        }
    }
}

fn print(found: &Findings, answers: &[Answer], config: &str) {
    let diagnostics: Vec<Diagnostic> = found.warnings.iter().chain(&found.errors).cloned().collect();
    if !diagnostics.is_empty() {
        show::diagnostics(&diagnostics);
    }
    for answer in answers {
        match &answer.fault {
            None => show::note(&format!("{}: answers", answer.what)),
            Some(why) => show::problem(&format!("{}: {why}", answer.what)),
        }
        if let Some(remark) = &answer.remark {
            show::note(&format!("{}: {remark}", answer.what));
        }
    }
    if found.book.without_priorities > 0 {
        show::note(&format!(
            "{} of {} without priorities, and told nothing",
            found.book.without_priorities,
            counted(found.book.clients, "client", "clients")
        ));
    }
    let Some(current) = found.current.as_ref().filter(|_| found.errors.is_empty()) else {
        show::problem(&format!("{config}: {}", counted(found.errors.len(), "mistake", "mistakes")));
        return;
    };
    if current.playbook.is_empty() {
        show::note("the playbook has no entries: messages say that nothing is known to do yet");
    }
    for word in current.asked_in_vain() {
        show::note(&format!("warning: set, and not in this release: {word}"));
    }
    show::result(&format!(
        "{config}: good; {}, {}, {}, {}, {}",
        counted(found.book.clients, "client", "clients"),
        counted(current.settings.feeds.len(), "feed", "feeds"),
        counted(current.settings.hooks.len(), "hook", "hooks"),
        counted(current.playbook.len(), "playbook entry", "playbook entries"),
        counted(found.warnings.len() + current.asked_in_vain().len(), "warning", "warnings")
    ));
}

fn document(found: &Findings, answers: &[Answer]) -> serde_json::Value {
    let one = |found: &Diagnostic| {
        serde_json::json!({
            "file": found.file, "line": found.line, "column": found.column, "key": found.key,
            "message": found.message, "help": found.help,
        })
    };
    let asked_in_vain = found.current.as_ref().map(Current::asked_in_vain).unwrap_or_default();
    let in_vain = asked_in_vain.into_iter().map(|word| {
        let (key, message) = word.split_once(": ").unwrap_or((word, ""));
        serde_json::json!({
            "file": null, "line": 0, "column": 0, "key": key, "message": format!("set, and not in this release: {message}"),
            "help": null,
        })
    });
    serde_json::json!({
        "ok": found.errors.is_empty() && found.fault.is_none() && answers.iter().all(|answer| answer.fault.is_none()),
        "errors": found.errors.iter().map(one).collect::<Vec<_>>(),
        "warnings": found.warnings.iter().map(one).chain(in_vain).collect::<Vec<_>>(),
        "clients": found.book.clients,
        "without_priorities": found.book.without_priorities,
        "without_contacts": found.book.without_contacts,
        "online": answers.iter().map(|answer| serde_json::json!({
            "what": answer.what, "ok": answer.fault.is_none(), "why": answer.fault, "remark": answer.remark,
        })).collect::<Vec<_>>(),
    })
}
