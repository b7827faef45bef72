//! Clients from TOML, one `[[client]]` record after the other: a file of any size costs the memory of one.
//!
//! The text is cut where a line outside of every string, list and table begins a `[[client]]`; each piece is
//! then parsed by itself, its lines counted on. Deliberately absent: an opinion about anything inside a piece.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::client_record;
use super::clients::{Book, BookError, Origin};
use super::diagnostic::Diagnostic;
use super::document::Document;
use super::locate::is_utf_16;
use super::problem::{KeyPath, Problems};
use super::written::WrittenClients;

/// A record larger than this is no client.
const MOST_RECORD_BYTES: usize = 1024 * 1024;

/// Reads the file number `number` of the book.
pub(super) fn read(file: &Path, number: usize, book: &mut Book<'_>) -> Result<(), BookError> {
    let reader = match File::open(file) {
        Ok(opened) => BufReader::new(opened),
        Err(error) => {
            book.report([Diagnostic::unreadable(file, &error)]);
            return Ok(());
        }
    };
    let mut pieces = Pieces::new(reader);
    let mut clients = 0;
    loop {
        match pieces.next_piece() {
            Ok(Some(piece)) => clients += take_piece(file, number, (&piece, clients), book)?,
            Ok(None) => return Ok(()),
            Err(message) => {
                book.report([Diagnostic::whole_file(file, message, None)]);
                return Ok(());
            }
        }
        if book.is_full() {
            return Ok(());
        }
    }
}

/// Takes the clients of a piece that stands after `before` others, and says how many it holds.
fn take_piece(
    file: &Path,
    number: usize,
    (piece, before): (&Piece, usize),
    book: &mut Book<'_>,
) -> Result<usize, BookError> {
    let one = usize::from(is_record_header(&piece.text));
    let document = match Document::parse_clients(file, &piece.text, piece.first_line, before) {
        Ok(document) => document,
        Err(found) => {
            book.report(found);
            return Ok(one);
        }
    };
    let (written, found) = document.read::<WrittenClients>();
    let is_sound = found.is_empty();
    book.report(found);
    let Some(written) = written.filter(|_| is_sound) else { return Ok(one) };
    let folder = file.parent().unwrap_or(Path::new("."));
    for (index, one) in written.client.iter().enumerate() {
        let table = KeyPath::root().key("client").index(index);
        let mut problems = Problems::default();
        let client = client_record::client(one, &table, folder, book.rules, &mut problems);
        let origin = Origin { file: number, line: document.line_of(&table), table: &table };
        book.take(client, problems, origin, &|problem| document.place(problem))?;
    }
    Ok(written.client.len())
}

/// A part of a file that is TOML by itself: what stands before the first record, or one record.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    first_line: usize,
    text: String,
}

struct Pieces<R> {
    reader: R,
    scan: Scan,
    line_number: usize,
    /// The first line of the next piece, read already.
    held: Option<String>,
}

impl<R: BufRead> Pieces<R> {
    fn new(reader: R) -> Pieces<R> {
        Pieces { reader, scan: Scan::default(), line_number: 0, held: None }
    }

    /// The next piece that holds anything, or `None` at the end.
    fn next_piece(&mut self) -> Result<Option<Piece>, String> {
        let mut piece = match self.held.take() {
            Some(text) => Piece { first_line: self.line_number, text },
            None => Piece { first_line: self.line_number + 1, text: String::new() },
        };
        while let Some(line) = self.next_line()? {
            let begins_record = self.scan.is_between() && is_record_header(&line);
            self.scan.read(&line);
            if begins_record && !piece.text.trim().is_empty() {
                self.held = Some(line);
                return Ok(Some(piece));
            }
            if begins_record {
                piece = Piece { first_line: self.line_number, text: line };
            } else {
                piece.text.push_str(&line);
            }
            if piece.text.len() > MOST_RECORD_BYTES {
                let first = piece.first_line;
                return Err(format!(
                    "the record that begins at line {first} is larger than 1 MiB; write a [[client]] table for each client"
                ));
            }
        }
        Ok(if piece.text.trim().is_empty() { None } else { Some(piece) })
    }

    fn next_line(&mut self) -> Result<Option<String>, String> {
        let mut bytes = Vec::new();
        let most = MOST_RECORD_BYTES as u64 + 1;
        self.reader
            .by_ref()
            .take(most)
            .read_until(b'\n', &mut bytes)
            .map_err(|error| format!("cannot be read: {error}"))?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.line_number += 1;
        if bytes.len() > MOST_RECORD_BYTES {
            return Err(format!("line {} is longer than 1 MiB", self.line_number));
        }
        if self.line_number == 1 && is_utf_16(&bytes) {
            return Err("this is UTF-16 text; save the file as UTF-8".to_owned());
        }
        let mut line = String::from_utf8(bytes).map_err(|_| format!("line {} is not UTF-8 text", self.line_number))?;
        if self.line_number == 1 && line.starts_with('\u{feff}') {
            line.remove(0);
        }
        if line.ends_with("\r\n") {
            line.truncate(line.len() - 2);
            line.push('\n');
        }
        Ok(Some(line))
    }
}

/// `[[client]]`, with white space and quotes as TOML allows them.
fn is_record_header(line: &str) -> bool {
    let Some(inner) = line.trim_start().strip_prefix("[[") else { return false };
    let Some((name, after)) = inner.split_once("]]") else { return false };
    let after = after.trim_start();
    matches!(name.trim(), "client" | "\"client\"" | "'client'") && (after.is_empty() || after.starts_with('#'))
}

/// Where in TOML's syntax a line ends: in a text over several lines, or in brackets.
#[derive(Debug, Default)]
struct Scan {
    text: Option<Quote>,
    depth: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quote {
    Basic,
    Literal,
}

impl Quote {
    fn three(self) -> &'static str {
        match self {
            Quote::Basic => "\"\"\"",
            Quote::Literal => "'''",
        }
    }
}

impl Scan {
    fn is_between(&self) -> bool {
        self.text.is_none() && self.depth == 0
    }

    fn read(&mut self, line: &str) {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            rest = match (self.text, first) {
                (Some(quote), _) => self.inside_text(rest, quote),
                (None, '#') => return,
                (None, '"') => self.open(rest, Quote::Basic),
                (None, '\'') => self.open(rest, Quote::Literal),
                (None, '[' | '{') => {
                    self.depth += 1;
                    &rest[1..]
                }
                (None, ']' | '}') => {
                    self.depth = self.depth.saturating_sub(1);
                    &rest[1..]
                }
                (None, other) => &rest[other.len_utf8()..],
            };
        }
    }

    /// Goes on in a text over several lines; up to two quotes may stand before the closing three.
    fn inside_text<'l>(&mut self, rest: &'l str, quote: Quote) -> &'l str {
        let mut chars = rest.char_indices();
        while let Some((at, c)) = chars.next() {
            if c == '\\' && quote == Quote::Basic {
                chars.next();
            } else if rest[at..].starts_with(quote.three()) {
                self.text = None;
                let mark = &quote.three()[..1];
                let more = rest[at + 3..].bytes().take(2).take_while(|byte| *byte == mark.as_bytes()[0]).count();
                return &rest[at + 3 + more..];
            }
        }
        ""
    }

    fn open<'l>(&mut self, rest: &'l str, quote: Quote) -> &'l str {
        if let Some(after) = rest.strip_prefix(quote.three()) {
            self.text = Some(quote);
            return after;
        }
        let mark = quote.three().chars().next();
        let mut chars = rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            if c == '\\' && quote == Quote::Basic {
                chars.next();
            } else if Some(c) == mark {
                return &rest[at + 1..];
            }
        }
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces_of(text: &str) -> Vec<(usize, String)> {
        let mut pieces = Pieces::new(text.as_bytes());
        let mut all = Vec::new();
        while let Some(piece) = pieces.next_piece().expect("is readable") {
            all.push((piece.first_line, piece.text));
        }
        all
    }

    #[test]
    fn a_file_is_cut_at_its_records() {
        let text = "# ours\n[[client]]\nid = \"a\"\n[client.facts]\nx = \"1\"\n\n [[ \"client\" ]] # b\nid = \"b\"\n";
        assert_eq!(
            pieces_of(text),
            [
                (1, "# ours\n".to_owned()),
                (2, "[[client]]\nid = \"a\"\n[client.facts]\nx = \"1\"\n\n".to_owned()),
                (7, " [[ \"client\" ]] # b\nid = \"b\"\n".to_owned()),
            ]
        );
    }

    #[test]
    fn a_header_inside_a_text_or_list_begins_no_record() {
        for inside in [
            "facts.x = \"\"\"\n[[client]]\n\"\"\"\n",
            "facts.x = '''\n[[client]]\n'''\n",
            "facts.x = \"\"\"\n\\\"\"\"\n[[client]]\n\"\"\"\"\"\n",
            "tags = [\n[[\"client\"]]\n]\n",
            "name = \"it's # [ {\" # \"\"\" [\ntags = [\n# ]\n[[\"client\"]]\n]\n",
        ] {
            let text = format!("[[client]]\n{inside}[[client]]\nid = \"b\"\n");
            assert_eq!(pieces_of(&text).len(), 2, "{text}");
        }
    }

    #[test]
    fn lines_end_as_they_like_and_a_byte_order_mark_is_dropped() {
        let found = pieces_of("\u{feff}[[client]]\r\nid = \"a\"\r\n[[client]]\r\nid = \"b\"");
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].0, 3);
        assert!(found[0].1.starts_with("[[client]]"));
    }

    #[test]
    fn hostile_text_ends_in_a_message() {
        let mut pieces = Pieces::new(&b"[[client]]\nid = \"\xff\"\n"[..]);
        assert_eq!(pieces.next_piece(), Err("line 2 is not UTF-8 text".to_owned()));
        let long = vec![b'a'; MOST_RECORD_BYTES + 10];
        let mut pieces = Pieces::new(long.as_slice());
        assert_eq!(pieces.next_piece(), Err("line 1 is longer than 1 MiB".to_owned()));
    }
}
