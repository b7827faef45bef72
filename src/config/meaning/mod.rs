//! From what is written to what it means: every default and every check between keys, all mistakes collected.
//!
//! One file a part of `candor.toml`. Deliberately absent: the places of mistakes (problems carry paths of keys)
//! and whether a file or server that is named exists: that is the start's and `check --online`'s to find out.

mod brakes;
pub(super) mod components;
mod email;
mod feeds;
mod hooks;
mod operator;
mod sender;
mod webhook;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::problem::{KeyPath, Mistake, Problem, Problems, quoted};
use super::settings::{Deliver, Listen, Settings};
use super::written::WrittenSettings;
use super::{addresses, values};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3_600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// What the parts share while they are read: where relative paths start, and what is wrong so far.
pub(super) struct Reading<'r> {
    pub folder: &'r Path,
    pub problems: Problems,
}

impl Reading<'_> {
    /// The checked value of a key, or the default if it is left out or wrong (then the mistake is noted).
    pub fn or<W: ?Sized, T>(
        &mut self,
        table: &KeyPath,
        name: &str,
        written: Option<&W>,
        default: T,
        check: impl FnOnce(&W) -> Result<T, Mistake>,
    ) -> T {
        self.optional(table, name, written, check).unwrap_or(default)
    }

    /// The checked value of a key that may be left out.
    pub fn optional<W: ?Sized, T>(
        &mut self,
        table: &KeyPath,
        name: &str,
        written: Option<&W>,
        check: impl FnOnce(&W) -> Result<T, Mistake>,
    ) -> Option<T> {
        written.and_then(|written| self.problems.keep(table, name, check(written)))
    }

    /// The checked value of a key that must be there; `help` says what to write.
    pub fn required<W: ?Sized, T>(
        &mut self,
        table: &KeyPath,
        name: &str,
        written: Option<&W>,
        help: &str,
        check: impl FnOnce(&W) -> Result<T, Mistake>,
    ) -> Option<T> {
        if written.is_none() {
            self.problems.missing(table, name, help);
        }
        self.optional(table, name, written, check)
    }

    /// The checked values of a list; those at fault are noted and left out.
    pub fn list<W, T>(
        &mut self,
        table: &KeyPath,
        name: &str,
        written: &[W],
        check: impl Fn(&W) -> Result<T, Mistake>,
    ) -> Vec<T> {
        let mut kept = Vec::with_capacity(written.len());
        for (index, one) in written.iter().enumerate() {
            match check(one) {
                Ok(value) => kept.push(value),
                Err(mistake) => self.problems.add(table.key(name).index(index), mistake),
            }
        }
        kept
    }
}

/// What `written` means. `file` is the configuration's path, `folder` its folder in real, absolute form.
///
/// # Errors
/// Every problem found, in the order of the parts.
pub fn settings(written: &WrittenSettings, file: &Path, folder: &Path) -> Result<Settings, Vec<Problem>> {
    let mut reading = Reading { folder, problems: Problems::default() };
    let root = KeyPath::root();
    let state = state(&mut reading, written);
    let (listen, admin, public_url) = addresses(&mut reading, written);
    let components = components::read(&mut reading, &written.component);
    let feeds = feeds::read(&mut reading, &written.feed, &components);
    let webhook = webhook::read(&mut reading, &written.webhook);
    let settings = Settings {
        file: file.to_owned(),
        state,
        clients: file_path(&mut reading, "clients", written.clients.as_deref(), "clients.toml"),
        playbook: file_path(&mut reading, "playbook", written.playbook.as_deref(), "playbook.toml"),
        templates: file_path(&mut reading, "templates", written.templates.as_deref(), "templates"),
        listen,
        admin,
        public_url,
        retain: reading.or(&root, "retain", written.retain.as_deref(), 400 * DAY, |text| {
            values::duration_in(text, DAY..=3_660 * DAY)
        }),
        deliver: reading.or(&root, "deliver", written.deliver.as_deref(), Deliver::Live, |text| {
            values::word(text, &[("live", Deliver::Live), ("rehearse", Deliver::Rehearse)])
        }),
        sender: sender::read(&mut reading, written.sender.as_ref()),
        hooks: hooks::read(&mut reading, &written.hook, &feeds),
        feeds,
        components,
        email: written.email.as_ref().map(|email| email::read(&mut reading, email)),
        operator: operator::read(&mut reading, &written.operator, &webhook.allow),
        webhook,
        promise: brakes::promise(&mut reading, &written.promise),
        pace: brakes::pace(&mut reading, &written.pace),
        guard: brakes::guard(&mut reading, &written.guard),
    };
    match reading.problems.0 {
        problems if problems.is_empty() => Ok(settings),
        problems => Err(problems),
    }
}

fn file_path(reading: &mut Reading<'_>, name: &str, written: Option<&str>, default: &str) -> PathBuf {
    let folder = reading.folder;
    let default_path = folder.join(default);
    reading.or(&KeyPath::root(), name, written, default_path, |text| values::path(text, folder))
}

fn state(reading: &mut Reading<'_>, written: &WrittenSettings) -> PathBuf {
    let text = written.state.as_deref().unwrap_or("candor.db");
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        let mistake = Mistake::with_help(
            "this build keeps its state in SQLite and cannot use PostgreSQL",
            "write the path of a file, such as \"candor.db\"",
        );
        reading.problems.add(KeyPath::root().key("state"), mistake);
    } else if written.state_password.is_some() {
        let mistake = Mistake::with_help(
            "a state in SQLite has no password",
            "take the key out; this build keeps its state in SQLite",
        );
        reading.problems.add(KeyPath::root().key("state_password"), mistake);
    }
    file_path(reading, "state", Some(text), "candor.db")
}

fn addresses(reading: &mut Reading<'_>, written: &WrittenSettings) -> (Option<Listen>, Option<Listen>, Option<String>) {
    let root = KeyPath::root();
    let folder = reading.folder;
    let listen = reading.optional(&root, "listen", written.listen.as_deref(), |text| listener(text, folder));
    let admin = reading.optional(&root, "admin", written.admin.as_deref(), |text| listener(text, folder));
    if admin.is_some() && admin == listen {
        let mistake = Mistake::with_help(
            "this is the address of `listen` already",
            "write another one, or leave `admin` out: without public_url it is served on `listen`",
        );
        reading.problems.add(root.key("admin"), mistake);
    }
    let public_url = reading.optional(&root, "public_url", written.public_url.as_deref(), public_url);
    if public_url.is_some() && written.listen.is_none() {
        let mistake = Mistake::with_help(
            "public_url says where clients reach `listen`, and there is no `listen`",
            "write listen = \"127.0.0.1:8620\", or take public_url out",
        );
        reading.problems.add(root.key("public_url"), mistake);
    }
    (listen, admin, public_url)
}

fn listener(written: &str, folder: &Path) -> Result<Listen, Mistake> {
    const HELP: &str = "write 127.0.0.1:8620, [::1]:8620 or unix:/run/candor/candor.sock";
    if let Some(socket) = written.strip_prefix("unix:") {
        return values::path(socket, folder).map(Listen::Unix);
    }
    match written.parse::<SocketAddr>() {
        Ok(address) if address.port() == 0 => Err(Mistake::with_help("port 0 is no port to be reached at", HELP)),
        Ok(address) => Ok(Listen::Tcp(address)),
        Err(_) => Err(Mistake::with_help(format!("{} is no address to listen on", quoted(written)), HELP)),
    }
}

fn public_url(written: &str) -> Result<String, Mistake> {
    let url = addresses::web_address(written)?;
    if url.query().is_some() {
        return Err(Mistake::new("the address holds a part after `?`; take it out"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Notes each name that an earlier entry bears already; `names` come with the path of the table.
pub(super) fn unique(problems: &mut Problems, key: &str, list: &str, names: &[Option<String>]) {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (index, name) in names.iter().enumerate() {
        let Some(name) = name.as_deref() else { continue };
        if let Some(first) = seen.get(name) {
            let message = format!("{} is the {key} of {list}[{first}] already", quoted(name));
            problems.add(KeyPath::root().key(list).index(index).key(key), Mistake::new(message));
        } else {
            seen.insert(name, index);
        }
    }
}

/// The nearest known name for one that is not known.
pub(super) fn unknown_name(what: &str, written: &str, known: &[&str]) -> Mistake {
    let shown = if known.is_empty() { format!("no {what} is configured") } else { format!("known: {}", few(known)) };
    let message = match super::problem::nearest(written, known.iter().copied()) {
        Some(near) => format!("no {what} is called {}; did you mean `{near}`?", quoted(written)),
        None => format!("no {what} is called {}", quoted(written)),
    };
    Mistake::with_help(message, shown)
}

fn few(known: &[&str]) -> String {
    const MOST: usize = 12;
    let shown = known.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
    if known.len() > MOST { format!("{shown}, and {} more", known.len() - MOST) } else { shown }
}
