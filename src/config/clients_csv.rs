//! Clients from CSV (RFC 4180): one row a contact, lists with `|`, `,` or `;` between cells as the header has it.
//!
//! The file is read twice: first the ids are counted, so that the rows of a client may stand apart; then each
//! client is given on with its last row. Deliberately absent: excerpts of rows, which are full of addresses.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::rc::Rc;

use super::client_record;
use super::clients::{Book, BookError, Origin};
use super::csv_header::{Columns, FACT, at_fault, diagnostic, header, open};
use super::csv_rows::{Cell, GoesOn, Rows};
use super::diagnostic::Diagnostic;
use super::problem::{KeyPath, Mistake, Problem, Problems, Step, quoted};
use super::written::{WrittenClient, WrittenContact, WrittenSecret};
use crate::domain::client::SecretRef;

/// Clients whose rows stand apart and whose last row is still to come. More means that the file is in no order
/// of clients at all; sorted by id it needs one.
const MOST_OPEN: usize = 20_000;

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

/// The rows below the header.
fn rows(file: &Path, columns: &Columns) -> Result<Rows<BufReader<File>>, Vec<Diagnostic>> {
    let mut rows = Rows::new(open(file)?);
    rows.delimiter = columns.delimiter;
    rows.next_row().map_err(|fault| vec![at_fault(file, fault)])?;
    Ok(rows)
}

/// How many rows each id has. What is wrong with a row is said when it is read for good.
fn count_rows(file: &Path, columns: &Columns) -> Result<HashMap<Box<str>, u32>, Vec<Diagnostic>> {
    let mut rows = rows(file, columns)?;
    let mut rows_of: HashMap<Box<str>, u32> = HashMap::new();
    loop {
        let row = match rows.next_row() {
            Ok(Some(row)) if row.len() == columns.names.len() => row,
            Ok(Some(_)) => continue,
            Ok(None) => return Ok(rows_of),
            Err(fault) if fault.goes_on == GoesOn::NextRow => continue,
            Err(_) => return Ok(rows_of),
        };
        let id = row.get(columns.id).map_or("", |cell| cell.text.trim());
        match rows_of.get_mut(id) {
            Some(count) => *count += 1,
            None => {
                rows_of.insert(id.into(), 1);
            }
        }
    }
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
    first_row: Rc<[Cell]>,
    /// The row of each contact.
    contact_rows: Vec<Rc<[Cell]>>,
    rows_left: u32,
}

impl Open {
    fn line(&self) -> usize {
        self.first_row.first().map_or(0, |cell| cell.line)
    }
}

impl Reading<'_> {
    fn read(mut self, book: &mut Book<'_>) -> Result<(), BookError> {
        let mut rows = match rows(self.file, &self.columns) {
            Ok(rows) => rows,
            Err(found) => {
                book.report(found);
                return Ok(());
            }
        };
        while !book.is_full() {
            match rows.next_row() {
                Ok(None) => return Ok(()),
                Ok(Some(row)) => self.take_row(row.into(), book)?,
                Err(fault) => {
                    let goes_on = fault.goes_on;
                    book.report([at_fault(self.file, fault)]);
                    if goes_on == GoesOn::No {
                        return Ok(());
                    }
                }
            }
            if self.open.len() > MOST_OPEN {
                let mistake = Mistake::with_help(
                    format!("the rows of more than {MOST_OPEN} clients stand apart from each other"),
                    "sort the file by id",
                );
                book.report([Diagnostic::whole_file(self.file, mistake.message, mistake.help)]);
                return Ok(());
            }
        }
        Ok(())
    }

    fn take_row(&mut self, row: Rc<[Cell]>, book: &mut Book<'_>) -> Result<(), BookError> {
        if let Some(found) = self.wrong_length(&row) {
            book.report([found]);
            return Ok(());
        }
        let id: Box<str> = row[self.columns.id].text.trim().into();
        if id.is_empty() {
            let mistake = Mistake::with_help("the row has no id", "write the client's id, or take the row out");
            book.report([self.at(&row, "id", mistake)]);
            return Ok(());
        }
        let written = match self.written(&row) {
            Ok(written) => written,
            Err((column, mistake)) => {
                book.report([self.at(&row, column, mistake)]);
                WrittenClient { id: Some(id.to_string()), ..WrittenClient::default() }
            }
        };
        let contacts = written.contact.len();
        let rows_left = self.rows_of.get(&id).copied().unwrap_or(1);
        let mut client = match self.open.remove(&id) {
            Some(mut earlier) => {
                book.report(self.differences(&earlier, &written, &row));
                earlier.written.contact.extend(written.contact);
                earlier
            }
            None => Open { written, first_row: row.clone(), contact_rows: Vec::new(), rows_left },
        };
        client.contact_rows.extend(std::iter::repeat_n(row, contacts));
        client.rows_left = client.rows_left.saturating_sub(1);
        if client.rows_left == 0 {
            return self.finish(&client, book);
        }
        self.open.insert(id, client);
        Ok(())
    }

    fn wrong_length(&self, row: &[Cell]) -> Option<Diagnostic> {
        let (found, expected) = (row.len(), self.columns.names.len());
        let (place, help) = match found.cmp(&expected) {
            std::cmp::Ordering::Equal => return None,
            std::cmp::Ordering::Less if row.iter().any(|cell| cell.text.contains(self.other_delimiter())) => {
                let (wanted, found) = (self.columns.delimiter, self.other_delimiter());
                (row.first(), format!("write `{wanted}` between cells, as the header line does, not `{found}`"))
            }
            std::cmp::Ordering::Less => {
                let names = self.columns.names[found..].join(", ");
                (row.first(), format!("write a cell for each column, an empty one too; missing: {names}"))
            }
            std::cmp::Ordering::Greater => {
                let delimiter = self.columns.delimiter;
                (row.get(expected), format!("put a cell that holds `{delimiter}` in quotes, or take the cell out"))
            }
        };
        let place = place.map_or((0, 0), |cell| (cell.line, cell.column));
        let message = format!("the row has {found} cells, the header line {expected}");
        Some(diagnostic(self.file, place, "", Mistake::with_help(message, help)))
    }

    fn other_delimiter(&self) -> char {
        if self.columns.delimiter == ',' { ';' } else { ',' }
    }

    fn finish(&self, client: &Open, book: &mut Book<'_>) -> Result<(), BookError> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let mut problems = Problems::default();
        let table = KeyPath::root();
        let meant = client_record::client(&client.written, &table, folder, book.rules, &mut problems);
        let origin = Origin { file: self.number, line: client.line(), table: &table };
        book.take(meant, problems, origin, &|problem| self.place(client, problem))
    }

    /// A problem at its cell: those of a contact in the contact's row.
    fn place(&self, client: &Open, problem: Problem) -> Diagnostic {
        match problem.path.0.as_slice() {
            [Step::Key(contact), Step::Index(index), rest @ ..] if contact == "contact" => {
                let row = client.contact_rows.get(*index).unwrap_or(&client.first_row);
                let column = match rest.first() {
                    Some(Step::Key(key)) if key == "secret" => "webhook_secret",
                    Some(Step::Key(key)) if key == "email" => "email",
                    Some(_) | None => "webhook",
                };
                self.at(row, column, problem.mistake)
            }
            [Step::Key(facts), Step::Key(name)] if facts == "facts" => {
                self.at(&client.first_row, &format!("{FACT}{name}"), problem.mistake)
            }
            [Step::Key(key), ..] => self.at(&client.first_row, key, problem.mistake),
            [Step::Index(_), ..] | [] => self.at(&client.first_row, "id", problem.mistake),
        }
    }

    /// At the cell of that column, or at the row's id where the header has no such column.
    fn at(&self, row: &[Cell], column: &str, mistake: Mistake) -> Diagnostic {
        let at = self.columns.names.iter().position(|name| name == column).unwrap_or(self.columns.id);
        let place = row.get(at).map_or((0, 0), |cell| (cell.line, cell.column));
        diagnostic(self.file, place, column, mistake)
    }

    /// Every cell of a further row that says something else than the client's first one. An empty one says nothing.
    fn differences(&self, earlier: &Open, later: &WrittenClient, row: &[Cell]) -> Vec<Diagnostic> {
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
        let says = |column: &String| self.columns.cell(row, column).is_some();
        let mistakes = different.chain(facts).filter(says).map(|column| {
            let (here, there) = (self.shown(row, &column), self.shown(&earlier.first_row, &column));
            let (line, first_line) = (row.first().map_or(0, |cell| cell.line), earlier.line());
            let message = format!(
                "the client {} has {here} as its {column} in line {line}, and {there} in line {first_line}",
                quoted(id)
            );
            let help = "further rows of a client are further contacts; all other cells are empty or the same in each";
            self.at(row, &column, Mistake::with_help(message, help))
        });
        mistakes.collect()
    }

    /// A cell for a message. The owner's holds an address.
    fn shown(&self, row: &[Cell], column: &str) -> String {
        match self.columns.cell(row, column) {
            Some(_) if column == "owner" => "another".to_owned(),
            Some(cell) => quoted(cell),
            None => "nothing".to_owned(),
        }
    }

    fn written(&self, row: &[Cell]) -> Result<WrittenClient, (&'static str, Mistake)> {
        let cell = |name: &str| self.columns.cell(row, name);
        let text = |name: &str| cell(name).map(str::to_owned);
        let facts = self.columns.names.iter().zip(row).filter_map(|(column, cell)| {
            let name = column.strip_prefix(FACT)?;
            let cell = cell.text.trim();
            if cell.is_empty() { None } else { Some((name.to_owned(), cell.replace("\r\n", "\n"))) }
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
