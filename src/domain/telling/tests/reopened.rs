//! How bad a case is that is reopened: it is back, and worse only if it never was as bad.

use super::*;
use Kind::{Better, Reopened, Resolved, Updated, Worse};

#[test]
fn a_reopening_is_worse_only_than_the_worst_that_it_has_been() {
    use Impact::{Critical, Major, Minor, None as NoImpact};
    // It was minor, then of that impact; at the end it had none; it is reopened with that.
    let check = |worst: Impact, now: Impact, kinds: &[Kind], before: Option<Impact>| {
        let of = |impact: Impact| move |facts: &mut ChangeFacts| facts.impact = Some(impact);
        let reopened = with_facts(4, &[Reopened, if now > NoImpact { Worse } else { Better }, Updated], |facts| {
            (facts.impact_before, facts.impact) = (Some(NoImpact), Some(now));
        });
        let mut scene =
            scene(&[with_facts(2, &[Worse], of(worst)), with_facts(3, &[Resolved], of(NoImpact)), reopened]);
        scene.story.changes[0].facts.impact = Some(Minor);
        scene.thread = Thread { told: 3, ..scene.thread };
        let notice = scene.notice();
        assert_eq!((&notice.changes[..], notice.case.impact_before), (kinds, before), "{worst:?}, now {now:?}");
        assert_eq!(notice.case.impact, Some(now));
    };
    check(Major, Major, &[Reopened], None);
    check(Major, Minor, &[Reopened], None);
    check(Major, Critical, &[Reopened, Worse], Some(Major));
    check(Minor, Minor, &[Reopened], None);
    check(Minor, Major, &[Reopened, Worse], Some(Minor));
    check(Major, NoImpact, &[Reopened], None);
}
