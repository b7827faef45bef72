//! The time of the next word: how long until it, and whether a text's own promise counts.
//!
//! Deliberately absent: keeping it. `passes/keep.rs` acts on what is computed here.

use std::time::Duration;

use jiff::Timestamp;

use super::case::Promise;
use super::incident::{Impact, NextWord, Phase};
use super::pace::PromiseSettings;

const HOUR: u64 = 3600;
/// The intervals double once a case is older than that.
const OLD_CASE: i64 = 2 * 3600;
/// Without news for that long the word comes daily.
const DAILY_AFTER: i64 = 24 * 3600;

/// What the interval depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub phase: Phase,
    pub impact: Option<Impact>,
    pub opened_at: Timestamp,
    pub last_news_at: Timestamp,
    /// How many words in a row brought nothing new.
    pub without_news: u32,
}

/// Seconds from now to the next word, by impact and phase, the age of the case, and how long it has been
/// quiet: 1×, 2×, then 4×, at most 4 h while major or critical, daily after a day without news.
pub fn interval(settings: &PromiseSettings, standing: &Standing, now: Timestamp) -> Duration {
    if now.duration_since(standing.last_news_at).as_secs() >= DAILY_AFTER {
        return Duration::from_secs(24 * HOUR);
    }
    let row = match standing.impact {
        Some(Impact::Critical) => settings.critical,
        Some(Impact::Major) => settings.major,
        Some(Impact::Minor | Impact::None | Impact::Maintenance) | None => settings.minor,
    };
    let base = match standing.phase {
        Phase::Investigating | Phase::Scheduled | Phase::InProgress => row[0],
        Phase::Identified => row[1],
        Phase::Monitoring | Phase::Verifying => row[2],
        Phase::Resolved | Phase::Postmortem | Phase::Completed | Phase::Cancelled => row[2],
    };
    let base = if now.duration_since(standing.opened_at).as_secs() > OLD_CASE { base * 2 } else { base };
    let widened = base * 2_u32.pow(standing.without_news.min(2));
    match standing.impact {
        Some(Impact::Major | Impact::Critical) => widened.min(Duration::from_secs(4 * HOUR).max(base)),
        Some(Impact::Minor | Impact::None | Impact::Maintenance) | None => widened.min(Duration::from_secs(24 * HOUR)),
    }
}

/// The promise that a notice sent now makes: the author's own where it lies ahead, else the interval.
pub fn make(
    settings: &PromiseSettings,
    standing: &Standing,
    said: Option<(NextWord, Timestamp)>,
    now: Timestamp,
) -> Promise {
    let by_author = said.and_then(|(next_word, said_at)| match next_word {
        NextWord::At(at) => Some(at),
        NextWord::After(seconds) => said_at.checked_add(jiff::SignedDuration::from_secs(seconds)).ok(),
    });
    let due_at = by_author.filter(|at| *at > now).unwrap_or_else(|| now + interval(settings, standing, now));
    Promise { made_at: now, due_at, without_news: standing.without_news }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> PromiseSettings {
        let minutes = |m: [u64; 3]| m.map(|m| Duration::from_secs(m * 60));
        PromiseSettings { critical: minutes([30, 30, 60]), major: minutes([60, 60, 120]), minor: minutes([120; 3]) }
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).expect("a time within range")
    }

    #[test]
    fn the_interval_follows_impact_phase_age_and_quiet() {
        use Impact::{Critical, Major, Minor};
        use Phase::{Identified, Investigating, Monitoring};
        for (impact, phase, age, quiet_for, without_news, minutes, why) in [
            (Some(Critical), Investigating, 0, 0, 0, 30, "critical"),
            (Some(Critical), Monitoring, 0, 0, 0, 60, "monitoring is slower"),
            (Some(Major), Identified, 0, 0, 0, 60, "major"),
            (Some(Major), Monitoring, 0, 0, 0, 120, "major, monitoring"),
            (Some(Minor), Investigating, 0, 0, 0, 120, "minor"),
            (None, Investigating, 0, 0, 0, 120, "unstated is as minor"),
            (Some(Critical), Investigating, 121, 0, 0, 60, "doubled after two hours"),
            (Some(Critical), Investigating, 0, 0, 1, 60, "twice, with nothing new"),
            (Some(Critical), Investigating, 0, 0, 2, 120, "four times"),
            (Some(Critical), Investigating, 0, 0, 9, 120, "and no more"),
            (Some(Major), Monitoring, 200, 100, 2, 240, "at most four hours while major"),
            (Some(Minor), Monitoring, 200, 100, 2, 960, "minor may be longer"),
            (Some(Critical), Investigating, 2000, 1440, 2, 1440, "daily after a day without news"),
        ] {
            let standing = Standing { phase, impact, opened_at: at(-age), last_news_at: at(-quiet_for), without_news };
            assert_eq!(interval(&settings(), &standing, at(0)).as_secs() / 60, minutes, "{why}");
        }
    }

    #[test]
    fn an_author_s_promise_counts_unless_it_is_past() {
        let standing = Standing {
            phase: Phase::Identified,
            impact: Some(Impact::Major),
            opened_at: at(0),
            last_news_at: at(0),
            without_news: 0,
        };
        for (said, minutes) in [
            (None, 60),
            (Some((NextWord::After(1800), at(0))), 30),
            (Some((NextWord::At(at(45)), at(0))), 45),
            (Some((NextWord::At(at(-5)), at(-60))), 60),
            (Some((NextWord::After(60), at(-60))), 60),
            (Some((NextWord::After(i64::MAX), at(0))), 60),
        ] {
            assert_eq!(make(&settings(), &standing, said, at(0)).due_at, at(minutes), "{said:?}");
        }
    }
}
