//! A number with what it counts, for lines that people of ours read.
//!
//! Deliberately absent: what clients read; their languages have phrases of their own (`render/pack.rs`).

use std::fmt::Display;

/// "1 feed", "2 feeds", "0 feeds".
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, one: &str, many: &str) -> String {
    let what = if count == N::from(1) { one } else { many };
    format!("{count} {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_nothing_else_is() {
        for (count, expected) in [(0_u64, "0 feeds"), (1, "1 feed"), (2, "2 feeds"), (11, "11 feeds")] {
            assert_eq!(counted(count, "feed", "feeds"), expected);
        }
    }
}
