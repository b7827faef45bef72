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

    /// With run: begins a new state where the old one is gone
    #[arg(long, global = true)]
    pub new_state: bool,

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
    /// Renders what each client would get for an update; without one, samples of every message
    Preview {
        /// An update (TOML or JSON; - is standard input)
        file: Option<PathBuf>,
        /// Writes text, HTML, JSON and whole mails into this folder instead
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
    /// Lists open cases, and ended ones that still owe somebody a word
    Cases {
        /// Closed and archived ones too
        #[arg(long)]
        all: bool,
    },
    /// One case: what was said, who was told and who was not; and what only a person can decide
    Case(Box<CaseArguments>),
    /// Says something in our name in a case that is open, a feed's too
    Say(Box<SayArguments>),
    /// Lists what waits and what has failed
    Deliveries {
        /// Only what has failed
        #[arg(long, conflicts_with = "all")]
        failed: bool,
        /// Settled ones too
        #[arg(long)]
        all: bool,
        /// Everything of one case: its id, the first characters of it, or its reference
        #[arg(long, value_name = "CASE")]
        case: Option<String>,
        /// What the operator was told, instead
        #[arg(long, conflicts_with_all = ["failed", "all", "case"])]
        operator: bool,
    },
    /// Lists the times of the next word that clients were promised: those yet to be kept
    Promises {
        /// All of one case: its id, the first characters of it, or its reference
        #[arg(conflicts_with_all = ["broken", "all"])]
        case: Option<String>,
        /// Those that were not kept
        #[arg(long, conflicts_with = "all")]
        broken: bool,
        /// Kept and broken ones too
        #[arg(long)]
        all: bool,
    },
    /// Puts failed deliveries back; what is current then is sent
    #[command(group = clap::ArgGroup::new("what").required(true).args(["ids", "all"]))]
    Retry {
        /// Ids that `candor deliveries --failed` lists
        #[arg(value_name = "ID")]
        ids: Vec<String>,
        /// All that have failed
        #[arg(long)]
        all: bool,
    },
    /// What concerns single clients
    Clients {
        #[command(subcommand)]
        command: ClientsCommand,
    },
    /// Writes the completions for a shell to standard output
    Completions { shell: clap_complete::Shell },
    /// Writes the manual page to standard output
    Man,
}

#[derive(Debug, Clone, Subcommand)]
pub enum ClientsCommand {
    /// Shows the secret that is made from [webhook] key for the webhooks of one client
    Secret {
        #[arg(value_name = "CLIENT")]
        id: String,
    },
}

/// A case, and at most one decision about it.
#[derive(Debug, Clone, clap::Args)]
#[command(group = clap::ArgGroup::new("decision").multiple(false))]
pub struct CaseArguments {
    /// Its id, the first characters of it (at least 8), or its reference
    pub case: String,

    /// Says whom it concerns: those who depend on these components (ids or names, with commas)
    #[arg(long, value_delimiter = ',', value_name = "COMPONENT,…", group = "decision")]
    pub components: Vec<String>,

    /// Tells everybody that they are possibly affected
    #[arg(long, group = "decision")]
    pub everyone: bool,

    /// Says that it concerns nobody, until its source names components
    #[arg(long, group = "decision")]
    pub nobody: bool,

    /// Tells a case now that was found open at the first sight of its feed
    #[arg(long, group = "decision")]
    pub announce: bool,

    /// Ends our following; whoever was told that it is open is told so
    #[arg(long, group = "decision")]
    pub close: bool,
}

/// Words of a person, with what else they say.
#[derive(Debug, Clone, clap::Args)]
pub struct SayArguments {
    /// Its id, the first characters of it (at least 8), or its reference
    pub case: String,

    /// What is to be said; without it $EDITOR opens on a form
    pub text: Option<String>,

    /// What clients are to do
    #[arg(long, value_name = "TEXT")]
    pub action: Option<String>,

    /// Whether they have to: required, maybe or none
    #[arg(long, value_name = "NEED")]
    pub need: Option<String>,

    /// By when: a time, or how long from now
    #[arg(long, value_name = "TIME", requires = "action")]
    pub by: Option<String>,

    /// How long it takes them
    #[arg(long, value_name = "TEXT", requires = "action")]
    pub takes: Option<String>,

    /// Where it stands: investigating, identified, monitoring, resolved, …
    #[arg(long, value_name = "PHASE")]
    pub phase: Option<String>,

    /// How bad it is: none, minor, major, critical
    #[arg(long, value_name = "IMPACT")]
    pub impact: Option<String>,

    /// What it concerns, by name or id, with commas
    #[arg(long, value_delimiter = ',', value_name = "COMPONENT,…")]
    pub components: Vec<String>,

    /// When the next word comes: a time, or how long from now
    #[arg(long, value_name = "TIME")]
    pub next: Option<String>,

    /// When the written report comes
    #[arg(long, value_name = "DATE")]
    pub report_by: Option<String>,

    /// "We are sorry." goes with it
    #[arg(long)]
    pub sorry: bool,

    /// Reads a form that was kept, instead of opening $EDITOR
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    pub form: Option<PathBuf>,

    /// Says it without asking
    #[arg(long)]
    pub yes: bool,
}
