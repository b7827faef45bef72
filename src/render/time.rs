//! Times, dates and durations as the reader sees them: in the client's zone, with UTC in brackets.
//!
//! Deliberately absent: the clock. `now` is an argument and only decides which dates are left out.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ZonedDateTime};

use super::pack::{DurationWords, Pack, TimeWords, fill};

/// Writes times for one reader at one moment.
#[derive(Debug, Clone)]
pub struct Times<'a> {
    zone: TimeZone,
    now: Timestamp,
    words: &'a TimeWords,
    durations: &'a DurationWords,
}

impl<'a> Times<'a> {
    /// `timezone` is an IANA name; one that is not in the database is shown as UTC, which says itself so.
    pub fn new(timezone: &str, now: Timestamp, pack: &'a Pack) -> Times<'a> {
        let zone = TimeZone::get(timezone).unwrap_or(TimeZone::UTC);
        Times { zone, now, words: &pack.time, durations: &pack.duration }
    }

    /// `14:05 CET (13:05 UTC)`; on another day than now `Tue 24 Nov, 22:00 CET (21:00 UTC)`.
    pub fn full(&self, at: Timestamp) -> String {
        let local = fill(&self.words.zoned, &[("time", &self.local(at)), ("zone", &self.zone_name(at))]);
        if self.is_utc(at) {
            return local;
        }
        self.both(&local, &self.utc(at))
    }

    /// The same for a promise: the next whole minute, so that what is printed is never over before what is meant.
    pub fn promised(&self, at: Timestamp) -> String {
        let since_minute = at.as_millisecond().rem_euclid(60_000);
        let until_minute = SignedDuration::from_millis((60_000 - since_minute) % 60_000);
        self.full(at.checked_add(until_minute).unwrap_or(at))
    }

    /// `at 14:05 CET (13:05 UTC)`, on another day `on Tue 24 Nov, 22:00 CET (21:00 UTC)`.
    pub fn at(&self, at: Timestamp) -> String {
        self.with_preposition(at, &self.full(at))
    }

    /// The time of a quotation, without zone: `at 14:12`, on another day `on Tue 24 Nov, 14:12`.
    pub fn at_short(&self, at: Timestamp) -> String {
        self.with_preposition(at, &self.short(at))
    }

    /// `14:12`, on another day `Tue 24 Nov, 14:12`: the client's zone, which the notice names elsewhere.
    pub fn short(&self, at: Timestamp) -> String {
        fill(&self.words.clock, &[("time", &self.local(at))])
    }

    /// For a subject line: `22:00 CET`, on another day `Tue 24 Nov, 22:00 CET`.
    pub fn subject(&self, at: Timestamp) -> String {
        fill(&self.words.zoned, &[("time", &self.local(at)), ("zone", &self.zone_name(at))])
    }

    /// `14:05 to 15:52 CET (13:05 to 14:52 UTC)`: one zone for both ends, a date where the day changes. Both ends in
    /// one minute are that minute.
    pub fn range(&self, from: Timestamp, until: Timestamp) -> String {
        if minute(from) == minute(until) {
            return self.full(from);
        }
        if self.zone_name(from) != self.zone_name(until) {
            return fill(&self.words.range, &[("from", &self.full(from)), ("to", &self.full(until))]);
        }
        let end = self.zoned(until);
        let end_text = match end.date() == self.zoned(from).date() {
            true => clock(&end),
            false => self.dated(&end),
        };
        let local = fill(&self.words.range, &[("from", &self.local(from)), ("to", &end_text)]);
        let local = fill(&self.words.zoned, &[("time", &local), ("zone", &self.zone_name(from))]);
        if self.is_utc(from) {
            return local;
        }
        let utc = fill(&self.words.range, &[("from", &self.utc_time(from)), ("to", &self.utc_end(from, until))]);
        self.both(&local, &format!("{utc} UTC"))
    }

    /// Both show the same minute.
    pub fn is_one_minute(&self, from: Timestamp, until: Timestamp) -> bool {
        minute(from) == minute(until)
    }

    /// A window, with its day named even if it is now's: `today, 22:00 to 23:30 CET (…)`,
    /// `tomorrow, Tue 24 Nov, 22:00 to …`; further off the bare range.
    pub fn window_from_here(&self, from: Timestamp, until: Option<Timestamp>) -> String {
        let window = self.window(from, until);
        let today = self.zoned(self.now).date();
        let day = self.zoned(from).date();
        if day == today {
            fill(&self.words.today, &[("when", &window)])
        } else if today.tomorrow().is_ok_and(|tomorrow| tomorrow == day) {
            fill(&self.words.tomorrow, &[("when", &window)])
        } else {
            window
        }
    }

    /// A range, or its beginning where no end is known.
    pub fn window(&self, from: Timestamp, until: Option<Timestamp>) -> String {
        match until {
            Some(until) => self.range(from, until),
            None => self.full(from),
        }
    }

    /// A date or time as an author wrote it: `2026-11-27` becomes `Fri 27 Nov`, a timestamp a time in the
    /// client's zone; anything else stays as written.
    pub fn written(&self, text: &str) -> String {
        if let Ok(date) = text.trim().parse::<jiff::civil::Date>()
            && !text.contains('T')
        {
            return self.date(date);
        }
        match text.trim().parse::<Timestamp>() {
            Ok(at) => self.full(at),
            Err(_) => text.trim().to_owned(),
        }
    }

    /// From one time to another in the two largest units, counted between the minutes that are shown.
    pub fn duration(&self, from: Timestamp, until: Timestamp) -> String {
        let minutes = minute(until) - minute(from);
        self.minutes(minutes.max(0))
    }

    /// `2 days 4 hours`, `1 hour 47 minutes`, `3 minutes`, `less than a minute`.
    pub fn minutes(&self, minutes: i64) -> String {
        let words = self.durations;
        let (days, hours, rest) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
        let (first, second) = if days > 0 {
            (counted(days, &words.day, &words.days), counted(hours, &words.hour, &words.hours))
        } else if hours > 0 {
            (counted(hours, &words.hour, &words.hours), counted(rest, &words.minute, &words.minutes))
        } else {
            (counted(rest, &words.minute, &words.minutes), None)
        };
        match (first, second) {
            (Some(first), Some(second)) => fill(&words.both, &[("first", &first), ("second", &second)]),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => words.less.clone(),
        }
    }

    fn with_preposition(&self, at: Timestamp, when: &str) -> String {
        let phrase = match self.is_today(&self.zoned(at)) {
            true => &self.words.at_time,
            false => &self.words.at_date,
        };
        fill(phrase, &[("when", when)])
    }

    fn zoned(&self, at: Timestamp) -> ZonedDateTime {
        at.to_zoned_datetime(self.zone.clone())
    }

    fn is_today(&self, at: &ZonedDateTime) -> bool {
        at.date() == self.zoned(self.now).date()
    }

    fn is_utc(&self, at: Timestamp) -> bool {
        self.zone.to_offset_info(at).abbreviation() == "UTC"
    }

    fn local(&self, at: Timestamp) -> String {
        let zoned = self.zoned(at);
        match self.is_today(&zoned) {
            true => clock(&zoned),
            false => self.dated(&zoned),
        }
    }

    fn utc(&self, at: Timestamp) -> String {
        format!("{} UTC", self.utc_time(at))
    }

    /// With its date where that is not the date shown (or left out) beside it.
    fn utc_time(&self, at: Timestamp) -> String {
        let utc = at.to_zoned_datetime(TimeZone::UTC);
        match utc.date() == self.zoned(at).date() {
            true => clock(&utc),
            false => self.dated(&utc),
        }
    }

    /// The end of a range in UTC: a date where the day changes, unless both dates stand in the same places before it.
    fn utc_end(&self, from: Timestamp, until: Timestamp) -> String {
        let date = |at: Timestamp| at.to_zoned_datetime(TimeZone::UTC).date();
        let is_dated_as_local = |at: Timestamp| date(at) == self.zoned(at).date();
        let utc = until.to_zoned_datetime(TimeZone::UTC);
        match date(from) == date(until) || (is_dated_as_local(from) && is_dated_as_local(until)) {
            true => clock(&utc),
            false => self.dated(&utc),
        }
    }

    fn both(&self, local: &str, utc: &str) -> String {
        fill(&self.words.both, &[("local", local), ("utc", utc)])
    }

    fn dated(&self, at: &ZonedDateTime) -> String {
        fill(&self.words.dated, &[("date", &self.date(at.date())), ("time", &clock(at))])
    }

    /// `Tue 24 Nov`, in another year than now's `Tue 24 Nov 2025`.
    fn date(&self, date: jiff::civil::Date) -> String {
        let weekday = &self.words.weekdays[date.weekday().to_monday_zero_offset() as usize];
        let month = &self.words.months[(date.month() - 1) as usize];
        let phrase = match date.year() == self.zoned(self.now).year() {
            true => &self.words.date,
            false => &self.words.date_year,
        };
        let (day, year) = (date.day().to_string(), date.year().to_string());
        fill(phrase, &[("weekday", weekday), ("day", &day), ("month", month), ("year", &year)])
    }

    /// `CET`, in this language's own abbreviation; a zone that has only a number is `UTC-3`, `UTC+5:30`.
    fn zone_name(&self, at: Timestamp) -> String {
        let info = self.zone.to_offset_info(at);
        let name = info.abbreviation();
        if name.starts_with(['+', '-']) {
            let seconds = info.offset().seconds();
            let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
            return match minutes % 60 {
                0 => format!("UTC{sign}{}", minutes / 60),
                rest => format!("UTC{sign}{}:{rest:02}", minutes / 60),
            };
        }
        self.words.zones.get(name).cloned().unwrap_or_else(|| name.to_owned())
    }
}

/// The minute that is shown.
fn minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

fn clock(at: &ZonedDateTime) -> String {
    format!("{:02}:{:02}", at.hour(), at.minute())
}

fn counted(count: i64, one: &str, other: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(one.to_owned()),
        many => Some(fill(other, &[("count", &many.to_string())])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::pack_file::builtin_pack;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn check(locale: &str, zone: &str, expected: &str, write: impl Fn(&Times<'_>) -> String) {
        let pack = builtin_pack(locale).unwrap();
        let times = Times::new(zone, at("2026-11-23T13:12:00Z"), &pack);
        assert_eq!(write(&times), expected, "{locale} {zone}");
    }

    #[test]
    fn a_time_is_in_the_clients_zone_with_utc_in_brackets() {
        let today = at("2026-11-23T13:05:00Z");
        let tomorrow = at("2026-11-24T21:00:00Z");
        check("en", "Europe/Berlin", "14:05 CET (13:05 UTC)", |t| t.full(today));
        check("de", "Europe/Berlin", "14:05 Uhr MEZ (13:05 UTC)", |t| t.full(today));
        check("en", "Europe/Berlin", "Tue 24 Nov, 22:00 CET (21:00 UTC)", |t| t.full(tomorrow));
        check("de", "Europe/Berlin", "Di. 24. Nov., 22:00 Uhr MEZ (21:00 UTC)", |t| t.full(tomorrow));
        check("de", "Europe/Berlin", "am Di. 24. Nov., 22:00 Uhr", |t| t.at_short(tomorrow));
        check("en", "UTC", "13:05 UTC", |t| t.full(today));
        check("de", "Etc/UTC", "13:05 Uhr UTC", |t| t.full(today));
        check("en", "No/Such", "13:05 UTC", |t| t.full(today));
        check("en", "America/Sao_Paulo", "10:05 UTC-3 (13:05 UTC)", |t| t.full(today));
        check("en", "Asia/Kolkata", "18:35 IST (13:05 UTC)", |t| t.full(today));
        check("en", "Europe/Berlin", "Sun 23 Nov 2025, 14:05 CET (13:05 UTC)", |t| t.full(at("2025-11-23T13:05:00Z")));
        check("de", "Europe/Berlin", "Di. 21. Juli, 15:05 Uhr MESZ (13:05 UTC)", |t| {
            t.full(at("2026-07-21T13:05:00Z"))
        });
    }

    #[test]
    fn a_utc_date_that_differs_is_said() {
        check("en", "Australia/Sydney", "08:05 AEDT (Mon 23 Nov, 21:05 UTC)", |t| {
            Times { now: at("2026-11-23T22:00:00Z"), ..t.clone() }.full(at("2026-11-23T21:05:00Z"))
        });
    }

    #[test]
    fn a_range_has_one_zone() {
        let (from, until) = (at("2026-11-23T13:05:00Z"), at("2026-11-23T14:52:00Z"));
        check("en", "Europe/Berlin", "14:05 to 15:52 CET (13:05 to 14:52 UTC)", |t| t.range(from, until));
        check("de", "Europe/Berlin", "14:05 bis 15:52 Uhr MEZ (13:05 bis 14:52 UTC)", |t| t.range(from, until));
        check("en", "UTC", "13:05 to 14:52 UTC", |t| t.range(from, until));
        let (from, until) = (at("2026-11-24T21:00:00Z"), at("2026-11-24T23:30:00Z"));
        check("en", "Europe/Berlin", "Tue 24 Nov, 22:00 to Wed 25 Nov, 00:30 CET (21:00 to 23:30 UTC)", |t| {
            t.range(from, until)
        });
        let (night, later) = (at("2026-11-24T22:30:00Z"), at("2026-11-25T02:30:00Z"));
        check("en", "Europe/Berlin", "Tue 24 Nov, 23:30 to Wed 25 Nov, 03:30 CET (22:30 to 02:30 UTC)", |t| {
            t.range(night, later)
        });
        let (night, later) = (at("2026-11-24T23:30:00Z"), at("2026-11-25T02:30:00Z"));
        check(
            "en",
            "Europe/Berlin",
            "Wed 25 Nov, 00:30 to 03:30 CET (Tue 24 Nov, 23:30 to Wed 25 Nov, 02:30 UTC)",
            |t| t.range(night, later),
        );
        check("en", "Australia/Sydney", "Wed 25 Nov, 08:05 to 09:40 AEDT (Tue 24 Nov, 21:05 to 22:40 UTC)", |t| {
            t.range(at("2026-11-24T21:05:00Z"), at("2026-11-24T22:40:00Z"))
        });
        check("en", "Europe/Berlin", "14:05 CET (13:05 UTC)", |t| {
            t.range(at("2026-11-23T13:05:10Z"), at("2026-11-23T13:05:50Z"))
        });
        check("en", "UTC", "tomorrow, Tue 24 Nov, 21:00 to 23:30 UTC", |t| t.window_from_here(from, Some(until)));
    }

    #[test]
    fn a_promise_is_printed_as_the_minute_by_which_it_is_over() {
        for (meant, printed) in [
            ("2026-11-23T13:05:00Z", "14:05 CET (13:05 UTC)"),
            ("2026-11-23T13:05:00.001Z", "14:06 CET (13:06 UTC)"),
            ("2026-11-23T13:05:59Z", "14:06 CET (13:06 UTC)"),
            ("2026-11-23T23:00:00Z", "Tue 24 Nov, 00:00 CET (Mon 23 Nov, 23:00 UTC)"),
        ] {
            check("en", "Europe/Berlin", printed, |t| t.promised(at(meant)));
        }
    }

    #[test]
    fn a_duration_has_two_units_and_is_never_negative() {
        let from = at("2026-11-23T13:05:59Z");
        let rows = [(-500, "less than a minute"), (0, "less than a minute"), (3, "3 minutes"), (60, "1 hour")];
        for (minutes, expected) in rows.into_iter().chain([(107, "1 hour 47 minutes"), (3120, "2 days 4 hours")]) {
            check("en", "UTC", expected, |t| {
                t.duration(from, at("2026-11-23T13:05:00Z") + jiff::SignedDuration::from_mins(minutes))
            });
        }
        check("de", "UTC", "1 Tag 1 Stunde", |t| t.minutes(1500));
    }

    #[test]
    fn an_authors_date_becomes_a_day() {
        check("en", "UTC", "Fri 27 Nov", |t| t.written("2026-11-27"));
        check("en", "Europe/Berlin", "16:00 CET (15:00 UTC)", |t| t.written("2026-11-23T15:00:00Z"));
        check("de", "UTC", "next week", |t| t.written("next week"));
    }
}
