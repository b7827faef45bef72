//! What becomes of an attempt: every outcome, on every channel, at every attempt.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    After, Asks, Attempt, Cause, Certainty, Consequence, Outcome, Policy, Settled, after, clean, delivery_key,
    fallback_may_be_spared, may_be_told_by_fallback, thread_root, told_elsewhere,
};
use crate::domain::client::Channel;
use crate::domain::fixtures::{at, over, told, waiting};
use crate::domain::thread::{Standing, Thread, ThreadState};

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

fn policy(channel: Channel) -> Policy {
    let retry: &[u64] = match channel {
        Channel::Email => &[30, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE],
        Channel::Webhook => &[5, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR],
    };
    Policy { retry: retry.iter().copied().map(Duration::from_secs).collect(), give_up: Duration::from_secs(72 * HOUR) }
}

fn cause(code: Option<u16>) -> Cause {
    Cause::new("http", code, "no")
}

fn deferred(code: Option<u16>) -> Outcome {
    Outcome::Deferred { cause: cause(code), retry_after: None }
}

/// A thread with its third sequence unsent since minute 0, after that many attempts.
fn tried(channel: Channel, attempts: i64) -> Thread {
    Thread { channel, attempts, ..waiting(2, 3) }
}

fn tell(thread: &Thread, outcome: &Outcome, now: Timestamp) -> After {
    let attempt = Attempt { thread, until: thread.wanted, asks: Asks::Nothing, key: "key3", outcome };
    after(&attempt, &policy(thread.channel), now)
}

fn waits(thread: &Thread, outcome: &Outcome) -> SignedDuration {
    let after = tell(thread, outcome, at(1));
    assert_eq!(after.settled, None, "{outcome:?} is not the end");
    assert_eq!(after.thread.attempts, thread.attempts + 1);
    assert_eq!((after.thread.told, after.thread.wanted, after.thread.since), (2, 3, thread.since));
    after.thread.due_at.expect("due again").duration_since(at(1))
}

#[test]
fn each_wait_is_its_step_within_a_fifth_and_the_last_repeats() {
    let check = |channel: Channel, attempts: i64, step: u64| {
        let (mut least, mut most) = (f64::MAX, f64::MIN);
        for contact_key in 0..60 {
            let thread = Thread { contact_key, ..tried(channel, attempts) };
            let wait = waits(&thread, &deferred(Some(503))).as_secs_f64() / step as f64;
            assert!((0.8..=1.2).contains(&wait), "{channel:?} attempt {attempts}: {wait} of {step} s");
            (least, most) = (least.min(wait), most.max(wait));
            assert_eq!(waits(&thread, &deferred(Some(503))), waits(&thread, &deferred(Some(503))), "a hash, not a die");
        }
        assert!(least < 0.9 && most > 1.1, "{channel:?} attempt {attempts}: scattered from {least} to {most}");
    };
    for (attempts, step) in [(0, 30), (1, 120), (2, 300), (3, 600), (4, 1200), (5, 1800), (6, 1800), (99, 1800)] {
        check(Channel::Email, attempts, step);
    }
    for (attempts, step) in [(0, 5), (1, 60), (2, 300), (3, 1800), (4, 7200), (5, 18_000), (6, 36_000), (7, 36_000)] {
        check(Channel::Webhook, attempts, step);
    }
}

#[test]
fn retry_after_is_obeyed_between_one_step_and_two() {
    let check = |asked: u64, least: i64, most: i64| {
        for contact_key in 0..60 {
            let thread = Thread { contact_key, ..tried(Channel::Webhook, 1) };
            let outcome = Outcome::Deferred { cause: cause(Some(429)), retry_after: Some(Duration::from_secs(asked)) };
            let wait = waits(&thread, &outcome).as_secs();
            assert!((least..=most).contains(&wait), "asked for {asked} s, waits {wait} s");
        }
    };
    check(0, 60, 72);
    check(1, 60, 72);
    check(90, 90, 90);
    check(120, 120, 120);
    check(86_400, 120, 120);
    check(u64::MAX, 120, 120);
}

#[test]
fn what_may_have_arrived_goes_again_and_is_shown_as_uncertain() {
    let uncertain = Outcome::Uncertain { cause: Cause::new("final", None, "connection lost") };
    assert_eq!(waits(&tried(Channel::Email, 0), &uncertain), SignedDuration::from_mins(5));
    assert_eq!(waits(&tried(Channel::Email, 5), &uncertain), SignedDuration::from_mins(5));
    assert!((4..=6).contains(&waits(&tried(Channel::Webhook, 0), &uncertain).as_secs()));
    let once = tell(&tried(Channel::Email, 0), &uncertain, at(1)).thread;
    assert!(once.uncertain);
    let deferred_since = tell(&once, &deferred(Some(451)), at(6)).thread;
    assert!(deferred_since.uncertain, "the first may still have arrived");
    let failed = tell(&deferred_since, &Outcome::Failed { cause: cause(Some(550)) }, at(8));
    assert_eq!(failed.settled, Some(Settled::Failed { cause: cause(Some(550)), uncertain: Certainty::Uncertain }));
    let accepted = tell(&once, &Outcome::Delivered { receipt: "250 ok".into() }, at(6)).thread;
    assert!(!accepted.uncertain && accepted.cause.is_none());
}

#[test]
fn it_is_given_up_by_the_age_of_the_oldest_unsent() {
    let check = |channel: Channel, code: Option<u16>, hours: i64, is_given_up: bool| {
        for attempts in [0, 3, 40] {
            let after = tell(&tried(channel, attempts), &deferred(code), at(hours * 60));
            assert_eq!(after.settled.is_some(), is_given_up, "{channel:?} {code:?} after {hours} h");
            let state = if is_given_up { ThreadState::Failed } else { ThreadState::Active };
            assert_eq!((after.thread.state, after.thread.due_at.is_none()), (state, is_given_up));
            assert_eq!(after.failure, Some(cause(code)));
            assert_eq!(after.thread.cause, Some(cause(code)));
            assert_eq!(after.consequence, Consequence::None);
        }
    };
    for channel in Channel::ALL {
        check(channel, Some(503), 71, false);
        check(channel, Some(503), 72, true);
        check(channel, None, 71, false);
        check(channel, None, 100, true);
    }
    check(Channel::Webhook, Some(401), 23, false);
    check(Channel::Webhook, Some(401), 24, true);
    check(Channel::Webhook, Some(403), 24, true);
    check(Channel::Webhook, Some(404), 24, false);
    check(Channel::Email, Some(401), 24, false);
}

#[test]
fn a_refusal_for_good_is_not_tried_again() {
    for channel in Channel::ALL {
        for attempts in [0, 1, 9] {
            let outcome = Outcome::Failed { cause: cause(Some(550)) };
            let after = tell(&tried(channel, attempts), &outcome, at(1));
            let settled = Settled::Failed { cause: cause(Some(550)), uncertain: Certainty::Certain };
            assert_eq!((after.settled, after.consequence), (Some(settled), Consequence::None));
            assert_eq!((after.thread.state, after.thread.due_at), (ThreadState::Failed, None));
            assert!(after.thread.owed, "who was told that it is open is still owed the end, by name");
            assert_eq!(after.thread.told, 2, "nothing is said to be told");
        }
    }
}

#[test]
fn an_account_of_ours_that_is_refused_changes_nothing_of_the_thread() {
    for channel in Channel::ALL {
        let thread = tried(channel, 4);
        let after = tell(&thread, &Outcome::AccountHeld { cause: cause(Some(535)) }, at(1));
        assert_eq!(after.thread, thread);
        assert_eq!((after.settled, after.failure), (None, None));
        assert_eq!(after.consequence, Consequence::HoldAccount(cause(Some(535))));
    }
}

#[test]
fn an_endpoint_that_is_gone_is_switched_off() {
    let after = tell(&tried(Channel::Webhook, 0), &Outcome::Gone { cause: cause(Some(410)) }, at(1));
    assert_eq!(after.settled, Some(Settled::Cancelled { cause: cause(Some(410)) }));
    assert_eq!(after.consequence, Consequence::ContactGone);
    assert_eq!((after.thread.state, after.thread.due_at), (ThreadState::Cancelled, None));
    assert!(after.thread.owed, "shown by name");
}

#[test]
fn what_was_accepted_is_told_and_more_is_due_at_once() {
    let deliver = |thread: &Thread, until: i64, asks: Asks| {
        let outcome = Outcome::Delivered { receipt: "250 2.0.0 queued".into() };
        let attempt = Attempt { thread, until, asks, key: "key3", outcome: &outcome };
        let after = after(&attempt, &policy(thread.channel), at(1));
        assert_eq!(after.settled, Some(Settled::Delivered { receipt: "250 2.0.0 queued".into() }));
        assert_eq!((after.failure, after.consequence), (None, Consequence::None));
        after.thread
    };
    let all = deliver(&tried(Channel::Email, 3), 3, Asks::Nothing);
    assert_eq!((all.told, all.due_at, all.since, all.attempts), (3, None, None, 0));
    assert_eq!((all.notices, all.first_told, all.owed), (2, Some(1), true));
    assert_eq!((all.last_key.as_deref(), all.told_variant, all.asked.len()), (Some("key3"), Some(1), 0));

    let more = deliver(&waiting(2, 5), 3, Asks::Nothing);
    assert_eq!((more.told, more.due_at, more.since), (3, Some(at(1)), Some(at(1))));

    let first = deliver(&waiting(0, 3), 3, Asks::Something);
    assert_eq!((first.first_told, first.notices, first.owed, first.asked), (Some(3), 1, true, vec![1]));
    let again = deliver(&Thread { asked: vec![1], ..waiting(2, 3) }, 3, Asks::Something);
    assert_eq!(again.asked, [1], "counted once");

    let end = deliver(&Thread { standing: Standing::Out, ..waiting(2, 3) }, 3, Asks::Nothing);
    assert!(!end.owed, "the end is told, nobody is owed");
    let done = deliver(&Thread { standing: Standing::Out, asked: vec![1], ..waiting(2, 3) }, 3, Asks::Something);
    assert_eq!(done.asked.len(), 0, "what was asked ends with the end");
    let reopened = deliver(&Thread { wanted: 3, standing: Standing::In, ..over(2) }, 3, Asks::Nothing);
    assert_eq!((reopened.episode, reopened.notices), (2, 1), "reopened while its end was on the way");
    let planned_so =
        deliver(&Thread { wanted: 3, episode: 2, notices: 0, standing: Standing::In, ..over(2) }, 3, Asks::Nothing);
    assert_eq!((planned_so.episode, planned_so.notices), (2, 1), "counted once");
}

#[test]
fn a_fallback_is_spared_what_another_contact_accepted_but_never_the_end_of_what_it_was_told() {
    let check =
        |why: &str, thread: Thread, expected: bool| assert_eq!(fallback_may_be_spared(&thread), expected, "{why}");
    check("never told", waiting(0, 3), true);
    check("never told, and over", Thread { standing: Standing::Out, ..waiting(0, 3) }, true);
    check("told, and it goes on", waiting(2, 3), true);
    check("told that it is open, and it is over", Thread { standing: Standing::Out, ..waiting(2, 3) }, false);
    check("after the end", Thread { wanted: 4, ..over(3) }, true);

    let tried = Thread { uncertain: true, attempts: 2, cause: Some(cause(None)), ..waiting(0, 3) };
    let after = told_elsewhere(&tried, 3, Channel::Webhook, at(1));
    assert_eq!(after.thread, Thread { told: 3, ..Thread { wanted: 3, ..told(0) } });
    assert_eq!(after.settled, Some(Settled::Cancelled { cause: Cause::new("fallback", None, "told by webhook") }));
    assert!(!after.thread.was_told(), "nothing is said to be sent");
    let newer = told_elsewhere(&tried, 2, Channel::Webhook, at(1)).thread;
    assert_eq!((newer.told, newer.since, newer.due_at), (2, Some(at(1)), Some(at(6))), "what is newer waits on");
}

#[test]
fn a_fallback_that_accepted_leaves_the_others_only_a_closing_notice() {
    let check =
        |why: &str, thread: Thread, expected: bool| assert_eq!(may_be_told_by_fallback(&thread), expected, "{why}");
    check("never told, and it goes on", waiting(0, 3), true);
    check("told, and it goes on", waiting(2, 3), true);
    check("told, and it is over", Thread { standing: Standing::Out, ..waiting(2, 3) }, false);
    check("never told, and it is over", Thread { standing: Standing::Out, ..waiting(0, 3) }, false);
}

#[test]
fn a_relay_lacks_room_when_it_says_later_before_any_recipient() {
    let check = |outcome: Outcome, lacks_room: bool, got_through: bool| {
        assert_eq!((outcome.lacks_room(), outcome.got_through()), (lacks_room, got_through), "{outcome:?}");
    };
    let cause = |phase: &str, code: Option<u16>| Cause::new(phase, code, "no");
    check(Outcome::AccountHeld { cause: cause("greeting", Some(421)) }, true, false);
    check(Outcome::AccountHeld { cause: cause("mail", Some(452)) }, true, false);
    check(Outcome::AccountHeld { cause: cause("greeting", Some(554)) }, false, false);
    check(Outcome::AccountHeld { cause: cause("auth", Some(535)) }, false, false);
    check(Outcome::AccountHeld { cause: cause("starttls", None) }, false, false);
    check(Outcome::Deferred { cause: cause("connect", None), retry_after: None }, false, false);
    check(Outcome::Deferred { cause: cause("rcpt", Some(451)), retry_after: None }, false, true);
    check(Outcome::Failed { cause: cause("rcpt", Some(550)) }, false, true);
    check(Outcome::Failed { cause: cause("rcpt", None) }, false, false);
    check(Outcome::Delivered { receipt: "250 ok".into() }, false, true);
}

#[test]
fn a_key_is_made_of_state_case_contact_and_range_and_never_of_the_attempt() {
    let key = |state: &str, case: &str, thread: &Thread, until: i64| delivery_key(state, case, thread, until);
    let thread = tried(Channel::Email, 0);
    let first = key("s1", "c1", &thread, 3);
    assert_eq!(first, key("s1", "c1", &Thread { attempts: 7, uncertain: true, due_at: None, ..thread.clone() }, 3));
    let others = [
        key("s2", "c1", &thread, 3),
        key("s1", "c2", &thread, 3),
        key("s1", "c1", &Thread { contact_key: 8, ..thread.clone() }, 3),
        key("s1", "c1", &thread, 4),
        key("s1", "c1", &Thread { told: 1, ..thread.clone() }, 3),
        // Lengths are part of it: nothing can be moved from one part to the next.
        key("s1c", "1", &thread, 3),
    ];
    for (index, other) in others.iter().enumerate() {
        assert_ne!(&first, other, "{index}");
    }
    assert!(first.len() == 26 && first.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{first}");
}

#[test]
fn the_root_of_a_thread_is_the_same_in_a_new_state() {
    let root = thread_root("platform", "i1", "acme", "ops@acme.example");
    assert_eq!(root, thread_root("platform", "i1", "acme", "ops@acme.example"));
    for other in [
        thread_root("other", "i1", "acme", "ops@acme.example"),
        thread_root("platform", "i2", "acme", "ops@acme.example"),
        thread_root("platform", "i1", "umbrella", "ops@acme.example"),
        thread_root("platform", "i1", "acme", "noc@acme.example"),
    ] {
        assert_ne!(root, other);
    }
}

#[test]
fn the_other_side_s_words_are_cut_and_made_harmless() {
    let check = |text: &str, expected: &str| assert_eq!(clean(text, 8), expected, "{text:?}");
    check("ok", "ok");
    check("a\r\nb\u{1b}", "a??b?");
    check("  long enough  ", "long e");
    check("äöüäöüäöüäöü", "äöüäöüäö");
    assert_eq!(Cause::new("rcpt", Some(550), &"x".repeat(500)).text.len(), 200);
    assert_eq!(Cause::new("rcpt", Some(550), "no").to_string(), "rcpt: 550 no");
    assert_eq!(Cause::new("connect", None, "refused").to_string(), "connect: refused");
}
