//! Who is only possibly affected, and when it becomes certain.

use super::*;

#[test]
fn the_possibly_affected_are_told_at_most_three_times() {
    let check = |notices: i64, wanted: i64, kind: Kind, expected: Told| {
        check(&format!("{notices} notices, wanted {wanted}, {kind:?}"), expected, |s| {
            (s.story.case.facts.scope, s.story.case.facts.components) = (Scope::Everyone, vec![]);
            s.variant.affected = Possibly;
            s.thread = Some(Thread { notices, ..waiting(3, wanted) });
            s.kinds = vec![kind];
            if kind == Kind::Resolved {
                ended(s, Phase::Resolved, kind);
            }
        });
    };
    check(0, 3, Kind::Updated, Told::Open(Possibly));
    check(1, 3, Kind::Updated, Told::Open(Possibly));
    check(1, 4, Kind::Worse, Told::Open(Possibly));
    check(2, 3, Kind::Updated, Told::Nothing);
    check(2, 4, Kind::Worse, Told::Nothing);
    check(1, 3, Kind::Resolved, Told::Over(Kind::Resolved));
    check(2, 3, Kind::Resolved, Told::Over(Kind::Resolved));
}

#[test]
fn everyone_beside_what_is_named_reaches_those_who_have_not_been_told() {
    let check = |priorities: &[&str], thread: Option<Thread>, expected: Told| {
        check(&format!("{priorities:?}, told: {}", thread.is_some()), expected, |s| {
            s.story.case.facts.scope = Scope::Everyone;
            s.client.priorities = client(priorities).priorities;
            s.thread = thread;
            s.kinds = vec![Kind::Wider];
        });
    };
    check(&["payments"], Some(told(3)), Told::Nothing);
    check(&["payments"], None, Told::Open(Confirmed));
    check(&["checkout"], Some(told(3)), Told::Nothing);
    check(&["search"], None, Told::Open(Possibly));
    check(&["search"], Some(told(3)), Told::Nothing);
    check(&["search"], Some(over(3)), Told::Open(Possibly));
}

#[test]
fn the_first_naming_confirms_and_what_is_confirmed_stays_so() {
    check("named after it was told as possible", Told::Open(Confirmed), |s| {
        s.thread = Some(Thread { notices: 2, ..told(3) });
        s.variant.affected = Possibly;
    });
    check("only what they depend on is left", Told::Open(Confirmed), |s| {
        s.client.priorities = vec!["checkout".into()];
        s.thread = Some(Thread { notices: 5, ..told(3) });
    });
    check("the others are unaffected, as possibly as they were told", Told::Over(Kind::Unaffected), |s| {
        s.client.priorities = vec!["search".into()];
        s.thread = Some(told(3));
        s.variant.affected = Possibly;
        s.kinds = vec![Kind::Unaffected];
    });
}
