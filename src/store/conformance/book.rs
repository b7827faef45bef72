//! The client book by generations.

use super::*;
use crate::domain::client::SecretRef;
use crate::store::StoreError;

suite! {
    a_client_comes_back_as_it_was_written,
    a_switch_keeps_contact_keys_and_drops_the_old_book,
    nothing_of_a_book_is_seen_before_the_switch,
    a_switch_says_who_came_and_who_went,
    a_client_named_twice_is_a_fault,
    the_book_counts_who_would_be_told_nothing,
}

async fn a_client_comes_back_as_it_was_written(store: Store) {
    let mut acme = client("acme", &["payments", "search", "payments"], &["z@a.example", "https://a.example/hook"]);
    acme.contacts[1].secret = Some(SecretRef::Env("ACME".into()));
    acme.contacts[1].fallback = true;
    acme.contacts[0].name = Some("Night shift".into());
    acme.facts.insert("region".into(), "eu-1".into());
    read_book(&store, vec![acme.clone()]).await;
    assert_eq!(store.client("acme".into()).await.unwrap(), Some(acme));
    assert_eq!(store.client("ACME".into()).await.unwrap(), None);
}

async fn contact_keys(store: &Store) -> Vec<i64> {
    let chunk = store.planning_chunk(0, None, Selector::Everyone, 100).await.unwrap();
    chunk.planned.iter().flat_map(|planned| planned.contacts.iter().map(|(key, _)| *key)).collect()
}

async fn a_switch_keeps_contact_keys_and_drops_the_old_book(store: Store) {
    let clients = || vec![client("a", &["*"], &["a@a.example"]), client("b", &["*"], &["b@a.example"])];
    read_book(&store, clients()).await;
    let before = contact_keys(&store).await;
    let mut changed = clients();
    changed[0].contacts[0].secret = Some(SecretRef::Env("CHANGED".into()));
    read_book(&store, changed).await;
    assert_eq!(contact_keys(&store).await, before);
    let mut swept = 0;
    loop {
        match store.sweep_book(4).await.unwrap() {
            0 => break,
            rows => swept += rows,
        }
    }
    assert_eq!(swept, 6, "two clients, two contacts, two components");
    assert_eq!(contact_keys(&store).await, before);
}

async fn nothing_of_a_book_is_seen_before_the_switch(store: Store) {
    read_book(&store, vec![client("a", &["*"], &["a@a.example"])]).await;
    let generation = store.begin_book().await.unwrap();
    store.write_book_chunk(generation, vec![client("b", &["*"], &["b@a.example"])]).await.unwrap();
    assert_eq!(store.book_fingerprint().await.unwrap(), Some("book 1".into()));
    assert_eq!(store.client("b".into()).await.unwrap(), None);
    // Abandoned: a later one takes its place, and it is swept away with the old one.
    read_book(&store, vec![client("c", &["*"], &["c@a.example"])]).await;
    assert!(matches!(store.write_book_chunk(generation, vec![]).await, Err(StoreError::Fault(_))));
    assert!(matches!(store.switch_book(generation, "old".into(), at(0)).await, Err(StoreError::Fault(_))));
    assert_eq!(store.sweep_book(100).await.unwrap(), 6);
    assert_eq!(store.client("b".into()).await.unwrap(), None);
    assert!(store.client("c".into()).await.unwrap().is_some());
}

async fn a_switch_says_who_came_and_who_went(store: Store) {
    let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
    let clients = ["a", "b", "c"].map(|id| client(id, &["*"], &[&format!("{id}@a.example")]));
    let change = read_book(&store, clients.to_vec()).await;
    assert_eq!(change, BookChange { added: 3, removed: 0, removed_in_open_cases: vec![] });
    let case_key = open_case(&store, "i1").await;
    plan(&store, case_key, 1, 0).await;
    let claimed = store.claim(Channel::Email, epoch, at(0), 100, Whose::Everybodys).await.unwrap();
    let of_b = claimed.iter().find(|claimed| claimed.client.id == "b").unwrap();
    store.settle(epoch, vec![settlement(of_b, Settled::Delivered, 1)]).await.unwrap();
    let generation = store.begin_book().await.unwrap();
    store.write_book_chunk(generation, vec![clients[2].clone(), client("d", &[], &[])]).await.unwrap();
    let expected = BookChange { added: 1, removed: 2, removed_in_open_cases: vec!["b".into()] };
    assert_eq!(store.compare_book(generation).await.unwrap(), expected);
    assert_eq!(store.switch_book(generation, "new".into(), at(1)).await.unwrap(), expected);
}

async fn a_client_named_twice_is_a_fault(store: Store) {
    let generation = store.begin_book().await.unwrap();
    let twice = vec![client("a", &["*"], &["a@a.example"]), client("a", &["*"], &["a@a.example"])];
    assert!(matches!(store.write_book_chunk(generation, twice).await, Err(StoreError::Fault(_))));
    store.write_book_chunk(generation, vec![client("a", &["*"], &["a@a.example"])]).await.unwrap();
}

async fn the_book_counts_who_would_be_told_nothing(store: Store) {
    assert_eq!(store.book_counts().await.unwrap(), BookCounts::default());
    let clients = vec![
        client("a", &["*"], &["a@a.example", "https://a.example/hook"]),
        client("b", &[], &["b@a.example"]),
        client("c", &["x"], &[]),
    ];
    read_book(&store, clients).await;
    let expected =
        BookCounts { clients: 3, contacts: 3, without_priorities: 1, without_contacts: 1, switched_at: Some(at(0)) };
    assert_eq!(store.book_counts().await.unwrap(), expected);
}
