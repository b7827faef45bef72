//! How the demo looks: headings on what happens, the source's words, and who the clients are.
//!
//! Ninety columns at most; colour only on a terminal. Deliberately absent: the messages (`message`) and the end
//! (`ledger`).

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::arrival::Arrival;
use super::audience::Audience;
use super::incident::Post;
use crate::cli::show;
use crate::domain::case::Change;
use crate::domain::counted::counted;
use crate::domain::notice::Kind;

pub const WIDTH: usize = 90;
/// So many new lines of a post are shown; a report has many more.
const POST_LINES: usize = 8;

/// How a piece of text stands out on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// What happens.
    Heading,
    /// A subject, a name.
    Bold,
    /// Frames and remarks.
    Dim,
    Good,
}

/// The text, coloured if standard output is a terminal that wants it.
pub fn ink(ink: Ink, text: &str) -> String {
    if !std::io::stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some() {
        return text.to_owned();
    }
    let code = match ink {
        Ink::Heading => "1;36",
        Ink::Bold => "1",
        Ink::Dim => "2",
        Ink::Good => "32",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// A line in the clock of the incident.
pub fn heading(now: Timestamp, what: &str) {
    banner(&format!("{} UTC ── {what}", clock(now, &TimeZone::UTC)));
}

/// A heading without a time.
pub fn banner(what: &str) {
    let line = format!("── {what} ");
    let rest = "─".repeat(WIDTH.saturating_sub(line.chars().count()));
    show::result(&format!("\n{}", ink(Ink::Heading, &format!("{line}{rest}"))));
}

/// Hours, minutes and seconds.
pub fn clock(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned_datetime(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// A paragraph in our own words, indented.
pub fn say(text: &str) {
    show::result(&indented(text));
}

/// The text folded between the margins, each line with its end.
pub fn indented(text: &str) -> String {
    folded(text).iter().map(|line| format!("   {line}\n")).collect()
}

/// The text in lines that fit between the margins.
pub fn folded(text: &str) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + word.chars().count() >= WIDTH - 6 {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// What this is, and for whom.
pub fn opening(audience: &Audience, kept: Option<&Path>) {
    show::result(&ink(Ink::Bold, "candor demo · a real incident of Google Cloud, 16 June 2022, replayed in seconds"));
    show::result("");
    say("Example Platform runs on Google Cloud and has four clients. candor reads the status \
         page, decides who is concerned, and tells each in their language and time zone what happened, where it \
         stands and what they need to do, until it is over.");
    show::result("");
    for member in audience.all() {
        show::result(&format!("   {}", member.introduction()));
    }
    show::result("");
    say("Page, mail server and webhook endpoints are real servers on this machine; the rest is the daemon itself. \
         Texts and times are the recorded ones. Only the clock is turned by hand.");
    if let Some(folder) = kept {
        say(&format!("Kept in {}: messages, state and configuration.", folder.display()));
    }
}

pub fn quiet_start(now: Timestamp) {
    heading(now, "the page is read for the first time");
    say("Nothing is wrong. Nobody is told anything.");
}

/// What the source has posted: what its text has that the one before had not.
pub fn posted(post: &Post, before: Option<&Post>, now: Timestamp) {
    heading(now, &format!("Google Cloud has posted: {}", post.phase));
    let known: Vec<&str> = before.map(|before| before.text.lines().collect()).unwrap_or_default();
    let all: Vec<&str> = post.text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let new: Vec<&str> = all.iter().copied().filter(|line| !known.iter().any(|old| old.trim() == *line)).collect();
    let mut text = String::new();
    for line in new.iter().take(POST_LINES) {
        text.push_str(&indented(&line.replace("**", "")));
    }
    let more = new.len().saturating_sub(POST_LINES);
    if more > 0 {
        text.push_str(&format!("   … and {more} more lines\n"));
    } else if new.len() < all.len() {
        text.push_str("   … the rest as before\n");
    }
    show::result(&ink(Ink::Dim, text.trim_end()));
}

/// That candor speaks by itself, and why now.
pub fn spoken(told: &[Change], now: Timestamp) {
    let is_due = told.iter().any(|change| change.reason() == Kind::Due);
    let promised = told.iter().find_map(|change| change.facts.promised);
    match (is_due, promised) {
        (true, Some(promised)) => {
            heading(now, "nobody has posted anything new");
            let by = clock(promised, &TimeZone::UTC);
            say(&format!(
                "But the clients were promised a word by {} UTC. The page was read once more; the promise is kept.",
                &by[..5]
            ));
        }
        (true, None) | (false, _) => {
            heading(now, "the news has waited, now it is told");
        }
    }
}

/// Whom the case concerns, when the first of them have been told.
pub fn decided(audience: &Audience, arrivals: &[Arrival], reference: &str) {
    let told: BTreeSet<&str> = arrivals.iter().map(|arrival| arrival.client.as_str()).collect();
    let left_out: Vec<&str> =
        audience.all().filter(|member| !told.contains(member.id())).map(|member| member.name()).collect();
    show::result("");
    say(&format!(
        "candor opens case {reference} and tells {} at once, in {}. {} depends on nothing that the page \
         names, and is told nothing.",
        counted(told.len(), "client", "clients"),
        counted(arrivals.len(), "message", "messages"),
        left_out.join(", ")
    ));
}

/// Why a post reached nobody yet.
pub fn nothing_sent(waiting: Option<&Change>, now: Timestamp) {
    let text = match waiting.map(|change| (change.due_at, change.due_at.duration_since(now).as_secs())) {
        Some((until, ..=60)) => format!(
            "Quiet news waits a minute for company, so that two posts become one message: until {} UTC.",
            clock(until, &TimeZone::UTC)
        ),
        Some((until, _)) => {
            format!("Quiet news comes at most every half hour: this waits until {} UTC.", clock(until, &TimeZone::UTC))
        }
        None => "Nearly the same words again. That is no news: they go along with the next message.".to_owned(),
    };
    show::result("");
    say(&text);
}
