//! Single values of a foreign document, read kindly: null, an absent key and a value of the wrong kind are all
//! "not stated", and what is too long is cut where one can see it. What was of the wrong kind, or cut, is noted.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::feed::time;

/// Ids longer than this are none.
const LONGEST_ID: usize = 200;

/// An id: a text or a whole number, without white space or control characters inside.
pub fn identifier(raw: Option<&RawValue>) -> Option<String> {
    let raw = raw?.get();
    let id = match serde_json::from_str::<String>(raw) {
        Ok(text) => text.trim().to_owned(),
        Err(_) if raw.bytes().all(|byte| byte.is_ascii_digit()) => raw.to_owned(),
        Err(_) => return None,
    };
    let usable = !id.is_empty() && id.len() <= LONGEST_ID && !id.chars().any(|c| c.is_control() || c.is_whitespace());
    usable.then_some(id)
}

/// A moment: RFC 3339 with an offset, in whole seconds or finer, in a year that can be meant.
pub fn moment(raw: Option<&RawValue>) -> Option<Timestamp> {
    let written = serde_json::from_str::<String>(raw?.get()).ok()?;
    written.trim().parse::<Timestamp>().ok().filter(|moment| time::is_plausible(*moment))
}

/// The members of one object, taken by key.
pub struct Members<'a> {
    /// Of a key that stands there twice the last, as every reader of JSON has it.
    values: BTreeMap<String, &'a RawValue>,
    /// What the object is, before the name of a key: empty, or such as "an update's ".
    whose: &'static str,
    /// What was of the wrong kind, or cut.
    pub odd: Vec<String>,
}

impl<'a> Members<'a> {
    /// `None` when it is no object.
    pub fn of(raw: &'a RawValue, whose: &'static str) -> Option<Members<'a>> {
        let values = serde_json::from_str(raw.get()).ok()?;
        Some(Members { values, whose, odd: Vec::new() })
    }

    pub fn identifier(&self) -> Option<String> {
        identifier(self.values.get("id").copied())
    }

    /// A text of one line: control characters become spaces; not blank; cut after `most` characters with "…".
    pub fn text(&mut self, key: &str, most: usize) -> Option<String> {
        let written: String = self.value(key, "no text")?;
        let line: String = written.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let line = line.trim();
        match line.char_indices().nth(most) {
            _ if line.is_empty() => None,
            None => Some(line.to_owned()),
            Some((cut, _)) => {
                self.note(key, &format!("longer than {most} characters: it is cut there"));
                Some(format!("{}…", &line[..cut]))
            }
        }
    }

    /// A text of any number of lines as the source wrote it, cut after `most` bytes with "…".
    pub fn prose(&mut self, key: &str, most: usize) -> Option<String> {
        let mut written: String = self.value(key, "no text")?;
        if written.len() > most {
            written.truncate(written.floor_char_boundary(most));
            written.push('…');
            self.note(key, &format!("longer than {most} bytes: it is cut there"));
        }
        Some(written)
    }

    pub fn moment(&mut self, key: &str) -> Option<Timestamp> {
        let raw = self.stated(key)?;
        let moment = moment(Some(raw));
        if moment.is_none() {
            self.note(key, "no time that can be meant: it counts as not stated");
        }
        moment
    }

    pub fn flag(&mut self, key: &str) -> Option<bool> {
        self.value(key, "neither true nor false")
    }

    pub fn list(&mut self, key: &str, most: usize) -> Option<Ends<'a>> {
        let raw = self.stated(key)?;
        let ends = Ends::of(raw, most);
        if ends.is_none() {
            self.note(key, "no list: it counts as not stated");
        }
        ends
    }

    /// Notes what is odd about the value of a key.
    pub fn note(&mut self, key: &str, what: &str) {
        self.odd.push(format!("{}`{key}` is {what}", self.whose));
    }

    fn stated(&self, key: &str) -> Option<&'a RawValue> {
        self.values.get(key).copied().filter(|raw| raw.get() != "null")
    }

    fn value<T: Deserialize<'a>>(&mut self, key: &str, otherwise: &str) -> Option<T> {
        let value = serde_json::from_str(self.stated(key)?.get()).ok();
        if value.is_none() {
            self.note(key, &format!("{otherwise}: it counts as not stated"));
        }
        value
    }
}

/// The first and the last members of a list, so that one of millions costs no more than what is taken of it.
pub struct Ends<'a> {
    pub first: Vec<&'a RawValue>,
    /// Those behind the first; at most as many, the last ones.
    pub last: VecDeque<&'a RawValue>,
    /// Of the whole list.
    pub count: usize,
}

impl<'a> Ends<'a> {
    /// At most `most` of each end. `None` when it is no list.
    pub fn of(raw: &'a RawValue, most: usize) -> Option<Ends<'a>> {
        EndsSeed { most }.deserialize(&mut serde_json::Deserializer::from_str(raw.get())).ok()
    }
}

struct EndsSeed {
    most: usize,
}

impl<'de> DeserializeSeed<'de> for EndsSeed {
    type Value = Ends<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Ends<'de>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for EndsSeed {
    type Value = Ends<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Ends<'de>, A::Error> {
        let mut ends = Ends { first: Vec::new(), last: VecDeque::new(), count: 0 };
        while let Some(member) = members.next_element::<&'de RawValue>()? {
            ends.count += 1;
            if ends.first.len() < self.most {
                ends.first.push(member);
                continue;
            }
            if ends.last.len() == self.most {
                ends.last.pop_front();
            }
            ends.last.push_back(member);
        }
        Ok(ends)
    }
}
