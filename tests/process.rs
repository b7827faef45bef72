//! The built binary as the system treats it: killed without warning, asked to stop, told to reload, started twice.
//!
//! Deliberately absent: what is told to whom, which `tests/daemon` holds with the time by hand. Here time is real, so
//! every wait is for something to happen, with an end.
#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]
#![allow(clippy::disallowed_methods, reason = "tests run servers of their own and wait for processes in real time")]
#![allow(clippy::print_stdout, reason = "the seed of a failing run is wanted")]

#[path = "process/disk.rs"]
mod disk;
#[path = "real_parts/postfix.rs"]
mod postfix;
#[path = "process/running.rs"]
mod running;
#[path = "real_parts/scripted_smtp.rs"]
mod scripted_smtp;
#[path = "support/skip.rs"]
mod skip;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use running::{Folder, Running, candor, dice, until};
use scripted_smtp::{Event, Heard, Say, ScriptedSmtp};

const CLIENTS: usize = 220;
const KILLS: usize = if cfg!(feature = "long-tests") { 300 } else { 50 };
/// `passes::deliver::IN_FLIGHT`: what one crash may repeat at most.
const IN_FLIGHT: usize = 256;

/// The mails that have arrived: (recipient, Message-ID, wave) each time.
fn arrived(relay: &ScriptedSmtp) -> Vec<(String, String, String)> {
    let parse = |raw: &Vec<u8>| {
        let message = mail_parser::MessageParser::default().parse(raw).unwrap();
        let to = message.to().unwrap().first().unwrap().address().unwrap().to_owned();
        let text = message.body_text(0).unwrap();
        let wave = text.split("Wave-").nth(1).map_or("?", |rest| rest.split('.').next().unwrap()).to_owned();
        (to, message.message_id().unwrap().to_owned(), wave)
    };
    relay.sessions().iter().flat_map(|session| session.messages.iter().map(parse).collect::<Vec<_>>()).collect()
}

/// 200 and more deliveries a wave, killed again and again while they run: nothing is lost, and what is repeated has
/// the id it had.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_kills_without_warning_lose_nothing_and_repeat_only_what_was_in_flight() {
    let mut dice = dice();
    let relay = ScriptedSmtp::polite().await;
    let folder = Folder::new(relay.port, "rate = \"60/s\"\n", CLIENTS);
    let (mut kills, mut in_the_middle) = (0, 0);
    let mut wave = 0;
    while kills < KILLS {
        // By turns slow, so that every kill hits, and as fast as can be, so that much is in flight.
        folder.pace(if wave % 2 == 0 { "60/s" } else { "5000/s" });
        folder.update(wave, if wave == 0 { "investigating" } else { "identified" }).await;
        let mut running = Running::start(&folder);
        // At most eight kills a wave, so that there are several waves.
        for _ in 0..8.min(KILLS - kills) {
            let before = relay.received();
            let is_told = || async { folder.waiting().await == 0 && folder.told(wave).await };
            until("mails are under way", || async { relay.received() > before || is_told().await }).await;
            tokio::time::sleep(Duration::from_millis(dice(150))).await;
            running.kill();
            kills += 1;
            in_the_middle += usize::from(!folder.told(wave).await);
            running = Running::start(&folder);
        }
        until("the wave is told", || async { folder.waiting().await == 0 && folder.told(wave).await }).await;
        running.kill();
        wave += 1;
    }
    folder.update(wave, "resolved").await;
    let mut running = Running::start(&folder);
    until("the end is told", || async { folder.waiting().await == 0 && folder.told(wave).await }).await;
    assert_eq!(running.terminate().await, Some(0));

    let arrivals = arrived(&relay);
    let mut ids: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (to, id, wave) in &arrivals {
        ids.entry((to.clone(), wave.clone())).or_default().insert(id.clone());
    }
    for client in 0..CLIENTS {
        for wave in 0..=wave {
            let found = ids.get(&(format!("ops@c{client}.example"), wave.to_string()));
            let found = found.unwrap_or_else(|| panic!("client {client} was never told wave {wave}"));
            assert_eq!(found.len(), 1, "client {client} got wave {wave} under several ids: {found:?}");
        }
    }
    let repeats = arrivals.len() - CLIENTS * (wave + 1);
    println!(
        "{kills} kills, {in_the_middle} of them in the middle of a wave, {} mails, {repeats} repeats",
        arrivals.len()
    );
    assert!(repeats <= KILLS * IN_FLIGHT, "{repeats} repeats");
    assert!(in_the_middle >= KILLS / 3, "only {in_the_middle} kills hit a wave");
    assert!(arrivals.len() >= 200 * (wave + 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_is_clean_and_soon_also_with_a_delivery_under_way_and_a_restart_repeats_nothing() {
    let relay = ScriptedSmtp::polite().await;
    let folder = Folder::new(relay.port, "rate = \"50/s\"\n", 40);
    folder.update(0, "investigating").await;
    let mut running = Running::start(&folder);
    until("mails are under way", || async { !arrived(&relay).is_empty() }).await;
    assert_eq!(running.terminate().await, Some(0));
    for _ in 0..3 {
        let mut running = Running::start(&folder);
        until("it is ready", || async { running.said("candor is ready") }).await;
        assert_eq!(running.terminate().await, Some(0), "{}", running.words());
    }
    let mut running = Running::start(&folder);
    until("it is ready", || async { running.said("candor is ready") }).await;
    until("all is told", || async { folder.waiting().await == 0 && folder.told(0).await }).await;
    assert_eq!(running.terminate().await, Some(0));
    let arrivals = arrived(&relay);
    let recipients: BTreeSet<&String> = arrivals.iter().map(|(to, _, _)| to).collect();
    assert_eq!((recipients.len(), arrivals.len()), (40, 40), "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_never_answers_does_not_keep_us_from_stopping() {
    let silent = |heard: &scripted_smtp::Heard<'_>| (heard.verb() == "MESSAGE").then_some(Say::Silence);
    let relay = ScriptedSmtp::start(None, Box::new(silent)).await;
    let folder = Folder::new(relay.port, "", 3);
    folder.update(0, "investigating").await;
    let mut running = Running::start(&folder);
    until("a mail is under way", || async { !arrived(&relay).is_empty() }).await;
    let began = std::time::Instant::now();
    assert_eq!(running.terminate().await, Some(0), "{}", running.words());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(folder.uncertain().await.iter().any(|uncertain| *uncertain), "after the dot it may have arrived");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_not_come_as_far_as_the_dot_when_we_stop_is_certainly_not_delivered() {
    let silent = |heard: &Heard<'_>| matches!(heard.event, Event::Connected).then_some(Say::Silence);
    let relay = ScriptedSmtp::start(None, Box::new(silent)).await;
    let folder = Folder::new(relay.port, "", 2);
    folder.update(0, "investigating").await;
    let mut running = Running::start(&folder);
    until("a connection is open", || async { !relay.sessions().is_empty() }).await;
    assert_eq!(running.terminate().await, Some(0), "{}", running.words());
    assert_eq!(folder.uncertain().await, [false, false]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_is_gone_is_refused_until_a_person_says_that_a_new_one_may_take_its_place() {
    let relay = ScriptedSmtp::polite().await;
    let folder = Folder::new(relay.port, "", 1);
    folder.update(0, "investigating").await;
    for name in ["candor.db", "candor.db-wal", "candor.db-shm"] {
        let _ = std::fs::remove_file(folder.path(name));
    }
    let refused = candor(&folder, &["run"]);
    assert_eq!(refused.code, Some(2), "{}", refused.words);
    assert!(refused.words.contains("--new-state") && refused.words.contains("candor.db"), "{}", refused.words);
    let mut running = Running::start_flagged(&folder, &["--new-state"]);
    until("it is ready", || async { running.said("candor is ready") }).await;
    assert!(running.said("a new one is begun"), "{}", running.words());
    assert_eq!(running.terminate().await, Some(0));
    let mut running = Running::start(&folder);
    until("it is ready", || async { running.said("candor is ready") }).await;
    assert_eq!(running.terminate().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_with_a_bad_file_changes_nothing_and_names_it() {
    let relay = ScriptedSmtp::polite().await;
    let folder = Folder::new(relay.port, "", 2);
    let mut running = Running::start(&folder);
    until("it is ready", || async { running.said("candor is ready") }).await;
    let good = folder.read("clients.toml");
    folder.write("clients.toml", &good.replace("priorities", "prioritise"));
    running.signal("HUP");
    until("the fault is named", || async { running.said("clients.toml") && running.said("prioritise") }).await;
    folder.update(0, "investigating").await;
    until("both are told", || async { arrived(&relay).len() == 2 }).await;
    let config = folder.read("candor.toml");
    folder.write("candor.toml", &format!("colour = \"blue\"\n{config}"));
    running.signal("HUP");
    until("the fault is named", || async { running.said("colour") }).await;
    folder.write("candor.toml", &config);
    std::fs::create_dir(folder.path("templates")).unwrap();
    folder.write("templates/subject.txt", "{{ nope }}");
    running.signal("HUP");
    until("the fault is named", || async { running.said("subject.txt") && running.said("nope") }).await;
    let refused = candor(&folder, &["check"]);
    assert_eq!(refused.code, Some(2), "{}", refused.words);
    std::fs::remove_file(folder.path("templates/subject.txt")).unwrap();
    folder.write("clients.toml", &good);
    folder.write("playbook.toml", "[[guidance]]\nneed = \"none\"\naction = \"Nothing.\"\n");
    running.signal("HUP");
    until("it is reloaded", || async {
        let words = running.words();
        words.matches("reloaded").count() > words.matches("nothing is reloaded").count()
    })
    .await;
    std::fs::remove_file(folder.path("playbook.toml")).unwrap();
    running.signal("HUP");
    until("what is gone is named", || async { running.said("playbook.toml") && running.said("is gone") }).await;
    folder.write("playbook.toml", "");
    folder.write("clients.toml", &format!("{good}{}", Folder::client(9)));
    running.signal("HUP");
    until("it is reloaded", || async { running.said("the client book is reloaded") }).await;
    folder.update(1, "identified").await;
    until("all are told", || async { arrived(&relay).len() == 5 }).await;
    assert_eq!(running.terminate().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_hangs_holds_up_no_other() {
    let relay = ScriptedSmtp::polite().await;
    // Takes connections and says nothing: a read of it lasts 30 seconds.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = Folder::new(relay.port, "", 1);
    folder.update(0, "investigating").await;
    let config = folder.read("candor.toml");
    let port = silent.local_addr().unwrap().port();
    let hangs = format!(
        "[[feed]]\nname = \"a-first\"\nkind = \"statuspage\"\nurl = \"http://127.0.0.1:{port}\"\nevery = \"5s\"\n"
    );
    folder.write("candor.toml", &format!("{config}{hangs}"));
    let began = std::time::Instant::now();
    let mut running = Running::start(&folder);
    until("the other is told", || async { arrived(&relay).len() == 1 }).await;
    folder.update(1, "identified").await;
    until("and told again", || async { arrived(&relay).len() == 2 }).await;
    assert!(began.elapsed() < Duration::from_secs(25), "it was held up for {:?}", began.elapsed());
    assert_eq!(running.terminate().await, Some(0));
}

/// `c0` is never answered; what comes next for the other has to go out all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recipient_who_is_not_answered_holds_up_no_other() {
    let rule = |heard: &Heard<'_>| match heard.event {
        Event::Command(line) if line.to_ascii_lowercase().contains("rcpt to:<ops@c0.") => Some(Say::Silence),
        Event::Command(_) | Event::Connected | Event::Message(_) => None,
    };
    let relay = ScriptedSmtp::start(None, Box::new(rule)).await;
    let folder = Folder::new(relay.port, "", 2);
    folder.update(0, "investigating").await;
    let mut running = Running::start(&folder);
    until("the other is told", || async { arrived(&relay).len() == 1 }).await;
    folder.update(1, "resolved").await;
    until("and told of the end", || async { arrived(&relay).len() == 2 }).await;
    assert!(arrived(&relay).iter().all(|(to, _, _)| to == "ops@c1.example"));
    assert_eq!(running.terminate().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_daemon_is_refused_and_told_who_holds_the_state() {
    let relay = ScriptedSmtp::polite().await;
    let folder = Folder::new(relay.port, "", 1);
    let mut running = Running::start(&folder);
    until("it is ready", || async { running.said("candor is ready") }).await;
    let second = candor(&folder, &["run"]);
    assert_eq!(second.code, Some(1), "{}", second.words);
    let pid = running.pid().to_string();
    assert!(second.words.contains(&pid) && second.words.contains("candor.db"), "{}", second.words);
    // The update of somebody beside it is sent by the one that runs.
    folder.write("by-hand.toml", &Folder::words_of(0, "investigating"));
    let by_hand = candor(&folder, &["--trigger", folder.path("by-hand.toml").to_str().unwrap()]);
    assert_eq!(by_hand.code, Some(0), "{}", by_hand.words);
    until("it is sent", || async { arrived(&relay).len() == 1 }).await;
    assert_eq!(running.terminate().await, Some(0));
}

#[test]
fn a_bad_configuration_is_refused_with_its_place() {
    let folder = Folder::new(1, "serverr = \"x\"\n", 1);
    for arguments in [&["run"][..], &["check"][..]] {
        let refused = candor(&folder, arguments);
        assert_eq!(refused.code, Some(2), "{}", refused.words);
        for word in ["candor.toml", "serverr", "server"] {
            assert!(refused.words.contains(word), "{word} is not named: {}", refused.words);
        }
    }
    assert!(!folder.path("candor.db").exists(), "nothing is made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_readiness_and_metrics_answer() {
    let relay = ScriptedSmtp::polite().await;
    let mut folder = Folder::new(relay.port, "", 1);
    folder.listen();
    folder.update(0, "investigating").await;
    let mut running = Running::start(&folder);
    until("a mail is sent", || async { arrived(&relay).len() == 1 }).await;
    assert!(folder.get("/healthz").starts_with("HTTP/1.1 200"), "{}", folder.get("/healthz"));
    assert!(folder.get("/readyz").starts_with("HTTP/1.1 200"), "{}", folder.get("/readyz"));
    assert!(folder.get("/nothing").starts_with("HTTP/1.1 404"), "{}", folder.get("/nothing"));
    let counted = "candor_deliveries_total{channel=\"email\",outcome=\"delivered\"} 1";
    until("the delivery is counted", || async { folder.get("/metrics").contains(counted) }).await;
    let metrics = folder.get("/metrics");
    for name in [
        "candor_delivery_oldest_pending_seconds",
        "candor_seen_to_accepted_seconds",
        "candor_cases",
        "candor_build_info",
    ] {
        assert!(metrics.contains(name), "{name} is missing in {metrics}");
    }
    assert!(!metrics.contains("c0.example"), "no address in {metrics}");
    assert_eq!(running.terminate().await, Some(0));
    assert!(!running.words().contains("c0.example"), "no address in the log: {}", running.words());
}
