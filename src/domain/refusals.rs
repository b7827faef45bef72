//! Whose fault a permanent refusal is: the recipient's, or the relay's that refuses everybody.
//!
//! Ten in a row of different recipients without an acceptance between are the relay's fault until the contrary is
//! shown. Deliberately absent: where refusals are kept, and what holding an account means.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::delivery::Cause;

/// That many different recipients refused in a row, and none accepted between.
pub const OF_THE_RELAY: usize = 10;
/// While an account is held because of refused recipients, a recipient that is refused again counts as the relay's
/// for that long: a relay that mends within it has lost nobody a word.
pub const PATIENCE: SignedDuration = SignedDuration::from_mins(90);

/// What is remembered of a contact that was refused and has not been accepted since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    pub code: u16,
    pub standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has been accepted since: it may be the relay's fault.
    Suspected,
    /// It was followed by a hold or by somebody else's acceptance: the same again is the recipient's own.
    Known,
}

impl Standing {
    pub fn as_str(self) -> &'static str {
        match self {
            Standing::Suspected => "suspected",
            Standing::Known => "known",
        }
    }

    pub fn from_word(word: &str) -> Option<Standing> {
        [Standing::Suspected, Standing::Known].into_iter().find(|standing| standing.as_str() == word)
    }
}

/// How the refused message was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// Among all that was due.
    Ordinarily,
    /// Alone, to see whether a relay that refused ten takes anybody; held since then.
    AsTrial { held_since: Timestamp },
}

/// What a permanent refusal is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is the recipient's failure.
    Recipient,
    /// Not known yet: it counts towards the ten.
    Unknown,
    /// The relay refuses still: nobody's delivery failed.
    Relay,
}

/// Whose fault a permanent refusal is, given what is remembered of its recipient.
pub fn fault(before: Option<Refused>, cause: &Cause, sent: Sent, now: Timestamp) -> Fault {
    // Without a code no server has spoken: it was refused by us, for this recipient.
    let Some(code) = cause.code else { return Fault::Recipient };
    let again = before.is_some_and(|before| before.code == code);
    match sent {
        Sent::Ordinarily => match before {
            Some(Refused { standing: Standing::Known, .. }) if again => Fault::Recipient,
            Some(_) | None => Fault::Unknown,
        },
        Sent::AsTrial { held_since } if again && now.duration_since(held_since) >= PATIENCE => Fault::Recipient,
        Sent::AsTrial { .. } => Fault::Relay,
    }
}

/// Which of the waiting messages is sent as a trial: one whose recipient has not been refused before, if there is
/// any, because dead addresses often stand together and prove nothing. Scattered by a hash of the time; `None`:
/// nothing waits.
pub fn trial(waiting: &[Option<Refused>], now: Timestamp) -> Option<usize> {
    let places =
        |fresh: bool| -> Vec<usize> { (0..waiting.len()).filter(|&place| waiting[place].is_none() == fresh).collect() };
    let candidates = Some(places(true)).filter(|fresh| !fresh.is_empty()).unwrap_or_else(|| places(false));
    let digest = Sha256::digest(now.as_millisecond().to_be_bytes());
    let die = u64::from_be_bytes(digest[..8].try_into().expect("a digest has 32 bytes"));
    let place = usize::try_from(die % u64::try_from(candidates.len().max(1)).unwrap_or(1)).unwrap_or(0);
    candidates.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::at;

    fn refused(code: u16, standing: Standing) -> Option<Refused> {
        Some(Refused { code, standing })
    }

    #[test]
    fn a_refusal_is_the_recipients_when_it_is_known_or_repeated_after_a_long_hold() {
        let check = |why: &str, before: Option<Refused>, code: Option<u16>, sent: Sent, expected: Fault| {
            assert_eq!(fault(before, &Cause::new("rcpt", code, "no"), sent, at(100)), expected, "{why}");
        };
        let (suspected, known) = (refused(550, Standing::Suspected), refused(550, Standing::Known));
        let held = |minutes: i64| Sent::AsTrial { held_since: at(100 - minutes) };
        check("never refused", None, Some(550), Sent::Ordinarily, Fault::Unknown);
        check("suspected already", suspected, Some(550), Sent::Ordinarily, Fault::Unknown);
        check("known", known, Some(550), Sent::Ordinarily, Fault::Recipient);
        check("known for another code", known, Some(554), Sent::Ordinarily, Fault::Unknown);
        check("refused by us", None, None, Sent::Ordinarily, Fault::Recipient);
        check("refused by us, as a trial", None, None, held(5), Fault::Recipient);
        check("a new one as a trial", None, Some(550), held(500), Fault::Relay);
        check("again, soon", known, Some(550), held(89), Fault::Relay);
        check("again, after the patience", known, Some(550), held(90), Fault::Recipient);
        check("after the patience with another code", known, Some(554), held(90), Fault::Relay);
    }

    #[test]
    fn the_trial_is_somebody_who_has_not_been_refused_if_there_is_one() {
        let known = refused(550, Standing::Known);
        assert_eq!(trial(&[], at(0)), None);
        assert_eq!(trial(&[known, None, known], at(0)), Some(1));
        let (mut of_fresh, mut of_known) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
        for minute in 0..100 {
            of_fresh.insert(trial(&[known, None, None, None], at(minute)).unwrap());
            of_known.insert(trial(&[known, known, known], at(minute)).unwrap());
        }
        assert_eq!(of_fresh.into_iter().collect::<Vec<_>>(), [1, 2, 3], "scattered, never one that was refused");
        assert_eq!(of_known.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
    }
}
