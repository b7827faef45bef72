//! Whether a promised word came in time, and how many of a client's promises in one case did.
//!
//! The rule of `semantics.md` §7. Deliberately absent: making promises (`promise.rs`) and keeping them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A word that is accepted within that time after it was promised is in time.
pub const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// What became of a promised next word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PromiseResult {
    /// A contact of the client accepted a later notice in time.
    Kept,
    Broken,
    /// Nobody of the client could be told any more: removed, or switched off.
    Released,
}

impl PromiseResult {
    pub const ALL: [PromiseResult; 3] = [PromiseResult::Kept, PromiseResult::Broken, PromiseResult::Released];

    pub fn as_str(self) -> &'static str {
        match self {
            PromiseResult::Kept => "kept",
            PromiseResult::Broken => "broken",
            PromiseResult::Released => "released",
        }
    }

    pub fn from_word(word: &str) -> Option<PromiseResult> {
        PromiseResult::ALL.into_iter().find(|result| result.as_str() == word)
    }
}

/// Whether a word that was accepted at `came_at` keeps a promise for `due_at`.
pub fn is_in_time(due_at: Timestamp, came_at: Timestamp) -> bool {
    came_at.duration_since(due_at) <= GRACE
}

/// How much later than promised the word came, or how late it is by `now` if it has not come; `None`: in time so far.
pub fn late_by(due_at: Timestamp, came_at: Option<Timestamp>, now: Timestamp) -> Option<SignedDuration> {
    let until = came_at.unwrap_or(now);
    (!is_in_time(due_at, until)).then(|| until.duration_since(due_at))
}

/// How many of the times that a client was promised in one case brought a word. Released ones do not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeptPromises {
    pub kept: u32,
    pub made: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_in_time_until_a_minute_after_it_was_promised() {
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        for (came, in_time, late) in
            [(-600, true, None), (0, true, None), (60, true, None), (61, false, Some(61)), (3_600, false, Some(3_600))]
        {
            assert_eq!(is_in_time(at(0), at(came)), in_time, "{came}");
            let late = late.map(SignedDuration::from_secs);
            assert_eq!(late_by(at(0), Some(at(came)), at(9_999)), late, "came {came}");
            assert_eq!(late_by(at(0), None, at(came)), late, "has not come by {came}");
        }
    }

    #[test]
    fn results_are_known_by_their_words() {
        for result in PromiseResult::ALL {
            assert_eq!(PromiseResult::from_word(result.as_str()), Some(result));
        }
        assert_eq!(PromiseResult::from_word("open"), None);
    }
}
