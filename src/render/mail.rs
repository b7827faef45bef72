//! One e-mail as the bytes that go to the server, before dot-stuffing.
//!
//! Whatever stands in the words, the message is well-formed: one recipient, CRLF only, no line over 998 bytes, no
//! header that we did not write. The same input gives the same bytes, so that a repeat is recognised. Deliberately
//! absent: the words (`words`), the envelope and dot-stuffing (`channel`), attachments, and `List-Unsubscribe`,
//! which comes with the page that it leads to.

use std::borrow::Cow;

use jiff::Timestamp;
use mail_builder::MessageBuilder;
use mail_builder::headers::HeaderType;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::mime::{BodyPart, MimePart};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::domain::address::{AddressError, normalise_address, normalise_domain};
use crate::domain::characters;
use crate::domain::incident::{Need, Phase};
use crate::domain::notice::Sender;

/// Most bytes of text and HTML together: a notice has a few thousand, and Gmail cuts HTML at 102 KB.
pub const BODIES_MOST: usize = 1_000_000;
/// Most characters of a subject; a longer one ends in `…`.
pub const SUBJECT_MOST: usize = 2_000;
/// Most bytes of what goes into one id of a message or one `X-Candor-…` header.
const TOKEN_MOST: usize = 200;

/// Everything that one mail is made of.
#[derive(Debug, Clone, Copy)]
pub struct MailInput<'a> {
    /// Made from the delivery, never from the attempt: the local part of `Message-ID`.
    pub key: &'a str,
    /// The thread's root, a hash of (source, incident, contact): the local part of an id that no message bears.
    pub root: &'a str,
    /// `Message-ID` of the last mail that this contact got in the thread, with or without `< >`; a bare key is
    /// taken as one of the sender's domain.
    pub last: Option<&'a str>,
    pub from: &'a Sender,
    /// The one recipient's address.
    pub to: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: &'a str,
    /// The case's reference or id, for `X-Candor-Case`.
    pub case: &'a str,
    pub phase: Phase,
    pub need: Need,
    pub drill: Drill,
    pub date: Timestamp,
}

/// Whether the mail is part of a drill. Drills carry `X-Candor-Drill: yes`, other mails `no`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drill {
    No,
    Yes,
}

/// Why no mail could be made. Names neither an address nor a word of the message.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MailError {
    #[error("the sender's address {0}")]
    Sender(AddressError),
    #[error("the address for replies {0}")]
    ReplyTo(AddressError),
    #[error("the recipient's address {0}")]
    Recipient(AddressError),
    #[error("the bodies have {size} bytes, {BODIES_MOST} are allowed")]
    TooLarge { size: usize },
}

/// The `Message-ID` of the mail with this key, without `< >`: what is kept as `last` for the next one.
pub fn message_id(key: &str, sender_email: &str) -> Result<String, AddressError> {
    let address = normalise_address(sender_email)?;
    Ok(format!("{}@{}", id_part(key), domain_of(&address)))
}

/// Writes the mail. Headers: `From`, `Reply-To` where the sender has one, `To`, `Subject` (RFC 2047), `Date`,
/// `Message-ID`, `References` (the root, then the last), `In-Reply-To` (the last, at first the root),
/// `X-Candor-Case`, `-Phase`, `-Need`, `-Drill` (`yes` or `no`), `Auto-Submitted` (RFC 3834), `MIME-Version`; then
/// `multipart/alternative`, text before HTML, both UTF-8 in 7bit, quoted-printable or base64, whichever is
/// shortest. Header lines are folded at 78 where there is a place to fold.
pub fn compose(input: &MailInput<'_>) -> Result<Vec<u8>, MailError> {
    let size = input.text.len() + input.html.len();
    if size > BODIES_MOST {
        return Err(MailError::TooLarge { size });
    }
    let from = normalise_address(&input.from.email).map_err(MailError::Sender)?;
    let to = normalise_address(input.to).map_err(MailError::Recipient)?;
    let reply_to = input.from.reply_to.as_deref().map(normalise_address).transpose().map_err(MailError::ReplyTo)?;

    let domain = domain_of(&from);
    let root = format!("{}@{domain}", id_part(input.root));
    let last = input.last.and_then(|last| whole_id(last, domain));
    let references = std::iter::once(root.clone()).chain(last.clone());
    let name = header_text(&input.from.name, SUBJECT_MOST).replace("=?", "= ?");

    let mut mail = MessageBuilder::new().header("From", mailbox(&name, &from));
    if let Some(reply_to) = &reply_to {
        mail = mail.header("Reply-To", Address::from(reply_to.as_str()));
    }
    mail = mail
        .header("To", Address::from(to.as_str()))
        .header("Subject", unstructured(header_text(input.subject, SUBJECT_MOST)))
        .header("Date", Date::new(input.date.as_second()))
        .header("Message-ID", MessageId::new(format!("{}@{domain}", id_part(input.key))))
        .header("References", MessageId::new_list(references))
        .header("In-Reply-To", MessageId::new(last.unwrap_or(root)))
        .header("X-Candor-Case", unstructured(header_text(input.case, TOKEN_MOST)))
        .header("X-Candor-Phase", Raw::new(input.phase.as_str()))
        .header("X-Candor-Need", Raw::new(input.need.as_str()));
    let drill = match input.drill {
        Drill::No => "no",
        Drill::Yes => "yes",
    };
    mail = mail
        .header("X-Candor-Drill", Raw::new(drill))
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .body(bodies(input));

    let mut bytes = Vec::new();
    mail.serialize(&mut bytes);
    Ok(bytes)
}

fn domain_of(address: &str) -> &str {
    address.rsplit('@').next().unwrap_or(address)
}

fn mailbox<'a>(name: &'a str, address: &'a str) -> Address<'a> {
    match name {
        "" => Address::from(address),
        name => Address::from((name, address)),
    }
}

fn bodies<'a>(input: &MailInput<'a>) -> MimePart<'a> {
    let text = canonical_lines(input.text);
    let html = canonical_lines(input.html);
    let boundary = boundary(input.key, &text, &html);
    MimePart::new(
        ContentType::new("multipart/alternative").attribute("boundary", boundary),
        BodyPart::Multipart(vec![
            MimePart::new(ContentType::new("text/plain").attribute("charset", "utf-8"), BodyPart::Text(text)),
            MimePart::new(ContentType::new("text/html").attribute("charset", "utf-8"), BodyPart::Text(html)),
        ]),
    )
}

/// Made from the key, so that a repeat is byte for byte the same, and in neither body.
fn boundary(key: &str, text: &str, html: &str) -> String {
    let hash = Sha256::new_with_prefix(b"boundary ").chain_update(key.as_bytes()).finalize();
    let mut boundary = format!("=_{}", data_encoding::HEXLOWER.encode(&hash[..16]));
    while text.contains(&boundary) || html.contains(&boundary) {
        boundary.push('_');
    }
    boundary
}

/// The body with CRLF at the end of each line, also of the last, and no other CR, no NUL and no control character
/// but the tab.
fn canonical_lines(body: &str) -> Cow<'_, str> {
    let mut out = String::with_capacity(body.len() + body.len() / 16 + 2);
    let mut written = 0;
    let bytes = body.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        if *byte >= b' ' && *byte != 0x7f || *byte == b'\t' {
            continue;
        }
        out.push_str(&body[written..at]);
        written = at + 1;
        if *byte == b'\r' || (*byte == b'\n' && (at == 0 || bytes[at - 1] != b'\r')) {
            out.push_str("\r\n");
        }
    }
    out.push_str(&body[written..]);
    if !out.ends_with('\n') {
        out.push_str("\r\n");
    }
    Cow::Owned(out)
}

/// One line of visible text: every control character and line break is a space, white space is folded.
fn header_text(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most * 4));
    let mut count = 0;
    let spaced = text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !characters::is_invisible(*c));
    for c in spaced {
        let is_space = c.is_whitespace();
        if is_space && (out.is_empty() || out.ends_with(' ')) {
            continue;
        }
        if count == most {
            out.pop();
            out.push('…');
            break;
        }
        out.push(if is_space { ' ' } else { c });
        count += 1;
    }
    out.truncate(out.trim_end().len());
    out
}

/// An unstructured header. Text that holds `=?` is encoded by us: left as it is, a reader's program would take it
/// for an encoded word and show something else.
/// ASCII text that can be folded between its words stays as it is: mail-builder would encode any that is longer than
/// a line.
fn unstructured(text: String) -> HeaderType<'static> {
    let is_plain = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    match (text.contains("=?"), is_plain && text.split(' ').all(|word| word.len() <= FOLDED_WORD)) {
        (false, true) => return Raw::new(text).into(),
        (false, false) => return Text::new(text).into(),
        (true, _) => {}
    }
    let mut words = String::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.floor_char_boundary(ENCODED_BYTES.min(rest.len())));
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str("=?utf-8?B?");
        words.push_str(&data_encoding::BASE64.encode(word.as_bytes()));
        words.push_str("?=");
        rest = after;
    }
    Raw::new(words).into()
}

/// A longer word has no place on a line of 78 beside the header's name.
const FOLDED_WORD: usize = 60;

/// Bytes of text in one encoded word, of which base64 makes 56 characters (RFC 2047 §2 allows 75 in all).
const ENCODED_BYTES: usize = 42;

/// What is safe on the left of an id: letters, digits and a few signs; anything else becomes `-`.
fn id_part(key: &str) -> String {
    let safe: String = key
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.+=".contains(c) { c } else { '-' })
        .take(TOKEN_MOST)
        .collect();
    let safe = safe.trim_matches('.').replace("..", ".-");
    if safe.is_empty() { "-".to_owned() } else { safe }
}

/// An id of a message as it was kept, made safe. `None` when there is nothing in it, or its domain is none.
fn whole_id(kept: &str, own_domain: &str) -> Option<String> {
    let kept = kept.trim().trim_start_matches('<').trim_end_matches('>');
    if kept.is_empty() {
        return None;
    }
    match kept.rsplit_once('@') {
        Some((key, domain)) => Some(format!("{}@{}", id_part(key), normalise_domain(domain).ok()?)),
        None => Some(format!("{}@{own_domain}", id_part(kept))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail_parser::{Message, MessageParser};

    fn sender(name: &str) -> Sender {
        Sender {
            name: name.to_owned(),
            email: "incidents@Example.com".to_owned(),
            reply_to: Some("support@bücher.example".to_owned()),
            phone: None,
            answered: None,
            locale: "en".to_owned(),
        }
    }

    fn input<'a>(from: &'a Sender) -> MailInput<'a> {
        MailInput {
            key: "01J9Z-abc",
            root: "root0123",
            last: None,
            from,
            to: "ops@ACME.example",
            subject: "Payments fail in the EU (Example Platform K7QM)",
            text: "STARTED: Payments API.\nNext word by 14:45 CET.\n",
            html: "<p>STARTED: Payments API.</p>\n",
            case: "K7QM",
            phase: Phase::InProgress,
            need: Need::Required,
            drill: Drill::No,
            date: "2026-11-23T13:20:04Z".parse().unwrap(),
        }
    }

    /// What holds for every mail, whatever is in it: checked on the bytes, then by reading them again.
    fn check(input: &MailInput<'_>) -> Vec<u8> {
        let bytes = compose(input).unwrap();
        assert!(!bytes.contains(&0), "NUL");
        assert!(bytes.ends_with(b"\r\n"));
        let text = String::from_utf8(bytes.clone()).expect("7-bit text");
        assert!(text.is_ascii());
        for line in text.split("\r\n") {
            assert!(!line.contains(['\r', '\n']), "lone CR or LF in {line:?}");
            assert!(line.len() <= 998, "{} bytes in a line", line.len());
        }
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        for line in head.split("\r\n") {
            let is_one_word = line.trim().rsplit(": ").next().is_some_and(|value| !value.contains(' '));
            assert!(line.len() <= 78 || is_one_word, "header line of {}: {line:?}", line.len());
            assert!(!line.trim().is_empty(), "an empty line within the head");
        }
        let names: Vec<&str> = head
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
            .map(|line| line.split_once(':').unwrap().0)
            .collect();
        let mut expected = vec![
            "From",
            "Reply-To",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "References",
            "In-Reply-To",
            "X-Candor-Case",
            "X-Candor-Phase",
            "X-Candor-Need",
            "X-Candor-Drill",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
        ];
        expected.retain(|name| *name != "Reply-To" || input.from.reply_to.is_some());
        assert_eq!(names, expected);

        let message = parse(&bytes);
        let to = message.to().unwrap();
        assert_eq!(to.iter().count(), 1);
        assert_eq!(to.first().unwrap().address(), Some(normalise_address(input.to).unwrap().as_str()));
        assert_eq!(message.from().unwrap().iter().count(), 1);
        assert_eq!(message.parts.len(), 3, "a multipart and its two parts");
        assert_eq!(message.body_text(0).unwrap(), lines(input.text));
        assert_eq!(message.body_html(0).unwrap(), lines(input.html));
        assert_eq!(message.text_body_count(), 1);
        assert_eq!(message.attachment_count(), 0);
        assert_eq!(compose(input).unwrap(), bytes, "the same input gives the same bytes");
        bytes
    }

    fn parse(bytes: &[u8]) -> Message<'_> {
        MessageParser::new().parse(bytes).unwrap()
    }

    /// What a reader gets of a body: the parser keeps CRLF as it came.
    fn lines(body: &str) -> String {
        canonical_lines(body).into_owned()
    }

    #[test]
    fn a_mail_has_the_headers_of_the_contract() {
        let from = sender("Example Platform");
        let bytes = check(&input(&from));
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(
            head,
            "From: \"Example Platform\" <incidents@example.com>\r\n\
             Reply-To: <support@xn--bcher-kva.example>\r\n\
             To: <ops@acme.example>\r\n\
             Subject: Payments fail in the EU (Example Platform K7QM)\r\n\
             Date: Mon, 23 Nov 2026 13:20:04 +0000\r\n\
             Message-ID: <01J9Z-abc@example.com>\r\n\
             References: <root0123@example.com>\r\n\
             In-Reply-To: <root0123@example.com>\r\n\
             X-Candor-Case: K7QM\r\n\
             X-Candor-Phase: in_progress\r\n\
             X-Candor-Need: required\r\nX-Candor-Drill: no\r\n\
             Auto-Submitted: auto-generated\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: multipart/alternative;\r\n boundary=\"=_975b4251bef031c71b4b4f86facd58b7\"",
        );
        assert!(body.find("text/plain").unwrap() < body.find("text/html").unwrap());
    }

    #[test]
    fn a_long_subject_in_ascii_is_folded_and_not_encoded() {
        let from = sender("X");
        let subject =
            "Action needed by 22:00 CET: Some customers are unable to create or edit instances (Example K7QM)";
        let text = String::from_utf8(check(&MailInput { subject, ..input(&from) })).unwrap();
        let folded =
            "\r\nSubject: Action needed by 22:00 CET: Some customers are unable to create or\r\n edit instances";
        assert!(text.contains(folded), "{text}");
    }

    #[test]
    fn a_later_mail_refers_to_the_root_and_to_the_last_one() {
        let from = sender("X");
        for (last, expected) in [
            ("01J9Y@example.com", "01J9Y@example.com"),
            ("<01J9Y@old.example>", "01J9Y@old.example"),
            ("01J9Y", "01J9Y@example.com"),
            ("a>\r\nBcc: <b@c.example", "a---Bcc---b@c.example"),
        ] {
            let bytes = check(&MailInput { last: Some(last), drill: Drill::Yes, ..input(&from) });
            let message = parse(&bytes);
            assert_eq!(message.in_reply_to().as_text(), Some(expected), "{last:?}");
            assert_eq!(message.references().as_text_list().unwrap(), ["root0123@example.com", expected], "{last:?}");
            assert_eq!(message.header("X-Candor-Drill").unwrap().as_text(), Some("yes"));
        }
        let bytes = check(&MailInput { last: Some(" <> "), ..input(&from) });
        assert_eq!(parse(&bytes).in_reply_to().as_text(), Some("root0123@example.com"));
        assert_eq!(message_id("01J9Z-abc", "incidents@BÜCHER.example").unwrap(), "01J9Z-abc@xn--bcher-kva.example");
    }

    #[test]
    fn any_subject_and_name_is_read_as_it_was_meant() {
        let long = "x".repeat(2_000);
        let words = "Störung im Rechenzentrum ".repeat(40);
        let emoji = "🚒".repeat(600);
        for (text, expected) in [
            ("plain", "plain"),
            (long.as_str(), long.as_str()),
            (words.as_str(), words.trim()),
            (emoji.as_str(), emoji.as_str()),
            ("", ""),
            ("   spaced   out   ", "spaced out"),
            ("🚒🔥", "🚒🔥"),
            ("a\r\nBcc: evil@e.example\r\n\r\nbody", "a Bcc: evil@e.example body"),
            ("a\0b\u{7f}c\u{1b}[31m\td", "a b c [31m d"),
            ("ends =?utf-8?q?", "ends =?utf-8?q?"),
            ("=?utf-8?B?QmNjOiB4?= and =?iso-8859-1?Q?=E4?=", "=?utf-8?B?QmNjOiB4?= and =?iso-8859-1?Q?=E4?="),
            ("O'Hara \"Ops\", <Night> (shift); a\\b", "O'Hara \"Ops\", <Night> (shift); a\\b"),
            ("\u{202e}evil\u{202c} مرحبا שלום", "evil مرحبا שלום"),
            ("{{ name }} @everyone .", "{{ name }} @everyone ."),
            ("東京リージョンで障害", "東京リージョンで障害"),
        ] {
            let from = sender(text);
            let bytes = check(&MailInput { subject: text, case: text, ..input(&from) });
            let message = parse(&bytes);
            assert_eq!(message.subject().unwrap_or_default(), expected, "subject {text:?}");
            let name = message.from().unwrap().first().unwrap().name().unwrap_or_default();
            assert_eq!(name, expected.replace("=?", "= ?"), "name {text:?}");
            assert_eq!(message.from().unwrap().first().unwrap().address(), Some("incidents@example.com"));
        }
    }

    #[test]
    fn any_body_is_read_as_it_was_meant() {
        let from = sender("X");
        let long_line = "y".repeat(100_000);
        let long_link =
            format!("<p><a href=\"https://e.example/{0}\">https://e.example/{0}</a></p>", "z".repeat(1_500));
        let emoji = "🚒".repeat(20_000);
        for body in [
            "",
            "\n",
            ".",
            "..\n.\n",
            "From here\n.From\n",
            "-- \nsignature  \n  indented\t\n",
            "a\rb\nc\r\nd\r\re\n\nf",
            "NUL\0 and \u{1b}[31m and \u{7f} gone",
            "Grüße aus 東京 🚒",
            "=3D =\n= \n=?utf-8?q?x?=",
            "a\r\n.\r\nMAIL FROM:<x@y>\r\n",
            &long_line,
            &long_link,
            &emoji,
        ] {
            check(&MailInput { text: body, html: body, ..input(&from) });
        }
    }

    #[test]
    fn a_body_that_holds_the_boundary_stays_in_one_part() {
        let from = sender("X");
        let known = boundary("01J9Z-abc", "", "");
        let body = format!("--{known}\n--{known}--\n");
        check(&MailInput { text: &body, ..input(&from) });
    }

    #[test]
    fn what_cannot_be_sent_is_refused_without_repeating_it() {
        let from = sender("X");
        let bad = |to: &'static str| compose(&MailInput { to, ..input(&from) }).unwrap_err();
        assert_eq!(bad("a@b.example\r\nBcc: c@d.example"), MailError::Recipient(AddressError::Control));
        assert_eq!(bad("a@b.example, c@d.example"), MailError::Recipient(AddressError::NotBare));
        assert!(!bad("secret@b@c").to_string().contains("secret"));
        let large = "x".repeat(BODIES_MOST);
        let refused = compose(&MailInput { text: &large, ..input(&from) }).unwrap_err();
        assert!(matches!(refused, MailError::TooLarge { .. }));
        let sender = Sender { email: "no address".to_owned(), ..sender("X") };
        assert_eq!(compose(&input(&sender)).unwrap_err(), MailError::Sender(AddressError::NotBare));
    }

    proptest::proptest! {
        #[test]
        fn any_words_make_one_valid_mail(
            name in "(?s).{0,80}", subject in "(?s).{0,200}|[=?utf8qB \\r\\n]{0,60}", case in "(?s).{0,40}",
            key in "(?s).{0,40}", last in proptest::option::of("(?s).{0,60}"), text in "(?s).{0,300}|[.\\r\\n a=-]{0,300}",
        ) {
            let from = sender(&name);
            let made = MailInput { subject: &subject, case: &case, key: &key, last: last.as_deref(), text: &text, html: &text, ..input(&from) };
            let bytes = check(&made);
            let message = parse(&bytes);
            proptest::prop_assert_eq!(message.subject().unwrap_or_default(), header_text(&subject, SUBJECT_MOST));
            proptest::prop_assert!(message.message_id().unwrap().ends_with("@example.com"));
        }
    }
}
