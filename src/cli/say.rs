//! `candor say CASE`: a person's words in a case that is open, a feed's too, in our name.
//!
//! In one line, or in `$EDITOR` on a form in the update format. What it reaches and the first message are shown before
//! anything is stored. Deliberately absent: the form (`form.rs`) and what words do to a case (`domain::observe`).

mod form;

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _};

use super::arguments::{Arguments, SayArguments};
use super::exit::Exit;
use super::opening::{self, Hands};
use super::outlook::{self, Outlook};
use super::{preview, show, wait};
use crate::config::problem::{nearest, quoted};
use crate::domain::case::{CaseState, Story};
use crate::domain::counted::counted;
use crate::domain::incident::Observation;
use crate::domain::observe::Sight;
use crate::feed::update_format::{self, UpdateFile};
use crate::passes::current::Current;
use crate::passes::ingest;

pub async fn say(arguments: &Arguments, asked: &SayArguments) -> Exit {
    match said(arguments, asked).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn said(arguments: &Arguments, asked: &SayArguments) -> Result<Exit, Exit> {
    let current = opening::files(arguments)?;
    show::surroundings(&current.settings);
    let Some(store) = opening::state(&current.settings)? else { return Err(opening::unknown_case(&asked.case)) };
    let case_key = opening::case_key(&store, &asked.case).await?;
    let story = store.story(case_key).await.map_err(opening::store_failed)?;
    store.close().await;
    let Some(story) = story else { return Err(opening::unknown_case(&asked.case)) };
    if story.case.state != CaseState::Open {
        let (reference, state) = (&story.case.reference, story.case.state.as_str());
        show::problem(&format!("{reference} is {state}: only an open case can be told more; `--trigger` reopens it"));
        return Err(Exit::Failed);
    }
    let (update, written) = match (&asked.text, &asked.form) {
        (Some(_), _) => (from_flags(asked)?, None),
        (None, Some(kept)) => (form::read(kept)?, None),
        (None, None) => {
            let (update, written) = form::filled_in(&story, asked)?;
            (update, Some(written))
        }
    };
    let said = agreed_and_sent(arguments, asked, current, &story, update).await;
    if let Some(written) = written.filter(|_| !matches!(said, Ok(Said::Yes(_)))) {
        written.keep();
    }
    match said? {
        Said::Yes(exit) => Ok(exit),
        Said::No => {
            show::note("nothing was said");
            Ok(Exit::Done)
        }
    }
}

/// Whether the words were said, and what came of it.
enum Said {
    Yes(Exit),
    No,
}

async fn agreed_and_sent(
    arguments: &Arguments,
    asked: &SayArguments,
    current: Current,
    story: &Story,
    update: UpdateFile,
) -> Result<Said, Exit> {
    let clock = opening::clock();
    if let Some(exit) = unknown_components(&update, &current) {
        return Err(exit);
    }
    let mut seen = update.into_observation(&story.case.source, clock.now(), || story.case.incident.clone());
    (seen.source, seen.incident) = (story.case.source.clone(), story.case.incident.clone());
    if !shown_and_agreed(arguments, asked, &current, &seen, clock.now()).await? {
        return Ok(Said::No);
    }
    let mut hands = Hands::open(current, clock).await?;
    let exit = store_and_send(arguments, &mut hands, seen).await;
    hands.close().await;
    exit.map(Said::Yes)
}

/// A name that is none of ours would scope the case to nobody: it is refused, with the nearest one there is.
fn unknown_components(update: &UpdateFile, current: &Current) -> Option<Exit> {
    let named = current.catalog.resolve(update.incident.components.as_deref()?);
    let unknown = named.unmapped.first()?;
    let ids: Vec<&str> = current.catalog.components().iter().map(|component| component.id.as_str()).collect();
    let meant = nearest(unknown, ids.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
    let there = ids.join(", ");
    show::problem(&format!(
        "components: no [[component]] matches {}{}; there are: {there}",
        quoted(unknown),
        meant.unwrap_or_default()
    ));
    Some(Exit::Wrong)
}

/// The flags as an update. Each is read by the rules of the update format, so that both say the same.
fn from_flags(asked: &SayArguments) -> Result<UpdateFile, Exit> {
    let incident = [("phase", &asked.phase), ("impact", &asked.impact)];
    let update = [
        ("body", &asked.text),
        ("action", &asked.action),
        ("need", &asked.need),
        ("by", &asked.by),
        ("takes", &asked.takes),
        ("next_update", &asked.next),
        ("report_by", &asked.report_by),
    ];
    let table = |entries: &[(&str, &Option<String>)]| {
        let given = entries.iter().filter_map(|(key, value)| {
            value.as_ref().map(|value| ((*key).to_owned(), serde_json::Value::from(value.clone())))
        });
        given.collect::<serde_json::Map<String, serde_json::Value>>()
    };
    let mut incident = table(&incident);
    if !asked.components.is_empty() {
        incident.insert("components".to_owned(), asked.components.clone().into());
    }
    let mut update = table(&update);
    if asked.sorry {
        update.insert("sorry".to_owned(), true.into());
    }
    let document = serde_json::json!({ "incident": incident, "update": update });
    update_format::parse(&document.to_string()).map_err(|error| {
        let key = error.key.as_deref().and_then(|key| key.rsplit('.').next()).unwrap_or("TEXT").to_owned();
        let flag = match key.as_str() {
            "body" => "TEXT".to_owned(),
            "next_update" => "--next".to_owned(),
            other => format!("--{}", other.replace('_', "-")),
        };
        show::problem(&format!("{flag}: {}", error.message));
        Exit::Wrong
    })
}

/// Shows whom it reaches and the first message, and asks, unless `--yes` has answered.
async fn shown_and_agreed(
    arguments: &Arguments,
    asked: &SayArguments,
    current: &Current,
    seen: &Observation,
    now: jiff::Timestamp,
) -> Result<bool, Exit> {
    let outlook = outlook::of(current, seen, now).await.map_err(|error| show::fault(&error))?;
    let prospect = match outlook {
        Outlook::Nobody(why) => {
            show::problem(&format!("nobody would be told: {why}"));
            return Err(Exit::Failed);
        }
        Outlook::Incomplete(missing) => {
            show::problem(&format!("the case has gone meanwhile, and a new one needs {missing}"));
            return Err(Exit::Failed);
        }
        Outlook::Told(prospect) => prospect,
    };
    let (mut clients, mut contacts, mut first) = (BTreeSet::new(), 0_u64, None);
    let looked = prospect
        .for_each(current, &mut |reached| {
            clients.insert(reached.client.id.clone());
            contacts += 1;
            if first.is_none() {
                first = Some(preview::text_of(current, &prospect, &reached)?);
            }
            Ok(())
        })
        .await;
    looked.map_err(|error| show::fault(&error))?;
    if !arguments.json {
        let reached = counted(clients.len() as u64, "client", "clients");
        show::note(&format!("reaches {reached}, {}", counted(contacts, "contact", "contacts")));
        if let Some(text) = &first {
            show::note(&format!("the first message:\n\n{text}"));
        }
    }
    if asked.yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        show::problem("nobody is there to be asked: --yes says it without asking");
        return Err(Exit::Wrong);
    }
    eprint_question();
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer).is_ok();
    Ok(read && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn eprint_question() {
    let mut error = std::io::stderr().lock();
    let _ = write!(error, "Say it? [y/N] ");
    let _ = error.flush();
}

async fn store_and_send(arguments: &Arguments, hands: &mut Hands, seen: Observation) -> Result<Exit, Exit> {
    let now = hands.shared.clock.now();
    let sight = Sight::Watching { last_good_at: None };
    let taken = ingest::take(&hands.shared, &[seen], sight, None, now).await.map_err(opening::store_failed)?;
    let Some(case) = taken.cases.first() else { return Err(Exit::Failed) };
    hands.send().await?;
    if hands.is_daemon_at_work() {
        wait::until_planned(&hands.shared, case).await;
    }
    wait::report(arguments, &hands.shared, case).await?;
    Ok(Exit::Done)
}
