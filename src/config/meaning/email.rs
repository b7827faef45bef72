//! `[email]`: the relay that mail goes out through, or the Maildir that it goes into.

use std::path::Path;
use std::time::Duration;

use url::{Host, Url};

use super::{DAY, HOUR, Reading, SECOND};
use crate::config::problem::{KeyPath, Mistake, quoted};
use crate::config::settings::{EmailSettings, MailServer, Security, SubjectStyle};
use crate::config::values;
use crate::config::written::WrittenEmail;

const FORMS: &str = "write smtp://HOST:25, smtps://HOST:465, smtp+starttls://HOST:587 or maildir:PATH";

pub(super) fn read(reading: &mut Reading<'_>, written: &WrittenEmail) -> EmailSettings {
    let table = KeyPath::root().key("email");
    let folder = reading.folder;
    let server = reading.required(&table, "server", written.server.as_deref(), FORMS, |text| server(text, folder));
    if let Some(server) = &server {
        account(reading, &table, written, server);
    }
    EmailSettings {
        server: server.unwrap_or(MailServer::Maildir { path: folder.to_owned() }),
        username: reading.optional(&table, "username", written.username.as_deref(), |text| values::line(text, 255)),
        password: reading.optional(&table, "password", written.password.as_ref(), |one| values::secret(&one.0, folder)),
        connections: reading.or(&table, "connections", written.connections.as_ref(), 8, connections),
        rate: reading.optional(&table, "rate", written.rate.as_deref(), values::rate),
        per_day: reading.optional(&table, "per_day", written.per_day.as_ref(), |count| {
            values::count_in(*count, 1..=1_000_000_000).map(i64::unsigned_abs)
        }),
        retry: retry(reading, &table, written.retry.as_deref(), &EMAIL_STEPS),
        give_up: give_up(reading, &table, written.give_up.as_deref()),
        subject: reading.or(&table, "subject", written.subject.as_deref(), SubjectStyle::Standing, |text| {
            values::word(text, &[("standing", SubjectStyle::Standing), ("constant", SubjectStyle::Constant)])
        }),
    }
}

const EMAIL_STEPS: [Duration; 6] = [
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(300),
    Duration::from_secs(600),
    Duration::from_secs(1_200),
    Duration::from_secs(1_800),
];

pub(super) fn connections(written: &i64) -> Result<usize, Mistake> {
    let count = values::count_in(*written, 1..=256)?;
    usize::try_from(count).map_err(|_| Mistake::new("the number is too large"))
}

/// The waits between attempts, the last of which repeats.
pub(super) fn retry(
    reading: &mut Reading<'_>,
    table: &KeyPath,
    written: Option<&[String]>,
    default: &[Duration],
) -> Vec<Duration> {
    const MOST: usize = 20;
    let Some(steps) = written else { return default.to_vec() };
    if steps.is_empty() || steps.len() > MOST {
        let message = format!("the list has {} waits; write 1 to {MOST}, the last one repeats", steps.len());
        reading.problems.add(table.key("retry"), Mistake::new(message));
        return default.to_vec();
    }
    reading.list(table, "retry", steps, |text| values::duration_in(text, SECOND..=DAY))
}

pub(super) fn give_up(reading: &mut Reading<'_>, table: &KeyPath, written: Option<&str>) -> Duration {
    reading.or(table, "give_up", written, 72 * HOUR, |text| values::duration_in(text, SECOND..=30 * DAY))
}

fn server(written: &str, folder: &Path) -> Result<MailServer, Mistake> {
    if let Some(path) = written.strip_prefix("maildir:") {
        return Ok(MailServer::Maildir { path: values::path(path, folder)? });
    }
    let (security, default_port) = match written.split_once("://").map(|(scheme, _)| scheme) {
        Some("smtp") => (Security::None, 25),
        Some("smtps") => (Security::Tls, 465),
        Some("smtp+starttls") => (Security::StartTls, 587),
        Some(other) => return Err(Mistake::with_help(format!("{} is no way to send mail", quoted(other)), FORMS)),
        None if written.contains('@') || written.trim().is_empty() => {
            return Err(Mistake::with_help("this is no mail server", FORMS));
        }
        None => {
            let message = format!("{} does not say how to speak to the mail server", quoted(written));
            return Err(Mistake::with_help(message, FORMS));
        }
    };
    let url =
        Url::parse(written).map_err(|error| Mistake::with_help(format!("this is no mail server: {error}"), FORMS))?;
    if !url.username().is_empty() || url.password().is_some() {
        let help =
            "take them out and write username = \"…\" and password = { credential = \"smtp\" } as keys of [email]";
        return Err(Mistake::with_help("the address holds a user name or password", help));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(Mistake::with_help("the address goes on after host and port", FORMS));
    }
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or_else(|| Mistake::with_help("the host is missing", FORMS))?;
    let host = Host::parse(host).map_err(|error| Mistake::with_help(format!("this is no host: {error}"), FORMS))?;
    let host = match host {
        Host::Domain(name) => name,
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    Ok(MailServer::Smtp { host, port: url.port().unwrap_or(default_port), security })
}

/// User name and password come together, and never go over a line that others can read.
fn account(reading: &mut Reading<'_>, table: &KeyPath, written: &WrittenEmail, server: &MailServer) {
    let without_tls = match server {
        MailServer::Maildir { .. } => Some("a Maildir takes no user name and no password"),
        MailServer::Smtp { security: Security::None, .. } => {
            Some("over smtp:// the password would go in the clear, so this server gets none")
        }
        MailServer::Smtp { security: Security::StartTls | Security::Tls, .. } => None,
    };
    let first = if written.username.is_some() { "username" } else { "password" };
    match (written.username.is_some(), written.password.is_some(), without_tls) {
        (false, false, _) => {}
        (true, _, Some(message)) | (_, true, Some(message)) => {
            let help = "write server = \"smtp+starttls://…\" or \"smtps://…\", or take username and password out";
            reading.problems.add(table.key(first), Mistake::with_help(message, help));
        }
        (true, false, None) => {
            reading.problems.missing(table, "password", "write password = { credential = \"smtp\" }")
        }
        (false, true, None) => {
            reading.problems.missing(table, "username", "write the user name that the password is for")
        }
        (true, true, None) => {}
    }
}
