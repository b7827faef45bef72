//! Finds what is HTML in text of which nobody says what it is.
//!
//! Bodies of updates come plain, as Markdown, as HTML, or as HTML escaped once or twice, and people type
//! `<SOME/ALL>` into them. So only what looks like a tag that HTML has *is* a tag; all else is text and stays.
//! Deliberately absent: a tree, nesting and repair. Whoever reads the tokens bears tags that never close.

use std::borrow::Cow;

use super::entities;

/// A piece of HTML. Comments, declarations and the contents of scripts and styles are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// As written: entities are not decoded.
    Text(&'a str),
    /// The element's name in lower case, and what stands between it and `>`.
    Open {
        name: &'static str,
        attributes: &'a str,
    },
    Close(&'static str),
}

/// Elements we know, in alphabetical order. What is not among them is text.
const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "address",
    "article",
    "aside",
    "audio",
    "b",
    "base",
    "big",
    "blockquote",
    "body",
    "br",
    "button",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "embed",
    "fieldset",
    "figcaption",
    "figure",
    "font",
    "footer",
    "form",
    "frame",
    "frameset",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "i",
    "iframe",
    "img",
    "input",
    "ins",
    "kbd",
    "label",
    "legend",
    "li",
    "link",
    "main",
    "mark",
    "math",
    "meta",
    "nav",
    "nobr",
    "noscript",
    "object",
    "ol",
    "option",
    "p",
    "param",
    "picture",
    "pre",
    "q",
    "s",
    "samp",
    "script",
    "section",
    "select",
    "small",
    "source",
    "span",
    "strike",
    "strong",
    "style",
    "sub",
    "summary",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "template",
    "textarea",
    "tfoot",
    "th",
    "thead",
    "time",
    "title",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "video",
    "wbr",
];

/// Names that a person filling in a form would write in capitals: `<TIME>` is a placeholder, `<P>` is a tag.
const ALSO_WORDS: &[&str] = &[
    "address", "article", "audio", "base", "body", "button", "caption", "code", "details", "footer", "form", "frame",
    "head", "header", "input", "label", "legend", "link", "main", "mark", "object", "option", "picture", "section",
    "select", "source", "style", "summary", "template", "time", "title", "video",
];

/// Elements whose contents are no text for readers.
const UNREADABLE: &[&str] =
    &["iframe", "math", "noscript", "object", "script", "style", "svg", "template", "textarea", "title"];

/// Elements that begin and end a paragraph, an item or a line: text with one of them is an HTML document,
/// text without is plain or Markdown with a few tags in it.
pub const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
];

/// Longest tag that is read, in bytes: an address of 1,500 characters fits, an endless one is text.
const TAG_MOST: usize = 4_096;

/// The tokens of a text, in order.
pub fn tokens(source: &str) -> Tokens<'_> {
    Tokens { source, at: 0, never_closed: Vec::new() }
}

/// Whether any piece of the text is a tag.
pub fn has_tag(source: &str) -> bool {
    source.match_indices('<').any(|(at, _)| tag(&source[at..]).is_some())
}

/// Whether the text is HTML as a whole: it holds a block, a script or a style.
pub fn is_document(source: &str) -> bool {
    source.match_indices('<').any(|(at, _)| {
        tag(&source[at..]).is_some_and(|tag| BLOCKS.contains(&tag.name) || UNREADABLE.contains(&tag.name))
    })
}

/// The text with its layers of escaping taken off: HTML that came escaped, once or twice, becomes HTML again;
/// text without any tag has its entities decoded.
pub fn peel(source: &str) -> Cow<'_, str> {
    let mut peeled = Cow::Borrowed(source);
    for _ in 0..3 {
        if has_tag(&peeled) {
            break;
        }
        match entities::decode(&peeled) {
            Cow::Borrowed(_) => break,
            Cow::Owned(next) => peeled = Cow::Owned(next),
        }
    }
    peeled
}

/// The value of an attribute, entities decoded. `attributes` is what [`Token::Open`] holds.
pub fn attribute<'a>(attributes: &'a str, wanted: &str) -> Option<Cow<'a, str>> {
    let is_break = |c: char| c.is_ascii_whitespace() || c == '/';
    let mut rest = attributes.trim_start_matches(is_break);
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || is_break(c)).unwrap_or(rest.len());
        let name = &rest[..end];
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(from) = rest.strip_prefix('=') {
            let from = from.trim_start();
            (value, rest) = match from.chars().next() {
                Some(quote @ ('"' | '\'')) => from[1..].split_once(quote).unwrap_or((&from[1..], "")),
                _ => from.split_at(from.find(|c: char| c.is_ascii_whitespace()).unwrap_or(from.len())),
            };
        }
        if name.eq_ignore_ascii_case(wanted) {
            return Some(entities::decode(value));
        }
        rest = rest.trim_start_matches(is_break);
    }
    None
}

/// See [`tokens`].
pub struct Tokens<'a> {
    source: &'a str,
    at: usize,
    /// What was looked for to the end of the text and not found, so that it is looked for once.
    never_closed: Vec<&'static str>,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = &self.source[self.at..];
            if rest.is_empty() {
                return None;
            }
            match self.markup(rest) {
                Some((token, length)) => {
                    self.at += length;
                    if token.is_some() {
                        return token;
                    }
                }
                None => {
                    let skipped = usize::from(rest.starts_with('<'));
                    let length = rest[skipped..].find('<').map_or(rest.len(), |at| at + skipped);
                    self.at += length;
                    return Some(Token::Text(&rest[..length]));
                }
            }
        }
    }
}

impl<'a> Tokens<'a> {
    /// The markup that the text begins with, if it does: its token, where it has one, and its length.
    fn markup(&mut self, rest: &'a str) -> Option<(Option<Token<'a>>, usize)> {
        if !rest.starts_with('<') {
            return None;
        }
        if let Some(from) = rest.strip_prefix("<!--") {
            let end = self.find_close(from, "-->")?;
            return Some((None, 4 + end + 3));
        }
        if let Some(from) = rest.strip_prefix("<![CDATA[") {
            let end = self.find_close(from, "]]>")?;
            return Some((Some(Token::Text(&from[..end])), 9 + end + 3));
        }
        if starts_with_ignoring_case(rest, "<!doctype") || rest.starts_with("<?xml") {
            let end = rest.bytes().take(TAG_MOST).position(|byte| byte == b'>')?;
            return Some((None, end + 1));
        }
        let tag = tag(rest)?;
        if tag.is_closing {
            let token = (!UNREADABLE.contains(&tag.name)).then_some(Token::Close(tag.name));
            return Some((token, tag.length));
        }
        if UNREADABLE.contains(&tag.name) {
            let contents =
                if self.never_closed.contains(&tag.name) { None } else { closing_tag(&rest[tag.length..], tag.name) };
            if contents.is_none() {
                self.never_closed.push(tag.name);
            }
            return Some((None, tag.length + contents.unwrap_or(0)));
        }
        Some((Some(Token::Open { name: tag.name, attributes: tag.attributes }), tag.length))
    }

    fn find_close(&mut self, from: &str, close: &'static str) -> Option<usize> {
        if self.never_closed.contains(&close) {
            return None;
        }
        let found = from.find(close);
        if found.is_none() {
            self.never_closed.push(close);
        }
        found
    }
}

struct Tag<'a> {
    name: &'static str,
    is_closing: bool,
    attributes: &'a str,
    length: usize,
}

/// The tag that the text begins with, if it is one.
fn tag(rest: &str) -> Option<Tag<'_>> {
    let bytes = rest.as_bytes();
    let is_closing = bytes.get(1) == Some(&b'/');
    let start = 1 + usize::from(is_closing);
    let length = bytes.get(start..)?.iter().take(12).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let written = &rest[start..start + length];
    let name = element(written)?;
    let after = start + length;
    match bytes.get(after)? {
        b'>' | b' ' | b'\t' | b'\r' | b'\n' => {}
        b'/' if bytes.get(after + 1) == Some(&b'>') => {}
        _ => return None,
    }
    let end = after + tag_end(&bytes[after..])?;
    let attributes = &rest[after..end];
    let bare = attributes.trim_matches(|c: char| c.is_ascii_whitespace() || c == '/').is_empty();
    let is_form_field = bare && written == name.to_ascii_uppercase() && ALSO_WORDS.contains(&name);
    let is_prose = !bare && !attributes.contains('=') && !UNREADABLE.contains(&name);
    if is_form_field || is_prose {
        return None;
    }
    Some(Tag { name, is_closing, attributes, length: end + 1 })
}

fn element(written: &str) -> Option<&'static str> {
    let lower = written.to_ascii_lowercase();
    ELEMENTS.binary_search(&lower.as_str()).ok().map(|at| ELEMENTS[at])
}

/// Where the tag's `>` stands: outside quotes, and before any `<` outside quotes.
fn tag_end(bytes: &[u8]) -> Option<usize> {
    let mut quote = None;
    let mut after_equals = false;
    for (at, byte) in bytes.iter().take(TAG_MOST).enumerate() {
        match (quote, byte) {
            (Some(open), byte) => {
                if *byte == open {
                    quote = None;
                }
            }
            (None, b'>') => return Some(at),
            (None, b'<') => return None,
            (None, b'"' | b'\'') if after_equals => quote = Some(*byte),
            (None, _) => {}
        }
        after_equals = *byte == b'=' || (after_equals && byte.is_ascii_whitespace());
    }
    None
}

/// How far it is to the closing tag of an element whose contents are skipped.
fn closing_tag(from: &str, name: &str) -> Option<usize> {
    from.match_indices("</").map(|(at, _)| at).find(|at| starts_with_ignoring_case(&from[at + 2..], name))
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.as_bytes().get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

#[cfg(test)]
mod tests;
