//! Random walks through planning, claiming, settling, giving back and crashing: whatever happens in whatever
//! order, every contact is told everything once and in order. The seed is in the message of a failure.

use std::collections::BTreeMap;

use super::*;

suite! { whatever_happens_everything_is_told_once_and_in_order }

/// Small, repeatable, and good enough to choose steps by.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// One daemon's life over a state that outlives it.
struct Walk {
    store: Store,
    cases: Vec<i64>,
    epoch: i64,
    under_way: Vec<Claimed>,
    now: i64,
    seed: u64,
}

async fn whatever_happens_everything_is_told_once_and_in_order(store: Store) {
    let clients = ["a", "b", "c"].map(|id| client(id, &["*"], &[&format!("{id}@a.example")]));
    read_book(&store, clients.to_vec()).await;
    for seed in 0..12 {
        let mut cases = Vec::new();
        for incident in ["x", "y"] {
            let case_key = open_case(&store, &format!("{incident}{seed}")).await;
            plan(&store, case_key, 1, 0).await;
            cases.push(case_key);
        }
        let epoch = store.begin_epoch("node".into(), at(0)).await.unwrap();
        let mut walk = Walk { store: store.clone(), cases, epoch, under_way: Vec::new(), now: 0, seed };
        let mut dice = Dice(seed);
        for _ in 0..60 {
            walk.step(&mut dice).await;
        }
        walk.finish().await;
    }
}

impl Walk {
    async fn step(&mut self, dice: &mut Dice) {
        self.now += 10;
        match dice.below(9) {
            0 | 1 => {
                let case_key = self.cases[usize::try_from(dice.below(2)).unwrap()];
                plan_next(&self.store, case_key, self.now).await;
            }
            2..=4 => self.claim(1 + i64::try_from(dice.below(4)).unwrap()).await,
            5 | 6 => self.settle(dice).await,
            7 => {
                let keys = self.under_way.drain(..).map(|claimed| ThreadKey {
                    case_key: claimed.thread.case_key,
                    contact_key: claimed.thread.contact_key,
                });
                let keys: Vec<ThreadKey> = keys.collect();
                let given_back = i64::try_from(keys.len()).unwrap();
                assert_eq!(self.store.unclaim(self.epoch, keys).await.unwrap(), given_back, "seed {}", self.seed);
            }
            _ => self.crash().await,
        }
    }

    async fn claim(&mut self, limit: i64) {
        let claimed =
            self.store.claim(Channel::Email, self.epoch, at(self.now), limit, Whose::Everybodys).await.unwrap();
        for new in &claimed {
            let twice = self.under_way.iter().any(|old| {
                (old.thread.case_key, old.thread.contact_key) == (new.thread.case_key, new.thread.contact_key)
            });
            assert!(!twice, "claimed twice, seed {}", self.seed);
        }
        self.under_way.extend(claimed);
    }

    async fn settle(&mut self, dice: &mut Dice) {
        let now = self.now;
        let settlements: Vec<Settlement> = self
            .under_way
            .drain(..)
            .map(|claimed| match dice.below(3) {
                0 => {
                    let mut after = claimed.thread.clone();
                    after.attempts += 1;
                    after.due_at = Some(at(now + 30));
                    Settlement { after, claim_to: claimed.thread.wanted, delivery: None, attempt: None, promised: None }
                }
                _ => settlement(&claimed, Settled::Delivered, now),
            })
            .collect();
        let expected = i64::try_from(settlements.len()).unwrap();
        assert_eq!(self.store.settle(self.epoch, settlements).await.unwrap().threads, expected, "seed {}", self.seed);
    }

    /// What was under way is settled by nobody; what the old life says afterwards counts for nothing.
    async fn crash(&mut self) {
        let lost = self.epoch;
        self.epoch = self.store.begin_epoch("node".into(), at(self.now)).await.unwrap();
        let late = self.under_way.drain(..).map(|claimed| settlement(&claimed, Settled::Delivered, self.now));
        let late: Vec<Settlement> = late.collect();
        assert_eq!(self.store.settle(lost, late).await.unwrap().threads, 0, "seed {}", self.seed);
    }

    async fn finish(mut self) {
        self.crash().await;
        self.now += 1000;
        while deliver_all(&self.store, self.epoch, self.now).await > 0 {}
        for &case_key in &self.cases {
            let last = case_of(&self.store, case_key).await.sequence;
            let mut told: BTreeMap<i64, i64> = BTreeMap::new();
            for row in self.store.deliveries(LedgerFilter::Case(case_key), 10_000).await.unwrap() {
                match row.state {
                    LedgerState::Superseded => {}
                    LedgerState::Delivered => {
                        let before = told.insert(row.id.contact_key, row.id.sequence).unwrap_or(0);
                        assert_eq!(row.from_sequence, before, "a gap or a repeat, seed {}", self.seed);
                    }
                    LedgerState::Pending | LedgerState::Failed | LedgerState::Cancelled => {
                        panic!("{:?} is left, seed {}", row.state, self.seed)
                    }
                }
            }
            assert_eq!(told.len(), 3, "seed {}", self.seed);
            assert!(told.values().all(|&sequence| sequence == last), "seed {}", self.seed);
        }
    }
}
