//! Finds facts that a text of the playbook needs and a client it is meant for lacks, by filling it for the client.
//!
//! Deliberately absent: what is wrong with the text for every client (`playbook_text.rs`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use minijinja::{Environment, Template};

use super::playbook::hash_of;
use super::problem::{Mistake, nearest, quoted};
use crate::domain::client::Client;
use crate::domain::guidance;
use crate::domain::playbook::Entry;

/// The texts of a playbook that name facts.
pub struct FactCheck {
    file: PathBuf,
    environment: Environment<'static>,
    entries: Vec<(Entry, Vec<(String, &'static str)>)>,
}

impl FactCheck {
    /// Keeps the entries whose texts depend on the client. They come from the playbook in `file`, so they compile.
    pub fn new(file: &Path, entries: &[Entry]) -> FactCheck {
        let mut environment = guidance::environment();
        let mut kept = Vec::new();
        for (number, entry) in entries.iter().enumerate() {
            let mut names = Vec::new();
            for (key, source) in entry.templates().filter(|(_, source)| source.contains("facts")) {
                let name = format!("{number}.{key}");
                if environment.add_template_owned(name.clone(), source.to_owned()).is_ok() {
                    names.push((name, key));
                }
            }
            if !names.is_empty() {
                kept.push((entry.clone(), names));
            }
        }
        FactCheck { file: file.to_owned(), environment, entries: kept }
    }

    /// One mistake for each entry that may be told to the client and cannot be filled for him.
    pub fn faults(&self, client: &Client) -> Vec<Mistake> {
        let meant = self.entries.iter().filter(|(entry, _)| may_concern(entry, client));
        meant.filter_map(|(entry, names)| self.fault(entry, names, client)).collect()
    }

    fn fault(&self, entry: &Entry, names: &[(String, &'static str)], client: &Client) -> Option<Mistake> {
        names.iter().find_map(|(name, key)| {
            let template = self.environment.get_template(name).ok()?;
            let error = template.render(guidance::variables(client)).err()?;
            let where_it_is = format!("`{key}` of the playbook's entry {}", self.named(entry));
            let missing = missing_facts(&template, client);
            let Some(first) = missing.first() else {
                let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
                let message =
                    format!("the facts of the client {} do not fit {where_it_is}: {detail}", quoted(&client.id));
                return Some(Mistake::with_help(message, "write the fact as the entry uses it, or mend the entry"));
            };
            let all = missing.join("`, `");
            let message = format!("the client {} has no fact `{all}`, which {where_it_is} needs", quoted(&client.id));
            let help = match nearest(first, client.facts.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{first}` where you wrote `{near}`?"),
                None => "write it under `facts`, or narrow the entry by `tags` or `components`".to_owned(),
            };
            Some(Mistake::with_help(message, help))
        })
    }

    /// By the id that the user gave it, and its place.
    fn named(&self, entry: &Entry) -> String {
        let place = format!("{}:{}", self.file.display(), entry.line);
        if entry.id == hash_of(entry) { format!("at {place}") } else { format!("`{}` ({place})", entry.id) }
    }
}

/// The facts without which the template cannot be filled: one that it can do without, by `default` or in an
/// `if`, is none of them.
fn missing_facts(template: &Template<'_, '_>, client: &Client) -> Vec<String> {
    let mut named: Vec<String> = template
        .undeclared_variables(true)
        .into_iter()
        .filter_map(|variable| variable.strip_prefix("facts.").map(str::to_owned))
        .filter(|fact| !client.facts.contains_key(fact))
        .collect();
    named.sort();
    let is_filled_without = |left_out: &str| {
        let supplied = named.iter().filter(|name| *name != left_out).map(|name| (name.clone(), String::new()));
        let facts: BTreeMap<String, String> = client.facts.clone().into_iter().chain(supplied).collect();
        template.render(guidance::variables(&Client { facts, ..client.clone() })).is_ok()
    };
    let needed: Vec<String> = named.iter().filter(|name| !is_filled_without(name)).cloned().collect();
    needed
}

/// Whether some incident could make this entry the client's: components and tags are his own, phase and
/// impact may come.
fn may_concern(entry: &Entry, client: &Client) -> bool {
    let by_component = entry.components.is_empty()
        || client.priorities.iter().any(|priority| priority == "*" || entry.components.contains(priority));
    let by_tag = entry.tags.is_empty() || client.tags.iter().any(|tag| entry.tags.contains(tag));
    by_component && by_tag && !client.priorities.is_empty()
}
