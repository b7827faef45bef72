//! What sources say that cannot be so, or was not meant for everybody: taken in, and nothing made up of it.

use super::*;
use crate::domain::case::Change;
use crate::domain::incident::{Need, NextWord};

fn work_planned(start: i64, end: i64, phase: Phase) -> Observation {
    Observation {
        impact: Some(Impact::Maintenance),
        scheduled_for: Some(at(start)),
        scheduled_until: Some(at(end)),
        started_at: None,
        ..says(0, phase, Impact::Maintenance, &["Payments API"], &[FIRST])
    }
}

fn step_of(observed: Observed) -> super::super::Step {
    match observed {
        Observed::Changed(step) => *step,
        other => panic!("{other:?}"),
    }
}

fn last_change(following: &Following) -> &Change {
    following.story.as_ref().and_then(|story| story.changes.last()).expect("a change")
}

#[test]
fn a_window_that_ends_before_it_begins_has_no_end_and_the_operator_hears_of_it() {
    let mut following = Following::new();
    let step = step_of(following.see(0, &work_planned(60, 30, Phase::Scheduled)));
    assert_eq!((step.case.facts.scheduled_for, step.case.facts.scheduled_until), (Some(at(60)), None));
    assert!(step.remarks.iter().any(|remark| matches!(remark, Remark::Odd(_))), "{:?}", step.remarks);
}

#[test]
fn work_under_way_that_is_to_end_later_is_moved_and_work_that_breaks_is_an_incident() {
    let mut following = Following::new();
    following.news(0, &work_planned(-10, 50, Phase::InProgress));
    let moved = Observation { revised_at: Some(at(5)), ..work_planned(-10, 110, Phase::InProgress) };
    assert_eq!(following.news(5, &moved), [Kind::Moved]);
    assert_eq!(last_change(&following).facts.moved_from, Some((at(-10), Some(at(50)))));
    let broken = Observation { revised_at: Some(at(9)), ..work_planned(-10, 110, Investigating) };
    assert_eq!(following.news(9, &broken), [Kind::Worse]);
    let impact = following.story.as_ref().expect("a case").case.facts.impact;
    assert_eq!(impact, None, "that work was planned says nothing of how bad the incident is");
}

#[test]
fn a_promise_for_a_time_that_is_past_is_said_to_the_operator() {
    let mut following = opened();
    let mut seen = says(10, Investigating, Major, &["Payments API"], &[FIRST, SECOND]);
    seen.updates[1].next_word = Some(NextWord::At(at(5)));
    let step = step_of(following.see(10, &seen));
    assert!(step.remarks.iter().any(|remark| matches!(remark, Remark::Odd(_))), "{:?}", step.remarks);
}

#[test]
fn what_its_author_did_not_announce_is_taken_in_and_told_with_the_next_change() {
    let mut following = Following::new();
    let mut seen = says(0, Investigating, Major, &["Payments API"], &[FIRST]);
    seen.updates[0].announce = Announce::Silent;
    assert_eq!(following.news(0, &seen), [], "an opening");
    let mut following = opened();
    let mut seen = says(10, Identified, Major, &["Payments API"], &[FIRST, SECOND]);
    seen.updates[1].announce = Announce::Silent;
    assert_eq!(following.news(10, &seen), [], "a move that comes with it");
    let over = says(20, Resolved, Major, &["Payments API"], &[FIRST, SECOND, ("u3", 20, Resolved, "Over.")]);
    assert!(following.news(20, &over).contains(&Kind::Resolved), "the end is owed");
}

#[test]
fn a_case_found_unscoped_at_first_sight_is_asked_about_again_when_there_is_something_to_tell() {
    let mut following = Following { sight: Sight::First, ..Following::new() };
    let found = step_of(following.see(0, &says(0, Investigating, Major, &[], &[FIRST])));
    assert_eq!((found.change, found.case.timers.unscoped_at), (None, None));
    following.sight = Sight::Watching { last_good_at: Some(at(0)) };
    assert_eq!(following.see(5, &says(0, Investigating, Major, &[], &[FIRST])), Observed::Nothing);
    let news = step_of(following.see(10, &says(10, Investigating, Major, &[], &[FIRST, SECOND])));
    assert!(news.remarks.contains(&Remark::Unscoped));
    assert_eq!(news.case.timers.unscoped_at, Some(at(20)));
}

fn by_hand(id: &str, action: Option<&str>, need: Option<Need>, body: &str) -> Observation {
    let mut seen = says(10, Investigating, Major, &["Payments API"], &[(id, 10, Investigating, body)]);
    (seen.origin, seen.phase, seen.impact, seen.components) = (Origin::ByHand, None, None, None);
    (seen.updates[0].action, seen.updates[0].need) = (action.map(str::to_owned), need);
    seen
}

#[test]
fn what_clients_are_to_do_is_what_was_said_last_of_it() {
    let said = |following: &Following| {
        let said = following.story.as_ref().and_then(|story| story.case.facts.said_action.clone());
        said.map(|said| (said.need, said.text))
    };
    let check = |name: &str, seen: &[Observation], expected: Option<(Need, &str)>, kinds: &[Kind]| {
        let mut following = opened();
        let news = seen.iter().map(|one| following.news(10, one)).last().unwrap_or_default();
        assert_eq!(said(&following), expected.map(|(need, text)| (need, text.to_owned())), "{name}");
        assert_eq!(news, kinds, "{name}");
    };
    let first = by_hand("h1", Some("Do A."), None, "Words.");
    check(
        "an action is required",
        std::slice::from_ref(&first),
        Some((Need::Required, "Do A.")),
        &[Kind::Action, Kind::Updated],
    );
    let other = by_hand("h1", Some("Do B, A was wrong."), None, "Words.");
    check(
        "another one under the same id",
        &[first.clone(), other],
        Some((Need::Required, "Do B, A was wrong.")),
        &[Kind::Action],
    );
    let less = by_hand("h2", None, Some(Need::Maybe), "It may wait.");
    check(
        "a need alone is that of the action before",
        &[first.clone(), less],
        Some((Need::Maybe, "Do A.")),
        &[Kind::Updated],
    );
    let bare = by_hand("h1", None, Some(Need::Required), "Rotate your keys.");
    check(
        "or of the words themselves",
        &[bare],
        Some((Need::Required, "Rotate your keys.")),
        &[Kind::Action, Kind::Updated],
    );
    let none = by_hand("h2", Some("Nothing more."), Some(Need::None), "It waits.");
    check(
        "that there is nothing is said in its words",
        &[first, none],
        Some((Need::None, "Nothing more.")),
        &[Kind::Updated],
    );
}

#[test]
fn older_copies_are_believed_after_an_hour_only_if_they_are_in_line_with_each_other() {
    let older = |stamp: i64, minute: i64| {
        (
            minute,
            Observation { revised_at: Some(at(stamp)), ..says(stamp, Monitoring, Major, &["Payments API"], &[FIRST]) },
        )
    };
    let check = |name: &str, copies: &[(i64, Observation)], believed: bool| {
        let mut following = opened();
        following.news(30, &says(30, Identified, Major, &["Payments API"], &[FIRST, SECOND]));
        let news: Vec<Kind> = copies.iter().flat_map(|(minute, copy)| following.news(*minute, copy)).collect();
        assert_eq!(!news.is_empty(), believed, "{name}: {news:?}");
    };
    check("one line", &[older(10, 40), older(10, 70), older(12, 101)], true);
    check("not yet an hour", &[older(10, 40), older(10, 99)], false);
    check("copies at random", &[older(12, 40), older(10, 70), older(12, 101)], false);
}
