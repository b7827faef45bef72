//! The bytes of a mail, read back by a parser that is not ours.

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
    let subject = "Action needed by 22:00 CET: Some customers are unable to create or edit instances (Example K7QM)";
    let text = String::from_utf8(check(&MailInput { subject, ..input(&from) })).unwrap();
    let folded = "\r\nSubject: Action needed by 22:00 CET: Some customers are unable to create or\r\n edit instances";
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
    let long_link = format!("<p><a href=\"https://e.example/{0}\">https://e.example/{0}</a></p>", "z".repeat(1_500));
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
