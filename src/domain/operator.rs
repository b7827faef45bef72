//! What our own side is told when something goes wrong, and how often: one message for each thing and hour.
//!
//! An operator's notice goes through the outbox of everybody else: a thing is a case of its own whose only threads are
//! the operator's, and what is said of it is a change. Deliberately absent: noticing that something is wrong (the
//! passes do), and any notice about an operator's notice.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::case::{Case, CaseState, Change, ChangeFacts, Facts, Scope, Story, Timers};
use super::incident::{Impact, Need, Phase};
use super::missed::Missed;
use super::notice::{Affected, Kind};
use super::thread::Variant;

/// The source of an operator's cases: names of feeds and hooks have no white space.
pub const SOURCE: &str = "the operator";
/// The client that the operator's contacts belong to in the book: ids of clients have no white space.
pub const CLIENT: &str = "the operator";

/// One message for each thing in that time.
const APART: SignedDuration = SignedDuration::from_hours(1);
/// More lines of one message are counted only.
const MOST_LINES: usize = 50;

/// What is told of together. Where it concerns one case, feed or account, that is part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    /// Clients are being told of a case.
    CaseOpened {
        reference: String,
    },
    /// A case names nobody whom it concerns.
    Unscoped {
        reference: String,
    },
    /// A promised word is due soon.
    WordDue {
        reference: String,
    },
    PromiseBroken {
        reference: String,
    },
    /// Another source has ended a case that the one that leads goes on with.
    FollowerEnded {
        reference: String,
    },
    /// Clients none of whose contacts has accepted.
    NotReached {
        reference: String,
    },
    /// Deliveries that were given up or refused for good.
    NotDelivered {
        reference: String,
    },
    FeedLost {
        feed: String,
    },
    FeedOdd {
        feed: String,
    },
    /// Names of components that match nothing of ours.
    Unmapped {
        feed: String,
    },
    /// Incidents that were open when a feed was first read.
    FoundOpen {
        feed: String,
    },
    AccountHeld {
        channel: String,
    },
    ContactGone,
    Template,
    /// Clients that left the files although they were told of something that is not over.
    ClientsRemoved,
    /// A reload that would have removed many clients was refused.
    ReloadRefused,
    /// The state was gone, and a new one was begun.
    StateLost,
    /// Cases of a feed that is no longer in the configuration.
    FeedRemoved {
        feed: String,
    },
}

impl Thing {
    /// The words of the subject, without the case.
    pub fn title(&self) -> String {
        match self {
            Thing::CaseOpened { reference } => format!("Clients are told of {reference}"),
            Thing::Unscoped { reference } => format!("Whom does {reference} concern?"),
            Thing::WordDue { reference } => format!("A word about {reference} is due in a few minutes"),
            Thing::PromiseBroken { reference } => format!("A promised word about {reference} did not come"),
            Thing::FollowerEnded { reference } => format!("Is {reference} over? Two sources differ"),
            Thing::NotReached { reference } => format!("Clients who have not been reached about {reference}"),
            Thing::NotDelivered { reference } => format!("Not delivered in {reference}"),
            Thing::FeedLost { feed } => format!("The feed {feed} cannot be read"),
            Thing::FeedOdd { feed } => format!("The feed {feed} says odd things"),
            Thing::Unmapped { feed } => format!("The feed {feed} names components that match nothing"),
            Thing::FoundOpen { feed } => format!("The feed {feed} was first read, and incidents are open"),
            Thing::AccountHeld { channel } => {
                format!("Nothing is sent by {channel}: our account is refused, or its server does not answer")
            }
            Thing::ContactGone => "A contact answered that it is gone".to_owned(),
            Thing::Template => "A template of ours failed".to_owned(),
            Thing::ClientsRemoved => "Clients were removed while they follow a case".to_owned(),
            Thing::ReloadRefused => "A reload was refused: it would have removed many clients".to_owned(),
            Thing::StateLost => "The state was lost: candor does not know what clients have been told".to_owned(),
            Thing::FeedRemoved { feed } => format!("The feed {feed} left the configuration with open cases"),
        }
    }

    /// What a person can do now.
    pub fn advice(&self) -> String {
        match self {
            Thing::CaseOpened { reference } => {
                format!("All of it: candor case {reference}. To end our following: candor case {reference} --close")
            }
            Thing::Unscoped { reference } => format!(
                "Say it: candor case {reference} --components NAME,… or --everyone or --nobody. Until then nobody is told."
            ),
            Thing::FollowerEnded { reference } => format!(
                "One of its sources said half an hour ago that it is over, the one that leads goes on. To end it: candor case \
                 {reference} --close"
            ),
            Thing::WordDue { reference } | Thing::PromiseBroken { reference } => {
                format!("All of it: candor case {reference}")
            }
            Thing::NotReached { reference } | Thing::NotDelivered { reference } => {
                format!("All of it: candor deliveries --case {reference}; put back what failed: candor retry ID…")
            }
            Thing::FeedLost { .. } => {
                "What is open stays open, and clients are told that we have lost sight of it.".to_owned()
            }
            Thing::FeedOdd { .. } => "The rest of what it says counts.".to_owned(),
            Thing::Unmapped { .. } => {
                "Add them to `matches` of a [[component]], or to `ignore` of the feed.".to_owned()
            }
            Thing::FoundOpen { .. } => {
                "Nobody is told of them until their next change. To tell now: candor case REF --announce".to_owned()
            }
            Thing::AccountHeld { .. } => {
                "It is tried again at least every 5 minutes, and at a reload. What waits: candor deliveries".to_owned()
            }
            Thing::ContactGone => "It stays off until the client files name another address.".to_owned(),
            Thing::Template => "Clients get the built-in one. To see the fault: candor check".to_owned(),
            Thing::ClientsRemoved => "They hear no more of it, not even the end.".to_owned(),
            Thing::ReloadRefused => "If it is meant, start candor anew; until then the clients are those of before.".to_owned(),
            Thing::StateLost => {
                "What is open was found anew, and is told with its next change, in the same threads. To tell it now: candor \
                 case REF --announce"
                    .to_owned()
            }
            Thing::FeedRemoved { .. } => {
                "Their clients go on hearing that nothing is new. To end a case: candor case REF --close; a feed that \
                 was renamed adopts them with was = \"OLD NAME\""
                    .to_owned()
            }
        }
    }

    /// Whether something goes wrong, as against what the operator is told because it is so.
    pub fn is_trouble(&self) -> bool {
        !matches!(self, Thing::CaseOpened { .. } | Thing::WordDue { .. })
    }

    /// The word of its kind, for a metric.
    pub fn word(&self) -> &'static str {
        self.kind().0
    }

    fn kind(&self) -> (&'static str, &str) {
        match self {
            Thing::CaseOpened { reference } => ("case_opened", reference),
            Thing::Unscoped { reference } => ("unscoped", reference),
            Thing::WordDue { reference } => ("word_due", reference),
            Thing::PromiseBroken { reference } => ("promise_broken", reference),
            Thing::FollowerEnded { reference } => ("follower_ended", reference),
            Thing::NotReached { reference } => ("not_reached", reference),
            Thing::NotDelivered { reference } => ("not_delivered", reference),
            Thing::FeedLost { feed } => ("feed_lost", feed),
            Thing::FeedOdd { feed } => ("feed_odd", feed),
            Thing::Unmapped { feed } => ("unmapped", feed),
            Thing::FoundOpen { feed } => ("found_open", feed),
            Thing::AccountHeld { channel } => ("account_held", channel),
            Thing::ContactGone => ("contact_gone", ""),
            Thing::Template => ("template", ""),
            Thing::ClientsRemoved => ("clients_removed", ""),
            Thing::ReloadRefused => ("reload_refused", ""),
            Thing::StateLost => ("state_lost", ""),
            Thing::FeedRemoved { feed } => ("feed_removed", feed),
        }
    }
}

/// The name of the thing, by which its case is found again: `promise_broken K7QM`.
impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, of) = self.kind();
        write!(f, "{kind} {of}")?;
        Ok(())
    }
}

/// Names for a case that is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    pub id: &'a str,
    pub reference: &'a str,
}

/// The case of a thing with the change that says these lines: at once, or an hour after it was told of last.
pub fn note(
    story: Option<&Story>,
    thing: &Thing,
    lines: &[String],
    names: Names<'_>,
    now: Timestamp,
) -> (Case, Change) {
    let mut case = story.map_or_else(|| blank(thing, names, now), |story| story.case.clone());
    case.state = CaseState::Ended;
    case.ended_at = Some(now);
    case.closed_at = None;
    if let Some(waiting) = story.and_then(Story::waiting) {
        let mut said: Vec<String> = lines_of(waiting).map(str::to_owned).collect();
        said.extend(lines.iter().filter(|line| !said.contains(line)).cloned().collect::<Vec<_>>());
        return (case, Change { why: said.join("\n"), ..waiting.clone() });
    }
    let last = story.and_then(|story| story.changes.iter().map(|change| change.due_at).max());
    let due_at = last.map_or(now, |last| now.max(last + APART));
    case.sequence += 1;
    case.facts.last_news_at = now;
    let change = Change {
        sequence: case.sequence,
        episode: case.episode,
        kinds: vec![Kind::Updated],
        made_at: now,
        due_at,
        planned_at: None,
        is_begun: false,
        why: lines.join("\n"),
        facts: change_facts(&case.facts),
    };
    (case, change)
}

/// What a change says, at most so many lines of it; how many more there are.
pub fn said<'a>(changes: impl Iterator<Item = &'a Change>) -> (Vec<&'a str>, usize) {
    let mut lines: Vec<&str> = changes.flat_map(lines_of).collect();
    let more = lines.len().saturating_sub(MOST_LINES);
    lines.truncate(MOST_LINES);
    (lines, more)
}

fn lines_of(change: &Change) -> impl Iterator<Item = &str> {
    change.why.lines()
}

/// A time in a line for the operator, in UTC.
pub fn minute(at: Timestamp) -> String {
    at.strftime("%a %-d %b, %H:%M UTC").to_string()
}

/// A case in one line: its title, phase and impact.
pub fn about(case: &Case) -> String {
    let impact = case.facts.impact.map_or("impact not stated", Impact::as_str);
    format!("\"{}\" ({}, {impact}) of {}", case.facts.title, case.facts.phase.as_str(), case.source)
}

/// What a thread of the operator is to be told: it is over with each message.
pub fn variant() -> Variant {
    Variant {
        affected: Affected::Confirmed,
        concerned: Vec::new(),
        untouched: Vec::new(),
        need: Need::None,
        known: true,
        actions: Vec::new(),
        closing: None,
        missed: Missed::default(),
    }
}

fn blank(thing: &Thing, names: Names<'_>, now: Timestamp) -> Case {
    Case {
        key: 0,
        version: 0,
        id: names.id.to_owned(),
        reference: names.reference.to_owned(),
        source: SOURCE.to_owned(),
        incident: thing.to_string(),
        state: CaseState::Ended,
        episode: 1,
        sequence: 0,
        opened_at: now,
        ended_at: Some(now),
        closed_at: None,
        facts: blank_facts(thing, now),
        timers: Timers::default(),
    }
}

fn blank_facts(thing: &Thing, now: Timestamp) -> Facts {
    Facts {
        title: thing.title(),
        phase: Phase::Investigating,
        phase_unknown: None,
        impact: None,
        components: Vec::new(),
        scope: Scope::Nobody,
        started_at: None,
        resolved_at: None,
        scheduled_for: None,
        scheduled_until: None,
        url: None,
        data_loss: None,
        report_by: None,
        // What a person can do now.
        stand: Some(thing.advice()),
        said_action: None,
        silent_since_first_sight: false,
        revised_at: None,
        last_news_at: now,
        missed_reads: Vec::new(),
        last_listed_at: None,
        asked_at: None,
        source_said: None,
        first_source: None,
        events: Vec::new(),
        closed_by_hand: false,
        phase_last_said: None,
        begun_by_clock: None,
        incident_since: None,
        parts: Vec::new(),
        stale_since: None,
        stale_stamp: None,
    }
}

fn change_facts(facts: &Facts) -> ChangeFacts {
    ChangeFacts { impact: None, ..ChangeFacts::of(facts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn noted(story: Option<&Story>, line: &str, now: i64) -> Story {
        let thing = Thing::FeedLost { feed: "platform".into() };
        let names = Names { id: "0193", reference: "K7QM" };
        let (case, change) = note(story, &thing, &[line.to_owned()], names, at(now));
        let mut changes = story.map(|story| story.changes.clone()).unwrap_or_default();
        changes.retain(|known| known.sequence != change.sequence);
        changes.push(change);
        Story { case, updates: Vec::new(), changes }
    }

    fn planned(mut story: Story, now: i64) -> Story {
        for change in &mut story.changes {
            change.planned_at = change.planned_at.or(Some(at(now)));
        }
        story
    }

    #[test]
    fn a_thing_is_told_of_at_once_and_then_once_an_hour_with_all_that_was_said_meanwhile() {
        let first = planned(noted(None, "one", 0), 0);
        assert_eq!(first.changes[0].due_at, at(0));
        let second = noted(Some(&noted(Some(&noted(Some(&first), "two", 10)), "three", 20)), "two", 30).clone();
        let waits = second.waiting().unwrap();
        assert_eq!((waits.due_at, waits.why.as_str()), (at(60), "two\nthree"), "each line once");
        let third = noted(Some(&planned(second, 60)), "four", 200);
        assert_eq!(third.waiting().unwrap().due_at, at(200), "an hour is long over");
        assert_eq!(third.waiting().unwrap().sequence, 3);
    }

    #[test]
    fn what_is_too_much_for_a_message_is_counted() {
        let long = (0..60).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
        let story = noted(None, &long, 0);
        let (lines, more) = said(story.changes.iter());
        assert_eq!((lines.len(), more), (50, 10));
    }
}
