//! What became of an attempt, and what happens next.
//!
//! The other side's failure is a value of [`Outcome`]; `Err` elsewhere is a fault of ours. Deliberately
//! absent: sockets, replies as bytes (each channel reads its own protocol in one place), and the clock.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::client::Channel;
use super::faults::{Fault, is_planted};
use super::plan::FALLBACK_AFTER;
use super::thread::{Standing, Thread, ThreadState};

/// What one attempt came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The other side accepted it; the receipt is its answer, shortened and free of control characters.
    Delivered { receipt: String },
    /// Certainly not delivered; worth another try.
    Deferred { cause: Cause, retry_after: Option<Duration> },
    /// Certainly not delivered; another try would be refused alike.
    Failed { cause: Cause },
    /// It may have arrived: the connection was lost after the last byte was written.
    Uncertain { cause: Cause },
    /// Our own account at the relay or provider is refused: nobody's delivery failed, the account is held.
    AccountHeld { cause: Cause },
    /// The endpoint says that it is gone for good (410): the contact is switched off.
    Gone { cause: Cause },
}

/// Why, in words for the ledger: the protocol's phase, the code where there was one, and the other side's
/// text, shortened. Holds no address, no URL and no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// `connect`, `greeting`, `ehlo`, `starttls`, `auth`, `mail`, `rcpt`, `data`, `body`, `final`, `http`, `render`,
    /// or what of our own it was: `book`, `fallback`, `rehearsal`.
    pub phase: String,
    pub code: Option<u16>,
    pub text: String,
}

impl Cause {
    /// Builds a cause whose text is cut to 200 characters, with control characters made visible as `?`.
    pub fn new(phase: &str, code: Option<u16>, text: &str) -> Cause {
        Cause { phase: phase.to_owned(), code, text: clean(text, 200) }
    }
}

impl Cause {
    /// The server did not answer, as against one that refuses.
    pub fn is_of_the_connection(&self) -> bool {
        let before_a_recipient = ["connect", "greeting", "ehlo", "starttls", "auth", "mail"];
        self.code.is_none() && before_a_recipient.contains(&self.phase.as_str())
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.code {
            Some(code) => write!(f, "{}: {} {}", self.phase, code, self.text),
            None => write!(f, "{}: {}", self.phase, self.text),
        }
    }
}

/// The other side's words made safe for the ledger and the terminal.
pub fn clean(text: &str, most: usize) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).take(most).collect::<String>().trim().to_owned()
}

/// How often and how long one channel tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The waits; the last one repeats.
    pub retry: Vec<Duration>,
    /// Counted from when the oldest unsent change was planned.
    pub give_up: Duration,
}

/// An attempt that has come back.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The thread as it was claimed.
    pub thread: &'a Thread,
    /// The last sequence that the attempt told.
    pub until: i64,
    /// Whether the variant asked the contact to do something.
    pub asks: Asks,
    /// `Message-ID` or `webhook-id` without the domain.
    pub key: &'a str,
    pub outcome: &'a Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    Something,
    Nothing,
}

impl Outcome {
    /// Whether the relay let us come as far as a recipient: the connection and the account are good.
    pub fn got_through(&self) -> bool {
        match self {
            Outcome::Delivered { .. } | Outcome::Uncertain { .. } | Outcome::Gone { .. } => true,
            Outcome::Failed { cause } => cause.code.is_some(),
            Outcome::Deferred { cause, .. } => matches!(cause.phase.as_str(), "rcpt" | "data" | "body" | "final"),
            Outcome::AccountHeld { .. } => false,
        }
    }

    /// Whether the server could not be spoken with: no answer, or none that is one, before any recipient was named.
    pub fn is_unreached(&self) -> bool {
        match self {
            Outcome::Deferred { cause, .. } => cause.is_of_the_connection(),
            Outcome::Delivered { .. }
            | Outcome::Failed { .. }
            | Outcome::Uncertain { .. }
            | Outcome::AccountHeld { .. }
            | Outcome::Gone { .. } => false,
        }
    }

    /// Whether the relay said before any recipient that it has no room now (4xx): too many connections, as long as
    /// others of ours get through.
    pub fn lacks_room(&self) -> bool {
        match self {
            Outcome::AccountHeld { cause } => cause.code.is_some_and(|code| (400..=499).contains(&code)),
            Outcome::Delivered { .. }
            | Outcome::Deferred { .. }
            | Outcome::Failed { .. }
            | Outcome::Uncertain { .. }
            | Outcome::Gone { .. } => false,
        }
    }
}

/// What happens next: the row as it is to be, what the ledger says, and what is larger than this thread.
#[derive(Debug, Clone, PartialEq)]
pub struct After {
    pub thread: Thread,
    pub settled: Option<Settled>,
    /// For the list of attempts; only failures are kept.
    pub failure: Option<Cause>,
    pub consequence: Consequence,
}

/// A settled range of a thread.
#[derive(Debug, Clone, PartialEq)]
pub enum Settled {
    Delivered { receipt: String },
    Failed { cause: Cause, uncertain: Certainty },
    Cancelled { cause: Cause },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    Certain,
    Uncertain,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Consequence {
    None,
    HoldAccount(Cause),
    ContactGone,
}

/// An uncertain mail goes again after that long, under the same Message-ID.
const UNCERTAIN_AGAIN: Duration = Duration::from_secs(300);
/// A client's own endpoint that refuses us (401, 403) is tried for a day.
const REFUSED_GIVE_UP: Duration = Duration::from_secs(24 * 3600);

/// The rules of `semantics.md` §8 for one thread. Pure: jitter is a hash of the thread and the attempt.
pub fn after(attempt: &Attempt<'_>, policy: &Policy, now: Timestamp) -> After {
    let mut thread = attempt.thread.clone();
    match attempt.outcome {
        Outcome::Delivered { receipt } => delivered(attempt, receipt, now),
        Outcome::Deferred { cause, retry_after } => {
            let step = step(policy, thread.attempts);
            let jittered = with_jitter(step, &thread);
            // What the other side asks for is never cut short by our own scatter.
            let wait = retry_after.map_or(jittered, |asked| asked.clamp(step, step.saturating_mul(2)).max(jittered));
            try_again(attempt, cause, wait, policy, now)
        }
        Outcome::Uncertain { cause } => {
            let wait = match thread.channel {
                Channel::Email => UNCERTAIN_AGAIN,
                Channel::Webhook => with_jitter(step(policy, thread.attempts), &thread),
            };
            thread.uncertain = true;
            try_again(&Attempt { thread: &thread, ..*attempt }, cause, wait, policy, now)
        }
        Outcome::Failed { cause } => given_up(thread, cause, Consequence::None),
        Outcome::AccountHeld { cause } => {
            // Nobody's delivery failed: the row stays as it was, and the account waits for a probe.
            After { thread, settled: None, failure: None, consequence: Consequence::HoldAccount(cause.clone()) }
        }
        Outcome::Gone { cause } => {
            // `owed` stays, for the list by name of those who were told that it is open.
            thread.state = ThreadState::Cancelled;
            thread.due_at = None;
            thread.cause = Some(cause.clone());
            After {
                thread,
                settled: Some(Settled::Cancelled { cause: cause.clone() }),
                failure: Some(cause.clone()),
                consequence: Consequence::ContactGone,
            }
        }
    }
}

fn delivered(attempt: &Attempt<'_>, receipt: &str, now: Timestamp) -> After {
    let mut thread = attempt.thread.clone();
    if !is_planted(Fault::AcceptedIsForgotten) {
        thread.told = attempt.until;
    }
    thread.told_variant = Some(thread.variant);
    thread.first_told = thread.first_told.or(Some(attempt.until));
    let goes_on = thread.standing == Standing::In;
    if goes_on && !thread.owed && thread.notices > 0 {
        // It was reopened while the word of its end was on the way: planning could not begin the episode.
        thread.episode += 1;
        thread.notices = 0;
    }
    thread.notices += 1;
    thread.owed = goes_on;
    if !goes_on {
        thread.asked.clear();
    } else if attempt.asks == Asks::Something && !thread.asked.contains(&thread.variant) {
        thread.asked.push(thread.variant);
    }
    thread.last_key = Some(attempt.key.to_owned());
    thread.attempts = 0;
    thread.uncertain = false;
    thread.cause = None;
    let more = thread.wanted > thread.told;
    thread.since = more.then_some(now);
    thread.due_at = more.then_some(now);
    After {
        thread,
        settled: Some(Settled::Delivered { receipt: receipt.to_owned() }),
        failure: None,
        consequence: Consequence::None,
    }
}

/// Whether what waits for a fallback contact is done with once another contact of the client has been told it.
/// Whoever was told that a case is open hears from us that it is over.
pub fn fallback_may_be_spared(thread: &Thread) -> bool {
    !(thread.owed && thread.standing == Standing::Out)
}

/// Whether what an ordinary contact waits to be told is done with once a fallback has accepted it: everything but
/// a closing notice.
pub fn may_be_told_by_fallback(thread: &Thread) -> bool {
    thread.standing == Standing::In
}

/// Another contact of the client has been told it up to a sequence: nothing is sent, and that part of the range is
/// done with. What is newer waits for the other contact as long as a fallback does.
pub fn told_elsewhere(thread: &Thread, until: i64, by: Channel, now: Timestamp) -> After {
    let mut thread = thread.clone();
    thread.told = thread.wanted.min(until);
    let more = thread.wanted > thread.told;
    thread.due_at = more.then_some(now + FALLBACK_AFTER);
    thread.since = more.then_some(now);
    thread.attempts = 0;
    thread.uncertain = false;
    thread.cause = None;
    let cause = Cause::new("fallback", None, &format!("told by {}", by.as_str()));
    After { thread, settled: Some(Settled::Cancelled { cause }), failure: None, consequence: Consequence::None }
}

/// The phase of the cause that a rehearsed range and its thread bear.
pub const REHEARSAL: &str = "rehearsal";

/// All that this contact waits to be told is done with, because `deliver = "rehearse"`: nothing is sent, and the
/// contact counts as never told. Only for a thread that has accepted nothing.
pub fn rehearsed(thread: &Thread) -> After {
    let mut thread = thread.clone();
    let cause = Cause::new(REHEARSAL, None, "rehearsed, not sent");
    thread.told = thread.wanted;
    thread.due_at = None;
    thread.since = None;
    thread.attempts = 0;
    thread.cause = Some(cause.clone());
    After { thread, settled: Some(Settled::Cancelled { cause }), failure: None, consequence: Consequence::None }
}

fn try_again(attempt: &Attempt<'_>, cause: &Cause, wait: Duration, policy: &Policy, now: Timestamp) -> After {
    let mut thread = attempt.thread.clone();
    thread.attempts += 1;
    thread.cause = Some(cause.clone());
    let refused = thread.channel == Channel::Webhook && matches!(cause.code, Some(401 | 403));
    let give_up = if refused { policy.give_up.min(REFUSED_GIVE_UP) } else { policy.give_up };
    let age = now.duration_since(thread.since.unwrap_or(now));
    if age >= SignedDuration::try_from(give_up).unwrap_or(SignedDuration::MAX) {
        return given_up(thread, cause, Consequence::None);
    }
    thread.due_at = Some(now + wait);
    After { thread, settled: None, failure: Some(cause.clone()), consequence: Consequence::None }
}

fn given_up(mut thread: Thread, cause: &Cause, consequence: Consequence) -> After {
    thread.state = ThreadState::Failed;
    thread.due_at = None;
    thread.cause = Some(cause.clone());
    let uncertain = if thread.uncertain { Certainty::Uncertain } else { Certainty::Certain };
    After {
        thread,
        settled: Some(Settled::Failed { cause: cause.clone(), uncertain }),
        failure: Some(cause.clone()),
        consequence,
    }
}

fn step(policy: &Policy, attempts: i64) -> Duration {
    let index = usize::try_from(attempts).unwrap_or(0).min(policy.retry.len().saturating_sub(1));
    policy.retry.get(index).copied().unwrap_or(Duration::from_secs(60))
}

/// ± 20 %, by a hash of the thread and the attempt.
fn with_jitter(wait: Duration, thread: &Thread) -> Duration {
    let seed = format!("{}/{}/{}", thread.case_key, thread.contact_key, thread.attempts);
    let byte = Sha256::digest(seed.as_bytes())[0];
    wait.mul_f64(0.8 + 0.4 * f64::from(byte) / 255.0)
}

/// The key of a delivery: made from the state, the case, the contact and the range, never from the attempt.
/// 26 letters and digits.
pub fn delivery_key(state_id: &str, case_id: &str, thread: &Thread, until: i64) -> String {
    short_hash(&["delivery", state_id, case_id, &thread.contact_key.to_string(), &format!("{}-{until}", thread.told)])
}

/// The root of a contact's thread in a case: the same again in a new state. No message bears it.
pub fn thread_root(source: &str, incident: &str, client_id: &str, address: &str) -> String {
    short_hash(&["root", source, incident, client_id, address])
}

fn short_hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    data_encoding::BASE32_NOPAD.encode(&hasher.finalize()[..16]).to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
