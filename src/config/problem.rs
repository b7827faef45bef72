//! What is wrong with a value, and the path of keys that leads to it, before anybody knows the line.
//!
//! Checks speak in [`Problem`]s so that TOML and CSV share them; the reader of each form adds the place.

use std::fmt;

/// One step into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Key(String),
    Index(usize),
}

/// The keys that lead to a value, shown as `feed[0].every`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyPath(pub Vec<Step>);

impl KeyPath {
    pub fn root() -> KeyPath {
        KeyPath::default()
    }

    /// The path of `name` in the table that this path leads to.
    pub fn key(&self, name: &str) -> KeyPath {
        let mut steps = self.0.clone();
        steps.push(Step::Key(name.to_owned()));
        KeyPath(steps)
    }

    /// The innermost key.
    pub fn last_key(&self) -> Option<&str> {
        self.0.iter().rev().find_map(|step| match step {
            Step::Key(name) => Some(name.as_str()),
            Step::Index(_) => None,
        })
    }

    /// The path of one element of the list that this path leads to, counted from 0.
    pub fn index(&self, index: usize) -> KeyPath {
        let mut steps = self.0.clone();
        steps.push(Step::Index(index));
        KeyPath(steps)
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(name) if position == 0 => f.write_str(name)?,
                Step::Key(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// What is wrong with one value, in a sentence, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub message: String,
    pub help: Option<String>,
    pub spot: Spot,
}

/// Which part of the value is at fault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Spot {
    #[default]
    Whole,
    /// The first place at which this word stands in it.
    Word(String),
    /// A line of a text of several lines, counted from 1.
    Line(usize),
}

impl Mistake {
    pub fn new(message: impl Into<String>) -> Mistake {
        Mistake { message: message.into(), help: None, spot: Spot::Whole }
    }

    pub fn with_help(message: impl Into<String>, help: impl Into<String>) -> Mistake {
        Mistake { message: message.into(), help: Some(help.into()), spot: Spot::Whole }
    }

    /// The same, of a part of the value.
    pub fn at(self, spot: Spot) -> Mistake {
        Mistake { spot, ..self }
    }
}

impl From<String> for Mistake {
    fn from(message: String) -> Mistake {
        Mistake::new(message)
    }
}

/// A mistake and the keys that lead to it. For a missing key the path names it all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub path: KeyPath,
    pub mistake: Mistake,
}

/// Problems of one document, collected so that a user sees all of them at once.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    pub fn add(&mut self, path: KeyPath, mistake: Mistake) {
        self.0.push(Problem { path, mistake });
    }

    /// The value, or `None` with its mistake noted under `name` in the table at `table`.
    pub fn keep<T>(&mut self, table: &KeyPath, name: &str, result: Result<T, Mistake>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(mistake) => {
                self.add(table.key(name), mistake);
                None
            }
        }
    }

    /// Notes that a key which must be there is not.
    pub fn missing(&mut self, table: &KeyPath, name: &str, help: &str) {
        self.add(table.key(name), Mistake::with_help(format!("the key `{name}` is missing"), help));
    }
}

/// The known word that a mistyped one is nearest to, if any is near enough to be meant.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LEAST_IN_COMMON: usize = 3;
    let folded = written.to_lowercase();
    let known: Vec<&str> = known.into_iter().collect();
    let by_letters = known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(&folded, &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= (word.chars().count().max(3)) / 2)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| *word);
    by_letters.or_else(|| {
        let begins = |word: &&str| word.len() >= LEAST_IN_COMMON && folded.starts_with(&word.to_lowercase());
        known.into_iter().filter(begins).max_by_key(|word| word.len())
    })
}

/// A word as found, cut to what fits in a line and with control characters made visible.
pub fn quoted(written: &str) -> String {
    const MOST: usize = 60;
    let mut short: String = written.chars().take(MOST).collect();
    if written.chars().count() > MOST {
        short.push('…');
    }
    format!("{short:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_people_write_it() {
        let path = KeyPath::root().key("feed").index(0).key("every");
        assert_eq!(path.to_string(), "feed[0].every");
    }

    #[test]
    fn the_nearest_word_is_offered_only_when_it_is_near() {
        let check = |written: &str, expected: Option<&str>| {
            assert_eq!(nearest(written, ["every", "url", "components"]), expected, "{written}");
        };
        check("evry", Some("every"));
        check("Component", Some("components"));
        check("ulr", Some("url"));
        check("url_of_page", Some("url"));
        check("webhook", None);
    }
}
