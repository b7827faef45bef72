//! Sets up the log: standard error for people, JSON on request, the journal's own fields under systemd.
//!
//! Deliberately absent: addresses, tokens and bodies, which no line holds at any level, and other crates'
//! chatter below warnings.

use std::ffi::OsString;
use std::io::IsTerminal as _;

use clap::ValueEnum;
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::journal::{self, Journal};
use crate::config::problem::quoted;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// The journal's fields when standard error is the journal, else lines for people.
    Auto,
    Human,
    Json,
}

/// The levels that `$CANDOR_LOG` may name.
const LEVELS: [(&str, Level); 5] = [
    ("error", Level::ERROR),
    ("warn", Level::WARN),
    ("info", Level::INFO),
    ("debug", Level::DEBUG),
    ("trace", Level::TRACE),
];

/// What `$CANDOR_LOG` asks for; `None` if it is not set, or empty, as people unset it.
///
/// # Errors
/// What was found and what is allowed, in a sentence.
fn asked_for(set: Option<OsString>) -> Result<Option<Level>, String> {
    let Some(set) = set.filter(|set| !set.is_empty()) else { return Ok(None) };
    let text = set.to_string_lossy();
    let wanted = text.trim().to_lowercase();
    if wanted.is_empty() {
        return Ok(None);
    }
    match LEVELS.iter().find(|(name, _)| *name == wanted) {
        Some((_, level)) => Ok(Some(*level)),
        None => Err(format!(
            "$CANDOR_LOG is {}, which is no level; write one of: error, warn, info, debug, trace",
            quoted(&text)
        )),
    }
}

/// Other crates stay at `warn` whatever is asked for: some of them print what they send.
fn filter(level: Level) -> EnvFilter {
    // The verifier logs each untrusted certificate as an error; the delivery's cause says it, once a hold.
    EnvFilter::new(format!("warn,rustls_platform_verifier=off,candor={level}"))
}

/// `level` is what is shown unless `$CANDOR_LOG` says otherwise: `info` for the daemon, `warn` for commands. What it
/// says is logged as a warning if it is no level.
pub fn start(format: LogFormat, level: Level) {
    let asked = asked_for(std::env::var_os("CANDOR_LOG"));
    begin(format, filter(asked.clone().ok().flatten().unwrap_or(level)));
    if let Err(why) = asked {
        tracing::warn!("{why}");
    }
}

fn begin(format: LogFormat, filter: EnvFilter) {
    let registry = tracing_subscriber::registry().with(filter);
    if format == LogFormat::Auto
        && journal::takes_standard_error()
        && let Ok(journal) = Journal::connect()
    {
        registry.with(journal).init();
        return;
    }
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).init(),
        LogFormat::Auto | LogFormat::Human => {
            let colours =
                std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
            registry.with(lines.with_ansi(colours).with_target(false)).init();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_asks_for_nothing_and_a_faulty_one_is_named() {
        let check = |set: Option<&str>, expected: Result<Option<Level>, &str>| {
            let found = asked_for(set.map(OsString::from));
            match (&found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(*found, expected, "{set:?}"),
                (Err(found), Err(part)) => assert!(found.contains(part) && found.contains("error, warn"), "{found}"),
                (found, expected) => panic!("{set:?}: found {found:?}, expected {expected:?}"),
            }
        };
        check(None, Ok(None));
        check(Some(""), Ok(None));
        check(Some("  "), Ok(None));
        check(Some("debug"), Ok(Some(Level::DEBUG)));
        check(Some("WARN"), Ok(Some(Level::WARN)));
        check(Some("verbose"), Err("\"verbose\""));
        check(Some("candor=debug"), Err("no level"));
    }
}
