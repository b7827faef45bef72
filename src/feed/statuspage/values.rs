//! Single values of a foreign document, read kindly: null, an absent key and a value of the wrong kind are all
//! "not stated", and what is too long is cut where one can see it.

use jiff::Timestamp;
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

/// A text of one line: control characters become spaces; not blank; cut after `most` characters with "…".
pub fn text(raw: Option<&RawValue>, most: usize) -> Option<String> {
    let written = serde_json::from_str::<String>(raw?.get()).ok()?;
    let line: String = written.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.trim();
    match line.char_indices().nth(most) {
        _ if line.is_empty() => None,
        None => Some(line.to_owned()),
        Some((cut, _)) => Some(format!("{}…", &line[..cut])),
    }
}

/// A text of any number of lines as the source wrote it, cut after `most` bytes with "…".
pub fn prose(raw: Option<&RawValue>, most: usize) -> Option<String> {
    let mut written = serde_json::from_str::<String>(raw?.get()).ok()?;
    if written.len() > most {
        written.truncate(written.floor_char_boundary(most));
        written.push('…');
    }
    Some(written)
}

/// A moment: RFC 3339 with an offset, in whole seconds or finer, in a year that can be meant.
pub fn moment(raw: Option<&RawValue>) -> Option<Timestamp> {
    let written = serde_json::from_str::<String>(raw?.get()).ok()?;
    written.trim().parse::<Timestamp>().ok().filter(|moment| time::is_plausible(*moment))
}

pub fn flag(raw: Option<&RawValue>) -> Option<bool> {
    serde_json::from_str(raw?.get()).ok()
}

/// The members of a list; `None` where there is none.
///
/// # Errors
/// What stands there instead: "no list", or a list longer than `most`.
pub fn list(raw: Option<&RawValue>, most: usize) -> Result<Option<Vec<&RawValue>>, String> {
    let Some(raw) = raw else { return Ok(None) };
    let members: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|_| "no list".to_owned())?;
    if members.len() > most {
        return Err(format!("{} in number, more than {most}", members.len()));
    }
    Ok(Some(members))
}
