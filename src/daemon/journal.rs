//! The log under systemd: one entry an event, in the journal's own fields.
//!
//! `journalctl -u candor` shows nothing but `MESSAGE`, so that holds the whole line, as people read it on a
//! terminal; each part is a field beside it (`journalctl CANDOR_FEED=platform`). The bytes are those of systemd's
//! "Native Journal Protocol" (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>). Deliberately absent: spans (candor
//! makes none) and entries too large for a datagram, which are cut.

use std::fmt::{Debug, Write as _};
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

const SOCKET: &str = "/run/systemd/journal/socket";
/// A longer value is cut: a datagram takes about 200 KiB, and no line of ours comes near this.
const LONGEST_VALUE: usize = 16 * 1024;
/// How long the journal may take over one entry.
const PATIENCE: Duration = Duration::from_millis(100);

/// Sends every event to the journal.
#[derive(Debug)]
pub struct Journal {
    socket: UnixDatagram,
}

impl Journal {
    /// # Errors
    /// There is no journal on this machine, or it does not answer.
    pub fn connect() -> io::Result<Journal> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(SOCKET)?;
        // A journal that hangs must not hang us: what it does not take in time is lost.
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Journal { socket })
    }
}

/// Whether standard error goes into the journal: systemd names its socket by device and inode. The name alone is
/// not enough, since a terminal that systemd has started hands it on to every command typed there.
pub fn takes_standard_error() -> bool {
    let Some(named) = std::env::var_os("JOURNAL_STREAM") else { return false };
    let stream = io::stderr().as_fd().try_clone_to_owned().and_then(|stream| File::from(stream).metadata());
    stream.is_ok_and(|stream| named.to_str() == Some(&format!("{}:{}", stream.dev(), stream.ino())))
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        let metadata = event.metadata();
        let mut entry = line.entry(*metadata.level());
        put(&mut entry, "TARGET", metadata.target());
        put(&mut entry, "CODE_FILE", metadata.file().unwrap_or_default());
        put(&mut entry, "CODE_LINE", &metadata.line().unwrap_or_default().to_string());
        // There is no other place to say that the log cannot be written.
        let _ = self.socket.send(&entry);
    }
}

/// The parts of one event.
#[derive(Debug, Default)]
struct Line {
    message: String,
    parts: Vec<(&'static str, String)>,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.part(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.part(field, value.to_owned());
    }
}

impl Line {
    fn part(&mut self, field: &Field, mut value: String) {
        if value.len() > LONGEST_VALUE {
            value.truncate(value.floor_char_boundary(LONGEST_VALUE));
            value.push('…');
        }
        match field.name() {
            "message" => self.message = value,
            name => self.parts.push((name, value)),
        }
    }

    /// The datagram: the whole line first, then what `journalctl` selects by.
    fn entry(&self, level: Level) -> Vec<u8> {
        let mut whole = self.message.clone();
        for (name, value) in &self.parts {
            let _ = write!(whole, " {name}={value}");
        }
        let mut entry = Vec::with_capacity(512);
        put(&mut entry, "MESSAGE", &whole);
        put(&mut entry, "PRIORITY", priority(level));
        put(&mut entry, "SYSLOG_IDENTIFIER", "candor");
        put(&mut entry, "CANDOR_MESSAGE", &self.message);
        for (name, value) in &self.parts {
            put(&mut entry, &field_name(name), value);
        }
        entry
    }
}

/// The levels of syslog(3).
fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        Level::DEBUG | Level::TRACE => "7",
    }
}

/// The journal takes capitals, digits and underscores, 64 at most.
fn field_name(name: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    std::iter::once("CANDOR_").flat_map(str::chars).chain(name.chars().map(allowed)).take(64).collect()
}

/// A field with its length before it, so that a value may hold line ends.
fn put(entry: &mut Vec<u8>, name: &str, value: &str) {
    entry.extend_from_slice(name.as_bytes());
    entry.push(b'\n');
    entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
    entry.extend_from_slice(value.as_bytes());
    entry.push(b'\n');
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// What journald makes of a datagram.
    fn fields(mut entry: &[u8]) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        while !entry.is_empty() {
            let end = entry.iter().position(|byte| *byte == b'\n').unwrap();
            let name = String::from_utf8(entry[..end].to_vec()).unwrap();
            let (length, rest) = entry[end + 1..].split_at(8);
            let length = usize::try_from(u64::from_le_bytes(length.try_into().unwrap())).unwrap();
            assert_eq!(rest[length], b'\n');
            fields.push((name, String::from_utf8(rest[..length].to_vec()).unwrap()));
            entry = &rest[length + 1..];
        }
        fields
    }

    fn sent(event: impl FnOnce()) -> Vec<(String, String)> {
        let (ours, journald) = UnixDatagram::pair().unwrap();
        let subscriber = tracing_subscriber::registry().with(Journal { socket: ours });
        tracing::subscriber::with_default(subscriber, event);
        let mut datagram = vec![0; 256 * 1024];
        let length = journald.recv(&mut datagram).unwrap();
        fields(&datagram[..length])
    }

    #[test]
    fn an_entry_is_a_whole_line_and_every_part_of_it() {
        let fields = sent(|| {
            let cause = "line 3\nis no TOML";
            tracing::error!(feed = "platform", cause = %cause, tries = 2, r#final = true, "cannot be read");
        });
        let expected = [
            ("MESSAGE", "cannot be read feed=platform cause=line 3\nis no TOML tries=2 final=true"),
            ("PRIORITY", "3"),
            ("SYSLOG_IDENTIFIER", "candor"),
            ("CANDOR_MESSAGE", "cannot be read"),
            ("CANDOR_FEED", "platform"),
            ("CANDOR_CAUSE", "line 3\nis no TOML"),
            ("CANDOR_TRIES", "2"),
            ("CANDOR_FINAL", "true"),
            ("TARGET", "candor::daemon::journal::tests"),
            ("CODE_FILE", file!()),
        ];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(fields[..expected.len()], expected);
    }

    #[test]
    fn a_value_that_is_too_long_is_cut_where_a_letter_ends() {
        let fields = sent(|| tracing::info!(cause = "é".repeat(LONGEST_VALUE), "long"));
        let (_, cause) = fields.iter().find(|(name, _)| name == "CANDOR_CAUSE").unwrap();
        assert!(cause.ends_with("é…") && cause.len() <= LONGEST_VALUE + '…'.len_utf8());
    }
}
