//! What became of one change: how many it reaches, whether all of it is settled, and why nobody is concerned.

use std::collections::BTreeSet;
use std::time::Duration;

use super::exit::Exit;
use super::show;
use crate::daemon::node::Node;
use crate::domain::case::Scope;
use crate::passes::Shared;
use crate::passes::ingest::TakenCase;
use crate::store::rows::{LedgerFilter, LedgerRow, LedgerState};

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A daemon that is alive plans within that time.
const PLANNED_WITHIN: Duration = Duration::from_secs(3);
const MOST_ROWS: i64 = 1_000_000;

/// Whom a change reaches, and what has become of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    pub clients: usize,
    pub contacts: usize,
    pub delivered: usize,
    pub pending: usize,
    pub failed: usize,
}

impl Reach {
    pub fn text(&self, case: &TakenCase) -> String {
        let counted = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        let mut text = format!(
            "case {} ({})\n{}, {}",
            case.id,
            case.reference,
            counted(self.clients, "client"),
            counted(self.contacts, "contact")
        );
        if self.contacts > 0 {
            text.push_str(&format!(": {} delivered, {} waiting, {} failed", self.delivered, self.pending, self.failed));
        }
        if case.sequence.is_none() {
            text.push_str("\nnothing new: the case knows this already");
        }
        text
    }

    pub fn json(&self, case: &TakenCase) -> serde_json::Value {
        serde_json::json!({
            "case": case.id, "ref": case.reference, "sequence": case.sequence,
            "clients": self.clients, "contacts": self.contacts,
            "delivered": self.delivered, "pending": self.pending, "failed": self.failed,
        })
    }
}

/// What the newest change of the case came to; counts each contact once.
///
/// # Errors
/// The store failed.
pub async fn reach(shared: &Shared, case: &TakenCase) -> anyhow::Result<Reach> {
    let rows = rows_of_change(shared, case).await?;
    let clients: BTreeSet<&str> = rows.iter().map(|row| row.client_id.as_str()).collect();
    let contacts: BTreeSet<i64> = rows.iter().map(|row| row.id.contact_key).collect();
    let count = |state: LedgerState| rows.iter().filter(|row| row.state == state).count();
    Ok(Reach {
        clients: clients.len(),
        contacts: contacts.len(),
        delivered: count(LedgerState::Delivered),
        pending: count(LedgerState::Pending),
        failed: count(LedgerState::Failed),
    })
}

async fn rows_of_change(shared: &Shared, case: &TakenCase) -> anyhow::Result<Vec<LedgerRow>> {
    let Some(sequence) = case.sequence else { return Ok(Vec::new()) };
    let rows = shared.store.deliveries(LedgerFilter::Case(case.case_key), MOST_ROWS).await?;
    Ok(rows
        .into_iter()
        .filter(|row| row.id.sequence >= sequence && row.from_sequence < sequence)
        .filter(|row| row.state != LedgerState::Superseded)
        .collect())
}

/// Waits until the daemon has planned the change, so that it can be said whom it reaches.
pub async fn until_planned(shared: &Shared, case: &TakenCase) {
    let Some(sequence) = case.sequence else { return };
    let rounds = PLANNED_WITHIN.as_millis() / LOOK_EVERY.as_millis();
    for _ in 0..rounds {
        let story = shared.store.story(case.case_key).await.ok().flatten();
        let is_planned =
            story.is_some_and(|s| s.changes.iter().any(|c| c.sequence == sequence && c.planned_at.is_some()));
        if is_planned {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Waits until every delivery of the change is settled. With the state in our hands the passes run here.
pub async fn until_settled(shared: &Shared, mut node: Option<&mut Node>, case: &TakenCase, limit: Duration) -> Exit {
    let bar = show::progress();
    let settled = tokio::time::timeout(limit, async {
        loop {
            if let Some(node) = node.as_deref_mut() {
                node.settle_what_is_due().await?;
            }
            let reach = reach(shared, case).await?;
            bar.set_length(reach.contacts as u64);
            bar.set_position((reach.contacts - reach.pending.min(reach.contacts)) as u64);
            if reach.pending == 0 {
                return Ok::<Reach, anyhow::Error>(reach);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })
    .await;
    bar.finish_and_clear();
    match settled {
        Ok(Ok(reach)) if reach.clients > 0 && reach.failed == 0 => Exit::Done,
        Ok(Ok(_)) => Exit::NotReached,
        Ok(Err(error)) => {
            show::problem(&format!("{error:#}"));
            Exit::Failed
        }
        Err(_) => {
            show::problem("the time of --wait is over and not every delivery is settled; the daemon goes on trying");
            Exit::NotReached
        }
    }
}

/// Why a change reaches nobody, in a sentence with what to do.
pub async fn why_nobody(shared: &Shared, case: &TakenCase) -> Option<String> {
    let story = shared.store.story(case.case_key).await.ok().flatten()?;
    let counts = shared.store.book_counts().await.ok()?;
    let facts = &story.case.facts;
    let current = shared.current.load();
    let named = current.catalog.resolve(&facts.components);
    Some(if case.sequence.is_none() {
        "nobody is told anything: the case knows this already".to_owned()
    } else if counts.clients == 0 {
        format!("nobody is told: the client files hold no client ({})", current.settings.clients.display())
    } else if facts.scope == Scope::Unscoped && !named.unmapped.is_empty() {
        format!("nobody is told: no [[component]] matches {}", named.unmapped.join(", "))
    } else if matches!(facts.scope, Scope::Unscoped | Scope::Nobody) {
        "nobody is told: the update names no component, so that it is not known whom it concerns; give incident.components".to_owned()
    } else {
        let names: Vec<String> = named.keys.iter().map(|key| current.catalog.name_of(key)).collect();
        format!(
            "nobody is told: no client has {} among its priorities, or their min_impact is higher; {} of {} clients have no priorities at all",
            names.join(", "),
            counts.without_priorities,
            counts.clients
        )
    })
}
