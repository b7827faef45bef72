//! How a case concerns one client: by which of the client's priorities, and how surely.
//!
//! Deliberately absent: whether the client is told (`plan.rs`).

use std::collections::BTreeMap;

use crate::domain::case::{Facts, Scope};
use crate::domain::client::Client;
use crate::domain::component::Catalog;
use crate::domain::notice::Affected;

/// What a case reaches, worked out once for all clients.
#[derive(Debug)]
pub(super) struct Reach<'a> {
    catalog: &'a Catalog,
    scope: Scope,
    /// What the case names, in our keys.
    named: Vec<String>,
    reached: BTreeMap<String, Affected>,
}

/// How the case concerns one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Concern {
    pub(super) affected: Affected,
    /// (rank, our name); empty for `["*"]`, which ranks nothing, and for a case that concerns everybody.
    pub(super) concerned: Vec<(u32, String)>,
    /// Keys that the playbook is asked about, by the client's priorities.
    pub(super) keys: Vec<String>,
}

impl<'a> Reach<'a> {
    pub(super) fn of(facts: &Facts, catalog: &'a Catalog) -> Reach<'a> {
        let named = match facts.scope {
            Scope::Named | Scope::NamedByPerson => catalog.resolve(&facts.components).keys,
            Scope::Unscoped | Scope::Everyone | Scope::Nobody => Vec::new(),
        };
        Reach { catalog, scope: facts.scope, reached: catalog.reach(&named), named }
    }

    /// The priorities that the case reaches; `None`: everybody's.
    pub(super) fn priorities(&self) -> Option<Vec<String>> {
        match self.scope {
            Scope::Everyone => None,
            Scope::Named | Scope::NamedByPerson => Some(self.reached.keys().cloned().collect()),
            Scope::Unscoped | Scope::Nobody => Some(Vec::new()),
        }
    }

    /// `None`: nothing of the client's is concerned, or they have no priorities.
    pub(super) fn concern(&self, client: &Client) -> Option<Concern> {
        if client.priorities.is_empty() {
            return None;
        }
        match self.scope {
            Scope::Unscoped | Scope::Nobody => None,
            Scope::Everyone => Some(Concern { affected: Affected::Possibly, concerned: vec![], keys: vec![] }),
            Scope::Named | Scope::NamedByPerson if client.priorities.iter().any(|p| p == "*") => {
                Some(Concern { affected: Affected::Confirmed, concerned: vec![], keys: self.named.clone() })
            }
            Scope::Named | Scope::NamedByPerson => self.concern_by_priority(client),
        }
    }

    fn concern_by_priority(&self, client: &Client) -> Option<Concern> {
        let hits: Vec<(u32, &String, Affected)> = (1..)
            .zip(&client.priorities)
            .filter_map(|(rank, key)| self.reached.get(key).map(|affected| (rank, key, *affected)))
            .collect();
        let affected = hits.iter().map(|(_, _, affected)| *affected).max()?;
        let surest: Vec<_> = hits.into_iter().filter(|(_, _, how)| *how == affected).collect();
        let keys = surest.iter().map(|(_, key, _)| (*key).clone()).collect();
        let concerned = surest.iter().map(|(rank, key, _)| (*rank, self.catalog.name_of(key))).collect();
        Some(Concern { affected, concerned, keys })
    }

    /// The client's other priorities, of which no problem is reported. A case that names nothing says that of none.
    pub(super) fn untouched(&self, client: &Client, concerned: &[(u32, String)]) -> Vec<(u32, String)> {
        match self.scope {
            Scope::Unscoped | Scope::Everyone | Scope::Nobody => return Vec::new(),
            Scope::Named | Scope::NamedByPerson => {}
        }
        (1..)
            .zip(&client.priorities)
            .filter(|(rank, key)| {
                *key != "*" && !self.reached.contains_key(*key) && !concerned.iter().any(|(other, _)| other == rank)
            })
            .map(|(rank, key)| (rank, self.catalog.name_of(key)))
            .collect()
    }
}
