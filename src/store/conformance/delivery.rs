//! Claims and settles.

use super::*;
use crate::domain::refusals;

suite! {
    a_claim_is_exclusive,
    claims_are_made_by_channel_and_the_longest_due_first,
    a_claim_brings_all_that_a_message_needs,
    a_settle_of_a_lost_epoch_changes_nothing,
    a_claim_never_settled_is_uncertain_in_the_next_epoch,
    an_unclaimed_thread_is_due_as_before,
    news_during_an_attempt_is_due_after_it,
    news_during_a_deferred_attempt_waits_with_it,
    news_at_once_during_an_attempt_that_is_refused_for_good_is_tried,
    an_episode_begun_during_an_attempt_stays_begun,
    a_settlement_is_applied_once,
    orphaned_threads_are_passed_over_and_listed,
    a_cancelled_thread_leaves_a_cancelled_delivery,
    a_claimed_thread_is_not_cancelled,
    acceptance_is_known_by_client,
    accounts_are_held_until_released,
    refusals_are_remembered_until_the_contact_is_accepted,
    a_hold_for_recipients_puts_back_what_failed_since_it_was_suspected,
    a_thread_that_changed_since_it_was_read_is_not_settled_unclaimed,
    an_epoch_is_renewed_until_a_newer_one_begins,
}

async fn claim(store: &Store, epoch: i64, now: i64) -> Vec<Claimed> {
    store.claim(Channel::Email, epoch, at(now), 100, Whose::Everybodys).await.unwrap()
}

async fn a_claim_is_exclusive(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    one_waiting_mail(&store).await;
    let (first, second) = tokio::join!(claim(&store, epoch, 0), claim(&store, epoch, 0));
    assert_eq!(first.len() + second.len(), 1);
    assert_eq!(store.next_due(Channel::Email).await.unwrap(), None);
}

async fn claims_are_made_by_channel_and_the_longest_due_first(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    read_book(&store, vec![client("acme", &["*"], &["a@a.example", "https://a.example/hook"])]).await;
    let late = open_case(&store, "late").await;
    plan(&store, late, 1, 20).await;
    let early = open_case(&store, "early").await;
    plan(&store, early, 1, 10).await;
    assert_eq!(claim(&store, epoch, 9).await, []);
    let order: Vec<i64> = claim(&store, epoch, 30).await.iter().map(|claimed| claimed.thread.case_key).collect();
    assert_eq!(order, [early, late]);
    let hooks = store.claim(Channel::Webhook, epoch, at(30), 1, Whose::Everybodys).await.unwrap();
    assert_eq!((hooks.len(), hooks[0].thread.case_key), (1, early));
}

async fn a_claim_brings_all_that_a_message_needs(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    let claimed = claim(&store, epoch, 0).await.remove(0);
    assert_eq!(claimed.thread, only_thread(&store, case_key).await);
    assert_eq!(claimed.contact, client("acme", &[], &["ops@acme.example"]).contacts[0]);
    let expected = ClientLine {
        id: "acme".into(),
        name: "ACME".into(),
        locale: Some("de".into()),
        timezone: "Europe/Berlin".into(),
    };
    assert_eq!(claimed.client, expected);
}

async fn a_settle_of_a_lost_epoch_changes_nothing(store: Store) {
    let lost = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    let claimed = claim(&store, lost, 0).await.remove(0);
    let epoch = store.begin_epoch("node".into(), at(5)).await.unwrap();
    let before = only_thread(&store, case_key).await;
    assert_eq!(store.settle(lost, vec![settlement(&claimed, Settled::Delivered, 6)]).await.unwrap().threads, 0);
    assert_eq!(only_thread(&store, case_key).await, before);
    assert_eq!(claim(&store, epoch, 6).await.len(), 1);
    // Not even now that the thread is claimed again, by another epoch.
    assert_eq!(store.settle(lost, vec![settlement(&claimed, Settled::Delivered, 7)]).await.unwrap().threads, 0);
    assert_eq!(store.deliveries(LedgerFilter::Failed, 10).await.unwrap(), []);
}

async fn a_claim_never_settled_is_uncertain_in_the_next_epoch(store: Store) {
    let lost = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    let range = claim(&store, lost, 0).await.remove(0).thread;
    let epoch = store.begin_epoch("node".into(), at(5)).await.unwrap();
    assert!(epoch > lost);
    let thread = only_thread(&store, case_key).await;
    assert!(thread.uncertain);
    assert_eq!((thread.told, thread.wanted), (range.told, range.wanted), "the same range, so the same key");
    assert_eq!(store.next_due(Channel::Email).await.unwrap(), Some(at(5)));
}

async fn an_unclaimed_thread_is_due_as_before(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    let before = only_thread(&store, case_key).await;
    let claimed = claim(&store, epoch, 0).await.remove(0);
    let key = ThreadKey { case_key, contact_key: claimed.thread.contact_key };
    assert_eq!(store.unclaim(epoch + 1, vec![key]).await.unwrap(), 0);
    assert_eq!(store.unclaim(epoch, vec![key]).await.unwrap(), 1);
    assert_eq!(only_thread(&store, case_key).await, before);
    assert_eq!(store.settle(epoch, vec![settlement(&claimed, Settled::Delivered, 1)]).await.unwrap().threads, 0);
    assert_eq!(claim(&store, epoch, 0).await.len(), 1);
}

async fn news_during_an_attempt_is_due_after_it(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    let claimed = claim(&store, epoch, 0).await.remove(0);
    plan_next(&store, case_key, 10).await;
    plan_next(&store, case_key, 20).await;
    assert_eq!(claim(&store, epoch, 30).await, [], "one attempt under way per contact and case");
    assert_eq!(store.settle(epoch, vec![settlement(&claimed, Settled::Delivered, 31)]).await.unwrap().threads, 1);
    let thread = only_thread(&store, case_key).await;
    assert_eq!((thread.told, thread.wanted), (1, 3));
    assert_eq!((thread.since, thread.due_at), (Some(at(10)), Some(at(10))));
    assert_ne!(thread.variant, claimed.thread.variant);
    assert_eq!(claim(&store, epoch, 31).await.len(), 1);
}

async fn news_during_a_deferred_attempt_waits_with_it(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    let claimed = claim(&store, epoch, 0).await.remove(0);
    plan_next(&store, case_key, 10).await;
    let after = Thread { due_at: Some(at(60)), attempts: 1, ..claimed.thread.clone() };
    let attempt = AttemptRow {
        to_sequence: 1,
        attempt: 1,
        at: at(11),
        outcome: "deferred".into(),
        cause: cause("try again later"),
    };
    let deferred = Settlement { after, claim_to: 1, delivery: None, attempt: Some(attempt.clone()), promised: None };
    assert_eq!(store.settle(epoch, vec![deferred]).await.unwrap().threads, 1);
    let thread = only_thread(&store, case_key).await;
    assert_eq!((thread.told, thread.wanted, thread.attempts), (0, 2, 1));
    assert_eq!((thread.since, thread.due_at), (Some(at(0)), Some(at(60))));
    let key = ThreadKey { case_key, contact_key: thread.contact_key };
    assert_eq!(store.failed_attempts(case_key).await.unwrap(), [(key, attempt)]);
}

async fn news_at_once_during_an_attempt_that_is_refused_for_good_is_tried(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    let check = async |waiting: Waiting, now: i64, expected: ThreadState| {
        let claimed = claim(&store, epoch, now).await.remove(0);
        plan_next_as(&store, case_key, waiting, now + 1).await;
        store.settle(epoch, vec![settlement(&claimed, Settled::Failed, now + 2)]).await.unwrap();
        let thread = only_thread(&store, case_key).await;
        assert_eq!((thread.state, thread.told, thread.wanted), (expected, 0, claimed.thread.wanted + 1));
        thread
    };
    let thread = check(Waiting::TriedAgain, 0, ThreadState::Active).await;
    assert_eq!((thread.attempts, thread.since, thread.due_at), (0, Some(at(1)), Some(at(1))));
    assert_eq!(store.deliveries(LedgerFilter::Failed, 9).await.unwrap(), []);
    check(Waiting::Keeps, 10, ThreadState::Failed).await;
    assert_eq!(store.deliveries(LedgerFilter::Failed, 9).await.unwrap().len(), 1);
}

async fn an_episode_begun_during_an_attempt_stays_begun(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    let claimed = claim(&store, epoch, 0).await.remove(0);
    let chunk = store.planning_chunk(case_key, None, Selector::Everyone, 10).await.unwrap();
    let raise = Raise { episode: Episode::Begins, ..raises(&chunk, "reopened", 5).remove(0) };
    let version = case_of(&store, case_key).await.version;
    let progress = Progress::More { after: "acme".into(), version };
    store.raise(Raising { case_key, sequence: 2, raises: vec![raise], progress }, at(5)).await.unwrap();
    store.settle(epoch, vec![settlement(&claimed, Settled::Delivered, 6)]).await.unwrap();
    let thread = only_thread(&store, case_key).await;
    assert_eq!((thread.episode, thread.notices, thread.told, thread.wanted), (2, 0, 1, 2));
}

async fn a_settlement_is_applied_once(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    one_waiting_mail(&store).await;
    let claimed = claim(&store, epoch, 0).await.remove(0);
    let settlements = || vec![settlement(&claimed, Settled::Delivered, 1)];
    assert_eq!(store.settle(epoch, settlements()).await.unwrap().threads, 1);
    assert_eq!(store.settle(epoch, settlements()).await.unwrap().threads, 0);
    assert_eq!(claim(&store, epoch, 100).await, []);
}

async fn orphaned_threads_are_passed_over_and_listed(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let stays = client("stays", &["*"], &["stays@a.example", "https://stays.example/hook"]);
    read_book(&store, vec![stays.clone(), client("goes", &["*"], &["goes@a.example"])]).await;
    let case_key = open_case(&store, "i1").await;
    plan(&store, case_key, 1, 0).await;
    assert_eq!(store.orphaned(10).await.unwrap(), []);
    read_book(&store, vec![stays]).await;
    let threads = store.case_threads(case_key).await.unwrap();
    let hook = threads.iter().find(|thread| thread.channel == Channel::Webhook).unwrap();
    store.contact_gone(hook.contact_key, at(1)).await.unwrap();
    let mut orphans: Vec<(String, Channel)> =
        store.orphaned(10).await.unwrap().into_iter().map(|thread| (thread.client_id, thread.channel)).collect();
    orphans.sort();
    assert_eq!(orphans, [("goes".to_owned(), Channel::Email), ("stays".to_owned(), Channel::Webhook)]);
    let claimed = claim(&store, epoch, 5).await;
    assert_eq!(claimed.iter().map(|c| c.client.id.as_str()).collect::<Vec<_>>(), ["stays"]);
    assert_eq!(store.claim(Channel::Webhook, epoch, at(5), 10, Whose::Everybodys).await.unwrap(), []);
}

async fn a_cancelled_thread_leaves_a_cancelled_delivery(store: Store) {
    let case_key = one_waiting_mail(&store).await;
    let key = ThreadKey { case_key, contact_key: only_thread(&store, case_key).await.contact_key };
    let cancellation = || vec![Cancellation { thread: key, cause: cause("removed") }];
    assert_eq!(store.cancel(cancellation(), at(5)).await.unwrap(), 1);
    assert_eq!(store.cancel(cancellation(), at(6)).await.unwrap(), 0);
    let ledger = store.deliveries(LedgerFilter::Case(case_key), 10).await.unwrap();
    assert_eq!(ledger.len(), 1);
    assert_eq!((ledger[0].state, ledger[0].settled_at), (LedgerState::Cancelled, Some(at(5))));
    assert_eq!(ledger[0].cause, Some(cause("removed")));
}

async fn a_claimed_thread_is_not_cancelled(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    let claimed = claim(&store, epoch, 0).await.remove(0);
    let key = ThreadKey { case_key, contact_key: claimed.thread.contact_key };
    let cancellation = Cancellation { thread: key, cause: cause("removed") };
    assert_eq!(store.cancel(vec![cancellation], at(1)).await.unwrap(), 0);
    assert_eq!(store.settle(epoch, vec![settlement(&claimed, Settled::Delivered, 2)]).await.unwrap().threads, 1);
}

async fn acceptance_is_known_by_client(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    let accepted =
        async |client: &str, by: AcceptedBy| store.accepted_until(case_key, client.into(), by).await.unwrap();
    assert_eq!(accepted("acme", AcceptedBy::Anybody).await, None);
    deliver_all(&store, epoch, 1).await;
    plan_next(&store, case_key, 2).await;
    assert_eq!(accepted("acme", AcceptedBy::Anybody).await, Some((1, Channel::Email)));
    assert_eq!(accepted("acme", AcceptedBy::Fallback).await, None, "the contact is no fallback");
    assert_eq!(accepted("other", AcceptedBy::Anybody).await, None);
}

async fn accounts_are_held_until_released(store: Store) {
    store.hold_account("smtp".into(), HeldFor::Account, cause("first"), at(0), at(300)).await.unwrap();
    store.hold_account("smtp".into(), HeldFor::Recipients, cause("second"), at(300), at(600)).await.unwrap();
    let held = HeldAccount {
        name: "smtp".into(),
        why: HeldFor::Account,
        held_since: at(0),
        cause: cause("second"),
        probe_at: at(600),
    };
    assert_eq!(store.held_accounts().await.unwrap(), [held]);
    assert_eq!(store.probe_held_accounts(at(400)).await.unwrap(), 1);
    assert_eq!(store.held_accounts().await.unwrap()[0].probe_at, at(400));
    assert_eq!(store.probe_held_accounts(at(500)).await.unwrap(), 0, "never later than it was to be");
    assert!(store.release_account("smtp".into()).await.unwrap());
    assert!(!store.release_account("smtp".into()).await.unwrap());
}

fn refused(claimed: &Claimed, standing: refusals::Standing) -> Vec<RefusedContact> {
    let refused = refusals::Refused { code: 550, standing };
    vec![RefusedContact { contact_key: claimed.thread.contact_key, refused }]
}

async fn refusals_are_remembered_until_the_contact_is_accepted(store: Store) {
    use refusals::Standing::{Known, Suspected};
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    let claimed = claim(&store, epoch, 0).await.remove(0);
    assert_eq!((claimed.refused, claimed.entered), (None, 1));
    store.note_refusals("email".into(), refused(&claimed, Suspected), at(1)).await.unwrap();
    let suspected = async || store.suspected_contacts("email".into()).await.unwrap();
    assert_eq!(suspected().await, [claimed.thread.contact_key]);
    assert_eq!(store.suspected_contacts("other".into()).await.unwrap(), Vec::<i64>::new());
    assert_eq!(store.clear_suspicion("email".into()).await.unwrap(), 1);
    assert_eq!(suspected().await, Vec::<i64>::new());
    let key = ThreadKey { case_key, contact_key: claimed.thread.contact_key };
    store.unclaim(epoch, vec![key]).await.unwrap();
    let again = claim(&store, epoch, 2).await.remove(0);
    assert_eq!(again.refused, Some(refusals::Refused { code: 550, standing: Known }));
    store.settle(epoch, vec![settlement(&again, Settled::Delivered, 3)]).await.unwrap();
    plan_next(&store, case_key, 4).await;
    assert_eq!(claim(&store, epoch, 5).await[0].refused, None);
}

async fn a_hold_for_recipients_puts_back_what_failed_since_it_was_suspected(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    let claimed = claim(&store, epoch, 0).await.remove(0);
    store.note_refusals("email".into(), refused(&claimed, refusals::Standing::Suspected), at(1)).await.unwrap();
    store.settle(epoch, vec![settlement(&claimed, Settled::Failed, 1)]).await.unwrap();
    assert_eq!(store.deliveries(LedgerFilter::Failed, 10).await.unwrap().len(), 1);
    let hold = async |now: i64| {
        store.hold_for_recipients("email".into(), vec![], cause("all"), at(now), at(now + 300)).await.unwrap()
    };
    assert_eq!(hold(5).await, 1);
    assert_eq!(store.deliveries(LedgerFilter::Failed, 10).await.unwrap(), []);
    let thread = only_thread(&store, case_key).await;
    assert_eq!((thread.state, thread.due_at), (ThreadState::Active, Some(at(5))));
    assert_eq!(store.held_accounts().await.unwrap()[0].why, HeldFor::Recipients);
    let again = claim(&store, epoch, 6).await.remove(0);
    store.settle(epoch, vec![settlement(&again, Settled::Failed, 7)]).await.unwrap();
    assert_eq!(hold(8).await, 0, "what is known is not put back again");
}

async fn a_thread_that_changed_since_it_was_read_is_not_settled_unclaimed(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    let waiting = async || store.waiting_of_client(case_key, "acme".into()).await.unwrap();
    let (thread, is_fallback) = waiting().await.remove(0);
    assert!(!is_fallback);
    let cancelled = |thread: &Thread| {
        let after = Thread { told: thread.wanted, since: None, due_at: None, ..thread.clone() };
        let delivery = DeliveryRow {
            from_sequence: thread.told,
            to_sequence: thread.wanted,
            variant: thread.variant,
            state: Settled::Cancelled,
            uncertain: false,
            attempts: 0,
            planned_at: at(0),
            settled_at: at(1),
            receipt: None,
            cause: Some(cause("told by webhook")),
            key: None,
        };
        vec![Settlement { after, claim_to: thread.wanted, delivery: Some(delivery), attempt: None, promised: None }]
    };
    plan_next(&store, case_key, 1).await;
    assert_eq!(store.settle_unclaimed(cancelled(&thread)).await.unwrap(), 0, "news has come");
    let (thread, _) = waiting().await.remove(0);
    claim(&store, epoch, 2).await;
    assert_eq!(store.settle_unclaimed(cancelled(&thread)).await.unwrap(), 0, "an attempt is under way");
    let key = ThreadKey { case_key, contact_key: thread.contact_key };
    store.unclaim(epoch, vec![key]).await.unwrap();
    assert_eq!(store.settle_unclaimed(cancelled(&thread)).await.unwrap(), 1);
    assert_eq!(waiting().await, []);
}

async fn an_epoch_is_renewed_until_a_newer_one_begins(store: Store) {
    let first = store.begin_epoch("node".into(), at(0)).await.unwrap();
    assert!(store.renew_epoch(first, at(10)).await.unwrap());
    assert!(store.renew_epoch(first, at(5)).await.unwrap(), "the clock was set back");
    let second = store.begin_epoch("node".into(), at(20)).await.unwrap();
    assert!(!store.renew_epoch(first, at(30)).await.unwrap());
    assert!(store.renew_epoch(second, at(30)).await.unwrap());
}
