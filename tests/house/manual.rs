//! The README against what it describes: every key of the shipped configuration has its row, every command it
//! gives is one that there is, every file it points at exists.

use crate::tree::{root, text};

/// The keys that a TOML text shows, written or commented out, with their table in front: `sender.name`, `state`.
fn keys_shown(toml: &str) -> Vec<String> {
    let mut table = String::new();
    let mut keys = Vec::new();
    for line in toml.lines() {
        let line = line.trim_start_matches(['#', ' ']);
        if let Some(header) = line.strip_prefix('[') {
            let name = header.trim_start_matches('[').split(']').next().unwrap_or_default();
            if !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '.') {
                table = format!("{name}.");
            }
            continue;
        }
        let Some((key, _)) = line.split_once('=') else { continue };
        let key = key.trim_end();
        if !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
            keys.push(format!("{table}{key}"));
        }
    }
    keys.sort();
    keys.dedup();
    keys
}

fn readme() -> String {
    text("README.md").expect("there is a README")
}

#[test]
fn every_key_of_the_shipped_files_is_in_the_readme() {
    let readme = readme();
    for file in ["config/candor.toml", "config/clients.toml", "config/playbook.toml"] {
        let Some(shipped) = text(file) else { continue };
        let missing: Vec<_> =
            keys_shown(&shipped).into_iter().filter(|key| !readme.contains(&format!("| `{key}` |"))).collect();
        assert!(missing.is_empty(), "{file} shows keys that have no row in the README's reference: {missing:?}");
    }
}

#[test]
fn every_file_the_readme_points_at_is_there() {
    let readme = readme();
    for link in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let is_ours = !link.contains("://") && !link.starts_with('#') && !link.starts_with("mailto:");
        let path = link.split('#').next().unwrap_or_default();
        assert!(!is_ours || root().join(path).exists(), "the README points at {link}");
    }
}

#[test]
fn every_part_the_readme_points_at_is_there() {
    let readme = readme();
    let anchors: Vec<_> =
        readme.lines().filter(|line| line.starts_with('#')).map(|line| anchor(line.trim_start_matches('#'))).collect();
    for link in readme.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(anchors.iter().any(|anchor| anchor == link), "the README points at its part #{link}");
    }
}

/// How a heading is addressed: small letters, spaces as hyphens, no other signs.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>().replace(' ', "-")
}

#[test]
fn keys_are_found_written_and_commented_out() {
    fn check(toml: &str, expected: &[&str]) {
        assert_eq!(keys_shown(toml), expected, "of {toml:?}");
    }
    check("state = \"x\"\n[sender]\nname = \"y\"", &["sender.name", "state"]);
    check("[[feed]]\n# supplier = \"GitHub\"", &["feed.supplier"]);
    check("# [[operator.contact]]\n# email = \"a@b\"", &["operator.contact.email"]);
    check("# a sentence, not a key", &[]);
    check("retry = [\"30s\"]\n[\"x\"]", &["retry"]);
}
