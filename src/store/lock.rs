//! One daemon to one state: a lock of the operating system on `<state>.lock`.
//!
//! The file is never deleted (deleting it would let two processes lock two files of the same name); it holds
//! the pid of its owner for the message to whoever comes second. The kernel frees the lock with the process.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::error::OpenError;
use crate::config::owner;

/// Held as long as this value lives.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
}

/// Who holds the state.
#[derive(Debug)]
pub enum Locked {
    Ours(StateLock),
    /// Another process; its pid as it wrote it, or `?`.
    HeldBy(String),
}

/// The lock file of a state. That it exists without its state shows that there was a state before.
pub fn lock_path(state: &Path) -> PathBuf {
    let mut name = state.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// Takes the lock if it is free; never waits. Makes the folder and the lock file if need be.
pub fn lock(state: &Path) -> Result<Locked, OpenError> {
    let path = lock_path(state);
    let folder = owner::parent(&path);
    super::sqlite::make_folder(folder)?;
    let io = |doing| {
        let path = path.clone();
        move |source| OpenError::Io { path, doing, source }
    };
    let mut file = super::sqlite::private_file().open(&path).map_err(io("open"))?;
    owner::hand_over(&file, folder).map_err(io("give to its folder's owner"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Locked::HeldBy(owner(&mut file))),
        Err(TryLockError::Error(source)) => return Err(io("lock")(source)),
    }
    file.set_len(0).map_err(io("write"))?;
    file.write_all(format!("{}\n", std::process::id()).as_bytes()).map_err(io("write"))?;
    Ok(Locked::Ours(StateLock { _file: file }))
}

fn owner(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(20).read_to_string(&mut text) {
        Ok(_) if text.trim().bytes().all(|byte| byte.is_ascii_digit()) && !text.trim().is_empty() => {
            text.trim().to_owned()
        }
        Ok(_) | Err(_) => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_locked_once_and_the_second_learns_by_whom() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("deep/candor.db");
        let first = lock(&state).unwrap();
        assert!(matches!(first, Locked::Ours(_)));
        match lock(&state).unwrap() {
            Locked::HeldBy(pid) => assert_eq!(pid, std::process::id().to_string()),
            Locked::Ours(_) => panic!("locked twice"),
        }
        drop(first);
        assert!(matches!(lock(&state).unwrap(), Locked::Ours(_)));
        assert!(lock_path(&state).exists());
    }
}
