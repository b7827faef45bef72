//! `[promise]`, `[pace]` and `[guard]`: when we speak, how often, and when we ask first.

use std::time::Duration;

use super::{DAY, HOUR, MINUTE, Reading, SECOND};
use crate::config::problem::{KeyPath, Mistake};
use crate::config::settings::{Corrections, GuardSettings, PaceSettings, PromiseSettings, Unanswered, Unscoped};
use crate::config::values;
use crate::config::written::{OneOrMany, WrittenGuard, WrittenPace, WrittenPromise};

pub(super) fn promise(reading: &mut Reading<'_>, written: &WrittenPromise) -> PromiseSettings {
    let half = 30 * MINUTE;
    PromiseSettings {
        critical: intervals(reading, "critical", written.critical.as_ref(), [half, half, HOUR]),
        major: intervals(reading, "major", written.major.as_ref(), [HOUR, HOUR, 2 * HOUR]),
        minor: intervals(reading, "minor", written.minor.as_ref(), [2 * HOUR; 3]),
    }
}

/// One interval for all three phases, or one for each of investigating, identified, monitoring.
fn intervals(
    reading: &mut Reading<'_>,
    level: &str,
    written: Option<&OneOrMany<String>>,
    default: [Duration; 3],
) -> [Duration; 3] {
    let table = KeyPath::root().key("promise");
    let Some(OneOrMany(texts)) = written else { return default };
    if !matches!(texts.len(), 1 | 3) {
        let mistake = Mistake::with_help(
            format!("the list has {} times", texts.len()),
            "write one time, or three: for investigating, identified, monitoring",
        );
        reading.problems.add(table.key(level), mistake);
        return default;
    }
    let found = reading.list(&table, level, texts, |text| values::duration_in(text, SECOND..=7 * DAY));
    match found.as_slice() {
        [one] if texts.len() == 1 => [*one; 3],
        [first, second, third] => [*first, *second, *third],
        _ => default,
    }
}

pub(super) fn pace(reading: &mut Reading<'_>, written: &WrittenPace) -> PaceSettings {
    let table = KeyPath::root().key("pace");
    PaceSettings {
        settle: reading.or(&table, "settle", written.settle.as_deref(), MINUTE, |text| {
            values::duration_in(text, Duration::ZERO..=HOUR)
        }),
        apart: reading.or(&table, "apart", written.apart.as_deref(), 30 * MINUTE, |text| {
            values::duration_in(text, Duration::ZERO..=DAY)
        }),
        max_age: reading.or(&table, "max_age", written.max_age.as_deref(), DAY, |text| {
            values::duration_in(text, SECOND..=30 * DAY)
        }),
        corrections: reading.or(&table, "corrections", written.corrections.as_deref(), Corrections::Open, |text| {
            values::word(text, &[("open", Corrections::Open), ("all", Corrections::All), ("none", Corrections::None)])
        }),
    }
}

pub(super) fn guard(reading: &mut Reading<'_>, written: &WrittenGuard) -> GuardSettings {
    let table = KeyPath::root().key("guard");
    GuardSettings {
        ask_above: reading.optional(&table, "ask_above", written.ask_above.as_ref(), |count| {
            values::count_in(*count, 0..=1_000_000_000).map(i64::unsigned_abs)
        }),
        ask_for: reading.or(&table, "ask_for", written.ask_for.as_deref(), 5 * MINUTE, |text| {
            values::duration_in(text, SECOND..=DAY)
        }),
        unanswered: reading.or(&table, "unanswered", written.unanswered.as_deref(), Unanswered::Send, |text| {
            values::word(text, &[("send", Unanswered::Send), ("hold", Unanswered::Hold)])
        }),
        unscoped: reading.or(&table, "unscoped", written.unscoped.as_deref(), Unscoped::Ask, |text| {
            values::word(text, &[("ask", Unscoped::Ask), ("all", Unscoped::All), ("none", Unscoped::None)])
        }),
    }
}
