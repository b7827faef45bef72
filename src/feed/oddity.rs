//! What is odd about a document that is read all the same.
//!
//! What cannot be taken costs no more than itself, and never in silence: it is named here. Deliberately absent: how
//! often it is said. A document keeps its oddities as long as it holds; whoever reports says each of them once.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The most oddities of one document that are named; a further one says that there are more.
const MOST_NAMED: usize = 200;

/// One thing about one incident that was not taken as it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Oddity {
    /// The source's id. `None`: an entry without a usable one, or the document as a whole.
    pub incident: Option<String>,
    /// What is odd, and what was made of it; without counts, so that the same oddity has the same words.
    pub words: String,
}

/// Adds oddities of one incident, up to the limit.
pub(super) fn note(oddities: &mut BTreeSet<Oddity>, incident: Option<&str>, words: impl IntoIterator<Item = String>) {
    for words in words {
        if oddities.len() < MOST_NAMED {
            oddities.insert(Oddity { incident: incident.map(str::to_owned), words });
        } else {
            oddities.insert(Oddity { incident: None, words: "and more oddities than are named".to_owned() });
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_oddities_than_are_named_are_one_more() {
        let mut oddities = BTreeSet::new();
        for number in 0..1_000 {
            note(&mut oddities, Some(&format!("i{number}")), ["odd".to_owned(), "very odd".to_owned()]);
        }
        assert_eq!(oddities.len(), MOST_NAMED + 1);
        assert!(oddities.iter().any(|oddity| oddity.incident.is_none()));
    }
}
