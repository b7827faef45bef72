//! Clients from CSV (RFC 4180): one row a contact, lists with `|`, `,` or `;` between cells as the header has it.
//!
//! The file is read twice: first the ids are counted, so that the rows of a client may stand apart; then each
//! client is given on with its last row. Deliberately absent: excerpts of rows, which are full of addresses.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use csv::{ReaderBuilder, StringRecord};

use super::client_record;
use super::clients::{Book, BookError, Origin};
use super::diagnostic::{Diagnostic, Severity};
use super::document::unknown_key;
use super::problem::{KeyPath, Mistake, Problem, Problems, Step, quoted};
use super::written::{WrittenClient, WrittenContact, WrittenSecret};
use crate::domain::client::SecretRef;

const COLUMNS: [&str; 11] = [
    "id",
    "name",
    "timezone",
    "locale",
    "priorities",
    "min_impact",
    "owner",
    "tags",
    "email",
    "webhook",
    "webhook_secret",
];
const FACT: &str = "fact.";

/// Clients whose rows stand apart and whose last row is still to come. More means that the file is in no order
/// of clients at all; sorted by id it needs one.
const MOST_OPEN: usize = 20_000;

const MOST_ROW_BYTES: usize = 1024 * 1024;

/// Reads the file number `number` of the book.
pub(super) fn read(file: &Path, number: usize, book: &mut Book<'_>) -> Result<(), BookError> {
    let columns = match header(file) {
        Ok(columns) => columns,
        Err(found) => {
            book.report(found);
            return Ok(());
        }
    };
    let rows_of = match count_rows(file, &columns) {
        Ok(rows_of) => rows_of,
        Err(found) => {
            book.report(found);
            return Ok(());
        }
    };
    Reading { file, number, columns, rows_of, open: HashMap::new() }.read(book)
}

/// What stands in each column, and the character between them.
struct Columns {
    delimiter: u8,
    names: Vec<String>,
    id: usize,
}

impl Columns {
    fn cell<'r>(&self, row: &'r StringRecord, name: &str) -> Option<&'r str> {
        let at = self.names.iter().position(|column| column == name)?;
        row.get(at).map(str::trim).filter(|cell| !cell.is_empty())
    }
}

fn cannot_read(file: &Path, error: std::io::Error) -> Vec<Diagnostic> {
    vec![Diagnostic::whole_file(file, format!("cannot be read: {error}"), None)]
}

fn open(file: &Path) -> Result<BufReader<File>, Vec<Diagnostic>> {
    File::open(file).map(BufReader::new).map_err(|error| cannot_read(file, error))
}

fn diagnostic(file: &Path, line: u64, column: usize, key: &str, mistake: Mistake) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        file: file.to_owned(),
        line: usize::try_from(line).unwrap_or(usize::MAX),
        column,
        key: key.to_owned(),
        message: mistake.message,
        help: mistake.help,
        excerpt: None,
    }
}

fn header(file: &Path) -> Result<Columns, Vec<Diagnostic>> {
    let mut first = Vec::new();
    let reader = open(file)?;
    let most = MOST_ROW_BYTES as u64;
    reader.take(most).read_until(b'\n', &mut first).map_err(|error| cannot_read(file, error))?;
    let text = String::from_utf8(first)
        .map_err(|_| vec![diagnostic(file, 1, 1, "", Mistake::new("the header line is not UTF-8 text"))])?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).trim_end();
    let delimiter = if text.contains(';') && !text.contains(',') { b';' } else { b',' };
    let mut row = StringRecord::new();
    let mut parser = ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(text.as_bytes());
    let is_read = parser.read_record(&mut row).unwrap_or(false);
    if !is_read {
        let help = format!("begin with a line of column names: {}", COLUMNS.join(","));
        return Err(vec![diagnostic(file, 1, 1, "", Mistake::with_help("the header line is missing", help))]);
    }
    let names: Vec<String> = row.iter().map(|name| name.trim().to_owned()).collect();
    check_columns(file, &names)?;
    let id = names.iter().position(|name| name == "id").unwrap_or_default();
    Ok(Columns { delimiter, names, id })
}

fn check_columns(file: &Path, names: &[String]) -> Result<(), Vec<Diagnostic>> {
    let mut found = Vec::new();
    let mut column = 1;
    for (index, name) in names.iter().enumerate() {
        let is_fact = name.strip_prefix(FACT).is_some_and(client_record::is_variable);
        if !is_fact && !COLUMNS.contains(&name.as_str()) {
            let mut known = COLUMNS.to_vec();
            known.push("fact.NAME");
            let mut mistake = unknown_key(name, &known);
            mistake.message = mistake.message.replacen("the key", "the column", 1);
            found.push(diagnostic(file, 1, column, name, mistake));
        } else if names[..index].contains(name) {
            found.push(diagnostic(
                file,
                1,
                column,
                name,
                Mistake::new(format!("the column {} comes twice", quoted(name))),
            ));
        }
        column += name.chars().count() + 1;
    }
    if !names.iter().any(|name| name == "id") && found.is_empty() {
        found.push(diagnostic(
            file,
            1,
            1,
            "id",
            Mistake::with_help("the column `id` is missing", "write it into the header line"),
        ));
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn rows(file: &Path, columns: &Columns) -> Result<csv::Reader<BufReader<File>>, Vec<Diagnostic>> {
    Ok(ReaderBuilder::new().delimiter(columns.delimiter).flexible(false).from_reader(open(file)?))
}

fn next_row(
    file: &Path,
    reader: &mut csv::Reader<BufReader<File>>,
    row: &mut StringRecord,
) -> Result<bool, Vec<Diagnostic>> {
    let line_before = reader.position().line();
    reader.read_record(row).map_err(|error| {
        let line = error.position().map_or(line_before, csv::Position::line);
        let message = match error.kind() {
            csv::ErrorKind::Io(error) => format!("cannot be read: {error}"),
            csv::ErrorKind::Utf8 { .. } => "the row is not UTF-8 text".to_owned(),
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("the row has {len} cells, the header line {expected_len}")
            }
            _ => "the row cannot be read".to_owned(),
        };
        vec![diagnostic(file, line, 1, "", Mistake::new(message))]
    })
}

/// How many rows each id has.
fn count_rows(file: &Path, columns: &Columns) -> Result<HashMap<Box<str>, u32>, Vec<Diagnostic>> {
    let mut reader = rows(file, columns)?;
    let mut row = StringRecord::new();
    let mut rows_of: HashMap<Box<str>, u32> = HashMap::new();
    while next_row(file, &mut reader, &mut row)? {
        let id = row.get(columns.id).unwrap_or_default().trim();
        match rows_of.get_mut(id) {
            Some(count) => *count += 1,
            None => {
                rows_of.insert(id.into(), 1);
            }
        }
    }
    Ok(rows_of)
}

struct Reading<'f> {
    file: &'f Path,
    number: usize,
    columns: Columns,
    rows_of: HashMap<Box<str>, u32>,
    open: HashMap<Box<str>, Open>,
}

/// A client some of whose rows have been read.
struct Open {
    written: WrittenClient,
    first_line: u64,
    /// The line of each contact.
    contact_lines: Vec<u64>,
    rows_left: u32,
}

impl Reading<'_> {
    fn read(mut self, book: &mut Book<'_>) -> Result<(), BookError> {
        let mut reader = match rows(self.file, &self.columns) {
            Ok(reader) => reader,
            Err(found) => {
                book.report(found);
                return Ok(());
            }
        };
        let mut row = StringRecord::new();
        loop {
            match next_row(self.file, &mut reader, &mut row) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(found) => {
                    book.report(found);
                    return Ok(());
                }
            }
            let line = row.position().map_or(0, csv::Position::line);
            self.take_row(&row, line, book)?;
            if book.is_full() {
                return Ok(());
            }
            if self.open.len() > MOST_OPEN {
                let mistake = Mistake::with_help(
                    format!("the rows of more than {MOST_OPEN} clients stand apart from each other"),
                    "sort the file by id",
                );
                book.report([diagnostic(self.file, line, 1, "id", mistake)]);
                return Ok(());
            }
        }
    }

    fn take_row(&mut self, row: &StringRecord, line: u64, book: &mut Book<'_>) -> Result<(), BookError> {
        let id: Box<str> = row.get(self.columns.id).unwrap_or_default().trim().into();
        if id.is_empty() {
            book.report([diagnostic(self.file, line, 1, "id", Mistake::new("the row has no id"))]);
            return Ok(());
        }
        let written = match self.written(row) {
            Ok(written) => written,
            Err((column, mistake)) => {
                book.report([self.at(line, column, mistake)]);
                WrittenClient { id: Some(id.to_string()), ..WrittenClient::default() }
            }
        };
        let contacts = written.contact.len();
        let rows_left = self.rows_of.get(&id).copied().unwrap_or(1);
        let mut client = match self.open.remove(&id) {
            Some(mut earlier) => {
                book.report(self.differences(&earlier, &written, line));
                earlier.written.contact.extend(written.contact);
                earlier
            }
            None => Open { written, first_line: line, contact_lines: Vec::new(), rows_left },
        };
        client.contact_lines.extend(std::iter::repeat_n(line, contacts));
        client.rows_left -= 1;
        if client.rows_left == 0 {
            return self.finish(&client, book);
        }
        self.open.insert(id, client);
        Ok(())
    }

    fn finish(&self, client: &Open, book: &mut Book<'_>) -> Result<(), BookError> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let mut problems = Problems::default();
        let table = KeyPath::root();
        let meant = client_record::client(&client.written, &table, folder, book.rules, &mut problems);
        let line = usize::try_from(client.first_line).unwrap_or(usize::MAX);
        let origin = Origin { file: self.number, line, table: &table };
        book.take(meant, problems, origin, &|problem| self.place(client, problem))
    }

    /// A problem at its row and column: those of a contact at the contact's row.
    fn place(&self, client: &Open, problem: Problem) -> Diagnostic {
        match problem.path.0.as_slice() {
            [Step::Key(contact), Step::Index(index), rest @ ..] if contact == "contact" => {
                let line = client.contact_lines.get(*index).copied().unwrap_or(client.first_line);
                let column = match rest.first() {
                    Some(Step::Key(key)) if key == "secret" => "webhook_secret",
                    Some(Step::Key(key)) if key == "email" => "email",
                    Some(_) | None => "webhook",
                };
                self.at(line, column, problem.mistake)
            }
            [Step::Key(facts), Step::Key(name)] if facts == "facts" => {
                self.at(client.first_line, &format!("{FACT}{name}"), problem.mistake)
            }
            [Step::Key(key), ..] => self.at(client.first_line, key, problem.mistake),
            [Step::Index(_), ..] | [] => self.at(client.first_line, "id", problem.mistake),
        }
    }

    /// CSV has no columns of characters worth naming: a cell is known by its row and its column's name, and
    /// `column` counts cells.
    fn at(&self, line: u64, column: &str, mistake: Mistake) -> Diagnostic {
        let at = self.columns.names.iter().position(|name| name == column).unwrap_or(self.columns.id);
        diagnostic(self.file, line, at + 1, column, mistake)
    }

    /// Every cell of a further row that says something else than the client's first one.
    fn differences(&self, earlier: &Open, later: &WrittenClient, line: u64) -> Vec<Diagnostic> {
        let first = &earlier.written;
        let cells = [
            ("name", first.name != later.name),
            ("timezone", first.timezone != later.timezone),
            ("locale", first.locale != later.locale),
            ("priorities", first.priorities != later.priorities),
            ("min_impact", first.min_impact != later.min_impact),
            ("owner", first.owner != later.owner),
            ("tags", first.tags != later.tags),
        ];
        let different = cells.into_iter().filter(|(_, differs)| *differs).map(|(column, _)| column.to_owned());
        let facts = self.columns.names.iter().filter_map(|column| column.strip_prefix(FACT));
        let facts =
            facts.filter(|name| first.facts.get(*name) != later.facts.get(*name)).map(|name| format!("{FACT}{name}"));
        let id = first.id.as_deref().unwrap_or_default();
        let mistakes = different.chain(facts).map(|column| {
            let message = format!("the client {} has another {column} than in line {}", quoted(id), earlier.first_line);
            let help = "further rows of a client are further contacts; all other cells are the same in each";
            self.at(line, &column, Mistake::with_help(message, help))
        });
        mistakes.collect()
    }

    fn written(&self, row: &StringRecord) -> Result<WrittenClient, (&'static str, Mistake)> {
        let cell = |name: &str| self.columns.cell(row, name);
        let text = |name: &str| cell(name).map(str::to_owned);
        let facts = self.columns.names.iter().zip(row).filter_map(|(column, cell)| {
            let name = column.strip_prefix(FACT)?;
            let cell = cell.trim();
            if cell.is_empty() { None } else { Some((name.to_owned(), cell.to_owned())) }
        });
        let mut contact = Vec::new();
        if let Some(email) = text("email") {
            contact.push(WrittenContact { email: Some(email), ..WrittenContact::default() });
        }
        let secret = cell("webhook_secret").map(|cell| WrittenSecret(secret_of(cell)));
        match (text("webhook"), secret) {
            (Some(webhook), secret) => {
                contact.push(WrittenContact { webhook: Some(webhook), secret, ..WrittenContact::default() });
            }
            (None, Some(_)) => {
                return Err(("webhook_secret", Mistake::new("the row has a webhook_secret and no webhook")));
            }
            (None, None) => {}
        }
        Ok(WrittenClient {
            id: text("id"),
            name: text("name"),
            timezone: text("timezone"),
            locale: text("locale"),
            priorities: list_of(cell("priorities")),
            min_impact: text("min_impact"),
            maintenance: None,
            owner: text("owner"),
            tags: list_of(cell("tags")),
            facts: facts.collect(),
            contact,
        })
    }
}

fn list_of(cell: Option<&str>) -> Vec<String> {
    let parts = cell.into_iter().flat_map(|cell| cell.split('|'));
    parts.map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// `credential:NAME`, `file:PATH`, `env:NAME`, or the secret itself.
fn secret_of(cell: &str) -> SecretRef {
    match cell.split_once(':') {
        Some(("credential", name)) => SecretRef::Credential(name.to_owned()),
        Some(("file", path)) => SecretRef::File(path.into()),
        Some(("env", name)) => SecretRef::Env(name.to_owned()),
        Some(_) | None => SecretRef::Plain(cell.to_owned()),
    }
}
