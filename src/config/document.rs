//! A TOML text with the place of every key: what [`written`](super::written) is read from, and what turns a
//! [`Problem`] into a [`Diagnostic`].
//!
//! Deliberately absent: what any key means.

use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Excerpt, Severity};
use super::problem::{KeyPath, Mistake, Problem, Step, nearest, quoted};

/// Mistakes of shape that are reported at once; a file with more is likely to be another kind of file.
const MOST_SHAPE_MISTAKES: usize = 20;

/// A parsed TOML text, or a part of one that begins at `first_line` of its file.
pub struct Document<'t> {
    file: &'t Path,
    text: &'t str,
    first_line: usize,
    table: Spanned<DeTable<'t>>,
}

impl<'t> Document<'t> {
    /// Parses `text`, which begins at line `first_line` (from 1) of `file`.
    ///
    /// # Errors
    /// Every place where the text is not TOML, as far as the parser can go on after the first.
    pub fn parse(file: &'t Path, text: &'t str, first_line: usize) -> Result<Document<'t>, Vec<Diagnostic>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let document = Document { file, text, first_line, table };
        if errors.is_empty() {
            return Ok(document);
        }
        let found = errors.iter().take(MOST_SHAPE_MISTAKES).map(|error| {
            let span = error.span().unwrap_or(0..0);
            document.diagnostic(span, "", not_toml(error.message()))
        });
        Err(found.collect())
    }

    /// Reads the document as `T`. Each key at fault is noted and left out, then the rest is read again, so
    /// that a user sees all mistakes of shape at once; `T` is what could be read.
    pub fn read<T: DeserializeOwned>(&self) -> (Option<T>, Vec<Diagnostic>) {
        let mut table = self.table.clone();
        let mut found = Vec::new();
        while found.len() < MOST_SHAPE_MISTAKES {
            let error = match serde_path_to_error::deserialize(toml::Deserializer::from(table.clone())) {
                Ok(value) => return (Some(value), found),
                Err(error) => error,
            };
            let path = path_of(error.path());
            let inner = error.into_inner();
            let span = inner.span().or_else(|| self.place_of(&path)).unwrap_or(0..0);
            found.push(self.diagnostic(span, &path.to_string(), mistake_of_shape(inner.message(), &path)));
            if !leave_out(table.get_mut(), &path) {
                return (None, found);
            }
        }
        (None, found)
    }

    /// The problem at its place: at the value, or for a missing key at the table that lacks it.
    pub fn place(&self, problem: Problem) -> Diagnostic {
        let span = self.place_of(&problem.path).unwrap_or(0..0);
        self.diagnostic(span, &self.as_written(problem.path).to_string(), problem.mistake)
    }

    /// The line, counted in the file, of the value that `path` leads to.
    pub fn line_of(&self, path: &KeyPath) -> usize {
        self.line_and_column(self.place_of(path).map_or(0, |span| span.start)).0
    }

    /// The path without the index of a list's only element where a single value stands in its stead.
    fn as_written(&self, mut path: KeyPath) -> KeyPath {
        if let Some((Step::Index(_), whole)) = path.0.split_last()
            && self.value_at(whole).is_some_and(|value| !value.get_ref().is_array())
        {
            path.0.pop();
        }
        path
    }

    /// The place of the value, or of the last table or list on the way that there is.
    fn place_of(&self, path: &KeyPath) -> Option<Range<usize>> {
        let longest = (1..=path.0.len()).rev();
        longest.filter_map(|length| self.value_at(&path.0[..length])).map(Spanned::span).next()
    }

    fn value_at(&self, steps: &[Step]) -> Option<&Spanned<DeValue<'t>>> {
        let (Step::Key(first), rest) = steps.split_first()? else { return None };
        rest.iter().try_fold(self.table.get_ref().get(first.as_str())?, |value, step| match (step, value.get_ref()) {
            (Step::Key(name), DeValue::Table(table)) => table.get(name.as_str()),
            (Step::Index(index), DeValue::Array(array)) => array.get(*index),
            _ => None,
        })
    }

    fn diagnostic(&self, span: Range<usize>, key: &str, mistake: Mistake) -> Diagnostic {
        let (line, column) = self.line_and_column(span.start);
        Diagnostic {
            severity: Severity::Error,
            file: self.file.to_owned(),
            line,
            column,
            key: key.to_owned(),
            message: mistake.message,
            help: mistake.help,
            excerpt: Some(Excerpt::of(self.text, span)),
        }
    }

    fn line_and_column(&self, at: usize) -> (usize, usize) {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let before = &self.text[..at];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (self.first_line + before.matches('\n').count(), before[line_start..].chars().count() + 1)
    }
}

fn not_toml(message: &str) -> Mistake {
    let help = "texts stand in quotes (key = \"…\"), lists in brackets, each key once in its table";
    Mistake::with_help(format!("this is not TOML: {message}"), help)
}

fn path_of(path: &serde_path_to_error::Path) -> KeyPath {
    let steps = path.iter().filter_map(|segment| match segment {
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    KeyPath(steps.collect())
}

/// Removes the innermost key on the path, so that reading can go on without it.
fn leave_out(table: &mut DeTable<'_>, path: &KeyPath) -> bool {
    let Some(last) = path.0.iter().rposition(|step| matches!(step, Step::Key(_))) else { return false };
    let Step::Key(name) = &path.0[last] else { return false };
    match parent_table(table, &path.0[..last]) {
        Some(parent) => parent.remove(name.as_str()).is_some(),
        None => false,
    }
}

fn parent_table<'a, 't>(table: &'a mut DeTable<'t>, steps: &[Step]) -> Option<&'a mut DeTable<'t>> {
    let Some((Step::Key(first), rest)) = steps.split_first() else { return Some(table) };
    let mut value = table.get_mut(first.as_str())?.get_mut();
    for step in rest {
        value = match (step, value) {
            (Step::Key(name), DeValue::Table(inner)) => inner.get_mut(name.as_str())?.get_mut(),
            (Step::Index(index), DeValue::Array(array)) => array.get_mut(*index)?.get_mut(),
            _ => return None,
        };
    }
    match value {
        DeValue::Table(inner) => Some(inner),
        _ => None,
    }
}

/// The parser's words in ours. What was found is named by its type, never by its value: it may be a secret.
fn mistake_of_shape(message: &str, path: &KeyPath) -> Mistake {
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let written = rest.split('`').next().unwrap_or_default();
        let known: Vec<&str> = rest.split('`').skip(2).step_by(2).collect();
        return unknown_key(written, &known);
    }
    for prefix in ["invalid type: ", "invalid value: "] {
        let Some((found, expected)) = message.strip_prefix(prefix).and_then(|rest| rest.rsplit_once(", expected "))
        else {
            continue;
        };
        let found = found.split([' ', '`', '"']).next().unwrap_or("something else");
        let found = match found {
            "map" => "table",
            "sequence" => "list",
            "integer" => "whole number",
            "string" => "text",
            other => other,
        };
        let expected = match expected {
            "a sequence" => "a list",
            "a map" => "a table",
            "a string" => "a text in quotes",
            "i64" | "u64" | "u32" | "usize" => "a whole number",
            other if other.starts_with("struct ") => "a table",
            other => other,
        };
        return Mistake::new(format!("a {found} stands here, where {expected} is expected"));
    }
    let what = if path.0.is_empty() { "the file" } else { "the value" };
    Mistake::new(format!("{what} is not right: {message}"))
}

/// An unknown key or column, with the nearest known one.
pub fn unknown_key(written: &str, known: &[&str]) -> Mistake {
    let message = match nearest(written, known.iter().copied()) {
        Some(near) => format!("the key {} is unknown; the nearest known one is `{near}`", quoted(written)),
        None => format!("the key {} is unknown here", quoted(written)),
    };
    Mistake::with_help(message, format!("known here: {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, Default)]
    #[serde(default, deny_unknown_fields)]
    struct Outer {
        name: Option<String>,
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize, Default)]
    #[serde(default, deny_unknown_fields)]
    struct Inner {
        every: Option<String>,
        count: Option<i64>,
    }

    fn found_in(text: &str) -> Vec<String> {
        let file = Path::new("x.toml");
        let found = match Document::parse(file, text, 1) {
            Ok(document) => document.read::<Outer>().1,
            Err(found) => found,
        };
        found.iter().map(|diagnostic| format!("{diagnostic}")).collect()
    }

    #[test]
    fn all_mistakes_of_shape_are_found_at_once_with_their_places() {
        let found = found_in("nmae = \"x\"\n[[inner]]\ncount = \"secret\"\n[[inner]]\n  evry = 5\n");
        assert_eq!(
            found,
            [
                "x.toml:3:9: inner[0].count: a text stands here, where a whole number is expected",
                "x.toml:5:3: inner[1].evry: the key \"evry\" is unknown; the nearest known one is `every` (known here: every, count)",
                "x.toml:1:1: nmae: the key \"nmae\" is unknown; the nearest known one is `name` (known here: name, inner)",
            ]
        );
    }

    #[test]
    fn a_text_that_is_not_toml_is_refused_with_its_place() {
        let found = found_in("name = \"x\"\nthis is no toml\n");
        assert!(found[0].starts_with("x.toml:2:"), "{found:?}");
    }

    #[test]
    fn a_missing_key_is_placed_at_its_table() {
        let text = "a = 1\n\n[[inner]]\nevery = \"1s\"\n";
        let document = Document::parse(Path::new("x.toml"), text, 11).expect("is TOML");
        let path = KeyPath::root().key("inner").index(0).key("count");
        let found = document.place(Problem { path, mistake: Mistake::new("missing") });
        assert_eq!((found.line, found.column), (13, 1));
    }
}
