//! Cases, feeds and forgetting.

use std::time::Duration;

use super::*;
use crate::domain::operator;
use crate::store::StoreError;

suite! {
    a_story_comes_back_as_it_was_recorded,
    a_write_made_from_an_older_version_conflicts,
    a_case_that_somebody_else_has_made_conflicts,
    nothing_of_a_conflicting_reading_is_written,
    only_one_change_of_a_case_waits,
    a_planned_change_never_becomes_unplanned,
    a_case_is_found_by_id_beginning_and_reference,
    cases_wake_at_the_least_of_their_timers,
    an_ended_case_closes_when_nobody_is_owed_a_word,
    what_is_open_or_young_is_never_pruned,
    a_poke_during_a_read_is_not_lost,
    a_poke_never_puts_a_read_off,
    feeds_without_a_row_are_due,
}

async fn a_story_comes_back_as_it_was_recorded(store: Store) {
    let case_key = open_case(&store, "i1").await;
    let story = store.story(case_key).await.unwrap().unwrap();
    let expected = Case { key: case_key, version: 1, ..new_case("i1") };
    assert_eq!(story, Story { case: expected, updates: vec![update(1, "u1")], changes: vec![change(1, 0)] });
    assert_eq!(store.story_of("platform".into(), "i1".into()).await.unwrap(), Some(story));
    assert_eq!(store.story_of("platform".into(), "i2".into()).await.unwrap(), None);
    let open = |last_read| [OpenCase { case_key, incident: "i1".to_owned(), also: vec![], last_read }];
    assert_eq!(store.open_cases_of("platform".into()).await.unwrap(), open(LastRead::Listed));
    let mut case = case_of(&store, case_key).await;
    case.facts.missed_reads = vec![at(60)];
    store.record(vec![Write { case, updates: vec![], changes: vec![] }], None).await.unwrap();
    assert_eq!(store.open_cases_of("platform".into()).await.unwrap(), open(LastRead::Missed));
}

async fn a_write_made_from_an_older_version_conflicts(store: Store) {
    let case_key = open_case(&store, "i1").await;
    let case = case_of(&store, case_key).await;
    let write = || Write { case: case.clone(), updates: vec![], changes: vec![] };
    assert_eq!(store.record(vec![write()], None).await.unwrap(), Recorded::Done { case_keys: vec![case_key] });
    assert_eq!(store.record(vec![write()], None).await.unwrap(), Recorded::Conflict);
}

async fn a_case_that_somebody_else_has_made_conflicts(store: Store) {
    open_case(&store, "i1").await;
    let check = async |case: Case| {
        let write = Write { case, updates: vec![], changes: vec![] };
        assert_eq!(store.record(vec![write], None).await.unwrap(), Recorded::Conflict);
    };
    check(new_case("i1")).await;
    check(Case { id: new_case("i1").id, ..new_case("i2") }).await;
    check(Case { reference: new_case("i1").reference.to_lowercase(), ..new_case("i2") }).await;
}

async fn nothing_of_a_conflicting_reading_is_written(store: Store) {
    open_case(&store, "i1").await;
    let writes = ["i2", "i1"].map(|incident| Write { case: new_case(incident), updates: vec![], changes: vec![] });
    let feed = feed_row("platform", 60);
    assert_eq!(store.record(writes.into(), Some(feed)).await.unwrap(), Recorded::Conflict);
    assert_eq!(store.feeds().await.unwrap(), []);
    assert_eq!(store.open_cases_of("platform".into()).await.unwrap().len(), 1);
}

async fn only_one_change_of_a_case_waits(store: Store) {
    let case_key = open_case(&store, "i1").await;
    let case = case_of(&store, case_key).await;
    let second = Write { case, updates: vec![], changes: vec![change(2, 0)] };
    assert!(matches!(store.record(vec![second], None).await, Err(StoreError::Fault(_))));
    assert_eq!(store.story(case_key).await.unwrap().unwrap().changes.len(), 1);
    assert!(!store.is_broken());
}

async fn a_planned_change_never_becomes_unplanned(store: Store) {
    let case_key = open_case(&store, "i1").await;
    plan(&store, case_key, 1, 5).await;
    let case = case_of(&store, case_key).await;
    let again = Write { case, updates: vec![], changes: vec![change(1, 99)] };
    store.record(vec![again], None).await.unwrap();
    let story = store.story(case_key).await.unwrap().unwrap();
    assert_eq!(story.changes, [Change { planned_at: Some(at(5)), ..change(1, 0) }]);
    assert_eq!(store.due_changes(at(1000), 10).await.unwrap(), []);
}

async fn a_case_is_found_by_id_beginning_and_reference(store: Store) {
    let (first, second) = (open_case(&store, "i1").await, open_case(&store, "i2").await);
    let check = async |text: &str, expected: Option<i64>| {
        assert_eq!(store.find_case(text.into()).await.unwrap(), expected, "{text}");
    };
    let (case, other) = (new_case("i1"), new_case("i2"));
    check(&case.id, Some(first)).await;
    check(&other.id.to_uppercase(), Some(second)).await;
    check(&case.id[..case.id.len() - 1], Some(first)).await;
    check(&case.reference, Some(first)).await;
    check(&format!(" {} ", other.reference.to_lowercase()), Some(second)).await;
    let note_id = format!("{}x", &case.id[..case.id.len() - 1]);
    let note = Case { source: operator::SOURCE.into(), id: note_id, ..new_case("i3") };
    store.record(vec![Write { case: note, updates: vec![], changes: vec![] }], None).await.unwrap();
    check(&case.id[..case.id.len() - 1], Some(first)).await;
    // Both begin so, or it is too short, or it is nobody's.
    check("0193aaaa", None).await;
    check("0193", None).await;
    check("%%%%%%%%", None).await;
    check("", None).await;
    assert!(store.reference_taken(case.reference.to_lowercase()).await.unwrap());
    assert!(!store.reference_taken("ZZZZ".into()).await.unwrap());
}

async fn cases_wake_at_the_least_of_their_timers(store: Store) {
    let mut case = new_case("i1");
    case.timers.unscoped_at = Some(at(600));
    case.timers.unaffected_at = Some(at(300));
    let write = Write { case, updates: vec![], changes: vec![] };
    store.record(vec![write], None).await.unwrap();
    assert_eq!(store.next_wake().await.unwrap(), Some(at(300)));
    assert_eq!(store.cases_to_wake(at(299), 10).await.unwrap(), [] as [i64; 0]);
    assert_eq!(store.cases_to_wake(at(300), 10).await.unwrap().len(), 1);
}

async fn end(store: &Store, case_key: i64) {
    let mut case = case_of(store, case_key).await;
    case.state = CaseState::Ended;
    case.ended_at = Some(at(100));
    store.record(vec![Write { case, updates: vec![], changes: vec![] }], None).await.unwrap();
}

async fn an_ended_case_closes_when_nobody_is_owed_a_word(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    end(&store, case_key).await;
    assert_eq!(store.close_settled_cases(at(101)).await.unwrap(), [] as [i64; 0], "something is unsent");
    assert_eq!(deliver_all(&store, epoch, 102).await, 1);
    assert_eq!(store.owed_count(case_key).await.unwrap(), 1);
    assert_eq!(store.close_settled_cases(at(103)).await.unwrap(), [] as [i64; 0], "the end is owed");
    let row = &store.listed_cases(CaseFilter::OpenOrOwed, 10).await.unwrap()[0];
    assert_eq!((row.owed, row.pending, row.failed), (1, 0, 0));
    let key = ThreadKey { case_key, contact_key: only_thread(&store, case_key).await.contact_key };
    store.cancel(vec![Cancellation { thread: key, cause: cause("removed") }], at(104)).await.unwrap();
    assert_eq!(store.close_settled_cases(at(105)).await.unwrap(), [case_key]);
    assert_eq!(case_of(&store, case_key).await.closed_at, Some(at(105)));
    assert_eq!(store.listed_cases(CaseFilter::OpenOrOwed, 10).await.unwrap(), []);
    assert_eq!(store.archive_cases(at(106)).await.unwrap(), 1);
    assert_eq!(store.listed_cases(CaseFilter::All, 10).await.unwrap()[0].case.state, CaseState::Archived);
}

async fn what_is_open_or_young_is_never_pruned(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    deliver_all(&store, epoch, 1).await;
    let still_open = open_case(&store, "i2").await;
    assert_eq!(store.prune(at(1_000_000), 100).await.unwrap(), 0);
    end(&store, case_key).await;
    assert_eq!(store.prune(at(1_000_000), 100).await.unwrap(), 0, "ended, and owed");
    let key = ThreadKey { case_key, contact_key: only_thread(&store, case_key).await.contact_key };
    store.cancel(vec![Cancellation { thread: key, cause: cause("removed") }], at(104)).await.unwrap();
    store.close_settled_cases(at(105)).await.unwrap();
    assert_eq!(store.prune(at(100), 100).await.unwrap(), 0, "it ended at 100, not before");
    // In batches as small as can be, with the addresses last.
    read_book(&store, vec![]).await;
    let mut batches = 0;
    while store.prune(at(101), 1).await.unwrap() > 0 {
        batches += 1;
    }
    assert_eq!(batches, 7, "delivery, thread, variant, update, change, case, contact");
    assert_eq!(store.story(case_key).await.unwrap(), None);
    assert!(store.story(still_open).await.unwrap().is_some());
}

fn feed_row(name: &str, due: i64) -> FeedRow {
    FeedRow {
        name: name.into(),
        due_at: at(due),
        first_read_at: Some(at(0)),
        last_good_at: Some(at(0)),
        failing_since: None,
        page_id: Some("page".into()),
        poked_at: None,
        body: serde_json::json!({"etag": "x"}),
    }
}

async fn a_poke_during_a_read_is_not_lost(store: Store) {
    let every = Duration::from_secs(5);
    store.save_feed(feed_row("platform", 30)).await.unwrap();
    let read = store.feed("platform".into()).await.unwrap().unwrap();
    assert_eq!(read, feed_row("platform", 30));
    let known = async || {
        let row = store.feed("platform".into()).await.unwrap().unwrap();
        (row.due_at, row.poked_at)
    };
    store.poke_feed("platform".into(), at(10), every).await.unwrap();
    store.save_feed(FeedRow { due_at: at(60), ..read }).await.unwrap();
    assert_eq!(known().await, (at(10), Some(at(10))), "it came during the read");
    // The next read has seen the poke.
    let saved = store.feed("platform".into()).await.unwrap().unwrap();
    store.save_feed(FeedRow { due_at: at(90), last_good_at: Some(at(11)), ..saved }).await.unwrap();
    assert_eq!(known().await, (at(90), Some(at(10))));
    for (now, due) in [(12, 16), (13, 16), (15, 16)] {
        store.poke_feed("platform".into(), at(now), every).await.unwrap();
        assert_eq!(known().await, (at(due), Some(at(due))), "poked at {now}, read at 11");
    }
    store.poke_feed("platform".into(), at(14), Duration::ZERO).await.unwrap();
    assert_eq!(known().await, (at(14), Some(at(14))), "whoever may ask at any time");
    store.poke_feed("platform".into(), at(3), every).await.unwrap();
    assert_eq!(known().await, (at(3), Some(at(3))), "the clock was set back");
}

async fn a_poke_never_puts_a_read_off(store: Store) {
    store.save_feed(feed_row("platform", 3)).await.unwrap();
    store.poke_feed("platform".into(), at(1), Duration::from_secs(5)).await.unwrap();
    assert_eq!(store.feed("platform".into()).await.unwrap().unwrap().due_at, at(3));
}

async fn feeds_without_a_row_are_due(store: Store) {
    store.save_feed(feed_row("platform", 30)).await.unwrap();
    let names = || vec!["platform".to_owned(), "new".to_owned()];
    assert_eq!(store.due_feeds(names(), at(29)).await.unwrap(), ["new"]);
    assert_eq!(store.due_feeds(names(), at(30)).await.unwrap(), ["new", "platform"]);
    assert_eq!(store.next_due_feed(names()).await.unwrap(), Some(at(30)));
    assert_eq!(store.next_due_feed(vec!["new".into()]).await.unwrap(), None);
}
