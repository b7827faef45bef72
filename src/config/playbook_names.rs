//! The names of filters and tests that a text of the playbook uses: the engine looks them up only where it gets to,
//! so that one in the other branch of an `if` would be found on the night when it is needed.
//!
//! Deliberately absent: variables, which the engine itself can list, and any opinion about syntax.

/// The filters of the engine (minijinja 3.1, `defaults.rs`), with spaces between them.
pub const FILTERS: &str = "abs attr batch bool capitalize chain count d default dictsort e escape first float format groupby indent \
    int items join last length lines list lower map max min pprint reject rejectattr replace reverse round \
    safe select selectattr slice sort split string sum title tojson trim unique upper urlencode zip";

/// Those of its tests that are words.
pub const TESTS: &str = "boolean defined divisibleby endingwith eq equalto escaped even false filter float ge greaterthan gt in \
    int integer iterable le lessthan lower lt mapping ne none number odd safe sameas sequence startingwith \
    string test true undefined upper";

/// A name that the engine looks up when it gets there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use<'t> {
    Filter(&'t str),
    Test(&'t str),
}

/// Every filter and test that the text uses, in its order.
pub fn of(source: &str) -> Vec<Use<'_>> {
    let code = regions(source).into_iter().filter_map(|region| match region {
        Region::Code(code) => Some(code),
        Region::Text(_) => None,
    });
    code.flat_map(used_in).collect()
}

/// The variables that stand in single braces, as if they were a template's: `{ facts.region }`.
pub fn in_single_braces(source: &str) -> impl Iterator<Item = &str> {
    let texts = regions(source).into_iter().filter_map(|region| match region {
        Region::Text(text) => Some(text),
        Region::Code(_) => None,
    });
    texts.flat_map(|text| text.split('{').skip(1)).filter_map(|after| {
        let inner = after.split('}').next()?.trim();
        let is_ours = inner.starts_with("facts.") || inner.starts_with("client.");
        (is_ours && inner.chars().all(|c| is_word(c) || c == '.')).then_some(inner)
    })
}

/// A part of the text: what stands as it is, or what is in `{{ }}` or `{% %}`.
enum Region<'t> {
    Text(&'t str),
    Code(&'t str),
}

fn regions(source: &str) -> Vec<Region<'_>> {
    let mut all = Vec::new();
    let mut rest = source;
    while let Some(at) = ["{{", "{%", "{#"].iter().filter_map(|mark| rest.find(mark)).min() {
        all.push(Region::Text(&rest[..at]));
        let inner = &rest[at + 2..];
        rest = match rest.as_bytes()[at + 1] {
            b'#' => after(inner, "#}"),
            b'{' => {
                let end = end_of_code(inner, "}}");
                all.push(Region::Code(&inner[..end]));
                after(&inner[end..], "}}")
            }
            _ => {
                let end = end_of_code(inner, "%}");
                let code = &inner[..end];
                all.push(Region::Code(code));
                let behind = after(&inner[end..], "%}");
                if tokens(code).iter().find_map(Token::word) == Some("raw") { after(behind, "endraw") } else { behind }
            }
        };
    }
    all.push(Region::Text(rest));
    all
}

fn after<'t>(text: &'t str, mark: &str) -> &'t str {
    text.split_once(mark).map_or("", |(_, after)| after)
}

/// The first place of `mark` outside of quotes, or the end.
fn end_of_code(inner: &str, mark: &str) -> usize {
    let mut at = 0;
    while at < inner.len() && !inner[at..].starts_with(mark) {
        at += token_length(&inner[at..]);
    }
    at
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    Word(&'t str),
    Sign(char),
}

impl<'t> Token<'t> {
    fn word(&self) -> Option<&'t str> {
        match self {
            Token::Word(word) => Some(word),
            Token::Sign(_) => None,
        }
    }
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut all = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let (token, behind) = rest.split_at(token_length(rest));
        if is_word(first) {
            all.push(Token::Word(token));
        } else if !first.is_whitespace() {
            all.push(Token::Sign(first));
        }
        rest = behind;
    }
    all
}

/// The length of the word, quoted text or single character that `text` begins with; it is not empty.
fn token_length(text: &str) -> usize {
    let mut chars = text.char_indices();
    let Some((_, first)) = chars.next() else { return 0 };
    if is_word(first) {
        return text.find(|c| !is_word(c)).unwrap_or(text.len());
    }
    if first != '"' && first != '\'' {
        return first.len_utf8();
    }
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            c if c == first => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn used_in(code: &str) -> Vec<Use<'_>> {
    let tokens = tokens(code);
    let is_filter_block = tokens.iter().find_map(Token::word) == Some("filter");
    let mut used = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Token::Word(word) = *token else { continue };
        let before = |back: usize| at.checked_sub(back).map(|at| tokens[at]);
        match (before(1), before(2)) {
            (Some(Token::Sign('|')), _) => used.push(Use::Filter(word)),
            (Some(Token::Word("filter")), None | Some(Token::Sign('-'))) if is_filter_block => {
                used.push(Use::Filter(word));
            }
            (Some(Token::Word("is")), Some(_)) if word != "not" => used.push(Use::Test(word)),
            (Some(Token::Word("not")), Some(Token::Word("is"))) => used.push(Use::Test(word)),
            _ => {}
        }
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::guidance::environment;

    #[test]
    fn the_engine_knows_every_name_that_is_offered() {
        for (names, kind) in [(FILTERS, "filter"), (TESTS, "test")] {
            for name in names.split(' ') {
                let source = format!("{{% if '{name}' is {kind} %}}known{{% endif %}}");
                assert_eq!(environment().render_str(&source, ()).ok().as_deref(), Some("known"), "{name}");
            }
        }
    }

    #[test]
    fn names_are_found_in_code_only() {
        let check = |source: &str, expected: &[Use<'_>]| assert_eq!(of(source), expected, "{source}");
        check("a | b is c", &[]);
        check("{{ a|b(c|d) }} | e", &[Use::Filter("b"), Use::Filter("d")]);
        check("{{ '}} |x' ~ \"\\\"|y\" |z }}", &[Use::Filter("z")]);
        check("{% if a is b and c is not d %}", &[Use::Test("b"), Use::Test("d")]);
        check("{# |a #}{% raw %}{{ b|c }}{% endraw %}{{ d|e }}", &[Use::Filter("e")]);
        check("{%- filter a -%}", &[Use::Filter("a")]);
        check("{{ ä|ö", &[Use::Filter("ö")]);
        check("{{ 'not closed |a", &[]);
    }
}
