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
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::document::{self, Block, Builder, Lead, Style};
use crate::domain::{characters, entities, html};

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
    write_plain(&read(source))
}

/// The same text as HTML: `<p> <br> <ul> <ol> <li> <strong> <em> <code>` and `<a>` with nothing but an http(s)
/// `href` that is also its visible text, and `rel="nofollow noopener"`. Whatever the source was, the result has
/// gone through ammonia last.
pub fn safe_html(source: &str) -> String {
    SUBSET.clean(&write_html(&read(source))).to_string()
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

fn write_plain(blocks: &[Block]) -> String {
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

fn write_html(blocks: &[Block]) -> String {
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

#[cfg(test)]
mod tests {
    use super::super::document::CUT_MARK;
    use super::*;

    fn check(source: &str, expected_plain: &str, expected_html: &str) {
        assert_eq!(plain(source), expected_plain, "plain of {source:?}");
        let html = safe_html(source).replace(" rel=\"nofollow noopener\"", "");
        assert_eq!(html, expected_html, "HTML of {source:?}");
    }

    #[test]
    fn five_dialects_say_the_same() {
        let plain = "Down & out.\n\n- EU\n- US";
        let html = "<p>Down &amp; out.</p><ul><li>EU</li><li>US</li></ul>";
        check("Down & out.\r\n\r\n- EU\r\n- US", plain, html);
        check("Down &amp; out.\n\n* EU\n* US\n", plain, html);
        check("<p>Down &amp; out.</p>\n<ul>\n <li>EU</li>\n <li>US</li></ul>", plain, html);
        check("&lt;p&gt;Down &amp;amp; out.&lt;/p&gt;&lt;ul&gt;&lt;li&gt;EU&lt;li&gt;US&lt;/ul&gt;", plain, html);
        check(
            "&amp;lt;p&amp;gt;Down &amp;amp;amp; out.&amp;lt;/p&amp;gt;&amp;lt;ul&amp;gt;&amp;lt;li&amp;gt;EU\
             &amp;lt;li&amp;gt;US&amp;lt;/ul&amp;gt;",
            plain,
            html,
        );
    }

    #[test]
    fn links_show_where_they_lead() {
        let link = |address: &str| format!("<a href=\"{address}\">{address}</a>");
        let evil = link("https://evil.example");
        check("[click](https://evil.example)", "click (https://evil.example)", &format!("<p>click ({evil})</p>"));
        check(
            "<p><a href='https://evil.example' onclick=x>click <b>me</b></a></p>",
            "click me (https://evil.example)",
            &format!("<p>click <strong>me</strong> ({evil})</p>"),
        );
        check(
            "[https://bank.example](https://evil.example)",
            "https://bank.example (https://evil.example)",
            &format!("<p>{} ({evil})</p>", link("https://bank.example")),
        );
        check("<https://evil.example>", "https://evil.example", &format!("<p>{evil}</p>"));
        check("see https://evil.example.", "see https://evil.example.", &format!("<p>see {evil}.</p>"));
        check("(https://evil.example)", "(https://evil.example)", &format!("<p>({evil})</p>"));
        check("[click](javascript:alert(1))", "click", "<p>click</p>");
        check("[click](/relative)", "click", "<p>click</p>");
        check("[a](https://bank.example@evil.example)", "a", "<p>a</p>");
        check("[write](mailto:ops@a.example?subject=x)", "write (ops@a.example)", "<p>write (ops@a.example)</p>");
        check("<ops@a.example>", "ops@a.example", "<p>ops@a.example</p>");
        check("![chart](https://evil.example/x.png)", "chart", "<p>chart</p>");
        check(
            "<b>x</b><img src=https://e.example/x alt='chart' onerror=y>",
            "xchart",
            "<p><strong>x</strong>chart</p>",
        );
        check(
            "[u](https://bücher.example/ü)",
            "u (https://xn--bcher-kva.example/%C3%BC)",
            &format!("<p>u ({})</p>", link("https://xn--bcher-kva.example/%C3%BC")),
        );
    }

    #[test]
    fn text_that_only_looks_like_markup_stays() {
        check("for <SOME/ALL> users", "for <SOME/ALL> users", "<p>for &lt;SOME/ALL&gt; users</p>");
        check("<p>for <SOME/ALL> users</p>", "for <SOME/ALL> users", "<p>for &lt;SOME/ALL&gt; users</p>");
        check("<SERVICE>\nis down", "<SERVICE> is down", "<p>&lt;SERVICE&gt; is down</p>");
        check("down in <REGION>", "down in <REGION>", "<p>down in &lt;REGION&gt;</p>");
        check("[Resolved]: done", "[Resolved]: done", "<p>[Resolved]: done</p>");
        check(
            "[a\nb]: https://x.example\n\nc",
            "[a\nb]: https://x.example\n\nc",
            "<p>[a<br>b]: <a href=\"https://x.example\">https://x.example</a></p><p>c</p>",
        );
        check("[x]: a\n\n[x]: b\n\n[x]: c", "[x]: a\n\n[x]: b\n\n[x]: c", "<p>[x]: a</p><p>[x]: b</p><p>[x]: c</p>");
        check("{{ secrets }} {% for %}", "{{ secrets }} {% for %}", "<p>{{ secrets }} {% for %}</p>");
        check("snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4", "<p>snake_case_name and 2 * 3 * 4</p>");
        check("2023. A bad year", "2023. A bad year", "<p>2023. A bad year</p>");
        check("> 500 ms", "> 500 ms", "<p>&gt; 500 ms</p>");
        check("a < b > c & d", "a < b > c & d", "<p>a &lt; b &gt; c &amp; d</p>");
        check("<s>EU</s> US", "~~EU~~ US", "<p>~~EU~~ US</p>");
    }

    #[test]
    fn structure_is_kept_and_flat() {
        check("One.\nTwo.\n\nThree.", "One.\nTwo.\n\nThree.", "<p>One.<br>Two.</p><p>Three.</p>");
        check("One.<br /><br>Two.", "One.\n\nTwo.", "<p>One.</p><p>Two.</p>");
        check(
            "# Head\n\n**b** _e_ `c`",
            "Head\n\nb e c",
            "<p><strong>Head</strong></p><p><strong>b</strong> <em>e</em> <code>c</code></p>",
        );
        check(
            "1. a\n2. b\n   - c\n3. d",
            "1. a\n2. b\n  - c\n3. d",
            "<ol><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ol>",
        );
        check("- a\n\n  more\n- b", "- a\n\n  more\n\n- b", "<ul><li>a<p>more</p></li><li>b</li></ul>");
        check("- - a\n- b", "  - a\n- b", "<ul><li>a</li></ul><ul><li>b</li></ul>");
        check("```\na  b\n\nc\n```", "a b\n\nc", "<p><code>a b</code></p><p><code>c</code></p>");
        check("<table><tr><th>a<th>b<tr><td>1<td>2</table>", "a | b\n\n1 | 2", "<p>a | b</p><p>1 | 2</p>");
        check("<div>a<script>alert(1)</script>b</div>", "ab", "<p>ab</p>");
        check("<pre>a\nb</pre>", "a\nb", "<p>a<br>b</p>");
        check("", "", "");
        check(" \u{200b}\0 ", "", "");
    }

    #[test]
    fn a_line_is_plain_text_without_markdown() {
        for (source, expected) in [
            ("GitHub_Actions *beta*", "GitHub_Actions *beta*"),
            ("[Retroactive] API &amp;amp; Web", "[Retroactive] API & Web"),
            ("<b>Down</b>\r\nBcc: x@y.example", "Down Bcc: x@y.example"),
            ("for <SOME/ALL>\u{202e}", "for <SOME/ALL>"),
            ("a<br>b", "a b"),
            ("\u{1b}[31mred", "red"),
            ("", ""),
        ] {
            assert_eq!(one_line(source), expected, "{source:?}");
        }
        let long = one_line(&"ü".repeat(LINE_MOST + 1));
        assert_eq!((long.chars().count(), long.ends_with('…')), (LINE_MOST, true));
    }

    #[test]
    fn what_is_too_long_is_cut_with_a_mark() {
        let cut = plain(&"word ".repeat(10_000));
        assert!(cut.ends_with(CUT_MARK) && cut.chars().count() < TEXT_MOST * 5 / 4 + 10, "{}", cut.len());
        let html = safe_html(&format!("{} [x](https://e.example/{})", "a".repeat(TEXT_MOST - 20), "b".repeat(30)));
        assert!(html.ends_with(" […]</p>") && !html.contains("href"));
        assert!(plain(&format!("short <!--{}-->", "x".repeat(SOURCE_MOST))).ends_with(CUT_MARK));
    }

    const PAYLOADS: &[&str] = &[
        "<script>alert(1)</script>",
        "<ScRiPt src=//evil.example/x></sCrIpT>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<svg><a xlink:href=\"javascript:alert(1)\">x</a></svg>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<a href=\"java\tscript:alert(1)\">x</a>",
        "<a href=\" &#1; javascript&colon;alert(1)\">x</a>",
        "<a href='data:text/html,<script>'>x</a>",
        "<a href=\"https://e.example\" style=\"position:fixed\" target=_blank onclick='x'>bank</a>",
        "<a href=\"https://e.example/\"><b>https://bank.example/</b></a>",
        "<a href=\"https://e.example/&quot; onmouseover=&quot;x\">x</a>",
        "<iframe src=https://e.example></iframe><form action=x><input name=y>",
        "<style>body{display:none}</style><link rel=stylesheet href=//e.example>",
        "<meta http-equiv=refresh content='0;url=https://e.example'><base href=//e.example>",
        "<math><mi><mglyph><style><img src=x onerror=alert(1)>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        "<p title='<!--'><b>--><img src=x onerror=y>",
        "<!--><img src=x onerror=alert(1)>-->",
        "<![CDATA[<img src=x onerror=alert(1)>]]>",
        "](javascript:alert(1)) [x](vbscript:y) [z]( javascript:alert(1) )",
        "[x](https://e.example/\"onmouseover=\"alert(1))",
        "[x](<https://e.example/><script>)",
        "[x]: javascript:alert(1)\n\n[x]",
        "<javascript:alert(1)> <data:text/html,x>",
        "{{ secrets }} {% for x in y %} {# c #} ${7*7} <%= 7*7 %>",
        "<!channel> @everyone <@U1> <!here|x>",
        "\u{1b}[31mred\u{1b}]0;t\u{7} \u{202e}gpj\u{2066}x \u{200b}z\u{feff} \0\u{1}\u{8}\u{7f}\u{9b}2J",
        "a\r\n.\r\nMAIL FROM:<x@e.example>\rlone\nBcc: y@e.example",
        "&#27;[31m &#0; &#x202e; &NewLine; &Tab;",
        "<<b>script>alert(1)<</b>/script>",
        "<b <script>alert(1)</script>",
        "<p/onclick=x>y</p/onclick=z><br onload=x/>",
        "https://e.example/<script>alert(1)</script>\"'>",
    ];

    type Wrapping = (&'static str, fn(&str) -> String);

    const WRAPPINGS: &[Wrapping] = &[
        ("bare", |payload| payload.to_owned()),
        ("bold", |payload| format!("**{payload}** and\n- {payload}")),
        ("link words", |payload| format!("[{payload}](https://ok.example)")),
        ("paragraph", |payload| format!("<p>{payload}</p><ul><li>{payload}")),
        ("attribute", |payload| format!("<a title=\"{payload}\" href=\"https://ok.example/{payload}\">{payload}</a>")),
        ("escaped once", escaped),
        ("escaped twice", |payload| escaped(&escaped(payload))),
        ("code", |payload| format!("`{payload}`\n\n```{payload}\n{payload}\n```")),
    ];

    fn escaped(text: &str) -> String {
        let inner = format!("<p>{text}</p>");
        inner.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
    }

    /// Reads HTML as strictly as it was to be written: any `<` begins one of the tags of the subset.
    fn assert_harmless(html: &str, about: &str) {
        for from in html.split('<').skip(1) {
            let (tag, _) = from.split_once('>').unwrap_or_else(|| panic!("{about}: no tag in <{from}"));
            let name = tag.trim_start_matches('/');
            if ["p", "br", "ul", "ol", "li", "strong", "em", "code"].contains(&name) || tag == "/a" {
                continue;
            }
            let address = tag
                .strip_prefix("a href=\"")
                .and_then(|rest| rest.strip_suffix("\" rel=\"nofollow noopener\""))
                .unwrap_or_else(|| panic!("{about}: <{tag}>"));
            assert!(address.starts_with("https://") || address.starts_with("http://"), "{about}: {address}");
            assert!(!address.contains('"') && !address.contains(char::is_whitespace), "{about}: {address}");
            assert!(from.starts_with(&format!("{tag}>{address}")), "{about}: {address} under other words: {from}");
        }
    }

    #[test]
    fn no_hostile_text_leaves_the_subset() {
        let mut rows = 0;
        for payload in PAYLOADS {
            for (name, wrap) in WRAPPINGS {
                let source = wrap(payload);
                let about = format!("{payload:?} {name}");
                assert_harmless(&safe_html(&source), &about);
                for text in [plain(&source), safe_html(&source), one_line(&source)] {
                    assert!(!text.chars().any(characters::is_invisible), "{about}: {text:?}");
                }
                rows += 1;
            }
        }
        assert!(rows >= 200, "{rows}");
        assert!(plain("{{ secrets }} ${7*7}").contains("{{ secrets }} ${7*7}"));
    }

    #[test]
    fn hostile_size_and_depth_cost_little() {
        for unit in [
            "<b>",
            "<ul><li>",
            "> ",
            "- ",
            "[",
            "![](",
            "*a ",
            "`",
            "<a href=\"",
            "<!--",
            "<script>",
            "&amp;",
            "<p><",
            "[x]: y\n",
            "😀",
            "_*",
            "<a href=https://x.example>",
            "1. ",
        ] {
            let source = unit.repeat(400_000 / unit.len());
            let started = source.len();
            assert_harmless(&safe_html(&source), unit);
            assert!(plain(&source).len() <= started.max(200_000) * 2, "{unit:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_harmless(source in "[<>/abpliu =\"'&;#:\\[\\]()*_`\\n!-]{0,200}|(?s).{0,100}") {
            assert_harmless(&safe_html(&source), &source);
            let text = plain(&source);
            proptest::prop_assert!(!text.chars().any(characters::is_invisible));
        }
    }
}
