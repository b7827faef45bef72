//! The only reader of the system's clock.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use crate::passes::Clock;

/// The wall clock, to the millisecond: as fine as rows keep it.
pub fn system() -> Clock {
    #[expect(clippy::disallowed_methods, reason = "the daemon owns the clock; everybody else is told the time")]
    Clock::new(|| {
        let now = jiff::Timestamp::now();
        jiff::Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    })
}

/// Two clocks that part by more than that between two looks tell of a sleep.
const SLEPT: SignedDuration = SignedDuration::from_secs(30);

/// Sees that the machine has slept, or that its clock was set: the clock of the wall goes on meanwhile, the other does
/// not.
pub struct Sleeps(Mutex<(Instant, Timestamp)>);

impl Sleeps {
    pub fn watch(clock: &Clock) -> Sleeps {
        Sleeps(Mutex::new((tick(), clock.now())))
    }

    /// Whether it has since the last look.
    pub fn has_slept(&self, clock: &Clock) -> bool {
        let (tick, now) = (tick(), clock.now());
        let mut before = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ticked = SignedDuration::try_from(tick.duration_since(before.0)).unwrap_or_default();
        let parted = (now.duration_since(before.1) - ticked).abs();
        *before = (tick, now);
        parted > SLEPT
    }
}

#[expect(clippy::disallowed_methods, reason = "only a clock that stops with the machine shows that it slept")]
fn tick() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[test]
    fn a_clock_that_goes_on_alone_tells_of_a_sleep_once() {
        let wall = Arc::new(AtomicI64::new(1_800_000_000));
        let read = wall.clone();
        let clock = Clock::new(move || Timestamp::from_second(read.load(Ordering::SeqCst)).unwrap());
        let sleeps = Sleeps::watch(&clock);
        for (seconds, expected) in [(0, false), (20, false), (600, true), (0, false), (-600, true)] {
            wall.fetch_add(seconds, Ordering::SeqCst);
            assert_eq!(sleeps.has_slept(&clock), expected, "after {seconds} s");
        }
    }
}
