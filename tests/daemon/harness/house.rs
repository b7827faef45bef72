//! The house: files in a folder of their own, a node on them, and the time in the test's hand.

use std::path::PathBuf;
use std::sync::Arc;

use candor::config::settings::Deliver;
use candor::daemon::front::Front;
use candor::daemon::node::{Node, NodeError};
use candor::daemon::reload;
use candor::domain::client::Channel;
use candor::domain::decide::{self, Decision};
use candor::domain::kept::PromiseResult;
use candor::domain::observe::Sight;
use candor::feed::update_format;
use candor::passes::ingest::{self, Taken};
use candor::passes::{Clock, Shared, deliver, ids, poll};
use candor::store::rows::{CaseFilter, LedgerFilter, LedgerRow, LedgerState, PromiseFilter, PromiseRow, Write};
use candor::web::routes::{self, AdminPlace};
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::page::Page;
use super::receiver::{Call, Receiver, SECRET};
use super::relay::Relay;
use super::{HandClock, Mail, told_at};

/// When every test begins.
const START: &str = "2026-11-23T13:00:00Z";

/// What a house is built of. In all texts `{PAGE}`, `{RELAY}` and `{RECEIVER}` stand for ports, `{SECRET}` for the
/// secret of webhook contacts.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The feeds.
    pub feeds: &'static str,
    /// More tables of the configuration.
    pub more: &'static str,
    pub clients: &'static str,
    pub playbook: &'static str,
    /// `HH:MM` when candor is started.
    pub starts: &'static str,
}

const FEEDS: &str = r#"
[[feed]]
name = "platform"
kind = "statuspage"
url = "http://127.0.0.1:{PAGE}"
every = "1m"
"#;

const CLIENTS: &str = r#"
[[client]]
id = "acme"
name = "Acme GmbH"
priorities = ["payments", "search"]
[[client.contact]]
email = "ops@acme.example"
"#;

impl Default for Plan {
    fn default() -> Plan {
        Plan { feeds: FEEDS, more: "", clients: CLIENTS, playbook: "", starts: "13:00" }
    }
}

const CONFIG: &str = r#"
state = "candor.db"
[sender]
name = "Example Platform"
email = "incidents@example.com"
[[component]]
id = "payments"
name = "Payments API"
matches = ["Payments API*"]
[[component]]
id = "search"
name = "Search"
[email]
server = "smtp://127.0.0.1:{RELAY}"
connections = 1
[webhook]
allow = ["127.0.0.0/8"]
"#;

pub struct House {
    folder: tempfile::TempDir,
    pub clock: HandClock,
    node: Option<Node>,
    pub page: Page,
    pub relay: Relay,
    pub receiver: Receiver,
    /// Mails of the relay that [`House::new_mails`] has given already.
    given: usize,
}

impl House {
    /// Writes the files, starts what stands around, opens the node, and lets it look once.
    pub async fn open(plan: Plan) -> House {
        let mut house = House::built(plan).await;
        house.start().await;
        house
    }

    /// The same, with candor not started yet.
    pub async fn built(plan: Plan) -> House {
        let clock = HandClock::at(START.parse().unwrap());
        clock.set(time_of(clock.now(), plan.starts));
        let page = Page::start(clock.clone()).await;
        let relay = Relay::start(clock.clone()).await;
        let receiver = Receiver::start(clock.clone()).await;
        let folder = tempfile::tempdir().unwrap();
        let house = House { folder, clock, node: None, page, relay, receiver, given: 0 };
        house.write("candor.toml", &format!("{}{}{}", CONFIG, plan.feeds, plan.more));
        house.write("clients.toml", plan.clients);
        house.write("playbook.toml", plan.playbook);
        house
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the configuration, or one that a feed reads.
    pub fn write(&self, name: &str, text: &str) {
        let ports = [
            ("{PAGE}", self.page.port().to_string()),
            ("{RELAY}", self.relay.port().to_string()),
            ("{RECEIVER}", self.receiver.port().to_string()),
            ("{SECRET}", SECRET.to_owned()),
        ];
        let text = ports.iter().fold(text.to_owned(), |text, (place, port)| text.replace(place, port));
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub async fn start(&mut self) {
        self.reopen().await;
        self.settle().await;
    }

    /// Opens the node, and lets it do nothing yet.
    pub async fn reopen(&mut self) {
        let clock = self.clock.clone();
        let node = Node::open(&self.path("candor.toml"), Clock::new(move || clock.now())).await;
        self.node = Some(node.unwrap_or_else(|error| panic!("the node does not open: {error:?}")));
    }

    /// Opens the node in vain; gives the mistakes that are found in the files.
    pub async fn refused_start(&self) -> String {
        let clock = self.clock.clone();
        match Node::open(&self.path("candor.toml"), Clock::new(move || clock.now())).await {
            Err(NodeError::Files(faults)) => faults.iter().map(ToString::to_string).collect(),
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("the node opens"),
        }
    }

    /// Stops in order.
    pub async fn stop(&mut self) {
        if let Some(node) = self.node.take() {
            node.shared.store.close().await;
        }
    }

    /// Is gone from one moment to the next.
    pub fn crash(&mut self) {
        self.node = None;
    }

    pub async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    pub fn shared(&self) -> &Shared {
        &self.node.as_ref().expect("a started house").shared
    }

    pub async fn reload(&mut self) {
        reload::reload(self.shared(), &self.path("candor.toml")).await;
        self.settle().await;
    }

    /// Does all that is due now.
    pub async fn settle(&mut self) {
        for _ in 0..20 {
            let node = self.node.as_mut().expect("a started house");
            node.turn().await.expect("a turn");
            let next = poll::next_due(&node.shared).await.unwrap();
            if next.is_none_or(|next| next > self.clock.now()) {
                return;
            }
        }
        panic!("a feed is due again and again at {}", self.clock.now());
    }

    /// Goes to `HH:MM` (UTC) of the day, or of the next day when that is past, stopping wherever something is due.
    pub async fn at(&mut self, time: &str) {
        let now = self.clock.now();
        let target = time_of(now, time);
        let target = if target < now { target + SignedDuration::from_hours(24) } else { target };
        self.until(target).await;
    }

    pub async fn pass(&mut self, minutes: i64) {
        self.until(self.clock.now() + SignedDuration::from_mins(minutes)).await;
    }

    async fn until(&mut self, target: Timestamp) {
        for _ in 0..50_000 {
            let now = self.clock.now();
            let next = self.next_due().await.map(|next| next.max(now + SignedDuration::from_secs(1)));
            match next {
                Some(next) if next <= target => self.clock.set(next),
                Some(_) | None => {
                    self.clock.set(target);
                    self.settle().await;
                    return;
                }
            }
            self.settle().await;
        }
        panic!("the time does not pass");
    }

    /// The next time at which any pass has something to do.
    async fn next_due(&self) -> Option<Timestamp> {
        let shared = self.shared();
        let held = shared.store.held_accounts().await.unwrap();
        let mut due = vec![
            poll::next_due(shared).await.unwrap(),
            shared.store.next_due_change().await.unwrap(),
            shared.store.next_wake().await.unwrap(),
        ];
        let sends = shared.current.load().settings.deliver == Deliver::Live;
        for channel in Channel::ALL.into_iter().filter(|_| sends) {
            due.push(match held.iter().find(|account| account.name == channel.as_str()) {
                Some(account) => Some(account.probe_at),
                None => shared.store.next_due(channel).await.unwrap(),
            });
        }
        due.into_iter().flatten().min()
    }

    /// Hands an update in by hand, as `--trigger` does.
    pub async fn trigger(&mut self, text: &str) -> Taken {
        let taken = self.hand_in(text).await;
        self.settle().await;
        taken
    }

    /// The same, recorded and no more: nothing is planned or sent.
    pub async fn hand_in(&self, text: &str) -> Taken {
        let now = self.clock.now();
        let update = update_format::parse(text).unwrap_or_else(|error| panic!("not an update: {error}"));
        let seen = update.into_observation("trigger", now, || ids::case_id(now));
        let sight = Sight::Watching { last_good_at: None };
        ingest::take(self.shared(), &[seen], sight, None, now).await.unwrap()
    }

    /// Decides about the one case there is, as `candor case ID --…` does.
    pub async fn decide(&mut self, decision: &Decision) {
        let shared = self.shared();
        let rows = shared.store.listed_cases(CaseFilter::All, 2).await.unwrap();
        let [row] = &rows[..] else { panic!("one case, not {}", rows.len()) };
        let story = shared.store.story(row.case.key).await.unwrap().expect("it is listed");
        let current = shared.current.load_full();
        let pace = &current.settings.pace;
        let step = decide::decide(&story, decision, "jane", &current.catalog, pace, self.clock.now()).unwrap();
        let write = Write { case: step.case, updates: step.updates, changes: step.change.into_iter().collect() };
        shared.store.record(vec![write], None).await.unwrap();
        self.settle().await;
    }

    /// Sends what is due on one channel, and does nothing else.
    pub async fn send(&mut self, channel: Channel) {
        let node = self.node.as_mut().expect("a started house");
        let lanes = match channel {
            Channel::Email => &mut node.email,
            Channel::Webhook => &mut node.webhook,
        };
        deliver::pass(&node.shared, channel, lanes, &CancellationToken::new()).await.unwrap();
    }

    /// Posts to a hook through the real router; gives the status and the words of the answer.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let front = Arc::new(Front { shared: self.shared().clone() });
        let router = routes::public_router(front, AdminPlace::WithPublic);
        let mut request = axum::http::Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(axum::body::Body::from(body.to_owned())).unwrap();
        let answer = router.oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let words = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&words).into_owned())
    }

    /// Every mail to this address so far.
    pub fn mails(&self, address: &str) -> Vec<Mail> {
        self.relay.mails().into_iter().filter(|mail| mail.to == address).collect()
    }

    pub fn last(&self, address: &str) -> Mail {
        self.mails(address).pop().unwrap_or_else(|| panic!("{address} got nothing"))
    }

    /// What this address was told so far, as `13:05 STARTED`.
    pub fn told(&self, address: &str) -> Vec<String> {
        self.mails(address).iter().map(|mail| format!("{} {}", told_at(mail.at), mail.verdict())).collect()
    }

    /// Mails since the last call, to anybody: `ops@acme.example 13:05 STARTED`.
    pub fn news(&mut self) -> Vec<String> {
        let all = self.relay.mails();
        let new = all[self.given..].iter();
        let mut lines: Vec<String> =
            new.map(|mail| format!("{} {} {}", mail.to, told_at(mail.at), mail.verdict())).collect();
        self.given = all.len();
        lines.sort();
        lines
    }

    /// Calls of an endpoint so far, as `13:05 incident.opened 200`.
    pub fn called(&self, path: &str) -> Vec<String> {
        let calls = self.receiver.calls().into_iter().filter(|call| call.path == path);
        calls.map(|call| format!("{} {} {}", told_at(call.at), text(&call, "/type"), call.status)).collect()
    }

    /// The ledger's items in a state, as `acme 2: cause`.
    pub async fn ledger(&self, state: LedgerState) -> Vec<String> {
        let rows = self.ledger_rows().await.into_iter().filter(|row| row.state == state);
        rows.map(|row| {
            let words = row.cause.map(|cause| cause.to_string()).or(row.receipt).unwrap_or_default();
            format!("{} {}: {words}", row.client_id, row.id.sequence)
        })
        .collect()
    }

    pub async fn ledger_rows(&self) -> Vec<LedgerRow> {
        self.shared().store.deliveries(LedgerFilter::All, 1_000).await.unwrap()
    }

    /// The promises to a client by time, as `14:05 kept at 14:04`.
    pub async fn promises(&self, client: &str) -> Vec<String> {
        let mut rows = self.shared().store.promises(PromiseFilter::All, 1_000).await.unwrap();
        rows.retain(|row| row.client_id == client);
        rows.sort_by_key(|row| row.due_at);
        rows.iter().map(said_of_promise).collect()
    }

    pub fn metrics(&self) -> String {
        self.shared().metrics.text()
    }

    /// How many cases are open, or ended with somebody owed the word.
    pub async fn cases_left(&self) -> usize {
        self.shared().store.listed_cases(CaseFilter::OpenOrOwed, 100).await.unwrap().len()
    }
}

fn said_of_promise(row: &PromiseRow) -> String {
    let due = told_at(row.due_at);
    match (row.result, row.came_at.map(told_at)) {
        (None, _) => format!("{due} open"),
        (Some(PromiseResult::Kept), Some(came)) => format!("{due} kept at {came}"),
        (Some(result), Some(came)) => format!("{due} {}, came {came}", result.as_str()),
        (Some(result), None) => format!("{due} {}", result.as_str()),
    }
}

pub fn text(call: &Call, pointer: &str) -> String {
    call.body.pointer(pointer).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
}

/// That time of the day that `now` is in.
fn time_of(now: Timestamp, time: &str) -> Timestamp {
    let time = jiff::civil::Time::strptime("%H:%M", time).expect("HH:MM");
    let day = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    day.to_datetime(time).to_zoned_datetime(jiff::tz::TimeZone::UTC).unwrap().timestamp()
}

/// Compares what was told with what should have been; both lists are shown.
#[track_caller]
pub fn expect(told: &[String], expected: &[&str]) {
    assert!(told == expected, "\n     told: {told:#?}\n expected: {expected:#?}\n");
}
