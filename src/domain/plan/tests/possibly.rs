//! Who is only possibly affected, and when it becomes certain.

use super::*;

#[test]
fn the_possibly_affected_are_told_at_most_three_times() {
    let check = |notices: i64, wanted: i64, kind: Kind, expected: Told| {
        check(&format!("{notices} notices, wanted {wanted}, {kind:?}"), expected, |s| {
            s.story.case.facts.scope = Scope::Everyone;
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
