//! What a notice promises, and what it asks of the client.

use super::*;

#[test]
fn a_promise_is_never_past_and_is_made_only_where_it_will_be_kept() {
    let check =
        |why: &str, scene: Scene, expected: Option<Timestamp>| assert_eq!(scene.notice().next_word, expected, "{why}");
    let news = || scene(&[change(2, &[Kind::Updated])]);
    check("confirmed and open", news(), Some(at(70)));
    check("past", news().with(|s| s.next_word = Some(at(64))), None);
    check("now", news().with(|s| s.next_word = Some(at(65))), None);
    check("possibly", news().with(|s| s.variant = variant(Possibly, None)), None);
    check("the end", news().closed(Kind::Resolved), None);
    check(
        "no longer theirs, the case goes on",
        news().with(|s| {
            s.thread.standing = Standing::Out;
            s.variant.closing = Some(Kind::Unaffected);
        }),
        None,
    );
    check("nobody promised", news().with(|s| s.next_word = None), None);
}

#[test]
fn what_was_promised_and_lost_from_sight_belongs_to_a_word_without_news() {
    let due = |sequence: i64| {
        with_facts(sequence, &[Kind::Due], |f| (f.promised, f.lost_sight_since) = (Some(at(60)), Some(at(40))))
    };
    let check = |why: &str, unsent: &[Change], promised: Option<Timestamp>, lost: Option<Timestamp>| {
        let notice = scene(unsent).notice();
        assert_eq!((notice.promised, notice.lost_sight_since), (promised, lost), "{why}");
    };
    check("nothing new", &[due(2)], Some(at(60)), Some(at(40)));
    check("twice nothing new", &[due(2), due(3)], Some(at(60)), Some(at(40)));
    check("then news: the source is in sight", &[due(2), change(3, &[Kind::Updated])], None, None);
    let daily =
        |last_news: i64| scene(&[due(2)]).with(|s| s.story.case.facts.last_news_at = at(last_news)).notice().is_daily;
    assert!(!daily(0));
    assert!(!daily(65 - 24 * 60 + 1));
    assert!(daily(65 - 24 * 60));
}

#[test]
fn an_action_is_new_once_then_still_stands_then_is_called_off_with_its_undo() {
    let (pause, other, maybe) =
        (action("pause", Need::Required), action("other", Need::Required), action("maybe", Need::Maybe));
    let check = |why: &str, asked: &[&Action], told: &[&Action], now: &[&Action], expected: (bool, bool, &[&str])| {
        let of = |actions: &[&Action]| asking(&actions.iter().map(|a| (*a).clone()).collect::<Vec<_>>());
        let notice = scene(&[change(2, &[Kind::Updated])])
            .with(|s| (s.asked, s.told_variant, s.variant) = (vec![of(asked)], Some(of(told)), of(now)))
            .notice();
        let guidance = &notice.guidance;
        let called_off: Vec<&str> = guidance.called_off.iter().map(|a| a.id.as_str()).collect();
        assert_eq!((guidance.newly_required, guidance.still_required, &called_off[..]), expected, "{why}");
        assert!(guidance.undo.is_empty(), "{why}: the undo belongs to the end");
        assert!(guidance.called_off.iter().all(|a| a.undo.is_some()), "{why}: called off with its undo");
        let reason = if guidance.newly_required { Kind::Action } else { Kind::Updated };
        assert_eq!(notice.reason, reason, "{why}");
    };
    check("told for the first time", &[], &[], &[&pause], (true, false, &[]));
    check("told before", &[&pause], &[&pause], &[&pause], (false, true, &[]));
    check("a second one comes", &[&pause], &[&pause], &[&pause, &other], (true, false, &[]));
    check("replaced", &[&pause], &[&pause], &[&other], (true, false, &["pause"]));
    check("holds no more", &[&pause], &[&pause], &[], (false, false, &["pause"]));
    check("called off before", &[&pause], &[], &[], (false, false, &[]));
    check("gone and back before it was told", &[&pause], &[&pause], &[&pause], (false, true, &[]));
    check("required no more, but still good", &[&maybe], &[&maybe], &[&maybe], (false, false, &[]));
    check("advice is not called off", &[], &[&action("advice", Need::None)], &[], (false, false, &[]));
}

#[test]
fn at_the_end_the_undo_is_told_of_what_this_contact_was_told_and_still_stood() {
    let pause = action("pause", Need::Required);
    let check =
        |why: &str, asked: Vec<Variant>, told: Option<Variant>, now: Vec<Action>, kind: Kind, expected: &[&str]| {
            let notice = scene(&[change(2, &[kind])])
                .closed(kind)
                .with(|s| {
                    (s.asked, s.told_variant) = (asked, told);
                    s.variant.actions = now;
                })
                .notice();
            let undo: Vec<&str> = notice.guidance.undo.iter().map(|a| a.id.as_str()).collect();
            assert_eq!(undo, expected, "{why}");
            assert!(notice.guidance.called_off.is_empty(), "{why}");
            assert_eq!(notice.reason, kind, "{why}: the end is the reason, whatever is to be done");
        };
    let asked = || asking(std::slice::from_ref(&pause));
    let nothing = || Some(asking(&[]));
    check("told to do it", vec![asked()], Some(asked()), vec![], Kind::Resolved, &["pause"]);
    check("no longer theirs", vec![asked()], Some(asked()), vec![], Kind::Unaffected, &["pause"]);
    check("withdrawn", vec![asked()], Some(asked()), vec![], Kind::Withdrawn, &["pause"]);
    check("never told to do anything", vec![], nothing(), vec![], Kind::Resolved, &[]);
    check("called off before, with its undo", vec![asked()], nothing(), vec![], Kind::Resolved, &[]);
    check("still to be done after the end", vec![asked()], Some(asked()), vec![pause.clone()], Kind::Resolved, &[]);
    check(
        "no undo is known",
        vec![asked()],
        Some(asking(&[Action { undo: None, ..pause.clone() }])),
        vec![],
        Kind::Resolved,
        &[],
    );
    let after = scene(&[change(2, &[Kind::Postmortem])]).with(|s| {
        s.story.case.state = CaseState::Ended;
        s.thread = Thread { wanted: 2, ..over(1) };
        (s.asked, s.told_variant) = (vec![asked()], Some(Variant { closing: Some(Kind::Resolved), ..asking(&[]) }));
    });
    assert_eq!(after.notice().guidance.undo.len(), 0, "the end has told it");
}

#[test]
fn where_it_is_not_said_to_be_over_every_step_falls_away_aloud() {
    let (pause, tell) = (action("pause", Need::Required), Action { undo: None, ..action("tell", Need::Required) });
    let check =
        |why: &str, kind: Kind, closed_at: Option<Timestamp>, called_off: &[&str], ended_at: Option<Timestamp>| {
            let asked = || asking(&[pause.clone(), tell.clone()]);
            let notice = scene(&[with_facts(2, &[kind], |facts| facts.closed_by_hand_at = closed_at)])
                .closed(kind)
                .with(|s| (s.asked, s.told_variant) = (vec![asked()], Some(asked())))
                .notice();
            let ids = |actions: &[Action]| actions.iter().map(|a| a.id.clone()).collect::<Vec<_>>();
            assert_eq!(
                (ids(&notice.guidance.undo), ids(&notice.guidance.called_off)),
                (vec!["pause".to_owned()], called_off.iter().map(|id| (*id).to_owned()).collect()),
                "{why}"
            );
            assert_eq!((notice.case.closed_by_hand_at, notice.case.ended_at), (closed_at, ended_at), "{why}");
        };
    check("over: what was to be done about it may still have to be done", Kind::Resolved, None, &[], Some(at(60)));
    check("withdrawn: nobody says that it is over", Kind::Withdrawn, None, &["tell"], None);
    check("closed by hand: nor does the close", Kind::Withdrawn, Some(at(60)), &["tell"], None);
    check("planned work closed by hand", Kind::Cancelled, Some(at(60)), &["tell"], None);
    check("it does not take place", Kind::Cancelled, None, &["tell"], Some(at(60)));
}

#[test]
fn whom_it_is_for_comes_from_planning() {
    let notice = scene(&[change(2, &[Kind::Updated])])
        .with(|s| {
            s.variant.untouched = vec![(2, "Search".into())];
            s.story.case.facts.components = vec!["payments-eu".into(), "Billing".into()];
        })
        .notice();
    assert_eq!(notice.concerned, [(1, "Payments API".to_owned())]);
    assert_eq!(notice.untouched, [(2, "Search".to_owned())]);
    assert_eq!(
        (notice.case.components, notice.case.component_ids),
        (vec!["Payments EU".to_owned()], vec!["payments-eu".to_owned()])
    );
    let unmapped =
        scene(&[change(2, &[Kind::Updated])]).with(|s| s.story.case.facts.components = vec!["Billing".into()]).notice();
    assert_eq!((unmapped.case.components, unmapped.case.component_ids.len()), (vec!["Billing".to_owned()], 0));
}
