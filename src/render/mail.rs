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
mod tests;
