//! `candor promises`: every time of the next word that clients were told, and whether it was kept.
//!
//! Deliberately absent: making and keeping them, which the passes do.

use jiff::Timestamp;
use serde::Serialize;

use super::arguments::Arguments;
use super::exit::Exit;
use super::{listing, opening, show};
use crate::domain::duration;
use crate::domain::kept::{self, PromiseResult};
use crate::store::rows::{PromiseFilter, PromiseRow};

/// More are not listed at once.
const MOST: usize = 100_000;

const HEADER: [&str; 6] = ["CASE", "CLIENT", "PROMISED (UTC)", "STATE", "WORD CAME (UTC)", "LATE BY"];

/// Which promises are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    Open,
    Broken,
    All,
    Case(String),
}

pub async fn promises(arguments: &Arguments, asked: &Asked) -> Exit {
    match listed(arguments, asked).await {
        Ok((rows, now)) => {
            print(arguments, asked, &rows, now);
            Exit::Done
        }
        Err(exit) => exit,
    }
}

async fn listed(arguments: &Arguments, asked: &Asked) -> Result<(Vec<PromiseRow>, Timestamp), Exit> {
    let settings = opening::settings(arguments)?;
    let now = opening::clock().now();
    let store = match (opening::state(&settings)?, asked) {
        (Some(store), _) => store,
        (None, Asked::Case(named)) => return Err(opening::unknown_case(named)),
        (None, Asked::Open | Asked::Broken | Asked::All) => return Ok((Vec::new(), now)),
    };
    let filter = match asked {
        Asked::Open => PromiseFilter::Open,
        Asked::Broken => PromiseFilter::Broken,
        Asked::All => PromiseFilter::All,
        Asked::Case(named) => PromiseFilter::Case(opening::case_key(&store, named).await?),
    };
    let limit = i64::try_from(MOST).unwrap_or(i64::MAX) + 1;
    let mut rows = store.promises(filter, limit).await.map_err(opening::store_failed)?;
    store.close().await;
    if rows.len() > MOST {
        rows.truncate(MOST);
        show::note(&format!("only {MOST} promises are listed"));
    }
    Ok((rows, now))
}

fn print(arguments: &Arguments, asked: &Asked, rows: &[PromiseRow], now: Timestamp) {
    if arguments.json {
        show::json(&rows.iter().map(|row| Shown::of(row, now)).collect::<Vec<_>>());
        return;
    }
    if rows.is_empty() {
        show::note(match asked {
            Asked::Open => "no next word is promised to anybody; --all lists those that were",
            Asked::Broken => "no promise was broken",
            Asked::All => "nobody has been promised a next word yet",
            Asked::Case(_) => "nobody has been promised a next word in this case",
        });
        return;
    }
    show::result(&table(&rows.iter().map(|row| Shown::of(row, now)).collect::<Vec<_>>()));
}

/// The rows as people read them.
pub fn table(rows: &[Shown<'_>]) -> String {
    let line = |row: &Shown<'_>| {
        vec![
            row.r#ref.to_owned(),
            row.client.to_owned(),
            listing::time(row.due_at),
            row.state.to_owned(),
            listing::time_or_none(row.came_at),
            row.late_seconds.map(late).unwrap_or_default(),
        ]
    };
    listing::table(&HEADER, &rows.iter().map(line).collect::<Vec<_>>())
}

fn late(seconds: i64) -> String {
    duration::format(std::time::Duration::from_secs(seconds.unsigned_abs()))
}

/// A promise as `--json` lists it.
#[derive(Debug, Clone, Serialize)]
pub struct Shown<'a> {
    pub case: &'a str,
    pub r#ref: &'a str,
    pub client: &'a str,
    /// The notice that said it.
    pub sequence: i64,
    pub made_at: Timestamp,
    pub due_at: Timestamp,
    /// `open`, `kept`, `broken` or `released`.
    pub state: &'static str,
    pub came_at: Option<Timestamp>,
    /// How late the word came, or is by now; none if it was in time or is not due.
    pub late_seconds: Option<i64>,
}

impl Shown<'_> {
    pub fn of(row: &PromiseRow, now: Timestamp) -> Shown<'_> {
        let is_released = row.result == Some(PromiseResult::Released);
        let late_by = kept::late_by(row.due_at, row.came_at, now).filter(|_| !is_released);
        Shown {
            case: &row.case_id,
            r#ref: &row.reference,
            client: &row.client_id,
            sequence: row.sequence,
            made_at: row.made_at,
            due_at: row.due_at,
            state: row.result.map_or("open", PromiseResult::as_str),
            came_at: row.came_at,
            late_seconds: late_by.map(|late| late.as_secs()),
        }
    }
}
