//! Writes to the terminal: results to standard output, everything else to standard error; a closed pipe is no
//! fault. Colour only on a terminal, never with `NO_COLOR`.

use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use super::exit::Exit;
use crate::config::diagnostic::{self, Cause, Diagnostic, Drawing};
use crate::config::settings::{MailServer, Security, Settings};

/// Writes a result. A reader that has gone away (`| head`) ends the writing, not the command.
pub fn result(text: &str) {
    let written = write_result(text);
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
        && !IS_LOST.swap(true, Ordering::Relaxed)
    {
        problem(&format!("the result cannot be written: {error}"));
    }
}

/// Whether a part of the result could not be written, for any other reason than a reader that has gone away.
static IS_LOST: AtomicBool = AtomicBool::new(false);

/// The status to end with: a result that nobody can read is a failure.
pub fn ended(exit: Exit) -> Exit {
    if exit == Exit::Done && IS_LOST.load(Ordering::Relaxed) { Exit::Failed } else { exit }
}

fn write_result(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Says something that is no result.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

pub fn problem(text: &str) {
    note(&format!("candor: {text}"));
}

/// Says what went wrong with us or this machine: each cause once, and what to do where a right is missing.
pub fn fault(error: &anyhow::Error) -> Exit {
    if let Some(FilesAtFault(found)) = error.downcast_ref() {
        return wrong(found);
    }
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(&format!(": {cause}"));
        }
    }
    problem(&text);
    if lacks_a_right(error) {
        note(
            "this user may not do that; run it as root or as the user that the daemon runs as, for example: sudo candor cases",
        );
    }
    Exit::Failed
}

fn lacks_a_right(error: &anyhow::Error) -> bool {
    let is_denied =
        |cause: &std::io::Error| matches!(cause.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem);
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(is_denied)
            || cause.to_string().contains("attempt to write a readonly database")
    })
}

/// A word of ours over a part of a result: bold on a terminal that shows colours.
pub fn heading(text: &str) -> String {
    if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty()) {
        format!("\u{1b}[1m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// The one JSON document of a command that was called with `--json`.
pub fn json(document: &impl serde::Serialize) {
    match serde_json::to_string_pretty(document) {
        Ok(text) => result(&text),
        Err(error) => problem(&format!("the answer could not be written as JSON: {error}")),
    }
}

/// Draws what is wrong with files: file, line, the key underlined, and what to do.
pub fn diagnostics(found: &[Diagnostic]) {
    let drawing = if colours() { Drawing::Coloured } else { Drawing::Plain };
    note(&diagnostic::draw(found, drawing));
}

/// Draws what is wrong with files, and says with which status to end: what this user may not read is no mistake of
/// theirs.
pub fn wrong(found: &[Diagnostic]) -> Exit {
    diagnostics(found);
    status_of(found)
}

/// Files of ours that a command cannot go on with.
#[derive(Debug, thiserror::Error)]
#[error("the client files are at fault")]
pub struct FilesAtFault(pub Vec<Diagnostic>);

/// The status for files in which this was found.
pub fn status_of(found: &[Diagnostic]) -> Exit {
    if found.iter().all(|one| one.cause == Cause::NoPermission) { Exit::Failed } else { Exit::Wrong }
}

fn colours() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
}

/// What a command that sends works with, named before it does anything.
pub fn surroundings(settings: &Settings) {
    note(&format!(
        "configuration {}, state {}, mail server {}",
        settings.file.display(),
        settings.state.display(),
        mail_server(settings)
    ));
}

/// The mail server as the configuration writes it.
pub fn mail_server(settings: &Settings) -> String {
    settings.email.as_ref().map_or("none".to_owned(), |email| match &email.server {
        MailServer::Maildir { path } => format!("maildir:{}", path.display()),
        MailServer::Smtp { host, port, security } => {
            let scheme = match security {
                Security::None => "smtp",
                Security::StartTls => "smtp+starttls",
                Security::Tls => "smtps",
            };
            format!("{scheme}://{host}:{port}")
        }
    })
}

/// A bar for waiting on many deliveries; nothing where standard error is no terminal.
pub fn progress() -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::new(0);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
    }
    bar
}
