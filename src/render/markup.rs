//! Hostile text in five dialects becomes clean words, or HTML of nine harmless elements.
//!
//! Nobody says which dialect a body is in, so it is found out: escaped layers come off first (`html::peel`);
//! what then holds a block of HTML (`<p>`, `<li>`, `<div>`, …) or a script is HTML; all else is Markdown, of
//! which plain text is the simple case, and in which single tags (`<br>`, `<b>`) are understood too. Line breaks
//! in Markdown and plain text are kept. What only looks like a tag, such as `<SOME/ALL>`, is text and stays.
//!
//! Deliberately absent: images, tables, colours, scripts, relative links and any other scheme; and templates:
//! `{{ }}` in the text is text.

use std::borrow::Cow;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::document::{Block, Builder};

use crate::domain::{characters, entities, html};

mod write;

/// Most characters of a text that are shown; what is beyond is cut and marked `[…]`.
pub const TEXT_MOST: usize = 20_000;
/// Most characters of a title or name.
pub const LINE_MOST: usize = 300;
/// Most bytes of source that are read at all: markup may outweigh its words ten times.
const SOURCE_MOST: usize = 200_000;

/// Clean plain text: paragraphs parted by a blank line, items as `- item` or `1. item`, links as visible
/// http(s) addresses behind their words, lines parted by LF, no control character, at most [`TEXT_MOST`]
/// characters of words. Empty for a text without words.
pub fn plain(source: &str) -> String {
    write::as_plain(&read(source))
}

/// The same text as HTML: `<p> <br> <ul> <ol> <li> <strong> <em> <code>` and `<a>` with nothing but an http(s)
/// `href` that is also its visible text, and `rel="nofollow noopener"`. Whatever the source was, the result has
/// gone through ammonia last.
pub fn safe_html(source: &str) -> String {
    write::as_html(&read(source))
}

/// A title or a name in one line of plain text: tags of HTML and control characters gone, entities decoded, white
/// space folded, everything else as it is (`GitHub_Actions *beta*` is no Markdown). At most [`LINE_MOST`]
/// characters, the last one `…` if it was longer.
pub fn one_line(source: &str) -> String {
    let (source, _) = within(source, SOURCE_MOST);
    let cleaned = characters::clean(source);
    let peeled = html::peel(&cleaned);
    let mut text = String::with_capacity(peeled.len());
    for token in html::tokens(&peeled) {
        match token {
            html::Token::Text(words) => text.push_str(&characters::clean(&entities::decode_fully(words))),
            html::Token::Open { name, .. } | html::Token::Close(name) => {
                if name == "br" || html::BLOCKS.contains(&name) {
                    text.push(' ');
                }
            }
        }
    }
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match folded.char_indices().nth(LINE_MOST) {
        Some(_) => folded.chars().take(LINE_MOST - 1).chain(['…']).collect(),
        None => folded,
    }
}

/// The text cut to so many bytes at a boundary of characters, and whether it was.
fn within(source: &str, most: usize) -> (&str, bool) {
    let end = source.floor_char_boundary(most.min(source.len()));
    (&source[..end], end < source.len())
}

/// The text as blocks, whatever its dialect.
fn read(source: &str) -> Vec<Block> {
    let (source, is_cut) = within(source, SOURCE_MOST);
    let mut builder = Builder::new(TEXT_MOST);
    let cleaned = characters::clean(source);
    let peeled = html::peel(&cleaned);
    let peeled = characters::clean(&peeled);
    if html::is_document(&peeled) {
        read_html(&peeled, &mut builder);
    } else {
        read_markdown(&peeled, &mut builder);
    }
    if is_cut {
        builder.mark_cut();
    }
    builder.finish()
}

fn read_html(source: &str, builder: &mut Builder) {
    let mut preformatted = 0_usize;
    for token in html::tokens(source) {
        match token {
            html::Token::Text(text) if preformatted > 0 => builder.lines(&entities::decode_fully(text)),
            html::Token::Text(text) => builder.text(&entities::decode_fully(text)),
            html::Token::Open { name, attributes } => {
                preformatted += usize::from(name == "pre");
                open_element(name, attributes, builder);
            }
            html::Token::Close(name) => {
                preformatted = preformatted.saturating_sub(usize::from(name == "pre"));
                close_element(name, builder);
            }
        }
    }
}

fn open_element(name: &str, attributes: &str, builder: &mut Builder) {
    match name {
        "br" => builder.line_break(),
        "b" | "strong" => builder.strong_begins(),
        "i" | "em" | "cite" | "dfn" => builder.emphasis_begins(),
        "code" | "kbd" | "samp" | "tt" => builder.code_begins(),
        "s" | "del" | "strike" => builder.text("~~"),
        "q" => builder.text("\""),
        "a" => builder.link_begins(&html::attribute(attributes, "href").unwrap_or_default()),
        "img" => builder.text(&html::attribute(attributes, "alt").unwrap_or_default()),
        "ul" => builder.list_begins(None),
        "ol" => {
            let start = html::attribute(attributes, "start").and_then(|start| start.trim().parse().ok());
            builder.list_begins(Some(start.unwrap_or(1)));
        }
        "li" => builder.item_begins(),
        "blockquote" => builder.quote_begins(),
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
            builder.paragraph();
            builder.strong_begins();
        }
        "tr" | "dt" | "dd" => builder.paragraph(),
        "td" | "th" => builder.cell(),
        block if html::BLOCKS.contains(&block) => builder.paragraph(),
        _ => {}
    }
}

fn close_element(name: &str, builder: &mut Builder) {
    match name {
        "b" | "strong" => builder.strong_ends(),
        "i" | "em" | "cite" | "dfn" => builder.emphasis_ends(),
        "code" | "kbd" | "samp" | "tt" => builder.code_ends(),
        "s" | "del" | "strike" => builder.text("~~"),
        "q" => builder.text("\""),
        "a" => builder.link_ends(),
        "ul" | "ol" => builder.list_ends(),
        "blockquote" => builder.quote_ends(),
        "td" | "th" | "br" => {}
        block if html::BLOCKS.contains(&block) => builder.paragraph(),
        _ => {}
    }
}

fn read_markdown(source: &str, builder: &mut Builder) {
    let Some(source) = with_definitions_as_text(source) else { return builder.lines(source) };
    let mut html_block = None;
    for event in Parser::new_ext(&source, Options::empty()) {
        match event {
            Event::Start(Tag::HtmlBlock) => html_block = Some(String::new()),
            Event::End(TagEnd::HtmlBlock) => {
                builder.paragraph();
                read_html(&html_block.take().unwrap_or_default(), builder);
                builder.paragraph();
            }
            Event::Html(part) => match html_block.as_mut() {
                Some(block) => block.push_str(&part),
                None => read_html(&part, builder),
            },
            Event::InlineHtml(part) => read_html(&part, builder),
            Event::Start(tag) => open_tag(tag, builder),
            Event::End(tag) => close_tag(tag, builder),
            Event::Text(text) => builder.lines(&text),
            Event::Code(text) => {
                builder.code_begins();
                builder.text(&text);
                builder.code_ends();
            }
            Event::SoftBreak | Event::HardBreak => builder.line_break(),
            Event::Rule => builder.paragraph(),
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => builder.text(&text),
            Event::TaskListMarker(is_done) => builder.text(if is_done { "[x] " } else { "[ ] " }),
        }
    }
}

fn open_tag(tag: Tag<'_>, builder: &mut Builder) {
    match tag {
        Tag::Heading { .. } => {
            builder.paragraph();
            builder.strong_begins();
        }
        Tag::BlockQuote(_) => builder.quote_begins(),
        Tag::CodeBlock(_) => {
            builder.paragraph();
            builder.code_begins();
        }
        Tag::List(first) => builder.list_begins(first),
        Tag::Item => builder.item_begins(),
        Tag::Emphasis => builder.emphasis_begins(),
        Tag::Strong => builder.strong_begins(),
        Tag::Link { dest_url, .. } => builder.link_begins(&dest_url),
        Tag::Image { .. } => {}
        _ => builder.paragraph(),
    }
}

fn close_tag(tag: TagEnd, builder: &mut Builder) {
    match tag {
        TagEnd::BlockQuote(_) => builder.quote_ends(),
        TagEnd::List(_) => builder.list_ends(),
        TagEnd::Emphasis => builder.emphasis_ends(),
        TagEnd::Strong => builder.strong_ends(),
        TagEnd::Link => builder.link_ends(),
        TagEnd::Image => {}
        _ => builder.paragraph(),
    }
}

/// `[Resolved]: done` is the definition of a link to Markdown, which would make it vanish; to a reader of an
/// update it is a sentence. So such brackets are escaped; escaping one may bring another to light. `None` for a
/// text that has more of them than three rounds find, which no honest one has.
fn with_definitions_as_text(source: &str) -> Option<Cow<'_, str>> {
    let mut text = Cow::Borrowed(source);
    for _ in 0..3 {
        let parser = Parser::new_ext(&text, Options::empty());
        let mut starts: Vec<usize> = parser.reference_definitions().iter().map(|(_, found)| found.span.start).collect();
        if starts.is_empty() {
            return Some(text);
        }
        starts.sort_unstable();
        let mut escaped = String::with_capacity(text.len() + starts.len());
        let mut written = 0;
        for start in starts {
            escaped.push_str(&text[written..start]);
            escaped.push('\\');
            written = start;
        }
        escaped.push_str(&text[written..]);
        text = Cow::Owned(escaped);
    }
    None
}

#[cfg(test)]
mod tests;
