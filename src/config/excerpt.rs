//! The line of a file that a mistake stands in, made safe to show: nothing in it is an address or a secret.
//!
//! Deliberately absent: the whole file. One line is enough to find the place, and files of clients are large.

use std::ops::Range;

/// Keys whose values are secrets, wherever they stand.
const SECRET_KEYS: [&str; 6] = ["password", "secret", "token", "key", "heartbeat", "state_password"];

/// Longer lines are cut around the place.
const MOST_BYTES: usize = 160;

/// A line and the range of bytes in it to be underlined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    pub text: String,
    pub span: Range<usize>,
}

/// How much of a line may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Showing {
    /// All of it: nothing in such a file is an address of a client or a secret.
    AsWritten,
    /// All but what may be an address or a secret.
    Masked,
    /// All but an address that may hold a login.
    WithoutLogin,
    /// No value: the key at fault is a secret's.
    Nothing,
}

/// Whether a key of this name holds a secret, wherever it stands.
pub fn is_secret_key(name: &str) -> bool {
    SECRET_KEYS.contains(&name)
}

impl Excerpt {
    /// The line of `text` in which `span` begins; the span ends with the line at the latest.
    pub fn of(text: &str, span: Range<usize>, showing: Showing) -> Excerpt {
        let start = floor_boundary(text, span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line = text[line_start..line_end].trim_end_matches('\r');
        let from = (start - line_start).min(line.len());
        let to = floor_boundary(line, span.end.saturating_sub(line_start)).clamp(from, line.len());
        cut(&masked(line, showing), from..to)
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn cut(line: &str, span: Range<usize>) -> Excerpt {
    if line.len() <= MOST_BYTES {
        return Excerpt { text: line.to_owned(), span };
    }
    let from = floor_boundary(line, span.start.saturating_sub(MOST_BYTES / 4));
    let to = floor_boundary(line, from + MOST_BYTES);
    let end = span.end.min(to).max(span.start);
    Excerpt { text: line[from..to].to_owned(), span: span.start - from..end - from }
}

/// The line with every value that may be an address or a secret replaced by stars, byte for byte, and every
/// control character by a question mark, so that places stay where they are.
fn masked(line: &str, showing: Showing) -> String {
    let (all_values, addresses) = match showing {
        Showing::AsWritten => (false, false),
        Showing::WithoutLogin => (false, line.contains('@')),
        Showing::Masked => (names_a_secret(line), true),
        Showing::Nothing => (true, true),
    };
    // The name of a table is no value.
    let is_header = line.trim_start().starts_with('[') && !line.contains('=');
    let (all_values, addresses) = if is_header { (false, addresses) } else { (all_values, addresses) };
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => quoted_length(rest, first),
            c if is_bare(c) => rest.find(|c| !is_bare(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        let is_value = (is_bare(first) || first == '"' || first == '\'') && !after.trim_start().starts_with('=');
        if is_value && (all_values || (addresses && is_address_like(token))) {
            out.extend(token.bytes().enumerate().map(|(at, _)| star(token, at)));
        } else {
            token.chars().for_each(|c| push_visible(&mut out, c));
        }
        rest = after;
    }
    out
}

fn star(token: &str, at: usize) -> char {
    let quote = token.chars().next().filter(|c| *c == '"' || *c == '\'');
    match quote {
        Some(quote) if at == 0 || (at + 1 == token.len() && token.ends_with(quote)) => quote,
        Some(_) | None => '*',
    }
}

fn push_visible(out: &mut String, c: char) {
    match c {
        '\t' => out.push(' '),
        c if c.is_control() => out.extend(std::iter::repeat_n('?', c.len_utf8())),
        c => out.push(c),
    }
}

fn is_bare(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !matches!(c, '=' | ',' | '{' | '}' | '[' | ']' | '"' | '\'' | '#')
}

fn is_address_like(token: &str) -> bool {
    token.contains('@') || token.contains("://") || token.contains("whsec_")
}

/// Whether a key that stands in the line, which is a word before `=`, holds a secret.
fn names_a_secret(line: &str) -> bool {
    let before_values = line.split('=').map(|part| part.trim_end().trim_end_matches(['"', '\'']));
    let mut keys = before_values.map(|part| part.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next());
    keys.any(|key| key.is_some_and(is_secret_key))
}

/// The length of a quoted text with its quotes, to the end of the line if it is not closed.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let found = masked(line, Showing::Masked);
        assert_eq!(found, expected);
        assert_eq!(found.len(), line.len(), "places must not move: {line}");
    }

    #[test]
    fn a_line_shows_neither_addresses_nor_secrets() {
        check(r#"email = "ops@acme.example""#, r#"email = "****************""#);
        check("email = ops@acme.example", "email = ****************");
        check(r#"webhook = "https://a.example/t0ken" # ours"#, r#"webhook = "***********************" # ours"#);
        check(r#"password = "hunter2""#, r#"password = "*******""#);
        check(r#"secret = { env = "NAME" }"#, r#"secret = { env = "****" }"#);
        check(r#"token = "never closed"#, r#"token = "************"#);
        check(r#"every = "3 s""#, r#"every = "3 s""#);
        check(r#"name = "the key to it""#, r#"name = "the key to it""#);
        check(r#"hook = { "token" = "hunter2" }"#, r#"hook = { "token" = "*******" }"#);
        check("name = \"a\u{1b}[31mb\"", "name = \"a?[31mb\"");
    }

    #[test]
    fn what_a_person_wrote_for_others_to_read_is_shown_to_them_as_it_is() {
        let line = r#"title = "mail ops@acme.example the key = \"x\"""#;
        assert_eq!(masked(line, Showing::AsWritten), line);
        let server = r#"server = "smtp://mail:99999""#;
        assert_eq!(masked(server, Showing::WithoutLogin), server);
        assert!(!masked(r#"server = "smtp://a:b@mail""#, Showing::WithoutLogin).contains("a:b"));
        assert_eq!(masked(r#"  "hunter2","#, Showing::Nothing), r#"  "*******","#);
    }

    #[test]
    fn the_excerpt_is_the_line_of_the_place() {
        let text = "a = 1\nevery = \"3 s\"\nb = 2\n";
        let found = Excerpt::of(text, 14..19, Showing::Masked);
        assert_eq!(found, Excerpt { text: "every = \"3 s\"".into(), span: 8..13 });
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("{}X{}", "ä".repeat(200), "b".repeat(500));
        let found = Excerpt::of(&text, 400..401, Showing::Masked);
        assert!(found.text.len() <= MOST_BYTES);
        assert_eq!(&found.text[found.span], "X");
    }
}
