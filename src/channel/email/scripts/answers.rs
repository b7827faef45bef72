//! What a server says, and the verdict it gets. Deliberately absent: TLS, and what happens between messages.

use super::*;

#[path = "../../../../tests/support/skip.rs"]
mod skip;

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
        ("EHLO 550, HELO", "EHLO", "550 no\r\n", delivered),
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
async fn replies_off_by_one_are_never_success() {
    for (extensions, expected) in [("250-m\r\n250 PIPELINING\r\n", "deferred data"), ("250 m\r\n", "deferred mail")] {
        let rule: Rule = Box::new(move |heard| match heard.verb().as_str() {
            "EHLO" => Some(say(extensions)),
            "MAIL" => Some(say("250 ok\r\n250 ok\r\n")),
            _ => None,
        });
        let (got, sessions) = attempt(plain(), rule, MESSAGE).await;
        // Whether the surplus has arrived when DATA's place is read is a matter of time; that it fails is not.
        assert!(got.starts_with(expected), "{extensions}: {got}");
        assert!(sessions[0].messages.is_empty());
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
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it").port();
    assert_eq!(line(&account_at(port, plain()).probe().await), "deferred connect");
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
async fn a_probe_logs_in_and_sends_nothing() {
    let server = ScriptedSmtp::polite().await;
    assert!(matches!(account(&server, plain()).probe().await, Outcome::Delivered { .. }));
    assert_eq!(server.sessions()[0].commands, ["EHLO sender.example", "QUIT"]);
    let neither: Rule = Box::new(|heard| match heard.verb().as_str() {
        "EHLO" => Some(say("502 what\r\n")),
        "HELO" => Some(say("554 no\r\n")),
        _ => None,
    });
    let server = ScriptedSmtp::start(None, neither).await;
    assert_eq!(line(&account(&server, plain()).probe().await), "held ehlo 554");
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
async fn debians_smtp_sink_takes_a_thousand_messages() {
    use std::process::{Command, Stdio};
    let Some(sink) = skip::program(&["smtp-sink"]) else {
        let reason = "smtp-sink is missing: it is part of the Debian package postfix";
        return skip::skip("debians_smtp_sink_takes_a_thousand_messages", reason);
    };
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("it").port();
    let root = std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    let user = if root { vec!["-u", "nobody"] } else { vec![] };
    let mut child = Command::new(sink)
        .args(user)
        .args([&format!("127.0.0.1:{free}"), "100"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("smtp-sink starts");
    let settings = settings(MailServer::Smtp { host: "127.0.0.1".to_owned(), port: free, security: Security::None });
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
