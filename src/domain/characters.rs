//! Which characters of foreign text may reach a reader.
//!
//! Text from feeds, playbooks and other people's servers may hold escape sequences for terminals, marks that
//! turn the direction of writing, and characters that nobody sees. They are taken out once, here. Deliberately
//! absent: markup and entities (`html`), and any judgement about words.

use std::borrow::Cow;

/// Text without control characters (C0, C1, DEL), terminal escape sequences, zero-width characters and
/// overrides of direction. CRLF, a lone CR and the Unicode line separators become LF; tab and the no-break
/// spaces become a space. Borrowed when nothing had to change.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_untouched) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                chars.next_if_eq(&'\n');
                out.push('\n');
            }
            '\u{1b}' | '\u{9b}' => skip_escape_sequence(c, &mut chars),
            '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' => out.push('\n'),
            '\t' | '\u{a0}' | '\u{202f}' | '\u{2007}' => out.push(' '),
            other if is_invisible(other) => {}
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

fn is_untouched(c: char) -> bool {
    (' '..='~').contains(&c) || c == '\n' || (c >= '\u{a1}' && !is_invisible(c) && !is_odd_space(c))
}

fn is_odd_space(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{2007}')
}

/// Control characters and those that take no room or turn the writing: nothing a reader could see.
/// LF is the one that stays.
pub fn is_invisible(c: char) -> bool {
    if c.is_control() {
        return c != '\n';
    }
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
        | '\u{e0000}'..='\u{e007f}')
}

/// Longest part of an escape sequence that is swallowed: a sequence that never ends must not eat the text.
const ESCAPE_MOST: usize = 64;

/// Swallows what follows ESC or CSI: `[` parameters and a final letter, `]` up to BEL or ST (ECMA-48).
fn skip_escape_sequence(introducer: char, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    let is_control_sequence = introducer == '\u{9b}' || chars.next_if_eq(&'[').is_some();
    if is_control_sequence {
        for _ in 0..ESCAPE_MOST {
            match chars.next_if(|c| (' '..='~').contains(c)) {
                Some('@'..='~') | None => return,
                Some(_) => {}
            }
        }
    } else if chars.next_if_eq(&']').is_some() {
        for _ in 0..ESCAPE_MOST {
            match chars.next_if(|c| *c != '\n') {
                Some('\u{7}') | None => return,
                Some('\u{1b}') => {
                    chars.next_if_eq(&'\\');
                    return;
                }
                Some(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_visible_characters_stay() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a\r\nb\rc\nd", "a\nb\nc\nd"),
            ("nul\0bell\u{7}del\u{7f}", "nulbelldel"),
            ("\u{1b}[31;1mred\u{1b}[0m", "red"),
            ("\u{9b}2Jcleared", "cleared"),
            ("\u{1b}]0;title\u{7}after", "after"),
            ("\u{1b}]8;;https://x\u{1b}\\link", "link"),
            ("lone \u{1b} escape", "lone  escape"),
            ("exe\u{202e}gpj.txt", "exegpj.txt"),
            ("zero\u{200b}width\u{feff}", "zerowidth"),
            ("a\u{a0}b\tc", "a b c"),
            ("one\u{2028}two\u{85}three", "one\ntwo\nthree"),
            ("Grüße, 東京 🚒", "Grüße, 東京 🚒"),
        ] {
            assert_eq!(clean(text), expected, "{text:?}");
        }
    }

    #[test]
    fn clean_text_is_borrowed() {
        assert!(matches!(clean("Grüße\nund mehr"), Cow::Borrowed(_)));
    }

    proptest::proptest! {
        #[test]
        fn cleaning_twice_changes_nothing(text in "\\PC*|(?s).{0,200}") {
            let once = clean(&text).into_owned();
            proptest::prop_assert!(!once.chars().any(is_invisible));
            proptest::prop_assert_eq!(clean(&once).into_owned(), once);
        }
    }
}
