//! Who is to be told: clients, their contacts, and what they depend on.
//!
//! Deliberately absent: secrets (a contact holds a reference, read when it is used) and anything about cases.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::incident::Impact;

/// A company that we keep informed, as the client files describe it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Client {
    /// Chosen by the user, unique in the book.
    pub id: String,
    pub name: String,
    /// IANA name of the zone that times are shown in.
    pub timezone: String,
    /// BCP 47; `None`: the sender's.
    pub locale: Option<String>,
    /// Component ids (or names) in the order that matters to them; `"*"` at the end is all others; empty: told nothing.
    pub priorities: Vec<String>,
    pub min_impact: Impact,
    pub maintenance: bool,
    /// Who on our side answers for them.
    pub owner: Option<String>,
    pub tags: Vec<String>,
    pub facts: BTreeMap<String, String>,
    pub contacts: Vec<Contact>,
}

/// One address of a client on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Contact {
    pub channel: Channel,
    /// Normalised: for mail the domain in lower-case ASCII, for a webhook the URL as parsed.
    pub address: String,
    /// How to find the webhook's secret; never the secret itself unless the file holds it in plain.
    pub secret: Option<SecretRef>,
    /// Used only when none of the client's other contacts has accepted within 5 minutes.
    pub fallback: bool,
    pub name: Option<String>,
}

/// The ways out. A closed set: the compiler names every place that a new one has to fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Email,
    Webhook,
}

impl Channel {
    pub const ALL: [Channel; 2] = [Channel::Email, Channel::Webhook];

    pub fn as_str(self) -> &'static str {
        match self {
            Channel::Email => "email",
            Channel::Webhook => "webhook",
        }
    }

    pub fn from_word(word: &str) -> Option<Channel> {
        Channel::ALL.into_iter().find(|channel| channel.as_str() == word)
    }
}

/// Where a secret is read from, at the moment it is used.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretRef {
    /// Name of a systemd credential in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    File(std::path::PathBuf),
    Env(String),
    /// Written into the file itself; for trying out, `check` warns.
    Plain(String),
}

impl std::fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SecretRef::Credential(name) => write!(f, "Credential({name:?})"),
            SecretRef::File(path) => write!(f, "File({path:?})"),
            SecretRef::Env(name) => write!(f, "Env({name:?})"),
            SecretRef::Plain(_) => f.write_str("Plain(…)"),
        }
    }
}

/// An address as listings show it: enough to tell one contact from another, too little to use. A webhook's
/// path may be its secret, so only its host is shown.
pub fn masked(channel: Channel, address: &str) -> String {
    match channel {
        Channel::Email => match address.rsplit_once('@') {
            Some((local, domain)) => format!("{}…@{domain}", local.chars().next().unwrap_or('…')),
            None => "…".to_owned(),
        },
        Channel::Webhook => {
            let host = address.split_once("://").map_or("", |(_, rest)| rest);
            let host = host.split(['/', '?', '#']).next().unwrap_or("");
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{host}/…")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_address_cannot_be_used() {
        for (channel, address, shown) in [
            (Channel::Email, "ops@acme.example", "o…@acme.example"),
            (Channel::Email, "broken", "…"),
            (Channel::Webhook, "https://acme.example/hooks/s3cr3t?t=1", "acme.example/…"),
            (Channel::Webhook, "https://user:pass@acme.example:8443/x", "acme.example:8443/…"),
        ] {
            assert_eq!(masked(channel, address), shown);
        }
    }
}
