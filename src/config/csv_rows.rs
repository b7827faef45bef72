//! Rows of a CSV file (RFC 4180), each cell with the place at which it begins.
//!
//! A reader of our own because a person who mends a cell needs its line and column, and because what is no CSV has
//! to be refused: csv-core takes anything, and on top of it, tried, this file came out as long.
//! Deliberately absent: what the cells mean.

use std::io::{BufRead, Read as _};

use super::locate::is_utf_16;
use super::problem::Mistake;

/// A longer row is no client.
const MOST_ROW_BYTES: usize = 1024 * 1024;

/// One cell, without its quotes. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub text: String,
    pub line: usize,
    pub column: usize,
}

/// Why a row cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// 0: the file as a whole.
    pub line: usize,
    pub column: usize,
    pub mistake: Mistake,
    pub goes_on: GoesOn,
}

/// Whether the rows after a fault can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoesOn {
    NextRow,
    No,
}

/// The rows of a file, one after the other. Lines without any character are passed over.
pub struct Rows<R> {
    reader: R,
    /// As the header line shows; `,` until it is set.
    pub delimiter: char,
    line: usize,
}

impl<R: BufRead> Rows<R> {
    pub fn new(reader: R) -> Rows<R> {
        Rows { reader, delimiter: ',', line: 0 }
    }

    /// The cells of the next row, or `None` at the end.
    ///
    /// # Errors
    /// Quotes that do not fit, a row that is too long or no UTF-8 text, or the file cannot be read on.
    pub fn next_row(&mut self) -> Result<Option<Vec<Cell>>, Fault> {
        loop {
            let Some(text) = self.next_line()? else { return Ok(None) };
            if !text.trim_end_matches(['\n', '\r']).is_empty() {
                return self.row(text).map(Some);
            }
        }
    }

    /// Parses the row that begins with `text`, reading on where a quoted cell does.
    fn row(&mut self, mut text: String) -> Result<Vec<Cell>, Fault> {
        let first_line = self.line;
        let mut cells = Vec::new();
        let mut at = Place { byte: 0, line: first_line, column: 1 };
        loop {
            let begin = at;
            let cell = if text[at.byte..].starts_with('"') {
                self.quoted(&mut text, &mut at)?
            } else {
                self.bare(&text, &mut at)?
            };
            cells.push(Cell { text: cell, line: begin.line, column: begin.column });
            let rest = &text[at.byte..];
            if rest.trim_end_matches(['\n', '\r']).is_empty() {
                return Ok(cells);
            }
            if !rest.starts_with(self.delimiter) {
                let help = "end each line with a line feed, alone or after a carriage return";
                return Err(at.fault(Mistake::with_help("a carriage return stands inside the line", help)));
            }
            at.step(self.delimiter);
        }
    }

    fn bare(&self, text: &str, at: &mut Place) -> Result<String, Fault> {
        let rest = &text[at.byte..];
        let cell = &rest[..rest.find([self.delimiter, '\n', '\r']).unwrap_or(rest.len())];
        for c in cell.chars() {
            if c == '"' {
                let help = "put the whole cell in quotes, and write a quote inside it twice";
                return Err(
                    at.fault(Mistake::with_help("a quote stands inside a cell that does not begin with one", help))
                );
            }
            at.step(c);
        }
        Ok(cell.to_owned())
    }

    /// A cell in quotes, from its first quote; ends behind its last.
    fn quoted(&mut self, text: &mut String, at: &mut Place) -> Result<String, Fault> {
        let begin = *at;
        let mut cell = String::new();
        at.step('"');
        loop {
            let Some(c) = text[at.byte..].chars().next() else {
                self.read_on(text, begin)?;
                continue;
            };
            at.step(c);
            if c != '"' {
                cell.push(c);
            } else if text[at.byte..].starts_with('"') {
                cell.push('"');
                at.step('"');
            } else {
                break;
            }
        }
        let rest = &text[at.byte..];
        if rest.trim_end_matches(['\n', '\r']).is_empty() || rest.starts_with(self.delimiter) {
            return Ok(cell);
        }
        let help = "a cell in quotes ends with its quote; write a quote inside it twice";
        Err(at.fault(Mistake::with_help("something stands between the end of a quoted cell and the next cell", help)))
    }

    /// Adds the next line to a row one of whose cells is not closed yet.
    fn read_on(&mut self, text: &mut String, begin: Place) -> Result<(), Fault> {
        let more = match self.next_line()? {
            Some(more) if text.len() + more.len() <= MOST_ROW_BYTES => more,
            Some(_) | None => {
                let help = "close it, or write a quote inside it twice";
                let mistake = Mistake::with_help("the quote that opens this cell is never closed", help);
                return Err(Fault { goes_on: GoesOn::No, ..begin.fault(mistake) });
            }
        };
        text.push_str(&more);
        Ok(())
    }

    fn next_line(&mut self) -> Result<Option<String>, Fault> {
        let whole = |line: usize, message: String, help: &str, goes_on: GoesOn| {
            let mistake = if help.is_empty() { Mistake::new(message) } else { Mistake::with_help(message, help) };
            Fault { line, column: 1, mistake, goes_on }
        };
        let mut bytes = Vec::new();
        let most = MOST_ROW_BYTES as u64 + 1;
        let read = self.reader.by_ref().take(most).read_until(b'\n', &mut bytes);
        read.map_err(|error| whole(0, format!("cannot be read: {error}"), "", GoesOn::No))?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        if bytes.len() > MOST_ROW_BYTES {
            let message = "the line is longer than 1 MiB".to_owned();
            return Err(whole(self.line, message, "write a row for each contact", GoesOn::No));
        }
        if self.line == 1 && is_utf_16(&bytes) {
            return Err(whole(0, "this is UTF-16 text".to_owned(), "save the file as UTF-8", GoesOn::No));
        }
        let mut line = String::from_utf8(bytes).map_err(|_| {
            whole(self.line, "the line is not UTF-8 text".to_owned(), "save the file as UTF-8", GoesOn::NextRow)
        })?;
        if self.line == 1 && line.starts_with('\u{feff}') {
            line.remove(0);
        }
        Ok(Some(line))
    }
}

/// Where the reading of a row stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    byte: usize,
    line: usize,
    column: usize,
}

impl Place {
    fn step(&mut self, c: char) {
        self.byte += c.len_utf8();
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
    }

    fn fault(self, mistake: Mistake) -> Fault {
        Fault { line: self.line, column: self.column, mistake, goes_on: GoesOn::NextRow }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows with `/` between them, each cell as `line:column text`.
    fn check(text: &str, delimiter: char, expected: &str) {
        let mut rows = Rows::new(text.as_bytes());
        rows.delimiter = delimiter;
        let mut shown = Vec::new();
        loop {
            match rows.next_row() {
                Ok(None) => break,
                Ok(Some(row)) => {
                    let cells = row.iter().map(|cell| format!("{}:{} {}", cell.line, cell.column, cell.text));
                    shown.push(cells.collect::<Vec<_>>().join(", "));
                }
                Err(fault) => {
                    shown.push(format!("{}:{} ! {}", fault.line, fault.column, fault.mistake.message));
                    if fault.goes_on == GoesOn::No {
                        break;
                    }
                }
            }
        }
        assert_eq!(shown.join(" / "), expected, "{text:?}");
    }

    #[test]
    fn every_cell_knows_where_it_begins() {
        check("a,b\nc,d\n", ',', "1:1 a, 1:3 b / 2:1 c, 2:3 d");
        check("\u{feff}a;b\r\n;ä;d", ';', "1:1 a, 1:3 b / 2:1 , 2:2 ä, 2:4 d");
        check("\"a,\"\"b\"\"\",c\n", ',', "1:1 a,\"b\", 1:11 c");
        check("a,\"b\r\nc\",d\n\ne", ',', "1:1 a, 1:3 b\r\nc, 2:4 d / 4:1 e");
        check("a,\n,\n", ',', "1:1 a, 1:3  / 2:1 , 2:2 ");
        check("", ',', "");
    }

    #[test]
    fn quotes_that_do_not_fit_are_named_at_their_place() {
        check("a,b\"c\nd", ',', "1:4 ! a quote stands inside a cell that does not begin with one / 2:1 d");
        check("\"a\"b,c\nd", ',', "1:4 ! something stands between the end of a quoted cell and the next cell / 2:1 d");
        check("a,b\rc,d\re", ',', "1:4 ! a carriage return stands inside the line");
        check("a,b\nc,\"d\ne", ',', "1:1 a, 1:3 b / 2:3 ! the quote that opens this cell is never closed");
    }

    #[test]
    fn hostile_bytes_end_in_a_message() {
        let mut rows = Rows::new(&b"a\n\xff\xfe\nb"[..]);
        assert!(rows.next_row().is_ok());
        assert_eq!(rows.next_row().expect_err("is no text").line, 2);
        assert_eq!(rows.next_row().expect("goes on").expect("is there")[0].line, 3);
        let long = vec![b'a'; MOST_ROW_BYTES + 10];
        assert_eq!(Rows::new(long.as_slice()).next_row().expect_err("is too long").goes_on, GoesOn::No);
    }
}
