//! Shows one message as its reader gets it: the text version of a mail, the webhook as short JSON.
//!
//! Deliberately absent: the HTML version, which says the same, and what of a webhook is left out here.

use serde_json::Value;

use super::arrival::{Arrival, Sort};
use super::audience::Member;
use super::stage::{Ink, WIDTH, folded, ink};
use crate::cli::show;
use crate::domain::counted::counted;

/// Columns inside the frame.
const INNER: usize = WIDTH - 4;
/// A longer paragraph is shown in part: so many lines of its beginning, and two of its end.
const PARAGRAPH_MOST: usize = 16;
const PARAGRAPH_SHOWN: usize = 8;

pub fn show(arrival: &Arrival, client: Member<'_>) {
    let what = match &arrival.sort {
        Sort::Mail(_) => format!("mail to {}", arrival.address),
        Sort::Webhook(_) => "webhook, signature verified".to_owned(),
    };
    let place = format!("{}, {}", client.city(), client.clock(arrival.at));
    let head = format!("┌ {} · {} · {what} · {place}", arrival.number, client.name());
    let mut lines = vec![String::new(), ink(Ink::Bold, &head)];
    lines.extend(folded(&format!("why: {}", arrival.why)).iter().map(|line| framed(&ink(Ink::Dim, line))));
    match &arrival.sort {
        Sort::Mail(letter) => {
            let subject = folded(&format!("Subject: {}", letter.subject));
            lines.extend(subject.iter().map(|line| framed(&ink(Ink::Bold, line))));
            lines.push(framed(""));
            lines.extend(without_long_quotations(&letter.text).iter().map(|line| framed(line)));
        }
        Sort::Webhook(body) => lines.extend(short(body).iter().map(|line| framed(&cut(line, INNER)))),
    }
    lines.push(format!("└ {}", ink(Ink::Good, &format!("accepted: {}", arrival.receipt))));
    show::result(&lines.join("\n"));
}

/// The lines of a mail. The middle of a paragraph longer than a screen can spare is left out, and said so.
fn without_long_quotations(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.split("\n\n") {
        let all: Vec<&str> = paragraph.lines().collect();
        if !lines.is_empty() {
            lines.push(String::new());
        }
        match all.len() > PARAGRAPH_MOST {
            false => lines.extend(all.iter().map(|line| (*line).to_owned())),
            true => {
                let (begin, end) = (&all[..PARAGRAPH_SHOWN], &all[all.len() - 2..]);
                let left_out = all.len() - begin.len() - end.len();
                lines.extend(begin.iter().map(|line| (*line).to_owned()));
                lines.push(ink(
                    Ink::Dim,
                    &format!("   [left out here: {} of the quotation]", counted(left_out, "line", "lines")),
                ));
                lines.extend(end.iter().map(|line| (*line).to_owned()));
            }
        }
    }
    lines
}

fn framed(line: &str) -> String {
    if line.is_empty() { "│".to_owned() } else { format!("│ {line}") }
}

fn cut(line: &str, most: usize) -> String {
    if line.chars().count() <= most {
        return line.to_owned();
    }
    line.chars().take(most - 1).chain(['…']).collect()
}

/// The body of a webhook without what a demo can do without, a key a line.
fn short(body: &Value) -> Vec<String> {
    let (case, notice) = (&body["data"]["case"], &body["data"]["notice"]);
    let todo = &notice["what_you_need_to_do"];
    let mut lines = vec![
        format!("{{\"type\": {}, \"data\": {{\"client\": {}, …", body["type"], body["data"]["client"]),
        format!(" \"case\": {{\"ref\": {}, \"phase\": {}, \"impact\": {},", case["ref"], case["phase"], case["impact"]),
        format!("          \"components\": {}, …}},", case["components"]),
        format!(" \"notice\": {{\"reason\": {}, \"priority\": {},", notice["reason"], notice["priority"]),
        format!("            \"next_update_by\": {}, …", notice["next_update_by"]),
    ];
    for key in ["summary", "what_happened", "current_status"] {
        lines.push(format!("  \"{key}\": {},", cut_text(&notice[key], INNER - key.len() - 8)));
    }
    lines.push(format!("  \"what_you_need_to_do\": {{\"need\": {}, \"known\": {}, …", todo["need"], todo["known"]));
    for (key, part) in [("actions", "text"), ("undo", "undo")] {
        for step in todo[key].as_array().into_iter().flatten() {
            lines.push(format!("    \"{key}\": [{}]", cut_text(&step[part], INNER - key.len() - 12)));
        }
    }
    lines
}

/// A JSON string that is no longer than `most` columns, its quotation marks included.
fn cut_text(value: &Value, most: usize) -> String {
    let whole = value.to_string();
    if whole.chars().count() <= most {
        return whole;
    }
    let begin: String = whole.chars().take(most - 2).collect();
    // Half an escape is no character.
    format!("{}…\"", begin.trim_end_matches('\\'))
}
