//! The recorded feeds under `tests/fixtures/feeds`: their folders, the times in their names, and what a Statuspage
//! would have shown of each.
//!
//! Deliberately absent: how the captures of other kinds are read (`google_page.rs`, `atom_page.rs`), and what a client
//! is told of any of it (`expected.rs`).

#![allow(clippy::panic, reason = "a recording that cannot be read fails the test, with its name")]

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::{atom_page, google_page};

/// Whose page was recorded: a folder under `tests/fixtures/feeds` with an `EXPECTED` of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Source {
    #[default]
    GitHub,
    Google,
}

/// What the files of a folder hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `summary.json` of a Statuspage: what it is made into already.
    Summary,
    /// `incidents.json` of Google Cloud.
    Google,
    /// `history.atom` of a Statuspage.
    Atom,
}

impl Source {
    pub const ALL: [Source; 2] = [Source::GitHub, Source::Google];

    pub fn folder(self) -> PathBuf {
        let feeds = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/feeds"));
        match self {
            Source::GitHub => feeds.join("github"),
            Source::Google => feeds.join("gcp"),
        }
    }

    /// The lists of what is told, in the order of names.
    pub fn lists(self) -> Vec<PathBuf> {
        files(&self.folder().join("EXPECTED"), ".toml")
    }
}

impl Shape {
    const ALL: [Shape; 3] = [Shape::Summary, Shape::Google, Shape::Atom];

    fn ending(self) -> &'static str {
        match self {
            Shape::Summary => ".summary.json",
            Shape::Google => ".incidents.json",
            Shape::Atom => ".history.atom",
        }
    }

    fn of(file: &Path) -> Shape {
        let name = file.to_string_lossy();
        Shape::ALL.into_iter().find(|shape| name.ends_with(shape.ending())).expect("a file of a known shape")
    }
}

/// The files of a folder with this ending, in the order of names.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("a folder that can be read").path());
    let mut paths: Vec<_> = paths.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    paths.sort();
    paths
}

/// The recorded reads of a folder, in the order of names.
pub fn reads_in(folder: &Path) -> Vec<PathBuf> {
    Shape::ALL.into_iter().flat_map(|shape| files(folder, shape.ending())).collect()
}

/// The names of the folders with recorded reads of one source, in their order.
pub fn folders(source: Source) -> Vec<String> {
    let folders = files(&source.folder(), "").into_iter().filter(|path| path.is_dir() && !reads_in(path).is_empty());
    folders.map(|path| path.file_name().expect("a folder has a name").to_string_lossy().into_owned()).collect()
}

/// The time in a name such as `01-20240121T035232Z.summary.json`, with or without the Z.
pub fn time_in(file: &Path) -> Timestamp {
    let name = file.file_name().expect("a read has a name").to_string_lossy().into_owned();
    let stamp = name.split('.').next().and_then(|stem| stem.rsplit('-').next()).expect("a time in the name");
    let stamp = format!("{}Z", stamp.trim_end_matches('Z'));
    stamp.parse().unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What a Statuspage answers for `summary.json` when it is read at `at`. A capture of another kind is shown as it
/// would have been seen then: without what was posted later.
pub fn summary(file: &Path, at: Timestamp) -> Vec<u8> {
    let capture = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    match Shape::of(file) {
        Shape::Summary => capture,
        Shape::Google => google_page::page(&capture, at).to_string().into_bytes(),
        Shape::Atom => atom_page::page(&String::from_utf8_lossy(&capture), at).to_string().into_bytes(),
    }
}
