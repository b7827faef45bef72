//! Blocks of clean words become plain text, or HTML of nine harmless elements.
//!
//! Whatever stands in the blocks, the HTML goes through ammonia last. Deliberately absent: reading.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::render::document::{self, Block, Lead, Style};

/// The blocks as plain text; its form is that of [`plain`](super::plain).
pub fn as_plain(blocks: &[Block]) -> String {
    let mut out = String::new();
    let mut is_after_item = false;
    for block in blocks {
        let is_item = matches!(block.lead, Lead::Bullet | Lead::Number(_));
        if !out.is_empty() {
            out.push_str(if is_item && is_after_item { "\n" } else { "\n\n" });
        }
        is_after_item = is_item;
        let mut prefix = "  ".repeat(block.depth.saturating_sub(1));
        let mark = match block.lead {
            Lead::Paragraph => String::new(),
            Lead::Bullet => "- ".to_owned(),
            Lead::Number(number) => format!("{number}. "),
            Lead::Continued => "  ".to_owned(),
        };
        out.push_str(&prefix);
        out.push_str(&mark);
        prefix.push_str(&" ".repeat(mark.len()));
        let quote = if block.is_quoted { "> " } else { "" };
        out.push_str(quote);
        for span in &block.spans {
            out.push_str(&span.text.replace('\n', &format!("\n{prefix}{quote}")));
        }
    }
    out
}

/// A list whose end tags are still owed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ListKind {
    Bullets,
    Numbers,
}

impl ListKind {
    fn start(self) -> &'static str {
        match self {
            ListKind::Bullets => "<ul><li>",
            ListKind::Numbers => "<ol><li>",
        }
    }

    fn end(self) -> &'static str {
        match self {
            ListKind::Bullets => "</li></ul>",
            ListKind::Numbers => "</li></ol>",
        }
    }
}

/// The blocks as HTML of the harmless elements and nothing else; its form is that of
/// [`safe_html`](super::safe_html).
pub fn as_html(blocks: &[Block]) -> String {
    SUBSET.clean(&draft(blocks)).to_string()
}

fn draft(blocks: &[Block]) -> String {
    let mut out = String::new();
    let mut open: Vec<(usize, ListKind)> = Vec::new();
    for block in blocks {
        while let Some((_, kind)) = open.pop_if(|(depth, _)| *depth > block.depth) {
            out.push_str(kind.end());
        }
        let around = open.last().copied().filter(|(depth, _)| *depth == block.depth).map(|(_, kind)| kind);
        match (list_kind(block.lead, around), around) {
            (None, _) => {
                out.push_str("<p>");
                if let Lead::Number(number) = block.lead {
                    out.push_str(&format!("{number}. "));
                }
                write_spans(block, &mut out);
                out.push_str("</p>");
                continue;
            }
            (Some(kind), Some(same)) if kind == same && block.lead != Lead::Number(1) => out.push_str("</li><li>"),
            (Some(kind), around) => {
                if let Some(other) = around {
                    open.pop();
                    out.push_str(other.end());
                }
                open.push((block.depth, kind));
                out.push_str(kind.start());
            }
        }
        write_spans(block, &mut out);
    }
    while let Some((_, kind)) = open.pop() {
        out.push_str(kind.end());
    }
    out
}

/// The list that a block belongs in. A list that counts from anything but one would lose its numbers in HTML
/// without attributes, and `2023. A bad year` is no list at all: there the number is written out in a paragraph.
fn list_kind(lead: Lead, around: Option<ListKind>) -> Option<ListKind> {
    match lead {
        Lead::Bullet => Some(ListKind::Bullets),
        Lead::Number(1) => Some(ListKind::Numbers),
        Lead::Number(_) => around.filter(|kind| *kind == ListKind::Numbers),
        Lead::Paragraph | Lead::Continued => None,
    }
}

fn write_spans(block: &Block, out: &mut String) {
    if block.is_quoted {
        out.push_str("&gt; ");
    }
    for span in &block.spans {
        let (start, end) = match span.style {
            Style::Plain => ("", ""),
            Style::Strong => ("<strong>", "</strong>"),
            Style::Emphasis => ("<em>", "</em>"),
            Style::Code => ("<code>", "</code>"),
            Style::Link => {
                write_link(&span.text, out);
                continue;
            }
        };
        out.push_str(start);
        write_words(&span.text, out);
        out.push_str(end);
    }
}

/// Words, with the addresses in them made links to themselves.
fn write_words(text: &str, out: &mut String) {
    let mut written = 0;
    for (start, end) in document::addresses_in(text) {
        if let Some(address) = document::web_address(&text[start..end]) {
            escape(&text[written..start], out);
            write_link(&address, out);
            written = end;
        }
    }
    escape(&text[written..], out);
}

fn write_link(address: &str, out: &mut String) {
    out.push_str("<a href=\"");
    escape(address, out);
    out.push_str("\">");
    escape(address, out);
    out.push_str("</a>");
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("<br>"),
            other => out.push(other),
        }
    }
}

static SUBSET: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut subset = ammonia::Builder::empty();
    subset
        .tags(HashSet::from(["p", "br", "ul", "ol", "li", "strong", "em", "code", "a"]))
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"]))]))
        .generic_attributes(HashSet::new())
        .url_schemes(HashSet::from(["http", "https"]))
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(Some("nofollow noopener"));
    subset
});
