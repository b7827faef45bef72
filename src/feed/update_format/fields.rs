//! Taking the keys of one table of an update, each by the kind of value it has to be.
//!
//! Every refusal says what was found, what is allowed and where. Deliberately absent: which keys there are.

use std::ops::Range;

use jiff::Timestamp;

use super::error::UpdateError;
use super::written::{Entry, Found, Kind};
use crate::domain::duration;
use crate::domain::incident::NextWord;
use crate::feed::time;

/// The keys of one table that have not been taken yet.
pub struct Fields<'a> {
    text: &'a str,
    table: &'static str,
    entries: Vec<Entry>,
}

const A_TIME: &str = "write a time with its zone, such as 2026-11-23T13:20:00Z or 2026-11-23T14:20:00+01:00";

impl<'a> Fields<'a> {
    pub fn new(text: &'a str, table: &'static str, entries: Vec<Entry>) -> Fields<'a> {
        Fields { text, table, entries }
    }

    /// A text on one line: trimmed, not empty, without control characters, of at most `most` characters.
    pub fn line(&mut self, key: &str, most: usize) -> Result<Option<String>, UpdateError> {
        self.take(key).map(|found| self.line_of(key, found, most)).transpose()
    }

    /// A text of any number of lines, not blank, of at most `most` bytes.
    pub fn prose(&mut self, key: &str, most: usize) -> Result<Option<String>, UpdateError> {
        let Some(found) = self.take(key) else { return Ok(None) };
        let (span, written) = self.text_of(key, found, "a text in quotes")?;
        if written.len() > most {
            let message = format!("is too long: {} bytes, at most {most} are taken", written.len());
            return Err(self.fault(key, span, message));
        }
        Ok(Some(written))
    }

    /// A list of one-line texts; it may be empty.
    pub fn lines(&mut self, key: &str, most: usize, longest: usize) -> Result<Option<Vec<String>>, UpdateError> {
        let Some(Found { span, kind }) = self.take(key) else { return Ok(None) };
        let Kind::List(members) = kind else {
            return Err(self.wrong_kind(key, span, &kind, "a list of texts, such as [\"Payments API\"]"));
        };
        if members.len() > most {
            return Err(self.fault(key, span, format!("has {} entries; at most {most} are taken", members.len())));
        }
        members.into_iter().map(|member| self.line_of(key, member, longest)).collect::<Result<_, _>>().map(Some)
    }

    /// A word of a closed list.
    pub fn word<T: Copy>(
        &mut self,
        key: &str,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Result<Option<T>, UpdateError> {
        let Some(found) = self.take(key) else { return Ok(None) };
        let allowed = all.iter().map(|word| name(*word)).collect::<Vec<_>>();
        let (span, written) = self.text_of(key, found, &format!("one of the words {}", allowed.join(", ")))?;
        if let Some(word) = all.iter().find(|word| name(**word) == written) {
            return Ok(Some(*word));
        }
        let meant = nearest(&written, allowed.iter().copied());
        let message = format!("{} is none of: {}{meant}", short(&written), allowed.join(", "));
        Err(self.fault(key, span, message))
    }

    /// A moment: a TOML date-time with its offset, or the same as RFC 3339 text.
    pub fn time(&mut self, key: &str) -> Result<Option<Timestamp>, UpdateError> {
        let Some(Found { span, kind }) = self.take(key) else { return Ok(None) };
        let written = match kind {
            Kind::Text(written) => written,
            Kind::Datetime(datetime) => datetime.to_string(),
            kind @ (Kind::List(_) | Kind::Table(_) | Kind::YesNo(_) | Kind::Other(_)) => {
                return Err(self.fault(key, span, format!("found {}: {A_TIME}", kind.name())));
            }
        };
        moment(&written).map(Some).map_err(|message| self.fault(key, span, message))
    }

    /// A date, or a time with its zone; kept as it was written.
    pub fn date_words(&mut self, key: &str, most: usize) -> Result<Option<String>, UpdateError> {
        let Some(found) = self.take(key) else { return Ok(None) };
        let span = found.span.clone();
        let written = match found.kind {
            Kind::Datetime(datetime) => datetime.to_string(),
            _ => self.line_of(key, found, most)?,
        };
        if written.parse::<jiff::civil::Date>().is_ok() && written.len() == "2026-11-27".len() {
            return Ok(Some(written));
        }
        match moment(&written) {
            Ok(_) => Ok(Some(written)),
            Err(_) => Err(self.fault(
                key,
                span,
                format!("{} is no date: write one such as 2026-11-27, or {A_TIME}", short(&written)),
            )),
        }
    }

    /// When the next word comes: a duration from the update, or a moment.
    pub fn next_word(&mut self, key: &str) -> Result<Option<NextWord>, UpdateError> {
        let Some(Found { span, kind }) = self.take(key) else { return Ok(None) };
        let word = match kind {
            Kind::Text(written) => next_word_of(&written),
            Kind::Datetime(datetime) => moment(&datetime.to_string()).map(NextWord::At),
            kind @ (Kind::List(_) | Kind::Table(_) | Kind::YesNo(_) | Kind::Other(_)) => Err(format!(
                "found {}: write a duration such as \"30m\", or a time such as 2026-11-23T13:20:00Z",
                kind.name()
            )),
        };
        word.map(Some).map_err(|message| self.fault(key, span, message))
    }

    /// `true` or `false`.
    pub fn yes_or_no(&mut self, key: &str) -> Result<Option<bool>, UpdateError> {
        match self.take(key) {
            None => Ok(None),
            Some(Found { kind: Kind::YesNo(yes), .. }) => Ok(Some(yes)),
            Some(Found { span, kind }) => Err(self.wrong_kind(key, span, &kind, "true or false")),
        }
    }

    /// An address of a page for people: http or https.
    pub fn address(&mut self, key: &str, most: usize) -> Result<Option<String>, UpdateError> {
        let Some(found) = self.take(key) else { return Ok(None) };
        let span = found.span.clone();
        let written = self.line_of(key, found, most)?;
        if crate::feed::web_address(&written) {
            return Ok(Some(written));
        }
        Err(self.fault(key, span, "is no web address: write one that begins with https:// or http://".to_owned()))
    }

    fn take(&mut self, key: &str) -> Option<Found> {
        let position = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(position).value)
    }

    fn line_of(&self, key: &str, found: Found, most: usize) -> Result<String, UpdateError> {
        let (span, written) = self.text_of(key, found, "a text in quotes")?;
        let line = written.trim();
        if line.chars().any(char::is_control) {
            return Err(self.fault(
                key,
                span,
                "holds a line break or another control character: write one line".into(),
            ));
        }
        let length = line.chars().count();
        if length > most {
            return Err(self.fault(key, span, format!("is too long: {length} characters, at most {most} are taken")));
        }
        Ok(line.to_owned())
    }

    fn text_of(&self, key: &str, found: Found, allowed: &str) -> Result<(Range<usize>, String), UpdateError> {
        let Found { span, kind } = found;
        let Kind::Text(written) = kind else { return Err(self.wrong_kind(key, span, &kind, allowed)) };
        if written.trim().is_empty() {
            return Err(self.fault(key, span, "is empty: write something, or leave the key out".into()));
        }
        Ok((span, written))
    }

    fn wrong_kind(&self, key: &str, span: Range<usize>, kind: &Kind, allowed: &str) -> UpdateError {
        self.fault(key, span, format!("found {}, needs {allowed}", kind.name()))
    }

    fn fault(&self, key: &str, span: Range<usize>, message: String) -> UpdateError {
        UpdateError::at(self.text, span, Some(format!("{}.{key}", self.table)), message)
    }
}

fn next_word_of(written: &str) -> Result<NextWord, String> {
    if written.trim_start().strip_prefix(['-', '−']).is_some_and(|rest| duration::parse(rest).is_ok()) {
        return Err(format!(
            "{} lies behind, and the next word comes after this one: write how long until then, such as \"30m\", or a time to come such as 2026-11-23T13:20:00Z",
            short(written)
        ));
    }
    if written.contains('-') || written.contains(':') {
        return moment(written).map(NextWord::At);
    }
    let wait =
        duration::parse(written).map_err(|fault| format!("{fault}; or give a time such as 2026-11-23T13:20:00Z"))?;
    match i64::try_from(wait.as_secs()) {
        Ok(seconds) if seconds > 0 => Ok(NextWord::After(seconds)),
        Ok(_) | Err(_) => Err("must be longer than 0s".to_owned()),
    }
}

fn moment(written: &str) -> Result<Timestamp, String> {
    let written = written.trim();
    match written.parse::<Timestamp>() {
        Ok(moment) if time::is_plausible(moment) => Ok(moment),
        Ok(_) => Err(format!("{} is not between the years 2000 and 2200", short(written))),
        Err(_) if written.parse::<jiff::civil::DateTime>().is_ok() => {
            Err(format!("{} does not say in which time zone: {A_TIME}", short(written)))
        }
        Err(_) => Err(format!("{} is not a time: {A_TIME}", short(written))),
    }
}

/// "; did you mean …?" for the known word that is most like `written`, or nothing.
pub fn nearest<'w>(written: &str, known: impl Iterator<Item = &'w str>) -> String {
    let folded: String = written.trim().to_lowercase().replace(['-', ' '], "_").chars().take(60).collect();
    known
        .map(|word| (strsim::damerau_levenshtein(&folded, word), word))
        .filter(|(distance, word)| *distance <= 1 + word.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map_or_else(String::new, |(_, word)| format!("; did you mean \"{word}\"?"))
}

/// What was written, cut to what fits in a line and with control characters made visible.
pub fn short(written: &str) -> String {
    let cut: String = written.chars().take(60).collect();
    format!("{cut:?}")
}

/// A key as it was written, without quotes, made safe for one line.
pub fn plain(written: &str) -> String {
    written.chars().take(60).map(|c| if c.is_control() { '?' } else { c }).collect()
}
