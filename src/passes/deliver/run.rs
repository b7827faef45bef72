//! One run over the outbox of a channel: what comes back from the lanes is judged together, and settled in groups.
//!
//! Deliberately absent: the lanes and what they do with a job.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{IN_FLIGHT, Job, Report, claim};
use crate::domain::client::Channel;
use crate::domain::delivery::{self, Cause, Consequence, Outcome};
use crate::domain::kept::PromiseResult;
use crate::domain::refusals::{self, Fault, Refused, Sent, Standing};
use crate::passes::settling::{self, End, Finished};
use crate::passes::{Shared, account, metrics};
use crate::store::StoreError;
use crate::store::rows::{RefusedContact, ThreadKey};

/// A connection that the relay has no room for says nothing against the account as long as another came as far
/// as a recipient within that time.
const OTHERS_GET_THROUGH: SignedDuration = SignedDuration::from_mins(1);

/// While lanes are at work, the outbox is looked at that often for what has come due without a wake-up.
const LOOK_EVERY: Duration = Duration::from_secs(1);

enum Event {
    Finished(Box<Finished>),
    MoreMayBeDue,
    LanesEnded,
}

pub struct Run<'a> {
    pub shared: &'a Shared,
    pub channel: Channel,
    pub report: Report,
    pub in_flight: usize,
    /// When a lane last came as far as a recipient, in this run or before.
    pub got_through_at: Option<Timestamp>,
    /// Messages in a row that found no server, in this run or before.
    pub unreached: u32,
    /// Whether what comes due meanwhile is taken along.
    pub takes_more: bool,
    /// Lanes that the relay had no room for while others got through.
    pub stepped_aside: usize,
    /// Lanes at work still.
    lanes: usize,
    /// What lanes without room had to send, until it is known whether any lane gets through.
    no_room: Vec<Finished>,
    /// Refused for good, not settled until it is known that the relay accepts others.
    suspects: Vec<Finished>,
    /// Contacts refused for good in earlier runs, with nobody accepted since.
    suspected: BTreeSet<i64>,
    notes: Vec<RefusedContact>,
    /// We are stopping, or the account is held: what has not been begun is given back.
    halt: CancellationToken,
}

impl<'a> Run<'a> {
    pub async fn new(
        shared: &'a Shared,
        channel: Channel,
        lanes: usize,
        got_through_at: Option<Timestamp>,
        halt: CancellationToken,
    ) -> Result<Run<'a>, StoreError> {
        let suspected = shared.store.suspected_contacts(channel.as_str().to_owned()).await?;
        Ok(Run {
            shared,
            channel,
            report: Report::default(),
            in_flight: 0,
            got_through_at,
            unreached: 0,
            takes_more: true,
            stepped_aside: 0,
            lanes,
            no_room: Vec::new(),
            suspects: Vec::new(),
            suspected: suspected.into_iter().collect(),
            notes: Vec::new(),
            halt,
        })
    }

    pub(super) async fn drive(
        &mut self,
        first: Vec<Job>,
        jobs: mpsc::Sender<Job>,
        done: &mut mpsc::Receiver<Finished>,
    ) -> Result<(), StoreError> {
        let mut next = first;
        loop {
            self.shared.pulse.beat(self.channel);
            self.in_flight += next.len();
            for job in next.drain(..) {
                if jobs.send(job).await.is_err() {
                    return Ok(());
                }
            }
            if self.in_flight == self.suspects.len() + self.no_room.len() {
                break;
            }
            let mut batch = match self.next_event(done).await {
                Event::Finished(finished) => vec![*finished],
                Event::MoreMayBeDue => Vec::new(),
                Event::LanesEnded => break,
            };
            while batch.len() < IN_FLIGHT
                && let Ok(more) = done.try_recv()
            {
                batch.push(more);
            }
            self.settle(batch).await?;
            if self.may_claim() {
                next = claim(self.shared, self.channel, self.room()).await?;
            }
        }
        drop(jobs);
        self.hold_if_none_got_through().await?;
        let suspects = std::mem::take(&mut self.suspects);
        if self.report.held {
            return self.give_back(suspects.iter().map(Finished::key).collect()).await;
        }
        suspects.iter().for_each(|suspect| self.note(suspect, Standing::Suspected));
        self.commit(suspects).await
    }

    /// What has come back, or, as long as there is room for more, that more may be due: one recipient who does not
    /// answer holds up nobody else.
    async fn next_event(&self, done: &mut mpsc::Receiver<Finished>) -> Event {
        let more_is_due = async {
            if !self.may_claim() {
                return tokio::time::sleep(LOOK_EVERY).await;
            }
            let woken = self.shared.wakes.of(self.channel).notified();
            drop(tokio::time::timeout(LOOK_EVERY, woken).await);
        };
        tokio::select! {
            finished = done.recv() => finished.map_or(Event::LanesEnded, |finished| Event::Finished(Box::new(finished))),
            () = more_is_due => Event::MoreMayBeDue,
        }
    }

    fn room(&self) -> usize {
        IN_FLIGHT.saturating_sub(self.in_flight)
    }

    fn may_claim(&self) -> bool {
        self.takes_more && self.room() >= IN_FLIGHT / 2 && !self.halt.is_cancelled()
    }

    pub async fn give_back(&mut self, never_begun: Vec<ThreadKey>) -> Result<(), StoreError> {
        if never_begun.is_empty() {
            return Ok(());
        }
        self.in_flight = self.in_flight.saturating_sub(never_begun.len());
        self.shared.store.unclaim(self.shared.epoch, never_begun).await.map(drop)
    }

    pub async fn settle(&mut self, batch: Vec<Finished>) -> Result<(), StoreError> {
        let now = self.shared.clock.now();
        let mut to_commit = Vec::new();
        let mut never_begun = Vec::new();
        let mut unreached = None;
        for finished in batch {
            let End::Tried(_, outcome) = &finished.end else {
                match finished.end {
                    End::NeverBegun => never_begun.push(finished.key()),
                    End::ToldElsewhere { .. } | End::Tried(_, _) => to_commit.push(finished),
                }
                continue;
            };
            if outcome.got_through() {
                self.got_through_at = Some(now);
                self.unreached = 0;
            } else if outcome.is_unreached() && self.channel == Channel::Email {
                self.unreached += 1;
                unreached = finished.cause().cloned();
            }
            match outcome {
                Outcome::Failed { cause } if self.channel == Channel::Email => {
                    match refusals::fault(finished.claimed.refused, cause, Sent::Ordinarily, now) {
                        Fault::Recipient => to_commit.push(finished),
                        Fault::Unknown | Fault::Relay => self.suspects.push(finished),
                    }
                }
                Outcome::Delivered { .. } => {
                    self.clear_suspicion(&mut to_commit).await?;
                    to_commit.push(finished);
                }
                Outcome::AccountHeld { .. } if outcome.lacks_room() => {
                    self.lanes = self.lanes.saturating_sub(1);
                    self.no_room.push(finished);
                }
                Outcome::Deferred { .. }
                | Outcome::Failed { .. }
                | Outcome::Uncertain { .. }
                | Outcome::AccountHeld { .. }
                | Outcome::Gone { .. } => to_commit.push(finished),
            }
        }
        self.hold_if_all_are_refused().await?;
        self.step_aside_or_hold(now).await?;
        self.give_back(never_begun).await?;
        self.commit(to_commit).await?;
        match unreached.filter(|_| self.unreached >= account::UNREACHED) {
            Some(cause) => self.hold_account(cause).await,
            None => Ok(()),
        }
    }

    /// Somebody was accepted: whoever was refused before was refused himself.
    async fn clear_suspicion(&mut self, to_commit: &mut Vec<Finished>) -> Result<(), StoreError> {
        let suspects = std::mem::take(&mut self.suspects);
        suspects.iter().for_each(|suspect| self.note(suspect, Standing::Known));
        to_commit.extend(suspects);
        if !std::mem::take(&mut self.suspected).is_empty() {
            self.shared.store.clear_suspicion(self.channel.as_str().to_owned()).await?;
        }
        Ok(())
    }

    async fn hold_if_all_are_refused(&mut self) -> Result<(), StoreError> {
        let refused = self.suspects.iter().map(|suspect| suspect.claimed.thread.contact_key);
        let in_a_row: BTreeSet<i64> = refused.chain(self.suspected.iter().copied()).collect();
        if in_a_row.len() < refusals::OF_THE_RELAY {
            return Ok(());
        }
        let suspects = std::mem::take(&mut self.suspects);
        let Some(last) = suspects.iter().rev().find_map(|suspect| suspect.refusal().cloned()) else { return Ok(()) };
        suspects.iter().for_each(|suspect| self.note(suspect, Standing::Suspected));
        self.suspected.clear();
        let notes = std::mem::take(&mut self.notes);
        self.stop_for_hold();
        account::hold_for_recipients(self.shared, self.channel, notes, account::recipients_refused(&last)).await?;
        self.give_back(suspects.iter().map(Finished::key).collect()).await
    }

    /// A connection without room is one lane fewer while others get through; when the last lane is refused too, it
    /// is the account.
    async fn step_aside_or_hold(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let others_get_through =
            self.got_through_at.is_some_and(|at| now.duration_since(at) < OTHERS_GET_THROUGH) && self.lanes > 0;
        if self.no_room.is_empty() || !(others_get_through || self.lanes == 0) {
            return Ok(());
        }
        if self.lanes == 0 {
            return self.hold_if_none_got_through().await;
        }
        if self.stepped_aside == 0 {
            tracing::warn!(
                channel = self.channel.as_str(),
                lanes = self.lanes,
                "the relay takes fewer connections than it is offered: for a minute there are so many"
            );
        }
        self.stepped_aside += self.no_room.len();
        let no_room = std::mem::take(&mut self.no_room);
        self.give_back(no_room.iter().map(Finished::key).collect()).await
    }

    async fn hold_if_none_got_through(&mut self) -> Result<(), StoreError> {
        let no_room = std::mem::take(&mut self.no_room);
        if no_room.is_empty() {
            return Ok(());
        }
        self.commit(no_room).await
    }

    pub fn note(&mut self, finished: &Finished, standing: Standing) {
        if let Some(code) = finished.refusal().and_then(|cause| cause.code) {
            let contact_key = finished.claimed.thread.contact_key;
            self.notes.push(RefusedContact { contact_key, refused: Refused { code, standing } });
        }
    }

    pub async fn write_notes(&mut self) -> Result<(), StoreError> {
        let notes = std::mem::take(&mut self.notes);
        if notes.is_empty() {
            return Ok(());
        }
        let now = self.shared.clock.now();
        self.shared.store.note_refusals(self.channel.as_str().to_owned(), notes, now).await
    }

    /// Settles refusals that are the recipients' own.
    pub async fn fail(&mut self, finished: Vec<Finished>) -> Result<(), StoreError> {
        finished.iter().for_each(|one| self.note(one, Standing::Known));
        self.commit(finished).await
    }

    async fn commit(&mut self, finished: Vec<Finished>) -> Result<(), StoreError> {
        if finished.is_empty() {
            return Ok(());
        }
        self.write_notes().await?;
        let now = self.shared.clock.now();
        self.in_flight = self.in_flight.saturating_sub(finished.len());
        let mut settled = Vec::with_capacity(finished.len());
        let mut held = None;
        for one in &finished {
            let Some((after, settlement)) = one.settled(self.shared, now) else { continue };
            self.tell_of(one, &after, now);
            if let Consequence::HoldAccount(cause) = &after.consequence {
                held = Some(cause.clone());
            }
            settled.push((one, after, settlement));
        }
        let settlements = settled.iter().map(|(_, _, settlement)| settlement.clone()).collect();
        let count = self.shared.store.settle(self.shared.epoch, settlements).await?;
        self.shared.metrics.promises(PromiseResult::Kept, count.promises_kept);
        for (one, after, settlement) in &settled {
            one.count(self.shared, settlement);
            if after.consequence == Consequence::ContactGone {
                self.shared.store.contact_gone(one.claimed.thread.contact_key, now).await?;
            }
            if one.claimed.contact.fallback && one.was_accepted() {
                self.spare_the_others(one, now).await?;
            }
        }
        match held {
            Some(cause) => self.hold_account(cause).await,
            None => Ok(()),
        }
    }

    /// A fallback has accepted: what the client's other contacts still wait to be told of it is done with.
    async fn spare_the_others(&mut self, accepted: &Finished, now: Timestamp) -> Result<(), StoreError> {
        let by = &accepted.claimed.thread;
        let waiting = self.shared.store.waiting_of_client(by.case_key, by.client_id.clone()).await?;
        let settlements: Vec<_> = waiting
            .iter()
            .filter(|(thread, is_fallback)| !is_fallback && delivery::may_be_told_by_fallback(thread))
            .filter(|(thread, _)| thread.wanted <= by.wanted)
            .map(|(thread, _)| {
                let after = delivery::told_elsewhere(thread, by.wanted, by.channel, now);
                (thread.channel, settling::settlement(thread, None, after, now))
            })
            .collect();
        for (channel, _) in &settlements {
            self.shared.metrics.settled(*channel, metrics::Settled::Cancelled, 1);
        }
        let settlements = settlements.into_iter().map(|(_, settlement)| settlement).collect();
        self.shared.store.settle_unclaimed(settlements).await.map(drop)
    }

    /// Says it once a hold, however many of the deliveries under way come back with it.
    async fn hold_account(&mut self, cause: Cause) -> Result<(), StoreError> {
        if self.report.held {
            return Ok(());
        }
        self.stop_for_hold();
        account::hold(self.shared, self.channel, cause).await
    }

    fn stop_for_hold(&mut self) {
        self.report.held = true;
        self.halt.cancel();
    }
}
