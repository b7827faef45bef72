//! What is allowed and yet worth a word from `check`: secrets in plain, files that others can read, secrets that this
//! user cannot use, what is named and not there.
//!
//! Deliberately absent: clients (the summary of their book has their warnings) and the network.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use secrecy::ExposeSecret as _;

use super::clients::BookSummary;
use super::diagnostic::Diagnostic;
use super::document::Document;
use super::locate::read_text;
use super::problem::{KeyPath, Mistake, Problem, Problems};
use super::settings::{HookKind, Settings};
use super::{secret, values};
use crate::domain::client::SecretRef;
use crate::domain::counted::counted;

/// The warnings of a loaded configuration, each at its place in the file as it is now.
pub fn warnings(settings: &Settings) -> Vec<Diagnostic> {
    let mut problems = Problems::default();
    for (path, secret, _) in secrets(settings) {
        if let Some(mistake) = loose_secret(secret) {
            problems.add(path, mistake);
        }
    }
    nobody_to_tell(settings, &mut problems);
    for (key, path) in [("clients", &settings.clients), ("playbook", &settings.playbook)] {
        if !path.exists() {
            let message = format!("{} does not exist and counts as empty", path.display());
            let help = format!("write the file, or name the right one: {key} = \"…\"");
            problems.add(KeyPath::root().key(key), Mistake::with_help(message, help));
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

/// What stands where the configuration names a path, and is of another kind: the start would fail on it.
pub fn misplaced_files(settings: &Settings) -> Vec<Diagnostic> {
    let mut problems = Problems::default();
    if settings.state.is_dir() {
        let message = format!("{} is a folder; the state is one file", settings.state.display());
        let help = format!("write a file in it, such as {}", settings.state.join("candor.db").display());
        problems.add(KeyPath::root().key("state"), Mistake::with_help(message, help));
    }
    if settings.templates.is_file() {
        let message = format!("{} is a file; templates lie in a folder", settings.templates.display());
        problems.add(KeyPath::root().key("templates"), Mistake::with_help(message, "name the folder that it lies in"));
    }
    placed(settings, problems)
}

/// The warnings of a book of clients: its own, and what the configuration lacks for it.
pub fn book_warnings(settings: &Settings, book: &BookSummary) -> Vec<Diagnostic> {
    let root = KeyPath::root();
    let mut problems = Problems::default();
    if book.clients == 0 && settings.clients.exists() {
        let what = if book.files.is_empty() { "holds no file that ends in .toml or .csv" } else { "holds no client" };
        let message = format!("{} {what}: nobody is told anything", settings.clients.display());
        let help = "write a [[client]] table for each client, or a row in a .csv file; config/clients.toml shows how";
        problems.add(root.key("clients"), Mistake::with_help(message, help));
    }
    if book.emails > 0 && settings.email.is_none() {
        let message =
            format!("{} with an e-mail address, and no mail goes out", counted(book.emails, "contact", "contacts"));
        problems.add(root.key("email"), Mistake::with_help(message, "write [email] with server = \"…\""));
    }
    if book.webhooks_without_secret > 0 && settings.webhook.key.is_none() {
        let message = format!(
            "{} of clients without a secret to be signed with",
            counted(book.webhooks_without_secret, "webhook", "webhooks")
        );
        let help = "write [webhook] key, which secrets are made from, or a `secret` for each";
        problems.add(root.key("webhook").key("key"), Mistake::with_help(message, help));
    }
    if book.plain_secrets > 0 {
        let message = format!("{} in plain in the client files", counted(book.plain_secrets, "secret", "secrets"));
        let help = "write { env = \"…\" } or { file = \"…\" }, or leave them out: [webhook] key makes one for each";
        problems.add(root.key("clients"), Mistake::with_help(message, help));
    }
    let mut found = place(settings, problems);
    found.extend(book.warnings.iter().cloned());
    found
}

fn place(settings: &Settings, problems: Problems) -> Vec<Diagnostic> {
    placed(settings, problems).into_iter().map(Diagnostic::as_warning).collect()
}

fn placed(settings: &Settings, problems: Problems) -> Vec<Diagnostic> {
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
    placed.collect()
}

/// What a secret is for, and so what shape it has.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Any,
    /// It signs webhooks (Standard Webhooks).
    Signing,
    /// It stands in a path or header.
    Token,
}

/// The secrets that this user cannot use, each at its place: not there, not to be read, or of another shape. The
/// daemon may be able to, so that each is a warning, and a fault only where it is tried.
pub fn unusable_secrets(settings: &Settings) -> Vec<Diagnostic> {
    let mut problems = Problems::default();
    for (path, secret, shape) in secrets(settings) {
        if let Some(mistake) = unusable(secret, shape) {
            problems.add(path, mistake);
        }
    }
    place(settings, problems)
}

/// Why this user cannot sign a client's webhooks with the secret.
pub(super) fn unusable_signing_secret(reference: &SecretRef) -> Option<Mistake> {
    unusable(reference, Shape::Signing)
}

fn unusable(reference: &SecretRef, shape: Shape) -> Option<Mistake> {
    // What is written in plain was checked when it was read.
    let help = match reference {
        SecretRef::Plain(_) => return None,
        SecretRef::Credential(_) => "it is read when it is used, by the service: see LoadCredential= in its unit",
        SecretRef::File(_) | SecretRef::Env(_) => "it is read when it is used: the daemon needs it, whoever checks",
    };
    let text = match secret::resolve("the secret", reference) {
        Ok(text) => text,
        Err(error) => return Some(Mistake::with_help(format!("this user cannot use {error:#}"), help)),
    };
    let plain = SecretRef::Plain(text.expose_secret().to_owned());
    let checked = match shape {
        Shape::Any => return None,
        Shape::Signing => values::signing_secret(&plain, Path::new("")),
        Shape::Token => values::token(&plain, Path::new("")),
    };
    checked.err()
}

/// Every secret of the configuration with its key.
fn secrets(settings: &Settings) -> Vec<(KeyPath, &SecretRef, Shape)> {
    let root = KeyPath::root();
    let mut all = Vec::new();
    for (index, hook) in settings.hooks.iter().enumerate() {
        let table = root.key("hook").index(index);
        let (secrets, tokens) = match &hook.kind {
            HookKind::Native { secrets, tokens } => (secrets.as_slice(), tokens.as_slice()),
            HookKind::Statuspage { tokens } => ([].as_slice(), tokens.as_slice()),
        };
        let secrets = secrets.iter().enumerate();
        all.extend(secrets.map(|(at, secret)| (table.key("secret").index(at), secret, Shape::Signing)));
        let tokens = tokens.iter().enumerate();
        all.extend(tokens.map(|(at, secret)| (table.key("token").index(at), secret, Shape::Token)));
    }
    if let Some(password) = settings.email.as_ref().and_then(|email| email.password.as_ref()) {
        all.push((root.key("email").key("password"), password, Shape::Any));
    }
    all.extend(settings.webhook.key.iter().map(|secret| (root.key("webhook").key("key"), secret, Shape::Any)));
    all.extend(settings.operator.token.iter().map(|secret| (root.key("operator").key("token"), secret, Shape::Token)));
    for (index, contact) in settings.operator.contacts.iter().enumerate() {
        let path = root.key("operator").key("contact").index(index).key("secret");
        all.extend(contact.secret.iter().map(|secret| (path.clone(), secret, Shape::Signing)));
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
        Ok(metadata) if metadata.permissions().mode() & 0o004 != 0 => Some(Mistake::with_help(
            format!("everybody on this machine can read the secret's file {}", path.display()),
            format!("chmod 600 {}", path.display()),
        )),
        Ok(_) | Err(_) => None,
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
