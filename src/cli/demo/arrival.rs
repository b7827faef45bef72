//! One message that has arrived, with what the store knows of it: whose it is, why they got it, and the receipt.
//!
//! Deliberately absent: how it is shown (`message`).

use std::collections::BTreeMap;

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::Value;

use super::audience::Audience;
use super::inbox::Received;
use super::letter::{self, Letter};
use crate::domain::case::Case;
use crate::domain::incident::Need;
use crate::domain::thread::Variant;
use crate::store::Store;
use crate::store::rows::{LedgerFilter, LedgerRow, LedgerState};

/// More rows than the demo can have.
const ROWS_MOST: i64 = 1_000;

/// What the store holds of the case when a message arrives.
pub struct Dossier {
    pub rows: Vec<LedgerRow>,
    /// By contact: what planning found for whoever was told last.
    found: BTreeMap<i64, Variant>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Over,
}

impl Dossier {
    /// # Errors
    /// The store failed.
    pub async fn read(store: &Store, case: &Case) -> anyhow::Result<Dossier> {
        let case_key = case.key;
        let stage = if case.facts.phase.is_over() { Stage::Over } else { Stage::Open };
        let rows = store.deliveries(LedgerFilter::Case(case_key), ROWS_MOST).await?;
        let variants: BTreeMap<i64, Variant> = store.case_variants(case_key).await?.into_iter().collect();
        let threads = store.case_threads(case_key).await?;
        let found = threads
            .into_iter()
            .filter_map(|thread| Some((thread.contact_key, variants.get(&thread.variant)?.clone())))
            .collect();
        Ok(Dossier { rows, found, stage })
    }

    fn last_delivered(&self, address: &str) -> Option<&LedgerRow> {
        let mut rows: Vec<&LedgerRow> = self.rows.iter().filter(|row| row.address == address).collect();
        rows.sort_by_key(|row| row.id.sequence);
        rows.into_iter().rfind(|row| row.state == LedgerState::Delivered)
    }
}

#[derive(Debug, Clone)]
pub enum Sort {
    Mail(Letter),
    Webhook(Value),
}

#[derive(Debug, Clone)]
pub struct Arrival {
    /// Over all clients, from 1; set once the order is known.
    pub number: usize,
    pub at: Timestamp,
    pub client: String,
    pub address: String,
    pub contact_key: i64,
    pub sort: Sort,
    /// Why this client gets it, and what is needed of them.
    pub why: String,
    /// The other side's answer, as the ledger holds it.
    pub receipt: String,
    pub bytes: Vec<u8>,
}

impl Arrival {
    /// # Errors
    /// The message cannot be read, or the ledger does not hold it as delivered.
    pub fn of(received: Received, audience: &Audience, dossier: &Dossier, at: Timestamp) -> anyhow::Result<Arrival> {
        let (client, address, sort, bytes) = match received {
            Received::Mail { to, bytes } => {
                let letter = letter::open(&bytes).context("a mail arrived that has no text version")?;
                (audience.owner_of(&to)?, to, Sort::Mail(letter), bytes)
            }
            Received::Webhook { client, body } => {
                let client = audience.member(&client)?;
                let address = client.webhook().context("a webhook arrived at a client that has none")?.to_owned();
                let value = serde_json::from_slice(&body).context("a webhook arrived that is no JSON")?;
                (client, address, Sort::Webhook(value), body)
            }
        };
        let row = dossier
            .last_delivered(&address)
            .with_context(|| format!("a message to {} arrived, and the ledger does not say so", client.name()))?;
        let stage = dossier.stage;
        let why = dossier.found.get(&row.id.contact_key).map(|found| why(found, stage)).unwrap_or_default();
        Ok(Arrival {
            number: 0,
            at,
            client: client.id().to_owned(),
            contact_key: row.id.contact_key,
            why,
            receipt: row.receipt.clone().unwrap_or_default(),
            address,
            sort,
            bytes,
        })
    }

    /// Whether this is the word that it is over.
    pub fn closes(&self) -> bool {
        let phase = match &self.sort {
            Sort::Mail(letter) => letter.phase.as_str(),
            Sort::Webhook(body) => body["data"]["case"]["phase"].as_str().unwrap_or_default(),
        };
        phase == "resolved"
    }

    /// The time of the next word that the message promises, where it says so in figures.
    pub fn promised(&self) -> Option<Timestamp> {
        match &self.sort {
            Sort::Mail(_) => None,
            Sort::Webhook(body) => body["data"]["notice"]["next_update_by"].as_str()?.parse().ok(),
        }
    }

    /// Under which it is kept: `07-globex.eml`.
    pub fn file_name(&self) -> String {
        let ending = match self.sort {
            Sort::Mail(_) => "eml",
            Sort::Webhook(_) => "json",
        };
        format!("{:02}-{}.{ending}", self.number, self.client)
    }
}

fn why(found: &Variant, stage: Stage) -> String {
    let names: Vec<String> = found
        .concerned
        .iter()
        .map(|(rank, name)| if *rank == 0 { name.clone() } else { format!("{name} (their priority {rank})") })
        .collect();
    let names = if names.is_empty() { vec!["everything that the page lists".to_owned()] } else { names };
    let ids: Vec<&str> = found.actions.iter().map(|action| action.id.as_str()).collect();
    let by = if ids.is_empty() { String::new() } else { format!(" (playbook: {})", ids.join(", ")) };
    if stage == Stage::Over {
        return format!("depends on {}, and was told that it began", names.join(" and "));
    }
    let needed = match (found.need, found.known) {
        (Need::Required, _) => format!("something is required of them{by}"),
        (Need::Maybe, _) => format!("something may help them{by}"),
        (Need::None, true) => format!("nothing is needed of them{by}"),
        (Need::None, false) => "no playbook entry fits".to_owned(),
    };
    format!("depends on {}; {needed}", names.join(" and "))
}
