//! How long each phase of a connection may take, and how much a connection may carry.
//!
//! Deliberately absent: waits between attempts, which are `domain::delivery`'s.

use std::time::Duration;

use super::verdict::Phase;

/// Limits of one connection. The defaults are those of Postfix's client and of RFC 5321, section 4.5.3.2: a
/// shorter wait after the final dot makes repeats (RFC 1047), not speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// Name look-up and all addresses together.
    pub connect: Duration,
    pub greeting: Duration,
    /// EHLO, HELO, and each step of AUTH.
    pub ehlo: Duration,
    /// The STARTTLS command, and apart from it the handshake.
    pub tls: Duration,
    /// MAIL, RCPT and RSET, each.
    pub envelope: Duration,
    pub data: Duration,
    /// Writing the whole message.
    pub body: Duration,
    /// From the final dot to its answer.
    pub answer: Duration,
    pub quit: Duration,
    /// An open connection that has carried nothing for this long is not used again.
    pub idle: Duration,
    /// Messages on one connection.
    pub messages: u32,
}

impl Default for Deadlines {
    fn default() -> Deadlines {
        let seconds = Duration::from_secs;
        Deadlines {
            connect: seconds(30),
            greeting: seconds(300),
            ehlo: seconds(300),
            tls: seconds(300),
            envelope: seconds(300),
            data: seconds(120),
            body: seconds(180),
            answer: seconds(600),
            quit: seconds(5),
            idle: seconds(60),
            messages: 1_000,
        }
    }
}

impl Deadlines {
    /// The limit of one phase.
    pub fn of(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Connect => self.connect,
            Phase::Greeting => self.greeting,
            Phase::Ehlo | Phase::Auth => self.ehlo,
            Phase::StartTls => self.tls,
            Phase::Reset | Phase::Mail | Phase::Rcpt => self.envelope,
            Phase::Data => self.data,
            Phase::Body => self.body,
            Phase::Final => self.answer,
            Phase::Quit => self.quit,
        }
    }
}
