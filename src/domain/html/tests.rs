//! What is a tag, and what only looks like one.

use super::*;

fn check(source: &str, expected: &str) {
    let read: Vec<String> = tokens(source)
        .map(|token| match token {
            Token::Text(text) => text.to_owned(),
            Token::Open { name, .. } => format!("[{name}]"),
            Token::Close(name) => format!("[/{name}]"),
        })
        .collect();
    assert_eq!(read.concat(), expected, "{source:?}");
}

#[test]
fn only_tags_of_html_are_tags() {
    check("<p>a <b>b</b><br/>c</P>", "[p]a [b]b[/b][br]c[/p]");
    check("issues for <SOME/ALL> users", "issues for <SOME/ALL> users");
    check("<REGION> at <TIME>, see <LINK>", "<REGION> at <TIME>, see <LINK>");
    check("<time of day> and <customer>", "<time of day> and <customer>");
    check("<A/B> and a<b and 3 < 4 > 2", "<A/B> and a<b and 3 < 4 > 2");
    check("<!channel> <@U123> <https://x.example>", "<!channel> <@U123> <https://x.example>");
    check("<a href='x>y' title=\"<\">t</a>", "[a]t[/a]");
    check("<time datetime=\"2026\">now</time>", "[time]now[/time]");
    check("<p", "<p");
    check("</p >", "[/p]");
}

#[test]
fn what_is_no_text_for_readers_is_left_out() {
    check("a<script>alert('<p>')</script >b", "ab");
    check("a<STYLE type=x>p{}</style>b<!-- c -->d", "abd");
    check("<!DOCTYPE html><?xml version='1'?>x<![CDATA[<y>]]>", "x<y>");
    check("a<script>never closed <b>bold</b>", "anever closed [b]bold[/b]");
    check("a <!-- never closed", "a <!-- never closed");
}

#[test]
fn layers_of_escaping_come_off() {
    for (source, expected) in [
        ("<p>a &amp; b</p>", "<p>a &amp; b</p>"),
        ("&lt;p&gt;a &amp;amp; b&lt;/p&gt;", "<p>a &amp; b</p>"),
        ("&amp;lt;p&amp;gt;a&amp;lt;/p&amp;gt;", "<p>a</p>"),
        ("a &amp; &lt;SOME/ALL&gt;", "a & <SOME/ALL>"),
        ("<b>a</b> &lt;script&gt;", "<b>a</b> &lt;script&gt;"),
    ] {
        assert_eq!(peel(source), expected, "{source:?}");
    }
}

#[test]
fn attributes_are_found_in_any_writing() {
    for (attributes, expected) in [
        (" href=\"https://x?a=1&amp;b=2\"", Some("https://x?a=1&b=2")),
        (" class='a b' HREF = 'y'", Some("y")),
        (" href=z target=_blank/", Some("z")),
        (" data-href=no disabled", None),
        (" href", Some("")),
        (" ='\"' href=\"never closed", Some("never closed")),
    ] {
        assert_eq!(attribute(attributes, "href").as_deref(), expected, "{attributes:?}");
    }
}

#[test]
fn names_stand_in_the_order_that_the_search_needs() {
    assert!(ELEMENTS.windows(2).all(|pair| pair[0] < pair[1]));
    for name in ALSO_WORDS.iter().chain(UNREADABLE).chain(BLOCKS) {
        assert!(ELEMENTS.contains(name), "{name}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "[<>/a-c&;#!=\"' -]{0,300}|(?s).{0,100}") {
        let read: usize = tokens(&text).map(|token| match token { Token::Text(text) => text.len(), _ => 0 }).sum();
        proptest::prop_assert!(read <= text.len());
        for (at, _) in text.match_indices('<') {
            if let Some(tag) = tag(&text[at..]) { let _ = attribute(tag.attributes, "href"); }
        }
    }
}
