//! Random walks of the whole: sources that say anything, persons who decide anything, client files that change,
//! channels that fail, clocks that jump, crashes between any two commits; after every step holds what always holds,
//! and at rest what a model of a page says.
//!
//! `$CANDOR_TEST_SEED` is the first seed and `$CANDOR_TEST_SEEDS` how many are walked:
//! `CANDOR_TEST_SEEDS=1000000 cargo test --release --test simulation` walks a million. To be extended: another event
//! is an arm of [`step`], another thing that always holds a check in [`heard`]. Deliberately absent: sockets.
#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]
#![allow(clippy::print_stdout, reason = "a failed walk prints its seed")]

mod clients;
mod clock;
mod dice;
#[cfg(feature = "planted-faults")]
mod faults;
mod heard;
mod model;
mod people;
mod rest;
mod source;
mod world;

use candor::domain::incident::Origin;
use jiff::SignedDuration;
use world::{Channels, World};

const STEPS: usize = 8;
const SEEDS: u64 = if cfg!(feature = "long-tests") { 20_000 } else { 2_000 };

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(otherwise)
}

/// Prints what led to a failed walk.
struct Diary {
    seed: u64,
    lines: Vec<String>,
}

impl Drop for Diary {
    fn drop(&mut self) {
        if std::thread::panicking() && !QUIET.load(std::sync::atomic::Ordering::Relaxed) {
            println!("CANDOR_TEST_SEED={} CANDOR_TEST_SEEDS=1\n{}", self.seed, self.lines.join("\n"));
        }
    }
}

/// Walks that are meant to fail say nothing.
static QUIET: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// One thing happens.
async fn step(world: &mut World) -> String {
    let now = world.clock.now();
    match world.dice.throw(26) {
        0..=9 => {
            let source = world.dice.throw(4) / 3;
            let words = world.sources[source].moves(&mut world.dice, now);
            world.read_sources().await;
            words
        }
        10..=11 => {
            // Where incidents vanish, one that is listed again is back, however old the copy is.
            let source = 0;
            let stale = world.sources[source].stale(&mut world.dice);
            if !world.sources_fail {
                world.read(source, &stale).await;
            }
            format!("a stale copy of {:?}", stale.first().map(|seen| (&seen.incident, seen.revised_at)))
        }
        12..=13 => {
            let words = world.clients.moves(&mut world.dice);
            world.load_clients().await;
            words
        }
        14..=15 => {
            world.channels = *world.dice.one_of(&[Channels::Accept, Channels::Waver, Channels::Down]);
            world.clear_since = now + SignedDuration::from_hours(1);
            format!("channels: {:?}", world.channels)
        }
        16 => {
            world.crash().await;
            "crash".to_owned()
        }
        17 => world.say(Origin::ByHand).await,
        18 => world.say(Origin::Pushed).await,
        19 => world.decide().await,
        20 => {
            world.sources_fail = !world.sources_fail;
            format!("the sources fail: {}", world.sources_fail)
        }
        21 => {
            let jump = SignedDuration::from_mins(*world.dice.one_of(&[-7, -1, 40, 400, 2000]));
            world.clock.set(now + jump);
            world.clear_since = now + jump.abs() + SignedDuration::from_mins(10);
            format!("the clock jumps by {jump:#}")
        }
        _ => "nothing".to_owned(),
    }
}

async fn walk(seed: u64) {
    let mut diary = Diary { seed, lines: Vec::new() };
    let mut world = World::open(seed).await;
    for _ in 0..STEPS {
        let words = step(&mut world).await;
        diary.lines.push(format!("{} {words}", world.clock.now()));
        let minutes = *world.dice.one_of(&[0, 0, 1, 1, 5, 11, 35, 130]);
        world.pass(minutes).await;
    }
    diary.lines.push("the end".to_owned());
    world.channels = Channels::Accept;
    world.sources_fail = false;
    world.clear_since = world.clock.now() + SignedDuration::from_hours(1);
    world.pass(15).await;
    world.is_ending = true;
    let now = world.clock.now();
    world.sources.iter_mut().for_each(|source| source.ends(now));
    world.read_sources().await;
    world.pass(3).await;
    world.read_sources().await;
    world.end_what_is_open_still().await;
    world.pass(120).await;
    world.is_at_rest().await;
}

/// Walks the seeds on as many threads as there are cores.
fn walk_all(first: u64, count: u64) {
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                for seed in (first..first + count).filter(|seed| seed % threads == thread) {
                    runtime.block_on(walk(seed));
                }
            });
        }
    });
}

#[test]
fn whatever_happens_what_always_holds_holds_and_every_planted_fault_is_found() {
    walk_all(number("CANDOR_TEST_SEED", 0), number("CANDOR_TEST_SEEDS", SEEDS));
    #[cfg(feature = "planted-faults")]
    faults::every_one_is_found();
}
