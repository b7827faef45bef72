//! One mail as its reader gets it, taken apart by a parser that is not ours.

use jiff::Timestamp;
use mail_parser::{HeaderName, MessageParser};

#[derive(Debug, Clone)]
pub struct Mail {
    pub at: Timestamp,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub message_id: String,
    pub in_reply_to: String,
    pub references: Vec<String>,
    pub raw: String,
}

impl Mail {
    pub fn parse(at: Timestamp, to: &str, raw: &[u8]) -> Mail {
        let message = MessageParser::default().parse(raw).expect("a mail that can be parsed");
        let ids = |name: HeaderName<'static>| -> Vec<String> {
            let value = message.header(name);
            let list = value.and_then(|v| v.as_text_list().map(|list| list.iter().map(ToString::to_string).collect()));
            list.or_else(|| value.and_then(|v| v.as_text().map(|one| vec![one.to_owned()]))).unwrap_or_default()
        };
        let header_to = message.to().and_then(|to| to.first()).and_then(|one| one.address()).unwrap_or_default();
        assert_eq!(header_to, to, "one recipient a message, the one of the envelope");
        Mail {
            at,
            to: to.to_owned(),
            subject: message.subject().unwrap_or_default().to_owned(),
            text: message.body_text(0).unwrap_or_default().replace('\r', ""),
            html: message.body_html(0).unwrap_or_default().into_owned(),
            message_id: message.message_id().unwrap_or_default().to_owned(),
            in_reply_to: ids(HeaderName::InReplyTo).join(" "),
            references: ids(HeaderName::References),
            raw: String::from_utf8_lossy(raw).into_owned(),
        }
    }

    /// A header of ours as it stands on the wire.
    pub fn header(&self, name: &str) -> String {
        let head = self.raw.split("\r\n\r\n").next().unwrap_or_default();
        let start = format!("{}:", name.to_ascii_lowercase());
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&start));
        line.map_or_else(String::new, |line| line[start.len()..].trim().to_owned())
    }

    /// The lines that stand first, unfolded.
    pub fn head(&self) -> String {
        self.text.split("\n\n").next().unwrap_or_default().replace('\n', " ")
    }

    /// The whole text with its folds undone, for looking for words.
    pub fn words(&self) -> String {
        self.text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The first word of the verdict: `STARTED`, `NO CHANGE`, …
    pub fn verdict(&self) -> String {
        let head = self.head();
        head.chars().take_while(|c| c.is_uppercase() || *c == ' ').collect::<String>().trim().to_owned()
    }

    /// The time of the next word as the mail says it: `14:05`, in UTC.
    pub fn next_word(&self) -> Option<String> {
        let head = self.head();
        let after = &head[head.find("Next word by ")? + "Next word by ".len()..];
        let utc = match after.split_once('(') {
            Some((zoned, utc)) if zoned.len() < 30 => utc,
            Some(_) | None => after,
        };
        Some(utc.split(" UTC").next().unwrap_or_default().to_owned())
    }

    /// The words under a heading, unfolded.
    pub fn part(&self, heading: &str) -> String {
        let after = self.text.split_once(&format!("\n{heading}\n")).map_or("", |(_, after)| after);
        after.split("\n\n").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }
}
