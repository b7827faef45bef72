//! Whole lives of a case, at random: what holds whatever the source says and whichever attempt succeeds.
//!
//! The rows behave here as the store keeps them: `wanted` only rises, and a claim fixes what is being sent.

use proptest::prelude::*;

use super::{Known, Planning, Raise};
use crate::domain::case::{CaseState, Change, Scope, Story};
use crate::domain::client::{Client, Contact};
use crate::domain::delivery::{self, Asks, Attempt, Cause, Outcome, Policy, Settled};
use crate::domain::fixtures::{at, catalog, change, client, contact, entry, story, told};
use crate::domain::incident::{Impact, Need, Phase};
use crate::domain::notice::{Affected, Kind, Voice};
use crate::domain::playbook::Entry;
use crate::domain::telling::Telling;
use crate::domain::thread::{Standing, Thread, Variant};

#[derive(Debug, Clone)]
enum Event {
    Says(Kind),
    Impact(Impact),
    /// The source lists these now; which of them is the index of a list below.
    Names(usize),
    StaysRemoved,
    Promise,
    End(Kind),
    Reopen,
    Afterwards,
    /// An attempt on one contact begins.
    Claim(usize),
    /// It comes back.
    Settle(usize, Answer),
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Accepted,
    Later,
    Lost,
    Held,
}

const NAMES: [&[&str]; 4] = [&["Payments API"], &["Search"], &["Payments API", "Search"], &["Payments EU"]];

/// One contact with its row, the attempt under way, and what it was sent.
struct Reader {
    client: usize,
    contact: Contact,
    thread: Option<Thread>,
    claimed: Option<Thread>,
    /// The changes by which it was to hear that the case is open.
    opened_by: Vec<i64>,
    sent: Vec<Word>,
}

/// One accepted notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Word {
    episode: i64,
    until: i64,
    says: Says,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Open,
    Over,
    Afterwards,
}

struct Life {
    story: Story,
    clients: Vec<Client>,
    playbook: Vec<Entry>,
    readers: Vec<Reader>,
    variants: Vec<Variant>,
}

impl Life {
    fn new(scope: Scope) -> Life {
        let mut story = story();
        story.case.facts.scope = scope;
        if scope == Scope::Everyone {
            story.case.facts.components.clear();
        }
        let priorities: [&[&str]; 5] = [&["payments", "search"], &["search"], &["checkout"], &["*"], &["payments-eu"]];
        let clients: Vec<Client> = (0..)
            .zip(priorities)
            .map(|(number, priorities)| Client {
                id: format!("client-{number}"),
                min_impact: if number == 1 { Impact::Major } else { Impact::None },
                ..client(priorities)
            })
            .collect();
        let reader = |client: usize, fallback: bool| Reader {
            client,
            contact: Contact { fallback, ..contact() },
            thread: None,
            claimed: None,
            opened_by: vec![],
            sent: vec![],
        };
        let readers = (0..clients.len()).flat_map(|client| [reader(client, false), reader(client, true)]).collect();
        Life { story, clients, playbook: vec![entry("pause", Need::Required)], readers, variants: vec![] }
    }

    fn happens(&mut self, event: &Event) {
        let is_open = self.story.case.state == CaseState::Open;
        let facts = &mut self.story.case.facts;
        match event {
            Event::Says(kind) if is_open => self.plan(&[*kind]),
            Event::Impact(impact) if is_open => {
                let kind = if Some(*impact) > facts.impact { Kind::Worse } else { Kind::Better };
                facts.impact = Some(*impact);
                self.plan(&[kind]);
            }
            Event::Names(which) if is_open => {
                facts.components = NAMES[*which].iter().map(|name| (*name).to_owned()).collect();
                facts.scope = Scope::Named;
                self.story.case.timers.unaffected_at = Some(at(10));
                self.plan(&[Kind::Wider, Kind::Narrower]);
            }
            Event::StaysRemoved if self.story.case.timers.unaffected_at.take().is_some() => {
                self.plan(&[Kind::Unaffected])
            }
            Event::Promise if is_open => self.plan(&[Kind::Due]),
            Event::End(kind) if is_open => self.end(*kind),
            Event::Reopen if !is_open => {
                facts.phase = Phase::Investigating;
                self.story.case.state = CaseState::Open;
                self.plan(&[Kind::Reopened]);
            }
            Event::Afterwards if !is_open => self.plan(&[Kind::Postmortem]),
            Event::Claim(reader) => self.claim(*reader),
            Event::Settle(reader, answer) => self.settle(*reader, *answer),
            Event::Says(_)
            | Event::Impact(_)
            | Event::Names(_)
            | Event::StaysRemoved
            | Event::Promise
            | Event::End(_)
            | Event::Reopen
            | Event::Afterwards => {}
        }
    }

    fn end(&mut self, kind: Kind) {
        self.story.case.facts.phase = Phase::Resolved;
        self.story.case.state = CaseState::Ended;
        self.story.case.timers.unaffected_at = None;
        self.plan(&[kind]);
    }

    fn plan(&mut self, kinds: &[Kind]) {
        self.story.case.sequence += 1;
        let change = change(self.story.case.sequence, kinds);
        self.story.changes.push(change.clone());
        let raises = self.raises(&change);
        assert_eq!(raises, self.raises(&change), "planning is a function of what it is given");
        self.apply(&change, raises);
        let before: Vec<_> = self.readers.iter().map(|reader| reader.thread.clone()).collect();
        let again = self.raises(&change);
        self.apply(&change, again);
        let after: Vec<_> = self.readers.iter().map(|reader| reader.thread.clone()).collect();
        assert_eq!(before, after, "planning twice changes nothing");
    }

    fn raises(&self, change: &Change) -> Vec<Raise> {
        let catalog = catalog();
        let planning = Planning::new(&self.story, change, &catalog, &self.playbook, "en", at(20));
        (0..self.clients.len())
            .flat_map(|client| {
                let known: Vec<Known<'_>> = (0..)
                    .zip(&self.readers)
                    .filter(|(_, reader)| reader.client == client)
                    .map(|(key, reader)| Known {
                        contact_key: key,
                        contact: &reader.contact,
                        thread: reader.thread.as_ref(),
                        variant: reader.thread.as_ref().map(|thread| &self.variants[index(thread.variant)]),
                    })
                    .collect();
                planning.client(&self.clients[client], &known)
            })
            .collect()
    }

    fn apply(&mut self, change: &Change, raises: Vec<Raise>) {
        for raise in raises {
            let variant = self.variant(raise.variant);
            let reader = &mut self.readers[index(raise.contact_key)];
            let mut thread = reader.thread.take().unwrap_or(Thread { contact_key: raise.contact_key, ..told(0) });
            if thread.wanted < change.sequence {
                (thread.wanted, thread.variant, thread.standing) = (change.sequence, variant, raise.standing);
                if raise.begins_episode {
                    thread.episode += 1;
                    (thread.notices, thread.asked) = (0, vec![]);
                }
                thread.since = thread.since.or(Some(at(20)));
                thread.due_at = thread.due_at.or(Some(raise.due_at));
                if raise.standing == Standing::In {
                    reader.opened_by.push(change.sequence);
                }
            }
            reader.thread = Some(thread);
        }
    }

    fn variant(&mut self, variant: Variant) -> i64 {
        let known = self.variants.iter().position(|known| *known == variant);
        let position = known.unwrap_or_else(|| {
            self.variants.push(variant);
            self.variants.len() - 1
        });
        i64::try_from(position).expect("few variants")
    }

    fn claim(&mut self, reader: usize) {
        let reader = &mut self.readers[reader];
        if reader.claimed.is_none() {
            reader.claimed = reader.thread.clone().filter(Thread::has_unsent);
        }
    }

    fn settle(&mut self, reader: usize, answer: Answer) {
        let reader = &mut self.readers[reader];
        let (Some(claimed), Some(now)) = (reader.claimed.take(), reader.thread.clone()) else { return };
        let cause = Cause::new("data", Some(451), "later");
        let outcome = match answer {
            Answer::Accepted => Outcome::Delivered { receipt: "250 ok".into() },
            Answer::Later => Outcome::Deferred { cause, retry_after: None },
            Answer::Lost => Outcome::Uncertain { cause },
            Answer::Held => Outcome::AccountHeld { cause },
        };
        let policy = Policy { retry: vec![], give_up: std::time::Duration::from_secs(3600) };
        let attempt =
            Attempt { thread: &claimed, until: claimed.wanted, asks: Asks::Something, key: "key", outcome: &outcome };
        let after = delivery::after(&attempt, &policy, at(21));
        if let Some(Settled::Delivered { .. }) = after.settled {
            let says = says(&self.story, &claimed, &self.variants);
            reader.sent.push(Word { episode: after.thread.episode, until: claimed.wanted, says });
        }
        let mut thread = after.thread;
        if now.wanted > claimed.wanted {
            (thread.wanted, thread.variant, thread.standing) = (now.wanted, now.variant, now.standing);
            if now.episode > thread.episode {
                (thread.episode, thread.notices, thread.asked) = (now.episode, 0, vec![]);
            }
            thread.since = thread.since.or(now.since);
            thread.due_at = thread.due_at.or(now.due_at);
        }
        reader.thread = Some(thread);
    }

    /// Everything waiting is accepted.
    fn all_is_well(&mut self) {
        for reader in 0..self.readers.len() {
            for _ in 0..3 {
                self.claim(reader);
                self.settle(reader, Answer::Accepted);
            }
        }
    }

    fn holds(&self) -> Result<(), TestCaseError> {
        for (number, reader) in self.readers.iter().enumerate() {
            let Some(thread) = &reader.thread else { continue };
            prop_assert!(thread.told <= thread.wanted, "reader {number}: {thread:?}");
            let ends: Vec<&Word> = reader.sent.iter().filter(|word| word.says == Says::Over).collect();
            for pair in ends.windows(2) {
                // It was to be open again for this contact, even if the second end has overtaken that word.
                let between = |sequence: &i64| (pair[0].until + 1..=pair[1].until).contains(sequence);
                prop_assert!(reader.opened_by.iter().any(between), "reader {number} heard two ends: {:?}", reader.sent);
            }
            prop_assert!(
                reader.sent.is_sorted_by(|a, b| a.until < b.until && a.episode <= b.episode),
                "{:?}",
                reader.sent
            );
            prop_assert!(thread.told == 0 || !reader.sent.is_empty(), "reader {number}: told means accepted");
        }
        Ok(())
    }

    fn ends_well(&self) -> Result<(), TestCaseError> {
        for (number, reader) in self.readers.iter().enumerate() {
            let Some(thread) = &reader.thread else { continue };
            prop_assert!(!thread.has_unsent(), "reader {number}: {thread:?}");
            prop_assert!(!thread.owed, "reader {} is owed the end: {:?}", number, reader.sent);
            let last = reader.sent.iter().rfind(|word| word.says != Says::Afterwards);
            prop_assert!(
                last.is_none_or(|word| word.says == Says::Over),
                "reader {} never heard the end: {:?}",
                number,
                reader.sent
            );
            let again = |pair: &[&Word]| {
                pair[0].says == Says::Over && pair[1].says == Says::Open && pair[0].episode == pair[1].episode
            };
            let words: Vec<&Word> = reader.sent.iter().filter(|word| word.says != Says::Afterwards).collect();
            let goes_on = words.windows(2).any(again);
            prop_assert!(!goes_on, "reader {number}: an episode went on after its end: {:?}", reader.sent);
        }
        Ok(())
    }
}

/// What the notice of a claimed thread says.
fn says(story: &Story, claimed: &Thread, variants: &[Variant]) -> Says {
    let notice = Telling {
        story,
        thread: claimed,
        until: claimed.wanted,
        variant: &variants[index(claimed.variant)],
        told_variant: claimed.told_variant.map(|key| &variants[index(key)]),
        asked: &[],
        catalog: &catalog(),
        voice: &Voice::Ours(None),
        next_word: None,
        promises: None,
        now: at(21),
    }
    .notice();
    match claimed.standing {
        Standing::In => Says::Open,
        Standing::Out if notice.changes.iter().any(|kind| kind.is_closing()) => Says::Over,
        Standing::Out => Says::Afterwards,
    }
}

fn index(key: i64) -> usize {
    usize::try_from(key).expect("keys count from 0 here")
}

fn event() -> impl Strategy<Value = Event> {
    let reader = 0..10_usize;
    let said = [Kind::Updated, Kind::Phase, Kind::Back, Kind::Corrected, Kind::Wider];
    let ended = [Kind::Resolved, Kind::Withdrawn, Kind::Cancelled];
    let answer =
        prop::sample::select(vec![Answer::Accepted, Answer::Accepted, Answer::Later, Answer::Lost, Answer::Held]);
    prop_oneof![
        3 => prop::sample::select(said.to_vec()).prop_map(Event::Says),
        1 => prop::sample::select(Impact::ALL.to_vec()).prop_map(Event::Impact),
        2 => (0..NAMES.len()).prop_map(Event::Names),
        2 => Just(Event::StaysRemoved),
        1 => Just(Event::Promise),
        2 => prop::sample::select(ended.to_vec()).prop_map(Event::End),
        2 => Just(Event::Reopen),
        1 => Just(Event::Afterwards),
        8 => reader.clone().prop_map(Event::Claim),
        8 => (reader, answer).prop_map(|(reader, answer)| Event::Settle(reader, answer)),
    ]
}

proptest! {
    #[test]
    fn whoever_was_told_that_it_is_open_is_told_once_that_it_is_over(
        is_scoped: bool,
        events in prop::collection::vec(event(), 0..60),
    ) {
        let mut life = Life::new(if is_scoped { Scope::Named } else { Scope::Everyone });
        life.plan(&[Kind::Opened]);
        for event in &events {
            life.happens(event);
            life.holds()?;
        }
        if life.story.case.state == CaseState::Open {
            life.end(Kind::Resolved);
        }
        life.all_is_well();
        life.holds()?;
        life.ends_well()?;
    }

    #[test]
    fn without_an_attempt_under_way_the_possibly_affected_hear_at_most_three_words_an_episode(
        events in prop::collection::vec(event(), 0..60),
    ) {
        let mut life = Life::new(Scope::Everyone);
        life.plan(&[Kind::Opened]);
        for event in events.iter().filter(|event| !matches!(event, Event::Names(_) | Event::Claim(_) | Event::Settle(..))) {
            life.happens(event);
            life.all_is_well();
        }
        for reader in &life.readers {
            let Some(thread) = &reader.thread else { continue };
            prop_assert_eq!(life.variants[index(thread.variant)].affected, Affected::Possibly);
            for episode in 1..=thread.episode {
                // What comes after the end is told to all who were told.
                let words: Vec<_> = reader.sent.iter().filter(|word| word.episode == episode).collect();
                let until_the_end = words.iter().position(|word| word.says == Says::Over).map_or(words.len(), |end| end + 1);
                prop_assert!(until_the_end <= 3, "{words:?}");
            }
            prop_assert!(thread.standing == Standing::In || !thread.owed);
        }
    }
}
