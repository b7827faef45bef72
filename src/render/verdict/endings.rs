//! The two lines of the last word: that it is over, since when and how long it lasted, or that we follow it no
//! longer.
//!
//! Deliberately absent: what is still needed of the client, which every verdict says in the same way.

use jiff::Timestamp;

use super::{Verdict, need, without_gap};
use crate::domain::incident::Impact;
use crate::render::pack::fill;
use crate::render::scene::{Scene, sentences};

pub fn ended_lines(scene: &Scene<'_>) -> [String; 2] {
    let (line, case) = (&scene.pack.line, &scene.notice.case);
    let at = case.ended_at.map(|at| scene.times.at(at)).unwrap_or_default();
    let names = scene.plain_names();
    let phrase = match (names.len(), has_failed(scene)) {
        _ if case.last_seen_at.is_some() => &line.vanished,
        _ if scene.is_possibly() => &line.over_possibly,
        (0, _) => &line.over,
        (1, true) => &line.works_one,
        (_, true) => &line.works_many,
        (1, false) => &line.normal_one,
        (_, false) => &line.normal_many,
    };
    let joined = scene.join(&names, &scene.pack.about.and);
    let values = [
        ("word", Verdict::Resolved.word(scene)),
        ("at", at.as_str()),
        ("names", joined.as_str()),
        ("about", &scene.about()),
    ];
    [without_gap(&fill(phrase, &values)), sentences(&[lasted(scene), need(scene)])]
}

/// "It failed for 1 hour 47 minutes."; where nobody has said when it began "That is 40 minutes after the first
/// report."; nothing where no such time is known.
fn lasted(scene: &Scene<'_>) -> String {
    let (line, case) = (&scene.pack.line, &scene.notice.case);
    let Some(until) = case.ended_at else { return String::new() };
    if case.started_at.is_some_and(|from| until < from) {
        // Whoever says that it was over before it began has not said how long it took.
        return String::new();
    }
    let said = |phrase: &str, from: Timestamp| fill(phrase, &[("duration", &scene.times.duration(from, until))]);
    match (case.started_at, case.reported_at.filter(|reported| *reported < until)) {
        (Some(from), _) if scene.is_maintenance() => said(&line.took, from),
        (Some(from), _) if has_failed(scene) => said(&line.failed_for, from),
        (Some(from), _) => said(&line.lasted_for, from),
        (None, Some(reported)) if !scene.is_maintenance() => said(&line.after_report, reported),
        (None, _) => String::new(),
    }
}

/// Whether it can be said to have failed: a large part did not work, for this client for certain.
fn has_failed(scene: &Scene<'_>) -> bool {
    matches!(scene.notice.case.impact, Some(Impact::Major | Impact::Critical)) && !scene.is_possibly()
}

pub fn done_lines(scene: &Scene<'_>) -> [String; 2] {
    let at = scene.notice.case.ended_at.map(|at| scene.times.at(at)).unwrap_or_default();
    let values = [("word", Verdict::Done.word(scene)), ("at", at.as_str()), ("about", &scene.about())];
    let first = without_gap(&fill(&scene.pack.line.ended_at, &values));
    [first, sentences(&[lasted(scene), need(scene)])]
}

/// That we follow it no longer and for how long we have: never that it is over, nor that more will be said.
pub fn closed_lines(scene: &Scene<'_>) -> [String; 2] {
    let (line, case) = (&scene.pack.line, &scene.notice.case);
    let at = case.closed_by_hand_at.map(|at| scene.times.at(at)).unwrap_or_default();
    let values = [("word", Verdict::Closed.word(scene)), ("at", at.as_str()), ("about", &scene.about())];
    let first = without_gap(&fill(&line.ended_at, &values));
    let said = |phrase: &str, from: Timestamp| match case.closed_by_hand_at {
        Some(until) => fill(phrase, &[("duration", &scene.times.duration(from, until))]),
        None => String::new(),
    };
    let after = match (case.started_at, case.reported_at) {
        (Some(from), _) => said(&line.closed_after, from),
        (None, Some(reported)) if !scene.is_maintenance() => said(&line.closed_after_report, reported),
        (None, _) => String::new(),
    };
    [sentences(&[first, need(scene)]), sentences(&[line.closed.clone(), after])]
}

pub fn report_end(scene: &Scene<'_>) -> String {
    let ended = scene.notice.case.ended_at.map(|at| fill(&scene.pack.line.report_over, &[("at", &scene.times.at(at))]));
    sentences(&[ended.unwrap_or_default(), lasted(scene)])
}
