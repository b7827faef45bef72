//! Who is told, row by row: the sentences of `semantics.md` §3 and §4.

mod possibly;
mod threads;

use jiff::SignedDuration;

use super::{FALLBACK_AFTER, Former, Known, Planning, Raise, Waiting};
use crate::domain::case::{CaseState, Scope, Story};
use crate::domain::client::{Client, Contact};
use crate::domain::fixtures::{at, catalog, change, client, contact, entry, over, story, told, variant, waiting};
use crate::domain::incident::{Impact, Need, Phase};
use crate::domain::notice::{Affected, Kind};
use crate::domain::playbook::Entry;
use crate::domain::thread::{Standing, Thread, ThreadState, Variant};

use Affected::{Confirmed, Possibly};

/// Everything one row of a table may change.
struct Scene {
    story: Story,
    kinds: Vec<Kind>,
    client: Client,
    contact: Contact,
    thread: Option<Thread>,
    variant: Variant,
    former: Option<Thread>,
    playbook: Vec<Entry>,
}

impl Default for Scene {
    fn default() -> Scene {
        Scene {
            story: story(),
            kinds: vec![Kind::Updated],
            client: client(&["payments", "search"]),
            contact: contact(),
            thread: None,
            variant: variant(Confirmed, None),
            former: None,
            playbook: vec![],
        }
    }
}

impl Scene {
    fn new(set: impl FnOnce(&mut Scene)) -> Scene {
        let mut scene = Scene::default();
        set(&mut scene);
        scene
    }

    fn raise(&self) -> Option<Raise> {
        let catalog = catalog();
        let mut change = change(5, &self.kinds);
        change.facts.closed_by_hand_at = self.story.case.facts.closed_by_hand.then_some(at(9));
        let planning = Planning::new(&self.story, &change, &catalog, &self.playbook, "en", at(10));
        let known = Known {
            contact_key: 7,
            contact: &self.contact,
            thread: self.thread.as_ref(),
            variant: self.thread.as_ref().map(|_| &self.variant),
        };
        let former: Vec<Former<'_>> =
            self.former.iter().map(|thread| Former { thread, variant: Some(&self.variant) }).collect();
        let mut raises = planning.client_with_former(&self.client, &[known], &former);
        assert!(raises.len() <= 1, "one contact, one raise");
        raises.pop()
    }
}

/// Told nothing, or told as open with that certainty, or told an end or what came after it.
#[derive(Debug, PartialEq)]
enum Told {
    Nothing,
    Open(Affected),
    Over(Kind),
    Afterwards,
}

fn check(why: &str, expected: Told, set: impl FnOnce(&mut Scene)) {
    let found = match Scene::new(set).raise() {
        None => Told::Nothing,
        Some(Raise { standing: Standing::In, variant, .. }) => {
            assert_eq!(variant.closing, None, "{why}: what goes on has no end");
            Told::Open(variant.affected)
        }
        Some(Raise { standing: Standing::Out, variant, .. }) => variant.closing.map_or(Told::Afterwards, Told::Over),
    };
    assert_eq!(found, expected, "{why}");
}

fn names(scene: &mut Scene, components: &[&str]) {
    scene.story.case.facts.components = components.iter().map(|c| (*c).to_owned()).collect();
}

fn ended(scene: &mut Scene, phase: Phase, kind: Kind) {
    scene.story.case.state = CaseState::Ended;
    scene.story.case.facts.phase = phase;
    scene.story.case.facts.resolved_at = Some(at(9));
    scene.kinds = vec![kind];
}

#[test]
fn whom_it_concerns_depends_on_what_the_case_names() {
    let check = |components: &[&str], priorities: &[&str], expected: Told| {
        check(&format!("{components:?} for {priorities:?}"), expected, |s| {
            names(s, components);
            s.client.priorities = client(priorities).priorities;
        });
    };
    check(&["Payments API"], &["payments"], Told::Open(Confirmed));
    check(&["Payments API"], &["search", "payments"], Told::Open(Confirmed));
    check(&["Payments API"], &["search"], Told::Nothing);
    check(&["Payments API"], &[], Told::Nothing);
    check(&["Payments API"], &["*"], Told::Open(Confirmed));
    check(&["Payments API"], &["payments", "*"], Told::Open(Confirmed));
    check(&["Payments API"], &["search", "*"], Told::Open(Confirmed));
    check(&["Payments API"], &["checkout", "*"], Told::Open(Confirmed));
    check(&["Mail"], &["payments", "*"], Told::Open(Confirmed));
    check(&["Payments EU"], &["payments"], Told::Open(Confirmed));
    check(&["Payments API"], &["payments-eu"], Told::Open(Possibly));
    check(&["Payments API"], &["checkout"], Told::Open(Possibly));
    check(&["Payments EU"], &["checkout"], Told::Nothing);
    check(&["Payments API", "Search"], &["checkout", "search"], Told::Open(Confirmed));
    check(&["Checkout"], &["payments"], Told::Nothing);
}

#[test]
fn a_case_that_names_nothing_is_told_only_by_decision() {
    let check = |scope: Scope, priorities: &[&str], expected: Told| {
        check(&format!("{scope:?} for {priorities:?}"), expected, |s| {
            if scope != Scope::NamedByPerson {
                names(s, &[]);
            }
            s.story.case.facts.scope = scope;
            s.client.priorities = client(priorities).priorities;
        });
    };
    check(Scope::Unscoped, &["payments"], Told::Nothing);
    check(Scope::Unscoped, &["*"], Told::Nothing);
    check(Scope::Nobody, &["payments"], Told::Nothing);
    check(Scope::Everyone, &["payments"], Told::Open(Possibly));
    check(Scope::Everyone, &["*"], Told::Open(Possibly));
    check(Scope::Everyone, &[], Told::Nothing);
    check(Scope::NamedByPerson, &["payments"], Told::Open(Confirmed));
    check(Scope::NamedByPerson, &["search"], Told::Nothing);
}

#[test]
fn the_book_is_asked_only_for_whom_the_case_reaches() {
    let check = |scope: Scope, components: &[&str], expected: Option<Vec<&str>>| {
        let scene = Scene::new(|s| {
            names(s, components);
            s.story.case.facts.scope = scope;
        });
        let (catalog, change) = (catalog(), change(1, &[Kind::Opened]));
        let planning = Planning::new(&scene.story, &change, &catalog, &[], "en", at(0));
        let expected = expected.map(|keys| keys.into_iter().map(String::from).collect::<Vec<_>>());
        assert_eq!(planning.selector(), expected, "{scope:?} {components:?}");
        assert_eq!(planning.change().sequence, 1);
    };
    check(Scope::Named, &["Search"], Some(vec!["search"]));
    check(Scope::Named, &["Payments API"], Some(vec!["checkout", "payments", "payments-eu"]));
    check(Scope::Unscoped, &[], Some(vec![]));
    check(Scope::Nobody, &[], Some(vec![]));
    check(Scope::Everyone, &[], None);
}

#[test]
fn min_impact_and_maintenance_decide_only_who_enters() {
    use Impact::{Critical, Maintenance, Major, Minor};
    let check = |impact: Option<Impact>, min: Impact, phase: Phase, set: fn(&mut Scene), expected: Told| {
        check(&format!("{impact:?} at least {min:?} in {phase:?}"), expected, |s| {
            s.story.case.facts.impact = impact;
            s.story.case.facts.phase = phase;
            s.client.min_impact = min;
            set(s);
        });
    };
    let open = Phase::Investigating;
    check(Some(Minor), Major, open, |_| {}, Told::Nothing);
    check(Some(Major), Major, open, |_| {}, Told::Open(Confirmed));
    check(Some(Critical), Major, open, |_| {}, Told::Open(Confirmed));
    check(Some(Impact::None), Impact::None, open, |_| {}, Told::Open(Confirmed));
    check(Some(Impact::None), Minor, open, |_| {}, Told::Nothing);
    check(None, Critical, open, |_| {}, Told::Open(Confirmed));
    // Falling below changes nothing for those told, nor for those about to be told.
    check(Some(Minor), Major, open, |s| s.thread = Some(told(3)), Told::Open(Confirmed));
    check(Some(Minor), Major, open, |s| s.thread = Some(waiting(0, 3)), Told::Open(Confirmed));
    // Whoever was told has entered: it is reopened for them at any impact.
    check(Some(Minor), Major, open, |s| s.thread = Some(over(3)), Told::Open(Confirmed));
    check(Some(Minor), Major, open, |s| ended(s, Phase::Resolved, Kind::Resolved), Told::Nothing);
    // Maintenance has its own switch.
    check(Some(Maintenance), Critical, Phase::Scheduled, |_| {}, Told::Open(Confirmed));
    check(Some(Minor), Critical, Phase::InProgress, |_| {}, Told::Open(Confirmed));
    check(None, Critical, Phase::Scheduled, |s| s.client.maintenance = false, Told::Nothing);
    check(Some(Maintenance), Impact::None, open, |s| s.client.maintenance = false, Told::Nothing);
    check(Some(Major), Impact::None, open, |s| s.client.maintenance = false, Told::Open(Confirmed));
    let told_of_work = |s: &mut Scene| {
        s.client.maintenance = false;
        s.thread = Some(told(3));
    };
    check(Some(Maintenance), Impact::None, Phase::InProgress, told_of_work, Told::Open(Confirmed));
}

#[test]
fn told_once_is_told_to_the_end() {
    check("news for whoever is in", Told::Open(Confirmed), |s| s.thread = Some(told(3)));
    check("the end for whoever is in", Told::Over(Kind::Resolved), |s| {
        s.thread = Some(told(3));
        ended(s, Phase::Resolved, Kind::Resolved);
    });
    check("the end although nothing concerns them now", Told::Over(Kind::Resolved), |s| {
        s.thread = Some(told(3));
        names(s, &["Search"]);
        s.client.priorities = vec!["payments".into()];
        ended(s, Phase::Resolved, Kind::Resolved);
    });
    check("the end although the file names no priorities any more", Told::Over(Kind::Resolved), |s| {
        s.thread = Some(told(3));
        s.client.priorities.clear();
        ended(s, Phase::Resolved, Kind::Resolved);
    });
    check("an edited file does not end a case", Told::Open(Confirmed), |s| {
        s.thread = Some(told(3));
        s.client.priorities = vec!["search".into()];
    });
    check("withdrawn", Told::Over(Kind::Withdrawn), |s| {
        s.thread = Some(told(3));
        ended(s, Phase::Resolved, Kind::Withdrawn);
    });
    check("cancelled work", Told::Over(Kind::Cancelled), |s| {
        s.thread = Some(told(3));
        ended(s, Phase::Cancelled, Kind::Cancelled);
    });
    check("whoever is already out hears no second end", Told::Nothing, |s| {
        s.thread = Some(over(3));
        ended(s, Phase::Resolved, Kind::Resolved);
    });
    check("an opening that was never sent ends with the end", Told::Over(Kind::Resolved), |s| {
        s.thread = Some(waiting(0, 3));
        ended(s, Phase::Resolved, Kind::Resolved);
    });
}

#[test]
fn an_end_goes_to_those_who_were_told_or_as_a_whole_to_all() {
    let kinds = |s: &mut Scene, kinds: &[Kind]| {
        ended(s, Phase::Resolved, Kind::Resolved);
        s.kinds = kinds.to_vec();
    };
    check("others were told, this client never", Told::Nothing, |s| kinds(s, &[Kind::Resolved]));
    check("opened and over in one", Told::Over(Kind::Resolved), |s| kinds(s, &[Kind::Resolved, Kind::Opened]));
    check("found at first sight", Told::Over(Kind::Resolved), |s| {
        kinds(s, &[Kind::Resolved]);
        s.story.case.facts.silent_since_first_sight = true;
    });
    check("as a whole, yet it concerns only others", Told::Nothing, |s| {
        kinds(s, &[Kind::Resolved, Kind::Opened]);
        s.client.priorities = vec!["search".into()];
    });
    check("as a whole, yet below their threshold", Told::Nothing, |s| {
        kinds(s, &[Kind::Resolved, Kind::Opened]);
        s.client.min_impact = Impact::Critical;
    });
    check("withdrawn before anybody was told", Told::Nothing, |s| {
        kinds(s, &[Kind::Withdrawn, Kind::Opened]);
        s.story.case.facts.silent_since_first_sight = true;
    });
    check("planned work closed by hand before anybody was told", Told::Nothing, |s| {
        ended(s, Phase::Cancelled, Kind::Cancelled);
        s.kinds.push(Kind::Opened);
        s.story.case.facts.closed_by_hand = true;
    });
    check("a new contact in place of the one that was told", Told::Over(Kind::Resolved), |s| {
        kinds(s, &[Kind::Resolved]);
        s.former = Some(told(3));
    });
    check("a new contact in place of one that was told the end", Told::Nothing, |s| {
        kinds(s, &[Kind::Resolved]);
        s.former = Some(over(3));
    });
    check("a former contact counts no more once a present one has a thread", Told::Nothing, |s| {
        kinds(s, &[Kind::Resolved]);
        (s.former, s.thread) = (Some(told(3)), Some(over(4)));
    });
}

#[test]
fn unaffected_is_told_to_whoever_was_in_and_is_concerned_by_nothing() {
    let removed = |s: &mut Scene| {
        names(s, &["Search"]);
        s.client.priorities = vec!["payments".into()];
        s.kinds = vec![Kind::Unaffected];
    };
    check("told, and nothing of theirs is left", Told::Over(Kind::Unaffected), |s| {
        removed(s);
        s.thread = Some(told(3));
    });
    check("never told", Told::Nothing, removed);
    check("told already that it is over", Told::Nothing, |s| {
        removed(s);
        s.thread = Some(over(3));
    });
    check("another component of theirs is still named", Told::Nothing, |s| {
        removed(s);
        s.thread = Some(told(3));
        s.client.priorities.push("search".into());
    });
    check("what they depend on is still named", Told::Nothing, |s| {
        removed(s);
        s.thread = Some(told(3));
        names(s, &["Payments API"]);
        s.client.priorities = vec!["checkout".into()];
    });
    check("news came with it: for whom nothing is left", Told::Over(Kind::Unaffected), |s| {
        removed(s);
        s.thread = Some(told(3));
        s.kinds = vec![Kind::Unaffected, Kind::Worse];
    });
    check("news came with it: for the others", Told::Open(Confirmed), |s| {
        removed(s);
        s.thread = Some(told(3));
        s.kinds = vec![Kind::Unaffected, Kind::Worse];
        s.client.priorities = vec!["search".into()];
    });
    check("removed just now: news about others waits", Told::Nothing, |s| {
        removed(s);
        s.thread = Some(told(3));
        s.kinds = vec![Kind::Updated];
        s.story.case.timers.unaffected_at = Some(at(12));
    });
    check("removed just now: the promise is kept", Told::Open(Confirmed), |s| {
        removed(s);
        s.thread = Some(told(3));
        s.kinds = vec![Kind::Due];
        s.story.case.timers.unaffected_at = Some(at(12));
    });
    check("back again", Told::Open(Confirmed), |s| {
        s.thread = Some(over(3));
        s.variant.closing = Some(Kind::Unaffected);
        s.kinds = vec![Kind::Wider];
    });
}

#[test]
fn whoever_enters_later_gets_it_and_a_promise_is_kept_only_to_those_told() {
    let with = |kind: Kind, thread: Option<Thread>| {
        move |s: &mut Scene| {
            s.kinds = vec![kind];
            s.thread = thread;
        }
    };
    check("a new client, at the next news", Told::Open(Confirmed), with(Kind::Updated, None));
    check("a new client, at a mere promise", Told::Nothing, with(Kind::Due, None));
    check("due for whoever was told", Told::Open(Confirmed), with(Kind::Due, Some(told(3))));
    check("not with something unsent", Told::Nothing, with(Kind::Due, Some(waiting(3, 4))));
    check("not for whom nothing was ever sent", Told::Nothing, with(Kind::Due, Some(told(0))));
    check("not for whom it is over", Told::Nothing, with(Kind::Due, Some(over(3))));
    check("not for the possibly affected", Told::Nothing, |s| {
        (s.story.case.facts.scope, s.story.case.facts.components) = (Scope::Everyone, vec![]);
        s.thread = Some(told(3));
        s.variant.affected = Possibly;
        s.kinds = vec![Kind::Due];
    });
    check("news that came with it is news", Told::Open(Confirmed), |s| s.kinds = vec![Kind::Updated, Kind::Due]);
}
