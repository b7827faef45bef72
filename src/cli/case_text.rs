//! One case drawn for a person: its head, the timeline, and the lists of who was told and who was not.
//!
//! Foreign words are shown in one line each, without anything that a terminal would obey. Deliberately absent:
//! what stands in the lists (`case_view.rs`).

use jiff::Timestamp;

use super::case_view::{CaseView, Contact, End, Entry, Promised, What};
use super::{deliveries, listing, promises, show};
use crate::domain::case::{CaseState, Scope};
use crate::domain::incident::{Impact, Origin, Phase};
use crate::domain::kept::PromiseResult;
use crate::domain::notice::Kind;

/// `--json` lists all of them.
const MOST_ROWS: usize = 500;
const MOST_WORDS: usize = 300;

pub fn draw(view: &CaseView) -> String {
    let mut parts = vec![head(view), part("Timeline (UTC)", &timeline(view))];
    let rows = view.deliveries.iter().map(|delivery| &delivery.1).take(MOST_ROWS);
    parts.push(if view.deliveries.is_empty() {
        part("Who was told", "Nobody.")
    } else {
        part("Who was told", &cut(deliveries::table(rows, &view.accounts_held), view.deliveries.len()))
    });
    if !view.promises.is_empty() {
        parts.push(part("Promised next words", &promised(view)));
    }
    if !view.not_reached.is_empty() {
        parts.push(part("Not reached", &not_reached(view)));
    }
    if !view.failed_attempts.is_empty() {
        parts.push(part("Attempts that did not succeed", &attempts(view)));
    }
    if !view.owed.is_empty() {
        parts.push(part("Still owed the word that it is over", &owed(view)));
    }
    if !view.left_untold.is_empty() {
        let heading = "Told that it is open, and not told the end: removed, switched off, or refused";
        parts.push(part(heading, &contacts(&view.left_untold)));
    }
    parts.join("\n\n")
}

fn part(heading: &str, body: &str) -> String {
    format!("{}\n{body}", show::heading(heading))
}

fn cut(table: String, rows: usize) -> String {
    match rows.checked_sub(MOST_ROWS) {
        Some(more) if more > 0 => format!("{table}\n… and {more} more; --json lists all"),
        Some(_) | None => table,
    }
}

fn head(view: &CaseView) -> String {
    let title = format!("{}  {}", view.r#ref, listing::words(&view.title, MOST_WORDS));
    let impact = view.impact.map_or("impact not stated", Impact::as_str);
    let mut lines = vec![
        show::heading(&title),
        format!("{}, {impact}; {}", standing(view), concerns(view)),
        format!("from {}, incident {}", listing::words(&view.source, 100), listing::words(&view.incident, 200)),
        format!("case {}", view.id),
        times(view),
    ];
    if view.not_reached.iter().any(|contact| contact.state == "waiting") {
        lines.extend(view.accounts_held.lines());
    }
    if let Some(url) = &view.url {
        lines.push(listing::words(url, MOST_WORDS));
    }
    if view.silent_since_first_sight {
        let announce = format!("`candor case {} --announce`", view.r#ref);
        lines.push(format!(
            "Found open at the first sight of its feed: told with its next change, or now by {announce}."
        ));
    }
    if view.closed_by_hand {
        lines.push("Closed by hand: what its source goes on saying is kept and told to nobody.".to_owned());
    }
    lines.join("\n")
}

/// "open: identified"; of an end that the source did not state "closed by us (the source last said: identified)".
fn standing(view: &CaseView) -> String {
    let phase = view.phase.as_str();
    let how = match view.end {
        None => return format!("{}: {phase}", view.state.as_str()),
        Some(End::ClosedByUs) => "closed by us",
        Some(End::Withdrawn) => "withdrawn",
    };
    let said = format!("{how} (the source last said: {phase})");
    match view.state {
        CaseState::Open | CaseState::Closed => said,
        CaseState::Ended | CaseState::Archived => format!("{}: {said}", view.state.as_str()),
    }
}

fn concerns(view: &CaseView) -> String {
    let names: Vec<String> = view.components.iter().map(|name| listing::words(name, 80)).collect();
    match view.scope {
        Scope::Named => format!("concerns {}", names.join(", ")),
        Scope::NamedByPerson => format!("concerns {} (set by a person)", names.join(", ")),
        Scope::Everyone => "possibly concerns everybody".to_owned(),
        Scope::Nobody => "concerns nobody, by decision".to_owned(),
        Scope::Unscoped if names.is_empty() => "names no component: it is not known whom it concerns".to_owned(),
        Scope::Unscoped => format!("names {}, which no [[component]] matches", names.join(", ")),
    }
}

fn times(view: &CaseView) -> String {
    let named = [
        ("since", view.started_at),
        ("first seen", Some(view.opened_at)),
        ("ended", view.ended_at),
        ("closed", view.closed_at),
        ("next word by", view.next_word_by),
    ];
    let said: Vec<String> =
        named.iter().filter_map(|(name, at)| at.map(|at| format!("{name} {}", listing::time(at)))).collect();
    format!("{} (UTC)", said.join(", "))
}

fn timeline(view: &CaseView) -> String {
    view.timeline.iter().map(|entry| line(view, entry)).collect::<Vec<_>>().join("\n")
}

fn line(view: &CaseView, entry: &Entry) -> String {
    let what = match &entry.what {
        What::Update { said_at, origin, speaker, phase, body, status, action, sequence, .. } => {
            let who = match origin {
                Origin::Polled | Origin::Pushed => listing::words(speaker.as_deref().unwrap_or(&view.source), 60),
                Origin::ByHand => "by hand".to_owned(),
            };
            let mut said = format!("{who}{}: {}", labels(entry.at, *said_at, *phase), quoted(body));
            for (label, text) in [("status", status), ("action", action)] {
                if let Some(text) = text {
                    said.push_str(&format!(" {label} {}", quoted(text)));
                }
            }
            said.push_str(&match sequence {
                None => "; no news by itself: goes along with the next notice".to_owned(),
                Some(0) => "; taken in at first sight".to_owned(),
                Some(sequence) => format!("; told by change {sequence}"),
            });
            said
        }
        What::Rewritten { before, .. } => format!("rewrote its update; before: {}", quoted(before)),
        What::Change { sequence, kinds, why, planned_at, due_at, moved, .. } => {
            let kinds: Vec<&str> = kinds.iter().map(|kind| Kind::as_str(*kind)).collect();
            let waits = match planned_at {
                Some(_) => String::new(),
                None => format!("; waits until {}", listing::time(*due_at)),
            };
            let moved = if moved.is_empty() {
                String::new()
            } else {
                format!(" ({})", listing::words(&moved.join("; "), MOST_WORDS))
            };
            format!("change {sequence}, {}: {}{moved}{waits}", kinds.join(" and "), listing::words(why, MOST_WORDS))
        }
    };
    format!("{}  {what}", listing::time(entry.at))
}

/// What the source calls the update, as far as it is no repetition.
fn labels(seen_at: Timestamp, said_at: Timestamp, phase: Option<Phase>) -> String {
    let differs = seen_at.duration_since(said_at).abs().as_secs() >= 60;
    let time = differs.then(|| format!("dated {}", listing::time(said_at)));
    let labels: Vec<String> = phase.map(|phase| phase.as_str().to_owned()).into_iter().chain(time).collect();
    if labels.is_empty() { String::new() } else { format!(" ({})", labels.join(", ")) }
}

fn quoted(source: &str) -> String {
    format!("\"{}\"", listing::words(source, MOST_WORDS))
}

fn not_reached(view: &CaseView) -> String {
    let row = |one: &super::case_view::NotReached| {
        vec![
            one.contact.client.clone(),
            one.contact.channel.to_owned(),
            one.contact.to.clone(),
            one.state.to_owned(),
            listing::time_or_none(one.since),
            listing::time_or_none(one.next_attempt_at),
            listing::words(one.cause.as_deref().unwrap_or_default(), 200),
        ]
    };
    let rows: Vec<_> = view.not_reached.iter().take(MOST_ROWS).map(row).collect();
    let header = ["CLIENT", "CHANNEL", "TO", "STATE", "SINCE (UTC)", "NEXT ATTEMPT (UTC)", "CAUSE"];
    cut(listing::table(&header, &rows), view.not_reached.len())
}

/// How many were kept, and those that were not or are yet to be: kept ones are listed by `candor promises CASE`.
fn promised(view: &CaseView) -> String {
    let of = |result: Option<PromiseResult>| view.promises.iter().filter(|one| one.1.result == result).count();
    let counts = [
        (of(Some(PromiseResult::Kept)), "kept"),
        (of(Some(PromiseResult::Broken)), "broken"),
        (of(Some(PromiseResult::Released)), "released"),
        (of(None), "yet to be kept"),
    ];
    let said: Vec<String> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    let is_shown = |one: &&Promised| match one.1.result {
        None | Some(PromiseResult::Broken) => true,
        Some(PromiseResult::Kept | PromiseResult::Released) => false,
    };
    let shown: Vec<&Promised> = view.promises.iter().filter(is_shown).collect();
    if shown.is_empty() {
        return said.join(", ");
    }
    let rows: Vec<_> = shown.iter().take(MOST_ROWS).map(|one| promises::Shown::of(&one.1, view.now)).collect();
    format!("{}\n{}", said.join(", "), cut(promises::table(&rows), shown.len()))
}

fn attempts(view: &CaseView) -> String {
    let row = |one: &super::case_view::FailedAttempt| {
        vec![
            listing::time(one.at),
            one.contact.client.clone(),
            one.contact.channel.to_owned(),
            one.contact.to.clone(),
            one.sequence.to_string(),
            one.attempt.to_string(),
            one.outcome.clone(),
            listing::words(&one.cause, 200),
        ]
    };
    let rows: Vec<_> = view.failed_attempts.iter().take(MOST_ROWS).map(row).collect();
    let header = ["AT (UTC)", "CLIENT", "CHANNEL", "TO", "SEQUENCE", "ATTEMPT", "OUTCOME", "CAUSE"];
    cut(listing::table(&header, &rows), view.failed_attempts.len())
}

fn contacts(listed: &[Contact]) -> String {
    let rows: Vec<_> = listed
        .iter()
        .take(MOST_ROWS)
        .map(|one| vec![one.client.clone(), one.channel.to_owned(), one.to.clone()])
        .collect();
    cut(listing::table(&["CLIENT", "CHANNEL", "TO"], &rows), listed.len())
}

fn owed(view: &CaseView) -> String {
    let table = contacts(&view.owed);
    match view.state {
        CaseState::Open => format!("{table}\n(it is open still)"),
        CaseState::Ended | CaseState::Closed | CaseState::Archived => table,
    }
}
