//! What only a person can decide about a case: whom it concerns, that it is told now, that we stop following it.
//!
//! Each decision is a step like that of an observation, with a change row that names who decided. Deliberately
//! absent: who may decide, and which clients a decision reaches (`plan.rs`).

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::case::{Case, CaseState, ChangeFacts, Scope, Story, Timers};
use super::component::Catalog;
use super::incident::Phase;
use super::news::{News, Urgency, join};
use super::notice::Kind;
use super::observe::Step;
use super::pace::PaceSettings;

/// Those whom a person takes out of a case are told so after the same time as when the source does it: until then
/// the decision can be taken back unseen.
const TEN_MINUTES: SignedDuration = SignedDuration::from_mins(10);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It concerns those who depend on these components, by our ids or names.
    Components(Vec<String>),
    Everyone,
    Nobody,
    /// A case found open at the first sight of its feed is told now.
    Announce,
    /// We follow it no longer.
    Close,
}

/// Why nothing was decided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("no [[component]] matches {}; there are: {}", .unknown.join(", "), .known.join(", "))]
    UnknownComponents { unknown: Vec<String>, known: Vec<String> },
    #[error("the case is over already")]
    Over,
    #[error("the case is announced already")]
    AnnouncedAlready,
    /// It is as was decided already.
    #[error("the case is so already; nothing changes")]
    SoAlready,
}

/// What the decision makes of the case. `by` is the name of whoever decided, for the change row. A scope set on a
/// case that nobody has been told of since the first sight of its feed makes no change row: it waits for its next
/// change, or for [`Decision::Announce`].
///
/// # Errors
/// A [`Refused`]; nothing is to be written then.
pub fn decide(
    story: &Story,
    decision: &Decision,
    by: &str,
    catalog: &Catalog,
    pace: &PaceSettings,
    now: Timestamp,
) -> Result<Step, Refused> {
    if story.case.state != CaseState::Open {
        return Err(Refused::Over);
    }
    let mut case = story.case.clone();
    let (said, why) = match decision {
        Decision::Components(names) => {
            (concern(&mut case, names, catalog, now)?, format!("{by} said whom it concerns: {}", names.join(", ")))
        }
        Decision::Everyone => (concern_everyone(&mut case)?, format!("{by} said that it concerns everybody")),
        Decision::Nobody => (concern_nobody(&mut case, now)?, format!("{by} said that it concerns nobody")),
        Decision::Announce => (announce(&mut case, now)?, format!("announced by hand by {by}")),
        Decision::Close => (close(&mut case, now), format!("closed by hand by {by}")),
    };
    let change = said.map(|said| {
        let (added, removed, closed_by_hand_at) = (said.added, said.removed, said.closed_at);
        let facts = ChangeFacts { added, removed, closed_by_hand_at, ..ChangeFacts::of(&case.facts) };
        let news = News { kinds: said.kinds, facts, why, urgency: Urgency::ByHand };
        join(&mut case, story.waiting(), news, pace, now)
    });
    Ok(Step { case, updates: Vec::new(), change, remarks: Vec::new() })
}

/// The news of a decision.
#[derive(Debug, Default)]
struct Said {
    kinds: BTreeSet<Kind>,
    added: Vec<String>,
    removed: Vec<String>,
    closed_at: Option<Timestamp>,
}

impl Said {
    fn only(kind: Kind) -> Said {
        Said { kinds: BTreeSet::from([kind]), ..Said::default() }
    }

    fn unless_silent(self, case: &Case) -> Option<Said> {
        (!case.facts.silent_since_first_sight).then_some(self)
    }
}

fn concern(case: &mut Case, names: &[String], catalog: &Catalog, now: Timestamp) -> Result<Option<Said>, Refused> {
    let named = catalog.resolve(names);
    if !named.unmapped.is_empty() || named.keys.is_empty() {
        let known = catalog.components().iter().map(|component| component.id.clone()).collect();
        return Err(Refused::UnknownComponents { unknown: named.unmapped, known });
    }
    let was = case.facts.scope;
    let before = match was {
        Scope::Named | Scope::NamedByPerson | Scope::Everyone => catalog.resolve(&case.facts.components).keys,
        Scope::Unscoped | Scope::Nobody => Vec::new(),
    };
    let new_only = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|key| !those.contains(key)).map(|key| catalog.name_of(key)).collect()
    };
    let (added, removed) = (new_only(&named.keys, &before), new_only(&before, &named.keys));
    if added.is_empty() && removed.is_empty() && was != Scope::Everyone {
        return Err(Refused::SoAlready);
    }
    case.facts.components = named.keys;
    case.facts.scope = Scope::NamedByPerson;
    case.timers.unscoped_at = None;
    if !removed.is_empty() || was == Scope::Everyone {
        case.timers.unaffected_at = Some(now + TEN_MINUTES);
    }
    let mut kinds = BTreeSet::new();
    if !added.is_empty() {
        kinds.insert(Kind::Wider);
    }
    if !removed.is_empty() || added.is_empty() {
        kinds.insert(Kind::Narrower);
    }
    Ok(Said { kinds, added, removed, closed_at: None }.unless_silent(case))
}

fn concern_everyone(case: &mut Case) -> Result<Option<Said>, Refused> {
    if case.facts.scope == Scope::Everyone {
        return Err(Refused::SoAlready);
    }
    case.facts.scope = Scope::Everyone;
    case.timers.unscoped_at = None;
    case.timers.unaffected_at = None;
    Ok(Said::only(Kind::Wider).unless_silent(case))
}

/// Whoever has been told hears after ten minutes that it no longer concerns them.
fn concern_nobody(case: &mut Case, now: Timestamp) -> Result<Option<Said>, Refused> {
    match case.facts.scope {
        Scope::Nobody => return Err(Refused::SoAlready),
        Scope::Unscoped => {}
        Scope::Named | Scope::NamedByPerson | Scope::Everyone => case.timers.unaffected_at = Some(now + TEN_MINUTES),
    }
    case.facts.scope = Scope::Nobody;
    case.timers.unscoped_at = None;
    Ok(Said::only(Kind::Narrower).unless_silent(case))
}

fn announce(case: &mut Case, now: Timestamp) -> Result<Option<Said>, Refused> {
    if !case.facts.silent_since_first_sight {
        return Err(Refused::AnnouncedAlready);
    }
    case.facts.silent_since_first_sight = false;
    if case.facts.scope == Scope::Unscoped {
        (case.facts.asked_at, case.timers.unscoped_at) = (Some(now), Some(now + TEN_MINUTES));
    }
    let mut said = Said::only(Kind::Opened);
    if matches!(case.facts.phase, Phase::InProgress | Phase::Verifying) {
        said.kinds.insert(Kind::Started);
    }
    Ok(Some(said))
}

/// Whoever was told that it is open is told that it is followed no longer, never that it is mended: nobody has said
/// so, nor that planned work does not take place. What the source goes on saying is kept, and told to nobody.
fn close(case: &mut Case, now: Timestamp) -> Option<Said> {
    case.state = CaseState::Ended;
    case.ended_at = Some(now);
    case.facts.phase_last_said = Some(case.facts.phase);
    case.facts.phase = if case.facts.phase.is_maintenance() { Phase::Cancelled } else { Phase::Resolved };
    case.facts.resolved_at = Some(now);
    case.facts.missed_reads.clear();
    case.facts.closed_by_hand = true;
    case.timers = Timers { last_quiet_at: case.timers.last_quiet_at, ..Timers::default() };
    Some(Said { closed_at: Some(now), ..Said::only(Kind::Withdrawn) })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{at, catalog, change, story};
    use super::*;
    use crate::domain::pace::Corrections;
    use std::time::Duration;

    fn pace() -> PaceSettings {
        PaceSettings {
            settle: Duration::from_secs(60),
            apart: Duration::from_secs(1800),
            max_age: Duration::from_secs(86400),
            corrections: Corrections::Open,
        }
    }

    fn scoped(scope: Scope, components: &[&str]) -> Story {
        let mut story = story();
        story.case.facts.scope = scope;
        story.case.facts.components = components.iter().map(|c| (*c).to_owned()).collect();
        story.case.timers.unscoped_at = Some(at(10));
        story
    }

    fn components(names: &[&str]) -> Decision {
        Decision::Components(names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn decided(story: &Story, decision: &Decision) -> Result<Step, Refused> {
        decide(story, decision, "jane", &catalog(), &pace(), at(5))
    }

    #[test]
    fn a_scope_set_by_a_person_is_told_at_once_with_the_name_of_who_set_it() {
        use Scope::{Everyone, Named, NamedByPerson, Nobody, Unscoped};
        for (before, named, decision, scope, kinds, unaffected) in [
            (Unscoped, &[][..], components(&["Payments API"]), NamedByPerson, &[Kind::Wider][..], None),
            (Nobody, &[], components(&["payments"]), NamedByPerson, &[Kind::Wider], None),
            (Everyone, &[], components(&["payments"]), NamedByPerson, &[Kind::Wider], Some(at(15))),
            (
                Named,
                &["payments"],
                components(&["search"]),
                NamedByPerson,
                &[Kind::Wider, Kind::Narrower],
                Some(at(15)),
            ),
            (Everyone, &["payments"], components(&["payments"]), NamedByPerson, &[Kind::Narrower], Some(at(15))),
            (Named, &["payments", "search"], components(&["search"]), NamedByPerson, &[Kind::Narrower], Some(at(15))),
            (Unscoped, &[], Decision::Everyone, Everyone, &[Kind::Wider], None),
            (Unscoped, &[], Decision::Nobody, Nobody, &[Kind::Narrower], None),
            (Named, &["payments"], Decision::Nobody, Nobody, &[Kind::Narrower], Some(at(15))),
        ] {
            let story = scoped(before, named);
            let step = decided(&story, &decision).expect("it can be decided");
            let change = step.change.expect("it is told");
            assert_eq!(step.case.facts.scope, scope, "{decision:?}");
            assert_eq!(change.kinds, kinds, "{before:?} {decision:?}");
            assert_eq!((change.sequence, change.due_at), (1, at(5)));
            assert!(change.why.contains("jane"), "{}", change.why);
            assert_eq!(step.case.timers.unaffected_at, unaffected, "{before:?} {decision:?}");
            assert_eq!(step.case.timers.unscoped_at, None);
        }
    }

    #[test]
    fn what_changes_nothing_is_refused() {
        let over = {
            let mut story = story();
            story.case.state = CaseState::Ended;
            story
        };
        let unknown = Refused::UnknownComponents {
            unknown: vec!["printers".into()],
            known: ["payments", "payments-eu", "checkout", "search"].map(Into::into).into(),
        };
        for (story, decision, expected) in [
            (scoped(Scope::Named, &["payments"]), components(&["Payments API"]), Refused::SoAlready),
            (scoped(Scope::Everyone, &[]), Decision::Everyone, Refused::SoAlready),
            (scoped(Scope::Nobody, &[]), Decision::Nobody, Refused::SoAlready),
            (scoped(Scope::Unscoped, &[]), components(&["payments", "printers"]), unknown),
            (scoped(Scope::Named, &["payments"]), Decision::Announce, Refused::AnnouncedAlready),
            (over.clone(), Decision::Close, Refused::Over),
            (over, Decision::Everyone, Refused::Over),
        ] {
            assert_eq!(decided(&story, &decision), Err(expected), "{decision:?}");
        }
    }

    #[test]
    fn a_case_found_at_first_sight_is_scoped_in_silence_and_announced_on_its_own() {
        let mut silent = scoped(Scope::Unscoped, &[]);
        silent.case.facts.silent_since_first_sight = true;
        let step = decided(&silent, &components(&["payments"])).expect("it can be scoped");
        assert_eq!((step.change, step.case.facts.scope), (None, Scope::NamedByPerson));
        let step = decided(&silent, &Decision::Announce).expect("it can be announced");
        assert_eq!(step.change.expect("it is told").kinds, [Kind::Opened]);
        assert!(!step.case.facts.silent_since_first_sight);
    }

    #[test]
    fn a_close_by_hand_ends_the_case_and_never_says_that_it_is_mended() {
        for (phase, over) in [(Phase::Investigating, Phase::Resolved), (Phase::InProgress, Phase::Cancelled)] {
            let mut story = story();
            story.case.facts.phase = phase;
            let step = decided(&story, &Decision::Close).expect("it can be closed");
            assert_eq!((step.case.state, step.case.facts.phase), (CaseState::Ended, over));
            assert_eq!(step.case.ended_at, Some(at(5)));
            assert_eq!(step.case.timers, Timers::default());
            let change = step.change.expect("it is told");
            assert_eq!((change.kinds, change.why), (vec![Kind::Withdrawn], "closed by hand by jane".into()));
            assert_eq!((step.case.facts.phase_said(), change.facts.phase_last_said), (phase, Some(phase)));
            assert_eq!(change.facts.closed_by_hand_at, Some(at(5)));
        }
    }

    #[test]
    fn a_change_kept_before_a_close_by_hand_was_marked_is_still_read() {
        let mut kept = serde_json::to_value(change(1, &[Kind::Opened]).facts).expect("it is plain");
        kept.as_object_mut().expect("it is an object").remove("closed_by_hand_at").expect("it is a key");
        let read: ChangeFacts = serde_json::from_value(kept).expect("it is read");
        assert_eq!(read.closed_by_hand_at, None);
    }

    #[test]
    fn a_decision_takes_along_what_waits() {
        let mut story = scoped(Scope::Named, &["payments"]);
        story.case.sequence = 3;
        story.changes.push(change(3, &[Kind::Updated]));
        let change = decided(&story, &components(&["payments", "search"])).expect("decided").change.expect("told");
        assert_eq!((change.sequence, change.due_at), (3, at(0)));
        assert_eq!(change.kinds, [Kind::Wider, Kind::Updated]);
    }

    /// What a polled source says after the case was closed by hand: its phase, and a post of that text.
    fn said_afterwards(phase: Phase, body: &str) -> (Case, Option<Vec<Kind>>) {
        use crate::domain::incident::{Observation, ObservedUpdate, Origin, Part};
        use crate::domain::observe::{Context, FeedRules, Observed, Sight, observe};
        let mut story = story();
        let step = decided(&story, &Decision::Close).expect("it can be closed");
        story.case = step.case;
        story
            .changes
            .extend(step.change.map(|change| crate::domain::case::Change { planned_at: Some(at(5)), ..change }));
        let seen = Observation {
            source: "platform".into(),
            incident: "i1".into(),
            parent: None,
            origin: Origin::Polled,
            part: Part::Leads,
            speaker: None,
            event: None,
            title: Some("Payments fail".into()),
            phase: Some(phase),
            phase_unknown: None,
            impact: None,
            components: None,
            started_at: None,
            resolved_at: None,
            scheduled_for: None,
            scheduled_until: None,
            url: None,
            revised_at: None,
            updates: vec![ObservedUpdate {
                id: Some("late".into()),
                body: body.into(),
                at: Some(at(6)),
                ..ObservedUpdate::default()
            }],
        };
        let context = Context {
            now: at(7),
            pace: &pace(),
            catalog: &catalog(),
            playbook: &[],
            feed: &FeedRules::default(),
            sight: Sight::Watching { last_good_at: Some(at(4)) },
            new_id: "",
            new_reference: "",
        };
        match observe(Some(&story), &seen, &context) {
            Observed::Changed(step) => (step.case, step.change.map(|change| change.kinds)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_source_that_goes_on_neither_reopens_nor_tells_what_was_closed_by_hand() {
        for (phase, still_closed_by_hand) in [
            (Phase::Investigating, true),
            (Phase::Identified, true),
            (Phase::Resolved, false),
            (Phase::Postmortem, false),
        ] {
            let (case, kinds) = said_afterwards(phase, "We are still looking at it.");
            assert_eq!((case.state, kinds), (CaseState::Ended, None), "{phase:?}");
            assert_eq!(case.facts.closed_by_hand, still_closed_by_hand, "{phase:?}");
        }
    }
}
