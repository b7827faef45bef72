//! Beside a running daemon: commands only record, and the daemon sends.

use std::process::{Child, Stdio};
use std::time::Duration;

use crate::harness::{PAYMENTS, Place, VAGUE};

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
