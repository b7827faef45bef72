//! One change to 10,000 clients, each one e-mail, to Debian's `smtp-sink` (package postfix) on 16 connections:
//! matched, planned, rendered, sent, receipted, every step durable. Then a webhook in, to the first mail out.
//!
//! `cargo bench --bench storm [-- CLIENTS [CONNECTIONS]]`. Prints what it measured; judges nothing.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark reads the clock, prints, and ends at the first surprise"
)]

use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use candor::daemon::node::LostState;
use candor::daemon::{clock, run};
use candor::domain::signature::{WebhookSecret, sign};
use tokio_util::sync::CancellationToken;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn main() {
    // cargo bench passes --bench on.
    let numbers: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let clients = numbers.first().copied().unwrap_or(10_000);
    let connections = numbers.get(1).copied().unwrap_or(16);
    rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(storm(clients, connections));
}

async fn storm(clients: usize, connections: usize) {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start();
    let listen = free_port();
    write_files(folder.path(), clients, connections, sink.port, listen);
    let (stop, reloads) = (CancellationToken::new(), Arc::new(tokio::sync::Notify::new()));
    let started = Instant::now();
    let config = folder.path().join("candor.toml");
    let daemon = tokio::spawn(run::run(config, LostState::Refuse, clock::system(), stop.clone(), reloads));
    let web = reqwest::Client::builder().no_proxy().build().unwrap();
    let ready = format!("http://127.0.0.1:{listen}/readyz");
    while !matches!(web.get(&ready).send().await, Ok(answer) if answer.status().is_success()) {
        assert!(!daemon.is_finished(), "the daemon did not start");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    println!("{clients} clients, {connections} connections; ready after {} ms", started.elapsed().as_millis());
    tokio::time::sleep(Duration::from_secs(2)).await;
    println!("resident when idle: {} MiB (the benchmark's own client included)", resident_mib("VmRSS"));

    let began = Instant::now();
    let cpu = cpu_seconds();
    post(&web, listen, "storm", "everyone").await;
    while delivered(&web, listen).await < clients {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = began.elapsed().as_secs_f64();
    println!(
        "storm: {clients} mails in {took:.2} s = {:.0} mails/s, {:.0} µs of CPU a mail, resident at most {} MiB",
        clients as f64 / took,
        (cpu_seconds() - cpu) * 1e6 / clients as f64,
        resident_mib("VmHWM")
    );
    singles(&web, listen).await;
    stop.cancel();
    daemon.await.unwrap().unwrap();
}

async fn singles(web: &reqwest::Client, listen: u16) {
    let mut latencies = Vec::new();
    for number in 0..200 {
        let before = delivered(web, listen).await;
        let began = Instant::now();
        post(web, listen, &format!("single-{number}"), "single").await;
        while delivered(web, listen).await == before {
            tokio::task::yield_now().await;
        }
        latencies.push(began.elapsed().as_secs_f64() * 1e3);
    }
    latencies.sort_by(f64::total_cmp);
    println!(
        "webhook sent to mail accepted and receipted, 200 times: p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms",
        latencies[99], latencies[197], latencies[199]
    );
}

fn write_files(folder: &Path, clients: usize, connections: usize, smtp: u16, listen: u16) {
    let config = format!(
        r#"
state = "candor.db"
clients = "clients.toml"
playbook = "playbook.toml"
listen = "127.0.0.1:{listen}"
[sender]
name = "Example Platform"
email = "incidents@example.com"
[[hook]]
name = "pager"
kind = "native"
secret = "{SECRET}"
[[component]]
id = "everyone"
name = "Payments API"
[[component]]
id = "single"
name = "Search"
[email]
server = "smtp://127.0.0.1:{smtp}"
connections = {connections}
"#
    );
    std::fs::write(folder.join("candor.toml"), config).unwrap();
    let playbook = r#"
[[guidance]]
components = ["everyone"]
need = "required"
action = "Pause the export in {{ facts.region }}."
by = "1h"
check = "It says paused."
undo = "Resume it."
"#;
    std::fs::write(folder.join("playbook.toml"), playbook).unwrap();
    let mut book = std::io::BufWriter::new(std::fs::File::create(folder.join("clients.toml")).unwrap());
    for number in 0..clients {
        let (zone, locale) = [("Europe/Berlin", "de"), ("America/New_York", "en"), ("UTC", "en")][number % 3];
        let region = ["eu-1", "us-1"][number % 2];
        let priorities = if number == 0 { r#"["everyone", "single"]"# } else { r#"["everyone"]"# };
        let client = format!(
            "[[client]]\nid = \"c{number}\"\nname = \"Client {number}\"\ntimezone = \"{zone}\"\nlocale = \"{locale}\"\n\
             priorities = {priorities}\nfacts = {{ region = \"{region}\" }}\n\
             [[client.contact]]\nemail = \"ops{number}@client.example\"\n\n"
        );
        book.write_all(client.as_bytes()).unwrap();
    }
}

async fn post(web: &reqwest::Client, listen: u16, incident: &str, component: &str) {
    let body = format!(
        r#"{{"incident": {{"id": "{incident}", "title": "Payments fail in the EU", "phase": "identified",
            "impact": "major", "components": ["{component}"]}},
            "update": {{"body": "About one in three EU payments ends with error 502. A certificate expired."}}}}"#
    );
    let secret = WebhookSecret::parse(SECRET).unwrap();
    let now = jiff::Timestamp::now().as_second();
    let answer = web
        .post(format!("http://127.0.0.1:{listen}/hooks/pager"))
        .header("webhook-id", incident)
        .header("webhook-timestamp", now)
        .header("webhook-signature", sign(&secret, incident, now, body.as_bytes()))
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 202, "{}", answer.text().await.unwrap());
}

/// Accepted and receipted so far, by the daemon's own count.
async fn delivered(web: &reqwest::Client, listen: u16) -> usize {
    let metrics = format!("http://127.0.0.1:{listen}/metrics");
    let text = web.get(metrics).send().await.unwrap().text().await.unwrap();
    text.lines()
        .find(|line| {
            line.starts_with("candor_deliveries_total") && line.contains("email") && line.contains("delivered")
        })
        .and_then(|line| line.rsplit_once(' '))
        .map_or(0, |(_, count)| count.parse::<f64>().unwrap() as usize)
}

struct Sink {
    port: u16,
    process: Child,
}

impl Sink {
    fn start() -> Sink {
        let port = free_port();
        let path = ["/usr/sbin/smtp-sink", "/usr/local/sbin/smtp-sink"].iter().find(|path| Path::new(path).exists());
        let path = path.expect("smtp-sink is missing: it is part of the Debian package postfix");
        let mut command = Command::new(path);
        let is_root = std::fs::read_to_string("/proc/self/status").unwrap().contains("Uid:\t0");
        if is_root {
            command.args(["-u", "postfix"]);
        }
        let address = format!("127.0.0.1:{port}");
        let process = command.arg(address).arg("1000").stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let sink = Sink { port, process: process.unwrap() };
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        sink
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn resident_mib(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// User and system time of the whole process (proc(5), fields 14 and 15 of stat, 100 ticks a second).
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}
