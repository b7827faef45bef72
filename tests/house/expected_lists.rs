//! The lists of expected notices against the captures they were written from, and the comparison against mistakes.
//!
//! Deliberately absent: what candor makes of the captures; that is compared where the whole daemon is tested.

use std::collections::{BTreeMap, BTreeSet};

use candor::domain::incident::Phase;
use candor::domain::notice::Kind;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::expected::{self, Expected, ExpectedNotice, Lists, Replays, Told};
use crate::recordings::{self, Source};

fn every_list() -> impl Iterator<Item = (String, Expected)> {
    expected::names().into_iter().map(|name| (name.clone(), expected::list(&name)))
}

/// The ids of each incident's updates, in all reads.
fn captured(list: &Expected) -> BTreeMap<String, BTreeSet<String>> {
    let mut captured: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for document in list.documents() {
        for kind in ["incidents", "scheduled_maintenances"] {
            for incident in document[kind].as_array().into_iter().flatten() {
                let updates = incident["incident_updates"].as_array().into_iter().flatten();
                let ids = updates.map(|update| update["id"].as_str().expect("an update has an id").to_owned());
                let id = incident["id"].as_str().expect("an incident has an id").to_owned();
                captured.entry(id).or_default().extend(ids);
            }
        }
    }
    captured
}

/// The status of an incident in a document; `None` where it is not listed.
fn status<'d>(document: &'d Value, incident: &str) -> Option<&'d str> {
    let listed = ["incidents", "scheduled_maintenances"].into_iter().flat_map(|kind| document[kind].as_array());
    listed.flatten().find(|entry| entry["id"] == incident).and_then(|entry| entry["status"].as_str())
}

fn is_over(status: &str) -> bool {
    Phase::from_word(status).is_some_and(Phase::is_over)
}

/// Whether the page says in the end that it is over: as recorded, or made by the replay of what has left the summary.
fn has_ended(list: &Expected, incident: &str) -> bool {
    let last = list.documents().pop().expect("a replay has a read");
    match list.lists {
        Lists::AsSeen => status(&last, incident).is_none_or(is_over),
        Lists::Empty => false,
    }
}

fn is_open_at_first_sight(list: &Expected, incident: &str) -> bool {
    let first = list.documents().into_iter().next().expect("a replay has a read");
    status(&first, incident).is_some_and(|status| !is_over(status))
}

/// The notices of each client about each incident, in the order of time.
fn threads(list: &Expected) -> BTreeMap<(String, String), Vec<&ExpectedNotice>> {
    let mut threads: BTreeMap<(String, String), Vec<&ExpectedNotice>> = BTreeMap::new();
    for notice in &list.notice {
        for client in &notice.clients {
            threads.entry((client.clone(), notice.incident.clone())).or_default().push(notice);
        }
    }
    threads
}

fn ends(notice: &ExpectedNotice) -> bool {
    Kind::from_word(&notice.kinds[0]).is_some_and(Kind::is_closing)
}

#[test]
fn every_recorded_sequence_has_a_list() {
    let listed: BTreeSet<_> = every_list().map(|(_, list)| list.folder).collect();
    let recorded = Source::ALL.into_iter().flat_map(recordings::folders);
    let without: Vec<_> = recorded.filter(|folder| !listed.contains(folder)).collect();
    assert!(without.is_empty(), "nobody wrote what a client is told of {without:?}");
}

#[test]
fn a_list_speaks_of_what_the_captures_hold() {
    for (name, list) in every_list() {
        let captured = captured(&list);
        for notice in &list.notice {
            let unknown = notice.kinds.iter().chain(&notice.perhaps).find(|kind| Kind::from_word(kind).is_none());
            assert!(unknown.is_none(), "{name}: {unknown:?} is no kind");
            assert!(captured.contains_key(&notice.incident), "{name}: no read lists {}", notice.incident);
            assert!(!notice.why.is_empty(), "{name}: the notice at {} gives no reason", notice.at);
            let strongest_first = notice.kinds.iter().rev().map(|kind| Kind::from_word(kind)).is_sorted();
            assert!(strongest_first, "{name}: {:?} are not in the order of their strength", notice.kinds);
        }
        for known in &list.not_news {
            let there = captured.get(&known.incident).is_some_and(|updates| updates.contains(&known.update));
            assert!(there && !known.why.is_empty(), "{name}: no read holds {}", known.update);
        }
        let (components, declared) = (list.components(), list.words.iter().map(|words| &words.component));
        let priorities = match list.source {
            Source::GitHub => vec![&list.one, &list.other],
            // What is made of these captures names the products of its own incident only.
            Source::Google => vec![&list.one],
        };
        for priority in priorities {
            let there =
                components.is_empty() || components.contains(priority) || declared.clone().any(|id| id == priority);
            assert!(there, "{name}: the page names no component {priority}");
        }
    }
}

#[test]
fn each_update_is_told_once_to_whoever_is_told_of_its_incident() {
    for (name, list) in every_list() {
        let captured = captured(&list);
        for ((client, incident), notices) in threads(&list) {
            let told: usize = notices.iter().map(|notice| notice.updates - notice.rewritten).sum();
            let added: usize = notices.iter().map(|notice| notice.after_the_reads).sum();
            let known = list.not_news.iter().filter(|known| known.incident == incident).count();
            assert_eq!(
                told,
                captured[&incident].len() - known + added,
                "{name}: updates told to {client} of {incident}"
            );
        }
    }
}

#[test]
fn who_is_told_of_an_incident_is_told_its_end_once_and_after_it_only_what_came_of_it() {
    for (name, list) in every_list() {
        for ((client, incident), notices) in threads(&list) {
            let whom = format!("{name}: to {client} of {incident}");
            let closing = notices.iter().filter(|notice| ends(notice)).count();
            assert_eq!(closing, usize::from(has_ended(&list, &incident)), "closing notices, {whom}");
            let begins = notices[0].kinds.iter().chain(&notices[0].perhaps).any(|kind| kind == "opened");
            assert!(begins || is_open_at_first_sight(&list, &incident), "the first notice, {whom}");
            let after = notices.iter().skip_while(|notice| !ends(notice)).skip(1);
            for later in after {
                assert_eq!(later.kinds[0], "postmortem", "after the end, {whom}");
            }
        }
    }
}

#[test]
fn no_list_breaks_a_promise_that_it_makes() {
    for (name, list) in every_list() {
        let over = list.until.or(list.reads().last().map(|read| read.at)).expect("a replay has a read");
        for ((client, incident), notices) in threads(&list) {
            for (place, notice) in notices.iter().enumerate() {
                let Some(promised) = notice.next else { continue };
                let ahead = promised - SignedDuration::from_secs(60);
                match notices.get(place + 1) {
                    // The end of planned work is looked for when it is over, and not before.
                    Some(following) if following.kinds == ["overdue"] => {
                        assert_eq!(following.at, promised, "{name}: overdue, to {client} of {incident}");
                    }
                    Some(following) if following.kinds == ["due"] => {
                        assert_eq!(following.at, ahead, "{name}: due, to {client} of {incident}");
                    }
                    Some(following) => {
                        assert!(following.at <= ahead, "{name}: {} to {client} of {incident}", following.at)
                    }
                    None => assert!(over < ahead, "{name}: nothing keeps the promise of {promised} to {client}"),
                }
            }
        }
    }
}

/// What a daemon would have told that does exactly what the list says.
fn as_listed(list: &Expected) -> Vec<Told> {
    let each = list.notice.iter().flat_map(|notice| notice.clients.iter().map(move |client| (notice, client)));
    each.map(|(notice, client)| Told {
        at: notice.at,
        client: client.clone(),
        incident: notice.incident.clone(),
        kinds: notice.kinds.clone(),
        updates: notice.updates,
        rewritten: notice.rewritten,
        next: notice.next,
    })
    .collect()
}

/// Tells what a list says, a little late.
struct Late(i64);

impl Replays for Late {
    async fn told(&mut self, expected: &Expected) -> Vec<Told> {
        let mut told = as_listed(expected);
        told.iter_mut().for_each(|told| told.at += SignedDuration::from_secs(self.0));
        told.reverse();
        told
    }
}

#[tokio::test]
async fn what_is_told_as_listed_passes_in_any_order_and_up_to_a_minute_late() {
    for name in expected::names() {
        expected::check(&name, &mut Late(60)).await;
    }
}

#[test]
fn every_difference_is_found() {
    fn check(what: &str, change: impl Fn(&mut Vec<Told>), found: &[&str]) {
        let list = expected::list("deescalated");
        let mut told = as_listed(&list);
        change(&mut told);
        let differences = expected::differences(&list, &told);
        assert_eq!(differences.len(), found.len(), "{what}: {differences:#?}");
        for (difference, part) in differences.iter().zip(found) {
            assert!(difference.contains(part), "{what}: {difference}");
        }
    }
    let extra = Told {
        at: "2020-11-27T17:00:00Z".parse::<Timestamp>().expect("a time"),
        client: "other".to_owned(),
        incident: "vts24q167tc8".to_owned(),
        kinds: vec!["due".to_owned()],
        updates: 0,
        rewritten: 0,
        next: None,
    };
    check("nothing", |_| (), &[]);
    check("one notice is missing", |told| drop(told.remove(0)), &["missing: 2020-11-27T16:29:54Z to all"]);
    check("one is too much", |told| told.push(extra.clone()), &["too much: 2020-11-27T17:00:00Z to other"]);
    check("one comes twice", |told| told.push(told[5].clone()), &["too much: 2020-11-27T17:17:36Z to one"]);
    check(
        "another reason",
        |told| told[2].kinds = vec!["phase".to_owned()],
        &["reason is Some(\"phase\")", "kinds is"],
    );
    check("a kind more", |told| told[0].kinds.push("wider".to_owned()), &["kinds is"]);
    check("updated beside the reason", |told| told[0].kinds.push("updated".to_owned()), &[]);
    check("a kind less", |told| told[2].kinds.clear(), &["reason is None", "kinds is"]);
    check("too few updates", |told| told[1].updates = 0, &["updates is 0, should be 1"]);
    check("a rewrite that was none", |told| told[1].rewritten = 1, &["rewritten is 1, should be 0"]);
    check("another promise", |told| told[0].next = None, &["next word is None"]);
    check("another incident", |told| told[4].incident.clear(), &["missing: 2020-11-27T17:17:36Z to all", "too much"]);
    check(
        "too late",
        |told| told[3].at += SignedDuration::from_secs(61),
        &["missing: 2020-11-27T16:54:52Z to one", "too much"],
    );
}
