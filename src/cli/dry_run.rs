//! `--dry-run`: who would get what. Nothing is stored and nothing is sent.

use std::collections::BTreeSet;

use super::arguments::Arguments;
use super::exit::Exit;
use super::outlook::{self, Outlook, Prospect, Reached};
use super::{listing, show, wait};
use crate::domain::client;
use crate::domain::incident::Observation;
use crate::passes::Clock;
use crate::passes::current::Current;

pub use super::outlook::TemporaryFolder;

const HEADER: [&str; 6] = ["CLIENT", "CHANNEL", "TO", "AFFECTED", "NEED", "ACTIONS"];

pub async fn show(arguments: &Arguments, current: Current, seen: Observation, clock: Clock) -> Exit {
    match shown(arguments, &current, &seen, &clock).await {
        Ok(exit) => exit,
        Err(error) => show::fault(&error),
    }
}

async fn shown(arguments: &Arguments, current: &Current, seen: &Observation, clock: &Clock) -> anyhow::Result<Exit> {
    let prospect = match outlook::of(current, seen, clock.now()).await? {
        Outlook::Incomplete(missing) => {
            show::problem(&format!("this opens a new case, and a new case needs {}", key_of(missing)));
            return Ok(Exit::Wrong);
        }
        Outlook::Nobody(why) => {
            if arguments.json {
                show::json(&serde_json::json!({ "clients": 0, "contacts": 0, "told": [], "why": why }));
            } else {
                show::result(&format!("0 clients, 0 contacts: {why}"));
            }
            return Ok(Exit::Done);
        }
        Outlook::Told(prospect) => prospect,
    };
    let (mut clients, mut told) = (BTreeSet::new(), Vec::new());
    prospect
        .for_each(current, &mut |reached| {
            clients.insert(reached.client.id.clone());
            told.push(reached);
            Ok(())
        })
        .await?;
    let why = match told.is_empty() {
        true => wait::why_of(&prospect.story, &outlook::counts(&prospect).await?, current),
        false => None,
    };
    print(arguments, &prospect, clients.len(), &told, why.as_deref());
    Ok(Exit::Done)
}

/// The key of the update format that a new case cannot do without.
pub fn key_of(missing: &str) -> &'static str {
    if missing == "title" { "incident.title" } else { "update.body" }
}

fn print(arguments: &Arguments, prospect: &Prospect, clients: usize, told: &[Reached], why: Option<&str>) {
    let reason = prospect.change.reason().as_str();
    if arguments.json {
        show::json(&serde_json::json!({
            "reason": reason, "clients": clients, "contacts": told.len(),
            "told": told.iter().map(json_line).collect::<Vec<_>>(), "why": why,
        }));
        return;
    }
    show::result(&format!("{clients} clients, {} contacts would be told ({reason})", told.len()));
    if !told.is_empty() {
        show::result(&listing::table(&HEADER, &told.iter().map(line).collect::<Vec<_>>()));
    }
    if let Some(why) = why {
        show::note(why);
    }
    show::note("nothing is stored and nothing is sent");
}

fn json_line(reached: &Reached) -> serde_json::Value {
    serde_json::json!({
        "client": reached.client.id,
        "channel": reached.contact.channel.as_str(),
        "to": client::masked(reached.contact.channel, &reached.contact.address),
        "affected": reached.variant.affected.as_str(),
        "need": reached.variant.need.as_str(),
        "known": reached.variant.known,
        "actions": reached.variant.actions.iter().map(|action| &action.text).collect::<Vec<_>>(),
    })
}

fn line(reached: &Reached) -> Vec<String> {
    let variant = &reached.variant;
    let need = if variant.known { variant.need.as_str() } else { "none, not known" };
    let actions: Vec<String> = variant.actions.iter().map(|action| listing::words(&action.text, 80)).collect();
    vec![
        reached.client.id.clone(),
        reached.contact.channel.as_str().to_owned(),
        client::masked(reached.contact.channel, &reached.contact.address),
        variant.affected.as_str().to_owned(),
        need.to_owned(),
        actions.join("; "),
    ]
}
