//! The time of the next word: how long until it, and whether a text's own promise counts.
//!
//! Deliberately absent: keeping it. `passes/keep.rs` acts on what is computed here.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::case::{Acts, Case, CaseState, Change, Facts, Promise, Story, Timers};
use super::incident::{Impact, NextWord, Phase};
use super::notice::Kind;
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

impl Standing {
    /// As it is now.
    pub fn of(case: &Case, without_news: u32, now: Timestamp) -> Standing {
        let facts = &case.facts;
        Standing {
            phase: facts.phase,
            impact: facts.impact,
            opened_at: facts.incident_since.unwrap_or(case.opened_at).max(case.opened_at),
            last_news_at: quiet_since(facts, now),
            without_news,
        }
    }
}

/// Since when there has been nothing new: planned work is news by its planned start and end too.
pub fn quiet_since(facts: &Facts, now: Timestamp) -> Timestamp {
    facts.last_news_at.max(planned_time_behind(facts, now).unwrap_or(Timestamp::MIN))
}

/// The planned end if it is past, else the planned start if it is.
fn planned_time_behind(facts: &Facts, now: Timestamp) -> Option<Timestamp> {
    let times = [facts.scheduled_until, facts.scheduled_for];
    times.into_iter().flatten().filter(|_| facts.phase.is_maintenance()).find(|at| *at <= now)
}

/// The promise that a notice sent now makes: the author's own where it lies ahead, else the interval.
pub fn make(
    settings: &PromiseSettings,
    standing: &Standing,
    said: Option<(NextWord, Timestamp)>,
    now: Timestamp,
) -> Promise {
    let by_author = said.and_then(|(next_word, said_at)| next_word.after(said_at));
    let due_at = by_author.filter(|at| *at > now).unwrap_or_else(|| now + interval(settings, standing, now));
    Promise { made_at: now, due_at, without_news: standing.without_news, acts: Acts::Ahead }
}

/// The promise that holds once this change is told: what its newest update says, what planned work does next, or
/// the interval. `None` after the end.
pub fn of_change(settings: &PromiseSettings, story: &Story, change: &Change, now: Timestamp) -> Option<Promise> {
    let case = &story.case;
    if case.facts.phase.is_over() || case.state != CaseState::Open {
        return None;
    }
    let in_a_row = case.timers.promise.map_or(0, |before| before.without_news);
    let without_news = if change.reason() == Kind::Due { in_a_row + 1 } else { 0 };
    let standing = Standing::of(case, without_news, now);
    let said = story
        .updates
        .iter()
        .filter(|update| update.sequence == Some(change.sequence))
        .filter_map(|update| update.next_word.map(|word| (word, update.at)))
        .next_back();
    let planned = if said.is_none() { of_planned_work(&case.facts, now) } else { None };
    let mut made = planned.unwrap_or_else(|| make(settings, &standing, said, now));
    if let Some(standing) = still_promised(story, now).filter(|at| said.is_none() && *at < made.due_at) {
        made = Promise { due_at: standing, acts: Acts::Ahead, ..made };
    }
    match case.timers.promise {
        Some(before) if !reaches_everybody(story, change) && before.due_at < made.due_at => Some(before),
        Some(_) | None => Some(made),
    }
}

/// A promise that is nearer than that is kept by what is being told now.
const BEING_KEPT: SignedDuration = SignedDuration::from_mins(2);

/// What the source promised last, as long as it lies ahead: what is told meanwhile does not put it off.
fn still_promised(story: &Story, now: Timestamp) -> Option<Timestamp> {
    let told = story.updates.iter().filter(|update| update.sequence.is_some());
    let promised = told.filter_map(|update| Some((update.number, update.next_word?.after(update.at)?)));
    promised.max_by_key(|(number, _)| *number).map(|(_, at)| at).filter(|at| *at > now + BEING_KEPT)
}

/// A word that only some hear never puts off what the others were promised.
fn reaches_everybody(story: &Story, change: &Change) -> bool {
    let is_for_some = story.changes_only_who_is_told(change);
    !is_for_some && !change.kinds.iter().all(|kind| matches!(kind, Kind::Unaffected | Kind::Action))
}

/// Until when it has to be said that something stays removed: those for whom it was removed hear no news meanwhile,
/// and they too were promised a word.
pub fn unaffected_at(timers: &Timers, change: &Change, now: Timestamp) -> Option<Timestamp> {
    let is_told_to_them = matches!(change.kinds[..], [Kind::Due | Kind::Reminder]);
    let promised = timers.promise.filter(|_| !is_told_to_them).map(|promise| promise.act_at().max(now));
    timers.unaffected_at.map(|at| promised.map_or(at, |promised| at.min(promised)))
}

/// Before planned work begins a word comes that long ahead.
const REMINDERS: [SignedDuration; 3] =
    [SignedDuration::from_hours(7 * 24), SignedDuration::from_hours(24), SignedDuration::from_hours(1)];
/// Work that takes longer has a word half-way.
const HALF_WAY_FROM: SignedDuration = SignedDuration::from_hours(2);
/// A word that is nearer than that is the one being made: a reminder that close to the source's own is not sent.
const SOON: SignedDuration = SignedDuration::from_mins(15);

/// The promise of planned work: its next reminder or its start; once it runs the middle, if it is long, and its end.
/// `None` when all of that is past, or it is no planned work: the interval holds.
pub fn of_planned_work(facts: &Facts, now: Timestamp) -> Option<Promise> {
    let (start, end) = (facts.scheduled_for, facts.scheduled_until);
    let mut words: Vec<(Timestamp, Acts)> = Vec::new();
    match facts.phase {
        Phase::Scheduled => {
            let start = start?;
            words.extend(REMINDERS.iter().filter_map(|ahead| Some((start.checked_sub(*ahead).ok()?, Acts::Ahead))));
            words.push((start, Acts::OnTime));
        }
        Phase::InProgress | Phase::Verifying => {}
        Phase::Investigating
        | Phase::Identified
        | Phase::Monitoring
        | Phase::Resolved
        | Phase::Postmortem
        | Phase::Completed
        | Phase::Cancelled => return None,
    }
    // Also where its source is late to say that it has begun.
    if let Some(end) = end {
        let length = start.map(|start| end.duration_since(start)).filter(|length| *length > HALF_WAY_FROM);
        words.extend(length.map(|length| (end - length / 2, Acts::Ahead)));
        words.push((end, Acts::OnTime));
    }
    // Its start and its end are told however near they are.
    let is_ahead = |(at, acts): &(Timestamp, Acts)| match acts {
        Acts::Ahead => *at > now + SOON,
        Acts::OnTime => *at > now,
    };
    let (due_at, acts) = words.into_iter().find(is_ahead)?;
    Some(Promise { made_at: now, due_at, without_news: 0, acts })
}

/// What is said when a promise falls due with nothing new. Work that its source has not said to have begun begins by
/// the clock, once.
pub fn word_when_due(facts: &Facts, promise: &Promise) -> Kind {
    let is_ahead = |at: Option<Timestamp>| at.is_some_and(|at| promise.due_at < at);
    let is_its_end = facts.scheduled_until == Some(promise.due_at);
    match facts.phase {
        Phase::Scheduled if is_ahead(facts.scheduled_for) => Kind::Reminder,
        Phase::Scheduled if facts.scheduled_for.is_some() && facts.begun_by_clock != facts.scheduled_for => {
            Kind::Started
        }
        Phase::Scheduled | Phase::InProgress | Phase::Verifying if is_its_end => Kind::Overdue,
        Phase::Scheduled
        | Phase::InProgress
        | Phase::Verifying
        | Phase::Investigating
        | Phase::Identified
        | Phase::Monitoring
        | Phase::Resolved
        | Phase::Postmortem
        | Phase::Completed
        | Phase::Cancelled => Kind::Due,
    }
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

    #[test]
    fn planned_work_speaks_at_its_reminders_its_start_its_middle_and_its_end() {
        use Phase::{Identified, InProgress, Scheduled};
        let check = |phase: Phase, start: i64, end: i64, due: Option<(i64, Acts)>, kind: Kind| {
            let mut facts = crate::domain::fixtures::facts();
            (facts.phase, facts.scheduled_for, facts.scheduled_until) = (phase, Some(at(start)), Some(at(end)));
            let promise = of_planned_work(&facts, at(0));
            assert_eq!(promise.map(|p| (p.due_at, p.acts)), due.map(|(minutes, acts)| (at(minutes), acts)));
            let due_now = promise.unwrap_or(make(&settings(), &standing(phase), None, at(0)));
            assert_eq!(word_when_due(&facts, &due_now), kind, "{phase:?} from {start} to {end}");
        };
        let day = 24 * 60;
        check(Scheduled, 8 * day, 8 * day + 60, Some((day, Acts::Ahead)), Kind::Reminder);
        check(Scheduled, 7 * day, 7 * day + 60, Some((6 * day, Acts::Ahead)), Kind::Reminder);
        check(Scheduled, 90, 150, Some((30, Acts::Ahead)), Kind::Reminder);
        check(Scheduled, 75, 150, Some((75, Acts::OnTime)), Kind::Started);
        check(Scheduled, 76, 150, Some((16, Acts::Ahead)), Kind::Reminder);
        check(Scheduled, 60, 120, Some((60, Acts::OnTime)), Kind::Started);
        check(Scheduled, 1, 120, Some((1, Acts::OnTime)), Kind::Started);
        check(Scheduled, -10, 50, Some((50, Acts::OnTime)), Kind::Started);
        check(Scheduled, -10, 290, Some((140, Acts::Ahead)), Kind::Started);
        check(Scheduled, 60 * 24 + 1, 60 * 24 + 60, Some((60 * 23 + 1, Acts::Ahead)), Kind::Reminder);
        check(InProgress, -10, 290, Some((140, Acts::Ahead)), Kind::Due);
        check(InProgress, -10, 50, Some((50, Acts::OnTime)), Kind::Overdue);
        check(InProgress, -60, -1, None, Kind::Due);
        check(InProgress, -60, 1, Some((1, Acts::OnTime)), Kind::Overdue);
        check(Identified, 90, 150, None, Kind::Due);
    }

    fn standing(phase: Phase) -> Standing {
        Standing { phase, impact: None, opened_at: at(0), last_news_at: at(0), without_news: 0 }
    }
}
