//! When something has to happen in a case without its source saying anything: the promise, and other times.
//!
//! Deliberately absent: making promises (`promise.rs`) and acting on any of it (`passes::keep`).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Times at which `keep` has something to do for this case. The least of them is its wake-up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timers {
    pub promise: Option<Promise>,
    /// Ten minutes after the last component of somebody was removed.
    pub unaffected_at: Option<Timestamp>,
    /// Ten minutes after the operator was asked about an unscoped case.
    pub unscoped_at: Option<Timestamp>,
    /// The last notice that was not at once, for the pace.
    pub last_quiet_at: Option<Timestamp>,
    /// When `keep` asked for the feed to be read before it speaks.
    pub asked_feed_at: Option<Timestamp>,
    /// When the operator is asked about a case that another source than the one that leads has ended.
    #[serde(default)]
    pub follower_ended_at: Option<Timestamp>,
    /// The promise that the operator has been reminded of.
    #[serde(default)]
    pub nudged_for: Option<Timestamp>,
}

/// The time of the next word, promised to everybody who was told of the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    pub made_at: Timestamp,
    pub due_at: Timestamp,
    /// How many words in a row brought nothing new.
    pub without_news: u32,
    #[serde(default)]
    pub acts: Acts,
}

/// When `keep` acts on a promise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acts {
    #[default]
    Ahead,
    /// The start or the end of planned work: what its source says at that very time is the word.
    OnTime,
}

/// The operator is reminded of a word that is due, that long before it is.
const NUDGE_AHEAD: SignedDuration = SignedDuration::from_mins(5);

impl Promise {
    /// When the operator is reminded, where the promise is far enough ahead for that to be of use.
    pub fn nudge_at(&self) -> Option<Timestamp> {
        let is_far = self.due_at.duration_since(self.made_at) >= NUDGE_AHEAD * 2;
        is_far.then(|| self.due_at - NUDGE_AHEAD)
    }

    /// `keep` acts ahead by a tenth of the interval, at most 60 seconds.
    pub fn act_at(&self) -> Timestamp {
        match self.acts {
            Acts::Ahead => {}
            Acts::OnTime => return self.due_at,
        }
        let interval = self.due_at.duration_since(self.made_at).as_secs().max(0);
        let ahead = (interval / 10).clamp(0, 60);
        self.due_at - Duration::from_secs(ahead.unsigned_abs())
    }
}

impl Timers {
    /// When `keep` wants to look at the case next.
    pub fn wake_at(&self) -> Option<Timestamp> {
        let nudge =
            self.promise.and_then(|promise| promise.nudge_at().filter(|_| self.nudged_for != Some(promise.due_at)));
        let promise = self.promise.map(|promise| match self.asked_feed_at {
            // Asked already: look again soon, and at the latest when the promise is due.
            Some(asked) => (asked + Duration::from_secs(2)).min(promise.due_at.max(asked)),
            None => promise.act_at(),
        });
        [promise, nudge, self.follower_ended_at, self.unaffected_at, self.unscoped_at].into_iter().flatten().min()
    }
}
