//! Thin shells: each pass reads what the one before has committed, decides in `domain`, and commits.
//!
//! A pass may be run at any time, again, by whoever holds the state: a restart *is* the recovery path. A
//! wake-up carries no data. Deliberately absent: rules (they are in `domain`), SQL, the reading of the clock
//! (it is handed in as a [`Clock`]), and any queue that the store does not have.

pub mod account;
pub mod book;
pub mod current;
pub mod deliver;
pub mod dispatch;
pub mod ids;
pub mod ingest;
pub mod keep;
pub mod lanes;
pub mod message;
pub mod metrics;
pub mod operator;
pub mod poll;
pub mod rehearsal;
pub mod reported;
pub mod settling;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::domain::client::Channel;
use crate::passes::metrics::Metrics;
use crate::store::Store;
use current::CurrentCell;
use operator::Desk;
use reported::Reported;

/// Tells the time. The daemon reads the system's; a test turns it by hand.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    pub fn new(read: impl Fn() -> Timestamp + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(read))
    }

    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

/// Wake-ups from one pass to the next: hints without data. A lost one costs a second, never a message.
#[derive(Debug, Default)]
pub struct Wakes {
    pub ingest: Notify,
    pub dispatch: Notify,
    pub keep: Notify,
    pub email: Notify,
    pub webhook: Notify,
}

impl Wakes {
    pub fn of(&self, channel: Channel) -> &Notify {
        match channel {
            Channel::Email => &self.email,
            Channel::Webhook => &self.webhook,
        }
    }

    pub fn deliver_all(&self) {
        self.email.notify_one();
        self.webhook.notify_one();
    }
}

/// How often the sending of a channel has moved on, for whoever watches that it does.
#[derive(Debug, Default)]
pub struct Pulse([AtomicU64; Channel::ALL.len()]);

impl Pulse {
    pub fn beat(&self, channel: Channel) {
        self.of(channel).fetch_add(1, Ordering::Relaxed);
    }

    pub fn beats(&self, channel: Channel) -> u64 {
        self.of(channel).load(Ordering::Relaxed)
    }

    fn of(&self, channel: Channel) -> &AtomicU64 {
        match channel {
            Channel::Email => &self.0[0],
            Channel::Webhook => &self.0[1],
        }
    }
}

/// What all passes share.
#[derive(Clone)]
pub struct Shared {
    pub store: Store,
    /// What the files say now; replaced as a whole by a reload.
    pub current: Arc<CurrentCell>,
    pub clock: Clock,
    pub wakes: Arc<Wakes>,
    pub pulse: Arc<Pulse>,
    pub metrics: Arc<Metrics>,
    /// What has been said in the log about the feeds.
    pub reported: Arc<Reported>,
    /// What our own side is to be told.
    pub operator: Arc<Desk>,
    pub epoch: i64,
    /// When these passes began, or went on after the machine had slept: after that the keeper waits for a good read
    /// before it speaks. In milliseconds since the epoch.
    pub awake_since: Arc<AtomicI64>,
}

impl Shared {
    pub fn awake_since(&self) -> Timestamp {
        Timestamp::from_millisecond(self.awake_since.load(Ordering::Relaxed)).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The machine has slept, or its clock was set.
    pub fn wakes_up(&self, now: Timestamp) {
        self.awake_since.store(now.as_millisecond(), Ordering::Relaxed);
    }
}
