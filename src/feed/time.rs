//! Which moments a source may name. Outside of these years a date is a slip of a clock or a program, and
//! arithmetic on it would only spread it.

use jiff::Timestamp;

/// The seconds since 1970 of 2000-01-01 and 2200-01-01, UTC.
const EARLIEST: i64 = 946_684_800;
const LATEST: i64 = 7_258_118_400;

/// Whether a moment lies in the years 2000 to 2199, UTC.
pub fn is_plausible(moment: Timestamp) -> bool {
    (EARLIEST..LATEST).contains(&moment.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_this_and_the_next_century_are_plausible() {
        for (written, plausible) in [
            ("1970-01-01T00:00:00Z", false),
            ("1999-12-31T23:59:59Z", false),
            ("2000-01-01T00:00:00Z", true),
            ("2026-11-23T13:20:00Z", true),
            ("2199-12-31T23:59:59Z", true),
            ("2200-01-01T00:00:00Z", false),
        ] {
            assert_eq!(is_plausible(written.parse().unwrap()), plausible, "{written}");
        }
    }
}
