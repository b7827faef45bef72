//! Shows one message as its reader gets it: the text version of a mail, the webhook as short JSON.
//!
//! Deliberately absent: the HTML version, which says the same, and what of a webhook is left out here.

use serde_json::Value;

use super::arrival::{Arrival, Sort};
use super::audience::Member;
use super::stage::{Ink, ink};
use crate::cli::show;

/// Columns inside the frame.
const INNER: usize = 86;

pub fn show(arrival: &Arrival, client: Member<'_>) {
    let what = match &arrival.sort {
        Sort::Mail(_) => format!("mail to {}", arrival.address),
        Sort::Webhook(_) => "webhook, signature verified".to_owned(),
    };
    let place = format!("{}, {}", client.city(), client.clock(arrival.at));
    let head = format!("┌ {} · {} · {what} · {place}", arrival.number, client.name());
    let mut lines = vec![String::new(), ink(Ink::Bold, &head)];
    lines.push(framed(&ink(Ink::Dim, &format!("why: {}", arrival.why))));
    match &arrival.sort {
        Sort::Mail(letter) => {
            lines.push(framed(&ink(Ink::Bold, &format!("Subject: {}", letter.subject))));
            lines.push(framed(""));
            lines.extend(letter.text.lines().map(framed));
        }
        Sort::Webhook(body) => lines.extend(short(body).iter().map(|line| framed(&cut(line, INNER)))),
    }
    lines.push(format!("└ {}", ink(Ink::Good, &format!("accepted: {}", arrival.receipt))));
    show::result(&lines.join("\n"));
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
    let steps = |key: &str, of: &str| -> Vec<Value> {
        todo[key].as_array().into_iter().flatten().map(|action| action[of].clone()).collect()
    };
    let mut lines = vec![
        format!("{{\"type\": {}, \"data\": {{\"client\": {}, …", body["type"], body["data"]["client"]),
        format!(
            " \"case\": {{\"ref\": {}, \"phase\": {}, \"impact\": {}, \"components\": {}, …}},",
            case["ref"], case["phase"], case["impact"], case["components"]
        ),
        format!(
            " \"notice\": {{\"reason\": {}, \"priority\": {}, \"next_update_by\": {}, …",
            notice["reason"], notice["priority"], notice["next_update_by"]
        ),
    ];
    for key in ["summary", "what_happened", "current_status"] {
        let value = Value::String(cut(notice[key].as_str().unwrap_or_default(), INNER - key.len() - 10));
        lines.push(format!("  \"{key}\": {value},"));
    }
    lines.push(format!("  \"what_you_need_to_do\": {{\"need\": {}, \"known\": {}, …", todo["need"], todo["known"]));
    let actions = Value::Array(steps("actions", "text"));
    let undo = Value::Array(steps("undo", "undo"));
    lines.push(format!("    \"actions\": {actions}"));
    if undo.as_array().is_some_and(|undo| !undo.is_empty()) {
        lines.push(format!("    \"undo\": {undo}"));
    }
    lines
}
