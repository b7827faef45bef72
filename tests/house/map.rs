//! The map (`src/README.md`) against the tree: it names every room and every module, and nothing that is not there.
//!
//! The list of modules in it is made from the first sentence of each file. To bring it up to date:
//! `CANDOR_UPDATE_MAP=1 cargo test --test house map`.

use std::fmt::Write as _;

use crate::tree::{files_below, root, text};

const MAP: &str = "src/README.md";
const BEGIN: &str = "<!-- modules: made by CANDOR_UPDATE_MAP=1 cargo test --test house map -->\n";
const END: &str = "<!-- end of modules -->";

/// The first sentence of the `//!` lines that a file opens with; `None` if it opens with none.
fn first_sentence(source: &str) -> Option<String> {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let paragraph: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let paragraph = paragraph.join(" ");
    let end = paragraph.find(". ").map_or(paragraph.len(), |at| at + 1);
    (!paragraph.is_empty()).then(|| without_links(paragraph[..end].trim_end_matches(['.', ':'])))
}

/// rustdoc's links lead nowhere in the map: [`Case`](crate::Case) becomes `Case`.
fn without_links(sentence: &str) -> String {
    let mut parts = sentence.split("`]");
    let mut plain = parts.next().unwrap_or_default().replace("[`", "`");
    for part in parts {
        let after = part.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(part, |(_, after)| after);
        plain.push('`');
        plain.push_str(&after.replace("[`", "`"));
    }
    plain
}

/// Unit tests that have a file of their own, beside what they test.
fn is_unit_tests(path: &str) -> bool {
    path.ends_with("/tests.rs")
}

/// The list of modules as the map should hold it: one line a file, under its room.
fn modules() -> String {
    let mut list = String::new();
    let mut last_room = String::new();
    for file in files_below("src", ".rs").into_iter().filter(|file| !is_unit_tests(&file.path)) {
        let path = file.path.trim_start_matches("src/");
        let room = path.split_once('/').map_or(String::new(), |(room, _)| format!("{room}/"));
        if room != last_room {
            write!(list, "\n**`{room}`**\n\n").expect("a String takes what it is given");
            last_room = room;
        }
        let what = first_sentence(&file.text).unwrap_or_else(|| "(opens with no sentence)".to_owned());
        writeln!(list, "- `{path}` — {what}").expect("a String takes what it is given");
    }
    list
}

#[test]
fn every_module_opens_with_who_it_is() {
    let faults: Vec<_> = crate::tree::rust_files()
        .into_iter()
        .filter(|file| !file.path.starts_with("tests/fixtures/") && !is_unit_tests(&file.path))
        .filter(|file| first_sentence(&file.text).is_none())
        .map(|file| file.path)
        .collect();
    assert!(faults.is_empty(), "these open without //!, who they are and what is deliberately absent: {faults:#?}");
}

#[test]
fn the_map_names_every_module() {
    let map = text(MAP).expect("src/README.md is the map");
    let (head, rest) = map.split_once(BEGIN).expect("the map says where its list of modules begins");
    let (written, tail) = rest.split_once(END).expect("the map says where its list of modules ends");
    let made = modules();
    if std::env::var_os("CANDOR_UPDATE_MAP").is_some() {
        // Renamed into place: the tests beside this one read the map meanwhile.
        let new = root().join("src/.README.md.new");
        std::fs::write(&new, format!("{head}{BEGIN}{made}\n{END}{tail}")).expect("the new map can be written");
        std::fs::rename(new, root().join(MAP)).expect("the new map can take the place of the old one");
        return;
    }
    let differing: Vec<_> = made
        .lines()
        .filter(|line| !written.contains(line))
        .map(|line| format!("+ {line}"))
        .chain(written.lines().filter(|line| !made.contains(line)).map(|line| format!("- {line}")))
        .collect();
    assert!(
        differing.is_empty() && written.trim() == made.trim(),
        "the list of modules is not that of the tree; CANDOR_UPDATE_MAP=1 cargo test --test house map\n{}",
        differing.join("\n")
    );
}

#[test]
fn the_map_names_nothing_that_is_not_there() {
    let map = text(MAP).expect("src/README.md is the map");
    let missing: Vec<_> = code_spans(&map)
        .filter(|span| looks_like_a_path(span))
        .filter(|span| !["", "src/", "src/domain/"].iter().any(|folder| root().join(folder).join(span).exists()))
        .collect();
    assert!(missing.is_empty(), "the map names what is not in the tree: {missing:?}");
}

#[test]
fn the_map_names_every_room_and_top_level_folder() {
    let map = text(MAP).expect("src/README.md is the map");
    let rooms = map.split_once("## Rooms").and_then(|(_, rest)| rest.split_once("\n## ")).map(|(rooms, _)| rooms);
    let rooms = rooms.expect("the map has a part named Rooms");
    for folder in ["", "src"] {
        for entry in std::fs::read_dir(root().join(folder)).expect("the folder is there").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_dir() && !name.starts_with('.') && !["target", "var"].contains(&name.as_str()) {
                assert!(
                    rooms.lines().any(|line| line.trim_start().starts_with(&format!("{name}/"))),
                    "Rooms lacks {name}/"
                );
            }
        }
    }
}

fn code_spans(markdown: &str) -> impl Iterator<Item = &str> {
    markdown.split("```").step_by(2).flat_map(|prose| prose.split('`').skip(1).step_by(2))
}

/// A path of ours ends with `.rs` or `/`, or begins with a folder that we have; patterns and addresses are none.
fn looks_like_a_path(span: &str) -> bool {
    let plain = span.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    plain && (span.ends_with(".rs") || (span.ends_with('/') && !span.starts_with('/')))
}

#[test]
fn a_file_is_described_by_its_first_sentence() {
    fn check(source: &str, expected: Option<&str>) {
        assert_eq!(first_sentence(source).as_deref(), expected, "of {source:?}");
    }
    check("//! Decides.\n//!\n//! Absent: a clock.\n", Some("Decides"));
    check("//! Decides what is new. Pure.\n", Some("Decides what is new"));
    check("//! One sentence over\n//! two lines. Another.\n", Some("One sentence over two lines"));
    check("//! Carries [`Lane`]s, see [`Case`](crate::Case).", Some("Carries `Lane`s, see `Case`"));
    check("use x;\n//! late\n", None);
    check("", None);
}
