//! `[[component]]`: our words for the things that clients depend on, and how they hang together.

use std::collections::{HashMap, HashSet};

use super::{Reading, unique, unknown_name};
use crate::config::problem::{KeyPath, Mistake, quoted};
use crate::config::settings::ComponentSettings;
use crate::config::values;
use crate::config::written::WrittenComponent;

pub(super) fn read(reading: &mut Reading<'_>, written: &[WrittenComponent]) -> Vec<ComponentSettings> {
    let list = KeyPath::root().key("component");
    let mut components = Vec::with_capacity(written.len());
    for (index, one) in written.iter().enumerate() {
        let table = list.index(index);
        let id = reading.required(&table, "id", one.id.as_deref(), "write id = \"payments\"", values::short_name);
        let id = id.unwrap_or_default();
        components.push(ComponentSettings {
            name: reading.or(&table, "name", one.name.as_deref(), id.clone(), |text| values::line(text, 200)),
            id,
            matches: reading.list(&table, "matches", &one.matches, |text| values::glob(text)),
            words: reading.list(&table, "words", &one.words, |text| values::line(text, 200)),
            part_of: one.part_of.clone(),
            depends_on: one.depends_on.clone(),
        });
    }
    let ids: Vec<Option<String>> = written.iter().map(|one| one.id.clone()).collect();
    unique(&mut reading.problems, "id", "component", &ids);
    names_are_no_other_ones(reading, &components);
    relations(reading, &mut components);
    cycles(reading, &components);
    components
}

/// The id of the component that is called by its id or (in any case) by its name.
///
/// # Errors
/// A mistake with the nearest known name.
pub(in crate::config) fn id_of(components: &[ComponentSettings], written: &str) -> Result<String, Mistake> {
    let folded = written.trim().to_lowercase();
    let found = components
        .iter()
        .find(|one| one.id == written.trim())
        .or_else(|| components.iter().find(|one| one.id.to_lowercase() == folded || one.name.to_lowercase() == folded));
    match found {
        Some(component) => Ok(component.id.clone()),
        None => {
            let known: Vec<&str> = components.iter().map(|one| one.id.as_str()).collect();
            let names = components.iter().map(|one| one.name.as_str());
            let near_name = crate::config::problem::nearest(written, names)
                .and_then(|name| components.iter().find(|one| one.name == name));
            match near_name {
                Some(near) if crate::config::problem::nearest(written, known.iter().copied()).is_none() => Err(
                    Mistake::new(format!("no component is called {}; did you mean `{}`?", quoted(written), near.name)),
                ),
                Some(_) | None => Err(unknown_name("component", written, &known)),
            }
        }
    }
}

/// A name that is another component's id or name would make a client's priority mean two things.
fn names_are_no_other_ones(reading: &mut Reading<'_>, components: &[ComponentSettings]) {
    let ids: HashMap<String, usize> =
        components.iter().enumerate().map(|(index, one)| (one.id.to_lowercase(), index)).collect();
    let mut names: HashMap<String, usize> = HashMap::new();
    for (index, one) in components.iter().enumerate() {
        let folded = one.name.to_lowercase();
        let other = ids.get(&folded).filter(|other| **other != index).or_else(|| names.get(&folded));
        if let Some(other) = other.filter(|_| !one.id.is_empty()) {
            let message = format!("{} names component[{other}] already", quoted(&one.name));
            reading.problems.add(KeyPath::root().key("component").index(index).key("name"), Mistake::new(message));
        }
        names.entry(folded).or_insert(index);
    }
}

/// Puts ids for names into `part_of` and `depends_on`; what is unknown or the component itself is noted.
fn relations(reading: &mut Reading<'_>, components: &mut [ComponentSettings]) {
    let all = components.to_vec();
    for (index, one) in components.iter_mut().enumerate() {
        let table = KeyPath::root().key("component").index(index);
        let own_id = one.id.clone();
        let other = |text: &str| match id_of(&all, text)? {
            id if id == own_id => Err(Mistake::new("a component cannot hang on itself")),
            id => Ok(id),
        };
        one.part_of = reading.optional(&table, "part_of", one.part_of.as_deref(), other);
        one.depends_on = reading.list(&table, "depends_on", &one.depends_on, |text| other(text));
    }
}

/// Following `part_of` and `depends_on` must come to an end.
fn cycles(reading: &mut Reading<'_>, components: &[ComponentSettings]) {
    let by_id: HashMap<&str, usize> = components.iter().enumerate().map(|(at, one)| (one.id.as_str(), at)).collect();
    let mut ended: HashSet<usize> = HashSet::new();
    for start in 0..components.len() {
        if let Some(circle) = circle_from(start, components, &by_id, &mut ended) {
            let names: Vec<&str> = circle.iter().map(|at| components[*at].id.as_str()).collect();
            let first = circle[0];
            let key =
                if components[first].part_of.as_deref() == names.get(1).copied() { "part_of" } else { "depends_on" };
            let message = format!("the components go round in a circle: {}", names.join(" → "));
            let path = KeyPath::root().key("component").index(first).key(key);
            reading.problems.add(path, Mistake::with_help(message, "take one of the links out"));
            return;
        }
    }
}

/// Walks depth first without recursion; `ended` holds those that no circle can be reached from.
fn circle_from(
    start: usize,
    components: &[ComponentSettings],
    by_id: &HashMap<&str, usize>,
    ended: &mut HashSet<usize>,
) -> Option<Vec<usize>> {
    let links = |at: usize| {
        let one = &components[at];
        one.part_of.iter().chain(&one.depends_on).filter_map(|id| by_id.get(id.as_str()).copied()).collect::<Vec<_>>()
    };
    let mut walk = vec![(start, links(start))];
    while let Some((at, left)) = walk.last_mut() {
        let Some(next) = left.pop() else {
            ended.insert(*at);
            walk.pop();
            continue;
        };
        if let Some(position) = walk.iter().position(|(at, _)| *at == next) {
            let mut circle: Vec<usize> = walk[position..].iter().map(|(at, _)| *at).collect();
            circle.push(next);
            return Some(circle);
        }
        if !ended.contains(&next) {
            walk.push((next, links(next)));
        }
    }
    None
}
