//! *What you need to do*: exactly one of three answers, never silence. What a person or the playbook said
//! ("Nothing.") does not look like what nobody has said ("We know of nothing you can do yet.").

use crate::domain::incident::Need;
use crate::domain::notice::{Action, Kind, Resource};

use super::block::{Block, Link, Note, Step};
use super::document::web_address;
use super::markup::plain;
use super::pack::fill;
use super::quote::escape;
use super::scene::{NAME_PLACE, Scene, by_count, capitalised, sentences, tidy};

/// The most characters of one step.
const MOST_OF_STEP: usize = 2_000;

/// What ends a first sentence that says "Nothing", or divides it from its reason.
const ENDS: [char; 8] = ['.', '!', ';', ':', ',', '–', '—', '\n'];

/// The third part.
pub fn todo(scene: &Scene<'_>) -> Vec<Block> {
    let guidance = &scene.notice.guidance;
    let of_need = |need: Need| guidance.actions.iter().filter(move |action| action.need == need).collect::<Vec<_>>();
    let (required, maybe, notes) = (of_need(Need::Required), of_need(Need::Maybe), of_need(Need::None));
    let mut blocks = called_off(scene);
    let mut next = 1;

    blocks.extend(undo(scene, &mut next));
    if is_reminded(scene) {
        blocks.extend(Block::paragraph(scene.pack.todo.still.clone()));
        blocks.extend(steps(&mut next, required.iter().map(|action| short_step(scene, action)).collect()));
    } else {
        blocks.extend(steps(&mut next, required.iter().map(|action| whole_step(scene, action)).collect()));
    }
    if !maybe.is_empty() {
        let words = &scene.pack.todo;
        let lead = match next {
            1 => by_count(maybe.len(), &words.maybe_one, &words.maybe_many),
            _ => words.maybe_too.clone(),
        };
        blocks.extend(Block::paragraph(lead));
        blocks.extend(steps(&mut next, maybe.iter().map(|action| whole_step(scene, action)).collect()));
    }
    let note = note_of(scene, &notes);
    let last = if next > 1 { note } else { nothing(scene, &note, blocks.len()) };
    blocks.extend(Block::paragraph(last));
    blocks
}

/// A quiet notice says again that a step stands, not the whole of it.
fn is_reminded(scene: &Scene<'_>) -> bool {
    let (notice, guidance) = (scene.notice, &scene.notice.guidance);
    let is_whole = match notice.reason {
        Kind::Opened | Kind::Reminder | Kind::Started | Kind::Moved | Kind::Reopened | Kind::Action => true,
        Kind::Due
        | Kind::Corrected
        | Kind::Narrower
        | Kind::Better
        | Kind::Phase
        | Kind::Updated
        | Kind::Overdue
        | Kind::Postmortem
        | Kind::Wider
        | Kind::Back
        | Kind::Worse
        | Kind::Unaffected
        | Kind::Withdrawn
        | Kind::Cancelled
        | Kind::Completed
        | Kind::Resolved => false,
    };
    guidance.still_required && !guidance.newly_required && !notice.is_brief && !is_whole && !scene.is_over()
}

/// What is said with *none*, without what only says that there is nothing: that is said once, by us.
fn note_of(scene: &Scene<'_>, notes: &[&Action]) -> String {
    let mut said: Vec<String> = Vec::new();
    for action in notes {
        let text = without_nothing(scene, &words_of(action));
        let text = if text.is_empty() { text } else { marked(scene, action, text) };
        if !said.contains(&text) {
            said.push(text);
        }
    }
    sentences(&said)
}

/// The text without a first sentence that is one of the language's ways to say that nothing is to be done.
fn without_nothing(scene: &Scene<'_>, text: &str) -> String {
    let end = text.find(ENDS).unwrap_or(text.len());
    let says_nothing = scene.pack.todo.nothing_said.split('|').any(|phrase| folded(phrase) == folded(&text[..end]));
    if !says_nothing {
        return text.to_owned();
    }
    capitalised(text[end..].trim_start_matches(|c: char| ENDS.contains(&c) || c.is_whitespace()))
}

fn folded(phrase: &str) -> String {
    let words = phrase.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// The two kinds of nothing, with the playbook's word on it where there is one.
fn nothing(scene: &Scene<'_>, note: &str, blocks_before: usize) -> String {
    let is_alone = blocks_before == 0;
    let (words, known) = (&scene.pack.todo, scene.notice.guidance.known);
    let has_note = !note.is_empty();
    match (scene.is_over(), known, is_alone) {
        (true, _, false) => note.to_owned(),
        (false, true, false) if has_note => note.to_owned(),
        (false, true, false) => words.none_else_known.clone(),
        (false, false, false) => words.none_else_unknown.clone(),
        (false, true, true) if has_note => fill(&words.none_known_note, &[("note", note)]),
        (true, true, true) if has_note => fill(&words.none_known_note_over, &[("note", note)]),
        (false, true, true) => words.none_known.clone(),
        (true, true, true) => words.none_known_over.clone(),
        (false, false, true) => words.none_unknown.clone(),
        (true, false, true) => words.none_unknown_over.clone(),
    }
}

/// What was told and holds no longer, each with its way back.
fn called_off(scene: &Scene<'_>) -> Vec<Block> {
    let words = &scene.pack.todo;
    let mut blocks = Vec::new();
    for action in &scene.notice.guidance.called_off {
        let phrase = if action.need == Need::Maybe { &words.not_suggested } else { &words.not_needed };
        let said = fill(phrase, &[("step", &words_of(action))]);
        let undo = action.undo.as_ref().map(|undo| format!("{} {}", words.undo, tidy(undo)));
        match undo {
            Some(undo) => {
                blocks.extend(Block::paragraph(said));
                blocks.extend(Block::paragraph(marked(scene, action, undo)));
            }
            None => blocks.extend(Block::paragraph(marked(scene, action, said))),
        }
    }
    blocks
}

/// At the end: the way back of what this contact was told to do.
fn undo(scene: &Scene<'_>, next: &mut usize) -> Vec<Block> {
    let words = &scene.pack.todo;
    let guidance = &scene.notice.guidance;
    let mut blocks = Vec::new();
    let ways_back: Vec<Step> = guidance
        .undo
        .iter()
        .filter_map(|action| {
            let text = action.undo.as_deref().map(tidy)?;
            let notes = aligned(language_note(scene, action).into_iter().collect());
            Some(Step { text, notes, language: language_of(scene, action) })
        })
        .collect();
    if !ways_back.is_empty() {
        blocks.extend(Block::paragraph(by_count(ways_back.len(), &words.undo_one, &words.undo_many)));
        blocks.extend(steps(next, ways_back));
    }
    blocks
}

fn steps(next: &mut usize, steps: Vec<Step>) -> Option<Block> {
    if steps.is_empty() {
        return None;
    }
    let first = *next;
    *next += steps.len();
    Some(Block::Steps { first, steps })
}

fn whole_step(scene: &Scene<'_>, action: &Action) -> Step {
    let words = &scene.pack.todo;
    let mut notes: Vec<Noted> = Vec::new();
    let mut add = |label: &str, text: Option<String>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            notes.push(Noted { label: label.to_owned(), text, link: None });
        }
    };
    let line = |text: &Option<String>| text.as_deref().map(tidy);
    add(&words.by, action.by.map(|by| by_words(scene, by)));
    match (&action.takes, line(&action.who)) {
        (Some(takes), Some(who)) => {
            let takes = takes_in_words(scene, takes);
            add(&words.takes, Some(fill(&words.takes_needs, &[("takes", &takes), ("who", &with_stop(&who))])));
        }
        (Some(takes), None) => add(&words.takes, Some(with_stop(&takes_in_words(scene, takes)))),
        (None, who) => add(&words.needs, who.map(|who| with_stop(&who))),
    }
    add(&words.place, line(&action.place));
    add(&words.check, line(&action.check));
    add(&words.if_not, line(&action.otherwise));
    let is_open = !scene.is_over() && action.undo.is_some();
    add(&words.later, is_open.then(|| words.later_undo.clone()));
    add(&words.help, line(&action.offer));
    add(&words.pass_on, line(&action.forward));
    notes.extend(action.resources.iter().map(|resource| see(scene, resource)));
    notes.extend(language_note(scene, action));
    Step { text: words_of(action), notes: aligned(notes), language: language_of(scene, action) }
}

fn short_step(scene: &Scene<'_>, action: &Action) -> Step {
    let label = scene.pack.todo.by.clone();
    let by = action.by.map(|by| Noted { label, text: by_words(scene, by), link: None });
    let notes = aligned(by.into_iter().chain(language_note(scene, action)).collect());
    Step { text: words_of(action), notes, language: language_of(scene, action) }
}

/// A page of ours: where its address can be followed it is a link, under no other words than itself.
fn see(scene: &Scene<'_>, resource: &Resource) -> Noted {
    let (title, url) = (tidy(&resource.title), tidy(&resource.url));
    let text = if title == url || title.is_empty() { url.clone() } else { format!("{title}: {url}") };
    let before = text.strip_suffix(&url).unwrap_or_default().to_owned();
    let link = web_address(&url).filter(|address| *address == url).map(|url| Link { before, html: escape(&url), url });
    Noted { label: scene.pack.todo.see.clone(), text, link }
}

/// "Text in: German", where the text is not in the reader's language.
fn language_note(scene: &Scene<'_>, action: &Action) -> Option<Noted> {
    let text = language_name(scene, &language_of(scene, action)?);
    Some(Noted { label: scene.pack.todo.language.clone(), text, link: None })
}

/// The same within a paragraph.
fn marked(scene: &Scene<'_>, action: &Action, text: String) -> String {
    match language_of(scene, action) {
        Some(code) => {
            let language = language_name(scene, &code);
            fill(&scene.pack.todo.in_language, &[("text", &text), ("language", &language)])
        }
        None => text,
    }
}

/// A time that is past is said to be past.
fn by_words(scene: &Scene<'_>, by: jiff::Timestamp) -> String {
    let when = scene.times.full(by);
    if by > scene.notice.now {
        return with_stop(&when);
    }
    with_stop(&fill(&scene.pack.todo.past, &[("when", &when)]))
}

/// The text of a step, at most [`MOST_OF_STEP`] characters: an action may come with a source's update.
fn words_of(action: &Action) -> String {
    let text = plain(&action.text).replace(NAME_PLACE, "");
    let text = text.trim();
    match text.char_indices().nth(MOST_OF_STEP) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// The code of the text's language, where it is not the pack's.
fn language_of(scene: &Scene<'_>, action: &Action) -> Option<String> {
    let code = action.language.as_deref()?;
    let is_code = code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && code.len() <= 35;
    (is_code && language_name(scene, code) != scene.pack.language.get("name").cloned().unwrap_or_default())
        .then(|| code.to_owned())
}

fn language_name(scene: &Scene<'_>, code: &str) -> String {
    let primary = code.split('-').next().unwrap_or(code);
    scene.pack.language.get(primary).cloned().unwrap_or_else(|| code.to_owned())
}

/// `5m` as "5 minutes"; what is no length of time stays as written.
pub fn takes_in_words(scene: &Scene<'_>, takes: &str) -> String {
    match takes.trim().parse::<jiff::SignedDuration>() {
        Ok(length) if length.as_secs() > 0 => scene.times.minutes((length.as_secs() + 59) / 60),
        Ok(_) | Err(_) => tidy(takes),
    }
}

fn with_stop(text: &str) -> String {
    if text.is_empty() || text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// A line under a step before its label is aligned.
struct Noted {
    label: String,
    text: String,
    link: Option<Link>,
}

/// Labels padded to the longest of the step; one alone stands as it is.
fn aligned(notes: Vec<Noted>) -> Vec<Note> {
    let widest = notes.iter().map(|note| note.label.chars().count()).max().unwrap_or(0);
    let width = if notes.len() > 1 { widest + 2 } else { widest + 1 };
    notes
        .into_iter()
        .map(|Noted { label, text, link }| {
            let padded = format!("{label:<width$}");
            Note { label, text, padded, link }
        })
        .collect()
}
