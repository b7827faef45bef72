//! *Current status*: one plain sentence for the phase and the impact, then the words that this contact has
//! not been sent, newest first.

use crate::domain::incident::{DataLoss, Impact, Phase};
use crate::domain::kept::KeptPromises;
use crate::domain::notice::{Kind, Sorry, Words};

use super::block::Block;
use super::happened::{first_words_here, report_words};
use super::pack::fill;
use super::quote::{Quotes, whole_source};
use super::scene::{Scene, by_count, sentences, tidy};
use super::verdict::{Verdict, lost_sight};

/// The second part. `quotes` counts what has been quoted; `left_out` texts had no room in the first part.
pub fn status(scene: &Scene<'_>, quotes: &mut Quotes, left_out: usize) -> Vec<Block> {
    let news = news(scene);
    let mut first = vec![phase_sentence(scene, &news)];
    if !scene.is_over() {
        first.push(impact_sentence(scene, &news));
    }
    let mut blocks: Vec<Block> = Block::paragraph(sentences(&first)).into_iter().collect();
    for (words, source) in &news {
        blocks.extend(quotes.update(scene, words, source));
    }
    blocks.extend(last_words(scene, quotes));
    let left_out = scene.notice.case.left_out as usize + left_out + quotes.left_out();
    if left_out > 0 {
        let words = &scene.pack.status;
        blocks.extend(Block::paragraph(by_count(left_out, &words.left_out_one, &words.left_out_many)));
    }
    blocks.extend(notes(scene).into_iter().filter_map(Block::paragraph));
    blocks
}

/// The updates told here, newest first, each with the text that is quoted.
fn news<'a>(scene: &Scene<'a>) -> Vec<(&'a Words, String)> {
    let first = first_words_here(scene);
    let report = report_words(scene);
    let mut told: Vec<(&Words, String)> = Vec::new();
    for words in &scene.notice.case.updates {
        let is_first = first.is_some_and(|first| first.id == words.id);
        let is_report = report.iter().any(|report| report.id == words.id);
        if words.replaces.is_some() || is_first || is_report {
            continue;
        }
        let source = whole_source(words);
        if !source.trim().is_empty() {
            told.push((words, source));
        }
    }
    if let Some(first) = first
        && let Some(stands) = &first.status
    {
        told.push((first, stands.clone()));
    }
    told
}

/// Where it stands, as a sentence that cannot go stale: if the source wrote news without moving its phase,
/// only that it is open.
fn phase_sentence(scene: &Scene<'_>, news: &[(&Words, String)]) -> String {
    let (words, notice) = (&scene.pack.status, scene.notice);
    match Verdict::of(scene) {
        Verdict::Unaffected => {
            let names = scene.plain_names();
            return match names.is_empty() {
                true => words.unaffected_bare.clone(),
                false => fill(&words.unaffected, &[("names", &scene.join(&names, &scene.pack.about.and))]),
            };
        }
        Verdict::Withdrawn => return words.withdrawn.clone(),
        Verdict::Closed if scene.is_maintenance() => return words.closed_work.clone(),
        Verdict::Closed => return words.closed.clone(),
        Verdict::Report => {
            return match notice.case.ended_at {
                Some(ended) => fill(&words.report, &[("when", &scene.times.full(ended))]),
                None => words.over.clone(),
            };
        }
        Verdict::Resolved if notice.case.last_seen_at.is_some() => {
            return scene.in_voice(&words.vanished, &words.vanished_supplier);
        }
        Verdict::Resolved => return words.over.clone(),
        Verdict::Cancelled if notice.case.last_seen_at.is_some() => return words.cancelled_gone.clone(),
        Verdict::Cancelled if scene.is_past_planned_start() => return words.cancelled_begun.clone(),
        Verdict::Cancelled => return words.cancelled.clone(),
        Verdict::NotOver if notice.case.phase == Phase::Identified => {
            return scene.in_voice(&words.identified, &words.identified_supplier);
        }
        Verdict::NotOver => return scene.in_voice(&words.back, &words.back_supplier),
        Verdict::Planned | Verdict::Moved if scene.is_begun_by_clock() => return not_said_begun(scene),
        Verdict::Planned => return words.scheduled_new.clone(),
        Verdict::Moved if notice.case.phase == Phase::Scheduled => return words.scheduled_new.clone(),
        Verdict::Reminder if news.is_empty() => return words.scheduled_unchanged.clone(),
        Verdict::Started
        | Verdict::News
        | Verdict::Worse
        | Verdict::Better
        | Verdict::ActionNeeded
        | Verdict::NoChange
        | Verdict::Correction
        | Verdict::Reopened
        | Verdict::Reminder
        | Verdict::Moved
        | Verdict::Begun
        | Verdict::Longer
        | Verdict::Done => {}
    }
    let is_stale = !notice.is_brief && !notice.case.phase_moved && !scene.is_maintenance();
    let says_nothing = notice.reason == Kind::Due || notice.case.phase_unknown.is_some();
    let has_other_news = !news.is_empty() || notice.case.updates.iter().any(|words| words.replaces.is_some());
    if says_nothing && !scene.is_maintenance() || is_stale && has_other_news && !scene.is_over() {
        return words.open.clone();
    }
    of_phase(scene)
}

fn of_phase(scene: &Scene<'_>) -> String {
    let words = &scene.pack.status;
    match scene.notice.case.phase {
        Phase::Investigating if scene.notice.is_brief && !has_later_news(scene) => {
            scene.in_voice(&words.investigating_first, &words.investigating_first_supplier)
        }
        Phase::Investigating => scene.in_voice(&words.investigating, &words.investigating_supplier),
        Phase::Identified => scene.in_voice(&words.identified, &words.identified_supplier),
        Phase::Monitoring => scene.in_voice(&words.monitoring, &words.monitoring_supplier),
        Phase::Resolved | Phase::Postmortem => words.over.clone(),
        Phase::Scheduled if scene.is_begun_by_clock() => not_said_begun(scene),
        Phase::Scheduled => words.scheduled.clone(),
        Phase::InProgress => words.in_progress.clone(),
        Phase::Verifying => words.verifying.clone(),
        Phase::Completed => words.completed.clone(),
        Phase::Cancelled => words.cancelled.clone(),
    }
}

fn not_said_begun(scene: &Scene<'_>) -> String {
    let (words, case) = (&scene.pack.status, &scene.notice.case);
    let phrase = scene.in_voice(&words.not_said_begun, &words.not_said_begun_supplier);
    fill(&phrase, &[("when", &case.scheduled_for.map(|at| scene.times.at(at)).unwrap_or_default())])
}

/// "It is not known yet" would be ours to answer for if later words said otherwise.
fn has_later_news(scene: &Scene<'_>) -> bool {
    let case = &scene.notice.case;
    let first = case.first_words.as_ref().map(|first| first.id.as_str());
    case.updates.iter().any(|words| Some(words.id.as_str()) != first)
        || case.first_words.as_ref().is_some_and(|first| first.status.is_some())
}

/// How bad it is: at the first notice as it is, later only if it rose or fell, from what to what.
fn impact_sentence(scene: &Scene<'_>, news: &[(&Words, String)]) -> String {
    let (words, case) = (&scene.pack.impact, &scene.notice.case);
    let Some(impact) = case.impact else { return String::new() };
    let before = case.impact_before.filter(|before| *before != impact);
    let has_risen = scene.notice.changes.contains(&Kind::Worse) || before.is_some_and(|before| before < impact);
    let has_fallen = scene.notice.changes.contains(&Kind::Better) || before.is_some_and(|before| before > impact);
    if scene.notice.is_brief || !(has_risen || has_fallen) {
        let is_told = scene.notice.is_brief || scene.notice.reason == Kind::Reopened;
        return if is_told { scene.impact_is(impact).unwrap_or_default().to_owned() } else { String::new() };
    }
    let Some(now) = scene.impact_now(impact) else { return String::new() };
    let said = match (has_risen, before.and_then(|before| scene.impact_was(before))) {
        (true, Some(was)) => fill(&words.rose, &[("was", was), ("now", now)]),
        (true, None) => fill(&words.rose_bare, &[("now", now)]),
        (false, Some(was)) => fill(&words.fell, &[("was", was), ("now", now)]),
        (false, None) => fill(&words.fell_bare, &[("now", now)]),
    };
    if has_risen && news.is_empty() {
        let status = &scene.pack.status;
        return sentences(&[said, scene.in_voice(&status.no_reason, &status.no_reason_supplier)]);
    }
    said
}

/// For a promise that fell due: the last words again, and that nobody has written since.
fn last_words(scene: &Scene<'_>, quotes: &mut Quotes) -> Vec<Block> {
    let words = &scene.pack.status;
    if scene.notice.reason != Kind::Due {
        return Vec::new();
    }
    let case = &scene.notice.case;
    let start = case.started_at.or(case.scheduled_for);
    let is_old = |words: &&Words| scene.is_maintenance() && start.is_some_and(|start| words.at < start);
    let Some(last) = &case.last_words else {
        return Block::paragraph(words.nobody_wrote.clone()).into_iter().collect();
    };
    if is_old(&last) {
        return Block::paragraph(words.nobody_wrote_since_start.clone()).into_iter().collect();
    }
    let (who, when) = (scene.author_within(last), scene.times.short(last.at));
    let lead = fill(&words.last_words, &[("who", &who), ("when", &when)]);
    let mut blocks: Vec<Block> = quotes.under(scene, lead, &whole_source(last)).into_iter().collect();
    if scene.notice.lost_sight_since.is_none() {
        blocks.extend(Block::paragraph(words.automatic.clone()));
    }
    blocks
}

/// What else is to be known of the state, a line each.
fn notes(scene: &Scene<'_>) -> Vec<String> {
    let (words, notice) = (&scene.pack.status, scene.notice);
    let mut lines = Vec::new();
    if let Some(since) = notice.lost_sight_since.filter(|_| !scene.is_over()) {
        let in_line_1 = Verdict::of(scene) == Verdict::NoChange;
        let lost = if in_line_1 { String::new() } else { lost_sight(scene, since) };
        lines.push(sentences(&[lost, words.lost_news.clone()]));
    }
    if let Some(at) = notice.case.estimate_passed {
        let phrase = scene.in_voice(&words.estimate_passed, &words.estimate_passed_supplier);
        lines.push(fill(&phrase, &[("when", &scene.times.full(at))]));
    }
    if let Some(stand) = notice.case.stand.as_ref().filter(|_| !scene.is_over()) {
        lines.push(fill(&words.stand, &[("stand", &tidy(stand))]));
    }
    let tells_untouched = notice.is_brief && !scene.is_over() && !scene.is_maintenance() && !scene.is_possibly();
    if tells_untouched && !notice.untouched.is_empty() {
        let names = scene.ranked(&notice.untouched, &scene.pack.about.or);
        let phrase = if notice.untouched.len() == 1 { &words.no_problem_one } else { &words.no_problem_many };
        lines.push(fill(phrase, &[("names", &names)]));
    }
    lines.extend(data_lines(scene));
    lines
}

/// A report is promised with the end, or by words after it: not by the report itself, nor below a last word.
fn is_report_to_come(scene: &Scene<'_>) -> bool {
    match Verdict::of(scene) {
        Verdict::Resolved | Verdict::Done => true,
        Verdict::News => scene.is_over(),
        Verdict::Started
        | Verdict::NotOver
        | Verdict::Worse
        | Verdict::Better
        | Verdict::ActionNeeded
        | Verdict::NoChange
        | Verdict::Correction
        | Verdict::Unaffected
        | Verdict::Reopened
        | Verdict::Report
        | Verdict::Withdrawn
        | Verdict::Closed
        | Verdict::Planned
        | Verdict::Reminder
        | Verdict::Moved
        | Verdict::Begun
        | Verdict::Longer
        | Verdict::Cancelled => false,
    }
}

/// At the end: data, the report, and in a confirmed major or critical case that we are sorry, if nobody has said so.
fn data_lines(scene: &Scene<'_>) -> Vec<String> {
    let (words, notice) = (&scene.pack.status, scene.notice);
    let by = notice.case.report_by.as_ref().map(|by| tidy(&scene.times.written(by))).filter(|by| !by.is_empty());
    let is_end = notice.reason == Kind::Resolved && !scene.is_possibly();
    let mut lines = Vec::new();
    if notice.reason == Kind::Due {
        return lines;
    }
    match (notice.case.data_loss, &by) {
        (Some(DataLoss::None), _) => lines.push(words.data_none.clone()),
        (Some(DataLoss::Some), _) => lines.push(words.data_some.clone()),
        (None, Some(by)) if is_end => lines.push(fill(&words.data_unknown_by, &[("when", by)])),
        (None, None) if is_end => lines.push(words.data_unknown.clone()),
        (None, Some(_) | None) => {}
    }
    if let Some(by) = by.filter(|_| is_report_to_come(scene)) {
        lines.push(fill(&words.report_by, &[("when", &by)]));
    }
    lines.extend(kept_promises(scene));
    let is_grave_end = is_end && matches!(notice.case.impact, Some(Impact::Major | Impact::Critical));
    match notice.case.sorry {
        Sorry::Now => lines.push(words.sorry.clone()),
        Sorry::Unsaid if is_grave_end => lines.push(words.sorry.clone()),
        Sorry::Unsaid | Sorry::Before => {}
    }
    lines
}

/// At the end, for the record: how many of the times of a next word brought one.
fn kept_promises(scene: &Scene<'_>) -> Option<String> {
    let is_end = match scene.notice.reason {
        Kind::Resolved | Kind::Completed => true,
        Kind::Opened
        | Kind::Due
        | Kind::Reminder
        | Kind::Corrected
        | Kind::Narrower
        | Kind::Better
        | Kind::Phase
        | Kind::Updated
        | Kind::Overdue
        | Kind::Postmortem
        | Kind::Action
        | Kind::Wider
        | Kind::Back
        | Kind::Worse
        | Kind::Started
        | Kind::Moved
        | Kind::Reopened
        | Kind::Unaffected
        | Kind::Withdrawn
        | Kind::Cancelled => false,
    };
    let KeptPromises { kept, made } = scene.notice.promises.filter(|_| is_end)?;
    let words = &scene.pack.status;
    match (kept, made) {
        (_, 0) => None,
        (0, 1) => Some(words.promise_broken.clone()),
        (_, 1) => Some(words.promise_kept.clone()),
        _ => Some(fill(&words.promises_kept, &[("kept", &kept.to_string()), ("made", &made.to_string())])),
    }
}
