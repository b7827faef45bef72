//! The words of an operator's notice: what it is about, the lines, and what a person can do.
//!
//! In English, like the log and the command line. Deliberately absent: templates and languages, which are for clients.

use serde_json::json;

use super::markup;
use super::quote::escape;

/// Longest line that is shown.
const LINE_MOST: usize = 500;

/// What one notice says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorNotice<'a> {
    /// The name of the thing, such as `promise_broken K7QM`.
    pub thing: &'a str,
    pub title: &'a str,
    pub lines: &'a [&'a str],
    /// Lines that are left out.
    pub more: usize,
    pub advice: &'a str,
    pub sequence: i64,
}

/// The same words as a mail's subject and bodies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorMail {
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl OperatorNotice<'_> {
    pub fn mail(&self, reference: &str) -> OperatorMail {
        let lines = self.shown();
        let list: String = lines.iter().map(|line| format!("- {line}\n")).collect();
        let items: String = lines.iter().map(|line| format!("<li>{}</li>", escape(line))).collect();
        OperatorMail {
            subject: format!("candor: {} ({reference})", self.title),
            text: format!(
                "{}\n\n{list}\n{}\n\n-- \ncandor tells you this at most once an hour.\n",
                self.title, self.advice
            ),
            html: format!(
                "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\
                 <body style=\"font-family:sans-serif;line-height:1.5\"><p><strong>{title}</strong></p><ul>{items}</ul>\
                 <p>{}</p><p style=\"color:#666\">candor tells you this at most once an hour.</p></body></html>",
                escape(self.advice),
                title = escape(self.title),
            ),
        }
    }

    /// The body of a webhook.
    pub fn json(&self, timestamp: jiff::Timestamp) -> String {
        json!({
            "type": "operator.notice",
            "timestamp": timestamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "data": {
                "thing": self.thing.trim(),
                "sequence": self.sequence,
                "title": self.title,
                "lines": self.shown(),
                "advice": self.advice,
            }
        })
        .to_string()
    }

    fn shown(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.lines.iter().map(|line| shortened(&markup::plain(line))).collect();
        if self.more > 0 {
            lines.push(format!("and {} more", self.more));
        }
        lines
    }
}

fn shortened(line: &str) -> String {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LINE_MOST {
        return line;
    }
    let kept: String = line.chars().take(LINE_MOST - 1).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_feed_wrote_is_text_and_nothing_else() {
        let notice = OperatorNotice {
            thing: "case_opened K7QM",
            title: "Clients are told of K7QM",
            lines: &["<b>Payments</b> fail & \"more\"", "second"],
            more: 3,
            advice: "All of it: candor case K7QM",
            sequence: 2,
        };
        let mail = notice.mail("ABCDEF");
        assert_eq!(mail.subject, "candor: Clients are told of K7QM (ABCDEF)");
        assert!(mail.text.contains("- Payments fail & \"more\"\n- second\n- and 3 more\n"), "{}", mail.text);
        assert!(mail.html.contains("<li>Payments fail &amp; &quot;more&quot;</li>"), "{}", mail.html);
        let json: serde_json::Value =
            serde_json::from_str(&notice.json("2026-11-23T13:20:04Z".parse().unwrap())).unwrap();
        assert_eq!(json["data"]["thing"], "case_opened K7QM");
        assert_eq!(json["data"]["lines"][2], "and 3 more");
    }
}
