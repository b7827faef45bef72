//! Texts of a source as we compare them: two that are equal here are the same to a reader.
//!
//! Deliberately absent: anything shown to people (`render` makes that from the text as it was written), and any
//! meaning of words. How far two texts may differ and still say the same is `likeness`.

use sha2::{Digest, Sha256};

pub use super::likeness::{alike, differ_by_typos_only};
use super::{characters, entities, html};

/// The text without markup, entities decoded (also escaped twice), white space folded to single spaces
/// (`semantics.md` §1). HTML and Markdown of the same words come out the same: emphasis, bullets and heading
/// marks go, the http(s) address of a link follows its words. Linear in the text.
pub fn normalise(source: &str) -> String {
    let cleaned = characters::clean(source);
    let peeled = html::peel(&cleaned);
    let mut flat = String::with_capacity(peeled.len());
    let mut address = None;
    for token in html::tokens(&peeled) {
        match token {
            html::Token::Text(text) => flat.push_str(&characters::clean(&entities::decode_fully(text))),
            html::Token::Open { name: "a", attributes } => {
                address = html::attribute(attributes, "href").filter(|href| is_web_address(href));
            }
            html::Token::Close("a") => {
                if let Some(address) = address.take() {
                    flat.push(' ');
                    flat.push_str(&address);
                    flat.push(' ');
                }
            }
            html::Token::Open { name, .. } | html::Token::Close(name) => {
                if name == "br" || html::BLOCKS.contains(&name) {
                    flat.push('\n');
                }
            }
        }
    }
    without_markdown(&flat)
}

fn is_web_address(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("http://")
}

/// Folds white space and takes Markdown's marks away, line by line and word by word.
fn without_markdown(flat: &str) -> String {
    let mut out = String::with_capacity(flat.len());
    let mut last_word = String::new();
    for line in flat.lines() {
        let line = line.trim_start();
        let line = line.trim_start_matches(['#', '>']).trim_start();
        let line = ["- ", "* ", "+ ", "• "].iter().find_map(|bullet| line.strip_prefix(bullet)).unwrap_or(line);
        for piece in line.split_whitespace() {
            let (words, link) = piece.split_once("](").unwrap_or((piece, ""));
            let link = link.replacen(')', "", 1);
            for word in [words, &link] {
                let word: String = word.chars().filter(|c| !matches!(c, '*' | '`' | '[' | ']')).collect();
                let word = word.trim_matches('_');
                if word.is_empty() || (word == last_word && is_web_address(word)) {
                    continue;
                }
                if !out.is_empty() {
                    out.push(' ');
                }
                out.push_str(word);
                last_word.clear();
                last_word.push_str(word);
            }
        }
    }
    out
}

/// SHA-256 of a normalised text, its first 16 bytes in hexadecimal: for the key of an update without an id.
pub fn text_hash(normalised: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(normalised.as_bytes())[..16])
}

/// Whether the text holds something that its author meant to fill in: `{{`, the word `TODO` in capitals, or
/// capitals in angle brackets that are no tag of HTML, such as `<SOME/ALL>` (as found in a vendor's update).
pub fn holds_placeholder(source: &str) -> bool {
    let cleaned = characters::clean(source);
    let peeled = html::peel(&cleaned);
    html::tokens(&peeled).any(|token| match token {
        html::Token::Text(text) => {
            let text = entities::decode_fully(text);
            text.contains("{{") || holds_whole_word(&text, "TODO") || holds_capitals_in_brackets(&text)
        }
        html::Token::Open { .. } | html::Token::Close(_) => false,
    })
}

fn holds_capitals_in_brackets(text: &str) -> bool {
    text.split('<').skip(1).any(|from| {
        from.split_once('>').is_some_and(|(inside, _)| {
            (2..=60).contains(&inside.len())
                && inside.chars().filter(char::is_ascii_uppercase).count() >= 2
                && inside.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || " /_-|,.".contains(c))
        })
    })
}

/// Whether the text holds these words, whole, in this order and side by side, in any case: what
/// `[[component]] words` asks of a title or an update. Both are compared with white space folded; an empty
/// phrase is in no text.
pub fn contains_words(text: &str, phrase: &str) -> bool {
    let phrase = folded(phrase);
    !phrase.is_empty() && holds_whole_word(&folded(text), &phrase)
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Finds `word` where no letter or digit touches it on either side.
fn holds_whole_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, found)| {
        let before = text[..at].chars().next_back();
        let after = text[at + found.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_in_five_dialects_are_the_same() {
        let expected = "We are investigating. API & Web: see https://s.example/i?a=1&b=2 now";
        for source in [
            "We are investigating.\n\nAPI & Web: see https://s.example/i?a=1&b=2 now",
            "We are **investigating**.\r\n\r\n* API & `Web`: see [https://s.example/i?a=1&b=2](https://s.example/i?a=1&b=2) _now_",
            "<p>We are <strong>investigating</strong>.</p><p>API &amp; Web: see <a href=\"https://s.example/i?a=1&amp;b=2\">https://s.example/i?a=1&amp;b=2</a> now</p>",
            "&lt;p&gt;We are investigating.&lt;br /&gt;API &amp;amp; Web: see https://s.example/i?a=1&amp;amp;b=2 now&lt;/p&gt;",
            "&amp;lt;p&amp;gt;We are investigating.&amp;lt;/p&amp;gt; API &amp;amp;amp; Web: see https://s.example/i?a=1&amp;amp;amp;b=2&amp;nbsp;now",
            "  We\u{200b} are\tinvestigating.\u{a0}API & Web: see https://s.example/i?a=1&b=2 now\0 ",
        ] {
            assert_eq!(normalise(source), expected, "{source:?}");
        }
    }

    #[test]
    fn placeholders_and_comparisons_are_not_eaten() {
        for (source, expected) in [
            ("Issues for <SOME/ALL> users", "Issues for <SOME/ALL> users"),
            ("<p>Issues for &lt;SOME/ALL&gt; users</p>", "Issues for <SOME/ALL> users"),
            ("latency < 5 ms and > 3 ms", "latency < 5 ms and > 3 ms"),
            ("snake_case_name at 14:05", "snake_case_name at 14:05"),
            ("[click here](https://x.example)", "click here https://x.example"),
            ("<a href='https://x.example'>click here</a>", "click here https://x.example"),
            ("", ""),
        ] {
            assert_eq!(normalise(source), expected, "{source:?}");
        }
    }

    #[test]
    fn the_atom_of_one_day_and_the_next_are_the_same() {
        let one = "<p><small>May <var data-var='date'>23</var></small><br><strong>Resolved</strong> - Done.</p>";
        let next = "<p> <small>May <var data-var='date'>23</var></small><br /><strong>Resolved</strong> - Done.</p>\n";
        assert_eq!(text_hash(&normalise(one)), text_hash(&normalise(next)));
        assert_eq!(text_hash("").len(), 32);
        assert_ne!(text_hash("a"), text_hash("b"));
    }

    #[test]
    fn what_waits_to_be_filled_in_is_seen() {
        for (source, expected) in [
            ("Issues for <SOME/ALL> users", true),
            ("Issues for &amp;lt;SOME/ALL&amp;gt; users", true),
            ("down in <REGION>", true),
            ("Hello {{ name }}", true),
            ("TODO: write", true),
            ("<p>Fine.</p>", false),
            ("<P>FINE</P> <BR>", false),
            ("todo list app is down", false),
            ("MASTODON TODOS", false),
            ("a < B and C > d", false),
            ("<!channel> <https://x.example> Map<String>", false),
        ] {
            assert_eq!(holds_placeholder(source), expected, "{source:?}");
        }
    }

    #[test]
    fn words_are_found_whole_and_in_any_case() {
        for (text, phrase, expected) in [
            ("Disruption with Copilot  cloud agent", "Copilot Cloud Agent", true),
            ("the copilot cloud agent's queue", "Copilot Cloud Agent", true),
            ("Copilot Cloud Agents", "Copilot Cloud Agent", false),
            ("Pay by link, fails", "pay by link", true),
            ("Repay by link", "Pay by link", false),
            ("APIs fail, the API too", "api", true),
            ("Störung der ÜBERWEISUNG", "überweisung", true),
            ("anything", " ", false),
        ] {
            assert_eq!(contains_words(text, phrase), expected, "{text:?} {phrase:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn normalised_text_is_one_visible_line(source in "(?s).{0,200}|[<>/pbra&;ltgm *_#\\n\\[\\]()-]{0,200}") {
            let normalised = normalise(&source);
            proptest::prop_assert!(!normalised.contains(['\n', '\r', '\0']) && !normalised.contains("  "));
            proptest::prop_assert_eq!(normalised.trim(), &normalised);
            holds_placeholder(&source);
        }
    }
}
