//! What is allowed and yet worth a word from `check`: secrets in plain, files that others can read, what is
//! named and not there.
//!
//! Deliberately absent: clients (the summary of their book has their warnings) and the network.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::clients::BookSummary;
use super::diagnostic::Diagnostic;
use super::document::Document;
use super::locate::read_text;
use super::problem::{KeyPath, Mistake, Problem, Problems};
use super::settings::{HookKind, Settings};
use crate::domain::client::SecretRef;

/// The warnings of a loaded configuration, each at its place in the file as it is now.
pub fn warnings(settings: &Settings) -> Vec<Diagnostic> {
    let mut problems = Problems::default();
    for (path, secret) in secrets(settings) {
        if let Some(mistake) = loose_secret(secret) {
            problems.add(path, mistake);
        }
    }
    nobody_to_tell(settings, &mut problems);
    for (key, path) in [("clients", &settings.clients), ("playbook", &settings.playbook)] {
        if !path.exists() {
            let message = format!("{} does not exist and counts as empty", path.display());
            problems.add(KeyPath::root().key(key), Mistake::new(message));
        }
    }
    if settings.feeds.is_empty() && settings.hooks.is_empty() {
        let help = "write a [[feed]] or a [[hook]]";
        let message = "nothing is watched: only `candor --trigger` starts a case";
        problems.add(KeyPath::root().key("feed"), Mistake::with_help(message, help));
    }
    if settings.public_url.as_deref().is_some_and(|url| url.starts_with("http:")) {
        let help = "write https://… and let a proxy in front of `listen` hold the certificate";
        let message = "clients' pages go over http, which anybody on the way can read";
        problems.add(KeyPath::root().key("public_url"), Mistake::with_help(message, help));
    }
    place(settings, problems)
}

/// The warnings of a book of clients: its own, and what the configuration lacks for it.
pub fn book_warnings(settings: &Settings, book: &BookSummary) -> Vec<Diagnostic> {
    let root = KeyPath::root();
    let mut problems = Problems::default();
    if book.emails > 0 && settings.email.is_none() {
        let message = format!("{} contacts have an e-mail address, and no mail goes out", book.emails);
        problems.add(root.key("email"), Mistake::with_help(message, "write [email] with server = \"…\""));
    }
    if book.webhooks_without_secret > 0 && settings.webhook.key.is_none() {
        let message = format!("{} webhooks of clients have no secret to be signed with", book.webhooks_without_secret);
        let help = "write [webhook] key, which secrets are made from, or a `secret` for each";
        problems.add(root.key("webhook").key("key"), Mistake::with_help(message, help));
    }
    if book.plain_secrets > 0 {
        let message = format!("{} secrets stand in the client files in plain", book.plain_secrets);
        let help = "write { env = \"…\" } or { file = \"…\" }, or leave them out: [webhook] key makes one for each";
        problems.add(root.key("clients"), Mistake::with_help(message, help));
    }
    let mut found = place(settings, problems);
    found.extend(book.warnings.iter().cloned());
    found
}

fn place(settings: &Settings, problems: Problems) -> Vec<Diagnostic> {
    let text = read_text(&settings.file).ok().flatten().unwrap_or_default();
    let document = Document::parse(&settings.file, &text).ok();
    let whole = |problem: &Problem| Diagnostic {
        key: problem.path.to_string(),
        ..Diagnostic::whole_file(&settings.file, problem.mistake.message.clone(), problem.mistake.help.clone())
    };
    let placed = problems.0.into_iter().map(|problem| match &document {
        Some(document) => document.place(problem),
        None => whole(&problem),
    });
    placed.map(Diagnostic::as_warning).collect()
}

/// Every secret of the configuration with its key.
fn secrets(settings: &Settings) -> Vec<(KeyPath, &SecretRef)> {
    let root = KeyPath::root();
    let mut all = Vec::new();
    for (index, hook) in settings.hooks.iter().enumerate() {
        let table = root.key("hook").index(index);
        let (secrets, tokens) = match &hook.kind {
            HookKind::Native { secrets, tokens } => (secrets.as_slice(), tokens.as_slice()),
            HookKind::Statuspage { tokens } => ([].as_slice(), tokens.as_slice()),
        };
        all.extend(secrets.iter().map(|secret| (table.key("secret"), secret)));
        all.extend(tokens.iter().map(|secret| (table.key("token"), secret)));
    }
    if let Some(password) = settings.email.as_ref().and_then(|email| email.password.as_ref()) {
        all.push((root.key("email").key("password"), password));
    }
    all.extend(settings.webhook.key.iter().map(|secret| (root.key("webhook").key("key"), secret)));
    all.extend(settings.operator.token.iter().map(|secret| (root.key("operator").key("token"), secret)));
    for (index, contact) in settings.operator.contacts.iter().enumerate() {
        let path = root.key("operator").key("contact").index(index).key("secret");
        all.extend(contact.secret.iter().map(|secret| (path.clone(), secret)));
    }
    all
}

fn loose_secret(secret: &SecretRef) -> Option<Mistake> {
    match secret {
        SecretRef::Plain(_) => Some(Mistake::with_help(
            "the secret stands in the file in plain",
            "write { credential = \"…\" }, { file = \"…\" } or { env = \"…\" }",
        )),
        SecretRef::File(path) => loose_file(path),
        SecretRef::Credential(_) | SecretRef::Env(_) => None,
    }
}

fn loose_file(path: &Path) -> Option<Mistake> {
    match std::fs::metadata(path) {
        Err(error) => Some(Mistake::new(format!("the secret's file {} cannot be read: {error}", path.display()))),
        Ok(metadata) if metadata.permissions().mode() & 0o004 != 0 => Some(Mistake::with_help(
            format!("everybody on this machine can read the secret's file {}", path.display()),
            format!("chmod 600 {}", path.display()),
        )),
        Ok(_) => None,
    }
}

/// Trouble that nobody on our side hears of goes on.
fn nobody_to_tell(settings: &Settings, problems: &mut Problems) {
    if settings.operator.contacts.is_empty() {
        let help = "write [[operator.contact]] with email = \"oncall@…\"";
        let message = "nobody on our side is told when something goes wrong";
        problems.add(KeyPath::root().key("operator"), Mistake::with_help(message, help));
    }
}
