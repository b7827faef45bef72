//! A file, or a folder of files, in the update format: each is taken once, in the order of names, and left where
//! it is. A changed file is taken again; a faulty one is reported and tried again when it changes.
//!
//! Deliberately absent: writing, moving or deleting anything. Whoever drops a file in one go (`mv`) is safe from
//! being read half-way: dot files and `*.tmp` are skipped.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::cause::Cause;
use super::oddity::Oddity;
use super::reading::{Failure, Listing, Reading, Rest};
use super::update_format::{self, LONGEST_TEXT, UpdateError};
use crate::domain::delivery::clean;
use crate::domain::incident::Observation;

mod watch;
pub use watch::FolderWatch;

/// The most files of one folder; of more, those that changed last are read.
const MOST_FILES: usize = 10_000;
/// The most updates of one reading; the rest comes with the next.
const MOST_AT_ONCE: usize = 500;

/// In characters: what is told of a file's fault.
const LONGEST_FAULT: usize = 300;

/// File systems stamp changes in steps of up to two seconds (FAT).
const SETTLES_IN: Duration = Duration::from_secs(2);

/// The files taken so far, by name. Forgets those that are gone from the folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    files: BTreeMap<String, Taken>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Taken {
    length: u64,
    /// Nanoseconds since 1970, for comparison only. `None` when the file was read so soon after its change
    /// that another change could have borne the same time.
    modified: Option<i64>,
    /// SHA-256 of the content, in hexadecimal.
    hash: String,
    /// Why that content is no update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

/// A file that is no update, or cannot be read at all, with its first fault.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileFault {
    pub file: PathBuf,
    /// Where, what was found and what is allowed; on one line.
    pub fault: String,
}

/// Looks at `path` once and takes what is new since `cursor`. Blocks on the disk. An update without an id of
/// its incident gets the file's name, without its ending, as one.
pub fn read(path: &Path, source: &str, mut cursor: Cursor, now: Timestamp) -> Reading {
    let mut reading = Reading::empty(Listing::None, super::Memory::File(Cursor::default()));
    let files = match candidates(path, MOST_FILES) {
        Ok(Candidates { files, left_out }) => {
            let oddity = left_out.then(|| Oddity { incident: None, words: too_many(MOST_FILES) });
            reading.oddities.extend(oddity);
            files
        }
        Err(error) => {
            fail(&mut reading, path, &error);
            reading.memory = super::Memory::File(cursor);
            return reading;
        }
    };
    let mut kept = BTreeMap::new();
    for file in files {
        let known = cursor.files.remove(&file.name);
        let taken = if reading.observations.len() < MOST_AT_ONCE {
            file.take(known, source, now, &mut reading)
        } else {
            reading.rest = Rest::Waiting;
            file.as_known(known, &mut reading)
        };
        kept.extend(taken.map(|taken| (file.name, taken)));
    }
    reading.memory = super::Memory::File(Cursor { files: kept });
    reading
}

struct Candidate {
    name: String,
    path: PathBuf,
}

struct Candidates {
    /// In the order of names.
    files: Vec<Candidate>,
    /// Whether the folder holds more than these.
    left_out: bool,
}

/// The files to look at: of more than `most` those that changed last, because what is new has to be among them.
fn candidates(path: &Path, most: usize) -> io::Result<Candidates> {
    if !fs::metadata(path)?.is_dir() {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        return Ok(Candidates { files: vec![Candidate { name, path: path.to_owned() }], left_out: false });
    }
    let (mut files, mut left_out) = (Vec::new(), false);
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name.ends_with(".tmp") || entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        files.push(Candidate { name, path: entry.path() });
        // A folder of millions costs no more memory than twice what is read.
        if files.len() == 2 * most {
            left_out = true;
            keep_the_newest(&mut files, most);
        }
    }
    if files.len() > most {
        left_out = true;
        keep_the_newest(&mut files, most);
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Candidates { files, left_out })
}

/// Of files that changed at the same time the last by name.
fn keep_the_newest(files: &mut Vec<Candidate>, most: usize) {
    files.sort_by_cached_key(|file| {
        let modified = fs::metadata(&file.path).and_then(|metadata| metadata.modified()).ok();
        Reverse((modified, file.name.clone()))
    });
    files.truncate(most);
}

fn too_many(most: usize) -> String {
    format!(
        "the folder holds more than {most} files: only the {most} that changed last are read; move those that are done to another place"
    )
}

impl Candidate {
    /// Takes the file if it has changed. Returns what to remember of it.
    fn take(&self, known: Option<Taken>, source: &str, now: Timestamp, reading: &mut Reading) -> Option<Taken> {
        let metadata = match fs::metadata(&self.path) {
            Ok(metadata) if metadata.is_file() => metadata,
            // A folder, a pipe or a device is no update.
            Ok(_) => return None,
            // Gone since the folder was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return self.unreadable(known, &error, reading),
        };
        let (length, modified) = (metadata.len(), settled_time(&metadata, now));
        if known.as_ref().is_some_and(|taken| taken.length == length && taken.modified == modified)
            && modified.is_some()
        {
            return self.as_known(known, reading);
        }
        let bytes = match read_limited(&self.path) {
            Ok(bytes) => bytes,
            Err(error) => return self.unreadable(known, &error, reading),
        };
        let hash = HEXLOWER.encode(&Sha256::digest(&bytes));
        if let Some(known) = known.filter(|taken| taken.hash == hash) {
            return self.as_known(Some(Taken { length, modified, ..known }), reading);
        }
        let fault = match self.observation(bytes, source, now) {
            Ok(observation) => {
                reading.observations.push(observation);
                None
            }
            Err(error) => Some(clean(&error.to_string(), LONGEST_FAULT)),
        };
        self.as_known(Some(Taken { length, modified, hash, fault }), reading)
    }

    /// Nothing new in it; what was wrong with it still is.
    fn as_known(&self, known: Option<Taken>, reading: &mut Reading) -> Option<Taken> {
        let fault = known.as_ref().and_then(|taken| taken.fault.clone());
        reading.file_faults.extend(fault.map(|fault| FileFault { file: self.path.clone(), fault }));
        known
    }

    /// Tried again at each look, and no reason to leave the others.
    fn unreadable(&self, known: Option<Taken>, error: &io::Error, reading: &mut Reading) -> Option<Taken> {
        reading.file_faults.insert(FileFault { file: self.path.clone(), fault: format!("cannot be read: {error}") });
        known
    }

    fn observation(&self, bytes: Vec<u8>, source: &str, now: Timestamp) -> Result<Observation, UpdateError> {
        if bytes.len() > LONGEST_TEXT {
            let message = format!("the file is too long: at most {LONGEST_TEXT} bytes are taken");
            return Err(UpdateError::whole(message));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let message = "is not UTF-8 from here on: save the file as UTF-8";
            UpdateError::at(&String::from_utf8_lossy(error.as_bytes()), at..at + 1, None, message)
        })?;
        let stem =
            Path::new(&self.name).file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        Ok(update_format::parse(&text)?.believed_at(&text, now)?.into_observation(source, now, || stem))
    }
}

/// Reads one byte more than is taken, so that what is too long can be told.
fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LONGEST_TEXT as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// When the file was changed, unless that is so near to `now` that the file system's clock may not tell two
/// changes apart.
fn settled_time(metadata: &Metadata, now: Timestamp) -> Option<i64> {
    let since_1970 = metadata.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    let modified = i64::try_from(since_1970.as_nanos()).ok()?;
    (now.as_nanosecond() - i128::from(modified) >= SETTLES_IN.as_nanos().try_into().ok()?).then_some(modified)
}

fn fail(reading: &mut Reading, path: &Path, error: &io::Error) {
    let document = path.display().to_string();
    let failure = Failure { document, cause: Cause::Files(error.to_string()), retry_after: None };
    reading.failure.get_or_insert(failure);
}

#[cfg(test)]
mod tests;
