//! Whether a text of the playbook can be filled for some client: what is wrong with it stands in the playbook, and
//! is said once, at its place.
//!
//! Deliberately absent: what single clients lack for it (`fact_check.rs`).

use std::sync::Arc;

use minijinja::value::Object;
use minijinja::{Environment, Value};

use super::client_record::is_variable;
use super::playbook_names::{self, Use};
use super::problem::{Mistake, Spot, nearest, quoted};
use crate::domain::guidance;
use crate::domain::playbook::CLIENT_VARIABLES;

const MOST_TEXT: usize = 4_000;

/// What facts may hold, tried one after the other: a text that none of them fits has a mistake of its own.
const EXAMPLES: [&str; 3] = ["eu-1", "1", "2026-11-23"];

/// All that is wrong with the text, whatever the client's facts are.
pub fn mistakes(source: &str) -> Vec<Mistake> {
    if let Some(mistake) = no_text(source) {
        return vec![mistake];
    }
    let environment = guidance::environment();
    let compiled = match environment.template_from_str(source) {
        Ok(compiled) => compiled,
        Err(error) => return vec![not_right("the template is not right", &error)],
    };
    let mut variables: Vec<String> = compiled.undeclared_variables(true).into_iter().collect();
    variables.sort();
    let mut found: Vec<Mistake> = variables.iter().filter_map(|name| unknown_variable(name)).collect();
    found.extend(playbook_names::of(source).iter().filter_map(unknown_word));
    found.extend(playbook_names::in_single_braces(source).map(single_braces));
    if found.is_empty() {
        found.extend(cannot_be_filled(&environment, source));
    }
    found
}

fn no_text(source: &str) -> Option<Mistake> {
    if source.trim().is_empty() {
        return Some(Mistake::with_help("the text is empty", "write some words, or leave the key out"));
    }
    let length = source.chars().count();
    if length > MOST_TEXT {
        return Some(Mistake::new(format!("the text has {length} characters; at most {MOST_TEXT} are allowed")));
    }
    source.chars().any(|c| c.is_control() && c != '\n').then(|| {
        Mistake::with_help("the text holds a tab or another control character", "write spaces and line breaks only")
    })
}

fn not_right(what: &str, error: &minijinja::Error) -> Mistake {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let help = "write {{ facts.NAME }} for a client's fact, {% if … %} … {% endif %} for a part that may be left out";
    Mistake::with_help(format!("{what}: {detail}"), help).at(Spot::Line(error.line().unwrap_or(1)))
}

fn unknown_variable(name: &str) -> Option<Mistake> {
    let fields = CLIENT_VARIABLES.map(|field| format!("client.{field}"));
    let mend = match name.split_once('.') {
        None if matches!(name, "facts" | "client") => return None,
        Some(("facts", fact)) if is_variable(fact) => return None,
        Some(("client", field)) if CLIENT_VARIABLES.contains(&field) => return None,
        Some(("client", _)) => nearest(name, fields.iter().map(String::as_str)).map(str::to_owned),
        Some((table, field)) => nearest(table, ["facts", "client"]).map(|near| format!("{near}.{field}")),
        None => is_variable(name).then(|| format!("facts.{name}")),
    };
    let help = format!("known: facts.NAME, {}", fields.join(", "));
    let message = match mend {
        Some(mend) => format!("the template names `{name}`, which there is not; did you mean `{mend}`?"),
        None => format!("the template names `{name}`, which there is not"),
    };
    Some(Mistake::with_help(message, help).at(Spot::Word(name.to_owned())))
}

fn unknown_word(word: &Use<'_>) -> Option<Mistake> {
    let (what, name, known) = match word {
        Use::Filter(name) => ("filter", name, playbook_names::FILTERS),
        Use::Test(name) => ("test", name, playbook_names::TESTS),
    };
    let known: Vec<&str> = known.split(' ').collect();
    if known.contains(name) {
        return None;
    }
    let message = match nearest(name, known.iter().copied()) {
        Some(near) => {
            format!("the template uses the {what} {}, which there is not; did you mean `{near}`?", quoted(name))
        }
        None => format!("the template uses the {what} {}, which there is not", quoted(name)),
    };
    let help = format!("known {what}s: {}", known.join(", "));
    Some(Mistake::with_help(message, help).at(Spot::Word((*name).to_owned())))
}

fn single_braces(name: &str) -> Mistake {
    let message = format!("`{name}` stands in single braces, so clients would read it as it is");
    Mistake::with_help(message, format!("write {{{{ {name} }}}}")).at(Spot::Word(name.to_owned()))
}

/// Something that only filling shows, such as a filter that takes another number of arguments.
fn cannot_be_filled(environment: &Environment<'_>, source: &str) -> Option<Mistake> {
    let mut first = None;
    for example in EXAMPLES {
        match environment.render_str(source, variables(example)) {
            Ok(_) => return None,
            Err(error) => first = first.or(Some(error)),
        }
    }
    first.map(|error| not_right("the text cannot be filled for any client", &error))
}

fn variables(example: &'static str) -> Value {
    minijinja::context! {
        facts => Value::from_object(AnyFact(example)),
        client => minijinja::context! { id => "acme", name => "Acme", timezone => "UTC", locale => "en" },
    }
}

/// Facts in which every name is there.
#[derive(Debug)]
struct AnyFact(&'static str);

impl Object for AnyFact {
    fn get_value(self: &Arc<Self>, _name: &Value) -> Option<Value> {
        Some(Value::from(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[(&str, Spot)]) {
        let found = mistakes(source);
        assert_eq!(found.len(), expected.len(), "{source}: {found:?}");
        for (found, (part, spot)) in found.iter().zip(expected) {
            assert!(found.message.contains(part), "{source}: {found:?} lacks {part}");
            assert_eq!(found.spot, *spot, "{source}");
            assert!(found.help.is_some(), "{source}: what to do is not said");
        }
    }

    fn word(word: &str) -> Spot {
        Spot::Word(word.to_owned())
    }

    #[test]
    fn what_every_client_can_be_told_is_right() {
        for right in [
            "Pause it.",
            "Pause it in {{ facts.region }}, {{ client.name|upper }}.",
            "{% if facts.tier is defined and facts.tier == 'gold' %}Call us.{% endif %}",
            "{{ facts.seats|int + 1 }} seats, {{ facts.since|default('long ago')|title }}",
            "{% for one in facts.regions|split(',') %}{{ one }} {% endfor %}",
            "Send {\"amount\": 5} {# not told #} and {% raw %}{{ name|nothing }}{% endraw %}",
        ] {
            check(right, &[]);
        }
    }

    #[test]
    fn what_no_client_can_be_told_is_named_with_the_nearest_word() {
        check("{{ facts.region|upcase }}", &[("filter \"upcase\"", word("upcase"))]);
        check("{{ facts.region | uper }}", &[("did you mean `upper`?", word("uper"))]);
        check("{% if facts.x %}{{ facts.y|lowr }}{% endif %}", &[("did you mean `lower`?", word("lowr"))]);
        check("{% if facts.x is defind %}a{% endif %}", &[("did you mean `defined`?", word("defind"))]);
        check("{% if facts.x is not defind %}a{% endif %}", &[("test \"defind\"", word("defind"))]);
        check("{% filter shout %}a{% endfilter %}", &[("filter \"shout\"", word("shout"))]);
        check("{{ fact.region }}", &[("did you mean `facts.region`?", word("fact.region"))]);
        check("{{ region }}", &[("did you mean `facts.region`?", word("region"))]);
        check("{{ client.nam }}", &[("did you mean `client.name`?", word("client.nam"))]);
        check("{{ now() }}", &[("names `now`", word("now"))]);
        check("{{ a.x }}{{ b.y }}", &[("`a.x`", word("a.x")), ("`b.y`", word("b.y"))]);
        check("In { facts.region } now", &[("single braces", word("facts.region"))]);
        check("In ${facts.region} now", &[("single braces", word("facts.region"))]);
    }

    #[test]
    fn what_breaks_off_or_cannot_be_computed_is_named_by_its_line() {
        check("Go to {{ facts.region", &[("the template is not right", Spot::Line(1))]);
        check("a\nb\n{% if %}\n", &[("the template is not right", Spot::Line(3))]);
        check("a\n{{ facts.region|replace }}", &[("for any client", Spot::Line(2))]);
        check("{% include 'x' %}", &[("for any client", Spot::Line(1))]);
        check("a\tb", &[("control character", Spot::Whole)]);
        check(" ", &[("is empty", Spot::Whole)]);
    }
}
