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

use super::client_record;
use super::diagnostic::{Cause, Diagnostic, Excerpt, Severity};
use super::excerpt::{self, Showing};
use super::problem::{KeyPath, Mistake, Problem, Spot, Step};
use super::shape::{mistake_of_shape, not_toml};

/// Mistakes of shape that are reported at once; a file with more is likely to be another kind of file.
const MOST_SHAPE_MISTAKES: usize = 20;

/// A parsed TOML text, or a part of one that begins at `first_line` of its file.
pub struct Document<'t> {
    file: &'t Path,
    text: &'t str,
    part: Part,
    showing: Showing,
    table: Spanned<DeTable<'t>>,
}

/// Which part of its file a text is.
#[derive(Debug, Clone, Copy)]
struct Part {
    first_line: usize,
    /// For a piece of a client file: how many clients stand before it.
    clients_before: Option<usize>,
}

const WHOLE: Part = Part { first_line: 1, clients_before: None };

impl<'t> Document<'t> {
    /// Parses the whole of `file`.
    ///
    /// # Errors
    /// Every place where the text is not TOML, as far as the parser can go on after the first.
    pub fn parse(file: &'t Path, text: &'t str) -> Result<Document<'t>, Vec<Diagnostic>> {
        Document::parsed(file, text, WHOLE, Showing::Masked)
    }

    /// The same for a file that holds neither addresses of clients nor secrets: mistakes show its lines as they are.
    pub fn parse_public(file: &'t Path, text: &'t str) -> Result<Document<'t>, Vec<Diagnostic>> {
        Document::parsed(file, text, WHOLE, Showing::AsWritten)
    }

    /// A piece of a client file that begins at line `first_line` (from 1), after so many clients. Keys name a
    /// client by its id where it has one.
    pub fn parse_clients(
        file: &'t Path,
        text: &'t str,
        first_line: usize,
        clients_before: usize,
    ) -> Result<Document<'t>, Vec<Diagnostic>> {
        let part = Part { first_line, clients_before: Some(clients_before) };
        Document::parsed(file, text, part, Showing::Masked)
    }

    fn parsed(file: &'t Path, text: &'t str, part: Part, showing: Showing) -> Result<Document<'t>, Vec<Diagnostic>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let document = Document { file, text, part, showing, table };
        if errors.is_empty() {
            return Ok(document);
        }
        Err(document.syntax_faults(&errors))
    }

    /// Each fault once: of the rest of its line and the line below the parser only guesses.
    fn syntax_faults(&self, errors: &[toml::de::Error]) -> Vec<Diagnostic> {
        let all = errors.iter().take(MOST_SHAPE_MISTAKES).map(|error| {
            let span = error.span().unwrap_or(0..0);
            let start = self.text.floor_char_boundary(span.start);
            let begin = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
            let line = self.text[begin..].lines().next().unwrap_or_default();
            self.diagnostic(span, &KeyPath::root(), not_toml(error.message(), line, &self.text[start..]))
        });
        let mut all: Vec<Diagnostic> = all.collect();
        all.sort_by_key(|one| (one.line, one.column));
        let mut kept: Vec<Diagnostic> = Vec::new();
        let mut last_line = 0;
        for one in all {
            let follows = one.line <= last_line + 1;
            last_line = one.line;
            if kept.is_empty() || !follows {
                kept.push(one);
            }
        }
        kept
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
            found.push(self.diagnostic(span, &path, mistake_of_shape(inner.message(), &path)));
            if !leave_out(table.get_mut(), &path) {
                return (None, found);
            }
        }
        (None, found)
    }

    /// The problem at its place: at the value, or for a missing key at the table that lacks it.
    pub fn place(&self, problem: Problem) -> Diagnostic {
        let value = self.place_of(&problem.path).unwrap_or(0..0);
        let span = self.spot_in(value, &problem.mistake.spot);
        self.diagnostic(span, &self.as_written(problem.path), problem.mistake)
    }

    /// The part of a value that is at fault; the value itself where it is written so that the part is not found.
    fn spot_in(&self, value: Range<usize>, spot: &Spot) -> Range<usize> {
        let Some(text) = self.text.get(value.clone()) else { return value };
        match spot {
            Spot::Whole => value,
            Spot::Word(word) => match text.find(word.as_str()) {
                Some(at) => value.start + at..value.start + at + word.len(),
                None => value,
            },
            Spot::Line(number) => {
                // A line break right after the opening quotes is no part of the text (TOML 1.0, strings).
                let opening = text.len() - text.trim_start_matches(['"', '\'']).len();
                let begins_below = text[opening..].starts_with(['\n', '\r']);
                let skipped = number - 1 + usize::from(begins_below);
                let before: usize = text.split_inclusive('\n').take(skipped).map(str::len).sum();
                let line = text[before..].lines().next().unwrap_or_default();
                let indent = line.len() - line.trim_start().len();
                if skipped == 0 || line.trim().is_empty() {
                    return value;
                }
                value.start + before + indent..value.start + before + line.trim_end().len()
            }
        }
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

    /// The path as it is shown: a client by its id, or counted in its file.
    fn shown(&self, path: &KeyPath) -> String {
        let (Some(before), [Step::Key(list), Step::Index(index), inner @ ..]) =
            (self.part.clients_before, path.0.as_slice())
        else {
            return path.to_string();
        };
        let id = self.value_at(&path.0[..2]).and_then(|client| client.get_ref().get("id"));
        let id = id.and_then(|id| id.get_ref().as_str()).filter(|id| client_record::is_id(id));
        let name = id.map_or_else(|| (before + index).to_string(), str::to_owned);
        let dot = if inner.is_empty() { "" } else { "." };
        format!("{list}[{name}]{dot}{}", KeyPath(inner.to_vec()))
    }

    /// A contact's webhook counts as a secret, whatever it looks like; where our own servers are is none.
    fn showing_of(&self, path: &KeyPath) -> Showing {
        let has =
            |wanted: &dyn Fn(&str) -> bool| path.0.iter().any(|step| matches!(step, Step::Key(name) if wanted(name)));
        let last = path.last_key().unwrap_or_default();
        if has(&excerpt::is_secret_key) || (last == "webhook" && has(&|name| name == "contact")) {
            Showing::Nothing
        } else if self.part.clients_before.is_none() && matches!(last, "server" | "url" | "public_url") {
            Showing::WithoutLogin
        } else {
            self.showing
        }
    }

    fn diagnostic(&self, span: Range<usize>, path: &KeyPath, mistake: Mistake) -> Diagnostic {
        let (line, column) = self.line_and_column(span.start);
        let showing = self.showing_of(path);
        Diagnostic {
            severity: Severity::Error,
            file: self.file.to_owned(),
            line,
            column,
            key: self.shown(path),
            message: mistake.message,
            help: mistake.help,
            excerpt: Some(Excerpt::of(self.text, span, showing)),
            cause: Cause::Content,
        }
    }

    fn line_and_column(&self, at: usize) -> (usize, usize) {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let before = &self.text[..at];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (self.part.first_line + before.matches('\n').count(), before[line_start..].chars().count() + 1)
    }
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
        let found = match Document::parse(file, text) {
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
                "x.toml:3:9: inner[0].count: a text stands here, where a whole number is expected (write count = 50, without quotes)",
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
        let document = Document::parse_clients(Path::new("x.toml"), text, 11, 0).expect("is TOML");
        let path = KeyPath::root().key("inner").index(0).key("count");
        let found = document.place(Problem { path, mistake: Mistake::new("missing") });
        assert_eq!((found.line, found.column), (13, 1));
    }
}
