//! The playbook: from `[[guidance]]` as written to entries.
//!
//! Deliberately absent: which entry a client is told (`domain::guidance`), and what is wrong with a text
//! (`playbook_text.rs`).

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::diagnostic::Diagnostic;
use super::document::Document;
use super::locate::read_text;
use super::meaning::components::id_of;
use super::problem::{KeyPath, Mistake, Problems, quoted};
use super::settings::ComponentSettings;
use super::written::{WrittenGuidance, WrittenPlaybook, WrittenResource};
use super::{addresses, playbook_text, values};
use crate::domain::incident::{Impact, Need, Phase};
use crate::domain::notice::Resource;
use crate::domain::playbook::Entry;

const MOST_RESOURCES: usize = 20;

/// Reads the playbook. A file that does not exist is an empty one.
///
/// # Errors
/// Every mistake found.
pub fn read(path: &Path, components: &[ComponentSettings]) -> Result<Vec<Entry>, Vec<Diagnostic>> {
    let text = match read_text(path) {
        Ok(Some(text)) => text,
        Ok(None) => return Ok(Vec::new()),
        Err(found) => return Err(found),
    };
    let document = Document::parse_public(path, &text)?;
    let (written, mut found) = document.read::<WrittenPlaybook>();
    let mut problems = Problems::default();
    let mut entries = Vec::new();
    for (index, one) in written.iter().flat_map(|written| &written.guidance).enumerate() {
        let table = KeyPath::root().key("guidance").index(index);
        let line = document.line_of(&table);
        entries.push(entry(one, &table, components, line, &mut problems));
    }
    ids_are_unique(&entries, &mut problems);
    found.extend(problems.0.into_iter().map(|problem| document.place(problem)));
    found.sort_by_key(|one| (one.line, one.column));
    if found.is_empty() { Ok(entries) } else { Err(found) }
}

fn entry(
    written: &WrittenGuidance,
    table: &KeyPath,
    components: &[ComponentSettings],
    line: usize,
    problems: &mut Problems,
) -> Entry {
    let condition = |names: &[String], key: &str, problems: &mut Problems| {
        list(names, table, key, problems, |name| id_of(components, name))
    };
    let phases: Vec<(&str, Phase)> = Phase::ALL.iter().map(|phase| (phase.as_str(), *phase)).collect();
    let impacts: Vec<(&str, Impact)> = Impact::ALL.iter().map(|impact| (impact.as_str(), *impact)).collect();
    let mut entry = Entry {
        id: written.id.as_deref().and_then(|id| problems.keep(table, "id", values::short_name(id))).unwrap_or_default(),
        components: condition(&written.components, "components", problems),
        phases: list(&written.phases, table, "phases", problems, |text| values::word(text, &phases)),
        impacts: list(&written.impacts, table, "impacts", problems, |text| values::word(text, &impacts)),
        tags: list(&written.tags, table, "tags", problems, |text| values::line(text, 100)),
        locale: written.locale.as_deref().and_then(|tag| problems.keep(table, "locale", values::locale(tag))),
        need: need(written, table, problems),
        action: written.action.clone(),
        by: written.by.as_deref().and_then(|text| problems.keep(table, "by", until(text))),
        check: written.check.clone(),
        undo: written.undo.clone(),
        takes: written.takes.clone(),
        who: written.who.clone(),
        place: written.place.clone(),
        otherwise: written.otherwise.clone(),
        offer: written.offer.clone(),
        forward: written.forward.clone(),
        resources: resources(&written.resources, table, problems),
        line,
    };
    if entry.id.is_empty() {
        entry.id = hash_of(&entry);
    }
    for (key, source) in entry.templates() {
        for mistake in playbook_text::mistakes(source) {
            problems.add(table.key(key), mistake);
        }
    }
    entry
}

fn list<T>(
    written: &[String],
    table: &KeyPath,
    key: &str,
    problems: &mut Problems,
    check: impl Fn(&str) -> Result<T, Mistake>,
) -> Vec<T> {
    let mut kept = Vec::with_capacity(written.len());
    for (index, one) in written.iter().enumerate() {
        match check(one) {
            Ok(value) => kept.push(value),
            Err(mistake) => problems.add(table.key(key).index(index), mistake),
        }
    }
    kept
}

fn need(written: &WrittenGuidance, table: &KeyPath, problems: &mut Problems) -> Need {
    let words = Need::ALL.map(|need| (need.as_str(), need));
    let Some(text) = written.need.as_deref() else {
        problems.missing(table, "need", "write need = \"required\", \"maybe\" or \"none\"");
        return Need::None;
    };
    let need = problems.keep(table, "need", values::word(text, &words));
    if written.action.is_none() {
        match need {
            Some(Need::Required | Need::Maybe) => {
                problems.missing(table, "action", "write what to do, or need = \"none\" if there is nothing");
            }
            Some(Need::None) | None => {}
        }
        if written.by.is_some() {
            problems.add(table.key("by"), Mistake::new("there is no action that could be due by a time"));
        }
    }
    need.unwrap_or(Need::None)
}

fn until(written: &str) -> Result<Duration, Mistake> {
    values::duration_in(written, Duration::from_secs(1)..=Duration::from_secs(30 * 86_400))
}

fn resources(written: &[WrittenResource], table: &KeyPath, problems: &mut Problems) -> Vec<Resource> {
    if written.len() > MOST_RESOURCES {
        let message = format!("the list has {} entries; at most {MOST_RESOURCES} are allowed", written.len());
        problems.add(table.key("resources"), Mistake::new(message));
        return Vec::new();
    }
    let mut kept = Vec::new();
    for (index, one) in written.iter().enumerate() {
        let here = table.key("resources").index(index);
        let Some(url) = one.url.as_deref() else {
            problems.missing(&here, "url", "write url = \"https://…\"");
            continue;
        };
        let title = problems.keep(&here, "title", values::line(one.title.as_deref().unwrap_or(url), 200));
        let url = problems.keep(&here, "url", resource_address(url));
        kept.extend(title.zip(url).map(|(title, url)| Resource { title, url }));
    }
    kept
}

/// A link for people: http or https; a part after `#` is theirs to have.
fn resource_address(written: &str) -> Result<String, Mistake> {
    let (page, part) = match written.split_once('#') {
        Some((page, part)) => (page, format!("#{part}")),
        None => (written, String::new()),
    };
    addresses::web_address(page).map(|url| format!("{url}{part}"))
}

/// The id of an entry without one: of its action, or for an entry without action of its condition.
pub(super) fn hash_of(entry: &Entry) -> String {
    let basis = match &entry.action {
        Some(action) => action.clone(),
        None => format!("{:?}{:?}{:?}{:?}", entry.components, entry.phases, entry.impacts, entry.tags),
    };
    HEXLOWER.encode(&Sha256::digest(basis.as_bytes())[..8])
}

/// An id stands for one action; only translations share it.
fn ids_are_unique(entries: &[Entry], problems: &mut Problems) {
    let mut seen: HashMap<(&str, Option<&str>), usize> = HashMap::new();
    for (index, entry) in entries.iter().enumerate() {
        let key = (entry.id.as_str(), entry.locale.as_deref());
        if let Some(line) = seen.get(&key) {
            let message = format!("the entry in line {line} has the id {} and the same locale", quoted(&entry.id));
            let help = "give this one another id; only translations share one";
            problems.add(KeyPath::root().key("guidance").index(index).key("id"), Mistake::with_help(message, help));
        } else {
            seen.insert(key, entry.line);
        }
    }
}
