//! Whether a document is older than the one read before. Pure.
//!
//! A cache may serve an old version, for hours: nothing of it is believed. A page that really went back (restored
//! from a backup) keeps telling the same older line; after an hour of that the line is taken as true.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// After this long, in seconds, reads that agree with each other are taken as true.
const AGREED_FOR: i64 = 3_600;

/// The newest stamp seen, and the older line of reads since.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Age {
    pub newest: Option<Timestamp>,
    pub older: Option<OlderLine>,
}

/// Reads in a row that were older than the newest, none of them older than the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OlderLine {
    pub since: Timestamp,
    pub stamp: Timestamp,
}

/// What to make of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Believed(Age),
    Older(Age, OlderLine),
}

/// Judges a document with the stamp of its page's last change, read at `now`. One without a stamp is believed.
pub fn judge(before: &Age, stamp: Option<Timestamp>, now: Timestamp) -> Verdict {
    let (Some(stamp), Some(newest)) = (stamp, before.newest) else {
        return Verdict::Believed(Age { newest: stamp.or(before.newest), older: None });
    };
    if stamp >= newest {
        return Verdict::Believed(Age { newest: Some(stamp), older: None });
    }
    let since = match before.older {
        Some(line) if stamp >= line.stamp => line.since,
        Some(_) | None => now,
    };
    if now.as_second().saturating_sub(since.as_second()) >= AGREED_FOR {
        return Verdict::Believed(Age { newest: Some(stamp), older: None });
    }
    let line = OlderLine { since, stamp };
    Verdict::Older(Age { newest: Some(newest), older: Some(line) }, line)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads as (minute, stamp's minute, whether it is believed), from a page last changed in minute 100.
    fn check(reads: &[(i64, Option<i64>, bool)]) {
        let at = |minute: i64| Timestamp::from_second(1_700_000_000 + minute * 60).unwrap();
        let mut age = Age { newest: Some(at(100)), older: None };
        for (minute, stamp, believed) in reads {
            let verdict = judge(&age, stamp.map(at), at(*minute));
            assert_eq!(matches!(verdict, Verdict::Believed(_)), *believed, "{reads:?} in minute {minute}");
            age = match verdict {
                Verdict::Believed(age) | Verdict::Older(age, _) => age,
            };
        }
    }

    #[test]
    fn an_older_document_says_nothing_until_an_hour_of_reads_agrees() {
        check(&[(101, Some(100), true), (102, Some(102), true)]);
        check(&[(101, Some(10), false), (102, Some(103), true), (200, Some(10), false)]);
        check(&[(101, Some(10), false), (160, Some(10), false), (161, Some(11), true), (162, Some(12), true)]);
        check(&[(101, Some(10), false), (160, Some(9), false), (161, Some(10), false), (220, Some(10), true)]);
        check(&[(101, None, true), (102, Some(99), false)]);
    }
}
