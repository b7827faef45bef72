//! Whose the files are that we make: whose the folder is that they are made in.
//!
//! A command that root calls would else leave a file in the daemon's folder that the daemon cannot write.
//! Deliberately absent: rights of what is there already, and any change where we are not root.

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, fchown, lchown};
use std::path::Path;

/// Makes a folder of this mode (less the umask) with those above it. One that is there stays as it is.
///
/// # Errors
/// It cannot be made, or what has its name is no folder that we may look at.
pub fn make_folder(folder: &Path, mode: u32) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = parent(folder);
    if parent != folder {
        make_folder(parent, mode)?;
    }
    match DirBuilder::new().mode(mode).create(folder) {
        Ok(()) => {}
        // Somebody else was first; or it is a link to where we may not look, and then that is the fault to tell.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return if std::fs::metadata(folder)?.is_dir() { Ok(()) } else { Err(error) };
        }
        Err(error) => return Err(error),
    }
    let (made, owner) = (std::fs::symlink_metadata(folder)?, std::fs::metadata(parent)?);
    if made.uid() == owner.uid() {
        return Ok(());
    }
    unless_forbidden(lchown(folder, Some(owner.uid()), Some(owner.gid())))
}

/// Gives a file that has just been made in `folder` to the folder's owner.
///
/// # Errors
/// The folder cannot be looked at.
pub fn hand_over(file: &File, folder: &Path) -> io::Result<()> {
    let (made, owner) = (file.metadata()?, std::fs::metadata(folder)?);
    if made.uid() == owner.uid() {
        return Ok(());
    }
    unless_forbidden(fchown(file, Some(owner.uid()), Some(owner.gid())))
}

/// Only root can give things away; what anybody else makes stays theirs.
fn unless_forbidden(given: io::Result<()>) -> io::Result<()> {
    match given {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

/// The folder that a path lies in; `.` for a bare name.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, chown};

    use super::*;

    #[test]
    fn folders_are_made_with_their_mode_and_a_second_time_is_no_error() {
        let home = tempfile::tempdir().unwrap();
        let deep = home.path().join("one/two");
        make_folder(&deep, 0o700).unwrap();
        make_folder(&deep, 0o755).unwrap();
        for folder in [home.path().join("one"), deep.clone()] {
            assert_eq!(std::fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
        }
        std::fs::write(deep.join("file"), "").unwrap();
        assert_eq!(make_folder(&deep.join("file"), 0o700).unwrap_err().kind(), ErrorKind::AlreadyExists);
    }

    #[test]
    fn what_root_makes_in_the_folder_of_another_is_the_others() {
        const OTHER: u32 = 12345;
        let home = tempfile::tempdir().unwrap();
        let theirs = home.path().join("theirs");
        std::fs::create_dir(&theirs).unwrap();
        // Anybody but root cannot make the folder of another, and has nothing to give away.
        let expected = match chown(&theirs, Some(OTHER), Some(OTHER)) {
            Ok(()) => OTHER,
            Err(_) => std::fs::metadata(&theirs).unwrap().uid(),
        };
        make_folder(&theirs.join("a/b"), 0o700).unwrap();
        let file = File::create(theirs.join("file")).unwrap();
        hand_over(&file, &theirs).unwrap();
        for path in ["a", "a/b", "file"] {
            assert_eq!(std::fs::metadata(theirs.join(path)).unwrap().uid(), expected, "{path}");
        }
    }
}
