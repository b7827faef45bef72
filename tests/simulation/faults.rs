//! Every planted fault turns a walk red: a simulation that finds nothing has to be able to.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use candor::domain::faults::{Fault, plant};

use super::{QUIET, walk};

/// A fault has to be found within so many seeds.
const MOST_SEEDS: u64 = 120;

/// Plants one after the other. Nothing else may run in this process meanwhile.
pub fn every_one_is_found() {
    let said = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    QUIET.store(true, Ordering::Relaxed);
    let found: Vec<(Fault, Option<u64>)> = Fault::ALL.into_iter().map(|fault| (fault, found_by(fault))).collect();
    plant(Fault::None);
    QUIET.store(false, Ordering::Relaxed);
    std::panic::set_hook(said);
    for (fault, seed) in &found {
        println!("{fault:?}: {}", seed.map_or("not found".to_owned(), |seed| format!("found by seed {seed}")));
    }
    assert!(found.iter().all(|(_, seed)| seed.is_some()), "not every fault is found: {found:?}");
}

/// The first seed whose walk goes red with the fault.
fn found_by(fault: Fault) -> Option<u64> {
    plant(fault);
    (0..MOST_SEEDS).find(|seed| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        catch_unwind(AssertUnwindSafe(|| runtime.block_on(walk(*seed)))).is_err()
    })
}
