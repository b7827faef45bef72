//! From a change to raised threads.

use super::*;

suite! {
    planning_twice_is_harmless,
    wanted_only_rises,
    since_stays_while_something_is_unsent,
    a_chunk_holds_whom_it_concerns_and_whom_it_was_told,
    chunks_go_through_the_book_once,
    planning_goes_on_where_its_last_chunk_ended,
    a_case_written_meanwhile_is_planned_again,
    nothing_joins_a_change_of_which_a_part_is_planned,
    equal_variants_of_a_case_share_a_row,
    a_contact_switched_off_or_removed_is_not_offered,
    a_cancelled_thread_whose_contact_is_planned_for_comes_back,
    a_thread_refused_for_good_is_tried_again_by_news_at_once_alone,
    a_wait_is_brought_forward_on_demand,
}

async fn planning_twice_is_harmless(store: Store) {
    let case_key = one_waiting_mail(&store).await;
    let before = only_thread(&store, case_key).await;
    assert!(matches!(plan(&store, case_key, 1, 50).await, Recorded::Done { .. }));
    assert_eq!(only_thread(&store, case_key).await, before);
    let story = store.story(case_key).await.unwrap().unwrap();
    assert_eq!(story.changes[0].planned_at, Some(at(0)));
}

async fn wanted_only_rises(store: Store) {
    let case_key = one_waiting_mail(&store).await;
    assert_eq!(plan_next(&store, case_key, 10).await, 2);
    plan(&store, case_key, 1, 20).await;
    assert_eq!(only_thread(&store, case_key).await.wanted, 2);
}

async fn since_stays_while_something_is_unsent(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    plan_next(&store, case_key, 10).await;
    let waiting = only_thread(&store, case_key).await;
    assert_eq!((waiting.told, waiting.wanted, waiting.since, waiting.due_at), (0, 2, Some(at(0)), Some(at(0))));
    deliver_all(&store, epoch, 11).await;
    let sent = only_thread(&store, case_key).await;
    assert_eq!((sent.told, sent.since, sent.due_at), (2, None, None));
    plan_next(&store, case_key, 20).await;
    let again = only_thread(&store, case_key).await;
    assert_eq!((again.told, again.wanted, again.since, again.due_at), (2, 3, Some(at(20)), Some(at(20))));
}

fn book() -> Vec<Client> {
    vec![
        client("all", &["*"], &["all@a.example"]),
        client("none", &[], &["none@a.example"]),
        client("payer", &["search", "payments"], &["payer@a.example", "https://payer.example/hook"]),
        client("searcher", &["search"], &["searcher@a.example"]),
    ]
}

async fn a_chunk_holds_whom_it_concerns_and_whom_it_was_told(store: Store) {
    read_book(&store, book()).await;
    let case_key = open_case(&store, "i1").await;
    let check = async |selector: Selector, expected: &[&str]| {
        let chunk = store.planning_chunk(case_key, None, selector, 100).await.unwrap();
        let ids: Vec<&str> = chunk.planned.iter().map(|planned| planned.client.id.as_str()).collect();
        assert_eq!(ids, expected);
        assert_eq!(chunk.next_after, None);
        for planned in &chunk.planned {
            let expected = book().into_iter().find(|client| client.id == planned.client.id);
            assert_eq!(Some(&planned.client), expected.as_ref());
            assert_eq!(planned.contacts.len(), planned.client.contacts.len());
        }
    };
    check(Selector::Components(vec!["payments".into()]), &["all", "payer"]).await;
    check(Selector::Components(vec![]), &["all"]).await;
    check(Selector::Everyone, &["all", "payer", "searcher"]).await;
    plan(&store, case_key, 1, 0).await;
    check(Selector::Components(vec!["mail".into()]), &["all", "payer", "searcher"]).await;
    let chunk = store.planning_chunk(case_key, None, Selector::Everyone, 100).await.unwrap();
    let threads: Vec<usize> = chunk.planned.iter().map(|planned| planned.threads.len()).collect();
    assert_eq!(threads, [1, 2, 1]);
    assert!(chunk.planned.iter().flat_map(|p| &p.threads).all(|(_, presence)| *presence == Presence::InBook));
    assert_eq!(chunk.variants.len(), 1);
    assert_eq!(chunk.variants[0].1, variant("change 1"));
}

async fn chunks_go_through_the_book_once(store: Store) {
    let ids: Vec<String> = (0..25).map(|number| format!("c{number:02}")).collect();
    // Some by one component, some by another, some by both.
    let priorities = [&["payments"][..], &["search"], &["search", "payments"], &["*"], &["mail"]];
    let clients = ids.iter().enumerate().map(|(n, id)| client(id, priorities[n % 5], &[&format!("{id}@a.example")]));
    read_book(&store, clients.collect()).await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let selector = Selector::Components(vec!["payments".into(), "search".into()]);
        let chunk = store.planning_chunk(0, after, selector, 3).await.unwrap();
        seen.extend(chunk.planned.into_iter().map(|planned| planned.client.id));
        after = chunk.next_after;
        if after.is_none() {
            break;
        }
    }
    let expected: Vec<String> =
        ids.into_iter().enumerate().filter(|(number, _)| number % 5 != 4).map(|(_, id)| id).collect();
    assert_eq!(seen, expected);
}

async fn planning_goes_on_where_its_last_chunk_ended(store: Store) {
    read_book(&store, book()).await;
    let case_key = open_case(&store, "i1").await;
    let chunk = store.planning_chunk(case_key, None, Selector::Everyone, 1).await.unwrap();
    let progress = Progress::More { after: chunk.next_after.clone().unwrap(), version: 1 };
    let raising = Raising { case_key, sequence: 1, raises: raises(&chunk, "x", 0), progress };
    store.raise(raising, at(0)).await.unwrap();
    let due = DueChange { case_key, sequence: 1, after: Some("all".into()) };
    assert_eq!(store.due_changes(at(0), 10).await.unwrap(), [due]);
    assert_eq!(store.next_due_change().await.unwrap(), Some(at(0)));
    // Delivery begins before planning is done.
    assert_eq!(store.next_due(Channel::Email).await.unwrap(), Some(at(0)));
    let next = store.planning_chunk(case_key, chunk.next_after, Selector::Everyone, 1).await.unwrap();
    assert_eq!(next.planned[0].client.id, "payer");
}

async fn a_case_written_meanwhile_is_planned_again(store: Store) {
    read_book(&store, book()).await;
    let case_key = open_case(&store, "i1").await;
    let read = case_of(&store, case_key).await;
    store.record(vec![Write { case: read.clone(), updates: vec![], changes: vec![] }], None).await.unwrap();
    let chunk = store.planning_chunk(case_key, None, Selector::Everyone, 100).await.unwrap();
    for progress in
        [Progress::More { after: "all".into(), version: read.version }, Progress::Done { case: Box::new(read.clone()) }]
    {
        let raising = Raising { case_key, sequence: 1, raises: raises(&chunk, "x", 0), progress };
        assert_eq!(store.raise(raising, at(0)).await.unwrap(), Recorded::Conflict);
        assert_eq!(store.case_threads(case_key).await.unwrap(), []);
        assert_eq!(store.due_changes(at(0), 10).await.unwrap().len(), 1);
    }
}

async fn nothing_joins_a_change_of_which_a_part_is_planned(store: Store) {
    read_book(&store, book()).await;
    let case_key = open_case(&store, "i1").await;
    let read = store.story(case_key).await.unwrap().unwrap();
    let chunk = store.planning_chunk(case_key, None, Selector::Everyone, 1).await.unwrap();
    let progress = Progress::More { after: chunk.next_after.clone().unwrap(), version: read.case.version };
    let raising = Raising { case_key, sequence: 1, raises: raises(&chunk, "x", 0), progress };
    store.raise(raising, at(0)).await.unwrap();
    let joining = Write { case: read.case, updates: vec![], changes: read.changes };
    assert_eq!(store.record(vec![joining], None).await.unwrap(), Recorded::Conflict);
    let now = store.story(case_key).await.unwrap().unwrap();
    assert_eq!((now.waiting(), now.being_planned().map(|change| change.sequence)), (None, Some(1)));
    assert_eq!(store.due_changes(at(0), 10).await.unwrap()[0].after.as_deref(), Some("all"));
}

async fn equal_variants_of_a_case_share_a_row(store: Store) {
    read_book(&store, book()).await;
    let (first, second) = (open_case(&store, "i1").await, open_case(&store, "i2").await);
    plan(&store, first, 1, 0).await;
    plan(&store, second, 1, 0).await;
    assert_eq!(store.case_threads(first).await.unwrap().len(), 4);
    let of_first = store.case_variants(first).await.unwrap();
    let of_second = store.case_variants(second).await.unwrap();
    assert_eq!((of_first.len(), of_second.len()), (1, 1));
    assert_ne!(of_first[0].0, of_second[0].0);
    plan_next(&store, first, 5).await;
    assert_eq!(store.case_variants(first).await.unwrap().len(), 2);
}

async fn a_contact_switched_off_or_removed_is_not_offered(store: Store) {
    read_book(&store, book()).await;
    let case_key = open_case(&store, "i1").await;
    plan(&store, case_key, 1, 0).await;
    let threads = store.case_threads(case_key).await.unwrap();
    let hook = threads.iter().find(|thread| thread.channel == Channel::Webhook).unwrap();
    store.contact_gone(hook.contact_key, at(1)).await.unwrap();
    let mut changed = book();
    changed[2].contacts[0].address = "new@a.example".into();
    read_book(&store, changed).await;
    let selector = Selector::Components(vec!["payments".into()]);
    let chunk = store.planning_chunk(case_key, Some("all".into()), selector, 100).await.unwrap();
    let payer = &chunk.planned[0];
    let offered: Vec<&str> = payer.contacts.iter().map(|(_, contact)| contact.address.as_str()).collect();
    assert_eq!(offered, ["new@a.example"]);
    let presences: Vec<Presence> = payer.threads.iter().map(|(_, presence)| *presence).collect();
    assert_eq!(presences, [Presence::Removed, Presence::SwitchedOff]);
}

async fn raise_again(store: &Store, case_key: i64, sequence: i64, episode: Episode, waiting: Waiting, due: i64) {
    let chunk = store.planning_chunk(case_key, None, Selector::Everyone, 100).await.unwrap();
    let raises = raises(&chunk, "again", due).into_iter().map(|raise| Raise { episode, waiting, ..raise }).collect();
    let version = case_of(store, case_key).await.version;
    let progress = Progress::More { after: "acme".into(), version };
    store.raise(Raising { case_key, sequence, raises, progress }, at(due)).await.unwrap();
}

async fn a_cancelled_thread_whose_contact_is_planned_for_comes_back(store: Store) {
    let case_key = one_waiting_mail(&store).await;
    let key = ThreadKey { case_key, contact_key: only_thread(&store, case_key).await.contact_key };
    store.cancel(vec![Cancellation { thread: key, cause: cause("removed") }], at(1)).await.unwrap();
    assert_eq!(store.next_due(Channel::Email).await.unwrap(), None);
    raise_again(&store, case_key, 2, Episode::Same, Waiting::Keeps, 10).await;
    let thread = only_thread(&store, case_key).await;
    assert_eq!((thread.state, thread.wanted, thread.since), (ThreadState::Active, 2, Some(at(10))));
    assert_eq!(store.next_due(Channel::Email).await.unwrap(), Some(at(10)));
}

async fn a_thread_refused_for_good_is_tried_again_by_news_at_once_alone(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    let claimed = store.claim(Channel::Email, epoch, at(0), 10, Whose::Everybodys).await.unwrap();
    let mut after = claimed[0].thread.clone();
    after.state = ThreadState::Failed;
    after.due_at = None;
    after.attempts = 3;
    store
        .settle(epoch, vec![Settlement { after, claim_to: 1, delivery: None, attempt: None, promised: None }])
        .await
        .unwrap();
    raise_again(&store, case_key, 2, Episode::Same, Waiting::Keeps, 10).await;
    assert_eq!(only_thread(&store, case_key).await.state, ThreadState::Failed);
    raise_again(&store, case_key, 3, Episode::Same, Waiting::TriedAgain, 20).await;
    let thread = only_thread(&store, case_key).await;
    assert_eq!(
        (thread.state, thread.attempts, thread.since, thread.due_at),
        (ThreadState::Active, 0, Some(at(20)), Some(at(20)))
    );
}

async fn a_wait_is_brought_forward_on_demand(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let case_key = one_waiting_mail(&store).await;
    let claimed = store.claim(Channel::Email, epoch, at(0), 10, Whose::Everybodys).await.unwrap();
    let mut after = claimed[0].thread.clone();
    after.due_at = Some(at(1800));
    after.attempts = 3;
    store
        .settle(epoch, vec![Settlement { after, claim_to: 1, delivery: None, attempt: None, promised: None }])
        .await
        .unwrap();
    raise_again(&store, case_key, 2, Episode::Same, Waiting::Keeps, 10).await;
    assert_eq!(store.next_due(Channel::Email).await.unwrap(), Some(at(1800)));
    raise_again(&store, case_key, 3, Episode::Same, Waiting::BroughtForward, 20).await;
    assert_eq!(store.next_due(Channel::Email).await.unwrap(), Some(at(20)));
    let thread = only_thread(&store, case_key).await;
    assert_eq!((thread.attempts, thread.since), (3, Some(at(0))), "later news resets neither");
    raise_again(&store, case_key, 4, Episode::Same, Waiting::BroughtForward, 5).await;
    assert_eq!(store.next_due(Channel::Email).await.unwrap(), Some(at(20)), "a wait is brought forward once");
}
