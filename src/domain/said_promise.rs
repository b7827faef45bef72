//! The next word that a source promises in its own text: "We will provide an update by Thursday, 2022-06-16 09:55
//! US/Pacific", "Next update in 30 minutes".
//!
//! Only what can be read without doubt counts (`semantics.md` §7): a zone that is one offset, a weekday that agrees
//! with its date, one promise and not two. An estimate of the end is read by the same rules and is no promise of a
//! word. Deliberately absent: dates without a year, and zones whose letters mean several places (CST, IST, BST).

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::incident::NextWord;

/// A time of day without a date is the next one after the post, as long as it is that near.
const NEAR: SignedDuration = SignedDuration::from_hours(12);
/// A word promised for later than that is an announcement of something else.
const FARTHEST: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Between "update" and its "by" there is no more than a few words: "update on this incident by".
const MOST_WORDS_BETWEEN: usize = 4;

/// The promise in `text` (normalised), which its source posted at `posted_at`.
///
/// `None` where there is none, where two differ, or where any part of it could be meant otherwise.
pub fn said_promise(text: &str, posted_at: Timestamp) -> Option<NextWord> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut found: Vec<NextWord> = Vec::new();
    for at in 0..words.len() {
        let Some(rest) = after_the_promise(&words, at) else { continue };
        let word = read(rest, posted_at)?;
        if !found.contains(&word) {
            found.push(word);
        }
    }
    match found.as_slice() {
        [one] => Some(*one),
        _ => None,
    }
}

/// What a source calls the end that it expects.
const ENDED: [&str; 9] =
    ["resolved", "restored", "fixed", "mitigated", "recovered", "complete", "completed", "finished", "resolution"];

/// The time at which the source expects it to be over, if its text gives one that can be read without doubt: an
/// estimate of the source's, never a promise of ours.
pub fn said_estimate(text: &str, posted_at: Timestamp) -> Option<Timestamp> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut found: Vec<Timestamp> = Vec::new();
    for at in 0..words.len() {
        let is_cut = words[at].ends_with(['.', ';', '!', '?']);
        if is_cut || !ENDED.contains(&bare(words[at]).as_str()) {
            continue;
        }
        let Some(rest) = words.get(at + 1..).filter(|rest| rest.first().is_some_and(|word| is_until(word))) else {
            continue;
        };
        let estimate = read(rest, posted_at)?.after(posted_at)?;
        if !found.contains(&estimate) {
            found.push(estimate);
        }
    }
    match found.as_slice() {
        [one] => Some(*one),
        _ => None,
    }
}

fn is_until(word: &str) -> bool {
    matches!(bare(word).as_str(), "by" | "in" | "within")
}

/// The words from "by", "in" or "within" on, when those before them promise an update.
fn after_the_promise<'a>(words: &'a [&'a str], at: usize) -> Option<&'a [&'a str]> {
    let is_update = match bare(words[at]).as_str() {
        "update" => true,
        "information" => at > 0 && bare(words[at - 1]) == "more",
        _ => false,
    };
    if !is_update || !is_promised(&words[..at]) {
        return None;
    }
    let rest = &words[at + 1..];
    let mut between = rest.iter().take(MOST_WORDS_BETWEEN + 1);
    let is_cut = words[at].ends_with(['.', ';', '!', '?']);
    let by = between.position(|word| matches!(bare(word).as_str(), "by" | "in" | "within" | "at"))?;
    let ends_before = rest[..by].iter().any(|word| word.ends_with(['.', ';', '!', '?']));
    (!is_cut && !ends_before).then_some(&rest[by..])
}

/// "the next update", or somebody who will give an update or more information.
fn is_promised(before: &[&str]) -> bool {
    let near: Vec<String> = before.iter().rev().take(8).map(|word| bare(word)).collect();
    if near.first().is_some_and(|word| word == "next") {
        return true;
    }
    let gives = near.iter().position(|word| matches!(word.as_str(), "provide" | "post" | "share" | "give" | "send"));
    let Some(gives) = gives.filter(|gives| *gives <= 4) else { return false };
    let will = near[gives + 1..].iter().take(2).any(|word| matches!(word.as_str(), "will" | "we'll" | "we’ll"));
    let refuses = near.iter().any(|word| matches!(word.as_str(), "not" | "cannot" | "unable"));
    will && !refuses
}

/// `rest` begins with "by", "in", "within" or "at".
fn read(rest: &[&str], posted_at: Timestamp) -> Option<NextWord> {
    match bare(rest.first()?).as_str() {
        "in" | "within" => span(&rest[1..]),
        _ => moment(&rest[1..], posted_at),
    }
}

fn span(words: &[&str]) -> Option<NextWord> {
    let words = match bare(words.first()?).as_str() {
        "the" if words.get(1).is_some_and(|word| bare(word) == "next") => &words[2..],
        _ => words,
    };
    let count = match bare(words.first()?).as_str() {
        "one" | "an" => 1,
        "two" => 2,
        number => number.parse::<i64>().ok()?,
    };
    let seconds = match bare(words.get(1)?).as_str() {
        "minute" | "minutes" | "mins" | "min" => 60,
        "hour" | "hours" => 3_600,
        _ => return None,
    };
    let seconds = count.checked_mul(seconds).filter(|seconds| (60..=FARTHEST.as_secs()).contains(seconds))?;
    Some(NextWord::After(seconds))
}

/// `[WEEKDAY,] YYYY-MM-DD [at] HH:MM ZONE`, or `HH:MM ZONE`.
fn moment(words: &[&str], posted_at: Timestamp) -> Option<NextWord> {
    let (weekday, words) = match words.first().and_then(|word| weekday(&bare(word))) {
        Some(day) => (Some(day), &words[1..]),
        None => (None, words),
    };
    let (date, words) = match words.first().and_then(|word| date(word)) {
        Some(date) => (Some(date), &words[1..]),
        None => (None, words),
    };
    let words = if words.first().is_some_and(|word| bare(word) == "at") { &words[1..] } else { words };
    let time = time(words.first()?)?;
    let zone = zone(words.get(1)?)?;
    let at = match (date, weekday) {
        (Some(date), day) if day.is_none_or(|day| day == date.weekday()) => zone.at(date, time)?,
        (None, None) => next_such_time(&zone, time, posted_at)?,
        _ => return None,
    };
    let ahead = at.duration_since(posted_at);
    (ahead > SignedDuration::ZERO && ahead <= FARTHEST).then_some(NextWord::At(at))
}

fn next_such_time(zone: &Zone, time: Time, posted_at: Timestamp) -> Option<Timestamp> {
    let today = zone.0.to_datetime(posted_at).date();
    let at = [Some(today), today.tomorrow().ok()]
        .into_iter()
        .flatten()
        .filter_map(|date| zone.at(date, time))
        .find(|at| *at > posted_at)?;
    (at.duration_since(posted_at) <= NEAR).then_some(at)
}

struct Zone(TimeZone);

impl Zone {
    /// `None` in a gap, and where a clock shows the same time twice.
    fn at(&self, date: Date, time: Time) -> Option<Timestamp> {
        self.0.to_ambiguous_timestamp(date.to_datetime(time)).unambiguous().ok()
    }
}

fn zone(word: &str) -> Option<Zone> {
    let hours = match word.trim_matches(|c: char| !c.is_alphanumeric()) {
        "UTC" | "GMT" | "Z" => 0,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        "CEST" => 2,
        "CET" => 1,
        "US/Pacific" => return TimeZone::get("America/Los_Angeles").ok().map(Zone),
        "US/Eastern" => return TimeZone::get("America/New_York").ok().map(Zone),
        _ => return None,
    };
    Some(Zone(TimeZone::fixed(Offset::constant(hours))))
}

fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

fn date(word: &str) -> Option<Date> {
    let word = word.trim_end_matches(',');
    let is_written_out = word.len() == 10
        && word.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if is_written_out { word.parse().ok() } else { None }
}

fn time(word: &str) -> Option<Time> {
    let (hour, minute) = word.split_once(':')?;
    let is_clock = (1..=2).contains(&hour.len()) && minute.len() == 2;
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_clock || !digits(hour) || !digits(minute) {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

/// Lower case, without the marks around it.
fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSTED: &str = "2022-06-16T16:27:00Z";

    fn check(text: &str, expected: Option<&str>) {
        let posted: Timestamp = POSTED.parse().expect("a time");
        let found = said_promise(text, posted).map(|word| match word {
            NextWord::At(at) => at,
            NextWord::After(seconds) => posted + SignedDuration::from_secs(seconds),
        });
        assert_eq!(found, expected.map(|at| at.parse().expect("a time")), "{text}");
    }

    #[test]
    fn what_vendors_promise_is_read_in_their_zone() {
        for (text, at) in [
            (
                "We will provide an update by Thursday, 2022-06-16 09:55 US/Pacific with current details.",
                "2022-06-16T16:55:00Z",
            ),
            (
                "We will provide another update by Thursday, 2022-06-16 15:15 PDT with current details.",
                "2022-06-16T22:15:00Z",
            ),
            ("We will provide our next update by Friday, 2022-06-17 at 10:00 PDT.", "2022-06-17T17:00:00Z"),
            ("Work goes on. We'll post another update by 17:00 UTC.", "2022-06-16T17:00:00Z"),
            ("we're still investigating and will provide an update by 18:30 UTC.", "2022-06-16T18:30:00Z"),
            ("Next update in 30 minutes", "2022-06-16T16:57:00Z"),
            ("Next update is expected within 60 minutes.", "2022-06-16T17:27:00Z"),
            ("We'll provide an update in 60 minutes or sooner if there is more.", "2022-06-16T17:27:00Z"),
            ("We will share the next update within the next two hours.", "2022-06-16T18:27:00Z"),
            ("Next update by 01:15 UTC", "2022-06-17T01:15:00Z"),
            ("We will provide more information by Thursday, 2022-06-16 16:00 US/Pacific.", "2022-06-16T23:00:00Z"),
        ] {
            check(text, Some(at));
        }
    }

    #[test]
    fn what_leaves_a_doubt_is_no_promise() {
        for text in [
            "",
            "We will provide an update as soon as we know more.",
            "We will provide an update by Friday, 2022-06-16 09:55 US/Pacific.",
            "We will provide an update by 06/16 09:55 PDT.",
            "We will provide an update by 17:00.",
            "We will provide an update by 17:00 CST.",
            "We will provide an update by 16:00 UTC.",
            "We will provide an update by 2022-06-16 09:00 UTC.",
            "We will provide an update by 2023-06-16 09:00 UTC.",
            "We will provide an update by 25:10 UTC.",
            "We will not provide an update by 17:00 UTC.",
            "We will deploy the update in 30 minutes.",
            "The update was rolled back. By 17:00 UTC all was well.",
            "We will provide an update. By 17:00 UTC all regions recover.",
            "We provided an update in 30 minutes.",
            "Next update in 0 minutes",
            "Next update in 99999999999999999999 minutes",
            "Next update in 30 minutes. Next update by 20:00 UTC.",
            "We expect a fix by 17:00 UTC.",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn the_hour_that_a_clock_skips_or_shows_twice_is_no_promise() {
        let posted: Timestamp = "2022-11-06T07:00:00Z".parse().expect("a time");
        let twice = "We will provide an update by Sunday, 2022-11-06 01:30 US/Pacific.";
        assert_eq!(said_promise(twice, posted), None);
        let once = "We will provide an update by Sunday, 2022-11-06 01:30 PDT.";
        assert_eq!(said_promise(once, posted), Some(NextWord::At("2022-11-06T08:30:00Z".parse().expect("a time"))));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(next update|will provide an update|by|in|within|[0-9:-]{0,12}|UTC|[ ,.]){0,12}") {
            let _ = said_promise(&text, Timestamp::UNIX_EPOCH);
        }
    }

    #[test]
    fn an_estimate_of_the_end_is_read_where_it_leaves_no_doubt() {
        for (text, expected) in [
            ("We expect this to be resolved by 18:00 UTC.", Some("2022-06-16T18:00:00Z")),
            ("Service will be fully restored within 2 hours.", Some("2022-06-16T18:27:00Z")),
            ("The migration is expected to be complete by 2022-06-17 10:00 UTC.", Some("2022-06-17T10:00:00Z")),
            ("It was resolved. By 18:00 UTC we know more.", None),
            ("To be fixed by tomorrow.", None),
            ("To be fixed by 18:00 UTC, at the latest resolved by 19:00 UTC.", None),
            ("We will provide an update by 18:00 UTC.", None),
        ] {
            let posted: Timestamp = POSTED.parse().expect("a time");
            let expected = expected.map(|at| at.parse().expect("a time"));
            assert_eq!(said_estimate(text, posted), expected, "{text}");
        }
    }
}
