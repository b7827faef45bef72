//! Writes to the terminal: results to standard output, everything else to standard error; a closed pipe is no
//! fault. Colour only on a terminal, never with `NO_COLOR`.

use std::io::{IsTerminal as _, Write as _};

use crate::config::diagnostic::{self, Diagnostic, Drawing};
use crate::config::settings::{MailServer, Security, Settings};

/// Writes a result. A reader that has gone away (`| head`) ends the writing, not the command.
pub fn result(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = out.write_all(b"\n");
    }
    let _ = out.flush();
}

/// Says something that is no result.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

pub fn problem(text: &str) {
    note(&format!("candor: {text}"));
}

/// Draws what is wrong with files: file, line, the key underlined, and what to do.
pub fn diagnostics(found: &[Diagnostic]) {
    let drawing = if colours() { Drawing::Coloured } else { Drawing::Plain };
    note(&diagnostic::draw(found, drawing));
}

fn colours() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// What a command that sends works with, named before it does anything.
pub fn surroundings(settings: &Settings) {
    let server = settings.email.as_ref().map_or("none".to_owned(), |email| match &email.server {
        MailServer::Maildir { path } => format!("maildir:{}", path.display()),
        MailServer::Smtp { host, port, security } => {
            let scheme = match security {
                Security::None => "smtp",
                Security::StartTls => "smtp+starttls",
                Security::Tls => "smtps",
            };
            format!("{scheme}://{host}:{port}")
        }
    });
    note(&format!(
        "configuration {}, state {}, mail server {server}",
        settings.file.display(),
        settings.state.display()
    ));
}

/// A bar for waiting on many deliveries; nothing where standard error is no terminal.
pub fn progress() -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::new(0);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
    }
    bar
}
