//! Durations as people write them in our files: `"30s"`, `"5m"`, `"1h 30m"`, `"7d"`.
//!
//! Deliberately absent: months and years (no fixed length) and bare numbers (nobody knows their unit).

use std::time::Duration;

/// The units that are written, largest first, with their length in seconds.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Longer than any time candor keeps anything, and far from where arithmetic on times overflows.
const LONGEST_SECONDS: u64 = 3_660 * 86_400;

const ALLOWED: &str = "write a whole number with its unit (d, h, m, s), such as \"30s\", \"1h 30m\" or \"7d\"";

/// Reads a duration: whole numbers with a unit each, larger units first, with or without spaces between.
///
/// # Errors
/// One sentence for the person who wrote it: what was found and what is allowed.
pub fn parse(written: &str) -> Result<Duration, String> {
    let mut total: u64 = 0;
    let mut units_left = UNITS.as_slice();
    let mut rest = written.trim();
    if rest.is_empty() {
        return Err(format!("the duration is empty: {ALLOWED}"));
    }
    while !rest.is_empty() {
        let (count, after_number) = leading_number(rest, written)?;
        let (seconds, still_allowed, after_unit) = leading_unit(after_number, units_left, written)?;
        total = count
            .checked_mul(seconds)
            .and_then(|part| total.checked_add(part))
            .filter(|sum| *sum <= LONGEST_SECONDS)
            .ok_or_else(|| format!("{} is too long: at most 3660d", quoted(written)))?;
        units_left = still_allowed;
        rest = after_unit;
    }
    Ok(Duration::from_secs(total))
}

/// Writes a duration the way [`parse`] reads it, in the largest units that fit, without fractions of a second.
pub fn format(duration: Duration) -> String {
    let mut rest = duration.as_secs();
    let mut parts = Vec::new();
    for (unit, seconds) in UNITS {
        let count = rest / seconds;
        if count > 0 {
            parts.push(format!("{count}{unit}"));
            rest %= seconds;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

fn leading_number<'a>(rest: &'a str, written: &str) -> Result<(u64, &'a str), String> {
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, after) = rest.split_at(digits);
    if number.is_empty() {
        return Err(format!("{} is not a duration: {ALLOWED}", quoted(written)));
    }
    let count = number.parse().map_err(|_| format!("{} is too long: at most 3660d", quoted(written)))?;
    Ok((count, after.trim_start()))
}

type UnitsLeft = &'static [(char, u64)];

fn leading_unit<'a>(rest: &'a str, left: UnitsLeft, written: &str) -> Result<(u64, UnitsLeft, &'a str), String> {
    let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let (word, after) = rest.split_at(letters);
    if word.is_empty() {
        return Err(format!("{} has a number without a unit: {ALLOWED}", quoted(written)));
    }
    let mut chars = word.chars();
    let letter = chars.next().filter(|_| chars.next().is_none());
    if let Some(position) = left.iter().position(|(unit, _)| Some(*unit) == letter) {
        return Ok((left[position].1, &left[position + 1..], after.trim_start()));
    }
    if UNITS.iter().any(|(unit, _)| Some(*unit) == letter) {
        return Err(format!("{} must name each unit once, larger ones first: {ALLOWED}", quoted(written)));
    }
    Err(format!("{} has the unknown unit {}: {ALLOWED}", quoted(written), quoted(word)))
}

/// The words as found, cut to what fits in a line and with control characters made visible.
fn quoted(written: &str) -> String {
    let short: String = written.chars().take(40).collect();
    format!("{short:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, expected: Result<u64, &str>) {
        match (parse(written), expected) {
            (Ok(found), Ok(seconds)) => assert_eq!(found.as_secs(), seconds, "{written}"),
            (Err(found), Err(part)) => assert!(found.contains(part), "{written}: {found} lacks {part}"),
            (found, expected) => panic!("{written}: found {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        check("30s", Ok(30));
        check("5m", Ok(300));
        check("1h 30m", Ok(5_400));
        check("1h30m", Ok(5_400));
        check(" 2 h ", Ok(7_200));
        check("7d", Ok(604_800));
        check("400d", Ok(34_560_000));
        check("1d 2h 3m 4s", Ok(93_784));
        check("0s", Ok(0));
        check("", Err("empty"));
        check("30", Err("without a unit"));
        check("h", Err("not a duration"));
        check("1.5h", Err("without a unit"));
        check("-5m", Err("not a duration"));
        check("5 minutes", Err("unknown unit \"minutes\""));
        check("30m 1h", Err("larger ones first"));
        check("1h 1h", Err("each unit once"));
        check("5M", Err("unknown unit"));
        check("99999999999999999999d", Err("too long"));
        check("4000d", Err("too long"));
        check("5\u{fc}", Err("unknown unit"));
    }

    #[test]
    fn what_is_written_is_read_back_the_same() {
        for seconds in [0, 1, 59, 60, 5_400, 86_399, 86_400, 93_784, 34_560_000] {
            let duration = Duration::from_secs(seconds);
            assert_eq!(parse(&format(duration)), Ok(duration));
        }
        assert_eq!(format(Duration::from_secs(5_400)), "1h 30m");
        assert_eq!(format(Duration::from_secs(0)), "0s");
    }
}
