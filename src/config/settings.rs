//! The configuration as it is meant: durations are durations, paths are absolute, every key has its default.
//!
//! Deliberately absent: how it was written (`written.rs`) and the secrets themselves, which are read when
//! they are used (`secret.rs`).

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::absence::Ends;
use crate::domain::client::SecretRef;
use crate::domain::notice::Sender;
pub use crate::domain::pace::{Corrections, PaceSettings, PromiseSettings, Unscoped};

#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The configuration file itself, as the user named it.
    pub file: PathBuf,
    pub state: PathBuf,
    /// A file (.toml, .csv) or a folder of them; need not exist yet.
    pub clients: PathBuf,
    pub playbook: PathBuf,
    pub templates: PathBuf,
    pub listen: Option<Listen>,
    pub admin: Option<Listen>,
    pub public_url: Option<String>,
    pub retain: Duration,
    pub deliver: Deliver,
    pub sender: Sender,
    pub feeds: Vec<FeedSettings>,
    pub hooks: Vec<HookSettings>,
    pub components: Vec<ComponentSettings>,
    pub email: Option<EmailSettings>,
    pub webhook: WebhookSettings,
    pub promise: PromiseSettings,
    pub pace: PaceSettings,
    pub guard: GuardSettings,
    pub operator: OperatorSettings,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deliver {
    Live,
    Rehearse,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FeedSettings {
    pub name: String,
    pub kind: FeedKind,
    pub every: Duration,
    /// Its words are quoted under this name.
    pub supplier: Option<String>,
    /// The name our own words are quoted under.
    pub voice: Option<String>,
    pub first_sight: FirstSight,
    /// Our components that the feed's unscoped cases concern.
    pub components: Vec<String>,
    /// Globs of component names that mean nothing.
    pub ignore: Vec<String>,
    pub same_as: Option<String>,
    pub was: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum FeedKind {
    /// `url`: the page's address without `/api/v2/…`, no trailing slash.
    Statuspage { url: url::Url },
    /// A file, or a folder read in the order of names.
    File { path: PathBuf },
}

impl FeedKind {
    /// How incidents of such a source end.
    pub fn ends(&self) -> Ends {
        match self {
            FeedKind::Statuspage { .. } | FeedKind::File { .. } => Ends::Stated,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstSight {
    Silent,
    Announce,
}

#[derive(Debug, Clone, PartialEq)]
pub struct HookSettings {
    pub name: String,
    pub kind: HookKind,
    pub feed: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum HookKind {
    /// The update format; proves itself by a Standard Webhooks signature or a bearer token. Either list
    /// may hold several for rotation; at least one of both is set.
    Native { secrets: Vec<SecretRef>, tokens: Vec<SecretRef> },
    /// Only makes its feed due now; known by the token in its path.
    Statuspage { tokens: Vec<SecretRef> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentSettings {
    pub id: String,
    pub name: String,
    pub matches: Vec<String>,
    pub words: Vec<String>,
    pub part_of: Option<String>,
    pub depends_on: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct EmailSettings {
    pub server: MailServer,
    pub username: Option<String>,
    pub password: Option<SecretRef>,
    pub connections: usize,
    /// Mails a second.
    pub rate: Option<f64>,
    pub per_day: Option<u64>,
    pub retry: Vec<Duration>,
    pub give_up: Duration,
    pub subject: SubjectStyle,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailServer {
    Smtp { host: String, port: u16, security: Security },
    Maildir { path: PathBuf },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// `smtp://`: no TLS, and no AUTH.
    None,
    /// `smtp+starttls://`: required, never optional.
    StartTls,
    /// `smtps://`.
    Tls,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectStyle {
    /// Three subjects stand out on purpose.
    Standing,
    Constant,
}

#[derive(Debug, Clone, PartialEq)]
pub struct WebhookSettings {
    pub retry: Vec<Duration>,
    pub give_up: Duration,
    /// Private networks that client webhooks may reach: (address, prefix length).
    pub allow: Vec<(std::net::IpAddr, u8)>,
    pub key: Option<SecretRef>,
    pub connections: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuardSettings {
    pub ask_above: Option<u64>,
    pub ask_for: Duration,
    pub unanswered: Unanswered,
    pub unscoped: Unscoped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    Send,
    Hold,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct OperatorSettings {
    pub token: Option<SecretRef>,
    pub heartbeat: Option<SecretRef>,
    /// Addresses of mail or webhook contacts, with the webhook's secret.
    pub contacts: Vec<crate::domain::client::Contact>,
}
