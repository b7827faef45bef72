//! How far two texts may differ and still tell a reader nothing new (`semantics.md` §2).
//!
//! Both measures go word by word over normalised texts, case and punctuation folded. Where a doubt is left they
//! answer *not the same*: a needless notice costs a minute, a swallowed one costs trust. Deliberately absent:
//! dictionaries and meaning, but for a closed list of words that turn a sentence.

/// Most words that one text may differ in and still be the same but for typing mistakes.
const TYPOS_MOST: usize = 2;
const TYPO_DISTANCE_MOST: usize = 2;
const TYPO_LETTERS_LEAST: usize = 5;

/// Most words a text that is compared word by word may have, once what both begin and end with is taken off.
/// Longer texts are alike only when they are equal: nine tenths of a report may still hide news.
const WORDS_MOST: usize = 1_000;

/// Words that are news when one takes the place of another, however alike they look: minor and major are two
/// letters apart, Tuesday and Thursday too. In the form of [`Word::folded`], in alphabetical order.
const TELLING: &[&str] = &[
    "after",
    "all",
    "april",
    "august",
    "available",
    "before",
    "better",
    "both",
    "can",
    "cannot",
    "complete",
    "completed",
    "critical",
    "december",
    "decreased",
    "degraded",
    "down",
    "east",
    "eastern",
    "failed",
    "failing",
    "february",
    "fixed",
    "friday",
    "full",
    "higher",
    "identified",
    "inbound",
    "increased",
    "intermittent",
    "january",
    "july",
    "june",
    "kein",
    "keine",
    "keinen",
    "lower",
    "major",
    "march",
    "may",
    "minor",
    "mitigated",
    "monday",
    "monitoring",
    "neither",
    "never",
    "nicht",
    "no",
    "none",
    "nor",
    "normal",
    "north",
    "northeast",
    "northern",
    "northwest",
    "not",
    "november",
    "now",
    "october",
    "offline",
    "ohne",
    "online",
    "only",
    "outbound",
    "partial",
    "partially",
    "recovered",
    "resolved",
    "restored",
    "saturday",
    "september",
    "some",
    "south",
    "southeast",
    "southern",
    "southwest",
    "sunday",
    "thursday",
    "today",
    "tomorrow",
    "tuesday",
    "unable",
    "unavailable",
    "up",
    "wednesday",
    "west",
    "western",
    "without",
    "working",
    "worse",
    "yesterday",
];

struct Word<'a> {
    /// Lower case, without punctuation around it.
    folded: String,
    /// As written, without punctuation around it.
    written: &'a str,
}

impl Word<'_> {
    fn has_digit(&self) -> bool {
        self.written.contains(|c: char| c.is_numeric())
    }

    /// Negations, numbers, names in capitals (EU, US) and the closed list: such a word is never a detail.
    fn is_telling(&self) -> bool {
        let is_name = self.written.len() > 1 && self.written.chars().all(|c| c.is_uppercase());
        self.has_digit()
            || is_name
            || self.folded.ends_with("n't")
            || self.folded.ends_with("n’t")
            || TELLING.binary_search(&self.folded.as_str()).is_ok()
    }
}

/// The words of a text; what is only punctuation is none. Signs that count (%, €, +, <) stay.
fn words(text: &str) -> Vec<Word<'_>> {
    let is_punctuation = |c: char| {
        matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '"' | '\'' | '*' | '`')
            || matches!(c, '“' | '”' | '„' | '‘' | '’' | '‚' | '«' | '»' | '…')
    };
    text.split_whitespace()
        .map(|word| word.trim_matches(is_punctuation))
        .filter(|word| !word.chars().all(|c| matches!(c, '-' | '–' | '—')))
        .map(|written| Word { folded: written.to_lowercase(), written })
        .collect()
}

/// Whether nothing but typing mistakes lies between two normalised texts: at most two words differ, none is
/// added or removed, and each of the two has five letters or more, letters only, the same first one, at a
/// distance (Levenshtein) of at most two. Texts that differ in case and punctuation alone do so too, equal
/// texts as well. So now/not, EU/US, available/unavailable and 15:00/16:00 are never typos; nor are pairs of
/// the closed list, which the distance alone would let pass (minor/major, Tuesday/Thursday).
pub fn differ_by_typos_only(a: &str, b: &str) -> bool {
    let (a, b) = (words(a), words(b));
    a.len() == b.len() && {
        let mut differing = a.iter().zip(&b).filter(|(one, other)| one.folded != other.folded);
        differing.by_ref().take(TYPOS_MOST).all(|(one, other)| is_typo(one, other)) && differing.next().is_none()
    }
}

/// One telling word may be mistyped (`resolvd`); two that tell different things are never a mistake.
fn is_typo(one: &Word<'_>, other: &Word<'_>) -> bool {
    let can_be = |word: &Word<'_>| {
        word.folded.chars().count() >= TYPO_LETTERS_LEAST
            && word.folded.chars().all(char::is_alphabetic)
            && !word.written.chars().all(char::is_uppercase)
    };
    can_be(one) && can_be(other) && !(one.is_telling() && other.is_telling()) && is_near(one, other)
}

fn is_near(one: &Word<'_>, other: &Word<'_>) -> bool {
    one.folded.chars().next() == other.folded.chars().next()
        && one.folded.len().abs_diff(other.folded.len()) <= TYPO_DISTANCE_MOST * 4
        && strsim::levenshtein(&one.folded, &other.folded) <= TYPO_DISTANCE_MOST
}

/// Whether an update says, word by word, what the last one told said already: twice the words that both have in
/// the same order, over the words of both, is 0.9 or more, and no word that differs is a number, a negation, a
/// name in capitals or on the closed list. Texts of more than 1,000 differing words are alike only when equal.
pub fn alike(a: &str, b: &str) -> bool {
    let (a, b) = (words(a), words(b));
    let total = a.len() + b.len();
    let same = |(one, other): &(&Word<'_>, &Word<'_>)| one.folded == other.folded;
    let start = a.iter().zip(&b).take_while(same).count();
    let (a, b) = (&a[start..], &b[start..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(same).count();
    let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
    if a.is_empty() && b.is_empty() {
        return true;
    }
    let differing_least = a.len().abs_diff(b.len());
    if a.len().max(b.len()) > WORDS_MOST || differing_least * 10 > total {
        return false;
    }
    let is_in_order = a.iter().map(|word| &word.folded).le(b.iter().map(|word| &word.folded));
    let differing = if is_in_order { differing_words(a, b) } else { differing_words(b, a) };
    differing.len() * 10 <= total && !differing.iter().any(|word| word.is_telling())
}

/// The words that are not in the longest common subsequence of the two. Where several are longest the order of
/// the arguments decides, so the caller gives them in a fixed one.
fn differing_words<'a>(a: &'a [Word<'a>], b: &'a [Word<'a>]) -> Vec<&'a Word<'a>> {
    let width = b.len() + 1;
    let mut longest = vec![0_u16; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i * width + j] = if a[i].folded == b[j].folded {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut differing) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if a[i].folded == b[j].folded {
            (i, j) = (i + 1, j + 1);
        } else if longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            differing.push(&a[i]);
            i += 1;
        } else {
            differing.push(&b[j]);
            j += 1;
        }
    }
    differing.extend(&a[i..]);
    differing.extend(&b[j..]);
    differing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_typos(a: &str, b: &str, expected: bool) {
        assert_eq!(differ_by_typos_only(a, b), expected, "{a:?} {b:?}");
        assert_eq!(differ_by_typos_only(b, a), expected, "{b:?} {a:?}");
    }

    #[test]
    fn typing_mistakes_are_no_news() {
        check_typos("We are investigating.", "We are investigating.", true);
        check_typos("we are Investigating", "We are investigating!", true);
        check_typos("We are investgating the isue", "We are investigating the issue", false);
        check_typos("We are investgating the problm", "We are investigating the problem", true);
        check_typos("Customers recieve errors", "Customers receive errors", true);
        check_typos("The problem is resolvd", "The problem is resolved", true);
        check_typos("Störung der Überwesung", "Störung der Überweisung", true);
    }

    #[test]
    fn what_turns_a_sentence_is_never_a_typo() {
        for (one, other) in [
            ("now", "not"),
            ("EU", "US"),
            ("available", "unavailable"),
            ("15:00", "16:00"),
            ("minor", "major"),
            ("Tuesday", "Thursday"),
            ("southeast", "southwest"),
            ("us-east", "us-west"),
            ("us-east-1", "us-east-2"),
            ("affected", "unaffected"),
            ("node12", "node13"),
            ("5%", "50%"),
            ("EMEAX", "EMEAY"),
            ("can", "can't"),
        ] {
            check_typos(&format!("service is {one} here"), &format!("service is {other} here"), false);
        }
    }

    #[test]
    fn three_mistakes_or_another_word_are_a_correction() {
        check_typos("custmers recieve erors everywhere", "customers receive errors everywhere", false);
        check_typos("custmers receive errrors", "customers receive errors", true);
        check_typos("customers receive errors", "customers receive many errors", false);
        check_typos("customers receive errors", "customers receive", false);
        check_typos("", "customers", false);
    }

    const TOLD: &str = "We are continuing to investigate elevated error rates for API requests in the EU region and \
        will post another update as soon as we know more about the cause of the problem";

    fn check_alike(a: &str, b: &str, expected: bool) {
        assert_eq!(alike(a, b), expected, "{a:?} {b:?}");
        assert_eq!(alike(b, a), expected, "{b:?} {a:?}");
    }

    #[test]
    fn nine_words_in_ten_the_same_are_no_news() {
        check_alike(TOLD, TOLD, true);
        check_alike(TOLD, &TOLD.replace("continuing", "still working"), false);
        check_alike(TOLD, &TOLD.replace("continuing to investigate", "looking into"), true);
        check_alike(TOLD, &TOLD.replace("as soon as we know more about", "when there is word on"), false);
        check_alike(TOLD, &TOLD.replace("another", "a further"), true);
        check_alike(TOLD, &TOLD.replace("We are", "we’re"), true);
        check_alike(TOLD, "All is well.", false);
        check_alike("", "", true);
        check_alike("", "news", false);
        check_alike("Still down.", "Still slow.", false);
    }

    #[test]
    fn one_word_that_turns_the_sentence_is_news_in_any_text() {
        for (from, to) in [
            ("EU", "US"),
            ("investigate", "not investigate"),
            ("problem", "14:30 problem"),
            ("elevated", "minor"),
            ("will", "won't"),
            ("region", "region only"),
        ] {
            check_alike(TOLD, &TOLD.replace(from, to), false);
        }
    }

    #[test]
    fn long_texts_cost_a_bounded_amount() {
        let long = |word: &str| format!("{word} ").repeat(50_000);
        check_alike(&long("a"), &long("a"), true);
        check_alike(&long("a"), &long("b"), false);
        check_alike(&format!("{}x {}", long("a"), long("b")), &format!("{}y {}", long("a"), long("b")), true);
    }

    #[test]
    fn the_closed_list_stands_in_the_order_that_the_search_needs() {
        assert!(TELLING.windows(2).all(|pair| pair[0] < pair[1]));
    }

    proptest::proptest! {
        #[test]
        fn likeness_has_no_direction(a in "[abc1 ]{0,60}", b in "[abc1 ]{0,60}") {
            proptest::prop_assert_eq!(alike(&a, &b), alike(&b, &a));
            proptest::prop_assert_eq!(differ_by_typos_only(&a, &b), differ_by_typos_only(&b, &a));
            proptest::prop_assert!(alike(&a, &a) && differ_by_typos_only(&b, &b));
        }
    }
}
