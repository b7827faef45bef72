//! From a host name to a connection that may carry mail: TCP, TLS, EHLO, AUTH.
//!
//! Greeting, EHLO, HELO and STARTTLS are spoken here, because lettre reads no surplus bytes before TLS as an
//! attack and knows no HELO; AUTH and all that follows go through lettre. Deliberately absent: any way to send
//! a password or a mail without the TLS that the settings ask for.

use std::sync::Arc;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::Auth;
use lettre::transport::smtp::extension::ClientId;
use rustls::ClientConfig;
use secrecy::{ExposeSecret, SecretString};

use super::deadlines::Deadlines;
use super::guard::{Exchange, Guard};
use super::verdict::{Fault, Halt, Phase, Refusal, Reply};
use super::wire::{Wire, dial, encrypt};

/// Where and how to connect, and who we are there.
pub struct Server {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// The name that EHLO gives.
    pub hello: String,
    /// Only together with TLS.
    pub login: Option<Login>,
    pub deadlines: Deadlines,
}

/// Whether and when the connection is encrypted.
pub enum Tls {
    Never,
    /// By STARTTLS, required.
    AfterEhlo(Arc<ClientConfig>),
    /// From the first byte.
    FromStart(Arc<ClientConfig>),
}

/// A username, and where its password is read when it is used.
pub struct Login {
    pub username: String,
    pub password: Box<dyn Fn() -> anyhow::Result<String> + Send + Sync>,
}

/// What the server offers, from its EHLO.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offers {
    pub pipelining: bool,
    pub eight_bit: bool,
    pub smtp_utf8: bool,
    pub start_tls: bool,
    /// Most bytes of a message; `None`: not said, or no fixed limit.
    pub size: Option<u64>,
    /// Of `PLAIN` and `LOGIN`.
    pub mechanisms: Vec<Mechanism>,
}

impl Offers {
    /// Reads the lines of an EHLO reply; the first is the server's name. Empty lines mean nothing (they make
    /// lettre panic, RUSTSEC-2026-0562). `AUTH=` is what servers older than RFC 4954 write.
    pub fn read(lines: &[String]) -> Offers {
        let mut offers = Offers::default();
        for line in lines.iter().skip(1) {
            let line = line.to_ascii_uppercase().replace("AUTH=", "AUTH ");
            let mut words = line.split_whitespace();
            match words.next() {
                Some("PIPELINING") => offers.pipelining = true,
                Some("8BITMIME") => offers.eight_bit = true,
                Some("SMTPUTF8") => offers.smtp_utf8 = true,
                Some("STARTTLS") => offers.start_tls = true,
                Some("SIZE") => offers.size = words.next().and_then(|most| most.parse().ok()).filter(|&most| most > 0),
                Some("AUTH") => offers.mechanisms.extend(words.filter_map(mechanism)),
                Some(_) | None => {}
            }
        }
        offers
    }
}

fn mechanism(word: &str) -> Option<Mechanism> {
    match word {
        "PLAIN" => Some(Mechanism::Plain),
        "LOGIN" => Some(Mechanism::Login),
        _ => None,
    }
}

/// A connection that may carry mail. Dropping it closes it without a word, which is always safe.
pub struct Connection {
    pub smtp: AsyncSmtpConnection,
    pub exchange: Exchange,
    pub offers: Offers,
    /// A MAIL was accepted and not ended by a message: the next flight begins with RSET.
    pub open_transaction: bool,
}

/// Connects, encrypts and logs in.
pub async fn open(server: &Server) -> Result<Connection, Halt> {
    let (guard, offers) = greet(server).await?;
    let exchange = guard.exchange();
    // Never sent: the guard answers it.
    let hello = ClientId::Domain("candor".to_owned());
    let smtp = AsyncSmtpConnection::connect_with_transport(guard.into_lettre(), &hello)
        .await
        .map_err(|_| Halt::fault(Phase::Ehlo, Fault::Malformed("the greeting could not be read")))?;
    let mut connection = Connection { smtp, exchange, offers, open_transaction: false };
    if let Some(login) = &server.login {
        authenticate(&mut connection, login).await?;
    }
    Ok(connection)
}

async fn greet(server: &Server) -> Result<(Guard, Offers), Halt> {
    let limits = server.deadlines;
    let stream =
        dial(&server.host, server.port, limits.connect).await.map_err(|fault| Halt::fault(Phase::Connect, fault))?;
    match &server.tls {
        Tls::Never => greet_over(Wire::Plain(stream), server).await,
        Tls::FromStart(client) => {
            let wire = encrypt(stream, Arc::clone(client), &server.host, Phase::Connect, limits.tls).await?;
            greet_over(wire, server).await
        }
        Tls::AfterEhlo(client) => {
            let (mut guard, offers) = greet_over(Wire::Plain(stream), server).await?;
            if !offers.start_tls {
                return Err(Halt::refusal(Phase::StartTls, Refusal::StartTlsNotOffered));
            }
            accepted(Phase::StartTls, guard.ask(Phase::StartTls, "STARTTLS").await?)?;
            let Wire::Plain(stream) = guard.into_wire() else {
                return Err(Halt::refusal(Phase::StartTls, Refusal::StartTlsNotOffered));
            };
            let wire = encrypt(stream, Arc::clone(client), &server.host, Phase::StartTls, limits.tls).await?;
            // What was offered before TLS may be an attacker's: it is asked again.
            let mut guard = Guard::greeted(wire, limits);
            let offers = introduce(&mut guard, &server.hello).await?;
            Ok((guard, offers))
        }
    }
}

async fn greet_over(wire: Wire, server: &Server) -> Result<(Guard, Offers), Halt> {
    let mut guard = Guard::new(wire, server.deadlines);
    accepted(Phase::Greeting, guard.greeting().await?)?;
    let offers = introduce(&mut guard, &server.hello).await?;
    Ok((guard, offers))
}

/// EHLO, or HELO to a server that does not know it (RFC 5321, section 3.2).
async fn introduce(guard: &mut Guard, hello: &str) -> Result<Offers, Halt> {
    let reply = guard.ask(Phase::Ehlo, &format!("EHLO {hello}")).await?;
    if Phase::Ehlo.accepts(reply.code) {
        return Ok(Offers::read(&reply.lines));
    }
    if !(500..=599).contains(&reply.code) {
        return Err(Halt::reply(Phase::Ehlo, reply));
    }
    accepted(Phase::Ehlo, guard.ask(Phase::Ehlo, &format!("HELO {hello}")).await?)?;
    Ok(Offers::default())
}

fn accepted(phase: Phase, reply: Reply) -> Result<(), Halt> {
    if phase.accepts(reply.code) { Ok(()) } else { Err(Halt::reply(phase, reply)) }
}

/// AUTH PLAIN or LOGIN. Lettre's own `auth` is not used: after a refusal it says QUIT, and the refusal's code
/// would be lost behind that answer.
async fn authenticate(connection: &mut Connection, login: &Login) -> Result<(), Halt> {
    const MOST_STEPS: usize = 3;
    let offered = &connection.offers.mechanisms;
    let mechanism = [Mechanism::Plain, Mechanism::Login]
        .into_iter()
        .find(|wanted| offered.contains(wanted))
        .ok_or_else(|| Halt::refusal(Phase::Auth, Refusal::AuthNotOffered))?;
    let unreadable = || Halt::refusal(Phase::Auth, Refusal::PasswordUnreadable);
    let password = (login.password)().map(SecretString::from).map_err(|_| unreadable())?;
    let credentials = Credentials::new(login.username.clone(), password.expose_secret().to_owned());
    let mut command = Auth::new(mechanism, credentials.clone(), None).map_err(|_| unreadable())?;
    connection.exchange.begin(Phase::Auth, 1);
    for _ in 0..MOST_STEPS {
        let response = connection.smtp.command(command).await;
        let reply = connection.exchange.outcome()?;
        if Phase::Auth.accepts(reply.code) {
            return Ok(());
        }
        // A challenge that lettre does not know ends here with the server's 334.
        let next = response.ok().filter(|_| reply.code == 334);
        command = match next.map(|challenge| Auth::new_from_response(mechanism, credentials.clone(), &challenge)) {
            Some(Ok(next)) => next,
            Some(Err(_)) | None => return Err(Halt::reply(Phase::Auth, reply)),
        };
    }
    Err(Halt::fault(Phase::Auth, Fault::Malformed("AUTH does not end")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &[&str], expected: Offers) {
        let lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
        assert_eq!(Offers::read(&lines), expected);
    }

    #[test]
    fn offers_are_read_in_any_case_and_empty_lines_mean_nothing() {
        check(&[], Offers::default());
        check(&["PIPELINING"], Offers::default());
        check(&["host", "", " ", "\t"], Offers::default());
        check(
            &["host", "pipelining", "8BitMime", "SIZE 10240000", "starttls", "SMTPUTF8"],
            Offers {
                pipelining: true,
                eight_bit: true,
                smtp_utf8: true,
                start_tls: true,
                size: Some(10_240_000),
                mechanisms: vec![],
            },
        );
        check(
            &["host", "AUTH=LOGIN XOAUTH2", "AUTH CRAM-MD5 plain"],
            Offers { mechanisms: vec![Mechanism::Login, Mechanism::Plain], ..Offers::default() },
        );
        for size in ["SIZE", "SIZE 0", "SIZE -1", "SIZE many"] {
            check(&["host", size], Offers::default());
        }
    }
}
