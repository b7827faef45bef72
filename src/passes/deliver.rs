//! Sends what is due on one channel: claim, render, hand over, settle.
//!
//! `wanted > told` is the outbox and the store its only queue: what is claimed here and never settled is
//! uncertain after a crash, and at most [`IN_FLIGHT`] are. Deliberately absent: verdicts (`channel`), waits
//! (`domain::delivery`) and words (`render`).

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::lanes::{Lane, Lanes};
use super::message::{Bundle, Made};
use crate::config::settings::Deliver;
use crate::domain::client::Channel;
use crate::domain::delivery::{self, After, Attempt, Cause, Certainty, Consequence, Outcome, Policy, Settled};
use crate::store::StoreError;
use crate::store::rows::{self, AttemptRow, Claimed, DeliveryRow, Settlement, ThreadKey};

/// Claimed and not settled, at most, on one node and channel: what a crash may repeat.
pub const IN_FLIGHT: usize = 256;
/// That many permanent refusals in a row, of different recipients, are the relay's fault.
const REFUSALS_OF_THE_RELAY: usize = 10;
/// A held account is probed that often.
const PROBE_EVERY: SignedDuration = SignedDuration::from_mins(5);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    pub delivered: usize,
    pub failed: usize,
    pub waiting: usize,
    pub held: bool,
}

/// One claimed thread on its way to a lane.
struct Job {
    claimed: Claimed,
    bundle: Arc<Bundle>,
}

/// A job that has come back.
struct Finished {
    claimed: Claimed,
    bundle: Arc<Bundle>,
    end: End,
}

enum End {
    /// We are stopping, or the account is held: given back as it was.
    NeverBegun,
    /// A fallback contact whose client has been told through another one.
    ToldElsewhere,
    Tried(Made, Outcome),
}

/// Sends everything that is due, until nothing is, the account is held, or `stop`.
pub async fn pass(
    shared: &Shared,
    channel: Channel,
    lanes: &mut Lanes,
    stop: &CancellationToken,
) -> Result<Report, StoreError> {
    let mut report = Report::default();
    // What is rehearsed reaches nobody.
    if shared.current.load().settings.deliver == Deliver::Rehearse {
        return Ok(report);
    }
    if account_is_held(shared, channel, lanes).await? {
        report.held = true;
        return Ok(report);
    }
    let first = claim(shared, channel, IN_FLIGHT).await?;
    if first.is_empty() {
        return Ok(report);
    }
    let (job_sender, job_receiver) = mpsc::channel::<Job>(IN_FLIGHT);
    let (done_sender, mut done) = mpsc::channel::<Finished>(IN_FLIGHT);
    let jobs = Arc::new(Mutex::new(job_receiver));
    let mut running = JoinSet::new();
    let halt = stop.child_token();
    for lane in lanes.take(channel) {
        running.spawn(work(lane, jobs.clone(), done_sender.clone(), shared.clone(), halt.clone()));
    }
    drop(done_sender);
    let mut run = Run { shared, channel, report, suspects: Vec::new(), in_flight: 0, halt };
    let result = run.drive(first, job_sender, &mut done).await;
    while let Some(lane) = running.join_next().await {
        match lane {
            Ok(lane) => lanes.give_back(lane),
            Err(fault) => tracing::error!(error = %fault, "a lane ended by a fault of ours; what it held is uncertain"),
        }
    }
    result?;
    Ok(run.report)
}

/// One lane: takes a job, makes the message, hands it over, reports what came of it.
async fn work(
    mut lane: Lane,
    jobs: Arc<Mutex<mpsc::Receiver<Job>>>,
    done: mpsc::Sender<Finished>,
    shared: Shared,
    stop: CancellationToken,
) -> Lane {
    loop {
        let job = jobs.lock().await.recv().await;
        let Some(Job { claimed, bundle }) = job else { break };
        let end =
            if stop.is_cancelled() { End::NeverBegun } else { attempt(&mut lane, &shared, &claimed, &bundle).await };
        if done.send(Finished { claimed, bundle, end }).await.is_err() {
            break;
        }
    }
    lane
}

async fn attempt(lane: &mut Lane, shared: &Shared, claimed: &Claimed, bundle: &Bundle) -> End {
    let thread = &claimed.thread;
    if claimed.contact.fallback && delivery::may_be_told_elsewhere(thread) {
        let accepted = shared.store.any_accepted(thread.case_key, thread.client_id.clone(), thread.told).await;
        if accepted.unwrap_or(false) {
            return End::ToldElsewhere;
        }
    }
    match bundle.message(shared, claimed) {
        Ok(made) => {
            let outcome = lane.send(shared, claimed, &made).await;
            End::Tried(made, outcome)
        }
        Err(cause) => End::Tried(Made::nothing(), Outcome::Deferred { cause, retry_after: None }),
    }
}

async fn claim(shared: &Shared, channel: Channel, most: usize) -> Result<Vec<Job>, StoreError> {
    let now = shared.clock.now();
    let most = i64::try_from(most).unwrap_or(1);
    let claimed = shared.store.claim(channel, shared.epoch, now, most).await?;
    let mut bundles: HashMap<i64, Arc<Bundle>> = HashMap::new();
    let mut jobs = Vec::with_capacity(claimed.len());
    for claimed in claimed {
        let case_key = claimed.thread.case_key;
        if !bundles.contains_key(&case_key)
            && let Some(bundle) = Bundle::load(shared, case_key, now).await?
        {
            bundles.insert(case_key, Arc::new(bundle));
        }
        if let Some(bundle) = bundles.get(&case_key).cloned() {
            jobs.push(Job { claimed, bundle });
        }
    }
    Ok(jobs)
}

/// An account of ours that was refused waits for a probe; nothing is claimed meanwhile.
async fn account_is_held(shared: &Shared, channel: Channel, lanes: &Lanes) -> Result<bool, StoreError> {
    let now = shared.clock.now();
    let held = shared.store.held_accounts().await?;
    let Some(account) = held.iter().find(|account| account.name == channel.as_str()) else { return Ok(false) };
    if account.probe_at > now {
        return Ok(true);
    }
    match lanes.probe(channel).await {
        Outcome::Delivered { .. } => {
            shared.store.release_account(account.name.clone()).await?;
            tracing::info!(channel = channel.as_str(), "the account is accepted again");
            Ok(false)
        }
        Outcome::Deferred { cause, .. }
        | Outcome::Failed { cause }
        | Outcome::Uncertain { cause }
        | Outcome::AccountHeld { cause }
        | Outcome::Gone { cause } => {
            shared.store.release_account(account.name.clone()).await?;
            shared.store.hold_account(account.name.clone(), cause, account.held_since, now + PROBE_EVERY).await?;
            Ok(true)
        }
    }
}

/// One run over the outbox of a channel.
struct Run<'a> {
    shared: &'a Shared,
    channel: Channel,
    report: Report,
    /// Refused for good, not settled until it is known that the relay accepts others.
    suspects: Vec<Finished>,
    in_flight: usize,
    /// We are stopping, or the account is held: what has not been begun is given back.
    halt: CancellationToken,
}

impl Run<'_> {
    async fn drive(
        &mut self,
        first: Vec<Job>,
        jobs: mpsc::Sender<Job>,
        done: &mut mpsc::Receiver<Finished>,
    ) -> Result<(), StoreError> {
        let mut next = first;
        loop {
            for job in next.drain(..) {
                self.in_flight += 1;
                if jobs.send(job).await.is_err() {
                    return Ok(());
                }
            }
            if self.in_flight == self.suspects.len() {
                break;
            }
            let Some(finished) = done.recv().await else { break };
            let mut batch = vec![finished];
            while batch.len() < IN_FLIGHT
                && let Ok(more) = done.try_recv()
            {
                batch.push(more);
            }
            self.settle(batch).await?;
            let room = IN_FLIGHT.saturating_sub(self.in_flight);
            if room >= IN_FLIGHT / 2 && !self.halt.is_cancelled() {
                next = claim(self.shared, self.channel, room).await?;
            }
        }
        drop(jobs);
        let suspects = std::mem::take(&mut self.suspects);
        if self.report.held {
            return self.give_back(suspects.iter().map(|suspect| key_of(&suspect.claimed)).collect()).await;
        }
        self.commit(suspects).await
    }

    async fn give_back(&mut self, never_begun: Vec<ThreadKey>) -> Result<(), StoreError> {
        if never_begun.is_empty() {
            return Ok(());
        }
        self.in_flight -= never_begun.len();
        self.shared.store.unclaim(self.shared.epoch, never_begun).await.map(drop)
    }

    async fn settle(&mut self, batch: Vec<Finished>) -> Result<(), StoreError> {
        let mut to_commit = Vec::new();
        let mut never_begun = Vec::new();
        for finished in batch {
            match &finished.end {
                End::NeverBegun => never_begun.push(key_of(&finished.claimed)),
                End::Tried(_, Outcome::Failed { .. }) if self.channel == Channel::Email => self.suspects.push(finished),
                End::Tried(_, Outcome::Delivered { .. }) => {
                    to_commit.append(&mut self.suspects);
                    to_commit.push(finished);
                }
                End::ToldElsewhere
                | End::Tried(
                    _,
                    Outcome::Deferred { .. }
                    | Outcome::Failed { .. }
                    | Outcome::Uncertain { .. }
                    | Outcome::AccountHeld { .. }
                    | Outcome::Gone { .. },
                ) => to_commit.push(finished),
            }
        }
        if self.suspects.len() >= REFUSALS_OF_THE_RELAY {
            never_begun.extend(self.suspects.iter().map(|suspect| key_of(&suspect.claimed)));
            self.suspects.clear();
            let cause = Cause::new("rcpt", None, "ten recipients in a row were refused and none accepted");
            self.hold_account(&cause).await?;
        }
        self.give_back(never_begun).await?;
        self.commit(to_commit).await
    }

    async fn commit(&mut self, finished: Vec<Finished>) -> Result<(), StoreError> {
        if finished.is_empty() {
            return Ok(());
        }
        let now = self.shared.clock.now();
        self.in_flight -= finished.len();
        let mut settlements = Vec::with_capacity(finished.len());
        let mut held = None;
        let mut gone = Vec::new();
        for finished in &finished {
            match &finished.end {
                End::NeverBegun => {}
                End::ToldElsewhere => {
                    let after = delivery::told_elsewhere(&finished.claimed.thread);
                    settlements.push(settlement(finished, "", "cancelled", after, now));
                }
                End::Tried(made, outcome) => {
                    let after = after_attempt(self.shared, finished, made, outcome, now);
                    self.count(finished, outcome, &after, now);
                    match &after.consequence {
                        Consequence::None => {}
                        Consequence::HoldAccount(cause) => held = Some(cause.clone()),
                        Consequence::ContactGone => gone.push(finished.claimed.thread.contact_key),
                    }
                    settlements.push(settlement(finished, &made.key, outcome_word(outcome), after, now));
                }
            }
        }
        self.shared.store.settle(self.shared.epoch, settlements).await?;
        for contact_key in gone {
            self.shared.store.contact_gone(contact_key, now).await?;
        }
        if let Some(cause) = held {
            self.hold_account(&cause).await?;
        }
        Ok(())
    }

    async fn hold_account(&mut self, cause: &Cause) -> Result<(), StoreError> {
        let now = self.shared.clock.now();
        self.report.held = true;
        self.halt.cancel();
        tracing::error!(channel = self.channel.as_str(), cause = %cause, "our own account is refused: nothing is sent on this channel until a probe succeeds");
        let name = self.channel.as_str().to_owned();
        self.shared.store.hold_account(name, cause.clone(), now, now + PROBE_EVERY).await
    }

    fn count(&mut self, finished: &Finished, outcome: &Outcome, after: &After, now: Timestamp) {
        let reference = finished.bundle.reference();
        let thread = &finished.claimed.thread;
        let word = outcome_word(outcome);
        self.shared.metrics.attempt(self.channel, outcome);
        match outcome {
            Outcome::Delivered { .. } => {
                self.report.delivered += 1;
                if let Some(seen) = finished.bundle.made_at(thread.wanted) {
                    self.shared.metrics.seen_to_accepted(now.duration_since(seen).as_secs_f64().max(0.0));
                }
                tracing::debug!(
                    case.reference = reference,
                    contact = thread.contact_key,
                    sequence = thread.wanted,
                    "accepted"
                );
            }
            Outcome::Deferred { cause, .. }
            | Outcome::Failed { cause }
            | Outcome::Uncertain { cause }
            | Outcome::AccountHeld { cause }
            | Outcome::Gone { cause } => {
                if after.settled.is_some() {
                    self.report.failed += 1
                } else {
                    self.report.waiting += 1
                }
                tracing::warn!(case.reference = reference, client = %thread.client_id, contact = thread.contact_key, sequence = thread.wanted, outcome = word, cause = %cause, "not accepted");
            }
        }
    }
}

fn after_attempt(shared: &Shared, finished: &Finished, made: &Made, outcome: &Outcome, now: Timestamp) -> After {
    let current = shared.current.load();
    let policy = match finished.claimed.thread.channel {
        Channel::Email => {
            current.settings.email.as_ref().map(|email| Policy { retry: email.retry.clone(), give_up: email.give_up })
        }
        Channel::Webhook => {
            Some(Policy { retry: current.settings.webhook.retry.clone(), give_up: current.settings.webhook.give_up })
        }
    };
    let policy = policy.unwrap_or(Policy { retry: Vec::new(), give_up: std::time::Duration::from_secs(72 * 3600) });
    let attempt = Attempt {
        thread: &finished.claimed.thread,
        until: finished.claimed.thread.wanted,
        asks: made.asks,
        key: &made.key,
        outcome,
    };
    delivery::after(&attempt, &policy, now)
}

fn settlement(finished: &Finished, key: &str, outcome: &str, after: After, now: Timestamp) -> Settlement {
    let before = &finished.claimed.thread;
    let row = |state, receipt, cause, uncertain| DeliveryRow {
        from_sequence: before.told,
        to_sequence: before.wanted,
        variant: before.variant,
        state,
        uncertain,
        attempts: before.attempts + 1,
        planned_at: before.since.unwrap_or(now),
        settled_at: now,
        receipt,
        cause,
        key: Some(key.to_owned()).filter(|key| !key.is_empty()),
    };
    let delivery = after.settled.as_ref().map(|settled| match settled {
        Settled::Delivered { receipt } => row(rows::Settled::Delivered, Some(receipt.clone()), None, false),
        Settled::Failed { cause, uncertain } => {
            row(rows::Settled::Failed, None, Some(cause.clone()), *uncertain == Certainty::Uncertain)
        }
        Settled::Cancelled { cause } => row(rows::Settled::Cancelled, None, Some(cause.clone()), before.uncertain),
    });
    let attempt = after.failure.as_ref().map(|cause| AttemptRow {
        to_sequence: before.wanted,
        attempt: before.attempts + 1,
        at: now,
        outcome: outcome.to_owned(),
        cause: cause.clone(),
    });
    Settlement { after: after.thread, claim_to: before.wanted, delivery, attempt }
}

fn outcome_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered { .. } => "delivered",
        Outcome::Deferred { .. } => "deferred",
        Outcome::Failed { .. } => "failed",
        Outcome::Uncertain { .. } => "uncertain",
        Outcome::AccountHeld { .. } => "held",
        Outcome::Gone { .. } => "gone",
    }
}

fn key_of(claimed: &Claimed) -> ThreadKey {
    ThreadKey { case_key: claimed.thread.case_key, contact_key: claimed.thread.contact_key }
}
