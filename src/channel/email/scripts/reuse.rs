//! One connection over many messages: what keeps it, what ends it, and what the next message sees of that.

use super::*;

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
