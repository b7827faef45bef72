//! What is wrong with an update that someone wrote, and where: for the terminal, the log and a hook's 400.

use std::fmt;
use std::ops::Range;

/// The first fault found in an update. Displays as one clear line, without the file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateError {
    /// Counted from 1. `None` when the fault is of the text as a whole.
    pub line: Option<u32>,
    /// In characters, counted from 1.
    pub column: Option<u32>,
    /// The key at fault with its table, such as `incident.phase`.
    pub key: Option<String>,
    /// What was found, what is allowed, and what to do.
    pub message: String,
    span: Option<Range<usize>>,
}

impl UpdateError {
    /// A fault of the text as a whole, such as its size.
    pub fn whole(message: impl Into<String>) -> UpdateError {
        UpdateError { line: None, column: None, key: None, message: message.into(), span: None }
    }

    /// A fault at the bytes `span` of `text`. A span that does not fit the text is moved to its end.
    pub fn at(text: &str, span: Range<usize>, key: Option<String>, message: impl Into<String>) -> UpdateError {
        let start = character_start(text, span.start);
        let end = character_start(text, span.end).max(start);
        let (line, column) = line_and_column(text, start);
        UpdateError {
            line: Some(line),
            column: Some(column),
            key: key.map(|key| visible(&key)),
            message: visible(&message.into()),
            span: Some(start..end),
        }
    }

    /// The bytes at fault in the text as it was given to `parse`, for a snippet.
    pub fn byte_span(&self) -> Option<Range<usize>> {
        self.span.clone()
    }
}

impl fmt::Display for UpdateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "line {line}, column {column}: ")?;
        }
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for UpdateError {}

/// On one line: what was written may hold anything.
fn visible(words: &str) -> String {
    words.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn character_start(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// Line and column of a byte, both from 1; a byte order mark takes no column.
fn line_and_column(text: &str, offset: usize) -> (u32, u32) {
    let before = &text[..offset];
    let line = before.matches('\n').count() + 1;
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before[line_start..].chars().filter(|c| *c != '\u{feff}').count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}
