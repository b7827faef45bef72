//! Mail as files: a Maildir (`tmp`, `new`, `cur`) that any mail reader opens.
//!
//! The file's name comes from the message's key, so a repeat takes the place of its forerunner as long as no
//! reader has moved it. Deliberately absent: reading, flags, and the clock.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::config::owner;
use crate::domain::delivery::{Cause, Outcome};

/// A folder that takes mail.
#[derive(Debug, Clone)]
pub struct Maildir {
    path: PathBuf,
}

/// What could not be done. `Placed` is the one that leaves a file to be seen.
enum Broken {
    Folder(io::Error),
    Write(io::Error),
    Placed(io::Error),
}

impl Maildir {
    pub fn new(path: PathBuf) -> Maildir {
        Maildir { path }
    }

    /// Writes one message: delivered once file and folder are synchronised to disk.
    pub async fn send(&self, key: &str, message: &[u8]) -> Outcome {
        let (path, name, message) = (self.path.clone(), file_name(key), message.to_vec());
        let receipt = format!("maildir: {name}");
        let done = tokio::task::spawn_blocking(move || place(&path, &name, &message)).await;
        settled(done, receipt)
    }

    /// Whether a message could be written now: the folders stand, and a file can be made and removed.
    pub async fn probe(&self) -> Outcome {
        let path = self.path.clone();
        let done = tokio::task::spawn_blocking(move || try_out(&path)).await;
        settled(done, "the folder is ready".to_owned())
    }
}

fn settled(done: Result<Result<(), Broken>, tokio::task::JoinError>, receipt: String) -> Outcome {
    let deferred =
        |phase: &str, text: &str| Outcome::Deferred { cause: Cause::new(phase, None, text), retry_after: None };
    match done {
        Ok(Ok(())) => Outcome::Delivered { receipt },
        Ok(Err(Broken::Folder(error))) => deferred("connect", &format!("the folder cannot be used: {error}")),
        Ok(Err(Broken::Write(error))) => deferred("body", &format!("the file cannot be written: {error}")),
        Ok(Err(Broken::Placed(error))) => Outcome::Uncertain {
            cause: Cause::new("final", None, &format!("the folder cannot be synchronised: {error}")),
        },
        Err(_) => Outcome::Uncertain { cause: Cause::new("final", None, "the write was cut short") },
    }
}

fn place(path: &Path, name: &str, message: &[u8]) -> Result<(), Broken> {
    make_folders(path).map_err(Broken::Folder)?;
    let (draft, new) = (path.join("tmp").join(name), path.join("new"));
    write(&draft, message).and_then(|()| fs::rename(&draft, new.join(name))).map_err(|error| {
        // A half-written draft is of no use; what hinders its removal is told by the first error.
        let _ = fs::remove_file(&draft);
        Broken::Write(error)
    })?;
    File::open(&new).and_then(|folder| folder.sync_all()).map_err(Broken::Placed)
}

fn try_out(path: &Path) -> Result<(), Broken> {
    make_folders(path).map_err(Broken::Folder)?;
    let draft = path.join("tmp").join("candor.probe");
    write(&draft, b"probe\n").and_then(|()| fs::remove_file(&draft)).map_err(Broken::Write)
}

fn make_folders(path: &Path) -> io::Result<()> {
    ["tmp", "new", "cur"].iter().try_for_each(|folder| owner::make_folder(&path.join(folder), 0o777))
}

fn write(path: &Path, message: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    owner::hand_over(&file, owner::parent(path))?;
    file.write_all(message)?;
    file.sync_all()
}

/// A name without `/`, `:` or a leading dot: the readable part of the key, and enough of its hash to be unique.
fn file_name(key: &str) -> String {
    const READABLE: usize = 60;
    let keep = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    let readable: String = key.chars().map(keep).take(READABLE).collect();
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(key.as_bytes())[..8]);
    format!("{readable}.{hash}.candor")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("the folder stands");
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect()
    }

    #[tokio::test]
    async fn a_mail_becomes_a_file_in_new_and_a_repeat_takes_its_place() {
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join("deep/mail");
        let maildir = Maildir::new(path.clone());
        let first = maildir.send("inc-1:ops@acme.example:3", b"one\r\n").await;
        let repeat = maildir.send("inc-1:ops@acme.example:3", b"two\r\n").await;
        assert_eq!(first, repeat);
        let Outcome::Delivered { receipt } = first else { panic!("{first:?}") };
        let found = names(&path.join("new"));
        assert_eq!(vec![receipt.strip_prefix("maildir: ").expect("named").to_owned()], found);
        assert_eq!(fs::read(path.join("new").join(&found[0])).expect("readable"), b"two\r\n");
        assert!(names(&path.join("tmp")).is_empty() && path.join("cur").is_dir());
        maildir.send("inc-1:ops@acme.example:4", b"three\r\n").await;
        assert_eq!(names(&path.join("new")).len(), 2);
    }

    #[test]
    fn a_name_is_safe_and_no_two_keys_share_one() {
        let keys = ["a/b", "a:b", "../../etc/passwd", ".hidden", "", "é", &"k".repeat(300), &"k".repeat(301)];
        let mut seen = std::collections::BTreeSet::new();
        for key in keys {
            let name = file_name(key);
            assert!(name.len() <= 100 && name.is_ascii() && !name.contains(['/', ':']), "{name}");
            assert!(!name.starts_with("..") && seen.insert(name));
        }
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_deferred() {
        let home = tempfile::tempdir().expect("a folder");
        let file = home.path().join("a-file");
        fs::write(&file, "in the way").expect("written");
        let blocked = Maildir::new(file);
        assert!(matches!(blocked.send("k", b"x").await, Outcome::Deferred { cause, .. } if cause.phase == "connect"));
        assert!(matches!(blocked.probe().await, Outcome::Deferred { .. }));

        let maildir = Maildir::new(home.path().join("mail"));
        assert!(matches!(maildir.probe().await, Outcome::Delivered { .. }));
        let taken = home.path().join("mail/tmp").join(file_name("k"));
        fs::create_dir(&taken).expect("a folder where the draft would be");
        assert!(matches!(maildir.send("k", b"x").await, Outcome::Deferred { cause, .. } if cause.phase == "body"));
    }

    #[tokio::test]
    async fn a_full_disk_is_deferred() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            return;
        }
        let home = tempfile::tempdir().expect("a folder");
        let maildir = Maildir::new(home.path().to_owned());
        maildir.probe().await;
        std::os::unix::fs::symlink(full, home.path().join("tmp").join(file_name("k"))).expect("a link");
        let got = maildir.send("k", b"x").await;
        assert!(matches!(&got, Outcome::Deferred { cause, .. } if cause.phase == "body"), "{got:?}");
        assert!(names(&home.path().join("new")).is_empty());
    }
}
