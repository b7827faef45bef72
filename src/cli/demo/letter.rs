//! Opens a mail as a reader's program does: its subject, its headers, and the text version.
//!
//! It reads the mails that we write: two parts, whichever encoding suits them. Deliberately absent: everything
//! else that MIME allows (RFC 2045 to 2047).

use data_encoding::BASE64;

/// A mail as its reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub subject: String,
    /// `X-Candor-Phase`.
    pub phase: String,
    pub text: String,
}

/// Opens a mail; `None` if it has no text version.
pub fn open(mail: &[u8]) -> Option<Letter> {
    let mail = std::str::from_utf8(mail).ok()?;
    let (head, body) = parted(mail)?;
    let content_type = header(head, "content-type")?;
    let boundary = content_type.split("boundary=").nth(1)?.split(';').next()?.trim().trim_matches('"');
    let divider = format!("--{boundary}");
    let text = body.split(divider.as_str()).skip(1).find_map(|part| {
        let (head, body) = parted(part.trim_start_matches("\r\n"))?;
        header(head, "content-type")?.starts_with("text/plain").then(|| decoded(head, body))
    })??;
    Some(Letter {
        subject: plain_words(&header(head, "subject")?),
        phase: header(head, "x-candor-phase").unwrap_or_default(),
        text: text.replace("\r\n", "\n").trim_end().to_owned(),
    })
}

fn parted(text: &str) -> Option<(&str, &str)> {
    text.split_once("\r\n\r\n")
}

/// The value of a header, its lines unfolded.
fn header(head: &str, name: &str) -> Option<String> {
    let mut lines = head
        .split("\r\n")
        .skip_while(|line| !line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name)));
    let mut value = lines.next()?.split_once(':')?.1.trim().to_owned();
    for line in lines.take_while(|line| line.starts_with([' ', '\t'])) {
        value.push(' ');
        value.push_str(line.trim());
    }
    Some(value)
}

fn decoded(head: &str, body: &str) -> Option<String> {
    let bytes = match header(head, "content-transfer-encoding").unwrap_or_default().to_ascii_lowercase().as_str() {
        "base64" => BASE64.decode(body.split_whitespace().collect::<String>().as_bytes()).ok()?,
        "quoted-printable" => unquoted(body),
        _ => body.as_bytes().to_vec(),
    };
    String::from_utf8(bytes).ok()
}

/// Quoted-printable (RFC 2045 §6.7).
fn unquoted(text: &str) -> Vec<u8> {
    let text = text.replace("=\r\n", "");
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|two| data_encoding::HEXUPPER_PERMISSIVE.decode(two).ok());
        match (bytes[at], hex) {
            (b'=', Some(byte)) => {
                out.extend(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// A header with its encoded words (RFC 2047) put into plain ones.
fn plain_words(value: &str) -> String {
    let mut plain = String::new();
    let mut follows_encoded = false;
    for word in value.split(' ') {
        let text = encoded_word(word);
        // White space between two encoded words is not shown.
        let is_joined = follows_encoded && text.is_some();
        if !plain.is_empty() && !is_joined {
            plain.push(' ');
        }
        follows_encoded = text.is_some();
        plain.push_str(text.as_deref().unwrap_or(word));
    }
    plain
}

/// `=?CHARSET?B?…?=` or `=?CHARSET?Q?…?=`, in UTF-8 or ASCII.
fn encoded_word(word: &str) -> Option<String> {
    let mut parts = word.strip_prefix("=?")?.strip_suffix("?=")?.splitn(3, '?');
    let (_charset, encoding, code) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = match encoding {
        "B" | "b" => BASE64.decode(code.as_bytes()).ok()?,
        "Q" | "q" => unquoted(&code.replace('_', " ")),
        _ => return None,
    };
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::incident::{Need, Phase};
    use crate::domain::notice::Sender;
    use crate::render::mail::{Drill, MailInput, compose};

    fn check(subject: &str, text: &str) {
        let from = Sender {
            name: "Example".to_owned(),
            email: "incidents@example.com".to_owned(),
            reply_to: None,
            phone: None,
            answered: None,
            locale: "en".to_owned(),
        };
        let mail = compose(&MailInput {
            key: "key",
            root: "root",
            last: None,
            from: &from,
            to: "a@example.org",
            subject,
            text,
            html: "<p>Häuser</p>",
            case: "K7QM",
            phase: Phase::Identified,
            need: Need::None,
            drill: Drill::No,
            date: Timestamp::UNIX_EPOCH,
        })
        .unwrap();
        let letter = open(&mail).unwrap();
        assert_eq!((letter.subject.as_str(), letter.text.as_str()), (subject, text));
        assert_eq!(letter.phase, "identified");
    }

    #[test]
    fn a_mail_is_opened_as_it_was_written() {
        check("Short (Example K7QM)", "One line\n\nAnother = line");
        check("Behoben: Störung, die Maschinen betrifft und einen langen Betreff hat, länger (Ä)", "Grüße\nöäü");
        check("x", "日本語のテキスト、すべてが符号化される。");
    }

    #[test]
    fn what_is_no_mail_of_ours_is_not_opened() {
        for mail in
            [&b""[..], b"Subject: x\r\n\r\nbody", b"\xff\xfe", b"Content-Type: multipart/x; boundary=a\r\n\r\n--a\r\n"]
        {
            assert_eq!(open(mail), None);
        }
    }
}
