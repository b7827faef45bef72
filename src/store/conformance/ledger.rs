//! The ledger, and putting back what has failed.

use super::*;

suite! {
    an_item_goes_from_pending_to_delivered,
    sequences_inside_a_range_are_superseded,
    what_came_before_a_contact_entered_was_never_its_own,
    a_failed_thread_is_listed_until_it_is_put_back,
    retry_by_name_says_what_had_not_failed,
    later_quiet_news_does_not_wake_a_failed_thread,
    what_a_failed_thread_is_told_again_is_no_failure_any_more,
    gauges_count_what_waits_and_what_is_under_way,
}

async fn states(store: &Store, filter: LedgerFilter) -> Vec<(i64, LedgerState)> {
    let listed = store.deliveries(filter, 100).await.unwrap();
    listed.into_iter().map(|row| (row.id.sequence, row.state)).collect()
}

async fn an_item_goes_from_pending_to_delivered(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    let pending = store.deliveries(LedgerFilter::Unsettled, 100).await.unwrap().remove(0);
    let case = case_of(&store, case_key).await;
    assert_eq!(pending.id.reference, case.reference);
    assert_eq!((pending.state, pending.due_at, pending.settled_at), (LedgerState::Pending, Some(at(0)), None));
    assert_eq!((pending.case_id.as_str(), pending.client_id.as_str()), (case.id.as_str(), "acme"));
    assert_eq!(pending.address, "ops@acme.example");
    deliver_all(&store, epoch, 5).await;
    assert_eq!(states(&store, LedgerFilter::Unsettled).await, []);
    let delivered = store.deliveries(LedgerFilter::All, 100).await.unwrap().remove(0);
    assert_eq!(delivered.id, pending.id);
    assert_eq!((delivered.state, delivered.settled_at), (LedgerState::Delivered, Some(at(5))));
    assert_eq!((delivered.receipt.as_deref(), delivered.key.as_deref()), (Some("250 ok"), Some("key")));
    assert_eq!((delivered.attempts, delivered.planned_at), (1, Some(at(0))));
}

async fn sequences_inside_a_range_are_superseded(store: Store) {
    use LedgerState::{Delivered, Pending, Superseded};
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    plan_next(&store, case_key, 1).await;
    plan_next(&store, case_key, 2).await;
    let all = || states(&store, LedgerFilter::All);
    assert_eq!(all().await, [(1, Superseded), (2, Superseded), (3, Pending)]);
    deliver_all(&store, epoch, 5).await;
    plan_next(&store, case_key, 6).await;
    assert_eq!(all().await, [(1, Superseded), (2, Superseded), (3, Delivered), (4, Pending)]);
    assert_eq!(states(&store, LedgerFilter::Case(case_key)).await, all().await);
    assert_eq!(states(&store, LedgerFilter::Case(case_key + 1)).await, []);
    assert_eq!(states(&store, LedgerFilter::Unsettled).await, [(4, Pending)]);
}

async fn what_came_before_a_contact_entered_was_never_its_own(store: Store) {
    read_book(&store, vec![]).await;
    let case_key = open_case(&store, "i1").await;
    plan(&store, case_key, 1, 0).await;
    read_book(&store, vec![client("late", &["*"], &["late@a.example"])]).await;
    plan_next(&store, case_key, 1).await;
    assert_eq!(states(&store, LedgerFilter::All).await, [(2, LedgerState::Pending)]);
}

async fn fail_all(store: &Store, epoch: i64, now: i64) {
    let claimed = store.claim(Channel::Email, epoch, at(now), 100, Whose::Everybodys).await.unwrap();
    let settlements = claimed.iter().map(|claimed| settlement(claimed, Settled::Failed, now)).collect();
    store.settle(epoch, settlements).await.unwrap();
}

async fn a_failed_thread_is_listed_until_it_is_put_back(store: Store) {
    use LedgerState::{Delivered, Failed, Pending};
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    one_waiting_mail(&store).await;
    fail_all(&store, epoch, 1).await;
    assert_eq!(states(&store, LedgerFilter::Failed).await, [(1, Failed)]);
    assert_eq!(states(&store, LedgerFilter::Unsettled).await, [(1, Failed)]);
    assert_eq!(store.gauges().await.unwrap().failed_threads, 1);
    let retried = store.retry(Retry::All, at(10)).await.unwrap();
    assert_eq!(retried, Retried { put_back: 1, not_failed: vec![] });
    assert_eq!(states(&store, LedgerFilter::Failed).await, []);
    assert_eq!(states(&store, LedgerFilter::All).await, [(1, Pending)]);
    let thread = store.claim(Channel::Email, epoch, at(10), 1, Whose::Everybodys).await.unwrap().remove(0);
    assert_eq!((thread.thread.attempts, thread.thread.since), (0, Some(at(10))));
    store.settle(epoch, vec![settlement(&thread, Settled::Delivered, 11)]).await.unwrap();
    assert_eq!(states(&store, LedgerFilter::All).await, [(1, Delivered)]);
}

async fn retry_by_name_says_what_had_not_failed(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    one_waiting_mail(&store).await;
    let item = store.deliveries(LedgerFilter::Unsettled, 1).await.unwrap().remove(0).id;
    let retry = async |item: &ItemId| store.retry(Retry::Items(vec![item.clone()]), at(9)).await.unwrap();
    assert_eq!(retry(&item).await, Retried { put_back: 0, not_failed: vec![item.clone()] });
    fail_all(&store, epoch, 1).await;
    let other = ItemId { reference: "ZZZZ".into(), ..item.clone() };
    assert_eq!(retry(&other).await, Retried { put_back: 0, not_failed: vec![other.clone()] });
    assert_eq!(retry(&item).await, Retried { put_back: 1, not_failed: vec![] });
}

async fn later_quiet_news_does_not_wake_a_failed_thread(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    fail_all(&store, epoch, 1).await;
    plan_next(&store, case_key, 2).await;
    assert_eq!(store.next_due(Channel::Email).await.unwrap(), None);
    store.retry(Retry::All, at(3)).await.unwrap();
    let claimed = store.claim(Channel::Email, epoch, at(3), 10, Whose::Everybodys).await.unwrap();
    assert_eq!((claimed[0].thread.told, claimed[0].thread.wanted), (0, 2), "the current state");
}

async fn what_a_failed_thread_is_told_again_is_no_failure_any_more(store: Store) {
    use LedgerState::{Delivered, Pending, Superseded};
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    fail_all(&store, epoch, 1).await;
    plan_next_as(&store, case_key, Waiting::TriedAgain, 2).await;
    assert_eq!(states(&store, LedgerFilter::Failed).await, []);
    assert_eq!(states(&store, LedgerFilter::All).await, [(1, Superseded), (2, Pending)]);
    assert_eq!(deliver_all(&store, epoch, 3).await, 1);
    assert_eq!(states(&store, LedgerFilter::All).await, [(1, Superseded), (2, Delivered)]);
    plan_next_as(&store, case_key, Waiting::TriedAgain, 4).await;
    fail_all(&store, epoch, 5).await;
    plan_next(&store, case_key, 6).await;
    assert_eq!(states(&store, LedgerFilter::Failed).await, [(3, LedgerState::Failed)], "what was accepted stays");
}

async fn gauges_count_what_waits_and_what_is_under_way(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let clients = ["a", "b"].map(|id| client(id, &["*"], &[&format!("{id}@a.example")]));
    read_book(&store, clients.to_vec()).await;
    let case_key = open_case(&store, "i1").await;
    plan(&store, case_key, 1, 7).await;
    store.claim(Channel::Email, epoch, at(7), 1, Whose::Everybodys).await.unwrap();
    let gauges = store.gauges().await.unwrap();
    let mail = PendingGauge { channel: Channel::Email, count: 2, oldest_since: Some(at(7)) };
    let hooks = PendingGauge { channel: Channel::Webhook, count: 0, oldest_since: None };
    assert_eq!(gauges, Gauges { pending: vec![mail, hooks], open_cases: 1, owed_cases: 0, failed_threads: 0 });
}
