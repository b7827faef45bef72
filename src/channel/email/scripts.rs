//! Hostile and ordinary servers, each with the verdict it must get (reliability.md, section 4, group S).
//! Deliberately absent: the table of all codes, which is `verdict`'s, and framing, which is `framing`'s.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

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
    let settings =
        settings(MailServer::Smtp { host: "127.0.0.1".to_owned(), port: server.port, security: setup.security });
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

#[tokio::test]
async fn each_answer_of_a_server_has_its_verdict() {
    let delivered = "delivered 250 2.0.0 Ok: queued as 4WkP2x";
    let table: Vec<(&str, &'static str, &str, &str)> = vec![
        ("polite", "NOTHING", "", delivered),
        ("greeting of several lines", "CONNECT", "220-a\r\n220 b\r\n", delivered),
        ("greeting 421", "CONNECT", "421 busy\r\n", "held greeting 421"),
        ("greeting 554", "CONNECT", "554 go away\r\n", "held greeting 554"),
        ("greeting of another protocol", "CONNECT", "HTTP/1.1 400 Bad Request\r\n", "deferred greeting"),
        ("greeting with surplus", "CONNECT", "220 a\r\n250 b\r\n", "deferred greeting"),
        ("EHLO 421", "EHLO", "421 later\r\n", "held ehlo 421"),
        ("EHLO 550", "EHLO", "550 no\r\n", "held ehlo 550"),
        ("EHLO 502, HELO", "EHLO", "502 what\r\n", delivered),
        ("EHLO 250 without extensions", "EHLO", "250 mail\r\n", delivered),
        ("EHLO lines of white space", "EHLO", "250-m\r\n250-\t\r\n250- \r\n250-\r\n250  \r\n", delivered),
        ("EHLO with two replies", "EHLO", "250 m\r\n250 m\r\n", "deferred ehlo"),
        ("EHLO with control characters", "EHLO", "250-\x1b[31mm\x07\r\n250 SIZE\r\n", delivered),
        ("250 without text", "MAIL", "250\r\n", delivered),
        ("MAIL bare LF", "MAIL", "250 ok\n", "deferred mail"),
        ("MAIL 451", "MAIL", "451 later\r\n", "held mail 451"),
        ("MAIL 452", "MAIL", "452 full\r\n", "held mail 452"),
        ("MAIL 530", "MAIL", "530 5.7.0 Authentication required\r\n", "held mail 530"),
        ("MAIL 552", "MAIL", "552 too big\r\n", "held mail 552"),
        ("MAIL 421", "MAIL", "421 bye\r\n", "held mail 421"),
        ("MAIL with two replies", "MAIL", "250 ok\r\n250 ok\r\n", "deferred data 250"),
        ("RCPT 251", "RCPT", "251 will forward\r\n", delivered),
        ("RCPT 252", "RCPT", "252 will try\r\n", delivered),
        ("RCPT 450", "RCPT", "450 greylisted\r\n", "deferred rcpt 450"),
        ("RCPT 452", "RCPT", "452 full\r\n", "deferred rcpt 452"),
        ("RCPT 550", "RCPT", "550 unknown\r\n", "failed rcpt 550"),
        ("RCPT 552", "RCPT", "552 full\r\n", "failed rcpt 552"),
        ("RCPT 554", "RCPT", "554 no\r\n", "failed rcpt 554"),
        ("RCPT 421", "RCPT", "421 bye\r\n", "deferred rcpt 421"),
        ("RCPT 535", "RCPT", "535 log in\r\n", "held rcpt 535"),
        ("RCPT 354", "RCPT", "354 what\r\n", "deferred rcpt 354"),
        ("DATA 250", "DATA", "250 eh\r\n", "deferred data 250"),
        ("DATA 451", "DATA", "451 later\r\n", "deferred data 451"),
        ("DATA 503", "DATA", "503 order\r\n", "failed data 503"),
        ("354 and 250 at once", "DATA", "354 go\r\n250 queued\r\n", "deferred data"),
        ("354 and 451 at once", "DATA", "354 go\r\n451 no\r\n", "deferred data"),
        ("final 251", "MESSAGE", "251 ok\r\n", "uncertain final 251"),
        ("final 252", "MESSAGE", "252 ok\r\n", "uncertain final 252"),
        ("final 354", "MESSAGE", "354 again\r\n", "uncertain final 354"),
        ("final 421", "MESSAGE", "421 bye\r\n", "deferred final 421"),
        ("final 451", "MESSAGE", "451 later\r\n", "deferred final 451"),
        ("final 452", "MESSAGE", "452 full\r\n", "deferred final 452"),
        ("final 550", "MESSAGE", "550 spam\r\n", "failed final 550"),
        ("final 552", "MESSAGE", "552 5.2.2 full\r\n", "failed final 552"),
        ("final 554", "MESSAGE", "554 no\r\n", "failed final 554"),
        ("final 999", "MESSAGE", "999 odd\r\n", "uncertain final 999"),
        ("final 250 with bare LF", "MESSAGE", "250 ok\n", "uncertain final"),
        ("final 2", "MESSAGE", "2\r\n", "uncertain final"),
        ("final garbage", "MESSAGE", "queued, thanks\r\n", "uncertain final"),
        ("final with two replies", "MESSAGE", "250 ok\r\n250 ok\r\n", "uncertain final"),
        ("final with mixed codes", "MESSAGE", "250-ok\r\n550 no\r\n", "uncertain final"),
        ("final without text", "MESSAGE", "250\r\n", "delivered 250"),
        ("final of several lines", "MESSAGE", "250-a\r\n250 b\r\n", "delivered 250 a b"),
        ("final with an address", "MESSAGE", "250 <ops@acme.example> ok\r\n", "delivered 250 <…> ok"),
        ("final in Latin-1", "MESSAGE", "250 ok \u{e9}\r\n", "delivered 250 ok \u{e9}"),
    ];
    for (name, verb, answer, expected) in table {
        let (got, _) = attempt(plain(), at(verb, say(answer)), MESSAGE).await;
        assert_eq!(got, expected, "{name}");
    }
}

#[tokio::test]
async fn a_connection_that_ends_is_uncertain_only_after_the_dot() {
    for (verb, expected) in [
        ("CONNECT", "deferred greeting"),
        ("EHLO", "deferred ehlo"),
        ("MAIL", "deferred mail"),
        ("RCPT", "deferred rcpt"),
        ("DATA", "deferred data"),
        ("MESSAGE", "uncertain final"),
    ] {
        let (got, _) = attempt(plain(), at(verb, Say::Close), MESSAGE).await;
        same(verb, &got, expected);
    }
}

#[tokio::test]
async fn a_silent_server_costs_one_deadline() {
    for (verb, expected) in [
        ("CONNECT", "deferred greeting"),
        ("EHLO", "deferred ehlo"),
        ("MAIL", "deferred mail"),
        ("RCPT", "deferred rcpt"),
        ("DATA", "deferred data"),
        ("MESSAGE", "uncertain final"),
    ] {
        let (got, _) = attempt(Setup { deadlines: short(), ..plain() }, at(verb, Say::Silence), MESSAGE).await;
        same(verb, &got, expected);
    }
}

#[tokio::test]
async fn a_flood_is_cut_off() {
    let floods: [(&str, &'static str, &[u8], &str); 4] = [
        ("no line end", "CONNECT", &[b'2'; 65_536], "deferred greeting"),
        ("endless lines", "EHLO", b"250-X-AAAAAAAAAAAAAAAA\r\n", "deferred ehlo"),
        ("NUL", "MAIL", &[0; 4_096], "deferred mail"),
        ("after the dot", "MESSAGE", &[b'2'; 65_536], "uncertain final"),
    ];
    for (name, verb, bytes, expected) in floods {
        let (got, _) = attempt(plain(), at(verb, Say::Flood(bytes.to_vec())), MESSAGE).await;
        same(name, &got, expected);
    }
}

/// More than the sockets of both sides hold.
fn large() -> Vec<u8> {
    [b"Subject: x\r\n\r\n".to_vec(), b"0123456789 0123456789 0123456789\r\n".repeat(400_000)].concat()
}

#[tokio::test]
async fn a_body_that_was_not_written_whole_was_not_sent() {
    let cut = Say::Series(vec![say("354 go\r\n"), Say::Read(1), Say::Close]);
    let early = Say::Series(vec![say("354 go\r\n"), Say::Read(1), say("250 queued\r\n"), Say::Silence]);
    let stuck = Say::Series(vec![say("354 go\r\n"), Say::Silence]);
    let impatient = || Setup { deadlines: Deadlines { body: Duration::from_millis(400), ..ample() }, ..plain() };
    for (name, answer) in [("reset", cut), ("250 too early", early), ("reads nothing", stuck)] {
        let (got, _) = attempt(impatient(), at("DATA", answer), &large()).await;
        same(name, &got, "deferred body");
    }
}

#[tokio::test]
async fn a_large_body_arrives_whole() {
    let (got, sessions) = attempt(plain(), Box::new(|_| None), &large()).await;
    assert_eq!(got, "delivered 250 2.0.0 Ok: queued as 4WkP2x");
    assert!(sessions[0].messages == [large()]);
}

#[tokio::test]
async fn a_server_that_refuses_connections_is_deferred() {
    let server = ScriptedSmtp::polite().await;
    let account = account(&server, plain());
    drop(server);
    let mut got = String::new();
    // The listener's task is ended by the runtime, not by the drop itself.
    for _ in 0..100 {
        got = line(&account.probe().await);
        if got == "deferred connect" {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(got, "deferred connect");
}

#[tokio::test]
async fn the_message_arrives_as_it_was_with_its_lines_made_right() {
    let message = b"Subject: x\n\n.leading\r\n..\r\nlone\rcr\n.\nMAIL FROM:<evil@example.com>\n";
    let (got, sessions) = attempt(plain(), Box::new(|_| None), message).await;
    assert_eq!(got, "delivered 250 2.0.0 Ok: queued as 4WkP2x");
    let wire = b"Subject: x\r\n\r\n..leading\r\n...\r\nlone\r\ncr\r\n..\r\nMAIL FROM:<evil@example.com>\r\n";
    assert_eq!(String::from_utf8_lossy(&sessions[0].messages[0]), String::from_utf8_lossy(wire));
    let envelope =
        ["EHLO sender.example", "MAIL FROM:<incidents@sender.example>", "RCPT TO:<ops@acme.example>", "DATA"];
    assert_eq!(sessions[0].commands, envelope);
}

#[tokio::test]
async fn an_address_that_could_end_its_command_is_never_sent() {
    let server = ScriptedSmtp::polite().await;
    let mut lane = account(&server, plain()).lane();
    for (to, expected) in [
        ("a@b\r\nRCPT TO:<c@d.example>", "failed rcpt"),
        ("a>@b.example", "failed rcpt"),
        ("ü@acme.example", "failed rcpt"),
        ("", "failed rcpt"),
    ] {
        assert_eq!(line(&lane.send(&mail(to, MESSAGE)).await), expected, "{to:?}");
    }
    let broken = Mail { from: "a b@c", ..mail("ops@acme.example", MESSAGE) };
    assert_eq!(line(&lane.send(&broken).await), "held mail");
    assert_eq!(server.sessions()[0].commands, ["EHLO sender.example"]);
}

#[tokio::test]
async fn one_refused_recipient_of_many_leaves_the_connection_open() {
    for extensions in ["250-m\r\n250 PIPELINING\r\n", "250 m\r\n"] {
        let rule: Rule = Box::new(move |heard| match (heard.verb().as_str(), &heard.event) {
            ("EHLO", _) => Some(say(extensions)),
            ("RCPT", Event::Command(line)) if line.contains("bad") => {
                Some(say("550 5.1.1 <bad@acme.example> unknown\r\n"))
            }
            _ => None,
        });
        let server = ScriptedSmtp::start(None, rule).await;
        let mut lane = account(&server, plain()).lane();
        let mut got = Vec::new();
        for to in ["a@acme.example", "bad@acme.example", "b@acme.example", "bad@acme.example", "c@acme.example"] {
            got.push(line(&lane.send(&mail(to, MESSAGE)).await));
        }
        lane.rest().await;
        let delivered = "delivered 250 2.0.0 Ok: queued as 4WkP2x";
        assert_eq!(got, [delivered, "failed rcpt 550", delivered, "failed rcpt 550", delivered]);
        let sessions = server.sessions();
        assert_eq!(sessions.len(), 1, "{extensions}");
        let count = |verb: &str| sessions[0].commands.iter().filter(|line| line.starts_with(verb)).count();
        assert_eq!((count("RSET"), count("MAIL"), count("QUIT")), (2, 5, 1), "{extensions}");
        // A server that invites a body although it refused everybody gets an empty one.
        let bodies: Vec<&Vec<u8>> = sessions[0].messages.iter().filter(|body| body.len() > 2).collect();
        assert_eq!(bodies.len(), 3, "{extensions}");
        assert_eq!(count("DATA"), if extensions.contains("PIPELINING") { 5 } else { 3 });
    }
}

#[tokio::test]
async fn nobody_gets_an_empty_mail_when_the_sender_was_refused() {
    let (got, sessions) = attempt(plain(), at("MAIL", say("550 not you\r\n")), MESSAGE).await;
    assert_eq!(got, "held mail 550");
    assert!(sessions[0].messages.is_empty());
}

#[tokio::test]
async fn a_connection_given_up_between_two_messages_is_replaced_silently() {
    type Makes = fn() -> Rule;
    let goodbyes: [(&str, Makes); 3] = [
        ("closes after the first message", || {
            Box::new(|heard| {
                let last = heard.connection == 0 && heard.verb() == "MESSAGE";
                last.then(|| Say::Series(vec![say("250 2.0.0 Ok: queued as 4WkP2x\r\n"), Say::Close]))
            })
        }),
        ("421 at the next MAIL", || {
            let mails = AtomicUsize::new(0);
            Box::new(move |heard| {
                let second = heard.verb() == "MAIL" && mails.fetch_add(1, Ordering::SeqCst) == 1;
                second.then(|| Say::Series(vec![say("421 4.7.0 enough\r\n"), Say::Close]))
            })
        }),
        ("closes at the next MAIL", || {
            let mails = AtomicUsize::new(0);
            Box::new(move |heard| {
                let second = heard.verb() == "MAIL" && mails.fetch_add(1, Ordering::SeqCst) == 1;
                second.then_some(Say::Close)
            })
        }),
    ];
    for (name, rule) in goodbyes {
        let server = ScriptedSmtp::start(None, rule()).await;
        let mut lane = account(&server, plain()).lane();
        for _ in 0..2 {
            let got = line(&lane.send(&mail("ops@acme.example", MESSAGE)).await);
            same(name, &got, "delivered 250 2.0.0 Ok: queued as 4WkP2x");
        }
        let sessions = server.sessions();
        assert_eq!(sessions.len(), 2, "{name}");
        assert_eq!((sessions[0].messages.len(), sessions[1].messages.len()), (1, 1), "{name}");
    }
}

#[tokio::test]
async fn a_connection_is_left_after_its_share_of_messages_or_its_idle_time() {
    for (deadlines, expected) in
        [(Deadlines { messages: 2, ..ample() }, 3), (Deadlines { idle: Duration::ZERO, ..ample() }, 5), (ample(), 1)]
    {
        let server = ScriptedSmtp::polite().await;
        let mut lane = account(&server, Setup { deadlines, ..plain() }).lane();
        for _ in 0..5 {
            // Lets the runtime notice that no idle time at all has passed.
            tokio::time::sleep(Duration::from_millis(2)).await;
            lane.send(&mail("ops@acme.example", MESSAGE)).await;
        }
        assert_eq!(server.sessions().len(), expected);
        let quits = server
            .sessions()
            .iter()
            .filter(|session| session.commands.last().is_some_and(|last| last == "QUIT"))
            .count();
        assert_eq!(quits, expected - 1);
    }
}

#[tokio::test]
async fn a_dropped_send_leaves_no_half_used_connection() {
    let rule: Rule = Box::new(|heard| (heard.connection == 0 && heard.verb() == "MESSAGE").then_some(Say::Silence));
    let server = ScriptedSmtp::start(None, rule).await;
    let mut lane = account(&server, plain()).lane();
    let first = mail("ops@acme.example", MESSAGE);
    let cut = tokio::time::timeout(Duration::from_millis(200), lane.send(&first)).await;
    assert!(cut.is_err());
    let second = line(&lane.send(&first).await);
    assert_eq!(second, "delivered 250 2.0.0 Ok: queued as 4WkP2x");
    assert_eq!(server.sessions().len(), 2);
}

#[tokio::test]
async fn an_unanswered_quit_changes_nothing() {
    let server = ScriptedSmtp::start(None, at("QUIT", Say::Silence)).await;
    let mut lane =
        account(&server, Setup { deadlines: Deadlines { quit: Duration::from_millis(100), ..ample() }, ..plain() })
            .lane();
    assert_eq!(line(&lane.send(&mail("a@b.example", MESSAGE)).await), "delivered 250 2.0.0 Ok: queued as 4WkP2x");
    lane.rest().await;
    assert_eq!(line(&lane.send(&mail("a@b.example", MESSAGE)).await), "delivered 250 2.0.0 Ok: queued as 4WkP2x");
}

/// One message over TLS; `None` as roots: none is trusted.
async fn over_tls(
    security: Security,
    username: Option<&'static str>,
    trusted: bool,
    rule: Rule,
) -> (Outcome, Vec<Session>) {
    let identity = Identity::new();
    let roots = if trusted { identity.roots.clone() } else { RootCertStore::empty() };
    let server = ScriptedSmtp::start(Some(identity), rule).await;
    let deadlines = Deadlines { tls: Duration::from_millis(600), ..ample() };
    let mut lane = account(&server, Setup { security, username, deadlines, roots: Some(roots) }).lane();
    let outcome = lane.send(&mail("ops@acme.example", MESSAGE)).await;
    (outcome, server.sessions())
}

const EHLO_STARTTLS: &str = "250-m\r\n250-PIPELINING\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n";

/// A server with STARTTLS whose answer to it is given; what it offers after TLS is `inside`.
fn starttls(answer: Say, inside: &'static str) -> Rule {
    Box::new(move |heard| match (heard.verb().as_str(), heard.encrypted) {
        ("EHLO", false) => Some(say(EHLO_STARTTLS)),
        ("EHLO", true) => Some(say(inside)),
        ("STARTTLS", _) => Some(answer.clone()),
        _ => None,
    })
}

fn shakes_hands() -> Say {
    Say::Series(vec![say("220 go\r\n"), Say::Handshake])
}

#[tokio::test]
async fn nothing_is_said_without_the_tls_that_is_asked_for() {
    let injected = Say::Series(vec![say("220 go\r\n250-x\r\n250 AUTH PLAIN\r\n"), Say::Handshake]);
    let inside = "250-m\r\n250 AUTH PLAIN\r\n";
    let table: Vec<(&str, Rule, bool, &str)> = vec![
        ("stripped", at("EHLO", say("250-m\r\n250 AUTH PLAIN LOGIN\r\n")), true, "held starttls"),
        ("no EHLO", at("EHLO", say("502 no\r\n")), true, "held starttls"),
        ("refused", starttls(say("454 not now\r\n"), inside), true, "held starttls 454"),
        ("injected", starttls(injected, inside), true, "deferred starttls"),
        ("untrusted", starttls(shakes_hands(), inside), false, "held starttls"),
        ("hangs", starttls(Say::Series(vec![say("220 go\r\n"), Say::Silence]), inside), true, "deferred starttls"),
        ("closes", starttls(Say::Series(vec![say("220 go\r\n"), Say::Close]), inside), true, "deferred starttls"),
        (
            "speaks on in plain",
            starttls(Say::Series(vec![say("220 go\r\n"), Say::Read(1), say("250 m\r\n")]), inside),
            true,
            "held starttls",
        ),
    ];
    for (name, rule, trusted, expected) in table {
        let (outcome, sessions) = over_tls(Security::StartTls, Some("user"), trusted, rule).await;
        same(name, &line(&outcome), expected);
        assert_eq!(sessions.len(), 1, "{name}");
        let told = |verb: &str| sessions[0].commands.iter().any(|line| line.starts_with(verb));
        assert!(
            !told("AUTH") && !told("MAIL") && sessions[0].messages.is_empty(),
            "{name}: {:?}",
            sessions[0].commands
        );
    }
}

#[tokio::test]
async fn starttls_logs_in_after_asking_again() {
    for (inside, auth) in [
        ("250-m\r\n250 AUTH LOGIN PLAIN\r\n", vec!["AUTH PLAIN AHVzZXIAb3BlbiBzZXNhbWU="]),
        ("250-m\r\n250 AUTH=LOGIN\r\n", vec!["AUTH LOGIN", "dXNlcg==", "b3BlbiBzZXNhbWU="]),
    ] {
        let rule: Rule = Box::new(move |heard| match (heard.verb().as_str(), &heard.event) {
            ("AUTH", Event::Command("AUTH LOGIN")) => Some(say("334 VXNlcm5hbWU6\r\n")),
            ("DXNLCG==", _) => Some(say("334 UGFzc3dvcmQ6\r\n")),
            ("B3BLBIBZZXNHBWU=", _) => Some(say("235 welcome\r\n")),
            _ => starttls(shakes_hands(), inside)(heard),
        });
        let (outcome, sessions) = over_tls(Security::StartTls, Some("user"), true, rule).await;
        assert_eq!(line(&outcome), "delivered 250 2.0.0 Ok: queued as 4WkP2x", "{inside}");
        assert!(sessions[0].encrypted);
        let heard: Vec<&str> = sessions[0].commands.iter().map(String::as_str).collect();
        let begins = [&["EHLO sender.example", "STARTTLS", "EHLO sender.example"][..], &auth].concat();
        assert!(heard.starts_with(&begins), "{heard:?}");
    }
}

fn implicit(then: Rule) -> Rule {
    Box::new(move |heard: &Heard<'_>| match heard.event {
        Event::Connected => Some(Say::Series(vec![Say::Handshake, say("220 m\r\n")])),
        Event::Command(_) | Event::Message(_) => then(heard),
    })
}

#[tokio::test]
async fn implicit_tls_and_login_have_their_verdicts() {
    let delivered = "delivered 250 2.0.0 Ok: queued as 4WkP2x";
    let endless = || at("AUTH", say("334 eA==\r\n"));
    let table: Vec<(&str, Rule, bool, &str)> = vec![
        ("polite", implicit(Box::new(|_| None)), true, delivered),
        ("untrusted", implicit(Box::new(|_| None)), false, "held connect"),
        ("no TLS at all", Box::new(|_| None), true, "held connect"),
        ("silent", at("CONNECT", Say::Silence), true, "deferred connect"),
        ("no AUTH offered", implicit(at("EHLO", say("250 m\r\n"))), true, "held auth"),
        ("only other mechanisms", implicit(at("EHLO", say("250-m\r\n250 AUTH GSSAPI\r\n"))), true, "held auth"),
        ("AUTH 535", implicit(at("AUTH", say("535 5.7.8 user@x.example wrong\r\n"))), true, "held auth 535"),
        ("AUTH 454", implicit(at("AUTH", say("454 later\r\n"))), true, "held auth 454"),
        ("AUTH 334 for PLAIN", implicit(endless()), true, "held auth 334"),
        ("final 250 too early", implicit(at("DATA", say("354 go\r\n250 queued\r\n"))), true, "deferred data"),
        ("closes after the dot", implicit(at("MESSAGE", Say::Close)), true, "uncertain final"),
    ];
    for (name, rule, trusted, expected) in table {
        let (outcome, _) = over_tls(Security::Tls, Some("user"), trusted, rule).await;
        assert_eq!(line(&outcome), expected, "{name}: {outcome:?}");
        let told = format!("{outcome:?}");
        assert!(!told.contains("sesame") && !told.contains("x.example"), "{name}: {told}");
    }
}

#[tokio::test]
async fn auth_offered_only_before_tls_is_not_used() {
    let (outcome, sessions) =
        over_tls(Security::StartTls, Some("user"), true, starttls(shakes_hands(), "250 m\r\n")).await;
    assert_eq!(line(&outcome), "held auth");
    assert!(sessions[0].commands.iter().all(|line| !line.starts_with("AUTH")));
}

#[tokio::test]
async fn a_large_body_arrives_whole_over_tls() {
    let identity = Identity::new();
    let roots = Some(identity.roots.clone());
    let server = ScriptedSmtp::start(Some(identity), implicit(Box::new(|_| None))).await;
    let mut lane = account(&server, Setup { security: Security::Tls, roots, ..plain() }).lane();
    let message = b"line after line\r\n".repeat(60_000);
    let outcome = lane.send(&mail("ops@acme.example", &message)).await;
    assert_eq!(line(&outcome), "delivered 250 2.0.0 Ok: queued as 4WkP2x");
    assert!(server.sessions()[0].messages == [message]);
}

#[tokio::test]
async fn a_probe_logs_in_and_sends_nothing() {
    let server = ScriptedSmtp::polite().await;
    assert!(matches!(account(&server, plain()).probe().await, Outcome::Delivered { .. }));
    assert_eq!(server.sessions()[0].commands, ["EHLO sender.example", "QUIT"]);
    let server = ScriptedSmtp::start(None, at("EHLO", say("554 no\r\n"))).await;
    assert_eq!(line(&account(&server, plain()).probe().await), "held ehlo 554");
}

#[tokio::test]
async fn a_password_that_cannot_be_read_holds_the_account() {
    let identity = Identity::new();
    let roots = Some(identity.roots.clone());
    let server = ScriptedSmtp::start(Some(identity), implicit(Box::new(|_| None))).await;
    let settings =
        settings(MailServer::Smtp { host: "127.0.0.1".to_owned(), port: server.port, security: Security::Tls });
    let settings = EmailSettings { username: Some("user".to_owned()), ..settings };
    let password: Password = Box::new(|| anyhow::bail!("/secret/file: not found"));
    let options = AccountOptions { deadlines: ample(), roots };
    let account = Account::new(&settings, "sender.example", Some(password), options).expect("an account");
    let outcome = account.probe().await;
    assert_eq!(line(&outcome), "held auth");
    assert!(!format!("{outcome:?}").contains("secret/file"));
}

#[test]
fn settings_that_would_show_a_password_are_refused() {
    let refused = |security, domain, password: Option<Password>| {
        let server = MailServer::Smtp { host: "localhost".to_owned(), port: 25, security };
        let settings = EmailSettings { username: Some("user".to_owned()), ..settings(server) };
        let options = AccountOptions { roots: Some(RootCertStore::empty()), ..AccountOptions::default() };
        Account::new(&settings, domain, password, options).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let password = || -> Option<Password> { Some(Box::new(|| Ok("x".to_owned()))) };
    assert!(refused(Security::None, "a.example", password()).contains("needs TLS"));
    assert!(refused(Security::Tls, "a.example", None).contains("without password"));
    assert!(refused(Security::Tls, "a b\r\nMAIL", password()).contains("no domain name"));
    assert_eq!(refused(Security::Tls, "bücher.example", password()), "");
}

#[tokio::test]
async fn a_maildir_account_has_lanes_too() {
    let home = tempfile::tempdir().expect("a folder");
    let settings = settings(MailServer::Maildir { path: home.path().join("mail") });
    let account = Account::new(&settings, "sender.example", None, AccountOptions::default()).expect("an account");
    assert!(matches!(account.probe().await, Outcome::Delivered { .. }));
    let outcome = account.lane().send(&mail("ops@acme.example", MESSAGE)).await;
    assert!(line(&outcome).starts_with("delivered maildir: key."), "{outcome:?}");
}

/// Debian's sink from the package postfix: a server that is not ours.
#[tokio::test]
async fn debians_smtp_sink_takes_a_thousand_messages_on_one_connection() {
    use std::process::{Command, Stdio};
    let Some(sink) = ["/usr/sbin/smtp-sink", "/usr/lib/postfix/sbin/smtp-sink"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())
    else {
        eprintln_skip("smtp-sink is not installed (package postfix)");
        return;
    };
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("it").port();
    let user = if std::env::var("USER").is_ok_and(|user| user == "root") { vec!["-u", "nobody"] } else { vec![] };
    let mut child = Command::new(sink)
        .args(user)
        .args([&format!("127.0.0.1:{free}"), "100"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("smtp-sink starts");
    let server = Arc::new(free);
    let settings = settings(MailServer::Smtp { host: "127.0.0.1".to_owned(), port: *server, security: Security::None });
    let account = Account::new(&settings, "sender.example", None, AccountOptions::default()).expect("an account");
    let mut ready = line(&account.probe().await);
    for _ in 0..200 {
        if ready.starts_with("delivered") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        ready = line(&account.probe().await);
    }
    let mut lane = account.lane();
    let mut accepted = 0;
    for _ in 0..1_000 {
        accepted += usize::from(line(&lane.send(&mail("ops@acme.example", MESSAGE)).await).starts_with("delivered"));
    }
    child.kill().expect("it was running");
    child.wait().expect("it has ended");
    assert_eq!(accepted, 1_000, "{ready}");
}

#[allow(clippy::print_stderr)] // the reason why a test was skipped
fn eprintln_skip(reason: &str) {
    eprintln!("skipped: {reason}");
}
