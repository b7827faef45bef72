//! The e-mail channel: an [`Account`] at a relay (or a folder), and [`Lane`]s that carry one message at a time.
//!
//! Read in this order:
//! - `lane` owns a connection over many messages; `connect` opens it; `dialogue` sends one message on it;
//! - `guard` is our stream under lettre, with `framing` (bytes to replies) above and `wire` (TCP, TLS) below;
//! - `verdict` turns a phase and a code into an [`Outcome`], nothing else does; `deadlines` has all limits;
//! - `maildir` is the other transport.
//!
//! Deliberately absent: the words of a mail (`render`), when and how often it is tried (`domain`), and lettre's
//! ready-made transport and pool, which know no deadline after connecting and report `354` as success.

mod connect;
mod deadlines;
mod dialogue;
mod framing;
mod guard;
mod lane;
mod maildir;
mod verdict;
mod wire;

#[cfg(test)]
#[path = "../../../tests/real_parts/scripted_smtp.rs"]
mod scripted;
#[cfg(test)]
mod scripts;

use std::pin::Pin;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use rustls::RootCertStore;

use self::connect::{Login, Server, Tls};
use self::lane::SmtpLane;
use self::maildir::Maildir;
use self::wire::{Trust, tls_client};
use crate::config::settings::{EmailSettings, MailServer, Security};
use crate::domain::delivery::Outcome;

pub use self::deadlines::Deadlines;

/// Reads the account's password, each time it is used.
pub type Password = Box<dyn Fn() -> anyhow::Result<String> + Send + Sync>;

/// One message for one recipient, as it is handed over.
#[derive(Debug, Clone, Copy)]
pub struct Mail<'a> {
    /// The same for every attempt at the same message.
    pub key: &'a str,
    /// Envelope sender, a bare address with its domain in ASCII; empty: `<>`.
    pub from: &'a str,
    /// Envelope recipient, a bare address with its domain in ASCII.
    pub to: &'a str,
    /// Header and body (RFC 5322). Line ends and NUL are made right on the way.
    pub bytes: &'a [u8],
}

/// Our account at the relay, or the folder that stands for it.
#[derive(Clone)]
pub struct Account {
    transport: Transport,
}

#[derive(Clone)]
enum Transport {
    Smtp(Arc<Server>),
    Maildir(Maildir),
}

/// How an account differs from the ordinary: for other time limits, and for roots of one's own.
#[derive(Default)]
pub struct AccountOptions {
    pub deadlines: Deadlines,
    /// Believe these roots alone, in place of the operating system's.
    pub roots: Option<RootCertStore>,
}

impl Account {
    /// Makes an account from its settings; nothing is connected yet. `domain` is the sender's, EHLO gives it.
    ///
    /// # Errors
    /// A username without TLS or without a password; a domain that EHLO cannot give; the system's root
    /// certificates cannot be read although TLS is asked for.
    pub fn new(
        settings: &EmailSettings,
        domain: &str,
        password: Option<Password>,
        options: AccountOptions,
    ) -> anyhow::Result<Account> {
        let transport = match &settings.server {
            MailServer::Maildir { path } => Transport::Maildir(Maildir::new(path.clone())),
            MailServer::Smtp { host, port, security } => {
                let AccountOptions { deadlines, roots } = options;
                let tls = tls(*security, roots.map_or(Trust::Platform, Trust::Roots))?;
                let login = login(*security, settings.username.as_deref(), password)?;
                let (host, port, hello) = (host.clone(), *port, hello(domain)?);
                Transport::Smtp(Arc::new(Server { host, port, tls, hello, login, deadlines }))
            }
        };
        Ok(Account { transport })
    }

    /// A way out that carries one message at a time; lanes of one account share nothing but its settings.
    pub fn lane(&self) -> Lane {
        match &self.transport {
            Transport::Smtp(server) => Lane { carrier: Carrier::Smtp(SmtpLane::new(Arc::clone(server))) },
            Transport::Maildir(maildir) => Lane { carrier: Carrier::Maildir(maildir.clone()) },
        }
    }

    /// Whether the account is taken now: connects, encrypts, logs in, leaves. `Delivered` means yes; no mail
    /// is sent. For `check --online` and for a held account.
    pub async fn probe(&self) -> Outcome {
        match &self.transport {
            Transport::Smtp(server) => SmtpLane::new(Arc::clone(server)).probe().await,
            Transport::Maildir(maildir) => maildir.probe().await,
        }
    }
}

/// One connection of an account, opened when it is first needed.
pub struct Lane {
    carrier: Carrier,
}

enum Carrier {
    Smtp(SmtpLane),
    Maildir(Maildir),
}

impl Lane {
    /// Hands one message over. May be dropped at any moment: its connection goes with it, and the message's
    /// fate is then unknown to the caller.
    pub async fn send(&mut self, mail: &Mail<'_>) -> Outcome {
        self.send_until(mail, std::pin::pin!(std::future::pending())).await
    }

    /// The same, but no longer than until `cut`: the outcome is then what follows from how far it had come.
    pub async fn send_until(&mut self, mail: &Mail<'_>, cut: Pin<&mut impl Future<Output = ()>>) -> Outcome {
        match &mut self.carrier {
            Carrier::Smtp(lane) => {
                let envelope = dialogue::Envelope { from: mail.from, to: mail.to };
                lane.send(envelope, mail.bytes, cut).await
            }
            Carrier::Maildir(maildir) => maildir.send(mail.key, mail.bytes).await,
        }
    }

    /// Whether a connection rests here, ready for the next message. A folder needs none.
    pub fn is_connected(&self) -> bool {
        match &self.carrier {
            Carrier::Smtp(lane) => lane.is_connected(),
            Carrier::Maildir(_) => true,
        }
    }

    /// Leaves politely because there is nothing to send; the next message connects anew.
    pub async fn rest(&mut self) {
        match &mut self.carrier {
            Carrier::Smtp(lane) => lane.rest().await,
            Carrier::Maildir(_) => {}
        }
    }
}

fn tls(security: Security, trust: Trust) -> anyhow::Result<Tls> {
    Ok(match security {
        Security::None => Tls::Never,
        Security::StartTls => Tls::AfterEhlo(tls_client(trust)?),
        Security::Tls => Tls::FromStart(tls_client(trust)?),
    })
}

fn login(security: Security, username: Option<&str>, password: Option<Password>) -> anyhow::Result<Option<Login>> {
    let Some(username) = username else { return Ok(None) };
    if security == Security::None {
        bail!(
            "[email] username needs TLS: use smtps:// or smtp+starttls:// as server, or take username and password away"
        );
    }
    let password = password.context("[email] username is set without password: add password, or take username away")?;
    Ok(Some(Login { username: username.to_owned(), password }))
}

/// The name for EHLO: a domain in ASCII, without anything that could end the command.
fn hello(domain: &str) -> anyhow::Result<String> {
    let ascii = idna::domain_to_ascii_strict(domain)
        .with_context(|| format!("the sender's domain {domain:?} is no domain name; use one like \"example.com\""))?;
    ensure!(!ascii.is_empty(), "the sender's domain is empty; use one like \"example.com\"");
    Ok(ascii)
}
