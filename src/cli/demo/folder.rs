//! The folder that the demo works in: a passing one, removed at the end whatever happens, or the one to keep.
//!
//! Deliberately absent: what the files mean.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::passes::ids;

const CONFIG: &str = include_str!("../../../config/demo/candor.toml");
const CLIENTS: &str = include_str!("../../../config/demo/clients.toml");
const PLAYBOOK: &str = include_str!("../../../config/demo/playbook.toml");

/// A folder that is still being written to is cleared so often at most.
const REMOVALS: usize = 20;

/// Where the demo's servers listen, and the secret of its webhooks.
pub struct Addresses {
    pub http: String,
    pub smtp: String,
    pub secret: String,
}

/// Whether the folder outlives the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Removed,
    Kept,
}

#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    fate: Fate,
}

/// Why there is no folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderFault {
    #[error("{0} is not empty")]
    NotEmpty(String),
    #[error(transparent)]
    Cannot(#[from] anyhow::Error),
}

impl Folder {
    /// The folder to keep, which is new or empty; else a passing one that only this user can read.
    ///
    /// # Errors
    /// The folder holds something already, or cannot be made.
    pub fn make(keep: Option<&Path>) -> Result<Folder, FolderFault> {
        let Some(path) = keep else {
            let path = std::env::temp_dir().join(format!("candor-demo-{}", &ids::state_id()[..12]));
            private(&path).with_context(|| format!("cannot make the folder {}", path.display()))?;
            return Ok(Folder { path, fate: Fate::Removed });
        };
        if path.exists() {
            let mut inside = path.read_dir().with_context(|| format!("cannot use {} as a folder", path.display()))?;
            if inside.next().is_some() {
                return Err(FolderFault::NotEmpty(path.display().to_string()));
            }
        } else {
            private(path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        }
        let path = path.canonicalize().with_context(|| format!("cannot use {}", path.display()))?;
        Ok(Folder { path, fate: Fate::Kept })
    }

    /// Writes configuration, clients and playbook with the addresses in their places.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write_files(&self, addresses: &Addresses) -> anyhow::Result<PathBuf> {
        for (name, text) in [("candor.toml", CONFIG), ("clients.toml", CLIENTS), ("playbook.toml", PLAYBOOK)] {
            let filled = text
                .replace("HTTP_ADDRESS", &addresses.http)
                .replace("SMTP_ADDRESS", &addresses.smtp)
                .replace("WEBHOOK_SECRET", &addresses.secret);
            self.write(name, filled.as_bytes())?;
        }
        Ok(self.path.join("candor.toml"))
    }

    /// Keeps a message, if anything is kept.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep_message(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        match self.fate {
            Fate::Removed => Ok(()),
            Fate::Kept => self.write(&format!("messages/{name}"), bytes),
        }
    }

    /// The folder, if it stays.
    pub fn kept(&self) -> Option<&Path> {
        match self.fate {
            Fate::Removed => None,
            Fate::Kept => Some(&self.path),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.path.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.fate == Fate::Kept {
            return;
        }
        // After Ctrl-C the state's writer may still put a file down while the folder is being cleared.
        let tries = std::iter::repeat_with(|| std::fs::remove_dir_all(&self.path)).take(REMOVALS);
        let gone = tries.into_iter().any(|removed| removed.is_ok() && !self.path.exists());
        if !gone && self.path.exists() {
            crate::cli::show::problem(&format!("{} could not be removed", self.path.display()));
        }
    }
}

fn private(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}
