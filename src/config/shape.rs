//! What is said of a text that is not TOML, of a value of another type, and of an unknown key.
//!
//! The parser's words are made ours here, with what to do. Deliberately absent: places.

use super::problem::{KeyPath, Mistake, nearest, quoted};

/// Keys of durations.
const TIMES: [&str; 13] = [
    "every", "retain", "give_up", "retry", "settle", "apart", "max_age", "ask_for", "critical", "major", "minor", "by",
    "takes",
];

/// A line that the TOML parser refuses, with what its writer is likely to have meant. `at` is the text from the fault on.
pub(super) fn not_toml(message: &str, line: &str, at: &str) -> Mistake {
    const FORM: &str = "texts stand in quotes (key = \"…\"), lists in brackets, each key once in its table";
    let first = line.trim_start();
    let is_yaml = first.starts_with("---")
        || first.starts_with("- ")
        || first.split_once(':').is_some_and(|(key, _)| key.chars().all(|c| c.is_alphanumeric() || "_-".contains(c)));
    let help = if line.contains(['“', '”', '„', '‘', '’', '«', '»']) {
        "typographic quotes are no quotes to a program: write straight ones, key = \"…\""
    } else if message.contains("duplicate key") {
        "each key stands once in its table, and [table] once in the file; take one of the two out, or write [[table]] \
         for each entry of a list such as feed"
    } else if message.contains("carriage return") {
        "end each line with a line feed, alone or after a carriage return"
    } else if is_yaml {
        "this looks like YAML; TOML writes key = \"…\", and [table] on a line of its own"
    } else if first.starts_with('{') {
        "this looks like JSON; TOML writes key = \"…\", and [table] on a line of its own"
    } else if message.contains("must be quoted") {
        "put a text in quotes, key = \"…\"; without quotes stand numbers, true and false only"
    } else if at.starts_with('[') && message.contains("array") {
        "a list that begins above is not closed: end it with ]"
    } else {
        FORM
    };
    Mistake::with_help(format!("this is not TOML: {message}"), help)
}

/// The parser's words in ours. Of what was found numbers and truth values are shown; a text may be a secret.
pub(super) fn mistake_of_shape(message: &str, path: &KeyPath) -> Mistake {
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let written = rest.split('`').next().unwrap_or_default();
        let known: Vec<&str> = rest.split('`').skip(2).step_by(2).collect();
        return misplaced(written, &known).unwrap_or_else(|| unknown_key(written, &known));
    }
    for prefix in ["invalid type: ", "invalid value: "] {
        if let Some((found, expected)) = message.strip_prefix(prefix).and_then(|rest| rest.rsplit_once(", expected ")) {
            return other_type(found, expected, path.last_key().unwrap_or_default());
        }
    }
    let what = if path.0.is_empty() { "the file" } else { "the value" };
    Mistake::new(format!("{what} is not right: {message}"))
}

fn other_type(found: &str, expected: &str, key: &str) -> Mistake {
    let kind = found.split([' ', '`', '"']).next().unwrap_or("something else");
    let shown = found.split('`').nth(1).map(|value| format!(" {value}")).unwrap_or_default();
    let found = match kind {
        "map" => "a table".to_owned(),
        "sequence" => "a list".to_owned(),
        "string" => "a text".to_owned(),
        "integer" => format!("the whole number{shown}"),
        "floating" => format!("the number{shown}"),
        "boolean" => format!("the word{shown} without quotes"),
        other => format!("a {other}"),
    };
    let (expected, help) = match expected {
        "a sequence" if kind == "map" => ("a list", format!("write [[…{key}]] in two brackets, once for each entry")),
        "a sequence" => ("a list", format!("write a list, also of one: {key} = [\"…\"]")),
        "a map" => ("a table", format!("write {key} = {{ NAME = \"…\" }}, or a table of its own")),
        "a string" if TIMES.contains(&key) => {
            ("a text in quotes", "put it in quotes, with its unit: \"30s\", \"5m\", \"1h 30m\" or \"7d\"".to_owned())
        }
        "a string" if kind == "integer" || kind == "floating" => {
            ("a text in quotes", format!("put it in quotes: {key} = \"{}\"", shown.trim()))
        }
        "a string" => ("a text in quotes", format!("write {key} = \"…\"")),
        "a boolean" => ("true or false", format!("write {key} = true or {key} = false, without quotes")),
        "i64" | "u64" | "u32" | "usize" => ("a whole number", format!("write {key} = 50, without quotes")),
        other if other.starts_with("struct ") => {
            ("a table", format!("write [{key}] on a line of its own, its keys below"))
        }
        other => (other, format!("write {other}")),
    };
    Mistake::with_help(format!("{found} stands here, where {expected} is expected"), help)
}

/// A key that is known in another table.
fn misplaced(written: &str, known: &[&str]) -> Option<Mistake> {
    let belongs = match written {
        "contact" if known == ["client"] => "under its client: [[client.contact]]",
        "email" | "webhook" | "fallback" | "secret" if known.contains(&"priorities") => {
            "in a contact of the client: [[client.contact]]"
        }
        "server" | "username" | "password" if known.contains(&"sender") => "in [email]",
        "critical" | "major" | "minor" if known.contains(&"sender") => "in [promise]",
        "locale" | "name" if known.contains(&"sender") => "in [sender]",
        _ => return None,
    };
    let message = format!("the key {} is unknown here", quoted(written));
    Some(Mistake::with_help(message, format!("it belongs {belongs}; known here: {}", known.join(", "))))
}

/// An unknown key or column, with the nearest known one.
pub(super) fn unknown_key(written: &str, known: &[&str]) -> Mistake {
    let message = match nearest(written, known.iter().copied()) {
        Some(near) => format!("the key {} is unknown; the nearest known one is `{near}`", quoted(written)),
        None => format!("the key {} is unknown here", quoted(written)),
    };
    Mistake::with_help(message, format!("known here: {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_toml_is_told_what_it_looks_like() {
        let check = |message: &str, line: &str, part: &str| {
            let found = not_toml(message, line, line.trim_start()).help.unwrap_or_default();
            assert!(found.contains(part), "{line}: {found} lacks {part}");
        };
        check("key with no value", "sender:", "looks like YAML");
        check("key with no value", "  name: x", "looks like YAML");
        check("key with no value", "- a", "looks like YAML");
        check("invalid key-value pair", "{\"state\": \"x\"}", "looks like JSON");
        check("string values must be quoted", "name = “x”", "straight ones");
        check("string values must be quoted", "retain = yes", "in quotes");
        check("missing comma between array elements", "[[client]]", "end it with ]");
        check("duplicate key", "[feed]", "[[table]]");
        check("expected newline", "url = \"https://x\" y", "texts stand in quotes");
    }

    #[test]
    fn another_type_is_named_with_what_to_write() {
        let check = |message: &str, expected: &str, help: &str| {
            let found = mistake_of_shape(message, &KeyPath::root().key("every"));
            assert_eq!(found.message, expected);
            assert!(found.help.as_deref().unwrap_or_default().contains(help), "{found:?}");
        };
        check(
            "invalid type: integer `30`, expected a string",
            "the whole number 30 stands here, where a text in quotes is expected",
            "\"30s\"",
        );
        check(
            "invalid type: string \"hunter2\", expected i64",
            "a text stands here, where a whole number is expected",
            "every = 50",
        );
        check("invalid type: map, expected a sequence", "a table stands here, where a list is expected", "[[…every]]");
        check(
            "unknown field `contact`, expected `client`",
            "the key \"contact\" is unknown here",
            "[[client.contact]]",
        );
    }
}
