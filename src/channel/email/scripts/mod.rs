//! Hostile and ordinary servers, each with the verdict it must get.
//! Deliberately absent: the table of all codes, which is `verdict`'s, and framing, which is `framing`'s.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

mod answers;
mod reuse;
mod tls;

use super::scripted::{Event, Heard, Identity, Rule, Say, ScriptedSmtp, Session, say};
use super::*;
use crate::config::settings::SubjectStyle;

const MESSAGE: &[u8] = b"Subject: Payments are slow\r\n\r\nWe are on it.\r\n";

/// Limits that a test waits for.
fn short() -> Deadlines {
    let limit = Duration::from_millis(200);
    Deadlines {
        connect: limit,
        greeting: limit,
        ehlo: limit,
        tls: limit,
        envelope: limit,
        data: limit,
        body: limit,
        answer: limit,
        quit: limit,
        ..Deadlines::default()
    }
}

/// Limits that no test reaches.
fn ample() -> Deadlines {
    Deadlines::default()
}

struct Setup {
    security: Security,
    username: Option<&'static str>,
    deadlines: Deadlines,
    roots: Option<RootCertStore>,
}

fn plain() -> Setup {
    Setup { security: Security::None, username: None, deadlines: ample(), roots: None }
}

fn account(server: &ScriptedSmtp, setup: Setup) -> Account {
    account_at(server.port, setup)
}

fn account_at(port: u16, setup: Setup) -> Account {
    let settings = settings(MailServer::Smtp { host: "127.0.0.1".to_owned(), port, security: setup.security });
    let settings = EmailSettings { username: setup.username.map(str::to_owned), ..settings };
    let password: Option<Password> = setup.username.map(|_| -> Password { Box::new(|| Ok("open sesame".to_owned())) });
    let options = AccountOptions { deadlines: setup.deadlines, roots: setup.roots };
    Account::new(&settings, "sender.example", password, options).expect("a usable account")
}

fn settings(server: MailServer) -> EmailSettings {
    EmailSettings {
        server,
        username: None,
        password: None,
        connections: 1,
        rate: None,
        per_day: None,
        retry: vec![Duration::from_secs(30)],
        give_up: Duration::from_secs(3_600),
        subject: SubjectStyle::Standing,
    }
}

fn mail<'a>(to: &'a str, bytes: &'a [u8]) -> Mail<'a> {
    Mail { key: "key", from: "incidents@sender.example", to, bytes }
}

/// An outcome in one line: kind, phase, code.
fn line(outcome: &Outcome) -> String {
    let (kind, cause) = match outcome {
        Outcome::Delivered { receipt } => return format!("delivered {receipt}"),
        Outcome::Deferred { cause, .. } => ("deferred", cause),
        Outcome::Failed { cause } => ("failed", cause),
        Outcome::Uncertain { cause } => ("uncertain", cause),
        Outcome::AccountHeld { cause } => ("held", cause),
        Outcome::Gone { cause } => ("gone", cause),
    };
    match cause.code {
        Some(code) => format!("{kind} {} {code}", cause.phase),
        None => format!("{kind} {}", cause.phase),
    }
}

/// One message to a server that follows the rule.
async fn attempt(setup: Setup, rule: Rule, message: &[u8]) -> (String, Vec<Session>) {
    let server = ScriptedSmtp::start(None, rule).await;
    let mut lane = account(&server, setup).lane();
    let outcome = lane.send(&mail("ops@acme.example", message)).await;
    (line(&outcome), server.sessions())
}

/// A server that departs from politeness at one verb.
fn at(verb: &'static str, answer: Say) -> Rule {
    Box::new(move |heard| (heard.verb() == verb).then(|| answer.clone()))
}

#[track_caller]
fn same(name: &str, got: &str, expected: &str) {
    assert_eq!(got, expected, "{name}");
    assert!(expected == "delivered 250 2.0.0 Ok: queued as 4WkP2x" || !got.starts_with("delivered"), "{name}");
}
