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
    /// We were told to stop and waited no longer.
    Stopped,
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
            Fault::Stopped => "we were stopped".to_owned(),
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
mod tests;
