//! The dead man's switch: a web address that is fetched each minute while every pass moves.
//!
//! Whoever watches that address raises the alarm when it falls silent. Deliberately absent: any word about what is
//! wrong; a candor that could say it would not need the switch. The address is a secret and in no log.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;

use super::repeat::Progress;
use crate::config::secret;
use crate::passes::Shared;

const EVERY: Duration = Duration::from_secs(60);
/// The other side has that long to answer.
const WITHIN: Duration = Duration::from_secs(10);

/// Fetches until `stop`.
pub async fn run(shared: &Shared, progress: &Progress, stop: &CancellationToken) {
    let client = match reqwest::Client::builder().timeout(WITHIN).no_proxy().build() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(error = %error.without_url(), "the heartbeat cannot be sent");
            return;
        }
    };
    let mut before: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut fails = Fails::No;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let rounds = progress.rounds();
        let moves = rounds.iter().all(|(pass, round)| before.get(*pass) != Some(round));
        before = rounds;
        if !moves || shared.store.is_broken() || shared.store.is_full() {
            tracing::error!("not all passes move: no heartbeat is sent");
            continue;
        }
        let Some(address) = &shared.current.load().settings.operator.heartbeat.clone() else { continue };
        let beat = beat(&client, address).await;
        match (&beat, fails) {
            (Err(cause), Fails::No) => {
                tracing::error!(cause, "the heartbeat could not be sent; it is tried each minute");
            }
            (Ok(()), Fails::Said) => tracing::info!("the heartbeat is answered again"),
            (Err(_), Fails::Said) | (Ok(()), Fails::No) => {}
        }
        fails = if beat.is_err() { Fails::Said } else { Fails::No };
    }
}

#[derive(Clone, Copy)]
enum Fails {
    No,
    Said,
}

async fn beat(client: &reqwest::Client, address: &crate::domain::client::SecretRef) -> Result<(), String> {
    let address = secret::resolve("operator.heartbeat", address).map_err(|error| format!("{error:#}"))?;
    let answer = client.get(address.expose_secret()).send().await.map_err(|error| error.without_url().to_string())?;
    if answer.status().is_success() { Ok(()) } else { Err(format!("answered {}", answer.status().as_u16())) }
}
