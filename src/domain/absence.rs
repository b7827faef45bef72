//! What follows when a source that lists its incidents no longer lists one of them.
//!
//! How a source's incidents end is a property of its kind: where the end is *stated*, gone from a list is not the end;
//! where it is not, *vanishing* is. Deliberately absent: which kind ends how, and the asking for the incident's own
//! page.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::case::{Case, CaseState, ChangeFacts, SourceSaid, Story, Timers};
use super::faults::{Fault, is_planted};
use super::incident::Phase;
use super::news::{News, Urgency, join};
use super::notice::Kind;
use super::observe::Step;
use super::pace::PaceSettings;

/// Two good reads at least that far apart have to miss it.
const APART: SignedDuration = SignedDuration::from_mins(10);

/// How incidents of a source end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The source says so.
    Stated,
    /// The source lists what is open, and nothing else.
    Vanishing,
}

/// Of a source whose incidents vanish two good reads at least that far apart have to miss it.
const VANISHED: SignedDuration = SignedDuration::from_mins(2);

/// What a good read that shows the incident nowhere was made with.
#[derive(Debug, Clone, Copy)]
pub struct Miss<'a> {
    pub ends: Ends,
    pub own_page: OwnPage,
    /// The last good read before this one.
    pub last_good_at: Option<Timestamp>,
    pub pace: &'a PaceSettings,
    pub now: Timestamp,
}

/// What the incident's own page says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnPage {
    /// 404 or 410.
    Gone,
    There,
    /// It has none, as far as we know.
    None,
    /// Not asked, or no answer.
    Unknown,
}

/// Whether enough good reads have missed it that its own page is worth asking for.
pub fn is_worth_asking(story: &Story, now: Timestamp) -> bool {
    story.case.state == CaseState::Open
        && story.case.facts.missed_reads.first().is_some_and(|first| now.duration_since(*first) >= APART)
}

/// The case when a good read lists it that an earlier one missed; `None` when none had.
pub fn listed_again(story: &Story) -> Option<Case> {
    if story.case.facts.missed_reads.is_empty() {
        return None;
    }
    let mut case = story.case.clone();
    case.facts.missed_reads.clear();
    Some(case)
}

/// A good read that shows the incident nowhere. Only what the source has listed can be gone from its lists: a person or
/// a webhook may be ahead of it, or speak of what it never lists.
pub fn missed(story: &Story, miss: &Miss<'_>) -> Option<Step> {
    if story.case.state != CaseState::Open || !story.is_listed() {
        return None;
    }
    let gone_is_over = is_planted(Fault::GoneIsOver);
    let Some(first) = story.case.facts.missed_reads.first().copied().or(gone_is_over.then_some(miss.now)) else {
        let mut case = story.case.clone();
        case.facts.missed_reads.push(miss.now);
        case.facts.last_listed_at = miss.last_good_at;
        return Some(Step { case, updates: Vec::new(), change: None, remarks: Vec::new() });
    };
    match miss.ends {
        Ends::Stated => {
            let is_gone = match miss.own_page {
                OwnPage::Gone | OwnPage::None => is_worth_asking(story, miss.now),
                OwnPage::There | OwnPage::Unknown => false,
            };
            (is_gone || gone_is_over).then(|| withdrawn(story, miss))
        }
        Ends::Vanishing => (miss.now.duration_since(first) >= VANISHED || gone_is_over).then(|| vanished(story, miss)),
    }
}

fn withdrawn(story: &Story, miss: &Miss<'_>) -> Step {
    let (phase, kind) = match story.case.facts.phase.is_maintenance() {
        true => (Phase::Cancelled, Kind::Cancelled),
        false => (Phase::Resolved, Kind::Withdrawn),
    };
    let why = "no list of the source shows it any more, nor has it a page";
    let mut case = story.case.clone();
    case.facts.phase_last_said = (kind == Kind::Withdrawn).then_some(case.facts.phase);
    case.facts.resolved_at = case.facts.missed_reads.first().copied();
    ended(story, case, (phase, kind), why, miss)
}

/// Over when it was last seen; nobody has said so.
fn vanished(story: &Story, miss: &Miss<'_>) -> Step {
    let (phase, kind) = match story.case.facts.phase {
        Phase::Scheduled => (Phase::Cancelled, Kind::Cancelled),
        Phase::InProgress | Phase::Verifying => (Phase::Completed, Kind::Completed),
        Phase::Investigating
        | Phase::Identified
        | Phase::Monitoring
        | Phase::Resolved
        | Phase::Postmortem
        | Phase::Completed
        | Phase::Cancelled => (Phase::Resolved, Kind::Resolved),
    };
    let mut case = story.case.clone();
    case.facts.resolved_at = case.facts.last_listed_at.or(case.facts.missed_reads.first().copied());
    ended(story, case, (phase, kind), "the source lists it no longer, which is how its incidents end", miss)
}

fn ended(story: &Story, mut case: Case, (phase, kind): (Phase, Kind), why: &str, miss: &Miss<'_>) -> Step {
    let last_listed = case.facts.last_listed_at.or(case.facts.missed_reads.first().copied());
    // Nobody has written that it is over, or that planned work does not take place.
    let last_seen = last_listed.filter(|_| miss.ends == Ends::Vanishing || kind == Kind::Cancelled);
    case.state = CaseState::Ended;
    case.ended_at = Some(miss.now);
    case.facts.phase = phase;
    // Listed again, whatever it says is new.
    case.facts.source_said = Some(SourceSaid::default());
    case.facts.missed_reads.clear();
    case.timers = Timers { last_quiet_at: case.timers.last_quiet_at, ..Timers::default() };
    let facts = ChangeFacts { last_seen_at: last_seen, ..ChangeFacts::of(&case.facts) };
    let news = News { kinds: BTreeSet::from([kind]), facts, why: why.to_owned(), urgency: Urgency::ByKind };
    let change = join(&mut case, story.waiting(), news, miss.pace, miss.now);
    Step { case, updates: Vec::new(), change: Some(change), remarks: Vec::new() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::case::Update;
    use crate::domain::fixtures::{at, change, story, update};
    use crate::domain::incident::Origin;
    use crate::domain::pace::Corrections;

    const PACE: PaceSettings = PaceSettings {
        settle: Duration::from_secs(60),
        apart: Duration::from_secs(1800),
        max_age: Duration::from_secs(86_400),
        corrections: Corrections::Open,
    };

    fn listed() -> Story {
        let mut story = story();
        story.updates = vec![Update { origin: Origin::Polled, ..update(1, Some(1), "It fails.") }];
        story.case.facts.source_said = Some(SourceSaid::default());
        story
    }

    fn miss(own_page: OwnPage, minute: i64) -> Miss<'static> {
        Miss { ends: Ends::Stated, own_page, last_good_at: Some(at(minute - 1)), pace: &PACE, now: at(minute) }
    }

    fn missed_since(minute: i64) -> Story {
        let mut story = listed();
        story.case.facts.missed_reads = vec![at(minute)];
        story
    }

    #[test]
    fn what_is_listed_again_begins_anew() {
        let story = missed_since(60);
        let case = listed_again(&story).expect("it had been missed");
        assert!(!is_worth_asking(&Story { case, ..story }, at(600)));
        assert_eq!(listed_again(&listed()), None, "nothing to write");
    }

    #[test]
    fn the_first_read_that_misses_it_is_only_remembered() {
        for own_page in [OwnPage::Gone, OwnPage::There, OwnPage::None, OwnPage::Unknown] {
            let step = missed(&listed(), &miss(own_page, 60)).expect("it is remembered");
            assert_eq!((step.case.state, step.case.facts.missed_reads), (CaseState::Open, vec![at(60)]));
            assert_eq!((step.change, step.remarks.len()), (None, 0));
        }
    }

    #[test]
    fn it_is_withdrawn_when_two_reads_ten_minutes_apart_miss_it_and_its_page_is_gone() {
        let check = |own_page: OwnPage, minutes: i64, expected: bool| {
            let story = missed_since(60);
            assert_eq!(is_worth_asking(&story, at(60 + minutes)), minutes >= 10);
            let step = missed(&story, &miss(own_page, 60 + minutes));
            assert_eq!(step.is_some(), expected, "{own_page:?} after {minutes} min");
        };
        check(OwnPage::Gone, 9, false);
        check(OwnPage::Gone, 10, true);
        check(OwnPage::None, 10, true);
        check(OwnPage::There, 600, false);
        check(OwnPage::Unknown, 600, false);
    }

    #[test]
    fn a_withdrawn_incident_is_over_and_a_withdrawn_window_is_cancelled() {
        let check = |before: Phase, after: Phase, kind: Kind| {
            let mut story = missed_since(60);
            story.case.facts.phase = before;
            story.case.timers.unaffected_at = Some(at(75));
            let step = missed(&story, &miss(OwnPage::Gone, 72)).expect("withdrawn");
            let change = step.change.expect("news");
            assert_eq!((step.case.facts.phase, change.facts.phase, change.kinds), (after, after, vec![kind]));
            assert_eq!((step.case.state, step.case.ended_at), (CaseState::Ended, Some(at(72))));
            assert_eq!(step.case.facts.resolved_at, Some(at(60)));
            assert_eq!((change.due_at, change.facts.phase_before), (at(72), None), "the source did not say so");
            assert_eq!(step.case.timers, Timers::default(), "nothing more is promised of it");
        };
        check(Phase::Investigating, Phase::Resolved, Kind::Withdrawn);
        check(Phase::Monitoring, Phase::Resolved, Kind::Withdrawn);
        check(Phase::Scheduled, Phase::Cancelled, Kind::Cancelled);
        check(Phase::InProgress, Phase::Cancelled, Kind::Cancelled);
    }

    #[test]
    fn what_waited_goes_along_and_what_is_over_is_not_looked_for() {
        let mut story = missed_since(60);
        story.changes = vec![change(1, &[Kind::Updated])];
        let step = missed(&story, &miss(OwnPage::Gone, 72)).expect("withdrawn");
        let change = step.change.expect("news");
        assert_eq!((change.sequence, change.kinds), (1, vec![Kind::Withdrawn, Kind::Updated]));
        for state in [CaseState::Ended, CaseState::Closed, CaseState::Archived] {
            story.case.state = state;
            assert!(missed(&story, &miss(OwnPage::Gone, 72)).is_none(), "{state:?}");
            assert!(!is_worth_asking(&story, at(72)), "{state:?}");
        }
    }

    #[test]
    fn where_incidents_end_by_vanishing_two_reads_two_minutes_apart_are_the_end_when_it_was_last_seen() {
        let check = |before: Phase, minutes: i64, expected: Option<(Phase, Kind)>| {
            let mut story = listed();
            story.case.facts.phase = before;
            let first = missed(&story, &Miss { ends: Ends::Vanishing, ..miss(OwnPage::None, 60) }).expect("remembered");
            assert_eq!((first.case.state, first.change), (CaseState::Open, None));
            story.case = first.case;
            let step = missed(&story, &Miss { ends: Ends::Vanishing, ..miss(OwnPage::Unknown, 60 + minutes) });
            let found = step.as_ref().and_then(|step| Some((step.case.facts.phase, step.change.as_ref()?.kinds[0])));
            assert_eq!(found, expected, "{before:?} after {minutes} min");
            if let Some(step) = step {
                assert_eq!(step.case.facts.resolved_at, Some(at(59)), "the last read that listed it");
                assert_eq!(step.change.and_then(|change| change.facts.last_seen_at), Some(at(59)));
            }
        };
        check(Phase::Identified, 1, None);
        check(Phase::Identified, 2, Some((Phase::Resolved, Kind::Resolved)));
        check(Phase::InProgress, 2, Some((Phase::Completed, Kind::Completed)));
        check(Phase::Scheduled, 2, Some((Phase::Cancelled, Kind::Cancelled)));
    }
}
