//! How a test says that it cannot run on this machine: by name and reason, never by passing in silence.
//!
//! `tests/run` names a file in `CANDOR_SKIPS`; what stands there is counted as skipped instead of passed, and
//! printed with its reason. Deliberately absent: the attribute that ignores a test, which does not know whether it could have run.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Records that `test` was not run, and why. The caller returns right after it.
///
/// The reason names what is missing in the words of the person who can install it, e.g. "smtp-sink is missing: it
/// is part of the Debian package postfix".
pub fn skip(test: &str, reason: &str) {
    let Some(file) = std::env::var_os("CANDOR_SKIPS") else { return };
    let mut skips =
        std::fs::OpenOptions::new().create(true).append(true).open(file).expect("tests/run made a file for the skips");
    // One write a line: test binaries append at the same time.
    skips.write_all(format!("{test}\t{reason}\n").as_bytes()).expect("the file for the skips takes a line");
}

/// The first of `programs` that the search path has and that may be run. `/usr/sbin` is searched too: ordinary users lack it.
pub fn program(programs: &[&str]) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).chain(["/usr/sbin".into()]).collect();
    programs.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|file| runs(file))
}

fn runs(file: &Path) -> bool {
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
