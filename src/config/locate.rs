//! Finds the configuration and loads it.

use std::path::{Path, PathBuf};

use super::diagnostic::Diagnostic;
use super::document::Document;
use super::meaning;
use super::settings::Settings;
use super::written::WrittenSettings;

pub use super::warnings::{book_warnings, misplaced_files, unknown_locale, unusable_secrets, warnings};

/// Configurations and playbooks are written by hand; larger files are something else.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// Where the configuration is looked for when neither `--config` nor `$CANDOR_CONFIG` names it.
pub const PLACES: [&str; 2] = ["/etc/candor/candor.toml", "config/candor.toml"];

/// The configuration to use: the one named by `--config`, else by `$CANDOR_CONFIG`, else the first of
/// [`PLACES`] that exists. A named file is taken as it is; [`load`] says if it is not there.
///
/// # Errors
/// There is none; the text names the places.
pub fn find(named: Option<&Path>, environment: Option<&Path>) -> Result<PathBuf, String> {
    let set = |path: &&Path| !path.as_os_str().is_empty();
    if let Some(path) = named.or(environment.filter(set)) {
        return Ok(path.to_owned());
    }
    // One that this user may not look at is there: it is named when it is read.
    let existing = PLACES.iter().map(Path::new).find(|path| path.try_exists().unwrap_or(true));
    existing.map(Path::to_owned).ok_or_else(|| {
        format!("no configuration is found: neither --config nor $CANDOR_CONFIG names one, and there is no {}; name one, or call candor in the folder above config/", PLACES.join(" and no "))
    })
}

/// Loads the configuration at `path`.
///
/// # Errors
/// Every mistake found, in the order of the file.
pub fn load(path: &Path) -> Result<Settings, Vec<Diagnostic>> {
    let text = match read_text(path) {
        Ok(Some(text)) => text,
        Ok(None) => {
            return Err(vec![Diagnostic::whole_file(
                path,
                "the file does not exist",
                Some("write the file, or name the right one".to_owned()),
            )]);
        }
        Err(found) => return Err(found),
    };
    let folder = folder_of(path).map_err(|error| {
        vec![Diagnostic::whole_file(path, format!("the folder of the file cannot be used: {error}"), None)]
    })?;
    from_text(path, &folder, &text)
}

/// The configuration in `text`, as if it stood at `path`; relative paths start at `folder`, which is absolute.
///
/// # Errors
/// Every mistake found, in the order of the text.
pub fn from_text(path: &Path, folder: &Path, text: &str) -> Result<Settings, Vec<Diagnostic>> {
    let document = Document::parse(path, text)?;
    let (written, mut found) = document.read::<WrittenSettings>();
    let Some(written) = written else { return Err(found) };
    let meant = meaning::settings(&written, path, folder);
    let problems = match meant {
        Ok(settings) if found.is_empty() => return Ok(settings),
        Ok(_) => Vec::new(),
        Err(problems) => problems,
    };
    // A key that could not be read is left out of what is meant; that it is missing is no second mistake.
    let is_news = |key: &str| !found.iter().any(|earlier| earlier.key == key);
    let placed: Vec<Diagnostic> = problems.into_iter().map(|problem| document.place(problem)).collect();
    let placed: Vec<Diagnostic> = placed.into_iter().filter(|one| is_news(&one.key)).collect();
    found.extend(placed);
    found.sort_by_key(|one| (one.line, one.column));
    Err(found)
}

/// The text of a file of ours; `None` if it does not exist.
pub(super) fn read_text(path: &Path) -> Result<Option<String>, Vec<Diagnostic>> {
    let cannot_read = |error: std::io::Error| vec![Diagnostic::unreadable(path, &error)];
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot_read(error)),
    };
    if metadata.is_dir() {
        return Err(vec![Diagnostic::whole_file(
            path,
            "this is a folder; a file is expected",
            Some("name the file in it".to_owned()),
        )]);
    }
    if metadata.len() > MOST_BYTES {
        let message = format!("the file has {} bytes; at most {MOST_BYTES} are read", metadata.len());
        return Err(vec![Diagnostic::whole_file(path, message, None)]);
    }
    let bytes = std::fs::read(path).map_err(cannot_read)?;
    if is_utf_16(&bytes) {
        return Err(vec![Diagnostic::whole_file(
            path,
            "this is UTF-16 text",
            Some("save the file as UTF-8".to_owned()),
        )]);
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        vec![Diagnostic::whole_file(
            path,
            format!("line {line} is not UTF-8 text"),
            Some("save the file as UTF-8".to_owned()),
        )]
    })?;
    // A text of several lines is the same wherever it was written; the places of keys do not move by it.
    let text = text.replace("\r\n", "\n");
    Ok(Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
}

/// Whether a text begins with a byte order mark of UTF-16, as some editors and spreadsheets write.
pub fn is_utf_16(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff])
}

/// The folder of `path` in its real, absolute form: what relative paths start at.
fn folder_of(path: &Path) -> std::io::Result<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    folder.canonicalize()
}
