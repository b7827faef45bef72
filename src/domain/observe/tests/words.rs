//! Status words that are none of ours.

use super::Impact::Major;
use super::Phase::{Identified, Investigating, Monitoring, Resolved};
use super::*;

#[test]
fn an_unknown_word_never_resolves() {
    let mut following = opened();
    let mut seen = says(10, Investigating, Major, &["Payments API"], &[FIRST]);
    seen.phase = None;
    seen.phase_unknown = Some("finished-ish".into());
    match following.see(10, &seen) {
        Observed::Changed(step) => {
            assert_eq!((step.case.state, step.case.facts.phase), (CaseState::Open, Investigating));
            assert_eq!(step.case.facts.phase_unknown.as_deref(), Some("finished-ish"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn beside_an_unknown_word_the_newest_update_that_says_a_phase_counts() {
    let second = ("u2", 5, Identified, "A certificate expired.");
    let third = |phase| Observation {
        phase: None,
        phase_unknown: Some("mitigating".into()),
        ..says(
            10,
            Investigating,
            Major,
            &["Payments API"],
            &[FIRST, second, ("u3", 9, phase, "We roll a new one out.")],
        )
    };
    let without_a_word = |mut seen: Observation| {
        seen.updates[2].phase = None;
        seen
    };
    for (seen, expected) in [
        (without_a_word(third(Monitoring)), Identified),
        (third(Monitoring), Monitoring),
        // Only the incident's own word ends it.
        (third(Resolved), Identified),
    ] {
        for mut following in [Following::new(), opened()] {
            match following.see(10, &seen) {
                Observed::Changed(step) => {
                    assert_eq!((step.case.facts.phase, step.case.state), (expected, CaseState::Open), "{seen:?}");
                }
                other => panic!("{other:?}"),
            }
            // The same once more moves nothing.
            assert_eq!(following.see(11, &seen), Observed::Nothing);
        }
    }
}

#[test]
fn planned_work_with_an_unknown_word_is_planned_work() {
    for (start, expected) in [(Some(60), Phase::Scheduled), (Some(5), Phase::InProgress), (None, Phase::Scheduled)] {
        let mut seen = says(10, Investigating, Impact::Maintenance, &["Payments API"], &[FIRST]);
        (seen.phase, seen.phase_unknown, seen.updates[0].phase) = (None, Some("announced".into()), None);
        seen.scheduled_for = start.map(at);
        match Following::new().see(10, &seen) {
            Observed::Changed(step) => assert_eq!(step.case.facts.phase, expected, "{start:?}"),
            other => panic!("{other:?}"),
        }
    }
}
