//! Sends what is due on one channel: claim, render, hand over, settle.
//!
//! `wanted > told` is the outbox and the store its only queue: what is claimed here and never settled is
//! uncertain after a crash, and at most [`IN_FLIGHT`] are. Deliberately absent: verdicts (`channel`), waits and
//! whose fault a refusal is (`domain`), words (`render`), and the rows of a settlement (`settling`).

mod run;
mod said;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::run::Run;
use super::account::{self, Gate};
use super::lanes::{Lane, Lanes};
use super::message::{Bundle, Made};
use super::settling::{End, Finished, key_of};
use super::{Shared, rehearsal};
use crate::domain::client::Channel;
use crate::domain::delivery::{self, Cause, Outcome};
use crate::domain::operator;
use crate::domain::plan::FALLBACK_AFTER;
use crate::domain::refusals::{self, Fault, Sent};
use crate::store::StoreError;
use crate::store::rows::{AcceptedBy, Claimed, HeldAccount, ThreadKey, Whose};

/// Claimed and not settled, at most, on one node and channel: what a crash may repeat.
pub const IN_FLIGHT: usize = 256;
/// Told to stop, what is under way is waited for that long, and then recorded as far as it has come.
const CUT_AFTER: Duration = Duration::from_secs(7);

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

/// Sends everything that is due, until nothing is, the account is held, or `stop`.
pub async fn pass(
    shared: &Shared,
    channel: Channel,
    lanes: &mut Lanes,
    stop: &CancellationToken,
) -> Result<Report, StoreError> {
    if rehearsal::is_on(shared) {
        rehearsal::settle(shared, channel).await?;
    }
    match account::gate(shared, channel, lanes).await? {
        Gate::Open => {}
        Gate::Shut => return Ok(Report { held: true, ..Report::default() }),
        Gate::Trial(held) => return trial(shared, channel, lanes, &held, stop).await,
    }
    let slow = lanes.take_slow_step();
    let first = claim(shared, channel, slow.unwrap_or(IN_FLIGHT)).await?;
    if first.is_empty() {
        return Ok(Report::default());
    }
    let (job_sender, job_receiver) = mpsc::channel::<Job>(IN_FLIGHT);
    let (done_sender, mut done) = mpsc::channel::<Finished>(IN_FLIGHT);
    let jobs = Arc::new(Mutex::new(job_receiver));
    let mut running = JoinSet::new();
    let halt = stop.child_token();
    let mut at_work = lanes.take(channel, shared.clock.now());
    at_work.truncate(slow.unwrap_or(usize::MAX));
    let mut run = Run::new(shared, channel, at_work.len(), lanes.got_through_at(), halt.clone()).await?;
    run.unreached = lanes.unreached;
    run.takes_more = slow.is_none();
    for lane in at_work {
        running.spawn(work(lane, jobs.clone(), done_sender.clone(), shared.clone(), halt.clone(), stop.clone()));
    }
    drop(done_sender);
    let result = run.drive(first, job_sender, &mut done).await;
    while let Some(lane) = running.join_next().await {
        match lane {
            Ok(lane) => lane.into_iter().for_each(|lane| lanes.give_back(lane)),
            Err(fault) => tracing::error!(error = %fault, "a lane ended by a fault of ours; what it held is uncertain"),
        }
    }
    // When every lane has stepped aside, some jobs have been taken by none.
    let mut left = Vec::new();
    while let Ok(job) = jobs.lock().await.try_recv() {
        left.push(key_of(&job.claimed));
    }
    run.give_back(left).await?;
    lanes.unreached = run.unreached;
    lanes.learn(run.got_through_at, run.stepped_aside, shared.clock.now());
    result?;
    Ok(run.report)
}

/// One lane: takes a job, makes the message, hands it over, reports what came of it. `None`: the relay had no
/// room for this connection.
async fn work(
    mut lane: Lane,
    jobs: Arc<Mutex<mpsc::Receiver<Job>>>,
    done: mpsc::Sender<Finished>,
    shared: Shared,
    halt: CancellationToken,
    stop: CancellationToken,
) -> Option<Lane> {
    loop {
        let job = jobs.lock().await.recv().await;
        let Some(Job { claimed, bundle }) = job else { break };
        let is_rehearsed = rehearsal::is_on(&shared) && claimed.client.id != operator::CLIENT;
        let end = if halt.is_cancelled() || is_rehearsed {
            End::NeverBegun
        } else {
            attempt(&mut lane, &shared, &claimed, &bundle, &stop).await
        };
        let steps_aside = steps_aside(&end);
        if done.send(Finished { claimed, bundle, end }).await.is_err() {
            break;
        }
        if steps_aside {
            return None;
        }
    }
    Some(lane)
}

fn steps_aside(end: &End) -> bool {
    match end {
        End::Tried(_, outcome) => outcome.lacks_room(),
        End::NeverBegun | End::ToldElsewhere { .. } => false,
    }
}

async fn attempt(
    lane: &mut Lane,
    shared: &Shared,
    claimed: &Claimed,
    bundle: &Bundle,
    stop: &CancellationToken,
) -> End {
    if let Some((until, by)) = told_elsewhere(shared, claimed).await {
        return End::ToldElsewhere { until, by };
    }
    let made = match bundle.message(shared, claimed) {
        Ok(made) => made,
        Err(cause) => return End::Tried(Made::nothing(), Outcome::Deferred { cause, retry_after: None }),
    };
    let cut = std::pin::pin!(async {
        stop.cancelled().await;
        tokio::time::sleep(CUT_AFTER).await;
    });
    // A library that panics on what a server says costs this attempt, not the channel.
    let outcome = AssertUnwindSafe(lane.send(shared, claimed, &made, cut)).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("an attempt ended by a fault of ours; it is uncertain");
        Outcome::Uncertain { cause: Cause::new("final", None, "a fault of ours ended the attempt") }
    });
    End::Tried(made, outcome)
}

/// Up to where another contact of the client has been told what this one waits for, if that ends its waiting.
pub async fn told_elsewhere(shared: &Shared, claimed: &Claimed) -> Option<(i64, Channel)> {
    let thread = &claimed.thread;
    let (asked, enough) = if claimed.contact.fallback {
        (delivery::fallback_may_be_spared(thread).then_some(AcceptedBy::Anybody)?, thread.told + 1)
    } else {
        // No fallback is used before that; what it accepted while this was under way is seen here.
        let age = shared.clock.now().duration_since(thread.since?);
        let may_be = age >= FALLBACK_AFTER && delivery::may_be_told_by_fallback(thread);
        (may_be.then_some(AcceptedBy::Fallback)?, thread.wanted)
    };
    let accepted = shared.store.accepted_until(thread.case_key, thread.client_id.clone(), asked).await;
    accepted.ok().flatten().filter(|(until, _)| *until >= enough)
}

async fn claim(shared: &Shared, channel: Channel, most: usize) -> Result<Vec<Job>, StoreError> {
    // Looked at each time: it may be switched to while a run is under way.
    let whose = if rehearsal::is_on(shared) { Whose::TheOperators } else { Whose::Everybodys };
    let now = shared.clock.now();
    let most = i64::try_from(most).unwrap_or(1);
    let claimed = shared.store.claim(channel, shared.epoch, now, most, whose).await?;
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

/// One message through an account that is held because recipient after recipient was refused. Accepted, the
/// account is released; refused, nobody's delivery fails as long as the relay may mend.
async fn trial(
    shared: &Shared,
    channel: Channel,
    lanes: &mut Lanes,
    held: &HeldAccount,
    stop: &CancellationToken,
) -> Result<Report, StoreError> {
    let now = shared.clock.now();
    let mut jobs = claim(shared, channel, IN_FLIGHT).await?;
    let waiting: Vec<_> = jobs.iter().map(|job| job.claimed.refused).collect();
    let Some(place) = refusals::trial(&waiting, now) else {
        account::release(shared, channel).await?;
        return Ok(Report::default());
    };
    let Job { claimed, bundle } = jobs.swap_remove(place);
    let others: Vec<ThreadKey> = jobs.iter().map(|job| key_of(&job.claimed)).collect();
    shared.store.unclaim(shared.epoch, others).await?;
    let mut run = Run::new(shared, channel, 1, lanes.got_through_at(), CancellationToken::new()).await?;
    run.in_flight = 1;
    let mut taken = lanes.take(channel, now);
    let end = match taken.first_mut() {
        Some(lane) => attempt(lane, shared, &claimed, &bundle, stop).await,
        None => End::NeverBegun,
    };
    taken.into_iter().for_each(|lane| lanes.give_back(lane));
    run.judge_trial(Finished { claimed, bundle, end }, held).await?;
    Ok(run.report)
}

impl Run<'_> {
    async fn judge_trial(&mut self, finished: Finished, held: &HeldAccount) -> Result<(), StoreError> {
        let now = self.shared.clock.now();
        let End::Tried(_, outcome) = &finished.end else { return self.settle(vec![finished]).await };
        match outcome {
            Outcome::Delivered { .. } => {
                self.settle(vec![finished]).await?;
                account::release(self.shared, self.channel).await
            }
            Outcome::Failed { cause } => {
                let sent = Sent::AsTrial { held_since: held.held_since };
                let cause = cause.clone();
                match refusals::fault(finished.claimed.refused, &cause, sent, now) {
                    Fault::Recipient => {
                        self.fail(vec![finished]).await?;
                        if cause.code.is_none() {
                            // It never came before the relay: the next one is tried at once.
                            return Ok(());
                        }
                        account::release(self.shared, self.channel).await
                    }
                    Fault::Unknown | Fault::Relay => {
                        self.note(&finished, refusals::Standing::Known);
                        self.write_notes().await?;
                        self.give_back(vec![finished.key()]).await?;
                        self.keep_held(account::recipients_refused(&cause)).await
                    }
                }
            }
            Outcome::AccountHeld { cause } => {
                let cause = cause.clone();
                self.give_back(vec![finished.key()]).await?;
                self.keep_held(cause).await
            }
            Outcome::Deferred { .. } | Outcome::Uncertain { .. } | Outcome::Gone { .. } => {
                self.settle(vec![finished]).await?;
                self.keep_held(held.cause.clone()).await
            }
        }
    }

    async fn keep_held(&mut self, cause: Cause) -> Result<(), StoreError> {
        self.report.held = true;
        account::hold_on(self.shared, self.channel, cause).await
    }
}
