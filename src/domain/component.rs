//! What clients depend on, in our words, and how sources name it.
//!
//! Everything here is declared by the user: names, globs, words, parents and dependencies. Deliberately
//! absent: inference. A name that nothing matches is *unmapped*, and somebody is told so.

use std::collections::{BTreeMap, BTreeSet};

use super::notice::Affected;
use super::text;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    pub id: String,
    pub name: String,
    /// Case-insensitive globs of the sources' names; `*` and `?`.
    pub matches: Vec<String>,
    /// Whole words in a title or an update that scope a case which names no component.
    pub words: Vec<String>,
    pub part_of: Option<String>,
    pub depends_on: Vec<String>,
}

/// All components, looked up by any of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    components: Vec<Component>,
}

/// What a case's names come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Keys: our ids, or the source's name in lower case where no component is configured at all.
    pub keys: Vec<String>,
    /// Names that nothing matches, as the source writes them.
    pub unmapped: Vec<String>,
}

impl Catalog {
    pub fn new(components: Vec<Component>) -> Catalog {
        Catalog { components }
    }

    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// The key under which a client's priority is kept: the id of the component of that id or name, else
    /// the word itself in lower case.
    pub fn key_of_priority(&self, priority: &str) -> String {
        let wanted = priority.trim();
        self.components
            .iter()
            .find(|c| c.id.eq_ignore_ascii_case(wanted) || c.name.to_lowercase() == wanted.to_lowercase())
            .map_or_else(|| wanted.to_lowercase(), |c| c.id.clone())
    }

    /// Our name for a key; the key itself where we have none.
    pub fn name_of(&self, key: &str) -> String {
        self.components.iter().find(|c| c.id == key).map_or_else(|| key.to_owned(), |c| c.name.clone())
    }

    fn ids_matching(&self, raw: &str) -> Vec<String> {
        let lower = raw.trim().to_lowercase();
        self.components
            .iter()
            .filter(|c| {
                c.id.to_lowercase() == lower
                    || c.name.to_lowercase() == lower
                    || c.matches.iter().any(|glob| glob_matches(&glob.to_lowercase(), &lower))
            })
            .map(|c| c.id.clone())
            .collect()
    }

    /// What the source's names come to. Without any configured component each name stands for itself.
    pub fn resolve(&self, raw_names: &[String]) -> Named {
        let mut named = Named::default();
        for raw in raw_names {
            let mut ids = self.ids_matching(raw);
            if ids.is_empty() {
                if self.components.is_empty() {
                    ids.push(raw.trim().to_lowercase());
                } else {
                    named.unmapped.push(raw.clone());
                }
            }
            for id in ids {
                if !named.keys.contains(&id) {
                    named.keys.push(id);
                }
            }
        }
        named
    }

    /// The components whose declared words stand whole in the text.
    pub fn named_by_words(&self, text_of_case: &str) -> Vec<String> {
        self.components
            .iter()
            .filter(|c| c.words.iter().any(|words| text::contains_words(text_of_case, words)))
            .map(|c| c.id.clone())
            .collect()
    }

    /// Which priorities a case of these components reaches, and how surely. *Confirmed*: the component itself,
    /// or one that it is part of. *Possibly*: what is part of it, or depends on it, at any depth.
    pub fn reach(&self, keys: &[String]) -> BTreeMap<String, Affected> {
        let mut reached: BTreeMap<String, Affected> = BTreeMap::new();
        for key in keys {
            reached.insert(key.clone(), Affected::Confirmed);
            let mut parent = self.component(key).and_then(|c| c.part_of.clone());
            let mut seen = BTreeSet::from([key.clone()]);
            while let Some(id) = parent.filter(|id| seen.insert(id.clone())) {
                reached.insert(id.clone(), Affected::Confirmed);
                parent = self.component(&id).and_then(|c| c.part_of.clone());
            }
        }
        for key in keys {
            self.spread(key, &mut reached);
        }
        reached
    }

    fn spread(&self, from: &str, reached: &mut BTreeMap<String, Affected>) {
        let mut frontier = vec![from.to_owned()];
        let mut seen = BTreeSet::from([from.to_owned()]);
        while let Some(id) = frontier.pop() {
            let leaning =
                self.components.iter().filter(|c| c.part_of.as_deref() == Some(&id) || c.depends_on.contains(&id));
            for component in leaning {
                if seen.insert(component.id.clone()) {
                    reached.entry(component.id.clone()).or_insert(Affected::Possibly);
                    frontier.push(component.id.clone());
                }
            }
        }
    }

    /// Whether the component is `whole` itself or a part of it, at any depth.
    pub fn is_within(&self, id: &str, whole: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut next = Some(id);
        while let Some(one) = next.filter(|one| seen.insert(*one)) {
            if one == whole {
                return true;
            }
            next = self.component(one).and_then(|c| c.part_of.as_deref());
        }
        false
    }

    fn component(&self, id: &str) -> Option<&Component> {
        self.components.iter().find(|c| c.id == id)
    }
}

/// Whether a glob of `*` (any run) and `?` (any one character) matches the whole text. Both in lower case.
/// Linear in the product of the lengths at worst, never exponential.
pub fn glob_matches(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    let (mut g, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        if g < glob.len() && (glob[g] == '?' || (glob[g] == text[t] && glob[g] != '*')) {
            (g, t) = (g + 1, t + 1);
        } else if g < glob.len() && glob[g] == '*' {
            star = Some((g, t));
            g += 1;
        } else if let Some((star_glob, star_text)) = star {
            star = Some((star_glob, star_text + 1));
            (g, t) = (star_glob + 1, star_text + 1);
        } else {
            return false;
        }
    }
    glob[g..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(id: &str, name: &str, matches: &[&str], part_of: Option<&str>, depends_on: &[&str]) -> Component {
        Component {
            id: id.into(),
            name: name.into(),
            matches: matches.iter().map(|m| (*m).into()).collect(),
            words: vec![],
            part_of: part_of.map(Into::into),
            depends_on: depends_on.iter().map(|d| (*d).into()).collect(),
        }
    }

    fn catalog() -> Catalog {
        Catalog::new(vec![
            component("payments", "Payments API", &["Payments API*", "api-payments"], None, &["database"]),
            component("payments-eu", "Payments EU", &[], Some("payments"), &[]),
            component("database", "Database", &[], None, &[]),
            component("search", "Search", &[], None, &[]),
        ])
    }

    #[test]
    fn globs_match_whole_names_only() {
        for (glob, text, matches) in [
            ("payments api*", "payments api (eu)", true),
            ("payments api*", "the payments api", false),
            ("*api", "payments api", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*b*c", "aXXbYYc", true),
            ("visit www.*", "visit www.githubstatus.com for more information", true),
            ("*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(glob_matches(glob, text), matches, "{glob} against {text}");
        }
    }

    #[test]
    fn a_source_s_name_is_resolved_by_id_name_or_glob_in_any_case() {
        for (raw, keys, unmapped) in [
            ("PAYMENTS API (EU)", vec!["payments"], vec![]),
            ("api-payments", vec!["payments"], vec![]),
            ("search", vec!["search"], vec![]),
            ("Billing", vec![], vec!["Billing"]),
        ] {
            let named = catalog().resolve(&[raw.to_owned()]);
            assert_eq!(
                (named.keys, named.unmapped),
                (keys.into_iter().map(String::from).collect(), unmapped.into_iter().map(String::from).collect()),
                "{raw}"
            );
        }
        let bare = Catalog::default().resolve(&["Git Operations".to_owned()]);
        assert_eq!(bare.keys, ["git operations"], "without a catalogue each name stands for itself");
    }

    #[test]
    fn parents_are_confirmed_and_what_leans_on_it_is_possible() {
        for (key, expected) in [
            ("payments-eu", vec![("payments", Affected::Confirmed), ("payments-eu", Affected::Confirmed)]),
            ("payments", vec![("payments", Affected::Confirmed), ("payments-eu", Affected::Possibly)]),
            (
                "database",
                vec![
                    ("database", Affected::Confirmed),
                    ("payments", Affected::Possibly),
                    ("payments-eu", Affected::Possibly),
                ],
            ),
            ("search", vec![("search", Affected::Confirmed)]),
        ] {
            let reached: Vec<(String, Affected)> = catalog().reach(&[key.to_owned()]).into_iter().collect();
            let expected: Vec<(String, Affected)> = expected.into_iter().map(|(k, a)| (k.to_owned(), a)).collect();
            assert_eq!(reached, expected, "{key}");
        }
    }

    #[test]
    fn a_circle_of_dependencies_ends() {
        let circle = Catalog::new(vec![
            component("a", "A", &[], Some("b"), &["b"]),
            component("b", "B", &[], Some("a"), &["a"]),
        ]);
        assert_eq!(circle.reach(&["a".to_owned()]).len(), 2);
    }
}
