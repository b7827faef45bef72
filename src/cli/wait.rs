//! What became of one change: how many it reaches, whether all of it is settled, and why nobody is concerned.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::arguments::Arguments;
use super::exit::Exit;
use super::held::{Held, Hold};
use super::opening::Hands;
use super::show;
use crate::domain::case::{Scope, Story};
use crate::domain::counted::counted;
use crate::passes::Shared;
use crate::passes::current::Current;
use crate::passes::ingest::TakenCase;
use crate::store::rows::{BookCounts, LedgerFilter, LedgerRow, LedgerState};

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A daemon that is alive plans within that time.
const PLANNED_WITHIN: Duration = Duration::from_secs(3);
const MOST_ROWS: i64 = 1_000_000;

/// Whom a change reaches, and what has become of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    pub clients: usize,
    pub contacts: usize,
    /// Contacts by what has become of the change for them.
    pub delivered: usize,
    pub pending: usize,
    pub failed: usize,
    pub cancelled: usize,
    /// Clients none of whose contacts has accepted it.
    pub unreached: usize,
}

impl Reach {
    /// `N clients, M contacts` with the plural for every number: scripts look for it.
    pub fn text(&self, case: &TakenCase) -> String {
        let mut text =
            format!("case {} ({})\n{} clients, {} contacts", case.id, case.reference, self.clients, self.contacts);
        if self.contacts > 0 {
            text.push_str(&format!(": {} delivered, {} waiting, {} failed", self.delivered, self.pending, self.failed));
        }
        if self.cancelled > 0 {
            text.push_str(&format!(", {} cancelled", self.cancelled));
        }
        text
    }

    pub fn json(&self, case: &TakenCase) -> serde_json::Value {
        serde_json::json!({
            "case": case.id, "ref": case.reference, "sequence": case.sequence,
            "clients": self.clients, "contacts": self.contacts,
            "delivered": self.delivered, "pending": self.pending, "failed": self.failed,
            "cancelled": self.cancelled, "unreached": self.unreached,
        })
    }
}

/// What the change of the case came to; counts each contact once.
///
/// # Errors
/// The store failed.
pub async fn reach(shared: &Shared, case: &TakenCase) -> anyhow::Result<Reach> {
    let Some(sequence) = case.sequence else { return Ok(Reach::default()) };
    let rows = shared.store.deliveries(LedgerFilter::Case(case.case_key), MOST_ROWS).await?;
    Ok(tally(&rows, sequence))
}

fn tally(rows: &[LedgerRow], sequence: i64) -> Reach {
    let of_change = |row: &&LedgerRow| {
        row.id.sequence >= sequence && row.from_sequence < sequence && row.state != LedgerState::Superseded
    };
    let contacts: BTreeMap<i64, &LedgerRow> =
        rows.iter().filter(of_change).map(|row| (row.id.contact_key, row)).collect();
    let clients: BTreeSet<&str> = contacts.values().map(|row| row.client_id.as_str()).collect();
    let reached: BTreeSet<&str> =
        contacts.values().filter(|row| row.state == LedgerState::Delivered).map(|row| row.client_id.as_str()).collect();
    let count = |state: LedgerState| contacts.values().filter(|row| row.state == state).count();
    Reach {
        clients: clients.len(),
        contacts: contacts.len(),
        delivered: count(LedgerState::Delivered),
        pending: count(LedgerState::Pending),
        failed: count(LedgerState::Failed),
        cancelled: count(LedgerState::Cancelled),
        unreached: clients.len() - reached.len(),
    }
}

/// Waits until the daemon has planned the change, so that it can be said whom it reaches.
pub async fn until_planned(shared: &Shared, case: &TakenCase) {
    let rounds = PLANNED_WITHIN.as_millis() / LOOK_EVERY.as_millis();
    for _ in 0..rounds {
        if is_planned(shared, case).await {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    show::note("not planned yet: the daemon is busy, or it has just been stopped; `candor case` shows whom it reaches");
}

/// Whether it is known whom the change reaches. A case without news has nothing to plan.
async fn is_planned(shared: &Shared, case: &TakenCase) -> bool {
    let Some(sequence) = case.sequence else { return true };
    let story = shared.store.story(case.case_key).await.ok().flatten();
    story.is_some_and(|s| s.changes.iter().any(|c| c.sequence == sequence && c.planned_at.is_some()))
}

/// Waits until every delivery of the change is settled. Without a daemon the passes run here.
pub async fn until_settled(hands: &mut Hands, case: &TakenCase, limit: Duration) -> Exit {
    let bar = show::progress();
    let mut said = String::new();
    let settled = tokio::time::timeout(limit, async {
        loop {
            hands.send_again().await?;
            let reach = reach(&hands.shared, case).await?;
            bar.set_length(reach.contacts as u64);
            bar.set_position((reach.contacts - reach.pending) as u64);
            if reach.pending > 0 {
                let held = held_back(&hands.shared, case).await?;
                if held != said && !held.is_empty() {
                    bar.suspend(|| show::note(&held));
                }
                said = held;
            }
            if reach.pending == 0 && is_planned(&hands.shared, case).await {
                return Ok::<Reach, anyhow::Error>(reach);
            }
            // Counting is linear in contacts: many of them are looked at less often.
            tokio::time::sleep(LOOK_EVERY + Duration::from_micros(50) * u32::try_from(reach.contacts).unwrap_or(0))
                .await;
        }
    })
    .await;
    bar.finish_and_clear();
    match settled {
        Ok(Ok(reach)) if reach.clients > 0 && reach.unreached == 0 => Exit::Done,
        Ok(Ok(reach)) => {
            if reach.clients > 0 {
                show::problem(&format!(
                    "{} of {} not reached",
                    reach.unreached,
                    counted(reach.clients, "client", "clients")
                ));
            }
            Exit::NotReached
        }
        Ok(Err(error)) => show::fault(&error),
        Err(_) => {
            let waits = "the time of --wait is over and not every delivery is settled; the daemon goes on trying";
            show::problem(&if said.is_empty() { waits.to_owned() } else { format!("{waits}; {said}") });
            Exit::NotReached
        }
    }
}

/// What the deliveries of the change that wait are kept back by, in a sentence; empty: by no account of ours.
async fn held_back(shared: &Shared, case: &TakenCase) -> anyhow::Result<String> {
    let held = Held::of(&shared.store.held_accounts().await?);
    let Some(sequence) = case.sequence.filter(|_| !held.is_empty()) else { return Ok(String::new()) };
    let rows = shared.store.deliveries(LedgerFilter::Case(case.case_key), MOST_ROWS).await?;
    let holds: BTreeSet<String> = rows
        .iter()
        .filter(|row| row.id.sequence >= sequence)
        .filter_map(|row| held.back(row))
        .map(Hold::text)
        .collect();
    Ok(holds.into_iter().collect::<Vec<_>>().join("; "))
}

/// Says what became of the change, and for nobody why.
pub async fn report(arguments: &Arguments, shared: &Shared, case: &TakenCase) -> Result<(), Exit> {
    let reach = reach(shared, case).await.map_err(|error| show::fault(&error))?;
    if reach.pending > 0 && arguments.wait.is_none() {
        let held = held_back(shared, case).await.map_err(|error| show::fault(&error))?;
        if !held.is_empty() {
            show::note(&held);
        }
    }
    if arguments.json {
        show::json(&reach.json(case));
    } else {
        show::result(&reach.text(case));
    }
    if reach.clients == 0
        && let Some(why) = why_nobody(shared, case).await
    {
        show::note(&why);
    }
    Ok(())
}

/// Why a change reaches nobody, in a sentence with what to do.
async fn why_nobody(shared: &Shared, case: &TakenCase) -> Option<String> {
    let story = shared.store.story(case.case_key).await.ok().flatten()?;
    if case.sequence.is_none() {
        return Some(
            "nobody is told anything now: the case knows this already, or it goes along with its next notice"
                .to_owned(),
        );
    }
    let counts = shared.store.book_counts().await.ok()?;
    why_of(&story, &counts, &shared.current.load())
}

/// Why nobody is told of a case that has news.
pub fn why_of(story: &Story, counts: &BookCounts, current: &Current) -> Option<String> {
    let case = &story.case;
    let facts = &case.facts;
    let named = current.catalog.resolve(&facts.components);
    Some(if counts.clients == 0 {
        format!("nobody is told: the client files hold no client ({})", current.settings.clients.display())
    } else if facts.phase.is_over() {
        "nobody is told: nobody had been told that it is open".to_owned()
    } else if facts.scope == Scope::Nobody {
        "nobody is told: it was decided that the case concerns nobody".to_owned()
    } else if facts.scope == Scope::Unscoped && !named.unmapped.is_empty() {
        format!("nobody is told: no [[component]] matches {}", named.unmapped.join(", "))
    } else if facts.scope == Scope::Unscoped {
        format!(
            "nobody is told yet: the case names no component; give incident.components, or say whom it concerns with `candor case {} --components … | --everyone`",
            case.reference
        )
    } else if facts.scope == Scope::Everyone {
        "nobody is told: no client has priorities".to_owned()
    } else {
        let names: Vec<String> = named.keys.iter().map(|key| current.catalog.name_of(key)).collect();
        format!(
            "nobody is told: no client has {} among its priorities, or their min_impact is higher; {} of {} without any priorities",
            names.join(", "),
            counts.without_priorities,
            counted(counts.clients, "client", "clients")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::client::Channel;
    use crate::store::rows::ItemId;

    fn row(contact_key: i64, client: &str, range: (i64, i64), state: LedgerState) -> LedgerRow {
        LedgerRow {
            id: ItemId { reference: "K7QM".into(), contact_key, sequence: range.1 },
            case_key: 1,
            case_id: "case-1".into(),
            client_id: client.into(),
            channel: Channel::Email,
            address: "ops@acme.example".into(),
            from_sequence: range.0,
            state,
            uncertain: false,
            attempts: 1,
            planned_at: None,
            due_at: None,
            settled_at: None,
            receipt: None,
            cause: None,
            key: None,
        }
    }

    #[test]
    fn each_contact_counts_once_and_a_client_is_reached_by_any_of_them() {
        use LedgerState::{Cancelled, Delivered, Failed, Pending, Superseded};
        let rows = [
            row(1, "acme", (0, 1), Delivered),
            row(1, "acme", (1, 3), Delivered),
            row(1, "acme", (1, 2), Superseded),
            row(2, "acme", (1, 2), Failed),
            row(3, "globex", (1, 2), Failed),
            row(4, "initech", (1, 2), Pending),
            row(5, "hooli", (1, 2), Cancelled),
            row(6, "later", (2, 3), Delivered),
        ];
        let found = tally(&rows, 2);
        let expected =
            Reach { clients: 4, contacts: 5, delivered: 1, pending: 1, failed: 2, cancelled: 1, unreached: 3 };
        assert_eq!(found, expected);
        assert_eq!(tally(&rows, 9), Reach::default());
    }

    #[test]
    fn one_client_is_counted_in_the_plural_too() {
        let case = TakenCase { case_key: 1, id: "c1".into(), reference: "K7QM".into(), sequence: Some(1) };
        let reach = tally(&[row(1, "acme", (0, 1), LedgerState::Delivered)], 1);
        assert_eq!(reach.text(&case), "case c1 (K7QM)\n1 clients, 1 contacts: 1 delivered, 0 waiting, 0 failed");
    }
}
