//! What an SMTP exchange came to: the one place where a phase and a reply code, a broken connection or a
//! refusal of our own become an [`Outcome`], whose kind says whose fault it was.
//!
//! Pure. Deliberately absent: sockets, and what happens next (waits, holds and give-up are `domain`'s).

use std::io;

use crate::domain::delivery::{Cause, Outcome, clean};

/// How far an exchange had come. The order is that of RFC 5321, section 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    Connect,
    Greeting,
    Ehlo,
    StartTls,
    Auth,
    Reset,
    Mail,
    Rcpt,
    Data,
    /// The body is being written: without its final dot the server must discard it.
    Body,
    /// The final dot has been handed to the network: from here on the message may have been accepted.
    Final,
    Quit,
}

impl Phase {
    #[cfg(test)]
    pub const ALL: [Phase; 12] = [
        Phase::Connect,
        Phase::Greeting,
        Phase::Ehlo,
        Phase::StartTls,
        Phase::Auth,
        Phase::Reset,
        Phase::Mail,
        Phase::Rcpt,
        Phase::Data,
        Phase::Body,
        Phase::Final,
        Phase::Quit,
    ];

    /// The word that the ledger uses, see [`Cause::phase`].
    pub fn name(self) -> &'static str {
        match self {
            Phase::Connect => "connect",
            Phase::Greeting => "greeting",
            Phase::Ehlo => "ehlo",
            Phase::StartTls => "starttls",
            Phase::Auth => "auth",
            Phase::Reset | Phase::Mail => "mail",
            Phase::Rcpt => "rcpt",
            Phase::Data => "data",
            Phase::Body => "body",
            Phase::Final | Phase::Quit => "final",
        }
    }

    /// Whether this code lets the exchange go on. Exact codes: a class alone would take `354` after the final
    /// dot, or `250` to DATA, for success.
    pub fn accepts(self, code: u16) -> bool {
        match self {
            Phase::Greeting | Phase::StartTls => code == 220,
            Phase::Ehlo | Phase::Reset | Phase::Mail | Phase::Final => code == 250,
            Phase::Auth => code == 235,
            Phase::Rcpt => matches!(code, 250..=252),
            Phase::Data => code == 354,
            Phase::Quit => code == 221,
            Phase::Connect | Phase::Body => false,
        }
    }
}

/// A whole reply: its code and the text of its lines, free of control characters and cut in length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    pub lines: Vec<String>,
}

impl Reply {
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }
}

/// A connection that cannot be trusted any further. None of these is ever followed by another command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The host name gave no address.
    Unresolved,
    TimedOut,
    /// The other side ended the connection.
    Closed,
    Lost(io::ErrorKind),
    /// Not a reply as RFC 5321, section 4.2 has it.
    Malformed(&'static str),
    TooLong,
    /// Bytes arrived although nothing had been asked.
    Unsolicited,
}

impl Fault {
    fn words(self) -> String {
        match self {
            Fault::Unresolved => "the host name could not be resolved".to_owned(),
            Fault::TimedOut => "no answer in time".to_owned(),
            Fault::Closed => "the server closed the connection".to_owned(),
            Fault::Lost(kind) => format!("the connection failed: {kind}"),
            Fault::Malformed(what) => format!("malformed reply: {what}"),
            Fault::TooLong => "the reply is too long".to_owned(),
            Fault::Unsolicited => "the server spoke without being asked".to_owned(),
        }
    }
}

/// What we refuse ourselves, before anything of the message is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    StartTlsNotOffered,
    /// The certificate is not trusted, or what answered does not speak TLS.
    Tls(String),
    AuthNotOffered,
    /// No text: the error may quote what it read.
    PasswordUnreadable,
    SenderUnusable,
    RecipientUnusable,
    /// The recipient's local part is not ASCII and the server does not offer SMTPUTF8 (RFC 6531).
    RecipientNeedsSmtpUtf8,
    /// More bytes than the server's SIZE (RFC 1870).
    MessageTooLarge {
        bytes: usize,
        most: u64,
    },
}

/// Why an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Reply(Reply),
    Fault(Fault),
    Refusal(Refusal),
}

/// Where an exchange ended, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    pub phase: Phase,
    pub end: End,
}

impl Halt {
    pub fn reply(phase: Phase, reply: Reply) -> Halt {
        Halt { phase, end: End::Reply(reply) }
    }

    pub fn fault(phase: Phase, fault: Fault) -> Halt {
        Halt { phase, end: End::Fault(fault) }
    }

    pub fn refusal(phase: Phase, refusal: Refusal) -> Halt {
        Halt { phase, end: End::Refusal(refusal) }
    }

    /// Whether the connection can carry another message: replies to what was asked leave it usable, except
    /// `421` and codes that have no meaning where they came.
    pub fn leaves_connection_usable(&self) -> bool {
        match &self.end {
            End::Reply(reply) => {
                reply.code != 421 && (self.phase.accepts(reply.code) || (400..=599).contains(&reply.code))
            }
            End::Fault(_) => false,
            End::Refusal(_) => true,
        }
    }
}

/// The verdict.
pub fn outcome(halt: &Halt) -> Outcome {
    match &halt.end {
        End::Reply(reply) => of_reply(halt.phase, reply),
        End::Fault(fault) => of_fault(halt.phase, *fault),
        End::Refusal(refusal) => of_refusal(halt.phase, refusal),
    }
}

fn of_reply(phase: Phase, reply: &Reply) -> Outcome {
    let text = without_addresses(&reply.text());
    if phase == Phase::Final && phase.accepts(reply.code) {
        return Outcome::Delivered { receipt: clean(&format!("{} {text}", reply.code), 200) };
    }
    let cause = Cause::new(phase.name(), Some(reply.code), &text);
    match (phase, reply.code) {
        // Authentication required or failed: said at any command, it is about us.
        (_, 530 | 535) => Outcome::AccountHeld { cause },
        (Phase::StartTls | Phase::Auth, _) => Outcome::AccountHeld { cause },
        (Phase::Connect | Phase::Greeting | Phase::Ehlo | Phase::Reset | Phase::Mail, 400..=599) => {
            Outcome::AccountHeld { cause }
        }
        (Phase::Rcpt | Phase::Data | Phase::Body | Phase::Final, 500..=599) => Outcome::Failed { cause },
        (Phase::Final, 400..=499) => Outcome::Deferred { cause, retry_after: None },
        // A code that says neither yes nor no to a message that was sent whole.
        (Phase::Final | Phase::Quit, _) => Outcome::Uncertain { cause },
        (
            Phase::Connect
            | Phase::Greeting
            | Phase::Ehlo
            | Phase::Reset
            | Phase::Mail
            | Phase::Rcpt
            | Phase::Data
            | Phase::Body,
            _,
        ) => Outcome::Deferred { cause, retry_after: None },
    }
}

fn of_fault(phase: Phase, fault: Fault) -> Outcome {
    let cause = Cause::new(phase.name(), None, &fault.words());
    match phase {
        Phase::Final | Phase::Quit => Outcome::Uncertain { cause },
        Phase::Connect
        | Phase::Greeting
        | Phase::Ehlo
        | Phase::StartTls
        | Phase::Auth
        | Phase::Reset
        | Phase::Mail
        | Phase::Rcpt
        | Phase::Data
        | Phase::Body => Outcome::Deferred { cause, retry_after: None },
    }
}

fn of_refusal(phase: Phase, refusal: &Refusal) -> Outcome {
    let cause = |text: &str| Cause::new(phase.name(), None, text);
    match refusal {
        Refusal::StartTlsNotOffered => {
            Outcome::AccountHeld { cause: cause("the server does not offer STARTTLS; nothing is sent without it") }
        }
        Refusal::Tls(text) => Outcome::AccountHeld { cause: cause(&format!("TLS: {}", without_addresses(text))) },
        Refusal::AuthNotOffered => Outcome::AccountHeld {
            cause: cause("a username is set, but the server offers neither AUTH PLAIN nor LOGIN"),
        },
        Refusal::PasswordUnreadable => Outcome::AccountHeld { cause: cause("the password cannot be read") },
        Refusal::SenderUnusable => Outcome::AccountHeld { cause: cause("the sender's address cannot be used") },
        Refusal::RecipientUnusable => Outcome::Failed { cause: cause("the recipient's address cannot be used") },
        Refusal::RecipientNeedsSmtpUtf8 => Outcome::Failed {
            cause: cause("the recipient's address is not ASCII, and the server does not offer SMTPUTF8"),
        },
        Refusal::MessageTooLarge { bytes, most } => {
            Outcome::Failed { cause: cause(&format!("the message has {bytes} bytes, the server takes {most}")) }
        }
    }
}

/// The server's words without what looks like a mail address or a URL: each becomes `…`.
fn without_addresses(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for piece in text.split_inclusive(ends_a_word) {
        let word = piece.trim_end_matches(ends_a_word);
        let tells = word.contains(['@', '\u{ff20}', '\u{fe6b}']) || word.contains("%40") || word.contains("://");
        kept.push_str(if tells { "…" } else { word });
        kept.push_str(&piece[word.len()..]);
    }
    kept
}

fn ends_a_word(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';' | '"' | '\'')
}

#[cfg(test)]
mod tests {
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
}
