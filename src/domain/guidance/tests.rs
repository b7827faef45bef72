//! What clients need to do, row by row: the sentences of `semantics.md` §5.

use std::time::Duration;

use super::{Found, Question, fill, find, requires_more};
use crate::domain::case::{Facts, SaidAction, Scope};
use crate::domain::client::Client;
use crate::domain::fixtures::{action, at, catalog, client, entry, facts};
use crate::domain::incident::{Impact, Need, Phase};
use crate::domain::notice::Action;
use crate::domain::playbook::Entry;

struct Asked {
    facts: Facts,
    client: Client,
    concerned: Vec<&'static str>,
    before: Vec<Action>,
}

impl Default for Asked {
    fn default() -> Asked {
        Asked { facts: facts(), client: client(&["payments", "search"]), concerned: vec!["payments"], before: vec![] }
    }
}

impl Asked {
    fn of(set: impl FnOnce(&mut Asked)) -> Asked {
        let mut asked = Asked::default();
        set(&mut asked);
        asked
    }

    fn find(&self, playbook: &[Entry]) -> Found {
        let concerned: Vec<String> = self.concerned.iter().map(|c| (*c).to_owned()).collect();
        find(&Question {
            facts: &self.facts,
            playbook,
            client: &self.client,
            concerned: &concerned,
            sender_locale: "en",
            before: &self.before,
            now: at(10),
        })
    }
}

/// An entry that requires something under these conditions: components, phases, impacts, tags.
fn on(id: &str, components: &[&str], phases: &[Phase], impacts: &[Impact], tags: &[&str]) -> Entry {
    let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
    Entry {
        components: owned(components),
        phases: phases.to_vec(),
        impacts: impacts.to_vec(),
        tags: owned(tags),
        ..entry(id, Need::Required)
    }
}

fn in_language(id: &str, locale: &str) -> Entry {
    Entry { locale: Some(locale.to_owned()), ..on(id, &["payments"], &[], &[], &[]) }
}

fn check(why: &str, playbook: &[Entry], expected: &[&str], set: impl FnOnce(&mut Asked)) {
    let found = Asked::of(set).find(playbook);
    let ids: Vec<&str> = found.actions.iter().map(|action| action.id.as_str()).collect();
    assert_eq!(ids, expected, "{why}");
}

const INVESTIGATING: &[Phase] = &[Phase::Investigating];
const MAJOR: &[Impact] = &[Impact::Major, Impact::Critical];

#[test]
fn an_entry_holds_when_all_its_conditions_do() {
    check("no condition at all", &[on("a", &[], &[], &[], &[])], &["a"], |_| {});
    check("its component", &[on("a", &["payments"], &[], &[], &[])], &["a"], |_| {});
    check("another component", &[on("a", &["search"], &[], &[], &[])], &[], |_| {});
    check("its phase", &[on("a", &[], INVESTIGATING, &[], &[])], &["a"], |_| {});
    check("another phase", &[on("a", &[], &[Phase::Monitoring], &[], &[])], &[], |_| {});
    check("its impact", &[on("a", &[], &[], MAJOR, &[])], &["a"], |_| {});
    check("another impact", &[on("a", &[], &[], &[Impact::Minor], &[])], &[], |_| {});
    check("the source states no impact", &[on("a", &[], &[], MAJOR, &[])], &[], |q| q.facts.impact = None);
    check("its tag", &[on("a", &[], &[], &[], &["vip", "batch"])], &["a"], |_| {});
    check("another tag", &[on("a", &[], &[], &[], &["vip"])], &[], |_| {});
    check("one of two conditions", &[on("a", &["payments"], &[], &[], &["vip"])], &[], |_| {});
    check("nothing is named, and no component asked for", &[on("a", &[], &[], &[], &[])], &["a"], |q| {
        q.concerned.clear()
    });
    check("nothing is named, but a component asked for", &[on("a", &["payments"], &[], &[], &[])], &[], |q| {
        q.concerned.clear()
    });
}

#[test]
fn the_most_specific_entry_wins_for_each_component() {
    let check = |why: &str, playbook: &[Entry], expected: &str| check(why, playbook, &[expected], |_| {});
    let bare = || on("bare", &[], &[], &[], &[]);
    let component = || on("component", &["payments"], &[], &[], &[]);
    let tag = || on("tag", &[], &[], &[], &["batch"]);
    let impact = || on("impact", &[], &[], MAJOR, &[]);
    let phase = || on("phase", &[], INVESTIGATING, &[], &[]);
    check("one key beats none", &[bare(), component()], "component");
    check("two keys beat one", &[tag(), on("two", &[], INVESTIGATING, MAJOR, &[])], "two");
    check("at a tie tags come first", &[component(), tag()], "tag");
    check("then components", &[impact(), component()], "component");
    check("then impacts", &[phase(), impact()], "impact");
    check(
        "of two pairs the one with tags",
        &[on("ci", &["payments"], &[], MAJOR, &[]), on("tp", &[], INVESTIGATING, &[], &["batch"])],
        "tp",
    );
    check("then the earlier in the file", &[component(), on("later", &["payments"], &[], &[], &[])], "component");
}

#[test]
fn several_components_give_several_actions_by_the_client_s_priorities() {
    let playbook = [
        on("search", &["search"], &[], &[], &[]),
        on("payments", &["payments"], &[], &[], &[]),
        on("general", &[], &[], &[], &[]),
    ];
    check("each its own", &playbook, &["payments", "search"], |q| q.concerned = vec!["payments", "search"]);
    check("in the client's order", &playbook, &["search", "payments"], |q| q.concerned = vec!["search", "payments"]);
    check("one for all is said once", &playbook[2..], &["general"], |q| q.concerned = vec!["payments", "search"]);
    let found = Asked::of(|q| q.concerned = vec!["payments", "search"])
        .find(&[Entry { need: Need::Maybe, ..playbook[0].clone() }, playbook[1].clone()]);
    assert_eq!(found.need, Need::Required, "the strongest need is that of the notice");
}

#[test]
fn a_language_is_chosen_and_never_a_condition() {
    let check = |client: Option<&str>, playbook: &[Entry], id: &str, marked: Option<&str>| {
        let found = Asked::of(|q| q.client.locale = client.map(Into::into)).find(playbook);
        let chosen: Vec<_> = found.actions.iter().map(|a| (a.id.as_str(), a.language.as_deref())).collect();
        assert_eq!(chosen, [(id, marked)], "{client:?}");
    };
    let all = [in_language("fr", "fr"), in_language("en", "en"), in_language("de", "de")];
    check(Some("de"), &all, "de", None);
    check(Some("de-AT"), &all, "de", None);
    check(Some("it"), &all, "en", Some("en"));
    check(None, &all, "en", None);
    check(Some("de"), &all[..1], "fr", Some("fr"));
    // Without a language of its own an entry is in the sender's.
    let bare = [on("bare", &["payments"], &[], &[], &[]), in_language("de", "de")];
    check(Some("de"), &bare, "de", None);
    check(Some("it"), &bare, "bare", Some("en"));
    // What is more specific wins in whatever language.
    let specific = [in_language("de", "de"), Entry { tags: vec!["batch".into()], ..in_language("vip", "en") }];
    check(Some("de"), &specific, "vip", Some("en"));
}

#[test]
fn nothing_said_and_nothing_known_are_two_things() {
    let check = |why: &str, playbook: &[Entry], set: fn(&mut Asked), need: Need, known: bool, actions: usize| {
        let found = Asked::of(set).find(playbook);
        assert_eq!((found.need, found.known, found.actions.len()), (need, known, actions), "{why}");
    };
    let nothing = Entry { action: None, ..entry("nothing", Need::None) };
    let advice = entry("advice", Need::None);
    check("no entry matches", &[], |_| {}, Need::None, false, 0);
    check("the playbook says nothing is to be done", &[nothing], |_| {}, Need::None, true, 0);
    check("the same, with a word of comfort", &[advice], |_| {}, Need::None, true, 1);
    check("maybe", &[entry("a", Need::Maybe)], |_| {}, Need::Maybe, true, 1);
    check(
        "the author says none",
        &[entry("a", Need::Required)],
        |q| {
            q.facts.said_action =
                Some(SaidAction { need: Need::None, text: String::new(), said_at: at(5), by: None, takes: None })
        },
        Need::None,
        true,
        0,
    );
}

#[test]
fn an_update_s_own_action_comes_first_and_at_the_end_only_if_said_with_it() {
    let playbook =
        [entry("playbook", Need::Maybe), Entry { phases: vec![Phase::Resolved], ..entry("end", Need::Required) }];
    let check = |why: &str, phase: Phase, ended: Option<i64>, expected: &str| {
        let asked = Asked::of(|q| {
            q.facts.phase = phase;
            q.facts.resolved_at = ended.map(at);
            q.facts.said_action =
                Some(SaidAction { need: Need::Required, text: "Retry.".into(), said_at: at(5), by: None, takes: None });
        });
        let found = asked.find(&playbook);
        assert_eq!(found.actions.len(), 1, "{why}");
        assert_eq!(found.actions[0].text, expected, "{why}");
        assert_eq!((found.need, found.known), (Need::Required, true), "{why}");
    };
    check("while it is open", Phase::Identified, None, "Retry.");
    check("said with the end", Phase::Resolved, Some(5), "Retry.");
    check("said after the end", Phase::Postmortem, Some(4), "Retry.");
    check("said before the end", Phase::Resolved, Some(6), "do end");
}

#[test]
fn at_the_end_only_what_was_written_for_the_end_is_told() {
    let playbook = |phases: &[Phase]| [on("a", &["payments"], phases, &[], &[])];
    let check = |phase: Phase, phases: &[Phase], expected: &[&str]| {
        check(&format!("{phase:?} and {phases:?}"), &playbook(phases), expected, |q| q.facts.phase = phase);
    };
    check(Phase::Resolved, &[], &[]);
    check(Phase::Completed, &[], &[]);
    check(Phase::Cancelled, &[], &[]);
    check(Phase::Postmortem, &[], &[]);
    check(Phase::Resolved, &[Phase::Resolved], &["a"]);
    check(Phase::Resolved, INVESTIGATING, &[]);
    check(Phase::Monitoring, &[], &["a"]);
    check(Phase::Scheduled, &[], &["a"]);
}

#[test]
fn the_time_to_act_is_counted_once_and_stays() {
    let playbook = [Entry { by: Some(Duration::from_secs(3600)), ..entry("a", Need::Required) }];
    let with_by = |id: &str, minute: i64| Action { by: Some(at(minute)), ..action(id, Need::Required) };
    let check = |why: &str, before: Vec<Action>, expected: i64| {
        let found = Asked::of(|q| q.before = before).find(&playbook);
        assert_eq!(found.actions[0].by, Some(at(expected)), "{why}");
    };
    check("told for the first time", vec![], 70);
    check("told before", vec![with_by("a", 61)], 61);
    check("told to two contacts, one later", vec![with_by("a", 66), with_by("a", 61)], 61);
    check("another action was told before", vec![with_by("b", 61)], 70);
    check("told before, without a time", vec![action("a", Need::Required)], 70);
    let none = Asked::default().find(&[entry("a", Need::Required)]);
    assert_eq!(none.actions[0].by, None);
    let endless = Asked::default().find(&[Entry { by: Some(Duration::MAX), ..entry("a", Need::Required) }]);
    assert_eq!(endless.actions[0].by, None, "beyond the end of time there is no time to name");
}

#[test]
fn every_text_of_an_entry_is_filled_with_the_client_s_facts() {
    let text = || Some("{{ facts.region }}".to_owned());
    let playbook = [Entry {
        action: text(),
        check: text(),
        undo: text(),
        takes: text(),
        who: text(),
        place: text(),
        otherwise: text(),
        offer: text(),
        forward: text(),
        ..entry("a", Need::Required)
    }];
    let found = Asked::default().find(&playbook);
    let action = &found.actions[0];
    assert_eq!(action.text, "eu-1");
    let others = [
        &action.check,
        &action.undo,
        &action.takes,
        &action.who,
        &action.place,
        &action.otherwise,
        &action.offer,
        &action.forward,
    ];
    for other in others {
        assert_eq!(other.as_deref(), Some("eu-1"));
    }
}

#[test]
fn facts_are_strict_and_data_never_becomes_a_template() {
    let check = |text: &str, expected: Option<&str>| {
        let mut client = client(&["payments"]);
        client.facts.insert("evil".into(), "{{ facts.region }} <b>".into());
        assert_eq!(fill(text, &client).ok().as_deref(), expected, "{text}");
    };
    check("plain < text", Some("plain < text"));
    check("in {{ facts.region }}", Some("in eu-1"));
    check(
        "for {{ client.name }} ({{ client.id }}, {{ client.locale }}, {{ client.timezone }})",
        Some("for Acme GmbH (acme, de, Europe/Berlin)"),
    );
    check("in {{ facts.zone }}", None);
    check("in {{ facts.region", None);
    check("{{ facts.evil }}", Some("{{ facts.region }} <b>"));
    check("{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}", None);
    let found =
        Asked::default().find(&[Entry { action: Some("in {{ facts.zone }}".into()), ..entry("a", Need::Required) }]);
    assert_eq!(found.actions[0].text, "in {{ facts.zone }}", "a message that is due is not lost for it");
}

#[test]
fn a_move_after_which_more_is_required_of_somebody_is_known_without_the_clients() {
    use Phase::{Identified, Investigating, Monitoring, Resolved};
    let moved = |before: Phase, after: Phase| {
        let before = Facts { phase: before, scope: Scope::Named, components: vec!["payments".into()], ..facts() };
        (before.clone(), Facts { phase: after, ..before })
    };
    let check = |playbook: &[Entry], (before, after): (Facts, Facts), expected: bool, why: &str| {
        assert_eq!(requires_more(&before, &after, playbook, &catalog()), expected, "{why}");
    };
    let pause = [on("pause", &["payments"], &[Identified], &[], &[])];
    check(&pause, moved(Investigating, Identified), true, "its phase begins");
    check(&pause, moved(Identified, Identified), false, "it was required already");
    check(&pause, moved(Identified, Monitoring), false, "its phase is over");
    check(&pause, moved(Investigating, Resolved), false, "the case is over");
    let tagged = [on("pause", &["payments"], &[Identified], &[], &["batch"])];
    check(&tagged, moved(Investigating, Identified), true, "for those with the tag");
    let elsewhere = [on("pause", &["search"], &[Identified], &[], &[])];
    check(&elsewhere, moved(Investigating, Identified), false, "another component");
    let beside = [on("pause", &["payments"], &[], &[], &[]), on("wait", &["payments"], &[Investigating], &[], &[])];
    check(&beside, moved(Investigating, Identified), true, "the more specific entry holds no more");
    let milder = [Entry { need: Need::None, ..on("wait", &["payments"], &[Identified], &[], &[]) }, beside[0].clone()];
    check(&milder, moved(Investigating, Identified), false, "the more specific entry says nothing is needed");
    let (before, mut after) = moved(Investigating, Identified);
    after.scope = Scope::Nobody;
    check(&pause, (before.clone(), after.clone()), false, "it concerns nobody");
    after.scope = Scope::Named;
    after.said_action =
        Some(SaidAction { need: Need::None, text: String::new(), said_at: at(1), by: None, takes: None });
    check(&pause, (before, after), false, "an author has said that there is nothing to do");
}
