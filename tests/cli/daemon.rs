//! Beside a running daemon: commands only record, and the daemon sends.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::harness::{Endpoint, PAYMENTS, Place, VAGUE};

/// A daemon that ends with the test.
struct Daemon(Child);

impl Daemon {
    fn start(place: &Place) -> Daemon {
        let child = place.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let daemon = Daemon(child);
        // The book is loaded last of all; until then nobody would be told.
        for _ in 0..300 {
            let started = std::fs::read_to_string(place.path("candor.db.lock")).is_ok_and(|pid| !pid.is_empty())
                && place.path("inbox").exists();
            if started {
                return daemon;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the daemon does not start");
    }
}

impl Daemon {
    fn hang_up(&self) {
        let sent = std::process::Command::new("sh").arg("-c").arg(format!("kill -HUP {}", self.0.id())).status();
        assert!(sent.unwrap().success());
    }
}

fn until(what: &str, so: impl Fn() -> bool) {
    for _ in 0..400 {
        if so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("never: {what}");
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_trigger_is_stored_and_the_daemon_sends() {
    let place = Place::new();
    let _daemon = Daemon::start(&place);
    place.write("u.toml", PAYMENTS);
    let answer = place.call(&["--trigger", "u.toml", "--wait=30s"]);
    answer.has(0, "1 clients, 1 contacts: 1 delivered", "stored; the daemon will send");
    place.write("v.toml", VAGUE);
    place.call(&["--trigger", "v.toml", "--wait=30s"]).has(3, "0 clients, 0 contacts", "names no component");
}

#[test]
fn a_secret_that_only_the_daemon_can_read_is_no_hindrance() {
    let place = Place::new();
    place.with_webhook("http://127.0.0.1:1/hook");
    let config = std::fs::read_to_string(place.path("candor.toml")).unwrap();
    let key = "key = { env = \"KEY_OF_THE_DAEMON\" }";
    place.write("candor.toml", &config.replace("key = \"a key that nobody guesses, for tests\"", key));
    let _daemon = Daemon::start(&place);
    place.write("u.toml", PAYMENTS);
    let answer = place.call(&["--trigger", "u.toml"]);
    answer.has(0, "2 clients, 2 contacts", "stored; the daemon will send");
}

#[test]
fn a_decision_is_recorded_and_the_daemon_sends() {
    let place = Place::new();
    let _daemon = Daemon::start(&place);
    let reference = place.triggered(VAGUE);
    let answer = place.call(&["case", &reference, "--everyone"]);
    answer.has(0, "2 clients, 2 contacts", "stored; the daemon will send");
    for _ in 0..200 {
        if place.mails().len() == 2 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(place.mails().len(), 2);
    place.call(&["run"]).has(1, "", "works on the state");
}

const RESOLVED: &str = "[incident]\nid = \"p1\"\nphase = \"resolved\"\n[update]\nbody = \"It works again.\"\n";

/// The clients that are shown by name as told that it is open, and never the end.
fn left_untold(place: &Place, reference: &str) -> Vec<String> {
    let view = place.json(&["case", reference]);
    view["left_untold"].as_array().unwrap().iter().map(|one| one["client"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_client_removed_after_the_first_word_holds_no_case_open_and_is_shown_by_name() {
    let place = Place::new();
    let daemon = Daemon::start(&place);
    place.write("u.toml", PAYMENTS);
    place.call(&["--trigger", "u.toml", "--wait=30s"]).has(0, "1 delivered", "");
    let reference = place.json(&["cases"])[0]["ref"].as_str().unwrap().to_owned();
    let clients = std::fs::read_to_string(place.path("clients.toml")).unwrap();
    let globex = clients.split_once("[[client]]\nid = \"globex\"").unwrap().1;
    place.write("clients.toml", &format!("[[client]]\nid = \"globex\"{globex}"));
    daemon.hang_up();
    until("the thread of acme is cancelled", || left_untold(&place, &reference) == ["acme"]);
    assert_eq!(place.json(&["cases"])[0]["owed"], 0);
    place.write("u.toml", RESOLVED);
    place.call(&["--trigger", "u.toml"]);
    until("the case is closed", || place.json(&["case", &reference])["state"] == "closed");
    assert_eq!(place.json(&["cases"]), serde_json::json!([]));
    let text = place.call(&["case", &reference]).out;
    assert!(text.contains("acme") && text.contains("not told the end"), "{text}");
    assert_eq!(place.mails().len(), 1);
}

#[test]
fn an_endpoint_that_is_gone_in_one_case_holds_no_other_open() {
    let place = Place::new();
    let endpoint = Endpoint::answering(200);
    place.with_webhook(&endpoint.address);
    let _daemon = Daemon::start(&place);
    place.write("u.toml", PAYMENTS);
    place.call(&["--trigger", "u.toml", "--wait=30s"]).has(0, "2 delivered", "");
    let reference = place.json(&["cases"])[0]["ref"].as_str().unwrap().to_owned();
    endpoint.answers_from_now_on(410);
    place.write("u.toml", &PAYMENTS.replace("p1", "p2"));
    place.call(&["--trigger", "u.toml", "--wait=30s"]);
    until("the thread of hooked is cancelled", || left_untold(&place, &reference) == ["hooked"]);
    endpoint.answers_from_now_on(200);
    for incident in ["p1", "p2"] {
        place.write("u.toml", &RESOLVED.replace("p1", incident));
        place.call(&["--trigger", "u.toml", "--wait=30s"]).has(0, "1 delivered", "");
    }
    until("both cases are closed", || place.json(&["cases"]) == serde_json::json!([]));
    assert_eq!(left_untold(&place, &reference), ["hooked"]);
}

/// Posts to a hook of the daemon that listens on `candor.sock`; gives the first line of the answer.
fn post(place: &Place, path: &str, body: &str) -> String {
    let mut stream = UnixStream::connect(place.path("candor.sock")).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: candor\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn what_came_by_a_hook_is_updated_by_hand_under_the_hook_s_name() {
    let place = Place::new();
    let config = std::fs::read_to_string(place.path("candor.toml")).unwrap();
    let hooks = "[[hook]]\nname = \"tools\"\nkind = \"native\"\ntoken = \"a-token-that-nobody-guesses-0123\"\n\
                 [[hook]]\nname = \"drop\"\nkind = \"native\"\nfeed = \"files\"\ntoken = \"a-token-that-nobody-guesses-0123\"\n";
    place.write("candor.toml", &format!("listen = \"unix:candor.sock\"\n{config}{hooks}"));
    let _daemon = Daemon::start(&place);
    until("it listens", || UnixStream::connect(place.path("candor.sock")).is_ok());
    for hook in ["tools", "drop"] {
        let path = format!("/hooks/{hook}/a-token-that-nobody-guesses-0123");
        assert_eq!(post(&place, &path, PAYMENTS), "HTTP/1.1 202 Accepted");
        let case = place.json(&["cases"])[0]["id"].as_str().unwrap().to_owned();
        let update = format!(
            "[incident]\nid = \"p1\"\nsource = \"{hook}\"\nphase = \"resolved\"\n[update]\nbody = \"It works again.\"\n"
        );
        place.write("u.toml", &update);
        let answer = place.json(&["--trigger", "u.toml", "--wait=30s"]);
        assert_eq!(answer["case"], case.as_str(), "{answer}");
        until("the case is closed", || place.json(&["cases"]) == serde_json::json!([]));
    }
    assert_eq!(place.json(&["cases", "--all"]).as_array().unwrap().len(), 2);
}
