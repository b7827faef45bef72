//! `candor cases`: open cases, and ended ones that still owe somebody a word.
//!
//! Deliberately absent: what happened in them (`candor case`).

use serde::Serialize;

use super::arguments::Arguments;
use super::exit::Exit;
use super::held::Held;
use super::{listing, opening, show};
use crate::domain::case::{CaseState, Scope};
use crate::domain::incident::Impact;
use crate::store::rows::{CaseFilter, CaseRow};

/// More are not listed at once; the newest come first.
const MOST: usize = 10_000;

const HEADER: [&str; 10] =
    ["REF", "TITLE", "PHASE", "IMPACT", "SINCE (UTC)", "NEXT WORD (UTC)", "TOLD", "OWED", "WAIT", "FAIL"];

pub async fn cases(arguments: &Arguments, filter: CaseFilter) -> Exit {
    match listed(arguments, filter).await {
        Ok(rows) => {
            print(arguments, filter, &rows);
            Exit::Done
        }
        Err(exit) => exit,
    }
}

async fn listed(arguments: &Arguments, filter: CaseFilter) -> Result<Vec<CaseRow>, Exit> {
    let settings = opening::settings(arguments)?;
    let Some(store) = opening::state(&settings)? else { return Ok(Vec::new()) };
    let limit = i64::try_from(MOST).unwrap_or(i64::MAX) + 1;
    let mut rows = store.listed_cases(filter, limit).await.map_err(opening::store_failed)?;
    Held::read(&store).await?.note();
    store.close().await;
    if rows.len() > MOST {
        rows.truncate(MOST);
        show::note(&format!("only the newest {MOST} cases are listed"));
    }
    Ok(rows)
}

fn print(arguments: &Arguments, filter: CaseFilter, rows: &[CaseRow]) {
    if arguments.json {
        show::json(&rows.iter().map(Listed::of).collect::<Vec<_>>());
        return;
    }
    if rows.is_empty() {
        show::note(match filter {
            CaseFilter::OpenOrOwed => "no case is open, and none that has ended owes anybody a word",
            CaseFilter::All => "there has been no case yet",
        });
        return;
    }
    show::result(&listing::table(&HEADER, &rows.iter().map(line).collect::<Vec<_>>()));
}

fn line(row: &CaseRow) -> Vec<String> {
    let case = &row.case;
    let said = case.facts.phase_said().as_str();
    let phase = match case.state {
        CaseState::Open => said.to_owned(),
        CaseState::Ended | CaseState::Closed | CaseState::Archived if case.facts.closed_by_hand => {
            format!("{said} (closed by us)")
        }
        CaseState::Ended | CaseState::Closed | CaseState::Archived if case.facts.phase_last_said.is_some() => {
            format!("{said} (withdrawn)")
        }
        CaseState::Ended | CaseState::Closed | CaseState::Archived => format!("{said} ({})", case.state.as_str()),
    };
    vec![
        case.reference.clone(),
        listing::words(&case.facts.title, 120),
        phase,
        case.facts.impact.map_or("not stated", Impact::as_str).to_owned(),
        listing::time(case.facts.started_at.unwrap_or(case.opened_at)),
        next_word(row),
        row.told.to_string(),
        row.owed.to_string(),
        row.pending.to_string(),
        row.failed.to_string(),
    ]
}

/// The time of the next word, if there is anybody to whom it was promised.
fn promised(row: &CaseRow) -> Option<jiff::Timestamp> {
    row.case.timers.promise.map(|promise| promise.due_at).filter(|_| row.owed > 0)
}

fn next_word(row: &CaseRow) -> String {
    match (row.case.state, row.told) {
        (CaseState::Open, 0) => "none (nobody told)".to_owned(),
        (CaseState::Open | CaseState::Ended | CaseState::Closed | CaseState::Archived, _) => {
            listing::time_or_none(promised(row))
        }
    }
}

/// A case as `--json` lists it.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    id: &'a str,
    r#ref: &'a str,
    source: &'a str,
    incident: &'a str,
    title: &'a str,
    state: &'static str,
    phase: &'static str,
    impact: Option<&'static str>,
    scope: Scope,
    components: &'a [String],
    started_at: Option<jiff::Timestamp>,
    opened_at: jiff::Timestamp,
    ended_at: Option<jiff::Timestamp>,
    closed_at: Option<jiff::Timestamp>,
    next_word_by: Option<jiff::Timestamp>,
    told: i64,
    owed: i64,
    pending: i64,
    failed: i64,
}

impl Listed<'_> {
    fn of(row: &CaseRow) -> Listed<'_> {
        let case = &row.case;
        Listed {
            id: &case.id,
            r#ref: &case.reference,
            source: &case.source,
            incident: &case.incident,
            title: &case.facts.title,
            state: case.state.as_str(),
            phase: case.facts.phase_said().as_str(),
            impact: case.facts.impact.map(Impact::as_str),
            scope: case.facts.scope,
            components: &case.facts.components,
            started_at: case.facts.started_at,
            opened_at: case.opened_at,
            ended_at: case.ended_at,
            closed_at: case.closed_at,
            next_word_by: promised(row),
            told: row.told,
            owed: row.owed,
            pending: row.pending,
            failed: row.failed,
        }
    }
}
