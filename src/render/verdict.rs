//! The two lines that stand first: the verdict with what it is about and what is needed, then the time of
//! the next word or, at the end, how long it lasted.

mod endings;

use jiff::Timestamp;

use crate::domain::incident::{Need, Phase};
use crate::domain::notice::{Action, Kind};

use super::markup::plain;
use super::pack::fill;
use super::scene::{NAME_PLACE, Scene, by_count, capitalised, sentences, tidy};
use super::todo::takes_in_words;

/// The closed list of words that line 1 begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Started,
    News,
    /// Back from monitoring: news that says "not over after all".
    NotOver,
    Worse,
    Better,
    ActionNeeded,
    NoChange,
    Correction,
    Unaffected,
    Resolved,
    Reopened,
    Report,
    Withdrawn,
    /// A person on our side closed it.
    Closed,
    Planned,
    Reminder,
    Moved,
    Begun,
    Longer,
    Done,
    Cancelled,
}

impl Verdict {
    /// A newly required action outranks every reason but the end; a contact's first word is the beginning.
    pub fn of(scene: &Scene<'_>) -> Verdict {
        let notice = scene.notice;
        if notice.case.closed_by_hand_at.is_some() && matches!(notice.reason, Kind::Withdrawn | Kind::Cancelled) {
            return Verdict::Closed;
        }
        if notice.guidance.newly_required && !scene.is_over() {
            return Verdict::ActionNeeded;
        }
        if notice.is_brief {
            match notice.reason {
                Kind::Due
                | Kind::Corrected
                | Kind::Narrower
                | Kind::Better
                | Kind::Phase
                | Kind::Updated
                | Kind::Action
                | Kind::Wider
                | Kind::Back
                | Kind::Worse
                | Kind::Opened => return Verdict::beginning(notice.case.phase),
                Kind::Reminder | Kind::Moved => return Verdict::Planned,
                Kind::Overdue
                | Kind::Postmortem
                | Kind::Started
                | Kind::Reopened
                | Kind::Unaffected
                | Kind::Withdrawn
                | Kind::Cancelled
                | Kind::Completed
                | Kind::Resolved => {}
            }
        }
        Verdict::of_reason(notice.reason, notice.case.phase)
    }

    fn beginning(phase: Phase) -> Verdict {
        match phase {
            Phase::Scheduled => Verdict::Planned,
            Phase::InProgress | Phase::Verifying => Verdict::Begun,
            Phase::Completed => Verdict::Done,
            Phase::Cancelled => Verdict::Cancelled,
            Phase::Investigating | Phase::Identified | Phase::Monitoring | Phase::Resolved | Phase::Postmortem => {
                Verdict::Started
            }
        }
    }

    fn of_reason(reason: Kind, phase: Phase) -> Verdict {
        match reason {
            Kind::Due => Verdict::NoChange,
            Kind::Reminder => Verdict::Reminder,
            Kind::Corrected => Verdict::Correction,
            Kind::Better => Verdict::Better,
            Kind::Narrower | Kind::Phase | Kind::Updated | Kind::Action | Kind::Wider => Verdict::News,
            Kind::Overdue => Verdict::Longer,
            Kind::Postmortem => Verdict::Report,
            Kind::Back => Verdict::NotOver,
            Kind::Worse => Verdict::Worse,
            Kind::Started => Verdict::Begun,
            Kind::Moved => Verdict::Moved,
            Kind::Opened => Verdict::beginning(phase),
            Kind::Reopened => Verdict::Reopened,
            Kind::Unaffected => Verdict::Unaffected,
            Kind::Withdrawn => Verdict::Withdrawn,
            Kind::Cancelled => Verdict::Cancelled,
            Kind::Completed => Verdict::Done,
            Kind::Resolved => Verdict::Resolved,
        }
    }

    fn word<'a>(self, scene: &'a Scene<'_>) -> &'a str {
        let words = &scene.pack.verdict;
        match self {
            Verdict::Started => &words.started,
            Verdict::News | Verdict::NotOver => &words.news,
            Verdict::Worse => &words.worse,
            Verdict::Better => &words.better,
            Verdict::ActionNeeded => &words.action,
            Verdict::NoChange => &words.no_change,
            Verdict::Correction => &words.correction,
            Verdict::Unaffected => &words.unaffected,
            Verdict::Resolved => &words.resolved,
            Verdict::Reopened => &words.reopened,
            Verdict::Report => &words.report,
            Verdict::Withdrawn => &words.withdrawn,
            Verdict::Closed => &words.closed,
            Verdict::Planned => &words.planned,
            Verdict::Reminder => &words.reminder,
            Verdict::Moved => &words.moved,
            Verdict::Begun => &words.begun,
            Verdict::Longer => &words.longer,
            Verdict::Done => &words.done,
            Verdict::Cancelled => &words.cancelled,
        }
    }
}

/// Line 1 and line 2.
pub fn lines(scene: &Scene<'_>) -> [String; 2] {
    let verdict = Verdict::of(scene);
    let [first, second] = match verdict {
        Verdict::ActionNeeded => action_lines(scene),
        Verdict::NoChange => no_change_lines(scene),
        Verdict::Resolved => endings::ended_lines(scene),
        Verdict::Done => endings::done_lines(scene),
        Verdict::Closed => endings::closed_lines(scene),
        Verdict::Planned | Verdict::Reminder | Verdict::Moved => planned_lines(scene, verdict),
        Verdict::NotOver => [with_need(scene, &scene.pack.line.back, verdict), next_word(scene)],
        Verdict::Begun => {
            let ends = match scene.notice.case.scheduled_until {
                Some(until) if until > scene.notice.now => {
                    fill(&scene.pack.line.ends_by, &[("when", &scene.times.full(until))])
                }
                Some(_) | None => String::new(),
            };
            let line = &scene.pack.line;
            let phrase = if scene.is_begun_by_clock() { &line.begun_by_clock } else { &line.plain };
            [with_need(scene, phrase, verdict), sentences(&[ends, next_word(scene)])]
        }
        Verdict::Cancelled => [with_need(scene, &scene.pack.line.plain, verdict), cancelled_window(scene)],
        Verdict::Report => [with_need(scene, &scene.pack.line.plain, verdict), endings::report_end(scene)],
        Verdict::Unaffected | Verdict::Withdrawn => {
            [with_need(scene, &scene.pack.line.plain, verdict), scene.pack.line.last_word.clone()]
        }
        Verdict::Started
        | Verdict::News
        | Verdict::Worse
        | Verdict::Better
        | Verdict::Correction
        | Verdict::Reopened
        | Verdict::Longer => [with_need(scene, &scene.pack.line.plain, verdict), next_word(scene)],
    };
    let second = if second.is_empty() && scene.is_over() { endings::report_end(scene) } else { second };
    let first = match scene.notice.drill {
        true => fill(&scene.pack.line.drill, &[("line", &first)]),
        false => first,
    };
    [first, second]
}

fn with_need(scene: &Scene<'_>, phrase: &str, verdict: Verdict) -> String {
    let line = fill(phrase, &[("word", verdict.word(scene)), ("about", &scene.about())]);
    sentences(&[line, need(scene)])
}

fn action_lines(scene: &Scene<'_>) -> [String; 2] {
    let (line, words) = (&scene.pack.line, &scene.pack.verdict);
    let Some(action) = headline_action(scene) else {
        return [with_need(scene, &line.plain, Verdict::News), next_word(scene)];
    };
    let word = match future(scene, action.by) {
        Some(by) => fill(&words.action_by, &[("when", &scene.times.full(by))]),
        None => words.action.clone(),
    };
    let mut first = vec![fill(&line.action, &[("word", &word), ("step", &first_sentence(&action.text))])];
    if let Some(takes) = &action.takes {
        first.push(format!("{}.", takes_in_words(scene, takes).trim_end_matches('.')));
    }
    let more = scene.notice.guidance.actions.iter().filter(|action| action.need == Need::Required).count() - 1;
    if more > 0 {
        first.push(by_count(more, &line.several_one, &line.several));
    }
    let about = format!("{}.", capitalised(&scene.about()));
    let window = match scene.notice.case.scheduled_for {
        Some(from) if scene.notice.case.phase == Phase::Scheduled => {
            format!("{}.", capitalised(&scene.times.window_from_here(from, scene.notice.case.scheduled_until)))
        }
        Some(_) | None => String::new(),
    };
    let next = match scene.notice.next_word.filter(|next| *next > scene.notice.now) {
        Some(next) => fill(&line.next_word_plain, &[("when", &scene.times.promised(next))]),
        None => next_word(scene),
    };
    [sentences(&first), sentences(&[about, window, next])]
}

fn no_change_lines(scene: &Scene<'_>) -> [String; 2] {
    let line = &scene.pack.line;
    let word = Verdict::NoChange.word(scene);
    let about = scene.about();
    let first = match (scene.notice.lost_sight_since, unchanged_since(scene)) {
        (Some(since), _) => {
            let lost = lost_sight(scene, since);
            fill(&line.no_change_seen, &[("word", word), ("about", &about), ("lost", &lost)])
        }
        (None, Some(since)) => {
            let when = scene.times.full(since);
            fill(&line.no_change_since, &[("word", word), ("when", &when), ("about", &about)])
        }
        (None, None) => fill(&line.plain, &[("word", word), ("about", &about)]),
    };
    let daily = if scene.notice.is_daily { line.daily.clone() } else { String::new() };
    [sentences(&[first, need(scene)]), sentences(&[daily, next_word(scene)])]
}

/// The time of the source's last words; of running work its start, if nobody has written since.
fn unchanged_since(scene: &Scene<'_>) -> Option<Timestamp> {
    let case = &scene.notice.case;
    let words = case.last_words.as_ref().map(|words| words.at);
    let runs = matches!(case.phase, Phase::InProgress | Phase::Verifying);
    match (runs, case.started_at) {
        (true, Some(start)) => words.max(Some(start)),
        // Whether those words are older than the work is not known.
        (true, None) => words.filter(|at| case.scheduled_for.is_some_and(|planned| *at >= planned)),
        (false, _) => words,
    }
}

/// "We have not been able to read our status page since 14:51 CET (13:51 UTC)."
pub fn lost_sight(scene: &Scene<'_>, since: Timestamp) -> String {
    let words = &scene.pack.status;
    fill(&scene.in_voice(&words.lost, &words.lost_supplier), &[("when", &scene.times.full(since))])
}

fn planned_lines(scene: &Scene<'_>, verdict: Verdict) -> [String; 2] {
    let (line, case) = (&scene.pack.line, &scene.notice.case);
    let word = verdict.word(scene);
    let is_under_way = case.phase != Phase::Scheduled;
    let first = match (verdict, case.scheduled_for) {
        (Verdict::Moved, _) if is_under_way && case.scheduled_until.is_some() => {
            let until = case.scheduled_until.map(|until| scene.times.full(until)).unwrap_or_default();
            fill(&line.moved_end, &[("word", word), ("when", &until)])
        }
        (Verdict::Moved, Some(from)) => {
            fill(&line.moved, &[("word", word), ("window", &scene.times.window(from, case.scheduled_until))])
        }
        (Verdict::Moved, None) => fill(&line.moved_bare, &[("word", word)]),
        (_, Some(from)) => {
            let window = scene.times.window_from_here(from, case.scheduled_until);
            fill(&line.planned, &[("word", word), ("window", &window)])
        }
        (_, None) => return [with_need(scene, &line.plain, verdict), next_word(scene)],
    };
    let about = format!("{}.", capitalised(&scene.about()));
    [first, sentences(&[about, need(scene), next_word(scene)])]
}

fn cancelled_window(scene: &Scene<'_>) -> String {
    let case = &scene.notice.case;
    match case.scheduled_for {
        Some(from) => {
            let window = scene.times.window(from, case.scheduled_until);
            let line = &scene.pack.line;
            let is_said = !scene.is_past_planned_start() && case.last_seen_at.is_none();
            let phrase = if is_said { &line.was_planned } else { &line.was_planned_begun };
            fill(phrase, &[("window", &window)])
        }
        None => scene.pack.line.not_planned.clone(),
    }
}

/// Never a time that is past: the line then only says when a word comes.
fn next_word(scene: &Scene<'_>) -> String {
    let line = &scene.pack.line;
    match scene.notice.next_word.filter(|next| *next > scene.notice.now) {
        _ if scene.is_over() => String::new(),
        Some(next) => fill(&line.next_word, &[("when", &scene.times.promised(next))]),
        None if scene.is_possibly() => line.next_certain.clone(),
        None => line.next_news.clone(),
    }
}

/// What is needed, as the end of line 1.
fn need(scene: &Scene<'_>) -> String {
    let (words, guidance) = (&scene.pack.need, &scene.notice.guidance);
    let count = |need: Need| guidance.actions.iter().filter(|action| action.need == need).count();
    if scene.is_over() {
        let left = guidance.undo.iter().filter(|action| action.undo.is_some()).count() + count(Need::Required);
        if left == 0 && !guidance.called_off.is_empty() {
            return called_off(scene);
        }
        return match (left, count(Need::Maybe), guidance.known) {
            (0, 0, true) => words.none_known_over.clone(),
            (0, 0, false) => words.none_unknown_over.clone(),
            (0, maybe, _) => by_count(maybe, &words.maybe_one, &words.maybe_many),
            (left, _, _) => by_count(left, &words.left_one, &words.left_many),
        };
    }
    match guidance.need {
        Need::Required if guidance.still_required && !guidance.newly_required => {
            by_count(count(Need::Required).max(1), &words.still_one, &words.still_many)
        }
        Need::Required => match guidance.actions.iter().find(|action| action.need == Need::Required) {
            Some(Action { takes: Some(takes), .. }) if count(Need::Required) == 1 => {
                fill(&words.required_one_takes, &[("takes", &takes_in_words(scene, takes))])
            }
            Some(_) | None => by_count(count(Need::Required).max(1), &words.required_one, &words.required_many),
        },
        Need::Maybe => by_count(count(Need::Maybe).max(1), &words.maybe_one, &words.maybe_many),
        Need::None if !guidance.called_off.is_empty() => called_off(scene),
        Need::None if guidance.known => words.none_known.clone(),
        Need::None => words.none_unknown.clone(),
    }
}

fn called_off(scene: &Scene<'_>) -> String {
    let (words, called_off) = (&scene.pack.need, &scene.notice.guidance.called_off);
    match called_off.iter().any(|action| action.need == Need::Required) {
        true => by_count(called_off.len(), &words.called_off_one, &words.called_off_many),
        false => by_count(called_off.len(), &words.not_suggested_one, &words.not_suggested_many),
    }
}

/// Of the required actions the one with the earliest time; without times the first.
pub fn headline_action<'a>(scene: &'a Scene<'_>) -> Option<&'a Action> {
    let required = scene.notice.guidance.actions.iter().filter(|action| action.need == Need::Required);
    required.min_by_key(|action| future(scene, action.by).unwrap_or(Timestamp::MAX))
}

/// The time, if it is not past.
pub fn future(scene: &Scene<'_>, at: Option<Timestamp>) -> Option<Timestamp> {
    at.filter(|at| *at > scene.notice.now)
}

/// The first sentence of a step, for line 1; at most 120 characters, with its full stop.
fn first_sentence(text: &str) -> String {
    let text = plain(text).replace(NAME_PLACE, "");
    let line = text.lines().next().unwrap_or_default();
    let end = line.match_indices(' ').map(|(at, _)| at).find(|at| ends_sentence(&line[..*at]));
    let sentence = tidy(&line[..end.unwrap_or(line.len())]);
    if sentence.chars().count() > 120 {
        let cut: String = sentence.chars().take(119).collect();
        return format!("{}…", cut.trim_end());
    }
    if sentence.ends_with(['.', '!', '?', '…']) { sentence } else { format!("{sentence}.") }
}

/// A full stop after a word of three letters or more: not that of "e.g." or "z. B.".
fn ends_sentence(text: &str) -> bool {
    let last_word = text.rsplit(' ').next().unwrap_or_default();
    match last_word.strip_suffix('.') {
        Some(word) => word.chars().count() >= 3 && !word.contains('.'),
        None => last_word.ends_with(['!', '?']),
    }
}

/// "RESOLVED : …" where the time is not known becomes "RESOLVED: …".
fn without_gap(line: &str) -> String {
    line.replacen(" :", ":", 1)
}
