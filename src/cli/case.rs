//! `candor case ID`: what was said when, what we made of it and why, who was told and who was not.
//!
//! Deliberately absent: the decisions (`decide.rs`) and how the picture is drawn (`case_text.rs`).

use super::arguments::Arguments;
use super::case_view::CaseView;
use super::exit::Exit;
use super::held::Held;
use super::{case_text, opening, show};
use crate::store::rows::{LedgerFilter, PromiseFilter};
use crate::store::{Store, StoreError};

/// More deliveries of one case are not read at once.
const MOST: usize = 200_000;

pub async fn case(arguments: &Arguments, named: &str) -> Exit {
    match shown(arguments, named).await {
        Ok(()) => Exit::Done,
        Err(exit) => exit,
    }
}

async fn shown(arguments: &Arguments, named: &str) -> Result<(), Exit> {
    let settings = opening::settings(arguments)?;
    let Some(store) = opening::state(&settings)? else { return Err(opening::unknown_case(named)) };
    let case_key = opening::case_key(&store, named).await?;
    let view = read(&store, case_key).await.map_err(opening::store_failed)?;
    store.close().await;
    let Some(view) = view else { return Err(opening::unknown_case(named)) };
    if arguments.json {
        show::json(&view);
    } else {
        show::result(&case_text::draw(&view));
    }
    Ok(())
}

async fn read(store: &Store, case_key: i64) -> Result<Option<CaseView>, StoreError> {
    let Some(story) = store.story(case_key).await? else { return Ok(None) };
    let limit = i64::try_from(MOST).unwrap_or(i64::MAX) + 1;
    let mut rows = store.deliveries(LedgerFilter::Case(case_key), limit).await?;
    if rows.len() > MOST {
        rows.truncate(MOST);
        show::note(&format!("only {MOST} deliveries of this case are read"));
    }
    let threads = store.case_threads(case_key).await?;
    let attempts = store.failed_attempts(case_key).await?;
    let promises = store.promises(PromiseFilter::Case(case_key), limit).await?;
    let held = Held::of(&store.held_accounts().await?);
    Ok(Some(CaseView::of(&story, &rows, &threads, &attempts, &promises, held, opening::clock().now())))
}
