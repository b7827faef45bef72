//! Random walks of the whole: a source that says anything, client files that change, channels that fail, crashes
//! between any two commits; after every step holds what always holds.
//!
//! `$CANDOR_TEST_SEED` is the first seed and `$CANDOR_TEST_SEEDS` how many are walked. To be extended: another
//! event is an arm of [`step`], another thing that always holds a check in [`heard`]. Deliberately absent: sockets.

mod clients;
mod dice;
mod heard;
mod source;
mod world;

use world::{Channels, World};

const STEPS: usize = 40;

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
        if std::thread::panicking() {
            println!("CANDOR_TEST_SEED={} CANDOR_TEST_SEEDS=1\n{}", self.seed, self.lines.join("\n"));
        }
    }
}

/// One thing happens.
async fn step(world: &mut World) -> String {
    let now = world.clock.now();
    match world.dice.throw(20) {
        0..=9 => {
            let words = world.source.moves(&mut world.dice, now);
            world.read_source().await;
            words
        }
        10..=11 => {
            let stale = world.source.stale(&mut world.dice);
            world.read(&stale).await;
            format!("a stale copy of {:?}", stale.first().map(|seen| (&seen.incident, seen.revised_at)))
        }
        12..=13 => {
            let words = world.clients.moves(&mut world.dice);
            world.load_clients().await;
            words
        }
        14..=15 => {
            world.channels = *world.dice.one_of(&[Channels::Accept, Channels::Waver, Channels::Down]);
            world.clear_since = now + jiff::SignedDuration::from_hours(1);
            format!("channels: {:?}", world.channels)
        }
        16 => {
            world.crash().await;
            "crash".to_owned()
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
    world.clear_since = world.clock.now() + jiff::SignedDuration::from_hours(1);
    world.pass(15).await;
    world.is_ending = true;
    world.source.ends(world.clock.now());
    world.read_source().await;
    world.pass(120).await;
    world.is_at_rest().await;
}

#[tokio::test]
async fn whatever_happens_what_always_holds_holds() {
    let first = number("CANDOR_TEST_SEED", 0);
    for seed in first..first + number("CANDOR_TEST_SEEDS", 25) {
        walk(seed).await;
    }
}
