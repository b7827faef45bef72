//! `candor clients secret ID`: the secret that is made for a client's webhooks, to be handed to that client.
//!
//! Read from the files, so that it works before the first start. Deliberately absent: secrets that the files
//! name themselves.

use super::arguments::Arguments;
use super::exit::Exit;
use super::{opening, show};
use crate::config::clients::{self, BookError, ClientRules};
use crate::domain::client::{self, Channel, Client};
use crate::passes::current::Current;
use crate::passes::lanes;

pub fn secret(arguments: &Arguments, id: &str) -> Exit {
    match derived(arguments, id) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn derived(arguments: &Arguments, id: &str) -> Result<Exit, Exit> {
    let current = opening::files(arguments)?;
    let client = find(&current, id)?;
    let webhooks: Vec<_> = client.contacts.iter().filter(|contact| contact.channel == Channel::Webhook).collect();
    if webhooks.is_empty() {
        show::problem(&format!("the client {id:?} has no webhook"));
        return Err(Exit::Failed);
    }
    let mut secrets = Vec::new();
    for contact in webhooks.into_iter().filter(|contact| contact.secret.is_none()) {
        let secret = lanes::webhook_secret(None, current.settings.webhook.key.as_ref(), &client.id, &contact.address);
        let secret = secret.map_err(|error| show::fault(&error))?;
        secrets.push((client::masked(contact.channel, &contact.address), secret.to_text()));
    }
    if secrets.is_empty() {
        show::note(&format!("every webhook of {id:?} has a secret of its own in the client files"));
    }
    if arguments.json {
        let listed = secrets.iter().map(
            |(to, secret)| serde_json::json!({ "client": client.id, "channel": "webhook", "to": to, "secret": secret }),
        );
        show::json(&listed.collect::<Vec<_>>());
        return Ok(Exit::Done);
    }
    for (to, secret) in &secrets {
        show::note(&format!("for {to}:"));
        show::result(secret);
    }
    Ok(Exit::Done)
}

fn find(current: &Current, id: &str) -> Result<Client, Exit> {
    let rules = ClientRules::new(&current.settings, &current.playbook);
    let mut found = None;
    let read = clients::for_each_client(&current.settings.clients, &rules, &mut |client| {
        if client.id == id {
            found = Some(client);
        }
        Ok(())
    });
    match (read, found) {
        (Ok(_), Some(client)) => Ok(client),
        (Ok(_), None) => {
            show::problem(&format!("there is no client {id:?} in {}", current.settings.clients.display()));
            Err(Exit::Failed)
        }
        (Err(BookError::Faulty(faults)), _) => Err(show::wrong(&faults)),
        (Err(BookError::Sink(error)), _) => Err(show::fault(&error)),
    }
}
