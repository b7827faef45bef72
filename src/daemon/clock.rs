//! The only reader of the system's clock.

use crate::passes::Clock;

/// The wall clock, to the millisecond: as fine as rows keep it.
pub fn system() -> Clock {
    #[expect(clippy::disallowed_methods, reason = "the daemon owns the clock; everybody else is told the time")]
    Clock::new(|| {
        let now = jiff::Timestamp::now();
        jiff::Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    })
}
