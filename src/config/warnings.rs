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
use super::problem::{KeyPath, Mistake, Problem, Problems, quoted};
use super::settings::{HookKind, MailServer, Settings};
use super::{secret, values};
use crate::domain::client::{Channel, SecretRef};
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

/// The mistake of a `sender.locale` that none of the language packs `known` speaks: clients who name no language would
/// silently be written to in English.
pub fn unknown_locale(settings: &Settings, known: &[&str]) -> Diagnostic {
    let locale = &settings.sender.locale;
    let message = format!("there is no language pack {}; there are {}", quoted(locale), known.join(", "));
    let help = format!(
        "write one of these, or put a translated words.toml into {}",
        settings.templates.join(locale).display()
    );
    let path = KeyPath::root().key("sender").key("locale");
    let mut problems = Problems::default();
    problems.add(path, Mistake::with_help(message.clone(), help));
    let mut found = placed(settings, problems);
    found.pop().unwrap_or_else(|| Diagnostic::whole_file(&settings.file, message, None))
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
    } else if is_by_mail(settings) && settings.operator.contacts.iter().all(|c| c.channel == Channel::Email) {
        let help = "add one on another channel, such as webhook = \"https://…\"";
        let message =
            "all contacts of the operator are reached through our one mail account: when it fails, nobody hears of it";
        problems.add(KeyPath::root().key("operator"), Mistake::with_help(message, help));
    }
}

/// Mail goes through an account that may be refused, not into a folder.
fn is_by_mail(settings: &Settings) -> bool {
    settings.email.as_ref().is_some_and(|email| matches!(email.server, MailServer::Smtp { .. }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::clients::{ClientRules, for_each_client};
    use super::super::fixtures::{project, settings, shown};
    use super::super::locate::load;
    use super::*;

    #[test]
    fn what_the_configuration_lacks_for_its_clients_is_said() {
        let mut settings = settings();
        settings.email = None;
        settings.webhook.key = None;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("clients.csv");
        fs::write(&file, "id,priorities,email,webhook,webhook_secret\nx,*,a@x.example,,\nx,*,,https://x.example/a,\nx,*,,https://x.example/b,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").expect("a file");
        let rules = ClientRules::new(&settings, &[]);
        let summary = for_each_client(&file, &rules, &mut |_| Ok(())).expect("is allowed");
        let found: Vec<String> = book_warnings(&settings, &summary).into_iter().map(|one| one.key).collect();
        assert_eq!(found, ["email", "webhook.key", "clients"]);
    }

    #[test]
    fn secrets_in_plain_and_files_that_all_can_read_are_warned_of() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let secret = folder.path().join("smtp.secret");
        fs::write(&secret, "hunter2\n").expect("a file");
        let text = fs::read_to_string(project("tests/fixtures/config/good.toml")).expect("is readable");
        let file = folder.path().join("candor.toml");
        fs::write(&file, text).expect("a file");
        let check = |mode: u32, expected: &[&str]| {
            fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).expect("may be set");
            let settings = load(&file).unwrap_or_else(|found| panic!("{}", shown(&found)));
            let found = warnings(&settings);
            let keys: Vec<&str> = found.iter().map(|one| one.key.as_str()).collect();
            assert_eq!(keys, expected, "{}", shown(&found));
        };
        check(0o600, &["hook[0].secret[1]", "hook[2].token", "operator", "clients", "playbook"]);
        check(0o644, &["hook[0].secret[1]", "hook[2].token", "email.password", "operator", "clients", "playbook"]);
    }

    #[test]
    fn a_secret_that_this_user_cannot_use_is_named_with_its_key_and_never_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("smtp.secret"), "hunter2\n").expect("a file");
        fs::write(folder.path().join("short"), "hunter2\n").expect("a file");
        let text = fs::read_to_string(project("tests/fixtures/config/good.toml")).expect("is readable");
        let file = folder.path().join("candor.toml");
        fs::write(&file, text.replace("{ env = \"TOKEN\" }", "{ file = \"short\" }")).expect("a file");
        let settings = load(&file).unwrap_or_else(|found| panic!("{}", shown(&found)));
        let found = unusable_secrets(&settings);
        let keys: Vec<&str> = found.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(keys, ["hook[0].secret[0]", "hook[1].token", "webhook.key", "operator.token"], "{}", shown(&found));
        assert!(found.iter().all(|one| one.line > 0 && one.help.is_some()), "{}", shown(&found));
        assert!(!shown(&found).contains("hunter2"), "{}", shown(&found));
        let clients = folder.path().join("clients.toml");
        let text = "[[client]]\nid = \"x\"\npriorities = [\"*\"]\n[[client.contact]]\nwebhook = \"https://x.example/h\"\nsecret = { env = \"CANDOR_TEST_NO_SUCH_VARIABLE\" }\n";
        fs::write(&clients, text).expect("a file");
        let rules = ClientRules::new(&settings, &[]);
        let look = |rules: &ClientRules| for_each_client(&clients, rules, &mut |_| Ok(())).expect("is allowed");
        assert_eq!((look(&rules).unusable_secrets, look(&rules).warnings.len()), (0, 0));
        let found = look(&rules.with_secrets_tried());
        assert_eq!(found.unusable_secrets, 1);
        assert_eq!((found.warnings[0].line, found.warnings[0].key.as_str()), (6, "client[x].contact[0].secret"));
    }

    #[test]
    fn a_book_without_clients_is_warned_of() {
        let mut settings = settings();
        settings.email = None;
        let folder = tempfile::tempdir().expect("a folder");
        let check = |path: &Path, part: &str| {
            let settings = Settings { clients: path.to_owned(), ..settings.clone() };
            let summary =
                for_each_client(path, &ClientRules::new(&settings, &[]), &mut |_| Ok(())).expect("is allowed");
            let found = shown(&book_warnings(&settings, &summary));
            assert!(found.contains(part) && found.contains("nobody is told anything"), "{found} lacks {part}");
        };
        check(folder.path(), "holds no file that ends in .toml or .csv");
        for (name, text) in [("a.toml", "# nobody yet\n"), ("b.csv", "id,name,email\n"), ("c.toml", "")] {
            fs::write(folder.path().join(name), text).expect("a file");
            check(&folder.path().join(name), "holds no client");
        }
        check(folder.path(), "holds no client");
    }
}
