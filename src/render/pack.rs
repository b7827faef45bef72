//! A language pack: every fixed phrase of one language, as data. The words themselves are in
//! `config/templates/LOCALE/words.toml`; `pack_file.rs` reads and checks them.
//!
//! Deliberately absent: any decision about which phrase is said (`verdict`, `happened`, `status`, `todo`).

use std::collections::BTreeMap;

use serde::Deserialize;

/// Fills the `{name}` places of a phrase in one pass: what is put in is never looked at again, so that a
/// brace in feed text stays a brace. A place that `values` does not name stays as it stands.
pub fn fill(phrase: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(phrase.len() + 32);
    let mut rest = phrase;
    while let Some((before, name, after)) = next_place(rest) {
        filled.push_str(without_second_stop(&filled, before));
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => filled.push_str(value),
            None => {
                filled.push('{');
                filled.push_str(name);
                filled.push('}');
            }
        }
        rest = after;
    }
    filled.push_str(without_second_stop(&filled, rest));
    filled
}

/// What is filled in may end its sentence itself, or with an abbreviation ("Fr. 27. Nov."): one full stop is enough.
fn without_second_stop<'p>(filled: &str, next: &'p str) -> &'p str {
    match next.strip_prefix('.') {
        Some(rest) if filled.ends_with(['.', '!', '?', '…']) => rest,
        Some(_) | None => next,
    }
}

/// The names in braces that a phrase holds.
pub fn places(phrase: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = phrase;
    while let Some((_, name, after)) = next_place(rest) {
        names.push(name);
        rest = after;
    }
    names
}

fn next_place(text: &str) -> Option<(&str, &str, &str)> {
    let open = text.find('{')?;
    let close = open + text[open..].find('}')?;
    Some((&text[..open], &text[open + 1..close], &text[close + 1..]))
}

/// One language, complete.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// The pack's own `name`, and the names of other languages by their code.
    pub language: BTreeMap<String, String>,
    pub verdict: VerdictWords,
    pub line: LineWords,
    pub about: AboutWords,
    pub need: NeedWords,
    pub heading: HeadingWords,
    pub happened: HappenedWords,
    pub status: StatusWords,
    pub impact: ImpactWords,
    pub quote: QuoteWords,
    pub todo: TodoWords,
    pub foot: FootWords,
    /// What `[sender] answered` says, in this language.
    pub answered: BTreeMap<String, String>,
    pub subject: SubjectWords,
    pub time: TimeWords,
    pub duration: DurationWords,
}

macro_rules! phrases {
    ($(#[$doc:meta])* $name:ident { $($field:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $(pub(crate) $field: String),* }
    };
}

phrases! {
    /// The word that line 1 begins with.
    VerdictWords {
        started, news, worse, better, action, action_by, no_change, correction, unaffected, resolved, reopened,
        report, withdrawn, closed, planned, reminder, moved, begun, longer, done, cancelled,
    }
}

phrases! {
    /// The two lines that stand first.
    LineWords {
        plain, back, action, several_one, several, no_change_since, no_change_seen, ended_at, works_one, works_many, vanished, normal_one,
        normal_many, over, over_possibly, failed_for, lasted_for, took, after_report, planned, moved, moved_bare, moved_end, begun_by_clock, ends_by, was_planned, was_planned_begun,
        not_planned, last_word, closed, closed_after, closed_after_report, report_over, next_word, next_word_plain, next_news, next_certain, daily, drill,
    }
}

phrases! {
    /// What a notice is about, with the client's priority.
    AboutWords {
        one, many, possibly, unnamed, named_others, possibly_past, unnamed_past, named_others_past, and, or, comma, more, of_case,
    }
}

phrases! {
    /// The end of line 1: what is needed.
    NeedWords {
        none_known, none_unknown, none_known_over, none_unknown_over, maybe_one, maybe_many, required_one,
        required_one_takes, required_many, still_one, still_many, called_off_one, called_off_many, not_suggested_one, not_suggested_many, left_one,
        left_many,
    }
}

phrases! {
    /// The headings of the three parts.
    HeadingWords {
        happened, will_happen, status, todo,
    }
}

phrases! {
    /// The account.
    HappenedWords {
        since, during, at, reported, planned, was_planned, bare, drill, renamed, wider, narrower_one, narrower_many, narrower_supplier,
        nothing_new, nothing_new_bare, withdrawn, withdrawn_supplier, closed, reopened, reopened_supplier, moved_from,
        overdue, overdue_bare, overdue_unsaid, overdue_unsaid_supplier, became_incident, moved_end_from, rewrote, rewrote_supplier, before, now, not_part_one, not_part_many,
    }
}

phrases! {
    /// Where it stands.
    StatusWords {
        open, over, investigating_first, investigating_first_supplier, investigating, investigating_supplier, back,
        back_supplier, identified, identified_supplier, monitoring, monitoring_supplier, scheduled,
        scheduled_unchanged, scheduled_new, not_said_begun, not_said_begun_supplier, in_progress, verifying, completed, cancelled, cancelled_begun, cancelled_gone, withdrawn, vanished, vanished_supplier, closed, closed_work, unaffected,
        unaffected_bare, report, automatic, nobody_wrote, nobody_wrote_since_start, last_words, no_reason, no_reason_supplier, lost,
        lost_supplier, lost_news, estimate_passed, estimate_passed_supplier, no_problem_one, no_problem_many, stand, left_out_one, left_out_many, data_none, data_some,
        data_unknown, data_unknown_by, report_by, sorry, promises_kept, promise_kept, promise_broken,
    }
}

phrases! {
    /// How bad it is, in words.
    ImpactWords {
        minor, major, critical, rose, rose_bare, fell, fell_bare, none_was, minor_was, major_was, critical_was,
        none_now, minor_now, major_now, critical_now,
    }
}

phrases! {
    /// How the source's words are quoted.
    QuoteWords {
        open, close, voice, voice_of, wrote, shortened, shortened_bare,
    }
}

phrases! {
    /// What the reader needs to do.
    TodoWords {
        none_known, none_known_over, none_known_note, none_known_note_over, nothing_said, none_unknown, none_unknown_over,
        none_else_known, none_else_unknown, maybe_one, maybe_many, maybe_too, still, undo_one,
        undo_many, not_needed, not_suggested, in_language, by, takes, needs, place, check, if_not, later, undo, help, pass_on, see, language,
        past, takes_needs, later_undo,
    }
}

phrases! {
    /// The foot of a mail.
    FootWords {
        page, ask, ask_planned, ask_over, reply, reply_answered, phone, phone_answered, because, because_possibly, because_everybody,
    }
}

phrases! {
    /// The subject line.
    SubjectWords {
        standing, action_by, action, resolved, moved, drill,
    }
}

phrases! {
    /// How long something lasted.
    DurationWords {
        less, minute, minutes, hour, hours, day, days, both,
    }
}

/// How times and dates are written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeWords {
    pub clock: String,
    pub zoned: String,
    pub both: String,
    pub dated: String,
    pub date: String,
    pub date_year: String,
    pub range: String,
    pub at_time: String,
    pub at_date: String,
    pub today: String,
    pub tomorrow: String,
    /// From Monday.
    pub weekdays: [String; 7],
    pub months: [String; 12],
    /// This language's abbreviations for those of the time zone database, e.g. `CET = "MEZ"`.
    pub zones: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_not_looked_at_again() {
        assert_eq!(fill("{a} and {b}", &[("a", "{b}"), ("b", "2")]), "{b} and 2");
        assert_eq!(fill("no {such} place {", &[]), "no {such} place {");
        assert_eq!(places("{a} and {b}"), ["a", "b"]);
        for (value, expected) in
            [("Fr. 27. Nov.", "by Fr. 27. Nov. Then"), ("noon", "by noon. Then"), ("?", "by ? Then")]
        {
            assert_eq!(fill("by {a}. Then", &[("a", value)]), expected);
        }
    }
}
