//! Four clients, and what may become of them in the client files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::dice::Dice;

const PRIORITIES: [&[&str]; 5] = [&["payments"], &["search"], &["*"], &["search", "payments"], &["mail"]];

/// Depends on everything and never changes.
pub const STEADY: &str = "ops@c4.example";

#[derive(Debug, Clone)]
struct Client {
    id: String,
    priorities: &'static [&'static str],
    min_impact: &'static str,
    contacts: Vec<&'static str>,
    is_removed: bool,
}

/// The client files, and everything that each client has ever depended on.
#[derive(Debug, Clone)]
pub struct Clients {
    clients: Vec<Client>,
    pub ever: BTreeMap<String, BTreeSet<String>>,
}

impl Clients {
    pub fn new() -> Clients {
        let client = |number: usize, contacts: &[&'static str], min_impact| Client {
            id: format!("c{number}"),
            priorities: PRIORITIES[number],
            min_impact,
            contacts: contacts.to_vec(),
            is_removed: false,
        };
        let clients = vec![
            client(0, &["ops"], "none"),
            client(1, &["ops", "hook"], "major"),
            client(2, &["ops"], "none"),
            client(3, &["ops", "night"], "none"),
            Client { priorities: &["*"], ..client(4, &["ops"], "none") },
        ];
        let mut book = Clients { clients, ever: BTreeMap::new() };
        book.remember();
        book
    }

    fn remember(&mut self) {
        for client in &self.clients {
            let words = client.priorities.iter().map(|word| (*word).to_owned());
            self.ever.entry(client.id.clone()).or_default().extend(words);
        }
    }

    pub fn moves(&mut self, dice: &mut Dice) -> String {
        // All but the steady one.
        let which = dice.throw(self.clients.len() - 1);
        let client = &mut self.clients[which];
        let words = match dice.throw(4) {
            0 => {
                client.is_removed = !client.is_removed;
                format!("{} is removed: {}", client.id, client.is_removed)
            }
            1 => {
                client.priorities = *dice.one_of::<&[&str]>(&PRIORITIES);
                format!("{} depends on {:?}", client.id, client.priorities)
            }
            2 => {
                client.min_impact = *dice.one_of::<&str>(&["none", "minor", "major", "critical"]);
                format!("{} enters from {}", client.id, client.min_impact)
            }
            _ => {
                client.contacts[0] = if client.contacts[0] == "ops" { "noc" } else { "ops" };
                format!("{} has another address", client.id)
            }
        };
        self.remember();
        words
    }

    pub fn written(&self) -> String {
        let mut text = String::new();
        for client in self.clients.iter().filter(|client| !client.is_removed) {
            let Client { id, priorities, min_impact, contacts, .. } = client;
            write!(text, "[[client]]\nid = \"{id}\"\nname = \"{id}\"\npriorities = {priorities:?}\nmin_impact = \"{min_impact}\"\n").unwrap();
            for contact in contacts {
                text.push_str("[[client.contact]]\n");
                match *contact {
                    "hook" => writeln!(text, "webhook = \"https://{id}.example/hook\"").unwrap(),
                    name => writeln!(text, "email = \"{name}@{id}.example\"").unwrap(),
                }
                if *contact == "night" {
                    text.push_str("fallback = true\n");
                }
            }
        }
        text
    }
}
