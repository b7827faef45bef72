//! Reads the folder `templates` into a map of relative path to content, for `render::templates` to parse.
//!
//! A folder that is not there has nothing in it: all templates are then the built-in ones. Deliberately
//! absent: what the files mean.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The most bytes of one file.
const MOST_OF_FILE: u64 = 256 * 1024;
/// The most files in the folder and its languages.
const MOST_FILES: usize = 500;

/// Every `.txt`, `.html` and `.toml` file of the folder and of the folders in it (`de/words.toml`), by its
/// path with `/`. Dot files and other endings are left alone.
pub fn read_templates(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    if !folder.exists() {
        return Ok(files);
    }
    for (name, path) in entries(folder)? {
        if path.is_dir() {
            for (inner, path) in entries(&path)?.into_iter().filter(|(_, path)| path.is_file()) {
                take(&mut files, format!("{name}/{inner}"), &path)?;
            }
        } else {
            take(&mut files, name, &path)?;
        }
    }
    Ok(files)
}

fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let shown = folder.display();
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read the templates folder {shown}"))? {
        let path = entry.with_context(|| format!("cannot read the templates folder {shown}"))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            bail!("{}: the name is not UTF-8; rename the file", path.display());
        };
        if !name.starts_with('.') {
            found.push((name.to_owned(), path.clone()));
        }
    }
    found.sort();
    Ok(found)
}

fn take(files: &mut BTreeMap<String, String>, name: String, path: &Path) -> Result<()> {
    let is_ours = [".txt", ".html", ".toml"].iter().any(|ending| name.ends_with(ending));
    if !is_ours {
        return Ok(());
    }
    let shown = path.display();
    let size = fs::metadata(path).with_context(|| format!("cannot read {shown}"))?.len();
    if size > MOST_OF_FILE {
        bail!("{shown}: {size} bytes; a template has at most {MOST_OF_FILE}");
    }
    if files.len() >= MOST_FILES {
        bail!("{shown}: more than {MOST_FILES} templates; is this the folder you meant?");
    }
    let content = fs::read_to_string(path).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => anyhow::anyhow!("{shown}: is not UTF-8"),
        _ => anyhow::Error::new(error).context(format!("cannot read {shown}")),
    })?;
    files.insert(name, content);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_becomes_a_map_of_relative_paths() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("de")).unwrap();
        for (name, content) in [("mail.txt", "a"), ("de/words.toml", "b"), ("README.md", "c"), (".mail.txt.swp", "d")] {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let files = read_templates(folder.path()).unwrap();
        let expected =
            BTreeMap::from([("de/words.toml".to_owned(), "b".to_owned()), ("mail.txt".to_owned(), "a".to_owned())]);
        assert_eq!(files, expected);
    }

    #[test]
    fn a_folder_that_is_not_there_is_empty() {
        assert!(read_templates(Path::new("/no/such/templates")).unwrap().is_empty());
    }

    #[test]
    fn a_file_that_is_no_text_or_too_large_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mail.txt"), [0xff, 0xfe]).unwrap();
        let error = read_templates(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("mail.txt: is not UTF-8"), "{error}");
        fs::write(folder.path().join("mail.txt"), vec![b'a'; 300_000]).unwrap();
        let error = read_templates(folder.path()).unwrap_err().to_string();
        assert!(error.contains("mail.txt: 300000 bytes"), "{error}");
    }
}
