//! Whom a case concerns, as the source names it, leaves it out, and takes it back.

use super::*;

#[test]
fn a_case_without_components_is_asked_about() {
    for (name, rule, title, components, scope, asks) in [
        ("nothing named", UnscopedRule::Ask, "It fails", vec![], Scope::Unscoped, true),
        ("only unknown names", UnscopedRule::Ask, "It fails", vec!["Billing"], Scope::Unscoped, true),
        ("all, when the rule says so", UnscopedRule::All, "It fails", vec![], Scope::Everyone, false),
        ("none, when the rule says so", UnscopedRule::None, "It fails", vec![], Scope::Nobody, false),
        ("declared words scope it", UnscopedRule::Ask, "The full text index is slow", vec![], Scope::Named, false),
        ("a known name", UnscopedRule::Ask, "It fails", vec!["search", "Billing"], Scope::Named, false),
    ] {
        let mut following =
            Following { rules: FeedRules { unscoped: rule, ..FeedRules::default() }, ..Following::new() };
        let mut seen = says(0, Investigating, Minor, &components, &[FIRST]);
        seen.title = Some(title.to_owned());
        following.see(0, &seen);
        let case = following.story.expect("a case").case;
        assert_eq!((case.facts.scope, case.timers.unscoped_at.is_some()), (scope, asks), "{name}");
    }
}

#[test]
fn the_first_naming_of_an_unscoped_case_widens_it() {
    let mut following = Following::new();
    following.news(0, &says(0, Investigating, Minor, &[], &[FIRST]));
    let news = following.news(5, &says(5, Investigating, Minor, &["Search"], &[FIRST]));
    assert_eq!(news, [Kind::Wider]);
    let case = following.story.expect("a case").case;
    assert_eq!((case.facts.scope, case.timers.unscoped_at), (Scope::Named, None));
}

#[test]
fn what_is_removed_is_narrower_now_and_unaffected_in_ten_minutes() {
    let mut following = Following::new();
    following.news(0, &says(0, Investigating, Major, &["Payments API", "Search"], &[FIRST]));
    assert_eq!(following.news(5, &says(5, Investigating, Major, &["Search"], &[FIRST])), [Kind::Narrower]);
    assert_eq!(following.story.as_ref().and_then(|s| s.case.timers.unaffected_at), Some(at(15)));
}
