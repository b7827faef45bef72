//! What one client would have been sent over recorded histories, against a notice on every change.
//!
//! `cargo bench --bench histories [-- FILE_OR_FOLDER…]`; without any, the recordings of this repository. The client
//! depends on everything, every post is seen when it is posted, every mail arrives at once: what is left is what the
//! rules decide, in the domain's own functions and with the shipped configuration, so the figures are always the same.
//! Deliberately absent: the sequences of reads, of which `tests/daemon/replays.rs` knows every notice.
#![allow(clippy::print_stdout, clippy::panic, reason = "a benchmark prints, and ends at the first surprise")]

#[path = "../../tests/support/atom_page.rs"]
mod atom_page;
mod follow;
#[path = "../../tests/support/google_page.rs"]
mod google_page;
mod posts;
mod recorded;
#[path = "../../tests/real_parts/replay_atom.rs"]
mod replay_atom;

use std::collections::BTreeMap;
use std::path::PathBuf;

use follow::{Rules, Tally};
use recorded::Recorded;

fn main() {
    // cargo bench passes --bench on.
    let named: Vec<PathBuf> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).map(PathBuf::from).collect();
    let folders = if named.is_empty() { vec![own_recordings()] } else { named };
    let rules = Rules::shipped();
    let mut tallies: BTreeMap<&'static str, Tally> = BTreeMap::new();
    for recorded in histories(&folders) {
        *tallies.entry(recorded.history).or_default() += follow::follow(&recorded, &rules);
    }
    show(&tallies);
}

fn own_recordings() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/feeds"))
}

/// Every incident once: where several recordings have it, the one with the most posts, of these the latest.
fn histories(folders: &[PathBuf]) -> Vec<Recorded> {
    let mut known: BTreeMap<(&'static str, String), Recorded> = BTreeMap::new();
    for recorded in folders.iter().flat_map(|folder| recorded::below(folder)) {
        let key = (recorded.history, recorded.incident.clone());
        if known.get(&key).is_none_or(|before| before.seen.len() <= recorded.seen.len()) {
            known.insert(key, recorded);
        }
    }
    known.into_values().collect()
}

fn show(tallies: &BTreeMap<&'static str, Tally>) {
    println!(
        "{:<24}{:>10}{:>9}{:>17}{:>6}{:>6}{:>25}",
        "history", "incidents", "updates", "on every change", "sent", "due", "due, news within 5 min"
    );
    let mut total = Tally::default();
    for (history, tally) in tallies {
        line(history, tally);
        total += *tally;
    }
    line("all", &total);
}

fn line(history: &str, tally: &Tally) {
    let Tally { incidents, updates, on_every_change, sent, due, due_too_soon } = tally;
    println!("{history:<24}{incidents:>10}{updates:>9}{on_every_change:>17}{sent:>6}{due:>6}{due_too_soon:>25}");
}
