//! The demo's clients as they are introduced: who, where, in which language, depending on what.
//!
//! Deliberately absent: who is told; the passes decide that from the store's book.

use anyhow::Context as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::stage;
use crate::domain::client::{Channel, Client};
use crate::store::Store;

/// In the order in which they are shown.
const CLIENTS: [&str; 4] = ["acme", "globex", "initech", "umbrella"];

/// All clients.
pub struct Audience(Vec<Client>);

impl Audience {
    /// # Errors
    /// The store failed, or lacks one.
    pub async fn read(store: &Store) -> anyhow::Result<Audience> {
        let mut clients = Vec::new();
        for id in CLIENTS {
            clients.push(store.client(id.to_owned()).await?.with_context(|| format!("the book lacks {id}"))?);
        }
        Ok(Audience(clients))
    }

    pub fn all(&self) -> impl Iterator<Item = Member<'_>> {
        self.0.iter().map(Member)
    }

    pub fn member(&self, id: &str) -> anyhow::Result<Member<'_>> {
        self.all().find(|member| member.0.id == id).with_context(|| format!("no client {id} is in the book"))
    }

    /// Whose address this is.
    pub fn owner_of(&self, address: &str) -> anyhow::Result<Member<'_>> {
        let owns = |member: &Member<'_>| member.0.contacts.iter().any(|contact| contact.address == address);
        self.all().find(owns).context("a message went to an address that is nobody's")
    }
}

/// One client.
#[derive(Clone, Copy)]
pub struct Member<'a>(&'a Client);

impl<'a> Member<'a> {
    pub fn id(self) -> &'a str {
        &self.0.id
    }

    pub fn name(self) -> &'a str {
        &self.0.name
    }

    /// "New York", from the zone's name.
    pub fn city(self) -> String {
        self.0.timezone.rsplit('/').next().unwrap_or_default().replace('_', " ")
    }

    /// The hour and minute on the client's wall.
    pub fn clock(self, time: Timestamp) -> String {
        let zone = TimeZone::get(&self.0.timezone).unwrap_or(TimeZone::UTC);
        stage::clock(time, &zone)[..5].to_owned()
    }

    /// The address that a webhook to this client goes to.
    pub fn webhook(self) -> Option<&'a str> {
        let mut contacts = self.0.contacts.iter();
        contacts.find(|contact| contact.channel == Channel::Webhook).map(|contact| contact.address.as_str())
    }

    pub fn introduction(self) -> String {
        let language = match self.0.locale.as_deref() {
            Some("de") => "German",
            Some(_) | None => "English",
        };
        let names: Vec<&str> = self.0.priorities.iter().map(|id| component(id)).collect();
        let channels: Vec<&str> = self
            .0
            .contacts
            .iter()
            .map(|contact| match contact.channel {
                Channel::Email => "mail",
                Channel::Webhook => "webhook",
            })
            .collect();
        format!(
            "{:<18}  {:<8} {:<7} {:<14} {}",
            self.name(),
            self.city(),
            language,
            channels.join(" + "),
            names.join(", then ")
        )
    }
}

/// The names of the demo's components, as its configuration gives them.
fn component(id: &str) -> &str {
    match id {
        "compute" => "Compute Engine",
        "console" => "Cloud Console",
        "storage" => "Cloud Storage",
        "*" => "everything",
        other => other,
    }
}
