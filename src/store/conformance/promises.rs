//! The ledger of promised next words.

use super::*;
use crate::domain::kept::{KeptPromises, PromiseResult};

suite! {
    what_a_message_promises_is_kept_by_the_next_one_that_is_accepted_in_time,
    a_word_that_comes_late_finds_its_promise_broken,
    one_contact_s_acceptance_keeps_the_promise_to_the_client,
    a_promise_to_whoever_can_no_longer_be_told_is_released,
    whoever_is_told_an_end_learns_how_many_were_kept,
}

async fn listed(
    store: &Store,
    filter: PromiseFilter,
) -> Vec<(i64, Timestamp, Option<Timestamp>, Option<PromiseResult>)> {
    let rows = store.promises(filter, 100).await.unwrap();
    rows.into_iter().map(|row| (row.sequence, row.due_at, row.came_at, row.result)).collect()
}

/// Has everything that is due by mail accepted at that time, with the next word promised for `due`.
async fn deliver_promising(store: &Store, epoch: i64, now: i64, due: Option<i64>) -> SettledCount {
    let claimed = store.claim(Channel::Email, epoch, at(now), 100, Whose::Everybodys).await.unwrap();
    let settlements = claimed
        .iter()
        .map(|claimed| Settlement { promised: due.map(at), ..settlement(claimed, Settled::Delivered, now) })
        .collect();
    store.settle(epoch, settlements).await.unwrap()
}

async fn what_a_message_promises_is_kept_by_the_next_one_that_is_accepted_in_time(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    assert_eq!(deliver_promising(&store, epoch, 1, Some(600)).await, SettledCount { threads: 1, promises_kept: 0 });
    assert_eq!(listed(&store, PromiseFilter::Open).await, [(1, at(600), None, None)]);
    assert_eq!(store.break_promises(at(600), 10).await.unwrap(), Overdue::default(), "it is not over");
    plan_next(&store, case_key, 590).await;
    assert_eq!(deliver_promising(&store, epoch, 660, Some(1_200)).await, SettledCount { threads: 1, promises_kept: 1 });
    let kept = (1, at(600), Some(at(660)), Some(PromiseResult::Kept));
    assert_eq!(listed(&store, PromiseFilter::Case(case_key)).await, [kept, (2, at(1_200), None, None)]);
    assert_eq!(store.break_promises(at(1_000), 10).await.unwrap(), Overdue::default());
    assert_eq!(listed(&store, PromiseFilter::Broken).await, []);
}

async fn a_word_that_comes_late_finds_its_promise_broken(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    deliver_promising(&store, epoch, 1, Some(600)).await;
    let found = store.break_promises(at(601), 10).await.unwrap();
    let broken = BrokenPromise { case_key, client_id: "acme".into(), due_at: at(600) };
    assert_eq!(found, Overdue { broken: vec![broken], released: 0 });
    assert_eq!(store.break_promises(at(601), 10).await.unwrap(), Overdue::default(), "once");
    plan_next(&store, case_key, 900).await;
    assert_eq!(deliver_promising(&store, epoch, 900, None).await.promises_kept, 0);
    let late = (1, at(600), Some(at(900)), Some(PromiseResult::Broken));
    assert_eq!(listed(&store, PromiseFilter::Broken).await, [late]);
}

async fn one_contact_s_acceptance_keeps_the_promise_to_the_client(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    read_book(&store, vec![client("acme", &["payments"], &["ops@acme.example", "cto@acme.example"])]).await;
    let case_key = open_case(&store, "i1").await;
    plan(&store, case_key, 1, 0).await;
    deliver_promising(&store, epoch, 1, Some(600)).await;
    assert_eq!(listed(&store, PromiseFilter::Open).await.len(), 1, "promised to the client, not to each contact");
    plan_next(&store, case_key, 500).await;
    let mut claimed = store.claim(Channel::Email, epoch, at(500), 100, Whose::Everybodys).await.unwrap();
    let first = settlement(&claimed.remove(0), Settled::Delivered, 500);
    assert_eq!(store.settle(epoch, vec![first]).await.unwrap().promises_kept, 1);
    let slow = Settlement { promised: Some(at(900)), ..settlement(&claimed.remove(0), Settled::Delivered, 700) };
    assert_eq!(store.settle(epoch, vec![slow]).await.unwrap().promises_kept, 0, "kept already");
    assert_eq!(listed(&store, PromiseFilter::Open).await, [(2, at(900), None, None)]);
}

async fn a_promise_to_whoever_can_no_longer_be_told_is_released(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    deliver_promising(&store, epoch, 1, Some(600)).await;
    let thread = only_thread(&store, case_key).await;
    let key = ThreadKey { case_key, contact_key: thread.contact_key };
    store.cancel(vec![Cancellation { thread: key, cause: cause("removed") }], at(2)).await.unwrap();
    assert_eq!(store.break_promises(at(601), 10).await.unwrap(), Overdue { broken: vec![], released: 1 });
    let released = (1, at(600), None, Some(PromiseResult::Released));
    assert_eq!(listed(&store, PromiseFilter::All).await, [released]);
}

async fn whoever_is_told_an_end_learns_how_many_were_kept(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    deliver_promising(&store, epoch, 1, Some(600)).await;
    store.break_promises(at(601), 10).await.unwrap();
    plan_next(&store, case_key, 900).await;
    deliver_promising(&store, epoch, 900, Some(1_800)).await;
    plan_next(&store, case_key, 1_000).await;
    let open = store.claim(Channel::Email, epoch, at(1_000), 10, Whose::Everybodys).await.unwrap().remove(0);
    assert_eq!(open.promises, None, "not before the end");
    let key = ThreadKey { case_key, contact_key: open.thread.contact_key };
    store.unclaim(epoch, vec![key]).await.unwrap();
    end(&store, case_key, 1_000).await;
    for (now, kept) in [(1_860, 1), (1_861, 0)] {
        let last = store.claim(Channel::Email, epoch, at(now), 10, Whose::Everybodys).await.unwrap().remove(0);
        assert_eq!(last.promises, Some(KeptPromises { kept, made: 2 }), "told at {now}");
        store.unclaim(epoch, vec![key]).await.unwrap();
    }
}

/// Plans an end for everybody.
async fn end(store: &Store, case_key: i64, now: i64) {
    let mut case = case_of(store, case_key).await;
    case.sequence += 1;
    let sequence = case.sequence;
    let changes = vec![Change { kinds: vec![Kind::Resolved], ..change(sequence, now) }];
    store.record(vec![Write { case, updates: vec![], changes }], None).await.unwrap();
    let chunk = store.planning_chunk(case_key, None, Selector::Everyone, 1000).await.unwrap();
    let case = Box::new(case_of(store, case_key).await);
    let raises = raises(&chunk, "over", now).into_iter().map(|raise| Raise { standing: Standing::Out, ..raise });
    let raising = Raising { case_key, sequence, raises: raises.collect(), progress: Progress::Done { case } };
    assert!(matches!(store.raise(raising, at(now)).await.unwrap(), Recorded::Done { .. }));
}
