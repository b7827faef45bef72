//! Reads language packs: the built-in ones, and `LOCALE/words.toml` of a user, held against the English one
//! as the list of what there is.
//!
//! Deliberately absent: the folder (`config::templates_dir` reads it) and the choice of a locale.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::pack::{Pack, places};
use super::template_error::TemplateError;

const ENGLISH: &str = include_str!("../../config/templates/en/words.toml");
const GERMAN: &str = include_str!("../../config/templates/de/words.toml");

/// The locales that are built in.
pub const BUILTIN_LOCALES: [&str; 2] = ["en", "de"];

/// Tables whose keys are free: names of languages, when a sender answers, abbreviations of zones.
const FREE_TABLES: [&str; 3] = ["language", "answered", "time.zones"];

/// A built-in pack, or `None` for another locale.
pub fn builtin_pack(locale: &str) -> Option<Pack> {
    Pack::deserialize(builtin_table(locale)?).ok()
}

/// A user's pack. For a locale that is built in, what it leaves out is the built-in phrase; a new language
/// must be complete, so that no message speaks two.
pub fn read_pack(locale: &str, file: &str, text: &str) -> Result<Pack, TemplateError> {
    let parsed = DeTable::parse(text).map_err(|error| of_toml(file, text, &error))?;
    let english = reference();
    check_table(&Checked { file, text }, parsed.get_ref(), &english, "")?;

    let written: toml::Table = toml::from_str(text).map_err(|error| of_toml(file, text, &error))?;
    let mut merged = builtin_table(locale).unwrap_or_default();
    merge(&mut merged, written);
    let missing = missing_keys(&merged, &english, "");
    if !missing.is_empty() {
        let named = missing.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
        let message = format!(
            "{} phrases are missing, among them {named}: a language of its own needs all of them; \
             copy the built-in en/words.toml and translate it",
            missing.len()
        );
        return Err(TemplateError::of_file(file, message));
    }
    Pack::deserialize(merged).map_err(|error| of_toml(file, text, &error))
}

fn builtin_table(locale: &str) -> Option<toml::Table> {
    let text = match locale {
        "en" => ENGLISH,
        "de" => GERMAN,
        _ => return None,
    };
    toml::from_str(text).ok()
}

fn reference() -> toml::Table {
    builtin_table("en").unwrap_or_default()
}

fn of_toml(file: &str, text: &str, error: &toml::de::Error) -> TemplateError {
    let message = error.message().to_owned();
    match error.span() {
        Some(span) => TemplateError::at_offset(file, text, span.start, message),
        None => TemplateError::of_file(file, message),
    }
}

struct Checked<'a> {
    file: &'a str,
    text: &'a str,
}

impl Checked<'_> {
    fn fault<T>(&self, offset: usize, message: String) -> Result<T, TemplateError> {
        Err(TemplateError::at_offset(self.file, self.text, offset, message))
    }
}

fn check_table(
    checked: &Checked<'_>,
    table: &DeTable<'_>,
    reference: &toml::Table,
    path: &str,
) -> Result<(), TemplateError> {
    let is_free = FREE_TABLES.contains(&path);
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        let full = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match reference.get(name) {
            Some(known) => check_value(checked, value, known, &full)?,
            None if is_free && value.get_ref().is_str() => {}
            None if is_free => return checked.fault(value.span().start, format!("`{full}` has to be a text")),
            None => {
                let near = nearest(name, reference.keys());
                return checked
                    .fault(key.span().start, format!("there is no phrase `{full}`; the nearest is `{near}`"));
            }
        }
    }
    Ok(())
}

fn check_value(
    checked: &Checked<'_>,
    value: &Spanned<DeValue<'_>>,
    known: &toml::Value,
    path: &str,
) -> Result<(), TemplateError> {
    let offset = value.span().start;
    match (value.get_ref(), known) {
        (DeValue::Table(table), toml::Value::Table(reference)) => check_table(checked, table, reference, path),
        (DeValue::String(phrase), toml::Value::String(reference)) => {
            let allowed = places(reference);
            match places(phrase).into_iter().find(|place| !allowed.contains(place)) {
                None => Ok(()),
                Some(place) if allowed.is_empty() => {
                    checked.fault(offset, format!("`{path}` has nothing to fill in, but holds {{{place}}}"))
                }
                Some(place) => {
                    let allowed = allowed.join("}, {");
                    checked.fault(offset, format!("`{path}` knows no {{{place}}}; it can hold {{{allowed}}}"))
                }
            }
        }
        (DeValue::Array(names), toml::Value::Array(reference)) => {
            if names.len() == reference.len() && names.iter().all(|name| name.get_ref().is_str()) {
                return Ok(());
            }
            checked.fault(offset, format!("`{path}` has to be a list of {} texts", reference.len()))
        }
        (found, wanted) => {
            let message = format!("`{path}` has to be a {}, found a {}", wanted.type_str(), found.type_str());
            checked.fault(offset, message)
        }
    }
}

fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k String>) -> String {
    known
        .max_by(|one, other| strsim::jaro_winkler(name, one).total_cmp(&strsim::jaro_winkler(name, other)))
        .cloned()
        .unwrap_or_default()
}

fn merge(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => merge(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

fn missing_keys(table: &toml::Table, reference: &toml::Table, path: &str) -> Vec<String> {
    let mut missing = Vec::new();
    for (key, known) in reference {
        let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (table.get(key), known) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(reference)) => {
                missing.extend(missing_keys(inner, reference, &full));
            }
            (Some(_), _) => {}
            (None, _) if FREE_TABLES.iter().any(|free| full.starts_with(free)) && full != "language" => {}
            (None, toml::Value::Table(reference)) => {
                missing.extend(missing_keys(&toml::Table::new(), reference, &full))
            }
            (None, _) => missing.push(full),
        }
    }
    missing
}

/// Every phrase of a built-in pack with its key, for tests over the words.
pub fn builtin_phrases(locale: &str) -> BTreeMap<String, String> {
    let mut phrases = BTreeMap::new();
    collect(&builtin_table(locale).unwrap_or_default(), "", &mut phrases);
    phrases
}

fn collect(table: &toml::Table, path: &str, phrases: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let full = format!("{path}{key}");
        match value {
            toml::Value::Table(inner) => collect(inner, &format!("{full}."), phrases),
            toml::Value::Array(names) => {
                for (index, name) in names.iter().enumerate() {
                    phrases.insert(format!("{full}.{index}"), name.as_str().unwrap_or_default().to_owned());
                }
            }
            toml::Value::String(phrase) => {
                phrases.insert(full, phrase.clone());
            }
            toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) | toml::Value::Datetime(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_pack_is_complete_and_has_the_same_places() {
        let english = builtin_phrases("en");
        for locale in BUILTIN_LOCALES {
            assert!(builtin_pack(locale).is_some(), "{locale}");
            let pack = builtin_phrases(locale);
            for (key, phrase) in &english {
                let other = pack.get(key).unwrap_or_else(|| panic!("{locale} lacks {key}"));
                let (mut ours, mut theirs) = (places(phrase), places(other));
                ours.sort_unstable();
                theirs.sort_unstable();
                assert_eq!(ours, theirs, "{locale} {key}");
            }
            for key in pack.keys().filter(|key| !key.starts_with("time.zones.")) {
                assert!(english.contains_key(key), "{locale} has {key}, which English lacks");
            }
        }
    }

    #[test]
    fn words_that_blur_or_beg_appear_in_no_pack() {
        let never = [
            "experiencing",
            "some users",
            "as soon as possible",
            "shortly",
            "apolog",
            "inconvenience",
            "should",
            "unfortunately",
            "approximately",
            "unannehmlichkeiten",
            "sobald wie möglich",
            "so bald wie möglich",
            "schnellstmöglich",
            "in kürze",
            "leider",
            "einige nutzer",
            "manche nutzer",
            "entschuldig",
            "sollte",
            "beeinträchtigung",
            "zeitnah",
            "etwa um",
            "bedauern",
        ];
        for locale in BUILTIN_LOCALES {
            for (key, phrase) in builtin_phrases(locale) {
                let folded = phrase.to_lowercase();
                for word in never {
                    assert!(!folded.contains(word), "{locale} {key}: {word:?} in {phrase:?}");
                }
            }
        }
    }

    #[test]
    fn we_are_sorry_stands_in_one_phrase_only() {
        for (locale, words) in [("en", "sorry"), ("de", "leid")] {
            let keys: Vec<String> =
                builtin_phrases(locale).into_iter().filter(|(_, p)| p.contains(words)).map(|(key, _)| key).collect();
            assert_eq!(keys, ["status.sorry"], "{locale}");
        }
    }

    fn fault(locale: &str, text: &str) -> String {
        read_pack(locale, "xx/words.toml", text).expect_err(text).to_string()
    }

    #[test]
    fn a_users_pack_changes_what_it_names_and_keeps_the_rest() {
        let pack = read_pack("en", "en/words.toml", "[quote]\nvoice = \"Our crew\"\n").unwrap();
        assert_eq!(pack.quote.voice, "Our crew");
        assert_eq!(pack.status.over, "Over.");
        let zones = read_pack("de", "de/words.toml", "[time.zones]\nBST = \"britische Sommerzeit\"\n").unwrap();
        assert_eq!(zones.time.zones["BST"], "britische Sommerzeit");
        assert_eq!(zones.time.zones["CET"], "MEZ");
    }

    #[test]
    fn a_fault_in_a_pack_names_line_column_and_the_nearest_word() {
        let rows = [
            (
                "en",
                "[quote]\nvoize = \"x\"",
                "xx/words.toml:2:1: there is no phrase `quote.voize`; the nearest is `voice`",
            ),
            ("en", "[quote]\nvoice = 1", "xx/words.toml:2:9: `quote.voice` has to be a string, found a integer"),
            (
                "en",
                "[status]\nover = \"{who}\"",
                "xx/words.toml:2:8: `status.over` has nothing to fill in, but holds {who}",
            ),
            (
                "en",
                "[quote]\nwrote = \"{whom}\"",
                "xx/words.toml:2:9: `quote.wrote` knows no {whom}; it can hold {who}, {at}",
            ),
            ("en", "[time]\nmonths = [\"x\"]", "xx/words.toml:2:10: `time.months` has to be a list of 12 texts"),
        ];
        for (locale, text, expected) in rows {
            assert_eq!(fault(locale, text), expected);
        }
        assert!(fault("en", "[quote\n").starts_with("xx/words.toml:1:"), "{}", fault("en", "[quote\n"));
        assert!(fault("fr", "[quote]\nvoice = \"x\"").contains("phrases are missing, among them about.and"));
    }
}
