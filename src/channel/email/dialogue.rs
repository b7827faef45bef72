//! One message on a live connection: envelope, DATA, body, and the reply that decides.
//!
//! Where the server offers PIPELINING (RFC 2920) a message costs two round trips: the envelope in one flight,
//! the body with its dot in the next. Deliberately absent: connecting, and what a code means (`verdict`).

use std::borrow::Cow;

use super::connect::{Connection, Offers};
use super::verdict::{Halt, Phase, Refusal};

/// Whom a message is from and to, as the envelope names them: bare addresses, an empty sender is `<>`.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    pub from: &'a str,
    pub to: &'a str,
}

/// Sends one message. Its halt tells the phase and the reply: [`Phase::Final`] with `250` is success, and there
/// is no other.
pub async fn send(connection: &mut Connection, envelope: Envelope<'_>, message: &[u8]) -> Sent {
    let message = wire_form(message);
    let flight = match flight(connection, envelope, &message) {
        Ok(flight) => flight,
        Err(halt) => return Sent { halt, usable: true },
    };
    let refused = if connection.offers.pipelining {
        fly_together(connection, &flight).await
    } else {
        fly_one_by_one(connection, &flight).await
    };
    match refused {
        None => body(connection, &message).await,
        Some(refused) => refused,
    }
}

/// How a message ended, and whether its connection may carry another.
pub struct Sent {
    pub halt: Halt,
    pub usable: bool,
}

impl Sent {
    fn by(halt: Halt) -> Sent {
        let usable = halt.leaves_connection_usable();
        Sent { halt, usable }
    }
}

type Command = (Phase, String);

fn flight(connection: &Connection, envelope: Envelope<'_>, message: &[u8]) -> Result<Vec<Command>, Halt> {
    let offers = &connection.offers;
    let parameters = parameters(offers, envelope, message)?;
    let mut flight = Vec::with_capacity(4);
    if connection.open_transaction {
        flight.push((Phase::Reset, "RSET\r\n".to_owned()));
    }
    flight.push((Phase::Mail, format!("MAIL FROM:<{}>{parameters}\r\n", envelope.from)));
    flight.push((Phase::Rcpt, format!("RCPT TO:<{}>\r\n", envelope.to)));
    flight.push((Phase::Data, "DATA\r\n".to_owned()));
    Ok(flight)
}

fn parameters(offers: &Offers, envelope: Envelope<'_>, message: &[u8]) -> Result<String, Halt> {
    if !envelope.from.is_empty() && !fits_an_envelope(envelope.from) {
        return Err(Halt::refusal(Phase::Mail, Refusal::SenderUnusable));
    }
    if !fits_an_envelope(envelope.to) {
        return Err(Halt::refusal(Phase::Rcpt, Refusal::RecipientUnusable));
    }
    if let Some(most) = offers.size.filter(|&most| message.len() as u64 > most) {
        return Err(Halt::refusal(Phase::Mail, Refusal::MessageTooLarge { bytes: message.len(), most }));
    }
    let mut parameters = String::new();
    if offers.eight_bit && !message.is_ascii() {
        parameters.push_str(" BODY=8BITMIME");
    }
    if !envelope.to.is_ascii() || !envelope.from.is_ascii() {
        if !offers.smtp_utf8 {
            return Err(Halt::refusal(Phase::Rcpt, Refusal::RecipientNeedsSmtpUtf8));
        }
        parameters.push_str(" SMTPUTF8");
    }
    Ok(parameters)
}

/// Whether an address can stand between `<` and `>` without ending the command (RFC 5321, section 4.5.3.1:
/// 64 and 255 bytes, 254 together). Quoted local parts with spaces or brackets are refused, not rewritten.
fn fits_an_envelope(address: &str) -> bool {
    let harmless = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>');
    address.len() <= 254
        && address.chars().all(harmless)
        && address.rsplit_once('@').is_some_and(|(local, domain)| {
            (1..=64).contains(&local.len()) && !domain.is_empty() && !domain.starts_with(['.', '-'])
        })
}

/// All commands in one segment; every reply is read, the first refusal counts.
async fn fly_together(connection: &mut Connection, flight: &[Command]) -> Option<Sent> {
    let lines: String = flight.iter().map(|(_, line)| line.as_str()).collect();
    let mut refused: Option<Sent> = None;
    let mut invited = false;
    for (place, &(phase, _)) in flight.iter().enumerate() {
        // What lettre makes of a reply is not used: the exchange has its exact code.
        if place == 0 {
            connection.exchange.begin(phase, flight.len());
            let _ = connection.smtp.command(&lines).await;
        } else {
            connection.exchange.next(phase);
            let _ = connection.smtp.read_response().await;
        }
        match (answer(connection, phase), &mut refused) {
            (Ok(()), _) => invited = phase == Phase::Data,
            (Err(sent), Some(first)) => first.usable &= sent.usable,
            (Err(sent), None) => refused = Some(sent),
        }
        if refused.as_ref().is_some_and(|sent| !sent.usable) {
            return refused;
        }
    }
    match refused {
        Some(sent) if invited => Some(decline(connection, sent).await),
        other => other,
    }
}

/// One command after the other, up to the first refusal.
async fn fly_one_by_one(connection: &mut Connection, flight: &[Command]) -> Option<Sent> {
    for (phase, line) in flight {
        connection.exchange.begin(*phase, 1);
        let _ = connection.smtp.command(line).await;
        if let Err(sent) = answer(connection, *phase) {
            return Some(sent);
        }
    }
    None
}

fn answer(connection: &mut Connection, phase: Phase) -> Result<(), Sent> {
    let reply = connection.exchange.outcome().map_err(Sent::by)?;
    if !phase.accepts(reply.code) {
        return Err(Sent::by(Halt::reply(phase, reply)));
    }
    match phase {
        Phase::Mail => connection.open_transaction = true,
        Phase::Reset | Phase::Final => connection.open_transaction = false,
        Phase::Connect
        | Phase::Greeting
        | Phase::Ehlo
        | Phase::StartTls
        | Phase::Auth
        | Phase::Rcpt
        | Phase::Data
        | Phase::Body
        | Phase::Quit => {}
    }
    Ok(())
}

/// The server asks for a body although it refused the envelope. A refused recipient gets an empty message,
/// which ends the matter (RFC 2920, section 3.1); after a refused sender somebody might receive that, so the
/// connection is given up instead. The verdict stays the refusal's.
async fn decline(connection: &mut Connection, mut refused: Sent) -> Sent {
    if refused.halt.phase != Phase::Rcpt {
        refused.usable = false;
        return refused;
    }
    connection.exchange.begin(Phase::Body, 1);
    let _ = connection.smtp.message(b"").await;
    refused.usable = match connection.exchange.outcome() {
        Ok(reply) => Halt::reply(Phase::Final, reply).leaves_connection_usable(),
        Err(_) => false,
    };
    refused
}

async fn body(connection: &mut Connection, message: &[u8]) -> Sent {
    connection.exchange.begin(Phase::Body, 1);
    let _ = connection.smtp.message(message).await;
    let sent = match connection.exchange.outcome() {
        Ok(reply) => Sent::by(Halt::reply(Phase::Final, reply)),
        Err(halt) => Sent::by(halt),
    };
    // Accepted or refused, a message ends its transaction.
    connection.open_transaction = false;
    sent
}

/// The message as it may go out: every line ends in CRLF, no lone CR or LF, no NUL (RUSTSEC-2026-0561: lettre
/// puts no second dot after a bare CR or LF, so a body could end its own message). The last CRLF is taken off,
/// lettre writes it with the final dot.
fn wire_form(message: &[u8]) -> Cow<'_, [u8]> {
    let message = message.strip_suffix(b"\r\n").unwrap_or(message);
    if is_wire_form(message) {
        return Cow::Borrowed(message);
    }
    let mut wire = Vec::with_capacity(message.len() + message.len() / 16);
    let mut bytes = message.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' => {
                bytes.next_if_eq(&b'\n');
                wire.extend_from_slice(b"\r\n");
            }
            b'\n' => wire.extend_from_slice(b"\r\n"),
            0 => wire.push(b'?'),
            other => wire.push(other),
        }
    }
    if wire.ends_with(b"\r\n") {
        wire.truncate(wire.len() - 2);
    }
    Cow::Owned(wire)
}

fn is_wire_form(message: &[u8]) -> bool {
    let mut before = 0;
    for &byte in message {
        if byte == 0 || (byte == b'\n') != (before == b'\r') {
            return false;
        }
        before = byte;
    }
    before != b'\r'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_line_end_becomes_cr_lf() {
        let table: &[(&[u8], &[u8])] = &[
            (b"a\r\nb\r\n", b"a\r\nb"),
            (b"a\nb\n", b"a\r\nb"),
            (b"a\rb\r", b"a\r\nb"),
            (b"a\n\r\nb", b"a\r\n\r\nb"),
            (b"a\r\r\nb", b"a\r\n\r\nb"),
            (b"a\n.\nMAIL FROM:<x@y>", b"a\r\n.\r\nMAIL FROM:<x@y>"),
            (b"a\0b", b"a?b"),
            (b"", b""),
            (b"\r\n", b""),
        ];
        for (given, expected) in table {
            assert_eq!(wire_form(given).as_ref(), *expected, "{:?}", String::from_utf8_lossy(given));
        }
    }

    proptest! {
        #[test]
        fn no_message_can_end_itself(message in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'.'), Just(0), Just(b'a')], 0..40)) {
            let wire = wire_form(&message).into_owned();
            prop_assert!(is_wire_form(&wire));
            prop_assert_eq!(wire_form(&[wire.as_slice(), b"\r\n"].concat()).into_owned(), wire);
        }
    }

    #[test]
    fn an_address_cannot_leave_its_brackets() {
        for fine in ["a@b", "ops+x=y@acme.example", "o'neil@acme.example", "ü@acme.example", "\"q\"@x.example"] {
            assert!(fits_an_envelope(fine), "{fine}");
        }
        let long = format!("{}@x.example", "a".repeat(65));
        for wrong in
            ["", "a", "@b", "a@", "a@b\r\nRCPT TO:<c@d>", "a b@c", "a>@c", "<a@b>", "a\0@b", "a@.b", long.as_str()]
        {
            assert!(!fits_an_envelope(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn parameters_are_given_only_where_needed_and_offered() {
        let everything = Offers { eight_bit: true, smtp_utf8: true, size: Some(100), ..Offers::default() };
        let check = |offers: &Offers, to: &str, message: &[u8], expected: Result<&str, Refusal>| {
            let got = parameters(offers, Envelope { from: "a@b", to }, message);
            let got = got.map_err(|halt| match halt.end {
                super::super::verdict::End::Refusal(refusal) => refusal,
                other => panic!("{other:?}"),
            });
            assert_eq!(got, expected.map(str::to_owned), "{to}");
        };
        check(&everything, "c@d", b"plain", Ok(""));
        check(&everything, "c@d", "é".as_bytes(), Ok(" BODY=8BITMIME"));
        check(&everything, "é@d", "é".as_bytes(), Ok(" BODY=8BITMIME SMTPUTF8"));
        check(&Offers::default(), "c@d", "é".as_bytes(), Ok(""));
        check(&Offers::default(), "é@d", b"", Err(Refusal::RecipientNeedsSmtpUtf8));
        check(&Offers::default(), "c d", b"", Err(Refusal::RecipientUnusable));
        check(&everything, "c@d", &[b'x'; 101], Err(Refusal::MessageTooLarge { bytes: 101, most: 100 }));
    }
}
