//! The updates of an incident in a capture of `history.atom`, also for the ends that `summary.json` never shows.
//!
//! The times there have no year and only minutes: the year is said by whoever asks. Deliberately absent: everything
//! else that an entry holds (`atom_page.rs`).

#![allow(dead_code, reason = "each test uses the part of it that it needs")]

/// One update: its label as a status word ("update" for "Update"), its words, its minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtomUpdate {
    pub status: String,
    /// HTML, as the capture has it.
    pub body: String,
    /// RFC 3339, UTC.
    pub at: String,
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The updates of `incident` in later minutes than `last_shown` (RFC 3339, UTC), oldest first.
pub fn updates_after(atom: &str, incident: &str, last_shown: &str) -> Vec<AtomUpdate> {
    let link = format!("/incidents/{incident}\"");
    let Some(entry) = atom.split("<entry>").find(|entry| entry.contains(&link)) else { return Vec::new() };
    let html = content(entry);
    let year = last_shown.get(..4).unwrap_or_default();
    let mut updates = updates(&html, year);
    updates.retain(|update| update.at.get(..16) > last_shown.get(..16));
    updates
}

/// What an entry shows, as HTML.
pub fn content(entry: &str) -> String {
    decoded(between(entry, "<content type=\"html\">", "</content>").unwrap_or_default())
}

/// Text of the feed without the entities of XML.
pub fn decoded(xml: &str) -> String {
    let text = xml.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    text.replace("&amp;", "&")
}

/// All updates of an entry's content, oldest first.
pub fn updates(html: &str, year: &str) -> Vec<AtomUpdate> {
    let mut updates: Vec<AtomUpdate> = html.split("<small>").skip(1).filter_map(|part| update(part, year)).collect();
    updates.reverse();
    updates
}

/// One piece such as `Nov <var data-var='date'>21</var>, <var data-var='time'>00:22</var> UTC</small><br>
/// <strong>Resolved</strong> - Words</p>`.
fn update(part: &str, year: &str) -> Option<AtomUpdate> {
    let at = minute(part, year)?;
    let label = between(part, "<strong>", "</strong>")?;
    let words = between(part, "</strong> - ", "</p>")?;
    Some(AtomUpdate { status: label.trim().to_lowercase().replace(' ', "_"), body: words.to_owned(), at })
}

/// The time with which a piece begins, such as `Nov <var data-var='date'>21</var>, <var data-var='time'>00:22</var> UTC`.
pub fn minute(part: &str, year: &str) -> Option<String> {
    let month = MONTHS.iter().position(|month| part.trim_start().starts_with(month))? + 1;
    let day: u8 = between(part, "'date'>", "<")?.trim().parse().ok()?;
    let time = between(part, "'time'>", "<")?;
    Some(format!("{year}-{month:02}-{day:02}T{time}:00.000Z"))
}

/// What stands between the first `start` and the next `end`.
pub fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    let after = &text[text.find(start)? + start.len()..];
    Some(&after[..after.find(end)?])
}
