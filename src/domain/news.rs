//! News on its way into a change row: at most one change of a case waits, and how long.
//!
//! The pace of `semantics.md` §2. Deliberately absent: what is news (`observe.rs`) and who is told.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::case::{Case, Change, ChangeFacts};
use super::faults::{Fault, is_planted};
use super::notice::Kind;
use super::pace::PaceSettings;

/// News on its way into a change row.
#[derive(Debug, Clone)]
pub struct News {
    pub kinds: BTreeSet<Kind>,
    pub facts: ChangeFacts,
    pub why: String,
    pub urgency: Urgency,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// A person wrote it: never waits.
    ByHand,
    ByKind,
}

/// Makes a change of the news, or lets it join the one that waits: at most one change of a case waits, and
/// what is due at once takes along what was waiting.
pub fn join(case: &mut Case, waiting: Option<&Change>, news: News, pace: &PaceSettings, now: Timestamp) -> Change {
    let at_once = news.urgency == Urgency::ByHand || news.kinds.iter().any(|kind| kind.is_at_once());
    let due_at = if at_once { now } else { quiet_due(case, waiting, pace, now) };
    let Some(waiting) = waiting else {
        if !is_planted(Fault::SequenceIsReused) || case.sequence == 0 {
            case.sequence += 1;
        }
        return Change {
            sequence: case.sequence,
            episode: case.episode,
            kinds: news.kinds.into_iter().rev().collect(),
            made_at: now,
            due_at,
            planned_at: None,
            is_begun: false,
            why: news.why,
            facts: news.facts,
        };
    };
    let kinds = joined(&waiting.kinds, news.kinds);
    let mut facts = news.facts;
    facts.phase_before = waiting.facts.phase_before.or(facts.phase_before);
    facts.impact_before = waiting.facts.impact_before.or(facts.impact_before);
    facts.moved_from = waiting.facts.moved_from.or(facts.moved_from);
    if waiting.ends_for_all() && kinds.iter().any(|kind| waiting.kinds.contains(kind) && kind.is_closing()) {
        facts.closed_by_hand_at = facts.closed_by_hand_at.or(waiting.facts.closed_by_hand_at);
        facts.last_seen_at = facts.last_seen_at.or(waiting.facts.last_seen_at);
    }
    facts.added.extend(waiting.facts.added.iter().cloned());
    facts.removed.extend(waiting.facts.removed.iter().cloned());
    Change {
        sequence: waiting.sequence,
        episode: case.episode,
        kinds: kinds.into_iter().rev().collect(),
        made_at: waiting.made_at,
        due_at: due_at.min(waiting.due_at),
        planned_at: None,
        is_begun: false,
        why: format!("{}; {}", waiting.why, news.why),
        facts,
    }
}

/// Both lots of kinds, without what the later has overtaken: an end by a reopening, a reopening by an end, and
/// the word that there is nothing new by anything new.
fn joined(before: &[Kind], later: BTreeSet<Kind>) -> BTreeSet<Kind> {
    let mut kinds: BTreeSet<Kind> = before.iter().copied().collect();
    if later.contains(&Kind::Reopened) {
        kinds.retain(|kind| !kind.is_closing());
    }
    if later.iter().any(|kind| kind.is_closing() && *kind != Kind::Unaffected) {
        kinds.remove(&Kind::Reopened);
    }
    kinds.extend(later);
    if kinds.len() > 1 {
        kinds.remove(&Kind::Due);
    }
    kinds
}

/// Quiet news comes at the later of the first waiting + `settle` and the last quiet notice + `apart`, but
/// never past a promise.
fn quiet_due(case: &Case, waiting: Option<&Change>, pace: &PaceSettings, now: Timestamp) -> Timestamp {
    let first_waiting = waiting.map_or(now, |change| change.made_at);
    let settled = first_waiting + pace.settle;
    let apart = case.timers.last_quiet_at.map(|last| last + pace.apart);
    let due = apart.map_or(settled, |apart| apart.max(settled));
    case.timers.promise.map_or(due, |promise| due.min(promise.act_at().max(now)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::case::{Acts, Promise};
    use crate::domain::fixtures::{at, change, story};
    use crate::domain::pace::Corrections;
    use Kind::{Back, Better, Due, Opened, Phase, Reopened, Resolved, Unaffected, Updated, Withdrawn, Worse};

    fn pace() -> PaceSettings {
        PaceSettings {
            settle: Duration::from_secs(60),
            apart: Duration::from_secs(1800),
            max_age: Duration::from_secs(86_400),
            corrections: Corrections::Open,
        }
    }

    fn news(kinds: &[Kind], urgency: Urgency) -> News {
        let kinds: BTreeSet<Kind> = kinds.iter().copied().collect();
        News { kinds, facts: change(1, &[]).facts, why: "said so".into(), urgency }
    }

    #[test]
    fn what_waits_and_what_comes_are_one_change() {
        let check = |waiting: &[Kind], later: &[Kind], expected: &[Kind]| {
            let mut case = story().case;
            case.sequence = 4;
            let waiting = change(4, waiting);
            let joined = join(&mut case, Some(&waiting), news(later, Urgency::ByKind), &pace(), at(1));
            assert_eq!(joined.kinds, expected, "{:?} and then {later:?}", waiting.kinds);
            assert_eq!((joined.sequence, case.sequence, joined.planned_at), (4, 4, None), "no sequence is spent");
            assert_eq!(joined.why, "the test says so; said so");
        };
        check(&[Updated], &[Phase], &[Phase, Updated]);
        check(&[Updated], &[Updated], &[Updated]);
        check(&[Due], &[Updated], &[Updated]);
        check(&[Updated], &[Due], &[Updated]);
        check(&[Due], &[Due], &[Due]);
        check(&[Opened], &[Worse, Updated], &[Opened, Worse, Updated]);
        check(&[Opened], &[Resolved], &[Resolved, Opened]);
        check(&[Resolved, Updated], &[Reopened], &[Reopened, Updated]);
        check(&[Withdrawn], &[Reopened], &[Reopened]);
        check(&[Reopened], &[Resolved], &[Resolved]);
        check(&[Unaffected], &[Worse], &[Unaffected, Worse]);
        check(&[Reopened], &[Unaffected], &[Unaffected, Reopened]);
    }

    #[test]
    fn the_first_before_and_the_last_after_are_told() {
        use crate::domain::incident::Impact::{Critical, Major, Minor};
        let mut waiting = change(4, &[Worse]);
        (waiting.facts.impact_before, waiting.facts.added) = (Some(Minor), vec!["Search".into()]);
        let mut later = news(&[Worse], Urgency::ByKind);
        (later.facts.impact_before, later.facts.impact) = (Some(Major), Some(Critical));
        let joined = join(&mut story().case, Some(&waiting), later, &pace(), at(1));
        assert_eq!((joined.facts.impact_before, joined.facts.impact), (Some(Minor), Some(Critical)));
        assert_eq!(joined.facts.added, ["Search"]);
    }

    #[test]
    fn an_end_by_hand_stays_one_when_more_joins_it_until_it_is_reopened() {
        for (later, expected) in [(Kind::Postmortem, Some(at(0))), (Reopened, None)] {
            let mut waiting = change(4, &[Withdrawn]);
            waiting.facts.closed_by_hand_at = Some(at(0));
            let joined = join(&mut story().case, Some(&waiting), news(&[later], Urgency::ByKind), &pace(), at(1));
            assert_eq!(joined.facts.closed_by_hand_at, expected, "{later:?}");
        }
    }

    #[test]
    fn quiet_news_waits_for_company_but_never_past_a_promise() {
        struct Row {
            waiting_since: Option<i64>,
            last_quiet: Option<i64>,
            promise: Option<(i64, i64)>,
        }
        let nothing = || Row { waiting_since: None, last_quiet: None, promise: None };
        // Expected in seconds after the minute at which the news comes.
        let check = |why: &str, kinds: &[Kind], urgency: Urgency, row: Row, minute: i64, expected: i64| {
            let mut case = story().case;
            case.timers.last_quiet_at = row.last_quiet.map(at);
            case.timers.promise = row.promise.map(|(made, due)| Promise {
                made_at: at(made),
                due_at: at(due),
                without_news: 0,
                acts: Acts::default(),
            });
            let waiting = row.waiting_since.map(|since| {
                let mut waiting = change(4, &[Updated]);
                waiting.made_at = at(since);
                waiting.due_at = at(since + 100);
                waiting
            });
            let joined = join(&mut case, waiting.as_ref(), news(kinds, urgency), &pace(), at(minute));
            assert_eq!(joined.due_at.duration_since(at(minute)).as_secs(), expected, "{why}");
        };
        let quiet = Urgency::ByKind;
        check("the settle", &[Updated], quiet, nothing(), 0, 60);
        check("at once", &[Worse], quiet, nothing(), 0, 0);
        check("by hand", &[Updated], Urgency::ByHand, nothing(), 0, 0);
        check("back from monitoring", &[Back], quiet, nothing(), 0, 0);
        check("better is quiet", &[Better], quiet, nothing(), 0, 60);
        check(
            "apart from the last quiet notice",
            &[Updated],
            quiet,
            Row { last_quiet: Some(0), ..nothing() },
            10,
            1200,
        );
        check("long ago", &[Updated], quiet, Row { last_quiet: Some(0), ..nothing() }, 29, 60);
        check(
            "before the promise",
            &[Updated],
            quiet,
            Row { last_quiet: Some(0), promise: Some((0, 20)), ..nothing() },
            10,
            540,
        );
        check("the promise is over already", &[Updated], quiet, Row { promise: Some((0, 20)), ..nothing() }, 25, 0);
        check("counted from the first", &[Updated], quiet, Row { waiting_since: Some(0), ..nothing() }, 0, 60);
        check(
            "what is at once takes along what waits",
            &[Worse],
            quiet,
            Row { waiting_since: Some(0), ..nothing() },
            0,
            0,
        );
    }

    #[test]
    fn a_change_of_its_own_takes_the_next_sequence() {
        let mut case = story().case;
        (case.sequence, case.episode) = (4, 2);
        let made = join(&mut case, None, news(&[Updated, Worse], Urgency::ByKind), &pace(), at(3));
        assert_eq!((made.sequence, case.sequence, made.episode), (5, 5, 2));
        assert_eq!((made.kinds, made.made_at), (vec![Worse, Updated], at(3)));
    }
}
