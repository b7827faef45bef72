//! What no file may be or hold: too long, unfinished, tied to one machine, forgotten.

use std::path::Path;
use std::process::Command;

use crate::tree::{TextFile, files_below, root, rust_files, text};

const MOST_LINES: usize = 400;

/// What may stand at the top, beside files whose name begins with a dot.
const TOP_LEVEL: &[&str] = &[
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "assets",
    "benches",
    "clippy.toml",
    "config",
    "deny.toml",
    "rustfmt.toml",
    "src",
    "systemd",
    "tests",
];

/// Everything that people write here: not what a test recorded or a source once said.
fn written_files() -> Vec<TextFile> {
    let mut files: Vec<_> = ["src", "tests", "benches", "config", "systemd", ".ci"]
        .into_iter()
        .flat_map(|folder| files_below(folder, ""))
        .filter(|file| !file.path.starts_with("tests/fixtures/") && !file.path.ends_with(".snap"))
        .collect();
    for path in ["README.md", "CHANGELOG.md", "Cargo.toml", "clippy.toml", "deny.toml"] {
        let text = text(path).expect("the files that every release has are there");
        files.push(TextFile { path: path.to_owned(), text });
    }
    files
}

#[test]
fn files_are_of_one_thing() {
    for file in rust_files() {
        let lines = file.text.lines().count();
        assert!(
            lines <= MOST_LINES,
            "{} has {lines} lines, tests included, of {MOST_LINES} at most: part it by one thing each; unit tests \
             that are long stand in a tests.rs of their own",
            file.path
        );
    }
}

#[test]
fn nothing_is_unfinished_or_tied_to_one_machine() {
    // Put together here, so that this file does not hold them.
    let forbidden = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("FIX", "ME"),
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("#[ign", "ore"),
    ];
    let mut faults = Vec::new();
    for file in written_files() {
        for (number, line) in file.text.lines().enumerate() {
            for word in forbidden.iter().filter(|word| line.contains(**word)) {
                faults.push(format!("{}:{}: {word}", file.path, number + 1));
            }
        }
    }
    assert!(faults.is_empty(), "these have no place here:\n{}", faults.join("\n"));
}

#[test]
fn little_stands_at_the_top_level() {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    let listed = match listed {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        Ok(_) | Err(_) => {
            return crate::skip::skip("little_stands_at_the_top_level", "this is not a git checkout");
        }
    };
    for path in listed.split('\0').filter(|path| !path.is_empty()) {
        let top = path.split('/').next().unwrap_or_default();
        assert!(top.starts_with('.') || TOP_LEVEL.contains(&top), "{top} does not belong at the top level");
    }
}

#[test]
fn no_fixture_is_forgotten() {
    let sources: String = rust_files().into_iter().map(|file| file.text).collect();
    let mut paths = Vec::new();
    list(&root().join("tests/fixtures"), &mut paths);
    let forgotten: Vec<_> = paths
        .iter()
        .filter(|path| !path.ends_with(".md"))
        .filter(|path| {
            !path.split('/').any(|part| sources.contains(&format!("{part}\"")) || sources.contains(&format!("{part}/")))
        })
        .collect();
    assert!(forgotten.is_empty(), "no test names these or their folder: {forgotten:#?}");
}

/// Lists the files below `folder`, by their paths from there.
fn list(folder: &Path, paths: &mut Vec<String>) {
    fn walk(top: &Path, folder: &Path, paths: &mut Vec<String>) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                walk(top, &path, paths);
            } else {
                paths.push(path.strip_prefix(top).expect("it was found there").to_string_lossy().into_owned());
            }
        }
    }
    walk(folder, folder, paths);
}

#[test]
fn no_snapshot_waits_or_outlived_its_test() {
    for snapshot in ["src", "tests"].into_iter().flat_map(|folder| files_below(folder, "")) {
        assert!(!snapshot.path.ends_with(".snap.new"), "{} waits for a decision", snapshot.path);
        if !snapshot.path.ends_with(".snap") {
            continue;
        }
        let source = snapshot.text.lines().find_map(|line| line.strip_prefix("source: "));
        let source = source.unwrap_or_else(|| panic!("{} does not say what made it", snapshot.path));
        assert!(
            root().join(source.trim_matches('"')).exists(),
            "{} was made by {source}, which is gone",
            snapshot.path
        );
    }
}

#[test]
fn every_forbidden_call_and_every_ignored_advisory_has_a_reason() {
    let clippy: toml::Table = text("clippy.toml").expect("it is there").parse().expect("clippy.toml is TOML");
    for list in ["disallowed-methods", "disallowed-types"] {
        for entry in clippy[list].as_array().expect("a list") {
            assert!(entry.get("reason").is_some_and(|reason| !reason.to_string().is_empty()), "{entry} has no reason");
        }
    }
    let deny: toml::Table = text("deny.toml").expect("it is there").parse().expect("deny.toml is TOML");
    for entry in deny["advisories"]["ignore"].as_array().expect("a list") {
        let reason = entry.get("reason").and_then(toml::Value::as_str).unwrap_or_default();
        let dated = reason.get(..10).is_some_and(|date| date.parse::<jiff::civil::Date>().is_ok());
        assert!(dated, "an ignored advisory begins with the date of its reason: {entry}");
    }
}
