//! Tables for people: as wide as the terminal, and one line a field where columns would not fit.
//!
//! Deliberately absent: what stands in them, and colour.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};

use crate::render::markup;

/// A column is never narrower than its longest word, up to that many characters.
const LONGEST_WHOLE_WORD: usize = 13;

/// The rows under their header, fitted to the terminal that standard output is. Without a terminal each row is
/// one line of any length, unless `$COLUMNS` says how wide it may be.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    fitted(header, rows, width())
}

fn width() -> Option<u16> {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let of_terminal = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0);
    of_terminal.or(said).filter(|width| *width > 0)
}

fn fitted(header: &[&str], rows: &[Vec<String>], width: Option<u16>) -> String {
    let floors = floors(header, rows);
    let fits = |gap: &u16| width.is_none_or(|width| floors.iter().map(|floor| floor + gap).sum::<u16>() <= width);
    let Some(gap) = [2, 1].into_iter().find(fits) else { return records(header, rows) };
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.iter().map(ToString::to_string).collect::<Vec<String>>());
    for row in rows {
        table.add_row(row.clone());
    }
    for (column, floor) in table.column_iter_mut().zip(&floors) {
        column.set_padding((0, gap));
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(floor + gap)));
    }
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table.trim_fmt()
}

/// How narrow each column may become before words are torn.
fn floors(header: &[&str], rows: &[Vec<String>]) -> Vec<u16> {
    let longest = |text: &str| text.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
    let of_column = |(index, name): (usize, &&str)| {
        let cells = rows.iter().filter_map(|row| row.get(index)).map(|cell| longest(cell)).max().unwrap_or(0);
        let floor = cells.min(LONGEST_WHOLE_WORD).max(longest(name)).max(1);
        u16::try_from(floor).unwrap_or(u16::MAX / 64)
    };
    header.iter().enumerate().map(of_column).collect()
}

fn records(header: &[&str], rows: &[Vec<String>]) -> String {
    let record = |row: &Vec<String>| {
        let fields = header.iter().zip(row).filter(|(_, value)| !value.is_empty());
        fields.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
    };
    rows.iter().map(record).collect::<Vec<_>>().join("\n\n")
}

/// A time for people, in UTC to the minute.
pub fn time(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// The same for a time that may not be.
pub fn time_or_none(at: Option<jiff::Timestamp>) -> String {
    at.map(time).unwrap_or_default()
}

/// Foreign words in one line, without anything that a terminal would obey, at most `most` characters.
pub fn words(source: &str, most: usize) -> String {
    let line = markup::plain(source).split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let kept: String = line.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        vec![
            vec!["K7QM".into(), "Payments fail in the EU and nowhere else".into(), "2".into()],
            vec!["B2".into(), "Search".into(), String::new()],
        ]
    }

    #[test]
    fn without_a_width_a_row_is_a_line() {
        let drawn = fitted(&["REF", "TITLE", "OWED"], &rows(), None);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines.len(), 3, "{drawn}");
        assert!(lines[0].starts_with("REF   TITLE"), "{drawn}");
        assert!(lines[1].starts_with("K7QM  Payments fail in the EU and nowhere else  2"), "{drawn}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [80, 40, 30, 22] {
            let drawn = fitted(&["REF", "TITLE", "OWED"], &rows(), Some(width));
            assert!(drawn.lines().all(|line| line.chars().count() <= usize::from(width)), "{width}:\n{drawn}");
            assert!(drawn.contains("K7QM") && drawn.contains("Search"), "{width}:\n{drawn}");
        }
    }

    #[test]
    fn where_columns_do_not_fit_fields_stand_below_each_other() {
        let drawn = fitted(&["REF", "TITLE", "OWED"], &rows(), Some(15));
        assert_eq!(
            drawn,
            "REF: K7QM\nTITLE: Payments fail in the EU and nowhere else\nOWED: 2\n\nREF: B2\nTITLE: Search"
        );
    }

    #[test]
    fn foreign_words_cannot_steer_a_terminal() {
        for (source, most, expected) in [
            ("a\u{1b}[31mred\u{1b}[0m", 50, "ared"),
            ("two\nlines", 50, "two lines"),
            ("<b>bold</b> &amp; more", 50, "bold & more"),
            ("a long text", 6, "a lon…"),
            ("", 5, ""),
        ] {
            assert_eq!(words(source, most), expected, "{source:?}");
        }
    }
}
