//! Sets up the log: standard error for people, JSON on request, the journal's own fields under systemd.
//!
//! Deliberately absent: addresses, tokens and bodies, which no line holds at any level, and other crates'
//! chatter below warnings.

use std::io::IsTerminal as _;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// The journal's fields when standard error is the journal, else lines for people.
    Auto,
    Human,
    Json,
}

/// Ours from `info`, others from `warn`; `$CANDOR_LOG` says otherwise. Other crates stay at `warn` whatever it
/// says: some of them print what they send.
fn filter(quiet: &str) -> EnvFilter {
    let wanted = std::env::var("CANDOR_LOG").unwrap_or_else(|_| quiet.to_owned());
    let level = wanted.parse::<tracing::Level>().map_or(tracing::Level::INFO, |level| level);
    // The verifier logs each untrusted certificate as an error; the delivery's cause says it, once a hold.
    EnvFilter::new(format!("warn,rustls_platform_verifier=off,candor={level}"))
}

/// `level` is what is shown unless `$CANDOR_LOG` says otherwise: `info` for the daemon, `warn` for commands.
pub fn start(format: LogFormat, level: &str) {
    let registry = tracing_subscriber::registry().with(filter(level));
    let under_journal = std::env::var_os("JOURNAL_STREAM").is_some();
    if format == LogFormat::Auto
        && under_journal
        && let Ok(journal) = tracing_journald::layer()
    {
        registry.with(journal).init();
        return;
    }
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).init(),
        LogFormat::Auto | LogFormat::Human => {
            let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            registry.with(lines.with_ansi(colours).with_target(false)).init();
        }
    }
}
