//! The playbook: from `[[guidance]]` as written to entries, every template compiled.
//!
//! Deliberately absent: which entry a client is told (`domain::playbook`).

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use data_encoding::HEXLOWER;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use sha2::{Digest, Sha256};

use super::client_record::is_variable;
use super::diagnostic::Diagnostic;
use super::document::Document;
use super::locate::read_text;
use super::meaning::components::id_of;
use super::problem::{KeyPath, Mistake, Problems, nearest, quoted};
use super::settings::ComponentSettings;
use super::written::{WrittenGuidance, WrittenPlaybook, WrittenResource};
use super::{addresses, values};
use crate::domain::client::Client;
use crate::domain::incident::{Impact, Need, Phase};
use crate::domain::notice::Resource;
use crate::domain::playbook::{CLIENT_VARIABLES, Entry};

const MOST_TEXT: usize = 4_000;
const MOST_RESOURCES: usize = 20;
/// Steps of the template engine for one text: thousands of times what a text with facts needs.
const FUEL: u64 = 100_000;

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
    let document = Document::parse(path, &text, 1)?;
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

/// The engine that fills an entry's texts: strict, without loader, with a limit on its steps. Nothing is
/// escaped: the result is plain text, which every form of a message escapes for itself.
pub fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment
}

/// What an entry's texts may name, for one client: `facts` and `client`.
pub fn variables(client: &Client) -> Value {
    minijinja::context! {
        facts => Serde(&client.facts),
        client => minijinja::context! {
            id => &client.id,
            name => &client.name,
            timezone => &client.timezone,
            locale => &client.locale,
        },
    }
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
        problems.keep(table, key, template(source));
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
fn hash_of(entry: &Entry) -> String {
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

/// Compiles a template and checks that it names only what there is.
fn template(source: &str) -> Result<(), Mistake> {
    if source.trim().is_empty() {
        return Err(Mistake::with_help("the text is empty", "write some words, or leave the key out"));
    }
    if source.chars().count() > MOST_TEXT {
        return Err(Mistake::new(format!("the text has more than {MOST_TEXT} characters")));
    }
    if source.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Mistake::new("the text holds a control character"));
    }
    let environment = environment();
    let compiled = environment.template_from_str(source).map_err(|error| {
        let line = error.line().map(|line| format!(" in line {line} of the text")).unwrap_or_default();
        let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        Mistake::with_help(
            format!("the template is not right{line}: {detail}"),
            "write {{ facts.NAME }} for a client's fact",
        )
    })?;
    let mut unknown: Vec<String> =
        compiled.undeclared_variables(true).into_iter().filter(|name| !is_known(name)).collect();
    unknown.sort();
    match unknown.first() {
        None => Ok(()),
        Some(name) => Err(unknown_variable(name)),
    }
}

fn is_known(variable: &str) -> bool {
    match variable.split_once('.') {
        None => matches!(variable, "facts" | "client"),
        Some(("facts", name)) => is_variable(name),
        Some(("client", name)) => CLIENT_VARIABLES.contains(&name),
        Some(_) => false,
    }
}

fn unknown_variable(name: &str) -> Mistake {
    let known: Vec<String> = CLIENT_VARIABLES.iter().map(|name| format!("client.{name}")).collect();
    let help = format!("known: facts.NAME, {}", known.join(", "));
    let words = known.iter().map(String::as_str).chain(["facts"]);
    let message = match nearest(name, words) {
        Some(near) => format!("the template names `{name}`, which there is not; did you mean `{near}`?"),
        None => format!("the template names `{name}`, which there is not"),
    };
    Mistake::with_help(message, help)
}

/// Finds facts that a playbook entry uses and a client it is meant for lacks, by filling the entry for him.
pub struct FactCheck {
    environment: Environment<'static>,
    entries: Vec<(Entry, Vec<(String, &'static str)>)>,
}

impl FactCheck {
    /// Keeps the entries whose texts depend on the client. The entries come from [`read`], so they compile.
    pub fn new(entries: &[Entry]) -> FactCheck {
        let mut environment = environment();
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
        FactCheck { environment, entries: kept }
    }

    /// One mistake for each entry that may be told to the client and cannot be filled for him.
    pub fn faults(&self, client: &Client) -> Vec<Mistake> {
        let meant = self.entries.iter().filter(|(entry, _)| may_concern(entry, client));
        meant.filter_map(|(entry, names)| self.fault(entry, names, client)).collect()
    }

    fn fault(&self, entry: &Entry, names: &[(String, &'static str)], client: &Client) -> Option<Mistake> {
        let variables = variables(client);
        names.iter().find_map(|(name, key)| {
            let template = self.environment.get_template(name).ok()?;
            template.render(variables.clone()).err()?;
            let missing: Vec<String> = template
                .undeclared_variables(true)
                .into_iter()
                .filter_map(|variable| variable.strip_prefix("facts.").map(str::to_owned))
                .filter(|fact| !client.facts.contains_key(fact))
                .collect();
            let message = format!(
                "the client {} has no fact `{}`, which `{key}` of the playbook's entry `{}` (line {}) needs",
                quoted(&client.id),
                missing.join("`, `"),
                entry.id,
                entry.line
            );
            Some(Mistake::with_help(message, "write it under `facts`, or narrow the entry by `tags` or `components`"))
        })
    }
}

/// Whether some incident could make this entry the client's: components and tags are his own, phase and
/// impact may come.
fn may_concern(entry: &Entry, client: &Client) -> bool {
    let by_component = entry.components.is_empty()
        || client.priorities.iter().any(|priority| priority == "*" || entry.components.contains(priority));
    let by_tag = entry.tags.is_empty() || client.tags.iter().any(|tag| entry.tags.contains(tag));
    by_component && by_tag && !client.priorities.is_empty()
}
