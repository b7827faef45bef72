//! `candor deliveries`: the outbox and the ledger; `candor retry`: puts back what has failed.
//!
//! Addresses are masked in every form. Deliberately absent: the words that were sent.

use serde::Serialize;

use super::arguments::Arguments;
use super::exit::Exit;
use super::held::{self, Held, Hold};
use super::opening::Hands;
use super::{listing, opening, show};
use crate::domain::client;
use crate::store::rows::{ItemId, LedgerFilter, LedgerRow, LedgerState, Retried, Retry};

/// More are not listed at once.
const MOST: usize = 100_000;

/// WHEN: due for what waits, settled for what does not.
const HEADER: [&str; 7] = ["ID", "CLIENT", "TO", "STATE", "TRIES", "WHEN (UTC)", "RECEIPT OR CAUSE"];

/// Which deliveries are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// What waits and what has failed.
    Unsettled,
    Failed,
    All,
    /// What our own side was told.
    Operator,
    Case {
        named: String,
        only: Only,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    Everything,
    Failed,
}

pub async fn deliveries(arguments: &Arguments, asked: &Asked) -> Exit {
    match listed(arguments, asked).await {
        Ok((rows, held)) => {
            print(arguments, asked, &rows, &held);
            Exit::Done
        }
        Err(exit) => exit,
    }
}

async fn listed(arguments: &Arguments, asked: &Asked) -> Result<(Vec<LedgerRow>, Held), Exit> {
    let settings = opening::settings(arguments)?;
    let store = match (opening::state(&settings)?, asked) {
        (Some(store), _) => store,
        (None, Asked::Case { named, .. }) => return Err(opening::unknown_case(named)),
        (None, Asked::Unsettled | Asked::Failed | Asked::All | Asked::Operator) => return Ok(Default::default()),
    };
    let filter = match asked {
        Asked::Unsettled => LedgerFilter::Unsettled,
        Asked::Failed => LedgerFilter::Failed,
        Asked::All => LedgerFilter::All,
        Asked::Operator => LedgerFilter::Operator,
        Asked::Case { named, .. } => LedgerFilter::Case(opening::case_key(&store, named).await?),
    };
    let limit = i64::try_from(MOST).unwrap_or(i64::MAX) + 1;
    let mut rows = store.deliveries(filter, limit).await.map_err(opening::store_failed)?;
    let held = Held::read(&store).await?;
    store.close().await;
    if rows.len() > MOST {
        rows.truncate(MOST);
        show::note(&format!("only the newest {MOST} deliveries are listed"));
    }
    if matches!(asked, Asked::Case { only: Only::Failed, .. }) {
        rows.retain(|row| row.state == LedgerState::Failed);
    }
    Ok((rows, held))
}

fn print(arguments: &Arguments, asked: &Asked, rows: &[LedgerRow], held: &Held) {
    if arguments.json {
        show::json(&rows.iter().map(|row| Shown::of(row, held)).collect::<Vec<_>>());
        return;
    }
    if rows.is_empty() {
        show::note(match asked {
            Asked::Unsettled => "nothing waits and nothing has failed; --all lists what was delivered",
            Asked::Failed | Asked::Case { only: Only::Failed, .. } => "nothing has failed",
            Asked::All => "nothing has been sent yet",
            Asked::Operator => "the operator has not been told anything",
            Asked::Case { only: Only::Everything, .. } => "nobody has been told of this case",
        });
        return;
    }
    show::result(&table(rows.iter(), held));
}

/// The rows as people read them.
pub fn table<'a>(rows: impl Iterator<Item = &'a LedgerRow>, held: &Held) -> String {
    listing::table(&HEADER, &rows.map(|row| line(row, held)).collect::<Vec<_>>())
}

fn line(row: &LedgerRow, held: &Held) -> Vec<String> {
    let shown = Shown::of(row, held);
    let state = if shown.uncertain { format!("{}, uncertain", shown.state) } else { shown.state.to_owned() };
    let answer = shown.receipt.map(ToOwned::to_owned).or(shown.cause).unwrap_or_default();
    vec![
        shown.id,
        shown.client.to_owned(),
        format!("{} {}", shown.channel, shown.to),
        state,
        shown.attempts.to_string(),
        listing::time_or_none(shown.settled_at.or(shown.due_at)),
        listing::words(&answer, 400),
    ]
}

/// A delivery as `--json` lists it: these names are part of the contract.
#[derive(Debug, Serialize)]
pub struct Shown<'a> {
    pub id: String,
    pub case: &'a str,
    pub r#ref: &'a str,
    pub sequence: i64,
    pub client: &'a str,
    pub channel: &'static str,
    pub to: String,
    pub state: &'static str,
    pub uncertain: bool,
    pub attempts: i64,
    pub due_at: Option<jiff::Timestamp>,
    pub settled_at: Option<jiff::Timestamp>,
    pub receipt: Option<&'a str>,
    /// Of what waits for a held account: the hold, in words.
    pub cause: Option<String>,
    /// The account of ours that this waits for.
    pub held: Option<&'a Hold>,
}

impl Shown<'_> {
    pub fn of<'a>(row: &'a LedgerRow, held: &'a Held) -> Shown<'a> {
        let hold = held.back(row);
        Shown {
            id: row.id.to_string(),
            case: &row.case_id,
            r#ref: &row.id.reference,
            sequence: row.id.sequence,
            client: &row.client_id,
            channel: row.channel.as_str(),
            to: client::masked(row.channel, &row.address),
            state: row.state.as_str(),
            uncertain: row.uncertain,
            attempts: row.attempts,
            due_at: row.due_at,
            settled_at: row.settled_at,
            receipt: row.receipt.as_deref(),
            cause: held::cause(hold, row.cause.as_ref().map(ToString::to_string)),
            held: hold,
        }
    }
}

pub async fn retry(arguments: &Arguments, ids: &[String]) -> Exit {
    match put_back(arguments, ids).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn put_back(arguments: &Arguments, ids: &[String]) -> Result<Exit, Exit> {
    let items: Result<Vec<ItemId>, _> = ids.iter().map(|id| id.parse::<ItemId>()).collect();
    let items = items.map_err(|error| {
        show::problem(&error.to_string());
        Exit::Failed
    })?;
    let current = opening::files(arguments)?;
    show::surroundings(&current.settings);
    let what = if items.is_empty() { Retry::All } else { Retry::Items(items) };
    // Looked for first: a state is not made in order to put nothing back.
    let Some(store) = opening::state(&current.settings)? else {
        return Ok(report(arguments, &Retried { put_back: 0, not_failed: named(&what) }));
    };
    store.close().await;
    let mut hands = Hands::open(current, opening::clock()).await?;
    let now = hands.shared.clock.now();
    let retried = hands.shared.store.retry(what, now).await.map_err(opening::store_failed)?;
    if retried.put_back > 0 {
        hands.send().await?;
    }
    hands.close().await;
    Ok(report(arguments, &retried))
}

fn named(what: &Retry) -> Vec<ItemId> {
    match what {
        Retry::Items(items) => items.clone(),
        Retry::All => Vec::new(),
    }
}

fn report(arguments: &Arguments, retried: &Retried) -> Exit {
    let not_failed: Vec<String> = retried.not_failed.iter().map(ToString::to_string).collect();
    if arguments.json {
        show::json(&serde_json::json!({ "put_back": retried.put_back, "not_failed": not_failed }));
    } else {
        show::result(&format!("{} put back", retried.put_back));
    }
    if not_failed.is_empty() {
        return Exit::Done;
    }
    show::problem(&format!("not among what has failed: {}", not_failed.join(", ")));
    Exit::Failed
}
