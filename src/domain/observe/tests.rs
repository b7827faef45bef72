//! Timelines: what a source says, minute by minute, and what is news of it.

mod odd;
mod pace;
mod scope;
mod words;

use std::time::Duration;

use jiff::Timestamp;

use super::{Context, FeedRules, Observed, Remark, Sight, UnscopedRule, observe};
use crate::domain::case::{CaseState, Scope, Story};
use crate::domain::component::{Catalog, Component};
use crate::domain::incident::{Announce, Impact, Observation, ObservedUpdate, Origin, Part, Phase};
use crate::domain::notice::Kind;
use crate::domain::pace::{Corrections, PaceSettings};

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + minutes * 60).expect("a time within range")
}

fn pace() -> PaceSettings {
    PaceSettings {
        settle: Duration::from_secs(60),
        apart: Duration::from_secs(1800),
        max_age: Duration::from_secs(86_400),
        corrections: Corrections::Open,
    }
}

fn catalog() -> Catalog {
    let component = |id: &str, name: &str| Component {
        id: id.into(),
        name: name.into(),
        matches: vec![],
        words: if id == "search" { vec!["full text index".into()] } else { vec![] },
        part_of: None,
        depends_on: vec![],
    };
    Catalog::new(vec![component("payments", "Payments API"), component("search", "Search")])
}

/// What the source says at one minute; posts are (id, minute, phase, text).
fn says(
    minute: i64,
    phase: Phase,
    impact: Impact,
    components: &[&str],
    posts: &[(&str, i64, Phase, &str)],
) -> Observation {
    Observation {
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
        impact: Some(impact),
        components: Some(components.iter().map(|c| (*c).to_owned()).collect()),
        started_at: Some(at(0)),
        resolved_at: phase.is_over().then(|| at(minute)),
        scheduled_for: None,
        scheduled_until: None,
        url: None,
        revised_at: Some(at(minute)),
        updates: posts
            .iter()
            .map(|(id, minute, phase, body)| ObservedUpdate {
                id: Some((*id).to_owned()),
                phase: Some(*phase),
                body: (*body).to_owned(),
                at: Some(at(*minute)),
                ..ObservedUpdate::default()
            })
            .collect(),
    }
}

/// Follows one case: applies steps as the store would.
struct Following {
    story: Option<Story>,
    sight: Sight,
    rules: FeedRules,
}

impl Following {
    fn new() -> Following {
        Following { story: None, sight: Sight::Watching { last_good_at: Some(at(-1)) }, rules: FeedRules::default() }
    }

    fn see(&mut self, minute: i64, seen: &Observation) -> Observed {
        let (catalog, pace) = (catalog(), pace());
        let context = Context {
            now: at(minute),
            pace: &pace,
            catalog: &catalog,
            playbook: &[],
            feed: &self.rules,
            sight: self.sight,
            new_id: "case-1",
            new_reference: "K7QM",
        };
        let observed = observe(self.story.as_ref(), seen, &context);
        if let Observed::Changed(step) = &observed {
            let mut story =
                self.story.take().unwrap_or(Story { case: step.case.clone(), updates: vec![], changes: vec![] });
            story.case = step.case.clone();
            story.case.key = 1;
            for update in &step.updates {
                story.updates.retain(|u| u.number != update.number);
                story.updates.push(update.clone());
            }
            story.updates.sort_by_key(|u| u.number);
            if let Some(change) = &step.change {
                story.changes.retain(|c| c.sequence != change.sequence);
                story.changes.push(change.clone());
            }
            self.story = Some(story);
        }
        observed
    }

    /// What planning does to the waiting change.
    fn plan(&mut self, minute: i64) {
        let story = self.story.as_mut().expect("a case");
        for change in &mut story.changes {
            if change.planned_at.is_none() {
                change.planned_at = Some(at(minute));
                if !change.is_at_once() {
                    story.case.timers.last_quiet_at = Some(at(minute));
                }
            }
        }
        story.case.facts.silent_since_first_sight = false;
    }

    /// Sees, plans at once, and gives the kinds that were news.
    fn news(&mut self, minute: i64, seen: &Observation) -> Vec<Kind> {
        let kinds = match self.see(minute, seen) {
            Observed::Changed(step) => step.change.map(|c| c.kinds).unwrap_or_default(),
            Observed::Nothing | Observed::Stale | Observed::Incomplete { .. } => vec![],
        };
        if self.story.is_some() {
            self.plan(minute);
        }
        kinds
    }
}

use Impact::{Critical, Major, Minor};
use Phase::{Identified, Investigating, Monitoring, Resolved};

const FIRST: (&str, i64, Phase, &str) = ("u1", 0, Investigating, "One in three payments fails.");
const SECOND: (&str, i64, Phase, &str) = ("u2", 10, Identified, "A certificate has expired.");

fn opened() -> Following {
    let mut following = Following::new();
    assert_eq!(following.news(0, &says(0, Investigating, Major, &["Payments API"], &[FIRST])), [Kind::Opened]);
    following
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_move_of_an_open_case_is_its_own_kind() {
    for (name, seen, expected) in [
        ("the same again", says(5, Investigating, Major, &["Payments API"], &[FIRST]), vec![]),
        ("a new update", says(10, Investigating, Major, &["Payments API"], &[FIRST, SECOND]), vec![Kind::Updated]),
        (
            "the phase moves with an update",
            says(10, Identified, Major, &["Payments API"], &[FIRST, SECOND]),
            vec![Kind::Phase, Kind::Updated],
        ),
        ("the phase alone", says(10, Identified, Major, &["Payments API"], &[FIRST]), vec![Kind::Phase]),
        ("impact up", says(10, Investigating, Critical, &["Payments API"], &[FIRST]), vec![Kind::Worse]),
        ("impact down", says(10, Investigating, Minor, &["Payments API"], &[FIRST]), vec![Kind::Better]),
        ("a component more", says(10, Investigating, Major, &["Payments API", "Search"], &[FIRST]), vec![Kind::Wider]),
        ("another component", says(10, Investigating, Major, &["Search"], &[FIRST]), vec![Kind::Wider, Kind::Narrower]),
        ("no component named any more says nothing", says(10, Investigating, Major, &[], &[FIRST]), vec![]),
        (
            "the end",
            says(20, Resolved, Major, &["Payments API"], &[FIRST, ("u3", 20, Resolved, "Over.")]),
            vec![Kind::Resolved, Kind::Updated],
        ),
        (
            "white space and markup are not news",
            says(
                10,
                Investigating,
                Major,
                &["Payments API"],
                &[("u1", 0, Investigating, "<p>One in three  payments fails.</p>")],
            ),
            vec![],
        ),
        (
            "a typo is not news",
            says(
                10,
                Investigating,
                Major,
                &["Payments API"],
                &[("u1", 0, Investigating, "One in three paymetns fails.")],
            ),
            vec![],
        ),
        (
            "another text is a correction",
            says(
                10,
                Investigating,
                Major,
                &["Payments API"],
                &[("u1", 0, Investigating, "One in nine payments fails.")],
            ),
            vec![Kind::Corrected],
        ),
        (
            "a rewrite that comes with an update is folded into it",
            says(
                10,
                Investigating,
                Major,
                &["Payments API"],
                &[("u1", 0, Investigating, "All payments fail."), SECOND],
            ),
            vec![Kind::Updated],
        ),
        (
            "the same text under another id is not news",
            says(
                10,
                Investigating,
                Major,
                &["Payments API"],
                &[FIRST, ("u9", 9, Investigating, "One in three payments fails.")],
            ),
            vec![],
        ),
    ] {
        assert_eq!(opened().news(10, &seen), expected, "{name}");
    }
}

#[test]
fn back_from_monitoring_is_news_of_its_own() {
    let mut following = opened();
    assert_eq!(following.news(10, &says(10, Monitoring, Major, &["Payments API"], &[FIRST])), [Kind::Phase]);
    assert_eq!(following.news(20, &says(20, Investigating, Major, &["Payments API"], &[FIRST])), [Kind::Back]);
}

#[test]
fn an_older_copy_is_ignored_and_an_ended_case_is_never_reopened_by_one() {
    let mut following = opened();
    let end = says(30, Resolved, Major, &["Payments API"], &[FIRST, ("u3", 30, Resolved, "Over.")]);
    assert!(following.news(30, &end).contains(&Kind::Resolved));
    let old = says(10, Identified, Major, &["Payments API"], &[FIRST, SECOND]);
    for minute in [31, 60, 95, 300] {
        assert_eq!(following.news(minute, &old), [], "minute {minute}");
        assert_eq!(following.story.as_ref().map(|s| s.case.state), Some(CaseState::Ended));
    }
}

#[test]
fn an_hour_of_older_reads_is_believed_while_the_case_is_open() {
    let mut following = opened();
    following.news(30, &says(30, Identified, Major, &["Payments API"], &[FIRST, SECOND]));
    let old = says(20, Investigating, Major, &["Payments API"], &[FIRST]);
    following.see(31, &old);
    assert_eq!(following.see(32, &old), Observed::Stale);
    assert_eq!(following.news(60, &old), []);
    assert_eq!(following.news(95, &old), [Kind::Phase]);
}

#[test]
fn a_reopening_begins_the_next_episode() {
    let mut following = opened();
    following.news(30, &says(30, Resolved, Major, &["Payments API"], &[FIRST, ("u3", 30, Resolved, "Over.")]));
    let again = says(
        50,
        Investigating,
        Major,
        &["Payments API"],
        &[FIRST, ("u3", 30, Resolved, "Over."), ("u4", 50, Investigating, "It fails again.")],
    );
    assert_eq!(following.news(50, &again), [Kind::Reopened, Kind::Updated]);
    let case = &following.story.as_ref().expect("a case").case;
    assert_eq!((case.state, case.episode, case.ended_at), (CaseState::Open, 2, None));
}

#[test]
fn the_first_sight_tells_nobody_and_the_next_change_tells_the_whole() {
    let mut following = Following { sight: Sight::First, ..Following::new() };
    assert_eq!(following.news(0, &says(0, Investigating, Major, &["Payments API"], &[FIRST])), []);
    assert!(following.story.as_ref().is_some_and(|s| s.case.timers.wake_at().is_none()), "no promise either");
    following.sight = Sight::Watching { last_good_at: Some(at(0)) };
    assert_eq!(following.news(1, &says(0, Investigating, Major, &["Payments API"], &[FIRST])), []);
    let news = following.news(10, &says(10, Identified, Major, &["Payments API"], &[FIRST, SECOND]));
    assert_eq!(news, [Kind::Phase, Kind::Updated]);
    let told: Vec<Option<i64>> = following.story.expect("a case").updates.iter().map(|u| u.sequence).collect();
    assert_eq!(told, [Some(0), Some(1)], "the first words are part of the story, the second are the news");
}

#[test]
fn what_was_over_before_we_watched_is_history() {
    let over = |first: i64, end: i64| {
        says(
            end,
            Resolved,
            Major,
            &["Payments API"],
            &[("u1", first, Investigating, "It fails."), ("u2", end, Resolved, "Over.")],
        )
    };
    for (name, sight, now, seen, expected) in [
        ("at first sight", Sight::First, 0, over(-60, -30), vec![]),
        ("begun before our last good read", Sight::Watching { last_good_at: Some(at(-40)) }, 0, over(-60, -30), vec![]),
        (
            "begun and ended between two reads",
            Sight::Watching { last_good_at: Some(at(-90)) },
            0,
            over(-60, -30),
            vec![Kind::Resolved, Kind::Opened],
        ),
        ("ended too long ago", Sight::Watching { last_good_at: Some(at(-9000)) }, 0, over(-4000, -3000), vec![]),
    ] {
        let mut following = Following { sight, ..Following::new() };
        let mut news = following.news(now, &seen);
        news.retain(|kind| *kind != Kind::Updated || expected.contains(kind));
        assert_eq!(news, expected, "{name}");
    }
}

#[test]
fn what_a_person_writes_never_waits_and_needs_a_title_and_a_body() {
    let by_hand = |title: Option<&str>, body: &str| Observation {
        parent: None,
        origin: Origin::ByHand,
        part: Part::Leads,
        speaker: None,
        event: None,
        title: title.map(Into::into),
        revised_at: None,
        ..says(10, Investigating, Major, &["Payments API"], &[("h1", 10, Investigating, body)])
    };
    assert_eq!(Following::new().see(0, &by_hand(None, "It fails.")), Observed::Incomplete { missing: "title" });
    assert_eq!(Following::new().see(0, &by_hand(Some("T"), " ")), Observed::Incomplete { missing: "body" });
    let mut following = opened();
    following.see(10, &by_hand(None, "We are on it."));
    assert_eq!(following.story.as_ref().and_then(Story::waiting).map(|c| c.due_at), Some(at(10)));
    assert_eq!(following.see(11, &by_hand(None, "We are on it.")), Observed::Nothing, "a repeat changes nothing");
}

#[test]
fn what_is_newly_required_never_waits() {
    let mut following = opened();
    let mut asking = says(10, Investigating, Major, &["Payments API"], &[FIRST, SECOND]);
    asking.origin = Origin::Pushed;
    asking.updates[1].action = Some("Pause the export.".into());
    following.see(10, &asking);
    let waiting = following.story.as_ref().and_then(Story::waiting).map(|c| (c.kinds.clone(), c.due_at));
    assert_eq!(waiting, Some((vec![Kind::Action, Kind::Updated], at(10))));
}
