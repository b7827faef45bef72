//! What tells that a file has changed: its size, its time and the hash of its content.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

/// One file as it is now. Equal hashes mean equal content, whatever the time says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    pub file: PathBuf,
    pub bytes: u64,
    /// Milliseconds since 1970; 0 where the file system tells none.
    pub modified_ms: i64,
    /// SHA-256.
    pub hash: [u8; 32],
}

/// The fingerprints of the client files at `path`, in the order in which they are read.
///
/// # Errors
/// One of them cannot be read; the error names it.
pub fn fingerprint(path: &Path) -> std::io::Result<Vec<Fingerprint>> {
    let files = super::clients::files(path)
        .map_err(|found| std::io::Error::other(found.iter().map(ToString::to_string).collect::<String>()))?;
    files.iter().map(|file| of_file(file)).collect()
}

/// The fingerprint of one file, read in pieces.
pub fn of_file(file: &Path) -> std::io::Result<Fingerprint> {
    let named = |error: std::io::Error| std::io::Error::new(error.kind(), format!("{}: {error}", file.display()));
    let mut opened = File::open(file).map_err(named)?;
    let metadata = opened.metadata().map_err(named)?;
    let since_1970 = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        let count = opened.read(&mut piece).map_err(named)?;
        if count == 0 {
            break;
        }
        bytes += count as u64;
        hasher.update(&piece[..count]);
    }
    Ok(Fingerprint {
        file: file.to_owned(),
        bytes,
        modified_ms: since_1970.and_then(|time| i64::try_from(time.as_millis()).ok()).unwrap_or_default(),
        hash: hasher.finalize().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_fingerprinted_file_by_file_in_the_order_of_names() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [("b.toml", "x"), ("a.csv", "id\n"), (".hidden.toml", "y"), ("README.md", "z")] {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        let first = fingerprint(folder.path()).expect("is readable");
        let names: Vec<_> = first.iter().filter_map(|one| one.file.file_name()).collect();
        assert_eq!(names, ["a.csv", "b.toml"]);
        std::fs::write(folder.path().join("b.toml"), "w").expect("a file");
        let second = fingerprint(folder.path()).expect("is readable");
        assert_eq!(first[0].hash, second[0].hash);
        assert_ne!(first[1].hash, second[1].hash);
    }

    #[test]
    fn what_does_not_exist_has_no_files() {
        assert_eq!(fingerprint(Path::new("/nonexistent/clients.toml")).expect("is empty"), []);
    }
}
