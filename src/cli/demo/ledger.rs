//! The end of the demo: what the store's ledger holds of the case, the promises kept, and whether all that had to
//! happen did.
//!
//! Deliberately absent: a ledger of our own; receipts and states are the store's rows.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::ensure;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::arrival::{Arrival, Dossier};
use super::audience::{Audience, Member};
use super::stage::{self, Ink, clock, ink, say};
use crate::cli::show;
use crate::domain::case::Story;
use crate::store::rows::{LedgerRow, LedgerState};

/// A promise counts as kept that much after its time.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// A promise of one message, and the word that came.
struct Kept {
    made: Timestamp,
    by: Timestamp,
    came: Timestamp,
}

/// Shows the ledger of the case, a client at a time, then its promises and what to do next.
pub fn show_all(story: &Story, dossier: &Dossier, audience: &Audience, arrivals: &[Arrival], kept: Option<&Path>) {
    let case = &story.case;
    stage::banner(&format!("The ledger of case {} ({})", case.reference, case.state.as_str()));
    for member in audience.all() {
        show_member(member, story, dossier);
    }
    show_promises(arrivals);
    show_next(kept);
}

fn show_member(member: Member<'_>, story: &Story, dossier: &Dossier) {
    let rows: Vec<&LedgerRow> = dossier.rows.iter().filter(|row| row.client_id == member.id()).collect();
    show::result("");
    if rows.is_empty() {
        show::result(&ink(Ink::Bold, &format!("   {}: not concerned, and told nothing", member.name())));
        return;
    }
    let contacts: BTreeSet<i64> = rows.iter().map(|row| row.id.contact_key).collect();
    for contact in contacts {
        let rows: Vec<&&LedgerRow> = rows.iter().filter(|row| row.id.contact_key == contact).collect();
        let delivered = rows.iter().filter(|row| row.state == LedgerState::Delivered).count();
        let channel = rows.first().map_or("", |row| row.channel.as_str());
        let title = format!("   {}, {channel}: {} notices, {delivered} receipts", member.name(), rows.len());
        show::result(&ink(Ink::Bold, &title));
        for row in rows {
            let when = row.settled_at.map_or_else(|| "not yet".to_owned(), |at| clock(at, &TimeZone::UTC));
            let answer = row.receipt.as_deref().unwrap_or_default();
            show::result(&format!("     {when}  {:<12} {:<10} {answer}", reason(story, row), row.state.as_str()));
        }
    }
}

fn reason(story: &Story, row: &LedgerRow) -> &'static str {
    let change = story.changes.iter().find(|change| change.sequence == row.id.sequence);
    change.map_or("", |change| change.reason().as_str())
}

fn show_promises(arrivals: &[Arrival]) {
    let promises = promises(arrivals);
    let kept = promises.iter().filter(|promise| promise.came <= promise.by + GRACE).count();
    show::result("");
    let title = format!("   Promises of a next word: {} made, {kept} kept", promises.len());
    show::result(&ink(Ink::Bold, &title));
    for Kept { made, by, came } in promises {
        let utc = |time: Timestamp| clock(time, &TimeZone::UTC);
        let how = match by.duration_since(came).as_secs().div_euclid(60) {
            ..=0 => "in time".to_owned(),
            minutes @ 1..=99 => format!("{minutes} min early"),
            minutes => format!("{} h early", minutes / 60),
        };
        show::result(&format!("     {}  said: by {}.  The next word came {}, {how}", utc(made), utc(by), utc(came)));
    }
}

/// Each promise in figures (webhooks have them) with the next message to the same contact.
fn promises(arrivals: &[Arrival]) -> Vec<Kept> {
    let Some(first) = arrivals.iter().find(|arrival| arrival.promised().is_some()) else { return Vec::new() };
    let of_contact: Vec<&Arrival> =
        arrivals.iter().filter(|arrival| arrival.contact_key == first.contact_key).collect();
    of_contact
        .windows(2)
        .filter_map(|pair| Some(Kept { made: pair[0].at, by: pair[0].promised()?, came: pair[1].at }))
        .collect()
}

fn show_next(kept: Option<&Path>) {
    stage::banner("What to do next");
    match kept {
        Some(folder) => say(&format!("Look into {}: messages, state and configuration are there.", folder.display())),
        None => say("Read this from the start: candor demo | less.  Keep messages and state: --keep DIR"),
    }
    say("Follow your own page: name it under [[feed]] in config/candor.toml, then: candor check");
}

/// Whether all that had to happen did.
///
/// # Errors
/// What did not.
pub fn check(dossier: &Dossier, audience: &Audience, arrivals: &[Arrival], refused: &[String]) -> anyhow::Result<()> {
    ensure!(refused.is_empty(), "refused: {}", refused.join("; "));
    for row in &dossier.rows {
        let is_good = matches!(row.state, LedgerState::Delivered | LedgerState::Superseded);
        let cause = row.cause.as_ref().map(|cause| format!(" ({cause})")).unwrap_or_default();
        ensure!(is_good, "the notice {} to {} is {}{cause}", row.id, row.client_id, row.state.as_str());
    }
    let delivered = dossier.rows.iter().filter(|row| row.state == LedgerState::Delivered).count();
    ensure!(delivered == arrivals.len(), "{delivered} messages are called delivered, {} have arrived", arrivals.len());
    for member in audience.all() {
        let own: Vec<&Arrival> = arrivals.iter().filter(|arrival| arrival.client == member.id()).collect();
        let contacts: BTreeSet<i64> = own.iter().map(|arrival| arrival.contact_key).collect();
        let closed: Vec<i64> = own.iter().filter(|one| one.closes()).map(|one| one.contact_key).collect();
        let is_told_once =
            closed.len() == contacts.len() && closed.iter().collect::<BTreeSet<_>>().len() == closed.len();
        ensure!(is_told_once, "{} was not told exactly once for each contact that it is over", member.name());
    }
    let late = promises(arrivals).iter().filter(|promise| promise.came > promise.by + GRACE).count();
    ensure!(late == 0, "{late} promises of a next word were not kept");
    Ok(())
}
