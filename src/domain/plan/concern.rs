//! How a case concerns one client: by which of the client's priorities, and how surely.
//!
//! Deliberately absent: whether the client is told (`plan.rs`).

use std::collections::BTreeMap;

use crate::domain::case::{Facts, Scope};
use crate::domain::client::Client;
use crate::domain::component::Catalog;
use crate::domain::faults::{Fault, is_planted};
use crate::domain::notice::Affected;

/// The priority of a client who depends on everything, alone or behind what matters most to them.
const ALL: &str = "*";

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
    /// (rank, our name), ranked ones first; empty for `["*"]` alone, which ranks nothing, and for a case that concerns
    /// everybody. Rank 0: it is theirs only by the `*` behind those that they named.
    pub(super) concerned: Vec<(u32, String)>,
    /// Keys that the playbook is asked about, by the client's priorities.
    pub(super) keys: Vec<String>,
}

impl<'a> Reach<'a> {
    pub(super) fn of(facts: &Facts, catalog: &'a Catalog) -> Reach<'a> {
        let named = match facts.scope {
            // What was named before everybody was to be told is still what is known to fail.
            Scope::Named | Scope::NamedByPerson | Scope::Everyone => catalog.resolve(&facts.components).keys,
            Scope::Unscoped | Scope::Nobody => Vec::new(),
        };
        Reach { catalog, scope: facts.scope, reached: catalog.reach(&named), named }
    }

    /// The priorities that the case reaches; `None`: everybody's.
    pub(super) fn priorities(&self) -> Option<Vec<String>> {
        match self.scope {
            _ if is_planted(Fault::OthersAreTold) => None,
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
            Scope::Everyone => {
                let possibly = Concern { affected: Affected::Possibly, concerned: vec![], keys: vec![] };
                let by_name = if self.named.is_empty() { None } else { self.concern_by_name(client) };
                Some(by_name.unwrap_or(possibly))
            }
            Scope::Named | Scope::NamedByPerson => self.concern_by_name(client),
        }
    }

    fn concern_by_name(&self, client: &Client) -> Option<Concern> {
        match client.priorities.split_last() {
            Some((last, named)) if last == ALL => Some(self.concern_with_all(named)),
            _ if is_planted(Fault::OthersAreTold) => Some(self.concern_with_all(&[])),
            Some(_) | None => concern_of(self.hits(&client.priorities), self.catalog),
        }
    }

    /// `["payments", "*"]`: what they named has its rank, everything else comes after it.
    fn concern_with_all(&self, ranked: &[String]) -> Concern {
        let hits = self.hits(ranked);
        let is_told = |key: &String| {
            hits.iter().any(|(_, hit, how)| *how == Affected::Confirmed && self.catalog.is_within(key, hit))
        };
        let others = self.named.iter().filter(|key| !ranked.is_empty() && !is_told(key));
        let others: Vec<_> = others.map(|key| (0, key, Affected::Confirmed)).collect();
        let all = hits.iter().copied().chain(others).collect();
        let by_name = if ranked.is_empty() { None } else { concern_of(all, self.catalog) };
        by_name.unwrap_or_else(|| Concern {
            affected: Affected::Confirmed,
            concerned: vec![],
            keys: self.named.clone(),
        })
    }

    fn hits<'h>(&self, priorities: &'h [String]) -> Vec<Hit<'h>> {
        let ranked = (1..).zip(priorities);
        ranked.filter_map(|(rank, key)| self.reached.get(key).map(|affected| (rank, key, *affected))).collect()
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
                *key != ALL && !self.reached.contains_key(*key) && !concerned.iter().any(|(other, _)| other == rank)
            })
            .map(|(rank, key)| (rank, self.catalog.name_of(key)))
            .collect()
    }
}

/// Rank, key, and how surely.
type Hit<'a> = (u32, &'a String, Affected);

/// What is surest of the hits; `None` if there are none.
fn concern_of(hits: Vec<Hit<'_>>, catalog: &Catalog) -> Option<Concern> {
    let affected = hits.iter().map(|(_, _, affected)| *affected).max()?;
    let surest: Vec<_> = hits.into_iter().filter(|(_, _, how)| *how == affected).collect();
    let keys = surest.iter().map(|(_, key, _)| (*key).clone()).collect();
    let concerned = surest.iter().map(|(rank, key, _)| (*rank, catalog.name_of(key))).collect();
    Some(Concern { affected, concerned, keys })
}
