//! Bytes become replies: strictly as RFC 5321, section 4.2 has them, and within limits.
//!
//! Pure. Lettre's own reader accepts a bare LF, stops at text in Latin-1 and takes `250` without text for an
//! error; what leaves this room suits it, and is harmless in a ledger. Deliberately absent: what codes mean.

use super::verdict::{Fault, Reply};

/// RFC 5321 allows 512 bytes; some servers write more.
const LONGEST_LINE: usize = 2_048;
const LONGEST_REPLY: usize = 64 * 1024;
const MOST_LINES: usize = 256;
/// Characters of a line that are kept for the ledger and the list of extensions.
const KEPT: usize = 512;
/// Characters of a line that lettre is shown: it takes 1,000 bytes.
const SHOWN: usize = 200;

/// Takes bytes as they arrive and gives lines as they are complete.
#[derive(Default)]
pub struct Framer {
    bytes: Vec<u8>,
    /// Bytes of the reply under way.
    taken: usize,
    code: Option<u16>,
    lines: Vec<String>,
}

/// One line, rewritten: three digits, a sign, text without control characters, CRLF.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    pub shown: String,
    /// The whole reply, with its last line.
    pub reply: Option<Reply>,
}

impl Framer {
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether nothing is left that has not become a line.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next line, or `None` until more has arrived.
    pub fn next_line(&mut self) -> Result<Option<Line>, Fault> {
        let Some(end) = self.bytes.iter().position(|&byte| byte == b'\n') else {
            let too_long = self.bytes.len() > LONGEST_LINE || self.taken + self.bytes.len() > LONGEST_REPLY;
            return if too_long { Err(Fault::TooLong) } else { Ok(None) };
        };
        self.taken += end + 1;
        if end > LONGEST_LINE || self.taken > LONGEST_REPLY || self.lines.len() >= MOST_LINES {
            return Err(Fault::TooLong);
        }
        let raw: Vec<u8> = self.bytes.drain(..=end).collect();
        let raw = raw.strip_suffix(b"\r\n").ok_or(Fault::Malformed("a line without CR LF"))?;
        let (code, sign, text) = parts(raw)?;
        if self.code.is_some_and(|first| first != code) {
            return Err(Fault::Malformed("several codes in one reply"));
        }
        let shown = format!("{code}{sign}{}\r\n", text.chars().take(SHOWN).collect::<String>());
        self.lines.push(text);
        if sign == '-' {
            self.code = Some(code);
            return Ok(Some(Line { shown, reply: None }));
        }
        self.code = None;
        self.taken = 0;
        Ok(Some(Line { shown, reply: Some(Reply { code, lines: std::mem::take(&mut self.lines) }) }))
    }
}

fn parts(raw: &[u8]) -> Result<(u16, char, String), Fault> {
    let (digits, rest) = raw.split_at_checked(3).ok_or(Fault::Malformed("less than three digits"))?;
    if !digits.iter().all(u8::is_ascii_digit) || digits[0] == b'0' {
        return Err(Fault::Malformed("no three-digit code"));
    }
    let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    let sign = match rest.first() {
        None | Some(b' ') => ' ',
        Some(b'-') => '-',
        Some(_) => return Err(Fault::Malformed("the code is not followed by a space")),
    };
    let text = String::from_utf8_lossy(rest.get(1..).unwrap_or_default());
    Ok((code, sign, harmless(&text)))
}

fn harmless(text: &str) -> String {
    let kept: String = text.chars().take(KEPT).map(|c| if c.is_control() { '?' } else { c }).collect();
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<Reply>, Fault> {
        let mut framer = Framer::default();
        let mut replies = Vec::new();
        for byte in bytes {
            framer.feed(&[*byte]);
            while let Some(line) = framer.next_line()? {
                assert!(line.shown.len() <= 1_000 && line.shown.ends_with("\r\n"));
                replies.extend(line.reply);
            }
        }
        Ok(replies)
    }

    fn reply(code: u16, lines: &[&str]) -> Reply {
        Reply { code, lines: lines.iter().map(|&line| line.to_owned()).collect() }
    }

    #[test]
    fn replies_are_read_whole() {
        let table: &[(&[u8], Vec<Reply>)] = &[
            (b"250 ok\r\n", vec![reply(250, &["ok"])]),
            (b"250\r\n", vec![reply(250, &[""])]),
            (b"250 \r\n", vec![reply(250, &[""])]),
            (b"250-a\r\n250-\t \r\n250-\r\n250 b\r\n", vec![reply(250, &["a", "?", "", "b"])]),
            (b"250 a\r\n354 b\r\n", vec![reply(250, &["a"]), reply(354, &["b"])]),
            (b"250 \x1b[31mred\x07\0\r\n", vec![reply(250, &["?[31mred??"])]),
            (b"250 caf\xe9\r\n", vec![reply(250, &["caf\u{fffd}"])]),
            (b"999 odd\r\n", vec![reply(999, &["odd"])]),
            (b"250 half", vec![]),
        ];
        for (bytes, expected) in table {
            assert_eq!(all(bytes).as_ref(), Ok(expected), "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        let malformed: &[&[u8]] = &[
            b"250 ok\n",
            b"2\r\n",
            b"25x ok\r\n",
            b"250+ok\r\n",
            b"\r\n",
            b"<html>\r\n",
            b"250-a\r\n550 b\r\n",
            b"050 x\r\n",
        ];
        for bytes in malformed {
            assert!(matches!(all(bytes), Err(Fault::Malformed(_))), "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_reply_has_limits() {
        let endless = b"250-x\r\n".repeat(300);
        let wide = [b"250-".as_slice(), &[b'x'; 2_000], b"\r\n"].concat().repeat(40);
        for bytes in [vec![b'2'; 3_000], endless, wide, [vec![b'2'; 5_000], b"\r\n".to_vec()].concat()] {
            assert_eq!(all(&bytes), Err(Fault::TooLong));
        }
    }
}
