//! What is counted, under the names of the contract. One typed method a fact, so that no label can hold what
//! it must not: clients and addresses never appear.
//!
//! Deliberately absent: where the figures come from, and the names' endings `_total` and `_info`, which the
//! format adds.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::domain::client::Channel;
use crate::domain::kept::PromiseResult;

/// Upper bounds in seconds: the goal is 5 s, the promise 10 s, a retry takes minutes, an outage hours.
const SEEN_TO_ACCEPTED: [f64; 14] =
    [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 21_600.0];

/// Whether a case is open, or over with a closing word still owed to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseState {
    Open,
    Owed,
}

/// How a delivery was settled, in the ledger's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    Delivered,
    Failed,
    Cancelled,
    /// Folded into a later one of the same contact and case.
    Superseded,
}

impl Settled {
    const ALL: [Settled; 4] = [Settled::Delivered, Settled::Failed, Settled::Cancelled, Settled::Superseded];

    fn as_str(self) -> &'static str {
        match self {
            Settled::Delivered => "delivered",
            Settled::Failed => "failed",
            Settled::Cancelled => "cancelled",
            Settled::Superseded => "superseded",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeliveryLabels {
    channel: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChannelLabels {
    channel: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FeedLabels {
    feed: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CaseLabels {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PromiseLabels {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NoteLabels {
    thing: &'static str,
}

/// All that is counted. Shared by reference; every method may be called from anywhere at any time.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    deliveries: Family<DeliveryLabels, Counter>,
    oldest_pending: Family<ChannelLabels, Gauge<f64, AtomicU64>>,
    seen_to_accepted: Histogram,
    feed_success: Family<FeedLabels, Gauge>,
    cases: Family<CaseLabels, Gauge>,
    promises: Family<PromiseLabels, Counter>,
    notes: Family<NoteLabels, Counter>,
}

impl Metrics {
    /// Everything at zero; what has a closed set of labels shows all of them from the start, so that a rate
    /// over the first event is not lost. `version` is the program's.
    pub fn new(version: &str) -> Metrics {
        let mut metrics = Metrics {
            registry: Registry::default(),
            deliveries: Family::default(),
            oldest_pending: Family::default(),
            seen_to_accepted: Histogram::new(SEEN_TO_ACCEPTED),
            feed_success: Family::default(),
            cases: Family::default(),
            promises: Family::default(),
            notes: Family::default(),
        };
        metrics.register(version);
        for channel in Channel::ALL {
            for outcome in Settled::ALL {
                metrics.settled(channel, outcome, 0);
            }
            metrics.oldest_pending(channel, None);
        }
        metrics.cases(CaseState::Open, 0);
        metrics.cases(CaseState::Owed, 0);
        metrics.promises(PromiseResult::Kept, 0);
        metrics.promises(PromiseResult::Broken, 0);
        metrics
    }

    /// Names as the format wants them: a counter's without `_total`, the build's without `_info`.
    fn register(&mut self, version: &str) {
        let registry = &mut self.registry;
        let settled = "Settled deliveries: delivered, failed, cancelled, or superseded by a later one";
        registry.register("candor_deliveries", settled, self.deliveries.clone());
        let pending = "Age in seconds of the oldest delivery that waits";
        registry.register("candor_delivery_oldest_pending_seconds", pending, self.oldest_pending.clone());
        let latency = "Seconds from first seeing a change to the other side's acceptance of its notice";
        registry.register("candor_seen_to_accepted_seconds", latency, self.seen_to_accepted.clone());
        let feeds = "Unix time of the last good read";
        registry.register("candor_feed_last_success_timestamp_seconds", feeds, self.feed_success.clone());
        registry.register("candor_cases", "Cases that are open, or owe a closing word", self.cases.clone());
        registry.register("candor_promises", "Promised next words that were kept or broken", self.promises.clone());
        let notes = "What our own side was to be told, by kind";
        registry.register("candor_operator_notes", notes, self.notes.clone());
        let build = Info::new([("version", version.to_owned())]);
        registry.register("candor_build", "The program that runs", build);
    }

    /// Counts deliveries that are settled. One that is put back and settled again counts again.
    pub fn settled(&self, channel: Channel, outcome: Settled, count: u64) {
        let labels = DeliveryLabels { channel: channel.as_str(), outcome: outcome.as_str() };
        self.deliveries.get_or_create(&labels).inc_by(count);
    }

    /// The age in seconds of the oldest delivery that waits; `None` when none does.
    pub fn oldest_pending(&self, channel: Channel, age_seconds: Option<f64>) {
        let labels = ChannelLabels { channel: channel.as_str() };
        self.oldest_pending.get_or_create(&labels).set(age_seconds.unwrap_or(0.0).max(0.0));
    }

    /// A notice was accepted so many seconds after its change was first seen.
    pub fn seen_to_accepted(&self, seconds: f64) {
        self.seen_to_accepted.observe(seconds.max(0.0));
    }

    /// A feed was read well at this moment.
    pub fn feed_read(&self, feed: &str, at: jiff::Timestamp) {
        self.feed_success.get_or_create(&FeedLabels { feed: feed.to_owned() }).set(at.as_second());
    }

    /// A feed has left the settings: its age would otherwise alarm for ever.
    pub fn forget_feed(&self, feed: &str) {
        self.feed_success.remove(&FeedLabels { feed: feed.to_owned() });
    }

    /// How many cases are in this state.
    pub fn cases(&self, state: CaseState, count: u64) {
        self.cases
            .get_or_create(&CaseLabels { state: state_word(state) })
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counts promises by what became of them.
    pub fn promises(&self, result: PromiseResult, count: u64) {
        self.promises.get_or_create(&PromiseLabels { result: result.as_str() }).inc_by(count);
    }

    /// Counts what our own side is to be told, by its kind.
    pub fn operator_note(&self, thing: &'static str) {
        self.notes.get_or_create(&NoteLabels { thing }).inc();
    }

    /// All of it in the OpenMetrics text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a String cannot fail");
        text
    }
}

fn state_word(state: CaseState) -> &'static str {
    match state {
        CaseState::Open => "open",
        CaseState::Owed => "owed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(metrics: &Metrics) -> Vec<String> {
        metrics.text().lines().map(str::to_owned).collect()
    }

    fn check(metrics: &Metrics, expected: &str) {
        let lines = lines(metrics);
        assert!(lines.iter().any(|line| line == expected), "{expected} is not in\n{}", lines.join("\n"));
    }

    #[test]
    fn the_names_are_those_of_the_contract() {
        let metrics = Metrics::new("1.2.3");
        metrics.settled(Channel::Webhook, Settled::Delivered, 1);
        metrics.settled(Channel::Webhook, Settled::Delivered, 1);
        metrics.settled(Channel::Email, Settled::Failed, 1);
        metrics.settled(Channel::Email, Settled::Superseded, 3);
        metrics.oldest_pending(Channel::Email, Some(12.5));
        metrics.seen_to_accepted(0.3);
        metrics.feed_read("platform", "2026-11-23T13:20:04Z".parse().unwrap());
        metrics.cases(CaseState::Open, 3);
        metrics.promises(PromiseResult::Kept, 1);
        for expected in [
            "candor_deliveries_total{channel=\"webhook\",outcome=\"delivered\"} 2",
            "# HELP candor_deliveries Settled deliveries: delivered, failed, cancelled, or superseded by a later one.",
            "candor_deliveries_total{channel=\"email\",outcome=\"failed\"} 1",
            "candor_deliveries_total{channel=\"email\",outcome=\"superseded\"} 3",
            "candor_deliveries_total{channel=\"email\",outcome=\"delivered\"} 0",
            "candor_deliveries_total{channel=\"webhook\",outcome=\"cancelled\"} 0",
            "candor_delivery_oldest_pending_seconds{channel=\"email\"} 12.5",
            "candor_delivery_oldest_pending_seconds{channel=\"webhook\"} 0.0",
            "candor_seen_to_accepted_seconds_bucket{le=\"0.25\"} 0",
            "candor_seen_to_accepted_seconds_bucket{le=\"0.5\"} 1",
            "candor_seen_to_accepted_seconds_bucket{le=\"+Inf\"} 1",
            "candor_seen_to_accepted_seconds_count 1",
            "candor_feed_last_success_timestamp_seconds{feed=\"platform\"} 1795440004",
            "candor_cases{state=\"open\"} 3",
            "candor_cases{state=\"owed\"} 0",
            "candor_promises_total{result=\"kept\"} 1",
            "candor_promises_total{result=\"broken\"} 0",
            "candor_build_info{version=\"1.2.3\"} 1",
            "# EOF",
        ] {
            check(&metrics, expected);
        }
    }

    #[test]
    fn nothing_but_the_contracts_names_is_shown() {
        let names = [
            "candor_deliveries_total{",
            "candor_delivery_oldest_pending_seconds{",
            "candor_seen_to_accepted_seconds_",
            "candor_cases{",
            "candor_promises_total{",
            "candor_build_info{",
        ];
        for line in lines(&Metrics::new("1")).iter().filter(|line| !line.starts_with('#')) {
            assert!(names.iter().any(|name| line.starts_with(name)), "{line}");
        }
    }

    #[test]
    fn a_feed_that_was_removed_is_no_longer_shown() {
        let metrics = Metrics::new("1");
        metrics.feed_read("old", jiff::Timestamp::UNIX_EPOCH);
        check(&metrics, "candor_feed_last_success_timestamp_seconds{feed=\"old\"} 0");
        metrics.forget_feed("old");
        assert!(!metrics.text().contains("\"old\""));
    }
}
