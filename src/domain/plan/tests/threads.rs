//! On which threads, when, in which episode and about what: the rest of `semantics.md` §3 and §4.

use super::*;

#[test]
fn afterwards_only_those_are_told_who_were_told() {
    let check = |why: &str, thread: Option<Thread>, closing: Option<Kind>, expected: Told| {
        check(why, expected, |s| {
            ended(s, Phase::Resolved, Kind::Postmortem);
            s.thread = thread;
            s.variant.closing = closing;
        });
    };
    check("told the end", Some(over(3)), Some(Kind::Resolved), Told::Afterwards);
    check("told since", Some(over(4)), None, Told::Afterwards);
    check("never told", None, None, Told::Nothing);
    check(
        "raised, sent to nobody, and done with",
        Some(Thread { standing: Standing::Out, ..told(0) }),
        None,
        Told::Nothing,
    );
    check("it was no longer theirs", Some(over(3)), Some(Kind::Unaffected), Told::Nothing);
    let end_unsent = Thread { standing: Standing::Out, ..waiting(3, 4) };
    check("the end itself is unsent", Some(end_unsent), Some(Kind::Resolved), Told::Over(Kind::Resolved));
    check("the end was never planned for them", Some(told(3)), None, Told::Over(Kind::Resolved));
}

#[test]
fn a_reopening_begins_the_next_episode_of_whoever_was_told_the_end() {
    let check = |why: &str, thread: Option<Thread>, kind: Kind, expected: bool| {
        let scene = Scene::new(|s| {
            s.thread = thread;
            s.kinds = vec![kind];
        });
        assert_eq!(scene.raise().expect("it concerns them").begins_episode, expected, "{why}");
    };
    check("told the end", Some(over(3)), Kind::Reopened, true);
    check(
        "the end was never sent: they are still in the first",
        Some(Thread { owed: true, standing: Standing::Out, ..waiting(3, 4) }),
        Kind::Reopened,
        false,
    );
    check("a new thread begins by itself", None, Kind::Reopened, false);
    check("raised and never told", Some(Thread { standing: Standing::Out, ..waiting(0, 4) }), Kind::Reopened, false);
    check("still in", Some(told(3)), Kind::Updated, false);
    check("back after it was no longer theirs", Some(over(3)), Kind::Wider, true);
}

#[test]
fn within_a_change_required_goes_first_then_confirmed_then_by_rank_then_the_longest_untold() {
    let due = |set: &dyn Fn(&mut Scene)| Scene::new(|s| set(s)).raise().expect("it concerns them").due_at;
    let required = entry("pause", Need::Required);
    let in_order: [&dyn Fn(&mut Scene); 6] = [
        &|s| {
            s.playbook = vec![required.clone()];
            names(s, &["Search"]);
        },
        &|_| {},
        &|s| s.thread = Some(told(2)),
        &|s| s.thread = Some(told(4)),
        &|s| names(s, &["Search"]),
        &|s| s.client.priorities = vec!["checkout".into()],
    ];
    let times: Vec<_> = in_order.iter().map(|set| due(*set)).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
    assert!(times.iter().all(|time| *time < at(10)), "nobody waits for the order");
}

#[test]
fn a_fallback_contact_is_due_five_minutes_later() {
    let scene = Scene::new(|s| s.contact.fallback = true);
    let raise = scene.raise().expect("it concerns them");
    assert_eq!(raise.due_at, at(10) + FALLBACK_AFTER);
    assert_eq!(FALLBACK_AFTER, SignedDuration::from_mins(5));
}

#[test]
fn only_news_at_once_brings_forward_only_a_long_wait_and_tries_again_what_was_refused() {
    let check = |kind: Kind, due_in: i64, fallback: bool, expected: Waiting| {
        let scene = Scene::new(|s| {
            s.kinds = vec![kind];
            s.thread = Some(Thread { due_at: Some(at(10 + due_in)), attempts: 4, ..waiting(3, 4) });
            s.contact.fallback = fallback;
        });
        assert_eq!(scene.raise().expect("it concerns them").waiting, expected, "{kind:?} in {due_in} min");
    };
    check(Kind::Worse, 30, false, Waiting::BroughtForward);
    check(Kind::Worse, 5, false, Waiting::TriedAgain);
    check(Kind::Updated, 30, false, Waiting::Keeps);
    check(Kind::Worse, 30, true, Waiting::TriedAgain);
    let refused = |kind: Kind, standing: Standing, expected: Waiting| {
        let scene = Scene::new(|s| {
            if standing == Standing::Out || kind.is_closing() || kind == Kind::Postmortem {
                ended(s, Phase::Resolved, kind);
            }
            s.kinds = vec![kind];
            s.variant.closing = (standing == Standing::Out).then_some(Kind::Resolved);
            s.thread = Some(Thread { state: ThreadState::Failed, due_at: None, standing, ..waiting(3, 4) });
        });
        assert_eq!(scene.raise().expect("it concerns them").waiting, expected, "{kind:?}, refused");
    };
    for kind in [Kind::Worse, Kind::Back, Kind::Resolved, Kind::Withdrawn, Kind::Completed, Kind::Cancelled] {
        refused(kind, Standing::In, Waiting::TriedAgain);
    }
    for kind in [Kind::Updated, Kind::Phase, Kind::Better] {
        refused(kind, Standing::In, Waiting::Keeps);
    }
    // The end was never planned for them; the end itself was refused.
    refused(Kind::Postmortem, Standing::In, Waiting::TriedAgain);
    refused(Kind::Postmortem, Standing::Out, Waiting::Keeps);
}

#[test]
fn every_contact_of_a_client_hears_and_each_its_own_end() {
    let (story, catalog, contact) =
        (Scene::new(|s| ended(s, Phase::Resolved, Kind::Postmortem)).story, catalog(), contact());
    let change = change(5, &[Kind::Postmortem]);
    let planning = Planning::new(&story, &change, &catalog, &[], "en", at(10));
    let (sent, unsent) = (over(4), Thread { standing: Standing::Out, ..waiting(3, 4) });
    let end = variant(Confirmed, Some(Kind::Resolved));
    let known = |contact_key, thread| Known { contact_key, contact: &contact, thread, variant: thread.map(|_| &end) };
    let raises =
        planning.client(&client(&["payments"]), &[known(1, Some(&sent)), known(2, Some(&unsent)), known(3, None)]);
    let found: Vec<_> = raises.iter().map(|raise| (raise.contact_key, raise.variant.closing)).collect();
    assert_eq!(found, [(1, None), (2, Some(Kind::Resolved))]);
}

#[test]
fn the_time_for_an_action_counts_from_the_first_notice_and_stays() {
    let playbook = || vec![Entry { by: Some(std::time::Duration::from_secs(3600)), ..entry("pause", Need::Required) }];
    let by = |set: &dyn Fn(&mut Scene)| {
        let scene = Scene::new(|s| {
            s.playbook = playbook();
            set(s);
        });
        scene.raise().expect("it concerns them").variant.actions[0].by
    };
    assert_eq!(by(&|_| {}), Some(at(70)));
    let told_before = |s: &mut Scene| {
        s.thread = Some(told(3));
        s.variant.actions = vec![crate::domain::notice::Action {
            by: Some(at(61)),
            ..crate::domain::fixtures::action("pause", Need::Required)
        }];
    };
    assert_eq!(by(&told_before), Some(at(61)));
}

#[test]
fn a_notice_names_the_client_s_own_priority() {
    let check = |components: &[&str], priorities: &[&str], concerned: &[(u32, &str)], untouched: &[(u32, &str)]| {
        let scene = Scene::new(|s| {
            names(s, components);
            s.client.priorities = client(priorities).priorities;
            if components.is_empty() {
                s.story.case.facts.scope = Scope::Everyone;
            }
        });
        let variant = scene.raise().expect("it concerns them").variant;
        let own = |names: &[(u32, &str)]| names.iter().map(|(r, n)| (*r, (*n).to_owned())).collect::<Vec<_>>();
        assert_eq!(
            (variant.concerned, variant.untouched),
            (own(concerned), own(untouched)),
            "{components:?} {priorities:?}"
        );
    };
    check(&["Payments API"], &["payments", "search"], &[(1, "Payments API")], &[(2, "Search")]);
    check(&["Search", "Payments API"], &["payments", "search"], &[(1, "Payments API"), (2, "Search")], &[]);
    check(&["Search"], &["payments", "search"], &[(2, "Search")], &[(1, "Payments API")]);
    // What leans on it is neither named as hit beside the sure one nor as untouched.
    check(&["Payments API"], &["checkout", "payments"], &[(2, "Payments API")], &[]);
    check(&["Payments API"], &["checkout", "search"], &[(1, "Checkout")], &[(2, "Search")]);
    // What stands before `*` has its rank, everything else has none.
    check(&["Payments API"], &["payments", "*"], &[(1, "Payments API")], &[]);
    check(&["Search"], &["payments", "*"], &[(0, "Search")], &[(1, "Payments API")]);
    check(&["Search", "Payments API"], &["payments", "*"], &[(1, "Payments API"), (0, "Search")], &[]);
    check(&["Payments EU"], &["payments", "*"], &[(1, "Payments API")], &[]);
    check(&["Payments API"], &["checkout", "*"], &[(0, "Payments API")], &[]);
    // `*` ranks nothing, and where nothing is named nothing is said to be well.
    check(&["Payments API", "Search"], &["*"], &[], &[]);
    check(&[], &["payments", "search"], &[], &[]);
}

#[test]
fn whoever_is_named_no_more_is_told_about_what_concerned_them() {
    let scene = Scene::new(|s| {
        names(s, &["Search"]);
        s.client.priorities = vec!["payments".into(), "checkout".into()];
        s.thread = Some(told(3));
        s.kinds = vec![Kind::Unaffected];
    });
    let variant = scene.raise().expect("a closing notice").variant;
    assert_eq!(variant.concerned, [(1, "Payments API".to_owned())]);
    assert_eq!(variant.untouched, [(2, "Checkout".to_owned())]);
    assert_eq!((variant.need, variant.actions.len()), (Need::None, 0));
}
