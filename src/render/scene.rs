//! What every part of a message looks at: the notice, the words, the times, and the names in them.
//!
//! Deliberately absent: sentences. Who says what is in `verdict`, `happened`, `status`, `todo`.

use crate::domain::incident::{Impact, Phase};
use crate::domain::notice::{Affected, Kind, Notice, Voice, Words};

use super::markup::one_line;
use super::pack::{Pack, fill};
use super::time::Times;

/// Stands for the client's name until a message is filled; a private-use character that is taken out of
/// everything else.
pub const NAME_PLACE: char = '\u{E0C1}';

/// At most so many names in one list; the rest is counted.
const MOST_NAMES: usize = 4;

/// One notice, in one language and zone.
#[derive(Debug, Clone)]
pub struct Scene<'a> {
    pub notice: &'a Notice,
    pub pack: &'a Pack,
    pub times: Times<'a>,
}

impl<'a> Scene<'a> {
    pub fn new(notice: &'a Notice, pack: &'a Pack, timezone: &str) -> Scene<'a> {
        Scene { notice, pack, times: Times::new(timezone, notice.now, pack) }
    }

    pub fn is_maintenance(&self) -> bool {
        self.notice.case.phase.is_maintenance()
    }

    /// Nothing more is to come: a closing notice, or whatever is told after the end.
    pub fn is_over(&self) -> bool {
        let notice = self.notice;
        notice.reason.is_closing() || (notice.case.phase.is_over() && notice.reason != Kind::Reopened)
    }

    /// Planned work whose time has come: what becomes of it then may have begun.
    pub fn is_past_planned_start(&self) -> bool {
        let case = &self.notice.case;
        case.started_at.or(case.scheduled_for).is_some_and(|start| start <= self.notice.now)
    }

    /// Planned work whose start has come, and whose source has not said that it has begun.
    pub fn is_begun_by_clock(&self) -> bool {
        self.notice.case.phase == Phase::Scheduled && self.is_past_planned_start() && !self.is_over()
    }

    pub fn is_possibly(&self) -> bool {
        self.notice.affected == Affected::Possibly
    }

    pub fn supplier(&self) -> Option<String> {
        match &self.notice.case.voice {
            Voice::Supplier(name) => Some(tidy(name)),
            Voice::Ours(_) => None,
        }
    }

    /// The phrase in our own voice, or with the supplier named.
    pub fn in_voice(&self, ours: &str, supplied: &str) -> String {
        match self.supplier() {
            Some(supplier) => fill(supplied, &[("supplier", &supplier)]),
            None => ours.to_owned(),
        }
    }

    /// Who wrote these words, at the beginning of a sentence.
    pub fn author(&self, words: &Words) -> String {
        match &self.notice.case.voice {
            Voice::Supplier(name) if !words.by_hand => tidy(name),
            Voice::Ours(Some(voice)) => tidy(voice),
            Voice::Supplier(_) | Voice::Ours(None) => self.pack.quote.voice.clone(),
        }
    }

    /// The same within a sentence ("our engineers").
    pub fn author_within(&self, words: &Words) -> String {
        let author = self.author(words);
        if author == self.pack.quote.voice { self.pack.quote.voice_of.clone() } else { author }
    }

    pub fn title(&self) -> String {
        title_of(&self.notice.case.title)
    }

    /// The source's page for people, if it is an http or https address without white space.
    pub fn url(&self) -> Option<String> {
        let url = self.notice.case.url.as_deref()?;
        let is_web = url.starts_with("https://") || url.starts_with("http://");
        let is_whole = !url.contains(|c: char| c.is_whitespace() || c.is_control() || c == NAME_PLACE);
        (is_web && is_whole).then(|| url.to_owned())
    }

    /// It is told to everybody, and nothing that is named is this client's.
    pub fn is_told_to_everybody(&self) -> bool {
        self.is_possibly() && self.notice.concerned.is_empty()
    }

    /// The components that the notice is about, without ranks: none where nothing that is named is the client's.
    pub fn plain_names(&self) -> Vec<String> {
        let case = &self.notice.case;
        let concerned: Vec<String> = self.notice.concerned.iter().map(|(_, name)| tidy(name)).collect();
        if !concerned.is_empty() {
            return concerned;
        }
        if self.is_told_to_everybody() {
            return Vec::new();
        }
        let of_case = if self.notice.reason == Kind::Unaffected && !case.removed.is_empty() {
            &case.removed
        } else {
            &case.components
        };
        of_case.iter().map(|name| tidy(name)).collect()
    }

    /// "Payments API, your priority 1"; for a client possibly affected "may concern …".
    pub fn about(&self) -> String {
        let words = &self.pack.about;
        if self.is_told_to_everybody() {
            let named: Vec<String> = self.notice.case.components.iter().map(|name| tidy(name)).collect();
            let phrase = match (named.is_empty(), self.is_over()) {
                (true, false) => &words.unnamed,
                (true, true) => &words.unnamed_past,
                (false, false) => &words.named_others,
                (false, true) => &words.named_others_past,
            };
            return fill(phrase, &[("names", &self.join(&named, &words.and))]);
        }
        let names = match self.notice.concerned.is_empty() {
            false => self.ranked(&self.notice.concerned, &words.and),
            true => self.join(&self.plain_names(), &words.and),
        };
        match (self.is_possibly(), names.is_empty()) {
            (false, false) => names,
            (true, false) if self.is_over() => fill(&words.possibly_past, &[("names", &names)]),
            (true, false) => fill(&words.possibly, &[("names", &names)]),
            (_, true) => fill(&words.of_case, &[("title", &self.title())]),
        }
    }

    /// Names with the client's rank: "Search, your priority 2", several as "A (your priority 1) and B (…)".
    /// `last` joins the last two ("and", "or"). Rank 0 is of what the client gave no rank: then only the names.
    pub fn ranked(&self, names: &[(u32, String)], last: &str) -> String {
        let words = &self.pack.about;
        if names.iter().all(|(rank, _)| *rank == 0) {
            let bare: Vec<String> = names.iter().map(|(_, name)| tidy(name)).collect();
            return self.join(&bare, last);
        }
        if let [(rank, name)] = names {
            return fill(&words.one, &[("name", &tidy(name)), ("rank", &rank.to_string())]);
        }
        let mut groups: Vec<(u32, Vec<String>)> = Vec::new();
        for (rank, name) in names.iter().take(MOST_NAMES) {
            match groups.last_mut() {
                Some((of_group, members)) if of_group == rank => members.push(tidy(name)),
                Some(_) | None => groups.push((*rank, vec![tidy(name)])),
            }
        }
        let mut items: Vec<String> = groups
            .into_iter()
            .map(|(rank, members)| {
                let joined = self.join(&members, &words.and);
                if rank == 0 {
                    return joined;
                }
                fill(&words.many, &[("names", &joined), ("rank", &rank.to_string())])
            })
            .collect();
        if names.len() > MOST_NAMES {
            items.push(fill(&words.more, &[("count", &(names.len() - MOST_NAMES).to_string())]));
        }
        self.join(&items, last)
    }

    /// "A, B and C"; of more than four the rest is counted.
    pub fn join(&self, items: &[String], last: &str) -> String {
        let words = &self.pack.about;
        let mut shown: Vec<String> = items.iter().take(MOST_NAMES + 1).cloned().collect();
        if items.len() > MOST_NAMES + 1 {
            shown.truncate(MOST_NAMES);
            shown.push(fill(&words.more, &[("count", &(items.len() - MOST_NAMES).to_string())]));
        }
        let Some((end, begin)) = shown.split_last() else { return String::new() };
        let Some((first, middle)) = begin.split_first() else { return end.clone() };
        let list =
            middle.iter().fold(first.clone(), |list, next| fill(&words.comma, &[("list", &list), ("next", next)]));
        fill(last, &[("list", &list), ("last", end)])
    }

    /// The impact as it is, was, or is now; `None` where there is nothing to say.
    pub fn impact_was(&self, impact: Impact) -> Option<&str> {
        let words = &self.pack.impact;
        match impact {
            Impact::None => Some(&words.none_was),
            Impact::Minor => Some(&words.minor_was),
            Impact::Major => Some(&words.major_was),
            Impact::Critical => Some(&words.critical_was),
            Impact::Maintenance => None,
        }
    }

    pub fn impact_now(&self, impact: Impact) -> Option<&str> {
        let words = &self.pack.impact;
        match impact {
            Impact::None => Some(&words.none_now),
            Impact::Minor => Some(&words.minor_now),
            Impact::Major => Some(&words.major_now),
            Impact::Critical => Some(&words.critical_now),
            Impact::Maintenance => None,
        }
    }

    pub fn impact_is(&self, impact: Impact) -> Option<&str> {
        let words = &self.pack.impact;
        match impact {
            Impact::Minor => Some(&words.minor),
            Impact::Major => Some(&words.major),
            Impact::Critical => Some(&words.critical),
            Impact::None | Impact::Maintenance => None,
        }
    }
}

/// A name or title on one line, without the place of the client's name.
pub fn tidy(text: &str) -> String {
    one_line(text).replace(NAME_PLACE, "").trim().to_owned()
}

/// A title on one line, at most 200 characters, without the full stop that a sentence of ours adds.
pub fn title_of(title: &str) -> String {
    let line = tidy(title);
    let line = line.trim_end_matches(['.', ',', ';', ':', ' ']);
    if line.chars().count() <= 200 {
        return line.to_owned();
    }
    let cut: String = line.chars().take(199).collect();
    format!("{}…", cut.trim_end())
}

/// The sentence with a capital at its beginning.
pub fn capitalised(sentence: &str) -> String {
    let mut chars = sentence.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// Sentences after one another, the empty ones left out.
pub fn sentences(said: &[String]) -> String {
    said.iter().map(String::as_str).filter(|sentence| !sentence.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The phrase for one or for several.
pub fn by_count(count: usize, one: &str, many: &str) -> String {
    if count == 1 { one.to_owned() } else { fill(many, &[("count", &count.to_string())]) }
}
