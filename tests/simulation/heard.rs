//! What every contact has accepted, and what has to hold of it.

use std::collections::{BTreeMap, BTreeSet};

use candor::domain::notice::{Affected, Kind, Notice};
use candor::domain::thread::{Standing, Thread};
use jiff::{SignedDuration, Timestamp};

use super::clients::{Clients, STEADY};

/// A promise is kept by its time and that much.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// One accepted notice.
#[derive(Debug, Clone)]
pub struct Word {
    pub at: Timestamp,
    pub contact: String,
    pub key: String,
    pub until: i64,
    pub closes: bool,
    pub is_afterwards: bool,
    pub notice: Notice,
}

/// (case, contact key), and what it heard, in order.
#[derive(Debug, Default)]
pub struct Heard {
    words: BTreeMap<(i64, i64), Vec<Word>>,
    keys: BTreeSet<String>,
    /// The time of the next word by case and client, and when it was said.
    promised: BTreeMap<(i64, String), (Timestamp, Timestamp)>,
    /// What each case has ever concerned, in our words; `*` when everybody.
    pub reached: BTreeMap<i64, BTreeSet<String>>,
}

impl Heard {
    pub fn hears(&mut self, thread: &Thread, contact: &str, key: &str, notice: Notice, clients: &Clients) {
        let closes = notice.changes.iter().any(|kind| kind.is_closing());
        let word = Word {
            at: notice.now,
            contact: contact.to_owned(),
            key: key.to_owned(),
            until: thread.wanted,
            closes,
            is_afterwards: thread.standing == Standing::Out && !closes,
            notice,
        };
        assert!(self.keys.insert(word.key.clone()), "told twice under one key: {word:?}");
        let promise = (thread.case_key, thread.client_id.clone());
        match word.notice.next_word {
            Some(next) => {
                assert!(next > word.at, "promised for the past: {word:?}");
                self.promised.insert(promise, (next, word.at));
            }
            None if word.notice.affected == Affected::Confirmed => {
                assert!(thread.standing == Standing::Out || word.is_race(), "open, and no next word: {word:?}");
                self.promised.remove(&promise);
            }
            None => drop(self.promised.remove(&promise)),
        }
        self.concerns(thread, &word, clients);
        let words = self.words.entry((thread.case_key, thread.contact_key)).or_default();
        words.push(word);
        follows(words);
    }

    /// What the client that depends on everything and never changes heard of a case, in order.
    pub fn of_everything(&self, case_key: i64) -> &[Word] {
        let of_case = self.words.iter().filter(|((case, _), _)| *case == case_key).map(|(_, words)| words);
        of_case.into_iter().find(|words| words[0].contact == STEADY).map_or(&[], Vec::as_slice)
    }

    /// The last sequence that each contact heard of a case.
    pub fn last_of(&self, case_key: i64) -> Vec<(i64, i64)> {
        let of_case = self.words.iter().filter(|((case, _), _)| *case == case_key);
        of_case.filter_map(|((_, contact), words)| Some((*contact, words.last()?.until))).collect()
    }

    /// Nobody hears of a case that never named anything of theirs.
    fn concerns(&self, thread: &Thread, word: &Word, clients: &Clients) {
        let (reached, theirs) = (&self.reached[&thread.case_key], &clients.ever[&thread.client_id]);
        let is_theirs = reached.contains("*") || theirs.contains("*") || !reached.is_disjoint(theirs);
        assert!(is_theirs, "{reached:?} is nothing to {theirs:?}: {word:?}");
    }

    /// Whether the time of any promise is over; only then it is worth asking who waits.
    pub fn is_any_late(&self, now: Timestamp) -> bool {
        self.promised.values().any(|(next, _)| now > *next + GRACE)
    }

    /// No case that a client was told of is silent past its promise. `since`: nothing has been in the way so long.
    pub fn nobody_waits(&self, since: Timestamp, now: Timestamp, is_waiting: impl Fn(i64, &str) -> bool) {
        for ((case_key, client), (next, said)) in &self.promised {
            if *said >= since && now > *next + GRACE && is_waiting(*case_key, client) {
                let words: Vec<_> =
                    self.words.values().flatten().map(|word| (word.at, &word.contact, word.until)).collect();
                panic!("case {case_key}: {client} was promised a word by {next}, at {said}; it is {now}: {words:#?}");
            }
        }
    }

    /// At rest: whoever was told that it is open was told last that it is over, and has every update told so far.
    pub fn is_complete(&self, thread: &Thread, told: &[(String, i64)]) {
        let Some(words) = self.words.get(&(thread.case_key, thread.contact_key)) else { return };
        let last = words.iter().rfind(|word| !word.is_afterwards).expect("a first word is no afterthought");
        assert!(last.closes, "never heard the end: {words:#?}");
        let has: BTreeSet<&str> = words.iter().flat_map(|w| &w.notice.case.updates).map(|u| u.id.as_str()).collect();
        // What the client was told through another contact is told.
        let may_lack = words.iter().any(Word::has_a_fallback);
        for (id, sequence) in told.iter().filter(|_| !may_lack) {
            assert!(*sequence > thread.told || has.contains(id.as_str()), "{id} was never told: {words:#?}");
        }
    }
}

impl Word {
    /// Where there is a fallback, a contact lacks what its client was told through the other.
    fn has_a_fallback(&self) -> bool {
        self.contact.ends_with("@c3.example")
    }

    /// Planned as open, sent when the end was known and not planned yet: the next word follows at once.
    fn is_race(&self) -> bool {
        self.notice.reason != Kind::Due
    }
}

/// The last word fits those before it.
fn follows(words: &[Word]) {
    let (last, before) = words.split_last().expect("a word");
    assert!(before.last().is_none_or(|word| word.until < last.until), "out of order: {words:#?}");
    let known: BTreeSet<&str> = before.iter().flat_map(|w| &w.notice.case.updates).map(|u| u.id.as_str()).collect();
    for update in &last.notice.case.updates {
        let is_known = known.contains(update.id.as_str());
        assert!(
            last.notice.is_brief || last.has_a_fallback() || is_known == update.replaces.is_some(),
            "{} twice, or never: {words:#?}",
            update.id
        );
    }
    if last.closes {
        let since = before.iter().rposition(|word| word.closes).map(|end| &before[end + 1..]);
        let reopened = last.notice.changes.contains(&Kind::Reopened) || last.notice.is_brief;
        let is_first = since.is_none_or(|since| since.iter().any(|word| !word.is_afterwards));
        // That it was back may have been told through the other contact of the client.
        assert!(is_first || reopened || last.has_a_fallback(), "two ends: {words:#?}");
    }
}
