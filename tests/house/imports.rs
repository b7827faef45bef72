//! The direction of imports: `main -> cli -> daemon -> passes, web -> store, channel, feed, hook -> render ->
//! domain`, never back, never sideways between passes, channels, feeds or hooks. And the purity of `domain/` and
//! `render/`: no clock, dice, socket, file, log or async.

use crate::tree::{TextFile, files_below, shipped_code};

/// Each room and the rooms that its files may import. `config` may be read by everything above `domain`.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("config", &["domain"]),
    ("render", &["domain", "config"]),
    ("store", &["render", "domain", "config"]),
    ("channel", &["render", "domain", "config"]),
    ("feed", &["render", "domain", "config"]),
    ("hook", &["render", "domain", "config"]),
    ("passes", &["store", "channel", "feed", "hook", "render", "domain", "config"]),
    // A webhook is recorded by the one way in, which is the ingest pass.
    ("web", &["passes", "store", "channel", "feed", "hook", "render", "domain", "config"]),
    ("daemon", &["passes", "web", "store", "channel", "feed", "hook", "render", "domain", "config"]),
    ("cli", &["daemon", "passes", "web", "store", "channel", "feed", "hook", "render", "domain", "config"]),
];

/// Rooms of equals, and the files (or folders) in them that must not know each other. What the equals of a room
/// share stands beside them under another name.
const EQUALS: &[(&str, &[&str])] = &[
    ("passes", &["ingest", "dispatch", "keep", "deliver"]),
    ("channel", &["email", "maildir", "webhook"]),
    ("feed", &["statuspage", "file"]),
    ("hook", &["native", "statuspage"]),
];

/// Parts of a room that its equals may import, each with the reason.
const SHARED: &[(&str, &str, &str)] = &[(
    "feed",
    "update_format",
    "the contract has one update format for the feed `file`, the hook `native` and the command line",
)];

/// What a pure room never holds.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio",
    "tracing::",
    "reqwest",
    "rusqlite",
    "async fn",
    "async move",
    ".await",
    "now_v7",
    "new_v4",
    "::now()",
];

/// The rooms of ours that a source text names: `crate::ROOM…`, `candor::ROOM…` and `crate::{ROOM…, ROOM…}`, each
/// with the name that follows the room, if there is one.
fn names_of_ours(code: &str) -> Vec<(String, Option<String>)> {
    let mut names = Vec::new();
    for root in ["crate::", "candor::"] {
        for (at, _) in code.match_indices(root) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
                continue;
            }
            for path in paths_of(&code[at + root.len()..]) {
                let mut words = path.split("::").map(str::trim);
                let room = words.next().unwrap_or_default().to_owned();
                names.push((room, words.next().map(|word| word.trim_start_matches('{').to_owned())));
            }
        }
    }
    names
}

/// The paths that stand at the beginning of `code`: one, or those of a group in braces.
fn paths_of(code: &str) -> Vec<String> {
    let is_path = |c: &char| c.is_alphanumeric() || *c == '_' || *c == ':';
    let Some(group) = code.strip_prefix('{') else {
        return vec![code.chars().take_while(is_path).collect()];
    };
    let (mut depth, mut path, mut paths) = (0_usize, String::new(), Vec::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => paths.push(std::mem::take(&mut path)),
            _ if depth == 0 && is_path(&c) => path.push(c),
            _ => {}
        }
    }
    paths.push(path);
    paths.retain(|path| !path.is_empty());
    paths
}

/// The Rust files below `folder` but those of unit tests, which may look anywhere.
fn shipped_files(folder: &str) -> impl Iterator<Item = TextFile> {
    files_below(folder, ".rs")
        .into_iter()
        .filter(|file| !file.path.ends_with("/tests.rs") && !file.path.contains("/tests/"))
}

/// `src/channel/webhook/sign.rs` is the room `channel` and in it the equal `webhook`.
fn place_of(path: &str) -> (&str, &str) {
    let mut parts = path.trim_start_matches("src/").split('/');
    let room = parts.next().unwrap_or_default();
    (room, parts.next().unwrap_or_default().trim_end_matches(".rs"))
}

#[test]
fn imports_go_one_way() {
    let mut faults = Vec::new();
    for file in shipped_files("src") {
        let (room, _) = place_of(&file.path);
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == room) else { continue };
        let code = shipped_code(&file.text);
        for (named, part) in names_of_ours(&code) {
            let is_room = MAY_IMPORT.iter().any(|(name, _)| *name == named);
            let is_shared = room != "domain"
                && SHARED.iter().any(|(room, name, _)| *room == named && part.as_deref() == Some(*name));
            if is_shared {
                continue;
            }
            if is_room && named != room && !allowed.contains(&named.as_str()) {
                faults.push(format!("{}: {room} must not know {named}", file.path));
            }
        }
        if code.contains("super::super::super") {
            faults.push(format!("{}: write crate:: instead of climbing by super", file.path));
        }
    }
    assert!(faults.is_empty(), "src/README.md, Rooms, says which way imports go:\n{}", faults.join("\n"));
}

#[test]
fn equals_do_not_know_each_other() {
    let mut faults = Vec::new();
    for (room, equals) in EQUALS {
        for file in shipped_files(&format!("src/{room}")) {
            let (_, own) = place_of(&file.path);
            if !equals.contains(&own) {
                continue;
            }
            let code = shipped_code(&file.text);
            let by_crate = names_of_ours(&code).into_iter().filter(|(named, _)| named == room).filter_map(|(_, it)| it);
            let by_super = code.match_indices("super::").flat_map(|(at, _)| paths_of(&code[at + "super::".len()..]));
            for named in by_crate.chain(by_super.filter_map(|path| path.split("::").next().map(str::to_owned))) {
                if named != own && equals.contains(&named.as_str()) {
                    faults.push(format!("{}: {own} must not know {named}; they meet in the database", file.path));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_room_is_on_the_list_of_directions() {
    for entry in std::fs::read_dir(crate::tree::root().join("src")).expect("src/ is there").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            assert!(
                MAY_IMPORT.iter().any(|(room, _)| *room == name),
                "src/{name}/ is a new room: say in MAY_IMPORT what it may know, and in src/README.md what it is"
            );
        }
    }
}

#[test]
fn what_decides_is_pure() {
    let mut faults = Vec::new();
    for file in ["src/domain", "src/render"].into_iter().flat_map(shipped_files) {
        let code = shipped_code(&file.text);
        for word in IMPURE.iter().filter(|word| code.contains(**word)) {
            faults.push(format!("{} holds {word:?}", file.path));
        }
    }
    assert!(
        faults.is_empty(),
        "domain/ and render/ have no clock, dice, socket, file, log or async; take it as an argument:\n{}",
        faults.join("\n")
    );
}

#[test]
fn paths_are_found_in_every_form_of_use() {
    fn check(code: &str, expected: &[(&str, Option<&str>)]) {
        let found = names_of_ours(code);
        let found: Vec<_> = found.iter().map(|(room, name)| (room.as_str(), name.as_deref())).collect();
        assert_eq!(found, expected, "in {code:?}");
    }
    check("use crate::store::Store;", &[("store", Some("Store"))]);
    check("use crate::{domain::case::Case, store};", &[("domain", Some("case")), ("store", None)]);
    check("use crate::{\n    domain::{case, client},\n    web,\n};", &[("domain", Some("")), ("web", None)]);
    check("let x = crate::daemon::now();", &[("daemon", Some("now"))]);
    check("pub(crate) fn f() {}", &[]);
    check("use candor::cli;", &[("cli", None)]);
    check("use $crate::cli;", &[]);
}
