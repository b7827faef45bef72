//! Folds text to the width of a mail. A word longer than a line (an address) is never broken.

/// The widest line of our own text, in characters.
pub const WIDTH: usize = 72;

/// Folds each line of `text` to [`WIDTH`]. The first begins at column `hang` (what stands before it is
/// already written), every further one is indented by `hang`. Blank lines stay blank.
pub fn wrap(text: &str, hang: usize) -> String {
    let indent = " ".repeat(hang);
    let mut folded = String::with_capacity(text.len() + 16);
    for (index, line) in text.trim_end().split('\n').enumerate() {
        if index > 0 {
            folded.push('\n');
            if !line.trim().is_empty() {
                folded.push_str(&indent);
            }
        }
        fold_line(line, hang, &indent, &mut folded);
    }
    folded
}

fn fold_line(line: &str, hang: usize, indent: &str, folded: &mut String) {
    let mut column = hang;
    let mut words = line.split_whitespace().enumerate().peekable();
    while let Some((index, word)) = words.next() {
        let tied =
            words.peek().filter(|(_, next)| is_like_an_item(next)).map_or(0, |(_, next)| 1 + next.chars().count());
        let width = word.chars().count();
        if index > 0 {
            if column + 1 + width + tied > WIDTH {
                folded.push('\n');
                folded.push_str(indent);
                column = hang;
            } else {
                folded.push(' ');
                column += 1;
            }
        }
        folded.push_str(word);
        column += width;
    }
}

/// "1." at the beginning of a line reads as the first of a list: it stays with the word before it.
fn is_like_an_item(word: &str) -> bool {
    let digits = word.trim_end_matches(['.', ')', ':']);
    !digits.is_empty() && digits.len() < word.len() && digits.len() <= 3 && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_the_width_unless_one_word_is() {
        let address = format!("https://example.com/{}", "x".repeat(90));
        let text = format!("{} {address} {}", "word ".repeat(40), "end ".repeat(30));
        let folded = wrap(&text, 12);
        assert!(folded.lines().any(|line| line.trim() == address));
        for line in folded.lines().filter(|line| !line.contains("https")) {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
        assert!(folded.lines().skip(1).all(|line| line.starts_with("            ")));
    }

    #[test]
    fn no_line_begins_like_an_item_of_a_list() {
        let text = format!("{} priority 1. And so on.", "x".repeat(62));
        assert_eq!(wrap(&text, 0), format!("{}\npriority 1. And so on.", "x".repeat(62)));
        assert_eq!(wrap("1. begins", 0), "1. begins");
    }

    #[test]
    fn paragraphs_stay_apart() {
        assert_eq!(wrap("one\n\ntwo\nthree", 0), "one\n\ntwo\nthree");
        assert_eq!(wrap("one\n\ntwo", 3), "one\n\n   two");
        assert_eq!(wrap("", 3), "");
    }
}
