//! One client as written, in TOML or CSV, and what it means.
//!
//! Deliberately absent: where it stood, and what only the whole book can tell (an id that comes twice).

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::path::Path;

use super::clients::ClientRules;
use super::problem::{KeyPath, Mistake, Problems, quoted};
use super::written::{WrittenClient, WrittenContact};
use super::{addresses, values};
use crate::domain::client::{Channel, Client, Contact};
use crate::domain::incident::Impact;

/// All components, as a client's last or only priority.
const ALL: &str = "*";

const MOST_CONTACTS: usize = 100;
const MOST_PRIORITIES: usize = 1_000;
const MOST_TAGS: usize = 100;
const MOST_FACTS: usize = 100;

/// What thresholds a client may set. Maintenance is no threshold: `maintenance = false` turns it off.
const THRESHOLDS: [(&str, Impact); 4] =
    [("none", Impact::None), ("minor", Impact::Minor), ("major", Impact::Major), ("critical", Impact::Critical)];

/// The client that `written` means; `folder` is where relative paths of secrets start. What is wrong is noted
/// in `problems` under `table`; the client is of use only if nothing was.
pub fn client(
    written: &WrittenClient,
    table: &KeyPath,
    folder: &Path,
    rules: &ClientRules,
    problems: &mut Problems,
) -> Client {
    let id = match written.id.as_deref() {
        Some(id) => problems.keep(table, "id", client_id(id)).unwrap_or_default(),
        None => {
            problems.missing(table, "id", "write id = \"acme\": a name of your choice that never changes");
            String::new()
        }
    };
    let name = written.name.as_deref().and_then(|name| problems.keep(table, "name", values::line(name, 200)));
    let timezone =
        written.timezone.as_deref().and_then(|zone| problems.keep(table, "timezone", values::timezone(zone)));
    let locale = written.locale.as_deref().and_then(|tag| problems.keep(table, "locale", values::locale(tag)));
    let min_impact = written
        .min_impact
        .as_deref()
        .and_then(|text| problems.keep(table, "min_impact", values::word(text, &THRESHOLDS)));
    let owner = written.owner.as_deref().and_then(|text| problems.keep(table, "owner", values::line(text, 200)));
    Client {
        name: name.unwrap_or_else(|| id.clone()),
        id,
        timezone: timezone.unwrap_or_else(|| "UTC".to_owned()),
        locale,
        priorities: priorities(&written.priorities, table, rules, problems),
        min_impact: min_impact.unwrap_or(Impact::None),
        maintenance: written.maintenance.unwrap_or(true),
        owner,
        tags: tags(&written.tags, table, problems),
        facts: facts(&written.facts, table, problems),
        contacts: contacts(problems, table, &written.contact, folder, &rules.allow),
    }
}

/// Anything without white space and control characters: it stands in listings, webhooks and calls.
pub fn is_id(written: &str) -> bool {
    (1..=100).contains(&written.chars().count())
        && !written.chars().any(|c| c.is_whitespace() || c.is_control() || "/\\\"'|,;".contains(c))
}

fn client_id(written: &str) -> Result<String, Mistake> {
    if is_id(written) {
        return Ok(written.to_owned());
    }
    Err(Mistake::with_help(
        format!("{} cannot be a client's id", quoted(written)),
        "write 1 to 100 characters without spaces, quotes, slashes, commas or bars",
    ))
}

fn priorities(written: &[String], table: &KeyPath, rules: &ClientRules, problems: &mut Problems) -> Vec<String> {
    if too_many(written.len(), MOST_PRIORITIES, table, "priorities", problems) {
        return Vec::new();
    }
    let mut kept: Vec<String> = Vec::with_capacity(written.len());
    for (index, one) in written.iter().enumerate() {
        if one == ALL && index + 1 < written.len() {
            let help = "write it last: what stands before it matters more, in that order";
            let mistake = Mistake::with_help("\"*\" is all others, and others come after it", help);
            problems.add(table.key("priorities").index(index), mistake);
            continue;
        }
        let component = if one == ALL { Ok(ALL.to_owned()) } else { rules.component(one) };
        let result = component.and_then(|id| {
            if kept.contains(&id) { Err(Mistake::new(format!("{} is listed twice", quoted(one)))) } else { Ok(id) }
        });
        match result {
            Ok(id) => kept.push(id),
            Err(mistake) => problems.add(table.key("priorities").index(index), mistake),
        }
    }
    kept
}

fn tags(written: &[String], table: &KeyPath, problems: &mut Problems) -> Vec<String> {
    if too_many(written.len(), MOST_TAGS, table, "tags", problems) {
        return Vec::new();
    }
    let mut kept = Vec::with_capacity(written.len());
    for (index, one) in written.iter().enumerate() {
        match values::line(one, 100) {
            Ok(tag) => kept.push(tag),
            Err(mistake) => problems.add(table.key("tags").index(index), mistake),
        }
    }
    kept
}

fn facts(written: &BTreeMap<String, String>, table: &KeyPath, problems: &mut Problems) -> BTreeMap<String, String> {
    if too_many(written.len(), MOST_FACTS, table, "facts", problems) {
        return BTreeMap::new();
    }
    for (name, text) in written {
        if !is_variable(name) {
            let mistake = Mistake::with_help(
                format!("{} cannot be the name of a fact", quoted(name)),
                "write letters, digits and underscores, a letter first, as templates name it: {{ facts.region }}",
            );
            problems.add(table.key("facts").key(name), mistake);
        }
        if text.len() > 2_000 || text.chars().any(|c| c.is_control() && c != '\n') {
            let mistake = Mistake::new("the fact has more than 2000 characters, or holds control characters");
            problems.add(table.key("facts").key(name), mistake);
        }
    }
    written.clone()
}

/// Whether a template can name it: `{{ facts.NAME }}`.
pub fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn too_many(found: usize, most: usize, table: &KeyPath, key: &str, problems: &mut Problems) -> bool {
    if found > most {
        problems.add(table.key(key), Mistake::new(format!("the list has {found} entries; at most {most} are allowed")));
    }
    found > most
}

/// The contacts at `table`, each with its address normalised; the same address twice is a mistake.
pub fn contacts(
    problems: &mut Problems,
    table: &KeyPath,
    written: &[WrittenContact],
    folder: &Path,
    allow: &[(IpAddr, u8)],
) -> Vec<Contact> {
    if too_many(written.len(), MOST_CONTACTS, table, "contact", problems) {
        return Vec::new();
    }
    let mut seen: HashSet<(Channel, String)> = HashSet::new();
    let mut kept = Vec::with_capacity(written.len());
    for (index, one) in written.iter().enumerate() {
        let here = || table.key("contact").index(index);
        let Some(contact) = contact(one, &here, folder, allow, problems) else { continue };
        if seen.insert((contact.channel, contact.address.clone())) {
            kept.push(contact);
        } else {
            let mistake = Mistake::with_help("this client has the same address already", "take one of the two out");
            problems.add(here().key(contact.channel.as_str()), mistake);
        }
    }
    if !kept.is_empty() && kept.iter().all(|contact| contact.fallback) {
        let help = "take `fallback` out of one: a fallback is used when none of the others has accepted";
        problems
            .add(table.key("contact"), Mistake::with_help("every contact is a fallback, so none is told first", help));
    }
    kept
}

fn contact(
    written: &WrittenContact,
    here: &impl Fn() -> KeyPath,
    folder: &Path,
    allow: &[(IpAddr, u8)],
    problems: &mut Problems,
) -> Option<Contact> {
    let name = match written.name.as_deref().map(|name| values::line(name, 100)) {
        Some(Err(mistake)) => {
            problems.add(here().key("name"), mistake);
            None
        }
        Some(Ok(name)) => Some(name),
        None => None,
    };
    let secret = match written.secret.as_ref().map(|secret| values::signing_secret(&secret.0, folder)) {
        Some(Err(mistake)) => {
            problems.add(here().key("secret"), mistake);
            None
        }
        Some(Ok(secret)) => Some(secret),
        None => None,
    };
    let (channel, address) = match (&written.email, &written.webhook) {
        (Some(email), None) => (Channel::Email, addresses::email_address(email)),
        (None, Some(webhook)) => (Channel::Webhook, addresses::webhook_address(webhook, allow)),
        (Some(_), Some(_)) => {
            let help = "write a [[…contact]] table for each address";
            problems.add(here().key("webhook"), Mistake::with_help("one contact has two addresses", help));
            return None;
        }
        (None, None) => {
            let help = "write email = \"…\" or webhook = \"https://…\"";
            problems.add(here(), Mistake::with_help("the contact has no address", help));
            return None;
        }
    };
    if channel == Channel::Email && written.secret.is_some() {
        let mistake = Mistake::with_help("an e-mail contact takes no secret", "take it out; it signs webhooks only");
        problems.add(here().key("secret"), mistake);
    }
    match address {
        Ok(address) => Some(Contact { channel, address, secret, fallback: written.fallback.unwrap_or(false), name }),
        Err(mistake) => {
            problems.add(here().key(channel.as_str()), mistake);
            None
        }
    }
}
