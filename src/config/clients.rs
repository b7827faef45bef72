//! The client book as files: a `.toml` or `.csv` file or a folder of them, read record by record.
//!
//! A book of 100,000 clients is never in memory as a whole: only the ids are kept, to find one that comes
//! twice. Deliberately absent: the store that the clients go into, and change detection (`fingerprint.rs`).

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::diagnostic::Diagnostic;
use super::fact_check::FactCheck;
use super::meaning::unknown_name;
use super::problem::{KeyPath, Mistake, Problem, Problems, quoted};
use super::settings::Settings;
use super::warnings::unusable_signing_secret;
use super::{clients_csv, clients_toml};
use crate::domain::client::{Channel, Client, SecretRef};
use crate::domain::counted::counted;
use crate::domain::playbook::Entry;

/// Mistakes reported at once; a book with more is named "and more".
pub const MOST_DIAGNOSTICS: usize = 50;

/// What clients are checked against: the components, the networks that webhooks may reach, and the facts that
/// playbook entries use.
pub struct ClientRules {
    /// Folded ids and names, each with the id.
    components: HashMap<String, String>,
    ids: Vec<String>,
    pub allow: Vec<(IpAddr, u8)>,
    facts: FactCheck,
    secrets: Secrets,
}

/// Whether the secrets that clients name are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Secrets {
    LeftAlone,
    Tried,
}

impl ClientRules {
    /// The rules of `settings`. With the playbook's `entries` a client that lacks a fact which an entry meant
    /// for him uses is refused; pass none to leave that to another time.
    pub fn new(settings: &Settings, entries: &[Entry]) -> ClientRules {
        let mut components = HashMap::new();
        for one in &settings.components {
            components.insert(one.name.to_lowercase(), one.id.clone());
        }
        for one in &settings.components {
            components.insert(one.id.to_lowercase(), one.id.clone());
        }
        ClientRules {
            components,
            ids: settings.components.iter().map(|one| one.id.clone()).collect(),
            allow: settings.webhook.allow.clone(),
            facts: FactCheck::new(&settings.playbook, entries),
            secrets: Secrets::LeftAlone,
        }
    }

    /// The same, and a secret that this user cannot use is warned of.
    pub fn with_secrets_tried(self) -> ClientRules {
        ClientRules { secrets: Secrets::Tried, ..self }
    }

    /// The id of the component that a client calls by its id or name.
    pub fn component(&self, written: &str) -> Result<String, Mistake> {
        if let Some(id) = self.components.get(&written.trim().to_lowercase()) {
            return Ok(id.clone());
        }
        if self.ids.is_empty() {
            // Without any [[component]] each name of the sources stands for itself.
            return Ok(written.trim().to_lowercase());
        }
        if written.contains([',', ';', '|']) {
            let help = "name one component in each place: [\"payments\", \"search\"], in CSV payments|search";
            return Err(Mistake::with_help(format!("no component is called {}", quoted(written)), help));
        }
        let known: Vec<&str> = self.ids.iter().map(String::as_str).collect();
        Err(unknown_name("component", written, &known))
    }
}

/// What a book holds, counted while it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BookSummary {
    pub files: Vec<PathBuf>,
    pub clients: u64,
    pub emails: u64,
    pub webhooks: u64,
    /// Webhooks whose secret is made from `[webhook] key`.
    pub webhooks_without_secret: u64,
    /// Clients who are told nothing because they name no priorities.
    pub without_priorities: u64,
    /// Clients who cannot be told anything because they have no contact.
    pub without_contacts: u64,
    /// Secrets written in plain.
    pub plain_secrets: u64,
    /// Secrets that this user cannot use, if they were tried.
    pub unusable_secrets: u64,
    /// One warning for each of the first clients counted above, with its place.
    pub warnings: Vec<Diagnostic>,
}

/// Why a book was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The files are at fault; all places found, at most [`MOST_DIAGNOSTICS`].
    #[error("{} in the client files, the first: {}", counted(.0.len(), "mistake", "mistakes"), .0.first().map(ToString::to_string).unwrap_or_default())]
    Faulty(Vec<Diagnostic>),
    /// Whoever takes the clients could not.
    #[error("a client could not be taken in")]
    Sink(#[source] anyhow::Error),
}

/// Gives each client of the file or folder at `path` to `sink`, in no certain order. The sink has to be ready
/// to throw away what it got: a mistake may stand in the last line. After the first mistake nothing more is
/// given to it, and reading goes on to find others. A path that does not exist is an empty book.
///
/// # Errors
/// [`BookError::Faulty`] with every mistake found, or the sink's own error.
pub fn for_each_client(
    path: &Path,
    rules: &ClientRules,
    sink: &mut dyn FnMut(Client) -> anyhow::Result<()>,
) -> Result<BookSummary, BookError> {
    let files = files(path).map_err(BookError::Faulty)?;
    let mut book =
        Book { rules, sink, files: &files, ids: HashMap::new(), summary: BookSummary::default(), found: Vec::new() };
    for (number, file) in files.iter().enumerate() {
        if book.is_full() {
            break;
        }
        if has_extension(file, "csv") {
            clients_csv::read(file, number, &mut book)?;
        } else {
            clients_toml::read(file, number, &mut book)?;
        }
    }
    let (mut summary, found) = (book.summary, book.found);
    if !found.is_empty() {
        return Err(BookError::Faulty(found));
    }
    summary.files = files;
    Ok(summary)
}

/// The client files at `path`, in the order of their names: the file itself, or what lies in the folder and
/// ends in `.toml` or `.csv`. Names that begin with a dot are passed over; folders in the folder too. Nothing
/// there: no files.
///
/// # Errors
/// The file or folder cannot be read, or the file is of another kind.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, Vec<Diagnostic>> {
    let cannot_read = |error: std::io::Error| vec![Diagnostic::unreadable(path, &error)];
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot_read(error)),
    };
    if !metadata.is_dir() {
        if is_client_file(path) {
            return Ok(vec![path.to_owned()]);
        }
        let help = "name a file that ends in .toml or .csv, or a folder of them";
        return Err(vec![Diagnostic::whole_file(
            path,
            "clients cannot be read from such a file",
            Some(help.to_owned()),
        )]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(cannot_read)? {
        let file = entry.map_err(cannot_read)?.path();
        let is_hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && is_client_file(&file) && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn is_client_file(path: &Path) -> bool {
    has_extension(path, "toml") || has_extension(path, "csv")
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

/// The book while it is read: shared by the readers of both forms.
pub(super) struct Book<'b> {
    pub rules: &'b ClientRules,
    sink: &'b mut dyn FnMut(Client) -> anyhow::Result<()>,
    files: &'b [PathBuf],
    /// Every id with the number of its file and its line.
    ids: HashMap<Box<str>, (usize, usize)>,
    summary: BookSummary,
    found: Vec<Diagnostic>,
}

impl Book<'_> {
    pub fn is_full(&self) -> bool {
        self.found.len() >= MOST_DIAGNOSTICS
    }

    pub fn report(&mut self, found: impl IntoIterator<Item = Diagnostic>) {
        let room = MOST_DIAGNOSTICS.saturating_sub(self.found.len());
        self.found.extend(found.into_iter().take(room));
    }

    /// Takes a client that was read at `line` of file number `file` under the key path `table`; `place` turns a
    /// problem into a diagnostic.
    pub fn take(
        &mut self,
        client: Client,
        mut problems: Problems,
        origin: Origin<'_>,
        place: &dyn Fn(Problem) -> Diagnostic,
    ) -> Result<(), BookError> {
        let Origin { file, line, table } = origin;
        if !client.id.is_empty() {
            if let Some((file, line)) = self.ids.get(client.id.as_str()) {
                let first = self.files.get(*file).map(|file| file.display().to_string()).unwrap_or_default();
                let message = format!("the client {} is in {first}:{line} already", quoted(&client.id));
                let help = "each client has one entry in the whole book; give this one another id, or take it out";
                problems.add(table.key("id"), Mistake::with_help(message, help));
            } else {
                self.ids.insert(client.id.as_str().into(), (file, line));
            }
        }
        for fault in self.rules.facts.faults(&client) {
            problems.add(table.key("facts"), fault);
        }
        if !problems.0.is_empty() {
            self.report(problems.0.into_iter().map(place));
            return Ok(());
        }
        self.count(&client, table, place);
        if self.found.is_empty() { (self.sink)(client).map_err(BookError::Sink) } else { Ok(()) }
    }

    fn count(&mut self, client: &Client, table: &KeyPath, place: &dyn Fn(Problem) -> Diagnostic) {
        let summary = &mut self.summary;
        summary.clients += 1;
        for contact in &client.contacts {
            match contact.channel {
                Channel::Email => summary.emails += 1,
                Channel::Webhook => {
                    summary.webhooks += 1;
                    summary.webhooks_without_secret += u64::from(contact.secret.is_none());
                }
            }
            summary.plain_secrets += u64::from(matches!(contact.secret, Some(SecretRef::Plain(_))));
        }
        if self.rules.secrets == Secrets::Tried {
            try_secrets(summary, client, table, place);
        }
        let mut warn = |key: &str, message: &str, help: &str| {
            if summary.warnings.len() < MOST_DIAGNOSTICS {
                let message = format!("the client {} {message}", quoted(&client.id));
                let problem = Problem { path: table.key(key), mistake: Mistake::with_help(message, help) };
                summary.warnings.push(place(problem).as_warning());
            }
        };
        if client.priorities.is_empty() {
            summary.without_priorities += 1;
            warn("priorities", "names no priorities and is told nothing", "write the components, or [\"*\"] for all");
        }
        if client.contacts.is_empty() {
            summary.without_contacts += 1;
            warn(
                "contact",
                "has no contact and cannot be told anything",
                "write a [[client.contact]] with email or webhook, or a cell in one of these columns",
            );
        }
    }
}

fn try_secrets(summary: &mut BookSummary, client: &Client, table: &KeyPath, place: &dyn Fn(Problem) -> Diagnostic) {
    for (index, contact) in client.contacts.iter().enumerate() {
        let Some(mistake) = contact.secret.as_ref().and_then(unusable_signing_secret) else { continue };
        summary.unusable_secrets += 1;
        if summary.warnings.len() < MOST_DIAGNOSTICS {
            let path = table.key("contact").index(index).key("secret");
            summary.warnings.push(place(Problem { path, mistake }).as_warning());
        }
    }
}

/// Where a client was read: the number of its file, its line, and its path of keys.
pub(super) struct Origin<'o> {
    pub file: usize,
    pub line: usize,
    pub table: &'o KeyPath,
}
