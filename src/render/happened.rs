//! *What happened* (for planned work *What will happen*): the account. Title, since when, and at the opening
//! the source's first words; later only what changed; at the end from when to when.

use crate::domain::incident::Phase;
use crate::domain::notice::{Kind, Words};

use super::block::Block;
use super::pack::fill;
use super::quote::{Quotes, whole_source};
use super::scene::{Scene, capitalised, sentences, tidy, title_of};
use super::verdict::Verdict;

/// The heading of the first part.
pub fn heading(scene: &Scene<'_>) -> String {
    let is_ahead = match scene.notice.case.phase {
        Phase::Scheduled | Phase::InProgress | Phase::Verifying => !scene.is_over(),
        Phase::Investigating
        | Phase::Identified
        | Phase::Monitoring
        | Phase::Resolved
        | Phase::Postmortem
        | Phase::Completed
        | Phase::Cancelled => false,
    };
    if is_ahead { scene.pack.heading.will_happen.clone() } else { scene.pack.heading.happened.clone() }
}

/// The first part. `quotes` counts what has been quoted.
pub fn happened(scene: &Scene<'_>, quotes: &mut Quotes) -> Vec<Block> {
    let words = &scene.pack.happened;
    let mut said = Vec::new();
    if scene.notice.drill {
        said.push(words.drill.clone());
    }
    if scene.notice.reason == Kind::Due {
        said.push(match scene.notice.promised {
            Some(promised) => fill(&words.nothing_new, &[("when", &scene.times.promised(promised))]),
            None => words.nothing_new_bare.clone(),
        });
    } else {
        said.push(title_sentence(scene));
        said.extend(changes(scene));
    }
    let mut blocks: Vec<Block> = Block::paragraph(sentences(&said)).into_iter().collect();
    if let Some(first) = first_words_here(scene) {
        blocks.extend(quotes.update(scene, first, &first.body));
    }
    for update in report_words(scene) {
        blocks.extend(quotes.update(scene, update, &whole_source(update)));
    }
    blocks.extend(rewritten(scene, quotes));
    blocks.extend(Block::paragraph(not_part(scene)));
    blocks
}

/// The first words, where this part quotes them: at a contact's first notice, and when work is near.
pub fn first_words_here<'a>(scene: &Scene<'a>) -> Option<&'a Words> {
    let notice = scene.notice;
    let told = notice.is_brief
        || match notice.reason {
            Kind::Opened | Kind::Reminder | Kind::Started => true,
            Kind::Due
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
            | Kind::Moved
            | Kind::Reopened
            | Kind::Unaffected
            | Kind::Withdrawn
            | Kind::Cancelled
            | Kind::Completed
            | Kind::Resolved => false,
        };
    notice.case.first_words.as_ref().filter(|first| told && first.replaces.is_none())
}

/// The report after the end is the account: it is quoted here, not under the status.
pub fn report_words<'a>(scene: &Scene<'a>) -> Vec<&'a Words> {
    let case = &scene.notice.case;
    if scene.notice.reason != Kind::Postmortem {
        return Vec::new();
    }
    let is_report = |words: &&Words| words.phase == Some(Phase::Postmortem) && words.replaces.is_none();
    let marked: Vec<&Words> = case.updates.iter().filter(is_report).collect();
    if marked.is_empty() { case.updates.iter().filter(|words| words.replaces.is_none()).collect() } else { marked }
}

fn title_sentence(scene: &Scene<'_>) -> String {
    let (words, case) = (&scene.pack.happened, &scene.notice.case);
    let title = scene.title();
    let with = |phrase: &str, name: &str, value: &str| fill(phrase, &[("title", &title), (name, value)]);
    if scene.is_maintenance() {
        return match (case.started_at, case.ended_at, case.scheduled_for) {
            (Some(from), Some(until), _) if scene.is_over() && scene.times.is_one_minute(from, until) => {
                with(&words.at, "at", &scene.times.at(from))
            }
            (Some(from), Some(until), _) if scene.is_over() => {
                with(&words.during, "window", &scene.times.range(from, until))
            }
            (_, _, Some(from)) if scene.is_over() => {
                with(&words.was_planned, "window", &scene.times.window(from, case.scheduled_until))
            }
            (_, _, Some(from)) => with(&words.planned, "window", &scene.times.window(from, case.scheduled_until)),
            (_, _, None) => fill(&words.bare, &[("title", &title)]),
        };
    }
    let is_ended = scene.is_over() || case.phase.is_over();
    let ended = case.ended_at.filter(|_| is_ended);
    match (case.started_at, case.reported_at, ended) {
        (Some(from), _, Some(until)) if scene.times.is_one_minute(from, until) => {
            with(&words.at, "at", &scene.times.at(from))
        }
        (Some(from), _, Some(until)) if until > from => with(&words.during, "window", &scene.times.range(from, until)),
        (Some(from), _, _) => with(&words.since, "when", &scene.times.full(from)),
        (None, Some(reported), _) => with(&words.reported, "at", &scene.times.at(reported)),
        (None, None, _) => fill(&words.bare, &[("title", &title)]),
    }
}

/// What became of the case itself within what this notice tells.
fn changes(scene: &Scene<'_>) -> Vec<String> {
    let (words, case, notice) = (&scene.pack.happened, &scene.notice.case, scene.notice);
    let mut said = Vec::new();
    if let Some(renamed) = &case.renamed {
        said.push(fill(&words.renamed, &[("title", &title_of(renamed))]));
    }
    if notice.changes.contains(&Kind::Wider) && !notice.is_brief && !case.added.is_empty() {
        said.push(fill(&words.wider, &[("names", &tidy_list(scene, &case.added))]));
    }
    match Verdict::of(scene) {
        Verdict::Unaffected => said.push(no_longer_listed(scene, &scene.plain_names())),
        Verdict::Withdrawn => said.push(scene.in_voice(&words.withdrawn, &words.withdrawn_supplier)),
        Verdict::Closed => said.push(words.closed.clone()),
        Verdict::Reopened => said.push(scene.in_voice(&words.reopened, &words.reopened_supplier)),
        Verdict::Longer => said.push(match case.scheduled_until {
            Some(until) if scene.is_begun_by_clock() => {
                let phrase = scene.in_voice(&words.overdue_unsaid, &words.overdue_unsaid_supplier);
                fill(&phrase, &[("when", &scene.times.full(until))])
            }
            Some(until) => fill(&words.overdue, &[("when", &scene.times.full(until))]),
            None => words.overdue_bare.clone(),
        }),
        Verdict::Started
        | Verdict::News
        | Verdict::NotOver
        | Verdict::Worse
        | Verdict::Better
        | Verdict::ActionNeeded
        | Verdict::NoChange
        | Verdict::Correction
        | Verdict::Resolved
        | Verdict::Report
        | Verdict::Planned
        | Verdict::Reminder
        | Verdict::Moved
        | Verdict::Begun
        | Verdict::Done
        | Verdict::Cancelled => {}
    }
    if notice.changes.contains(&Kind::Narrower) && !notice.is_brief && notice.reason != Kind::Unaffected {
        let removed: Vec<String> = case.removed.iter().map(|name| tidy(name)).collect();
        said.push(no_longer_listed(scene, &removed));
    }
    if case.became_incident {
        said.push(words.became_incident.clone());
    }
    let was_to_end = case.moved_from.and_then(|(_, until)| until).filter(|_| case.phase != Phase::Scheduled);
    if let Some(until) = was_to_end {
        said.push(fill(&words.moved_end_from, &[("when", &scene.times.full(until))]));
    } else if let Some((from, until)) = case.moved_from {
        said.push(fill(&words.moved_from, &[("window", &scene.times.window(from, until))]));
    }
    said
}

fn tidy_list(scene: &Scene<'_>, names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| tidy(name)).collect();
    scene.join(&names, &scene.pack.about.and)
}

/// Never "fixed": only that the source lists them no longer.
fn no_longer_listed(scene: &Scene<'_>, names: &[String]) -> String {
    let words = &scene.pack.happened;
    if names.is_empty() {
        return String::new();
    }
    let joined = scene.join(names, &scene.pack.about.and);
    match scene.supplier() {
        Some(supplier) => fill(&words.narrower_supplier, &[("supplier", &supplier), ("names", &joined)]),
        None if names.len() == 1 => fill(&words.narrower_one, &[("names", &joined)]),
        None => fill(&words.narrower_many, &[("names", &joined)]),
    }
}

/// Rewrites of what this contact was sent: before and now.
fn rewritten(scene: &Scene<'_>, quotes: &mut Quotes) -> Vec<Block> {
    let words = &scene.pack.happened;
    let mut blocks = Vec::new();
    for update in &scene.notice.case.updates {
        let Some(replaced) = &update.replaces else { continue };
        let phrase = if update.by_hand {
            words.rewrote.clone()
        } else {
            scene.in_voice(&words.rewrote, &words.rewrote_supplier)
        };
        let said = fill(&phrase, &[("when", &scene.times.short(update.at))]);
        blocks.extend(Block::paragraph(said));
        blocks.extend(quotes.under(scene, words.before.clone(), &replaced.body));
        blocks.extend(quotes.under(scene, words.now.clone(), &whole_source(update)));
    }
    blocks
}

/// For planned work: which of the client's priorities are not part of it.
fn not_part(scene: &Scene<'_>) -> String {
    let untouched = &scene.notice.untouched;
    let is_told = matches!(Verdict::of(scene), Verdict::Planned | Verdict::Reminder);
    if !is_told || untouched.is_empty() || scene.is_possibly() {
        return String::new();
    }
    let words = &scene.pack.happened;
    let names = scene.ranked(untouched, &scene.pack.about.and);
    let phrase = if untouched.len() == 1 { &words.not_part_one } else { &words.not_part_many };
    capitalised(&fill(phrase, &[("names", &names)]))
}
