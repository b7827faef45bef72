//! `candor check --online`: asks the mail server, every feed and every client's endpoint whether it answers.
//!
//! Nobody is told anything: the mail server is greeted, feeds are read, endpoints get a HEAD. Deliberately absent:
//! what the files say (`check.rs`).

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};
use secrecy::ExposeSecret as _;

use super::check::{Endpoint, MOST_ENDPOINTS};
use super::opening;
use crate::channel::email::{Account, AccountOptions, Password};
use crate::channel::webhook::WebhookSender;
use crate::config::diagnostic::Diagnostic;
use crate::config::secret;
use crate::config::settings::{EmailSettings, FeedKind, FeedSettings};
use crate::domain::component::glob_matches;
use crate::domain::delivery::Outcome;
use crate::feed::fetch::{FeedClient, Limits};
use crate::passes::current::Current;

/// Endpoints asked at once.
const AT_ONCE: usize = 16;

/// What one other side said.
pub struct Answer {
    pub what: String,
    pub fault: Option<String>,
    /// Worth a word although it answers.
    pub remark: Option<String>,
}

impl Answer {
    fn of(what: String, answer: Result<Option<String>, String>) -> Answer {
        match answer {
            Ok(remark) => Answer { what, fault: None, remark },
            Err(fault) => Answer { what, fault: Some(fault), remark: None },
        }
    }
}

/// The secrets that this user cannot use: what they are for has not been tried.
pub fn secrets(of_configuration: &[Diagnostic], of_clients: u64) -> Vec<Answer> {
    let of_configuration = of_configuration.iter();
    let mut answers: Vec<Answer> =
        of_configuration.map(|found| Answer::of(found.key.clone(), Err(found.message.clone()))).collect();
    if of_clients > 0 {
        let why = format!("{of_clients} of them this user cannot use; the warnings name the first ones");
        answers.push(Answer::of("secrets of clients".to_owned(), Err(why)));
    }
    answers
}

pub async fn ask(current: &Current, endpoints: &[Endpoint]) -> Vec<Answer> {
    let mut answers = Vec::new();
    if let Some(email) = &current.settings.email {
        answers.push(Answer::of("mail server".to_owned(), ask_server(current, email).await.map(|()| None)));
    }
    let client = FeedClient::new(Limits::default());
    for feed in &current.settings.feeds {
        let answer = ask_feed(current, &client, feed).await;
        answers.push(Answer::of(format!("feed {}", feed.name), answer));
    }
    answers.extend(ask_endpoints(current, endpoints).await);
    answers
}

async fn ask_server(current: &Current, email: &EmailSettings) -> Result<(), String> {
    let password = email.password.clone().map(|reference| -> Password {
        Box::new(move || Ok(secret::resolve("email.password", &reference)?.expose_secret().to_owned()))
    });
    let domain = current.settings.sender.email.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let account = Account::new(email, domain, password, AccountOptions::default());
    match account.map_err(|error| format!("{error:#}"))?.probe().await {
        Outcome::Delivered { .. } => Ok(()),
        Outcome::Deferred { cause, .. }
        | Outcome::Failed { cause }
        | Outcome::Uncertain { cause }
        | Outcome::AccountHeld { cause }
        | Outcome::Gone { cause } => Err(cause.to_string()),
    }
}

async fn ask_feed(current: &Current, client: &FeedClient, feed: &FeedSettings) -> Result<Option<String>, String> {
    let now = opening::clock().now();
    let reading =
        crate::feed::look(client, feed, None, &BTreeSet::new(), now).await.map_err(|error| format!("{error:#}"))?;
    if let Some(failure) = reading.failure {
        let is_new_folder =
            matches!(&feed.kind, FeedKind::File { path } if path.extension().is_none() && !path.exists());
        if is_new_folder {
            return Ok(Some("the folder is not there yet; the daemon makes it".to_owned()));
        }
        return Err(format!("{}: {}", failure.document, failure.cause));
    }
    if let Some(fault) = reading.file_faults.first() {
        return Err(format!("{}: {}", fault.file.display(), fault.fault));
    }
    let is_ignored =
        |name: &String| feed.ignore.iter().any(|glob| glob_matches(&glob.to_lowercase(), &name.to_lowercase()));
    let names: BTreeSet<String> = reading
        .observations
        .iter()
        .flat_map(|seen| seen.components.clone().unwrap_or_default())
        .filter(|name| !is_ignored(name))
        .collect();
    let unmapped = current.catalog.resolve(&names.into_iter().collect::<Vec<_>>()).unmapped;
    Ok((!unmapped.is_empty()).then(|| format!("no [[component]] matches {}", unmapped.join(", "))))
}

/// Each endpoint by its client's name: its address is a secret.
async fn ask_endpoints(current: &Current, endpoints: &[Endpoint]) -> Vec<Answer> {
    if endpoints.is_empty() {
        return Vec::new();
    }
    let sender = match WebhookSender::new(&current.settings.webhook) {
        Ok(sender) => sender,
        Err(error) => return vec![Answer::of("webhooks".to_owned(), Err(format!("{error:#}")))],
    };
    let questions = endpoints.iter().map(|endpoint| async {
        let answer = sender.knock(&endpoint.url).await;
        let answer = answer.map(|()| None).map_err(|cause| cause.to_string());
        Answer::of(format!("webhook of {}", endpoint.client), answer)
    });
    let mut answers: Vec<Answer> = stream::iter(questions).buffered(AT_ONCE).collect().await;
    if endpoints.len() == MOST_ENDPOINTS
        && let Some(last) = answers.last_mut()
    {
        last.remark = Some(format!("only {MOST_ENDPOINTS} webhooks are asked"));
    }
    answers
}
