//! What a client has been through in a case, over all its contacts.
//!
//! Deliberately absent: what follows from it (`plan.rs`).

use super::{Former, Known};
use crate::domain::notice::Action;
use crate::domain::thread::{Standing, Thread, Variant};

/// What this client has been through in the case, over all contacts.
pub(super) struct Past<'a> {
    pub(super) is_in: bool,
    pub(super) was_told: bool,
    /// What would have been told that it is open was rehearsed, and its end was not planned yet.
    pub(super) is_in_rehearsal: bool,
    /// The variant planned last.
    pub(super) variant: Option<&'a Variant>,
    /// Every action that a thread of theirs names.
    pub(super) actions: Vec<Action>,
}

pub(super) fn past<'a>(known: &[Known<'a>], former: &[Former<'a>]) -> Past<'a> {
    let of_known: Vec<(&Thread, Option<&Variant>)> =
        known.iter().filter_map(|k| k.thread.map(|thread| (thread, k.variant))).collect();
    let of_former = former.iter().map(|f| (f.thread, f.variant)).collect();
    let threads = if of_known.is_empty() { of_former } else { of_known };
    let (rehearsed, threads): (Vec<_>, Vec<_>) = threads.into_iter().partition(|(thread, _)| thread.is_rehearsed());
    let variants = threads.iter().filter_map(|(_, variant)| *variant);
    Past {
        is_in: threads.iter().any(|(thread, _)| thread.standing == Standing::In),
        was_told: threads.iter().any(|(thread, _)| thread.was_told()),
        is_in_rehearsal: rehearsed.iter().any(|(thread, _)| thread.standing == Standing::In),
        variant: threads.iter().max_by_key(|(thread, _)| thread.wanted).and_then(|(_, variant)| *variant),
        actions: variants.flat_map(|variant| variant.actions.iter().cloned()).collect(),
    }
}

/// The thread of the client, of whichever contact, that was planned last; what was only rehearsed does not count.
pub(super) fn newest<'a>(known: &[Known<'a>], former: &[Former<'a>]) -> Option<(&'a Thread, Option<&'a Variant>)> {
    let of_known = known.iter().filter_map(|k| k.thread.map(|thread| (thread, k.variant)));
    let all = of_known.chain(former.iter().map(|f| (f.thread, f.variant)));
    all.filter(|(thread, _)| !thread.is_rehearsed()).max_by_key(|(thread, _)| thread.wanted)
}
