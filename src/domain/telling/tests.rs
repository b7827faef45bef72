//! The one notice that a contact gets: the sentences of `semantics.md` §2, §3, §5 and §6 on its content.

mod guidance;
mod reopened;

use jiff::Timestamp;

use super::Telling;
use crate::domain::case::{CaseState, Change, ChangeFacts, Story};
use crate::domain::fixtures::{action, at, catalog, change, over, story, update, variant, version, waiting};
use crate::domain::incident::{Impact, Need, Origin, Phase};
use crate::domain::notice::{Action, Affected, Kind, Notice, Voice};
use crate::domain::thread::{Standing, Thread, Variant};

use Affected::{Confirmed, Possibly};

/// What the store holds when the contact's message is made.
struct Scene {
    story: Story,
    thread: Thread,
    variant: Variant,
    told_variant: Option<Variant>,
    asked: Vec<Variant>,
    next_word: Option<Timestamp>,
}

/// A contact told the first change, with those changes unsent after it.
fn scene(unsent: &[Change]) -> Scene {
    let mut story = story();
    story.changes.push(change(1, &[Kind::Opened]));
    story.changes.extend_from_slice(unsent);
    let until = story.changes.last().map_or(1, |change| change.sequence);
    story.case.sequence = until;
    Scene {
        story,
        thread: waiting(1, until),
        variant: variant(Confirmed, None),
        told_variant: Some(variant(Confirmed, None)),
        asked: vec![],
        next_word: Some(at(70)),
    }
}

impl Scene {
    fn with(mut self, set: impl FnOnce(&mut Scene)) -> Scene {
        set(&mut self);
        self
    }

    /// A contact that has not been told anything of the case.
    fn untold(self) -> Scene {
        self.with(|s| {
            s.thread = waiting(0, s.thread.wanted);
            s.told_variant = None;
        })
    }

    fn closed(self, kind: Kind) -> Scene {
        self.with(|s| {
            s.thread.standing = Standing::Out;
            s.variant.closing = Some(kind);
            s.story.case.state = CaseState::Ended;
            s.story.case.facts.phase = Phase::Resolved;
            s.story.case.facts.resolved_at = Some(at(60));
            if let Some(last) = s.story.changes.last_mut() {
                last.facts.phase = Phase::Resolved;
            }
        })
    }

    fn notice(&self) -> Notice {
        let asked: Vec<&Variant> = self.asked.iter().collect();
        Telling {
            story: &self.story,
            thread: &self.thread,
            until: self.thread.wanted,
            variant: &self.variant,
            told_variant: self.told_variant.as_ref(),
            asked: &asked,
            catalog: &catalog(),
            voice: &Voice::Ours(None),
            next_word: self.next_word,
            promises: None,
            now: at(65),
        }
        .notice()
    }
}

fn with_facts(sequence: i64, kinds: &[Kind], set: impl FnOnce(&mut ChangeFacts)) -> Change {
    let mut change = change(sequence, kinds);
    set(&mut change.facts);
    change
}

fn asking(actions: &[Action]) -> Variant {
    let need = actions.iter().map(|a| a.need).max().unwrap_or(Need::None);
    Variant { need, known: true, actions: actions.to_vec(), ..variant(Confirmed, None) }
}

#[test]
fn a_range_is_one_notice_whose_reason_is_the_strongest() {
    let check = |why: &str, scene: Scene, expected: &[Kind]| {
        let notice = scene.notice();
        assert_eq!(notice.changes, expected, "{why}");
        assert_eq!((notice.reason, notice.sequence), (expected[0], scene.thread.wanted), "{why}");
    };
    use Kind::*;
    let folded = || [change(2, &[Updated]), change(3, &[Corrected, Phase]), change(4, &[Updated])];
    check("one", scene(&[change(2, &[Updated])]), &[Updated]);
    check("three in one", scene(&folded()), &[Phase, Corrected]);
    check("nothing new and then something", scene(&[change(2, &[Due]), change(3, &[Updated])]), &[Updated]);
    check("nothing new alone", scene(&[change(2, &[Due])]), &[Due]);
    check("the first word to a contact", scene(&[]).untold(), &[Opened]);
    check("a brief holds why it comes now", scene(&[change(2, &[Wider])]).untold(), &[Opened, Wider]);
    check("the end", scene(&[change(2, &[Updated]), change(3, &[Resolved])]).closed(Resolved), &[Resolved]);
    check("the end as the first word", scene(&[change(2, &[Resolved])]).untold().closed(Resolved), &[Resolved, Opened]);
    check(
        "an end that others were told is not this one's",
        scene(&[change(2, &[Unaffected]), change(3, &[Updated])]),
        &[Updated],
    );
    check(
        "over and open again before it was told",
        scene(&[change(2, &[Resolved]), change(3, &[Reopened])]),
        &[Reopened],
    );
    check(
        "whoever was never told has nothing reopened",
        scene(&[change(2, &[Resolved]), change(3, &[Reopened])]).untold(),
        &[Opened],
    );
    check(
        "told that it is over, and open again",
        scene(&[change(2, &[Reopened])]).with(|s| s.thread = Thread { wanted: 2, ..over(1) }),
        &[Reopened],
    );
    check(
        "an end that waits behind a postmortem is told first of all",
        scene(&[change(2, &[Resolved]), change(3, &[Postmortem])]).closed(Resolved),
        &[Resolved, Postmortem],
    );
    let told_the_end = |s: &mut Scene| s.told_variant = Some(variant(Confirmed, Some(Resolved)));
    check(
        "the end was on its way when the postmortem was planned",
        scene(&[change(2, &[Postmortem])]).closed(Resolved).with(told_the_end),
        &[Postmortem],
    );
    check(
        "open and over again since the end was told",
        scene(&[change(2, &[Reopened]), change(3, &[Resolved])]).closed(Resolved).with(told_the_end),
        &[Resolved, Reopened],
    );
    let after_all = [change(2, &[Reopened]), change(3, &[Resolved]), change(4, &[Postmortem])];
    check(
        "all of it while the first end was on its way",
        scene(&after_all).closed(Resolved).with(told_the_end),
        &[Postmortem],
    );
    check("nothing is left to say but that something was said", scene(&[change(2, &[Opened])]), &[Updated]);
}

#[test]
fn what_has_been_undone_before_it_was_told_is_left_out() {
    let impact = |sequence: i64, kind: Kind, before: Impact, after: Impact| {
        with_facts(sequence, &[kind, Kind::Updated], |f| (f.impact_before, f.impact) = (Some(before), Some(after)))
    };
    let check = |why: &str, unsent: &[Change], expected: &[Kind], before: Option<Impact>| {
        let notice = scene(unsent).notice();
        assert_eq!((&notice.changes[..], notice.case.impact_before), (expected, before), "{why}");
    };
    use Impact::{Critical, Major, Minor};
    use Kind::{Back, Better, Narrower, Updated, Wider, Worse};
    check("risen", &[impact(2, Worse, Minor, Major)], &[Worse], Some(Minor));
    check("risen twice", &[impact(2, Worse, Minor, Major), impact(3, Worse, Major, Critical)], &[Worse], Some(Minor));
    check(
        "risen and fallen again",
        &[impact(2, Worse, Minor, Major), impact(3, Better, Major, Minor)],
        &[Updated],
        None,
    );
    check(
        "risen, and fallen below",
        &[impact(2, Worse, Major, Critical), impact(3, Better, Critical, Minor)],
        &[Better],
        Some(Major),
    );
    let phase = |sequence: i64, kind: Kind, phase: Phase| {
        with_facts(sequence, &[kind, Updated], |f| (f.phase_before, f.phase) = (Some(Phase::Monitoring), phase))
    };
    check("back", &[phase(2, Back, Phase::Investigating)], &[Back], None);
    check(
        "back and forth",
        &[phase(2, Back, Phase::Identified), phase(3, Kind::Phase, Phase::Monitoring)],
        &[Kind::Phase],
        None,
    );
    let named = |sequence: i64, kind: Kind, added: &[&str], removed: &[&str]| {
        with_facts(sequence, &[kind, Updated], |f| {
            f.added = added.iter().map(|n| (*n).to_owned()).collect();
            f.removed = removed.iter().map(|n| (*n).to_owned()).collect();
        })
    };
    check("wider", &[named(2, Wider, &["Search"], &[])], &[Wider], None);
    check("wider for everybody, without a name", &[named(2, Wider, &[], &[])], &[Wider], None);
    check(
        "wider and narrower",
        &[named(2, Wider, &["Search"], &[]), named(3, Narrower, &[], &["Search"])],
        &[Updated],
        None,
    );
    let both = scene(&[named(2, Wider, &["Search", "Checkout"], &[]), named(3, Narrower, &[], &["Search"])]).notice();
    assert_eq!((both.case.added, both.case.removed.len(), both.reason), (vec!["Checkout".to_owned()], 0, Wider));
}

#[test]
fn a_brief_is_told_to_whoever_has_never_been_told_or_was_no_longer_affected() {
    let check = |why: &str, scene: Scene, expected: bool| assert_eq!(scene.notice().is_brief, expected, "{why}");
    let news = || scene(&[change(2, &[Kind::Updated])]);
    check("told before", news(), false);
    check("never told", news().untold(), true);
    check("told to others of the client only", news().untold().with(|s| s.thread.told = 1), true);
    check(
        "back after it was no longer theirs",
        news().with(|s| s.told_variant = Some(variant(Confirmed, Some(Kind::Unaffected)))),
        true,
    );
    check(
        "reopened: they know the story",
        news().with(|s| s.told_variant = Some(variant(Confirmed, Some(Kind::Resolved)))),
        false,
    );
}

#[test]
fn a_notice_holds_the_words_that_this_contact_has_not_been_sent() {
    let check = |why: &str, scene: Scene, expected: &[(&str, Option<&str>)], left_out: u32| {
        let notice = scene.notice();
        let words: Vec<_> = notice
            .case
            .updates
            .iter()
            .map(|w| (w.body.as_str(), w.replaces.as_ref().map(|r| r.body.as_str())))
            .collect();
        assert_eq!((&words[..], notice.case.left_out), (expected, left_out), "{why}");
    };
    let news = |updates: Vec<crate::domain::case::Update>| {
        scene(&[change(2, &[Kind::Updated]), change(3, &[Kind::Corrected])]).with(|s| s.story.updates = updates)
    };
    let three = || vec![update(1, Some(1), "first"), update(2, Some(2), "second"), update(3, Some(3), "third")];
    check("newest first, without what was sent", news(three()), &[("third", None), ("second", None)], 0);
    check(
        "a brief holds the whole story",
        news(three()).untold(),
        &[("third", None), ("second", None), ("first", None)],
        0,
    );
    check(
        "taken in at first sight: part of the story",
        news(vec![update(1, Some(0), "before"), update(2, Some(2), "now")]).untold(),
        &[("now", None), ("before", None)],
        0,
    );
    check("not yet told to anybody", news(vec![update(1, Some(4), "later"), update(2, None, "silent")]), &[], 0);
    let rewritten = |versions| vec![crate::domain::case::Update { versions, ..update(1, Some(1), "now") }];
    check("rewritten: before and now", news(rewritten(vec![version("was", Some(3))])), &[("now", Some("was"))], 0);
    check(
        "rewritten twice: what this contact read",
        news(rewritten(vec![version("between", Some(3)), version("was", Some(2))])),
        &[("now", Some("was"))],
        0,
    );
    check("rewritten before it was told", news(rewritten(vec![version("older", Some(1))])), &[], 0);
    check("typos are not told", news(rewritten(vec![version("noww", None)])), &[], 0);
    let unread = crate::domain::case::Update { versions: vec![version("was", Some(3))], ..update(2, Some(2), "now") };
    check("whoever was not sent the old text gets the new one", news(vec![unread]), &[("now", None)], 0);
    check("rewritten, in a brief", news(rewritten(vec![version("was", Some(3))])).untold(), &[("now", None)], 0);
    let many: Vec<_> = (1..=25).map(|number| update(number, Some(1), "word")).collect();
    check("the oldest of too many are counted", news(many).untold(), &[("word", None); 20], 5);
}

#[test]
fn the_order_of_words_is_that_shown_to_people() {
    let updates = vec![update(1, Some(2), "posted last"), update(2, Some(2), "posted first")];
    let notice = scene(&[change(2, &[Kind::Updated])])
        .with(|s| {
            s.story.updates = updates;
            s.story.updates[0].at = at(30);
            s.story.updates[0].origin = Origin::ByHand;
        })
        .notice();
    let words: Vec<_> = notice.case.updates.iter().map(|w| (w.body.as_str(), w.by_hand)).collect();
    assert_eq!(words, [("posted last", true), ("posted first", false)]);
    assert_eq!(notice.case.first_words.expect("some").body, "posted first");
    assert_eq!(notice.case.last_words.expect("some").body, "posted last");
}

#[test]
fn the_title_is_frozen_at_the_first_notice_and_a_rename_is_told_once() {
    let titled = |sequence: i64, title: &str| with_facts(sequence, &[Kind::Updated], |f| f.title = title.into());
    let check =
        |why: &str, titles: &[&str], told_until: i64, first_told: Option<i64>, title: &str, renamed: Option<&str>| {
            let mut scene = scene(&[]);
            scene.story.changes = (1..).zip(titles).map(|(sequence, title)| titled(sequence, title)).collect();
            scene.story.case.facts.title = (*titles.last().expect("a title")).to_owned();
            let until = i64::try_from(titles.len()).expect("few");
            scene.thread = Thread { first_told, ..waiting(told_until, until) };
            let notice = scene.notice();
            assert_eq!((notice.case.title.as_str(), notice.case.renamed.as_deref()), (title, renamed), "{why}");
        };
    check("never renamed", &["A", "A"], 1, Some(1), "A", None);
    check("renamed since", &["A", "B"], 1, Some(1), "A", Some("B"));
    check("renamed, told, and then news", &["A", "B", "B"], 2, Some(1), "A", None);
    check("renamed again", &["A", "B", "C"], 2, Some(1), "A", Some("C"));
    check("named back", &["A", "B", "A"], 2, Some(1), "A", None);
    check("first told after the rename", &["A", "B"], 0, None, "B", None);
    check("the first notice told the second change", &["A", "B", "B"], 2, Some(2), "B", None);
    // What was renamed without news is told with the next change, not before.
    let quiet = scene(&[change(2, &[Kind::Updated])]).with(|s| s.story.case.facts.title = "C".into()).untold().notice();
    assert_eq!((quiet.case.title.as_str(), quiet.case.renamed), ("Payments fail", None));
}

#[test]
fn phase_and_impact_are_those_of_what_is_told() {
    let notice = scene(&[with_facts(2, &[Kind::Phase], |f| {
        (f.phase_before, f.phase) = (Some(Phase::Investigating), Phase::Identified);
    })])
    .with(|s| {
        // The source has gone on; that change has not been planned for this contact.
        s.story.changes.push(with_facts(3, &[Kind::Resolved], |f| f.phase = Phase::Resolved));
        s.story.case.state = CaseState::Ended;
        s.story.case.facts.phase = Phase::Resolved;
        s.story.case.facts.resolved_at = Some(at(64));
        s.told_variant = Some(asking(&[action("pause", Need::Required)]));
    })
    .notice();
    assert_eq!((notice.case.phase, notice.case.phase_moved, notice.case.ended_at), (Phase::Identified, true, None));
    assert_eq!((notice.guidance.undo.len(), notice.guidance.called_off.len()), (0, 0), "the end tells it");
    assert_eq!(notice.next_word, None, "nothing is promised of what is over");
    let end = scene(&[change(2, &[Kind::Resolved])]).closed(Kind::Resolved).notice();
    assert_eq!((end.case.phase, end.case.ended_at), (Phase::Resolved, Some(at(60))));
}

#[test]
fn a_beginning_that_nobody_stated_is_not_made_up() {
    for stated in [None, Some(at(0))] {
        let notice = scene(&[change(2, &[Kind::Updated])])
            .with(|s| {
                s.story.case.facts.started_at = stated;
                s.story.updates = vec![update(1, Some(1), "It fails."), update(2, Some(2), "We look.")];
            })
            .notice();
        assert_eq!((notice.case.started_at, notice.case.reported_at), (stated, notice.case.first_words.map(|w| w.at)));
    }
}
