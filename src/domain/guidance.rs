//! Which entries of the playbook hold for a client, and what they come to in this client's words.
//!
//! The rules of `semantics.md` §5. Deliberately absent: what was told before (`telling.rs` compares with it)
//! and how a step is worded (`render`).

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use super::case::{Facts, SaidAction, Scope};
use super::client::Client;
use super::component::Catalog;
use super::incident::Need;
use super::notice::Action;
use super::playbook::Entry;
use super::text;

/// Steps of the template engine for one text: thousands of times what a text with facts needs.
const FUEL: u64 = 20_000;

/// What holds for one client: the beginnings of a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub need: Need,
    /// `false`: nobody has said that there is nothing to do.
    pub known: bool,
    pub actions: Vec<Action>,
}

/// What the choice depends on.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub facts: &'a Facts,
    pub playbook: &'a [Entry],
    pub client: &'a Client,
    /// Keys of the components that concern the client, by the client's priorities.
    pub concerned: &'a [String],
    pub sender_locale: &'a str,
    /// The actions planned for this client before: of a time once given the earliest stays.
    pub before: &'a [Action],
    pub now: Timestamp,
}

/// The update's own word first; then the playbook, one entry a component; else nothing is known.
pub fn find(question: &Question<'_>) -> Found {
    if let Some(said) = said_and_valid(question.facts) {
        let actions = match said.need {
            Need::None if said.text.is_empty() => Vec::new(),
            Need::None | Need::Maybe | Need::Required => {
                let id = format!("said-{}", text::text_hash(&said.text));
                let bare = bare_action(id, said.need, said.text.clone());
                vec![Action { by: said.by, takes: said.takes.clone(), ..bare }]
            }
        };
        return Found { need: said.need, known: true, actions };
    }
    let chosen = choose(question);
    let need = chosen.iter().map(|entry| entry.need).max();
    let actions = chosen
        .iter()
        .filter(|entry| entry.need != Need::None || entry.action.is_some())
        .filter_map(|entry| action_of(entry, question))
        .collect();
    Found { need: need.unwrap_or(Need::None), known: need.is_some(), actions }
}

/// What the author of an update said clients are to do. At the end it holds only if it was said with the end.
fn said_and_valid(facts: &Facts) -> Option<&SaidAction> {
    let said = facts.said_action.as_ref()?;
    let was_said_at_the_end = facts.resolved_at.is_some_and(|end| said.said_at >= end);
    (!facts.phase.is_over() || was_said_at_the_end).then_some(said)
}

/// One entry a component, the most specific; without a component those that name none.
fn choose<'a>(question: &Question<'a>) -> Vec<&'a Entry> {
    let mut chosen: Vec<&Entry> = Vec::new();
    let components: Vec<Option<&str>> = if question.concerned.is_empty() {
        vec![None]
    } else {
        question.concerned.iter().map(|key| Some(key.as_str())).collect()
    };
    for component in components {
        let Some(best) = most_specific(question.playbook, component, question.facts, &question.client.tags) else {
            continue;
        };
        let entry = in_best_language(best, component, question);
        if !chosen.iter().any(|c| std::ptr::eq(*c, entry)) {
            chosen.push(entry);
        }
    }
    chosen
}

fn most_specific<'a>(
    playbook: &'a [Entry],
    component: Option<&str>,
    facts: &Facts,
    tags: &[String],
) -> Option<&'a Entry> {
    let mut best: Option<&Entry> = None;
    for entry in playbook.iter().filter(|entry| matches(entry, component, facts, tags)) {
        if best.is_none_or(|b| specificity(entry) > specificity(b)) {
            best = Some(entry);
        }
    }
    best
}

/// Whether the playbook requires something of some client now that it did not require of the same client before:
/// known from the case and the playbook alone, for clients of any tags.
pub fn requires_more(before: &Facts, after: &Facts, playbook: &[Entry], catalog: &Catalog) -> bool {
    // What an author said stands before the playbook.
    if after.phase.is_over() || said_and_valid(after).is_some() {
        return false;
    }
    let mut tags: Vec<String> = playbook.iter().flat_map(|entry| entry.tags.iter().cloned()).collect();
    tags.sort();
    tags.dedup();
    let mut audiences: Vec<Vec<String>> = tags.iter().map(|tag| vec![tag.clone()]).collect();
    audiences.extend([Vec::new(), tags]);
    audiences.iter().any(|tags| {
        let required_before = required(before, playbook, catalog, tags);
        required(after, playbook, catalog, tags).iter().any(|id| !required_before.contains(id))
    })
}

/// What the playbook requires of clients with these tags, whichever of the components is theirs.
fn required<'a>(facts: &Facts, playbook: &'a [Entry], catalog: &Catalog, tags: &[String]) -> BTreeSet<&'a str> {
    let reached: Vec<String> = match facts.scope {
        Scope::Named | Scope::NamedByPerson => {
            catalog.reach(&catalog.resolve(&facts.components).keys).into_keys().collect()
        }
        Scope::Unscoped | Scope::Nobody | Scope::Everyone => Vec::new(),
    };
    let components: Vec<Option<&str>> = match facts.scope {
        Scope::Named | Scope::NamedByPerson => reached.iter().map(|key| Some(key.as_str())).collect(),
        Scope::Everyone => vec![None],
        Scope::Unscoped | Scope::Nobody => Vec::new(),
    };
    components
        .into_iter()
        .filter_map(|component| most_specific(playbook, component, facts, tags))
        .filter(|entry| entry.need == Need::Required)
        .map(|entry| entry.id.as_str())
        .collect()
}

fn matches(entry: &Entry, component: Option<&str>, facts: &Facts, tags: &[String]) -> bool {
    let of_component =
        entry.components.is_empty() || component.is_some_and(|c| entry.components.iter().any(|e| e == c));
    // At the end only what was written for the end is told.
    let of_phase = entry.phases.contains(&facts.phase) || (entry.phases.is_empty() && !facts.phase.is_over());
    let of_impact = entry.impacts.is_empty() || facts.impact.is_some_and(|impact| entry.impacts.contains(&impact));
    let of_tags = entry.tags.is_empty() || entry.tags.iter().any(|tag| tags.contains(tag));
    of_component && of_phase && of_impact && of_tags
}

/// The number of conditions; at a tie those among tags, components, impacts, phases, in that order.
fn specificity(entry: &Entry) -> (usize, [usize; 4]) {
    let present = |list_is_empty: bool| usize::from(!list_is_empty);
    let keys = [
        present(entry.tags.is_empty()),
        present(entry.components.is_empty()),
        present(entry.impacts.is_empty()),
        present(entry.phases.is_empty()),
    ];
    (keys.iter().sum(), keys)
}

/// Of entries alike but for the language the client's is taken, else the sender's, else the first.
fn in_best_language<'a>(best: &'a Entry, component: Option<&str>, question: &Question<'a>) -> &'a Entry {
    let alike = |entry: &&'a Entry| {
        entry.components == best.components
            && entry.phases == best.phases
            && entry.impacts == best.impacts
            && entry.tags == best.tags
            && matches(entry, component, question.facts, &question.client.tags)
    };
    let speaks = |entry: &Entry, locale: &str| {
        let written = entry.locale.as_deref().unwrap_or(question.sender_locale);
        language(written).eq_ignore_ascii_case(language(locale))
    };
    let client_locale = question.client.locale.as_deref().unwrap_or(question.sender_locale);
    [client_locale, question.sender_locale]
        .into_iter()
        .find_map(|locale| question.playbook.iter().filter(alike).find(|entry| speaks(entry, locale)))
        .unwrap_or(best)
}

fn language(locale: &str) -> &str {
    locale.split(['-', '_']).next().unwrap_or(locale)
}

fn action_of(entry: &Entry, question: &Question<'_>) -> Option<Action> {
    let fill = |text: &String| fill(text, question.client).unwrap_or_else(|_| text.clone());
    let text = fill(entry.action.as_ref()?);
    let given_before =
        question.before.iter().filter(|action| action.id == entry.id).filter_map(|action| action.by).min();
    let from_now =
        entry.by.and_then(|by| SignedDuration::try_from(by).ok()).and_then(|by| question.now.checked_add(by).ok());
    let written = entry.locale.as_deref().unwrap_or(question.sender_locale);
    let read = question.client.locale.as_deref().unwrap_or(question.sender_locale);
    let is_foreign = !language(written).eq_ignore_ascii_case(language(read));
    Some(Action {
        id: entry.id.clone(),
        need: entry.need,
        text,
        by: given_before.or(from_now),
        check: entry.check.as_ref().map(fill),
        undo: entry.undo.as_ref().map(fill),
        takes: entry.takes.as_ref().map(fill),
        who: entry.who.as_ref().map(fill),
        place: entry.place.as_ref().map(fill),
        otherwise: entry.otherwise.as_ref().map(fill),
        offer: entry.offer.as_ref().map(fill),
        forward: entry.forward.as_ref().map(fill),
        resources: entry.resources.clone(),
        language: is_foreign.then(|| written.to_owned()),
    })
}

fn bare_action(id: String, need: Need, text: String) -> Action {
    Action {
        id,
        need,
        text,
        by: None,
        check: None,
        undo: None,
        takes: None,
        who: None,
        place: None,
        otherwise: None,
        offer: None,
        forward: None,
        resources: Vec::new(),
        language: None,
    }
}

/// Puts a client's facts into a text of the playbook. Strict: an unknown fact is an error, which `check`
/// shows for the client and the line; a message that is due anyway shows the text as written.
pub fn fill(text: &str, client: &Client) -> Result<String, minijinja::Error> {
    if !text.contains('{') {
        return Ok(text.to_owned());
    }
    environment().render_str(text, variables(client))
}

/// The engine that fills a text of the playbook: strict, without loader, with a limit on its steps. Nothing is
/// escaped: the result is plain text, which every form of a message escapes for itself.
pub fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment
}

/// What a text of the playbook may name, for one client: `facts` and `client`.
pub fn variables(client: &Client) -> Value {
    minijinja::context! {
        facts => &client.facts,
        client => minijinja::context! {
            id => &client.id,
            name => &client.name,
            timezone => &client.timezone,
            locale => &client.locale,
        },
    }
}

#[cfg(test)]
mod tests;
