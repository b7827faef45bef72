//! What follows when a source that lists its incidents no longer lists one of them.
//!
//! For sources whose incidents end by being *stated* to end: gone from a list is not the end. Deliberately
//! absent: sources that end by vanishing, and the asking for the incident's own page.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::case::{Case, CaseState, ChangeFacts, SourceSaid, Story, Timers};
use super::incident::Phase;
use super::news::{News, Urgency, join};
use super::notice::Kind;
use super::observe::Step;
use super::pace::PaceSettings;

/// Two good reads at least that far apart have to miss it.
const APART: SignedDuration = SignedDuration::from_mins(10);

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
pub fn missed(story: &Story, own_page: OwnPage, pace: &PaceSettings, now: Timestamp) -> Option<Step> {
    if story.case.state != CaseState::Open || !story.is_listed() {
        return None;
    }
    let mut case = story.case.clone();
    if case.facts.missed_reads.is_empty() {
        case.facts.missed_reads.push(now);
        return Some(Step { case, updates: Vec::new(), change: None, remarks: Vec::new() });
    }
    let is_withdrawn = match own_page {
        OwnPage::Gone | OwnPage::None => is_worth_asking(story, now),
        OwnPage::There | OwnPage::Unknown => false,
    };
    if !is_withdrawn {
        return None;
    }
    case.state = CaseState::Ended;
    case.ended_at = Some(now);
    let (phase, kind) = match story.case.facts.phase.is_maintenance() {
        true => (Phase::Cancelled, Kind::Cancelled),
        false => (Phase::Resolved, Kind::Withdrawn),
    };
    case.facts.phase_last_said = (kind == Kind::Withdrawn).then_some(case.facts.phase);
    case.facts.phase = phase;
    // Listed again, whatever it says is new.
    case.facts.source_said = Some(SourceSaid::default());
    case.facts.resolved_at = Some(case.facts.missed_reads.first().copied().unwrap_or(now));
    case.facts.missed_reads.clear();
    case.timers = Timers { last_quiet_at: case.timers.last_quiet_at, ..Timers::default() };
    let facts = ChangeFacts::of(&case.facts);
    let news = News {
        kinds: BTreeSet::from([kind]),
        facts,
        why: "no list of the source shows it any more, nor has it a page".to_owned(),
        urgency: Urgency::ByKind,
    };
    let change = join(&mut case, story.waiting(), news, pace, now);
    Some(Step { case, updates: Vec::new(), change: Some(change), remarks: Vec::new() })
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
            let step = missed(&listed(), own_page, &PACE, at(60)).expect("it is remembered");
            assert_eq!((step.case.state, step.case.facts.missed_reads), (CaseState::Open, vec![at(60)]));
            assert_eq!((step.change, step.remarks.len()), (None, 0));
        }
    }

    #[test]
    fn it_is_withdrawn_when_two_reads_ten_minutes_apart_miss_it_and_its_page_is_gone() {
        let check = |own_page: OwnPage, minutes: i64, expected: bool| {
            let story = missed_since(60);
            assert_eq!(is_worth_asking(&story, at(60 + minutes)), minutes >= 10);
            let step = missed(&story, own_page, &PACE, at(60 + minutes));
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
            let step = missed(&story, OwnPage::Gone, &PACE, at(72)).expect("withdrawn");
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
        let step = missed(&story, OwnPage::Gone, &PACE, at(72)).expect("withdrawn");
        let change = step.change.expect("news");
        assert_eq!((change.sequence, change.kinds), (1, vec![Kind::Withdrawn, Kind::Updated]));
        for state in [CaseState::Ended, CaseState::Closed, CaseState::Archived] {
            story.case.state = state;
            assert!(missed(&story, OwnPage::Gone, &PACE, at(72)).is_none(), "{state:?}");
            assert!(!is_worth_asking(&story, at(72)), "{state:?}");
        }
    }
}
