//! The source's words in quotation marks, with who and when. Hostile text ends here: what leaves is plain
//! text, or the safe subset of HTML, and no longer than a mail can bear.

use crate::domain::notice::Words;

use super::block::Block;
use super::markup::{plain, safe_html};
use super::pack::fill;
use super::scene::{NAME_PLACE, Scene};

/// The most characters of one update in a message.
const MOST_OF_ONE: usize = 4_000;
/// The most bytes that all quotations of *What happened* may have as HTML, and those of *Current status*.
pub const MOST_OF_HAPPENED: usize = 20_000;
pub const MOST_OF_STATUS: usize = 40_000;
/// With less than that left, an update is left out and counted.
const LEAST_OF_ONE: usize = 1_000;

/// Quotes, and remembers how much may still be quoted.
#[derive(Debug)]
pub struct Quotes {
    left: usize,
    left_out: usize,
}

impl Quotes {
    /// `most`: the bytes that all quotations together may have as HTML.
    pub fn new(most: usize) -> Quotes {
        Quotes { left: most, left_out: 0 }
    }

    /// How many texts there was no room for.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// One update under its author and time. `None` where there are no words.
    pub fn update(&mut self, scene: &Scene<'_>, words: &Words, source: &str) -> Option<Block> {
        let lead =
            fill(&scene.pack.quote.wrote, &[("who", &scene.author(words)), ("at", &scene.times.at_short(words.at))]);
        self.under(scene, lead, source)
    }

    /// Words under a lead of one's own.
    pub fn under(&mut self, scene: &Scene<'_>, lead: String, source: &str) -> Option<Block> {
        let whole = plain(source).replace(NAME_PLACE, "");
        let whole = whole.trim();
        if whole.is_empty() {
            return None;
        }
        if self.left < LEAST_OF_ONE {
            self.left_out += 1;
            return None;
        }
        let (text, html, is_cut) = fitting(source, &unlike_ours(scene, whole), self.left);
        self.left = self.left.saturating_sub(html.len());

        let words = &scene.pack.quote;
        let note = is_cut.then(|| match scene.url() {
            Some(url) => fill(&words.shortened, &[("url", &url)]),
            None => words.shortened_bare.clone(),
        });
        Some(Block::Quote { lead, quoted: format!("{}{text}{}", words.open, words.close), html, note })
    }
}

/// Body and status of an update as one text: what happened, then where it stands.
pub fn whole_source(words: &Words) -> String {
    match &words.status {
        Some(status) if words.body.trim().is_empty() => status.clone(),
        Some(status) if words.body.trim().contains(['\n', '<']) => {
            format!("{}\n\n{status}", words.body)
        }
        Some(status) => format!("{} {status}", words.body.trim_end()),
        None => words.body.clone(),
    }
}

/// A quoted line that looks like one of our headings or the line above the foot is marked as quoted: nobody
/// else writes "What you need to do" for us.
fn unlike_ours(scene: &Scene<'_>, text: &str) -> String {
    let heading = &scene.pack.heading;
    let ours = [&heading.happened, &heading.will_happen, &heading.status, &heading.todo];
    let is_like_ours = |line: &str| {
        let line = line.trim().trim_end_matches(':');
        line.starts_with("--") || ours.iter().any(|heading| heading.to_lowercase() == line.to_lowercase())
    };
    let mark = |line: &str| if is_like_ours(line) { format!("> {line}") } else { line.to_owned() };
    text.split('\n').map(mark).collect::<Vec<_>>().join("\n")
}

fn cut(text: &str, most: usize) -> (String, bool) {
    match text.char_indices().nth(most) {
        None => (text.to_owned(), false),
        Some((end, _)) => {
            let short = &text[..end];
            let at_word = short.rfind(char::is_whitespace).filter(|space| *space > end / 2).unwrap_or(end);
            (format!("{} …", short[..at_word].trim_end()), true)
        }
    }
}

/// The text and its HTML in at most `room` bytes of HTML, and whether it had to be cut.
fn fitting(source: &str, whole: &str, room: usize) -> (String, String, bool) {
    let mut most = MOST_OF_ONE;
    loop {
        let (text, is_cut) = cut(whole, most);
        let html = if is_cut { paragraphs(&text) } else { markup_of(source, &text, room) };
        if html.len() <= room || most < 50 {
            return (text, html, is_cut);
        }
        most /= 2;
    }
}

/// The source's own markup, unless it weighs more than there is room for.
fn markup_of(source: &str, text: &str, room: usize) -> String {
    let html = safe_html(source).replace(NAME_PLACE, "");
    if html.trim().is_empty() || html.len() > room { paragraphs(text) } else { html }
}

/// Plain text as HTML paragraphs.
fn paragraphs(text: &str) -> String {
    text.split("\n\n").map(|paragraph| format!("<p>{}</p>", escape(paragraph).replace('\n', "<br>"))).collect()
}

/// Text made safe for HTML, in elements and quoted attributes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            plain => safe.push(plain),
        }
    }
    safe
}
