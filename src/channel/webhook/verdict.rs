//! What an endpoint's answer, or its silence, means for a delivery. The one place that reads HTTP statuses. Pure.
//!
//! Deliberately absent: how long to wait when nothing is asked for, and when to give up (`domain::delivery`).

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::Offset;

use crate::domain::delivery::{Cause, Outcome, clean};

/// The longest wait an endpoint can ask for; the caller holds it against its own step besides.
pub const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

const RECEIPT_LENGTH: usize = 120;

/// Why there is no answer, as far as it can be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// No byte of the body had been handed to the connection: it cannot have arrived.
    NotSent { phase: &'static str, words: &'static str },
    /// The connection failed, or time ran out, after the body had been handed over: it may have arrived.
    Unanswered { words: &'static str },
}

/// The outcome that a status stands for. `words` are the first words of the answer's body, already free of
/// anything that names the endpoint. `now` is only for a `Retry-After` that is a date.
pub fn of_answer(status: u16, retry_after: Option<&str>, words: &str, now: Timestamp) -> Outcome {
    let cause = Cause::new("http", Some(status), if words.is_empty() { meaning(status) } else { words });
    match status {
        200..=299 => Outcome::Delivered { receipt: clean(&format!("HTTP {status} {words}"), RECEIPT_LENGTH) },
        410 => Outcome::Gone { cause },
        // Their endpoint's failure, not our account's: a key may have been changed on their side only.
        401 | 403 => Outcome::Deferred { cause, retry_after: None },
        408 | 425 | 429 | 500..=599 => {
            Outcome::Deferred { cause, retry_after: retry_after.and_then(|value| wait_asked_for(value, now)) }
        }
        300..=499 => Outcome::Failed { cause },
        // Outside 100..=599, and an interim answer in place of a final one: RFC 9110 §15, as if it were 5xx.
        _ => Outcome::Deferred { cause, retry_after: None },
    }
}

/// The outcome when no status came.
pub fn of_silence(silence: Silence) -> Outcome {
    match silence {
        Silence::NotSent { phase, words } => {
            Outcome::Deferred { cause: Cause::new(phase, None, words), retry_after: None }
        }
        Silence::Unanswered { words } => Outcome::Uncertain { cause: Cause::new("http", None, words) },
    }
}

fn meaning(status: u16) -> &'static str {
    match status {
        300..=399 => "a redirect, which webhooks never follow",
        401 | 403 => "the endpoint refuses our signature or address",
        404 => "nothing is there",
        408 => "the endpoint waited too long for us",
        410 => "the endpoint is gone for good",
        413 => "too large for the endpoint",
        425 | 429 => "too early or too many for the endpoint",
        400..=499 => "refused by the endpoint",
        500..=599 => "the endpoint is in trouble",
        _ => "a status that HTTP does not know",
    }
}

/// `Retry-After` (RFC 9110 §10.2.3): whole seconds, or a date in one of HTTP's three spellings. A date that is
/// past asks for no wait; anything else is ignored. Cut at [`LONGEST_WAIT`].
fn wait_asked_for(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(LONGEST_WAIT));
    }
    let wait = http_date(value)?.as_second() - now.as_second();
    Some(Duration::from_secs(u64::try_from(wait).unwrap_or(0)).min(LONGEST_WAIT))
}

fn http_date(value: &str) -> Option<Timestamp> {
    if value.ends_with(" GMT")
        && let Ok(instant) = rfc2822::DateTimeParser::new().parse_timestamp(value)
    {
        return Some(instant);
    }
    let parse = |format: &str| -> Option<DateTime> { strtime::parse(format, value).ok()?.to_datetime().ok() };
    let obsolete = parse("%A, %d-%b-%y %H:%M:%S GMT").or_else(|| parse("%a %b %e %H:%M:%S %Y"))?;
    Offset::UTC.to_timestamp(obsolete).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T13:20:00Z".parse().unwrap()
    }

    fn word(outcome: &Outcome) -> &'static str {
        match outcome {
            Outcome::Delivered { .. } => "delivered",
            Outcome::Deferred { .. } => "deferred",
            Outcome::Failed { .. } => "failed",
            Outcome::Uncertain { .. } => "uncertain",
            Outcome::AccountHeld { .. } => "held",
            Outcome::Gone { .. } => "gone",
        }
    }

    #[test]
    fn every_status_has_its_verdict() {
        let check = |statuses: &[u16], expected: &str| {
            for status in statuses {
                assert_eq!(word(&of_answer(*status, None, "", now())), expected, "{status}");
            }
        };
        check(&[200, 201, 202, 204, 206, 226, 299], "delivered");
        check(&[300, 301, 302, 303, 304, 307, 308], "failed");
        check(&[400, 402, 404, 405, 406, 407, 409, 411, 413, 414, 415, 418, 422, 423, 431, 451, 499], "failed");
        check(&[401, 403, 408, 425, 429], "deferred");
        check(&[500, 501, 502, 503, 504, 505, 507, 511, 520, 522, 524, 599], "deferred");
        check(&[410], "gone");
        check(&[100, 101, 103, 199, 600, 700, 999], "deferred");
        for status in 100..=999 {
            let outcome = of_answer(status, None, "", now());
            assert_eq!(word(&outcome) == "delivered", (200..300).contains(&status), "{status}");
        }
    }

    #[test]
    fn the_code_and_the_words_are_kept() {
        let check = |status: u16, words: &str, expected: &str| {
            let shown = match of_answer(status, None, words, now()) {
                Outcome::Delivered { receipt } => receipt,
                Outcome::Deferred { cause, .. } | Outcome::Failed { cause } | Outcome::Gone { cause } => {
                    assert_eq!(cause.code, Some(status));
                    cause.to_string()
                }
                Outcome::Uncertain { .. } | Outcome::AccountHeld { .. } => unreachable!("no status says so"),
            };
            assert_eq!(shown, expected);
        };
        check(200, "ok", "HTTP 200 ok");
        check(204, "", "HTTP 204");
        check(200, "a\u{1b}[31mb", "HTTP 200 a?[31mb");
        check(302, "", "http: 302 a redirect, which webhooks never follow");
        check(401, "bad key", "http: 401 bad key");
        check(503, "", "http: 503 the endpoint is in trouble");
        check(200, &"x".repeat(500), &format!("HTTP 200 {}", "x".repeat(RECEIPT_LENGTH - 9)));
    }

    #[test]
    fn retry_after_is_read_in_all_its_spellings_and_bounded() {
        let check = |status: u16, value: &str, expected: Option<u64>| {
            let Outcome::Deferred { retry_after, .. } = of_answer(status, Some(value), "", now()) else {
                panic!("{status} is retried");
            };
            assert_eq!(retry_after.map(|wait| wait.as_secs()), expected, "{value:?}");
        };
        check(429, "0", Some(0));
        check(429, "7", Some(7));
        check(503, " 120 ", Some(120));
        check(503, "007", Some(7));
        check(503, "86400", Some(86_400));
        check(503, "1000000000", Some(86_400));
        check(503, "99999999999999999999999999", Some(86_400));
        check(503, "Mon, 23 Nov 2026 13:21:30 GMT", Some(90));
        check(503, "Monday, 23-Nov-26 13:21:30 GMT", Some(90));
        check(503, "Mon Nov 23 13:21:30 2026", Some(90));
        check(503, "Mon Nov  9 13:21:30 2026", Some(0));
        check(503, "Mon, 23 Nov 2026 13:19:00 GMT", Some(0));
        check(503, "Sun, 06 Nov 1994 08:49:37 GMT", Some(0));
        check(503, "Wed, 23 Nov 2101 13:21:30 GMT", Some(86_400));
        for garbage in [
            "",
            "-1",
            "+5",
            "1.5",
            "1e3",
            "0x10",
            "soon",
            "5 minutes",
            "Mon, 31 Feb 2026 00:00:00 GMT",
            "Tue, 23 Nov 2026 13:21:30 GMT",
            "Mon, 23 Nov 2026 13:21:30 +0100",
            "2026-11-23T13:21:30Z",
            "٧",
        ] {
            check(503, garbage, None);
        }
        check(401, "7", None);
    }

    #[test]
    fn silence_is_uncertain_only_once_the_body_was_handed_over() {
        let refused = of_silence(Silence::NotSent { phase: "connect", words: "connection refused" });
        assert_eq!(word(&refused), "deferred");
        assert_eq!(word(&of_silence(Silence::Unanswered { words: "closed without an answer" })), "uncertain");
    }
}
