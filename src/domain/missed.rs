//! What happened in a case while it was over for a client: it concerned others, and is told to nobody else.
//!
//! A case that is reopened may come back with other components. Whoever it no longer concerns hears of it again at
//! most with a report, and then nothing of what lies between. Deliberately absent: who is told (`plan.rs`).

use serde::{Deserialize, Serialize};

use super::case::{Change, Story};
use super::incident::Phase;
use super::notice::Kind;

/// Stretches of sequences, both ends included, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Missed(Vec<(i64, i64)>);

/// Where a change stands in the life of its case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Open,
    AfterTheEnd,
}

impl Missed {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn holds(&self, sequence: i64) -> bool {
        self.0.iter().any(|(from, until)| (*from..=*until).contains(&sequence))
    }

    /// What a client has missed by the time of this change: besides what it had missed before, the changes since
    /// the `last` one that was planned for it, as far as they belong to an episode that it had no part in. While the
    /// case is open whoever hears of it takes part in the episode that runs.
    pub fn by(&self, story: &Story, last: i64, change: &Change, stage: Stage) -> Missed {
        let Some(own) = story.change(last).map(|change| change.episode) else { return self.clone() };
        let is_left_out = self.is_left_out_of(story, own);
        let is_missed = |between: &&Change| {
            let is_of_others = between.episode > own || (between.episode == own && is_left_out);
            let is_told_now = stage == Stage::Open && between.episode == change.episode;
            between.sequence > last && between.sequence < change.sequence && is_of_others && !is_told_now
        };
        let mut sequences = story.changes.iter().filter(is_missed).map(|change| change.sequence);
        let mut missed = self.clone();
        if let Some(first) = sequences.next() {
            missed.0.push((first, sequences.next_back().unwrap_or(first)));
        }
        missed
    }

    /// Whether the client had no part in that episode, but for what it was told after its end.
    pub fn is_left_out_of(&self, story: &Story, episode: i64) -> bool {
        story.changes.iter().any(|change| change.episode == episode && self.holds(change.sequence))
    }

    /// The last change up to that sequence that belongs to an episode of the client's own.
    pub fn last_own<'a>(&self, story: &'a Story, until: i64) -> Option<&'a Change> {
        let mut before = story.changes.iter().rev().filter(|change| change.sequence <= until);
        before.find(|change| !self.is_left_out_of(story, change.episode))
    }

    /// Whether a change after the end of an episode of others is for the client too: a report, or a correction of
    /// what it has read.
    pub fn leaves(&self, story: &Story, change: &Change) -> bool {
        let is_report = change.kinds.contains(&Kind::Postmortem)
            && story.updates.iter().any(|update| update.sequence == Some(change.sequence));
        let is_own = |sequence: Option<i64>| sequence.is_some_and(|s| s < change.sequence && !self.holds(s));
        let rewrites_own = story.updates.iter().any(|update| {
            is_own(update.sequence) && update.versions.iter().any(|v| v.sequence == Some(change.sequence))
        });
        is_report || rewrites_own
    }

    /// When it was over for the client, by the source's last words in its own episode.
    pub fn own_end(&self, story: &Story, own: &Change) -> Option<jiff::Timestamp> {
        let is_end = |phase: Phase| phase.is_over() && phase != Phase::Postmortem;
        let of_own = story.updates.iter().filter(|update| {
            update.phase.is_some_and(is_end) && update.sequence.is_some_and(|s| s <= own.sequence && !self.holds(s))
        });
        of_own.map(|update| update.at).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{change, story, update};
    use Kind::{Opened, Postmortem, Reopened, Resolved, Updated};

    /// Ended (2), reopened (3) to 5, reopened again (6) to 8.
    fn three_episodes() -> Story {
        let mut story = story();
        let kinds = [Opened, Resolved, Reopened, Resolved, Updated, Reopened, Resolved, Postmortem];
        for (sequence, kind) in (1..).zip(kinds) {
            let episode = [1, 1, 2, 2, 2, 3, 3, 3][usize::try_from(sequence - 1).expect("from 1")];
            story.changes.push(Change { episode, ..change(sequence, &[kind]) });
        }
        story
    }

    #[test]
    fn what_lies_between_is_missed_and_the_episode_that_one_takes_part_in_is_not() {
        use Stage::{AfterTheEnd, Open};
        let check =
            |why: &str, before: &[(i64, i64)], last: i64, sequence: i64, stage: Stage, missed: &[(i64, i64)]| {
                let story = three_episodes();
                let change = story.change(sequence).expect("it is there");
                let found = Missed(before.to_vec()).by(&story, last, change, stage);
                assert_eq!(found, Missed(missed.to_vec()), "{why}");
            };
        check("nothing lies between", &[], 1, 2, Open, &[]);
        check("reopened for them too", &[], 2, 3, Open, &[]);
        check("entered in the middle of the second", &[], 2, 4, Open, &[]);
        check("words after the second, which was not theirs", &[], 2, 5, AfterTheEnd, &[(3, 4)]);
        check("the second was not theirs, the third is", &[], 2, 6, Open, &[(3, 5)]);
        check("the words after it were told them, those before not", &[(3, 4)], 5, 6, Open, &[(3, 4)]);
        check("neither was theirs", &[], 2, 8, AfterTheEnd, &[(3, 7)]);
        check("told a report of the second", &[(3, 4)], 5, 8, AfterTheEnd, &[(3, 4), (6, 7)]);
        check("an unsent end goes along", &[], 4, 8, AfterTheEnd, &[(6, 7)]);
        check("a correction that was for others only", &[(3, 3)], 4, 6, Open, &[(3, 3), (5, 5)]);
    }

    #[test]
    fn of_what_follows_an_episode_of_others_only_a_report_and_corrections_of_what_was_read_are_left() {
        let check = |kind: Kind, own: Option<i64>, rewritten: Option<i64>, expected: bool| {
            let mut story = three_episodes();
            let mut update = update(1, own, "It is over.");
            update.versions = vec![crate::domain::fixtures::version("Over.", rewritten)];
            story.updates = vec![update];
            let found = Missed(vec![(3, 4)]).leaves(&story, &change(5, &[kind]));
            assert_eq!(found, expected, "{kind:?} {own:?} {rewritten:?}");
        };
        check(Postmortem, Some(5), None, true);
        check(Updated, Some(5), None, false);
        check(Kind::Corrected, Some(2), Some(5), true);
        check(Kind::Corrected, Some(4), Some(5), false);
        check(Postmortem, Some(4), Some(5), false);
        check(Postmortem, Some(2), Some(5), true);
    }
}
