//! Each end of an exchange, and the outcome it is.

use super::*;

fn reply(code: u16) -> End {
    End::Reply(Reply { code, lines: vec!["5.1.1 words".to_owned()] })
}

fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered { .. } => "delivered",
        Outcome::Deferred { .. } => "deferred",
        Outcome::Failed { .. } => "failed",
        Outcome::Uncertain { .. } => "uncertain",
        Outcome::AccountHeld { .. } => "held",
        Outcome::Gone { .. } => "gone",
    }
}

#[track_caller]
fn check(phases: &[Phase], codes: &[u16], expected: &str) {
    for &phase in phases {
        for &code in codes {
            let got = outcome(&Halt { phase, end: reply(code) });
            assert_eq!(name(&got), expected, "{code} at {phase:?}");
        }
    }
}

#[test]
fn every_code_has_its_verdict_by_phase() {
    use Phase::*;
    let temporary: Vec<u16> = (400..=499).collect();
    let permanent: Vec<u16> = (500..=599).filter(|code| !matches!(code, 530 | 535)).collect();
    let neither: Vec<u16> = (100..=999).filter(|code| !(400..=599).contains(code)).collect();
    let neither_250: Vec<u16> = neither.iter().copied().filter(|&code| code != 250).collect();
    check(&[Greeting, Ehlo, StartTls, Auth, Reset, Mail], &temporary, "held");
    check(&[Greeting, Ehlo, StartTls, Auth, Reset, Mail], &permanent, "held");
    check(&[StartTls, Auth], &neither, "held");
    check(&[Greeting, Ehlo, Reset, Mail, Rcpt, Data, Body], &neither, "deferred");
    check(&[Rcpt, Data, Body, Final], &temporary, "deferred");
    check(&[Rcpt, Data, Body, Final], &permanent, "failed");
    check(&[Greeting, Ehlo, StartTls, Auth, Mail, Rcpt, Data, Body, Final], &[530, 535], "held");
    check(&[Final], &[250], "delivered");
    check(&[Final], &neither_250, "uncertain");
}

#[test]
fn only_250_to_the_final_dot_is_delivered() {
    for phase in Phase::ALL {
        for code in 0..=999 {
            let delivered = name(&outcome(&Halt { phase, end: reply(code) })) == "delivered";
            assert_eq!(delivered, phase == Phase::Final && code == 250, "{code} at {phase:?}");
        }
    }
}

#[test]
fn a_lost_connection_is_uncertain_only_after_the_final_dot() {
    let faults = [
        Fault::Unresolved,
        Fault::TimedOut,
        Fault::Closed,
        Fault::Lost(io::ErrorKind::ConnectionReset),
        Fault::Malformed("bare LF"),
        Fault::TooLong,
        Fault::Unsolicited,
    ];
    for phase in Phase::ALL {
        for fault in faults {
            let halt = Halt::fault(phase, fault);
            let expected = if matches!(phase, Phase::Final | Phase::Quit) { "uncertain" } else { "deferred" };
            assert_eq!(name(&outcome(&halt)), expected, "{fault:?} at {phase:?}");
            assert!(!halt.leaves_connection_usable());
        }
    }
}

#[test]
fn a_refused_recipient_keeps_the_connection_and_421_ends_it() {
    let usable = |phase, code| Halt { phase, end: reply(code) }.leaves_connection_usable();
    assert!(usable(Phase::Rcpt, 550) && usable(Phase::Rcpt, 450) && usable(Phase::Final, 250));
    assert!(usable(Phase::Final, 552) && usable(Phase::Data, 554));
    for phase in Phase::ALL {
        assert!(!usable(phase, 421), "421 at {phase:?}");
    }
    assert!(!usable(Phase::Data, 250) && !usable(Phase::Final, 354) && !usable(Phase::Rcpt, 999));
}

#[test]
fn a_cause_holds_no_address_and_no_url() {
    let table = [
        ("<ops@acme.example>: user unknown", "<…>: user unknown"),
        ("5.1.1 ops@acme.example... no", "5.1.1 … no"),
        ("no mailbox 'ops+x=y@acme.example' here", "no mailbox '…' here"),
        ("see https://help.example/x?rcpt=ops%40acme.example", "see …"),
        ("mailto:ops@acme.example,b@c", "…,…"),
        ("ops\u{ff20}acme.example", "…"),
        ("2.0.0 Ok: queued as 4WkP2x0zQ1", "2.0.0 Ok: queued as 4WkP2x0zQ1"),
    ];
    for (said, kept) in table {
        assert_eq!(without_addresses(said), kept);
        let halt = Halt::reply(Phase::Rcpt, Reply { code: 550, lines: vec![said.to_owned()] });
        assert!(!format!("{:?}", outcome(&halt)).contains("acme"), "{said}");
    }
}

#[test]
fn a_receipt_is_short_and_safe() {
    let lines = vec!["\u{1b}[31mqueued ".repeat(100)];
    let got = outcome(&Halt::reply(Phase::Final, Reply { code: 250, lines }));
    let Outcome::Delivered { receipt } = got else { panic!("{got:?}") };
    assert!(receipt.starts_with("250 ?[31mqueued") && receipt.chars().count() <= 200);
    assert!(!receipt.chars().any(char::is_control));
}

#[test]
fn our_own_refusals_hold_the_account_or_fail_the_message() {
    let table = [
        (Refusal::StartTlsNotOffered, "held"),
        (Refusal::Tls("invalid peer certificate: UnknownIssuer".to_owned()), "held"),
        (Refusal::AuthNotOffered, "held"),
        (Refusal::PasswordUnreadable, "held"),
        (Refusal::SenderUnusable, "held"),
        (Refusal::RecipientUnusable, "failed"),
        (Refusal::RecipientNeedsSmtpUtf8, "failed"),
        (Refusal::MessageTooLarge { bytes: 2, most: 1 }, "failed"),
    ];
    for (refusal, expected) in table {
        assert_eq!(name(&outcome(&Halt::refusal(Phase::Mail, refusal.clone()))), expected, "{refusal:?}");
    }
}
