//! What has to hold when everything has ended and settled.

use std::collections::{BTreeMap, HashMap};

use candor::domain::case::CaseState;
use candor::domain::thread::{ThreadState, Variant};
use candor::store::rows::{CaseFilter, LedgerFilter, LedgerState, PromiseFilter, PromiseRow};
use jiff::SignedDuration;

use super::world::World;

impl World {
    /// After everything has ended and settled: every case is closed and nobody lacks a word.
    pub async fn is_at_rest(&self) {
        let store = &self.shared().store;
        let open = store.promises(PromiseFilter::Open, 10).await.unwrap();
        // One whose client nobody can tell any more is released when its time is over.
        let overdue = |promise: &PromiseRow| promise.due_at + SignedDuration::from_mins(2) < self.now();
        assert!(!open.iter().any(overdue), "promises are neither kept nor broken: {open:#?}");
        for row in store.listed_cases(CaseFilter::All, 100).await.unwrap() {
            let case = &row.case;
            assert_eq!((case.state, row.pending, row.owed), (CaseState::Closed, 0, 0), "{case:#?}");
            self.ledger_is_whole(case.key).await;
            self.model.is_what(&case.incident, self.heard.of_everything(case.key));
            let story = store.story(case.key).await.unwrap().unwrap();
            let updates: Vec<(String, i64)> =
                story.updates.iter().filter_map(|u| u.sequence.map(|sequence| (u.id.clone(), sequence))).collect();
            let variants: HashMap<i64, Variant> = store.case_variants(case.key).await.unwrap().into_iter().collect();
            for thread in store.case_threads(case.key).await.unwrap() {
                if thread.state == ThreadState::Active {
                    // What concerned only others while it was over for the contact is not told to it.
                    let missed = &variants[&thread.variant].missed;
                    let of_theirs = updates.iter().filter(|(_, sequence)| !missed.holds(*sequence));
                    let updates: Vec<(String, i64)> = of_theirs.cloned().collect();
                    self.heard.is_complete(&thread, &updates);
                }
            }
        }
    }

    /// Every contact's settled ranges follow one on the other, and what was heard is in them.
    async fn ledger_is_whole(&self, case_key: i64) {
        let rows = self.shared().store.deliveries(LedgerFilter::Case(case_key), 100_000).await.unwrap();
        let mut reached: BTreeMap<i64, i64> = BTreeMap::new();
        let mut delivered: Vec<_> = rows.iter().filter(|row| row.state == LedgerState::Delivered).collect();
        delivered.sort_by_key(|row| (row.id.contact_key, row.id.sequence));
        for row in delivered {
            let before = reached.insert(row.id.contact_key, row.id.sequence).unwrap_or(0);
            assert!(row.from_sequence >= before, "ranges overlap: {row:?} after {before}");
            assert!(row.receipt.is_some(), "delivered without a receipt: {row:?}");
        }
        for (contact_key, until) in self.heard.last_of(case_key) {
            assert_eq!(reached.get(&contact_key), Some(&until), "contact {contact_key} of case {case_key}");
        }
    }
}
