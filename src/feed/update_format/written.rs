//! An update as it was written: keys and values with the bytes they stand at, the same for TOML and JSON.
//!
//! Deliberately absent: what the keys mean (`update_format.rs`).

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use toml::de::{DeTable, DeValue};

use super::error::UpdateError;

/// One key with its value.
#[derive(Debug)]
pub struct Entry {
    pub key: String,
    pub key_span: Range<usize>,
    pub value: Found,
}

/// A value and where it stands.
#[derive(Debug)]
pub struct Found {
    pub span: Range<usize>,
    pub kind: Kind,
}

/// The kinds of value that some key takes; every other kind only by its name.
#[derive(Debug)]
pub enum Kind {
    Text(String),
    List(Vec<Found>),
    Table(Vec<Entry>),
    /// A TOML date, time or date with time.
    Datetime(toml::value::Datetime),
    YesNo(bool),
    /// With its article: "an integer".
    Other(&'static str),
}

impl Kind {
    /// The kind by name, with its article, for "found …".
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Table(_) => "a table",
            Kind::Datetime(_) => "a date or time",
            Kind::YesNo(_) => "true or false",
            Kind::Other(name) => name,
        }
    }
}

/// Reads TOML, or JSON when the first byte that is not white space is `{`.
///
/// # Errors
/// The first fault of the syntax, with its place.
pub fn read(text: &str) -> Result<Vec<Entry>, UpdateError> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let shift = text.len() - body.len();
    if body.trim_start().starts_with('{') { read_json(text, body.trim_end()) } else { read_toml(text, body, shift) }
}

fn read_toml(text: &str, body: &str, shift: usize) -> Result<Vec<Entry>, UpdateError> {
    let table = DeTable::parse(body).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().trim().replace('\n', ", ");
        UpdateError::at(text, span.start + shift..span.end + shift, None, format!("not TOML: {message}"))
    })?;
    Ok(toml_entries(table.into_inner(), shift))
}

fn toml_entries(table: DeTable<'_>, shift: usize) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .into_iter()
        .map(|(key, value)| Entry {
            key_span: key.span().start + shift..key.span().end + shift,
            key: key.into_inner().into_owned(),
            value: toml_value(value, shift),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    entries
}

fn toml_value(value: toml::Spanned<DeValue<'_>>, shift: usize) -> Found {
    let span = value.span().start + shift..value.span().end + shift;
    let kind = match value.into_inner() {
        DeValue::String(text) => Kind::Text(text.into_owned()),
        DeValue::Integer(_) => Kind::Other("an integer"),
        DeValue::Float(_) => Kind::Other("a number"),
        DeValue::Boolean(yes) => Kind::YesNo(yes),
        DeValue::Datetime(datetime) => Kind::Datetime(datetime),
        DeValue::Array(list) => Kind::List(list.into_iter().map(|value| toml_value(value, shift)).collect()),
        DeValue::Table(table) => Kind::Table(toml_entries(table, shift)),
    };
    Found { span, kind }
}

/// The raw members of one JSON object, in the order written, duplicates kept.
struct RawObject<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for RawObject<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = RawObject<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(RawObject(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

fn read_json(text: &str, body: &str) -> Result<Vec<Entry>, UpdateError> {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(body) {
        return Err(json_fault(text, body, &error));
    }
    json_entries(text, body, 0)
}

fn json_entries(text: &str, object: &str, depth: usize) -> Result<Vec<Entry>, UpdateError> {
    let members: RawObject<'_> = serde_json::from_str(object).map_err(|error| json_fault(text, object, &error))?;
    let mut entries: Vec<Entry> = Vec::with_capacity(members.0.len());
    for (raw_key, raw_value) in members.0 {
        let key_span = span_in(text, raw_key.get());
        let key: String =
            serde_json::from_str(raw_key.get()).map_err(|error| json_fault(text, raw_key.get(), &error))?;
        if entries.iter().any(|entry| entry.key == key) {
            return Err(UpdateError::at(text, key_span, Some(key), "is given twice: leave one of them out"));
        }
        entries.push(Entry { key, key_span, value: json_value(text, raw_value.get(), depth)? });
    }
    Ok(entries)
}

/// Objects in an update are two deep and lists one; what is deeper is no value of ours and is not looked into.
const DEEPEST: usize = 3;

fn json_value(text: &str, raw: &str, depth: usize) -> Result<Found, UpdateError> {
    let kind = match raw.as_bytes().first() {
        Some(b'"') => Kind::Text(serde_json::from_str(raw).map_err(|error| json_fault(text, raw, &error))?),
        Some(b'[') if depth < DEEPEST => {
            let members: Vec<&RawValue> = serde_json::from_str(raw).map_err(|error| json_fault(text, raw, &error))?;
            let values = members.into_iter().map(|member| json_value(text, member.get(), depth + 1));
            Kind::List(values.collect::<Result<_, _>>()?)
        }
        Some(b'[') => Kind::Other("a list"),
        Some(b'{') if depth == 0 => Kind::Table(json_entries(text, raw, depth + 1)?),
        Some(b'{') => Kind::Other("an object"),
        Some(b't') => Kind::YesNo(true),
        Some(b'f') => Kind::YesNo(false),
        Some(b'n') => Kind::Other("null"),
        Some(_) | None => Kind::Other("a number"),
    };
    Ok(Found { span: span_in(text, raw), kind })
}

/// Where `part`, a slice of `text`, stands in it.
fn span_in(text: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len());
    start..(start + part.len()).min(text.len())
}

fn json_fault(text: &str, part: &str, error: &serde_json::Error) -> UpdateError {
    let line_start: usize = part.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let offset = span_in(text, part).start + line_start + error.column().saturating_sub(1);
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = error.to_string().replace(&place, "");
    UpdateError::at(text, offset..offset + 1, None, format!("not JSON: {message}"))
}
