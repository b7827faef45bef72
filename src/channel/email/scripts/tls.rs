//! TLS and login: nothing is said without the protection that is asked for.

use super::*;

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
