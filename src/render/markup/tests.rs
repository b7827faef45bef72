//! What sources write, and what a message makes of it.

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
    check("<b>x</b><img src=https://e.example/x alt='chart' onerror=y>", "xchart", "<p><strong>x</strong>chart</p>");
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
