//! The command line as users write it.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::daemon::logging::LogFormat;

/// Tells a company's clients the truth about its incidents: what happened, where it stands, and what they
/// need to do.
#[derive(Debug, Clone, Parser)]
#[command(name = "candor", version, max_term_width = 100, args_conflicts_with_subcommands = false)]
pub struct Arguments {
    /// The configuration; else $CANDOR_CONFIG, /etc/candor/candor.toml, ./config/candor.toml
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,

    /// How the log is written to standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Auto, global = true, value_name = "FORMAT")]
    pub log_format: LogFormat,

    /// Manual trigger: takes one update (TOML or JSON; - is standard input) and notifies
    #[arg(long, value_name = "FILE")]
    pub trigger: Option<PathBuf>,

    /// With --trigger: shows who would get what, and stores nothing
    #[arg(long, requires = "trigger")]
    pub dry_run: bool,

    /// With --trigger: ends when every delivery is settled, or after this time
    #[arg(long, requires = "trigger", value_name = "TIME", num_args = 0..=1, default_missing_value = "10m", require_equals = true)]
    pub wait: Option<String>,

    /// Makes the answer one JSON document
    #[arg(long, global = true)]
    pub json: bool,

    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Follows the feeds, takes webhooks and notifies, until SIGTERM (the default)
    Run,
    /// Replays a recorded incident with nothing set up, and shows each message as it arrives
    Demo {
        /// Keeps the messages, the state and the configuration in this folder, which must be new or empty
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
    },
    /// Validates configuration, clients, playbook and templates
    Check {
        /// Also asks SMTP servers, feeds and endpoints
        #[arg(long)]
        online: bool,
    },
}
