//! A whole node in this process, with the time by hand: [`House`].
//!
//! Around it stand the things that a node talks to: [`page`], a status page that the test writes; [`relay`], an
//! SMTP server that keeps every mail; [`receiver`], an endpoint that keeps every webhook. Deliberately absent: any
//! copy of a rule. What a test expects stands in the test.

pub mod house;
pub mod mail;
pub mod page;
pub mod receiver;
pub mod relay;

pub use house::{House, Plan};
pub use mail::Mail;
pub use relay::Mode;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// The time of a test: moves only when the test says so.
#[derive(Clone)]
pub struct HandClock(Arc<AtomicI64>);

impl HandClock {
    pub fn at(start: Timestamp) -> HandClock {
        HandClock(Arc::new(AtomicI64::new(start.as_millisecond())))
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millisecond(), Ordering::SeqCst);
    }
}

/// `13:05`, or `24th 13:05` on another day than the first.
pub fn told_at(at: Timestamp) -> String {
    let time = at.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    let clock = time.strftime("%H:%M").to_string();
    if time.day() == 23 { clock } else { format!("{}th {clock}", time.day()) }
}
