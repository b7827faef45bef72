//! The files of the repository, as the other tests here read them.

use std::path::{Path, PathBuf};

/// One text file: its path from the repository's root, with `/`, and what it holds.
pub struct TextFile {
    pub path: String,
    pub text: String,
}

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the repository; `None` if it is not there.
pub fn text(path: &str) -> Option<String> {
    std::fs::read_to_string(root().join(path)).ok()
}

/// Every file below `folder` that ends with `ending`, in the order of paths; empty if there is no such folder.
pub fn files_below(folder: &str, ending: &str) -> Vec<TextFile> {
    let mut paths = Vec::new();
    collect(&root().join(folder), &mut paths);
    paths.sort();
    paths
        .into_iter()
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .filter_map(|path| {
            let text = std::fs::read_to_string(&path).ok()?;
            let path = path.strip_prefix(root()).expect("it was found below the root");
            Some(TextFile { path: path.to_string_lossy().into_owned(), text })
        })
        .collect()
}

/// Every Rust file of the project.
pub fn rust_files() -> Vec<TextFile> {
    ["src", "tests", "benches"].into_iter().flat_map(|folder| files_below(folder, ".rs")).collect()
}

/// The part of a source file that ships: everything above its unit tests, without comments.
///
/// Unit tests stand at the foot of a file, so the first `#[cfg(test)]` followed by `mod` ends it.
pub fn shipped_code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
    text[..end].lines().map(without_comment).collect::<Vec<_>>().join("\n")
}

fn without_comment(line: &str) -> &str {
    let start = line.match_indices("//").find(|(at, _)| line[..*at].matches('"').count().is_multiple_of(2));
    start.map_or(line, |(at, _)| &line[..at])
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() { collect(&path, paths) } else { paths.push(path) }
    }
}

#[test]
fn comments_and_unit_tests_are_not_shipped_code() {
    fn check(text: &str, shipped: &str) {
        assert_eq!(shipped_code(text), shipped, "of {text:?}");
    }
    check("let a = 1; // one", "let a = 1; ");
    check("//! who it is\nuse x;", "\nuse x;");
    check("let url = \"https://example.com\"; // ours", "let url = \"https://example.com\"; ");
    check("fn f() {}\n#[cfg(test)]\nmod tests {\n}", "fn f() {}");
}
