//! The header line of a CSV file of clients: what stands in each column, and the character between them.
//!
//! Deliberately absent: the rows below it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::client_record;
use super::csv_rows::{Cell, Fault, Rows};
use super::diagnostic::{Cause, Diagnostic, Severity};
use super::problem::{Mistake, quoted};
use super::shape::unknown_key;

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
/// What the name of a fact's column begins with.
pub(super) const FACT: &str = "fact.";

/// What stands in each column, and the character between them.
pub(super) struct Columns {
    pub delimiter: char,
    pub names: Vec<String>,
    pub id: usize,
}

impl Columns {
    /// The cell of a column, if the row has anything in it.
    pub fn cell<'r>(&self, row: &'r [Cell], name: &str) -> Option<&'r str> {
        let at = self.names.iter().position(|column| column == name)?;
        row.get(at).map(|cell| cell.text.trim()).filter(|cell| !cell.is_empty())
    }
}

/// Reads the header line.
///
/// # Errors
/// Every column that is not right.
pub(super) fn header(file: &Path) -> Result<Columns, Vec<Diagnostic>> {
    let delimiter = delimiter(file)?;
    let mut rows = Rows::new(open(file)?);
    rows.delimiter = delimiter;
    let cells = rows.next_row().map_err(|fault| vec![at_fault(file, fault)])?.unwrap_or_default();
    if cells.iter().all(|cell| cell.text.trim().is_empty()) {
        let help = format!("begin with a line of column names: {}", COLUMNS.join(","));
        return Err(vec![diagnostic(file, (1, 1), "", Mistake::with_help("the header line is missing", help))]);
    }
    check_columns(file, &cells)?;
    let names: Vec<String> = cells.iter().map(|cell| cell.text.trim().to_owned()).collect();
    let id = names.iter().position(|name| name == "id").unwrap_or_default();
    Ok(Columns { delimiter, names, id })
}

/// What stands between the cells: the first `,` or `;` of the first line, which no column's name holds.
fn delimiter(file: &Path) -> Result<char, Vec<Diagnostic>> {
    const MOST_HEADER_BYTES: u64 = 64 * 1024;
    let mut first = Vec::new();
    let read = open(file)?.take(MOST_HEADER_BYTES).read_until(b'\n', &mut first);
    read.map_err(|error| vec![Diagnostic::unreadable(file, &error)])?;
    Ok(if first.iter().find(|byte| matches!(byte, b',' | b';')) == Some(&b';') { ';' } else { ',' })
}

fn check_columns(file: &Path, cells: &[Cell]) -> Result<(), Vec<Diagnostic>> {
    let mut found = Vec::new();
    for (index, cell) in cells.iter().enumerate() {
        let name = cell.text.trim();
        let is_fact = name.strip_prefix(FACT).is_some_and(client_record::is_variable);
        let twice = || cells[..index].iter().any(|earlier| earlier.text.trim() == name);
        let mistake = if name.contains('\t') {
            Mistake::with_help("tabs stand between the columns", "write `,` or `;` between them")
        } else if !is_fact && !COLUMNS.contains(&name) {
            unknown_column(name)
        } else if twice() {
            Mistake::with_help(format!("the column {} comes twice", quoted(name)), "take one of the two out")
        } else {
            continue;
        };
        found.push(diagnostic(file, (cell.line, cell.column), name.split('\t').next().unwrap_or_default(), mistake));
    }
    if found.is_empty() && !cells.iter().any(|cell| cell.text.trim() == "id") {
        let mistake = Mistake::with_help("the column `id` is missing", "write it into the header line");
        found.push(diagnostic(file, (1, 1), "id", mistake));
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn unknown_column(name: &str) -> Mistake {
    if name.is_empty() {
        return Mistake::with_help("the column has no name", "name it, or take it out with its cells");
    }
    let mut known = COLUMNS.to_vec();
    known.push("fact.NAME");
    let mut mistake = unknown_key(name, &known);
    mistake.message = mistake.message.replacen("the key", "the column", 1);
    mistake
}

/// Opens the file for reading.
pub(super) fn open(file: &Path) -> Result<BufReader<File>, Vec<Diagnostic>> {
    let opened = File::open(file).map(BufReader::new);
    opened.map_err(|error| vec![Diagnostic::unreadable(file, &error)])
}

/// A mistake at a line and column of the file.
pub(super) fn diagnostic(file: &Path, (line, column): (usize, usize), key: &str, mistake: Mistake) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        file: file.to_owned(),
        line,
        column,
        key: key.to_owned(),
        message: mistake.message,
        help: mistake.help,
        excerpt: None,
        cause: Cause::Content,
    }
}

/// A row that cannot be read.
pub(super) fn at_fault(file: &Path, fault: Fault) -> Diagnostic {
    diagnostic(file, (fault.line, fault.column), "", fault.mistake)
}
