//! Foreign text as paragraphs and list items of plain words: what is left once markup has been understood.
//!
//! Both readers (Markdown and HTML) fill one [`Builder`], both forms (plain text and HTML) are written from its
//! blocks. Nesting is counted, not kept, so that no depth of input costs a stack. Deliberately absent: how a
//! block looks, and any address that is not http or https.

use url::Url;

use crate::domain::characters;

/// A paragraph or an item. Lines inside it are parted by LF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// 0 outside of lists, else the depth of the list, from 1 to [`DEPTH_MOST`].
    pub depth: usize,
    pub lead: Lead,
    pub is_quoted: bool,
    pub spans: Vec<Span>,
}

/// What stands before a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lead {
    Paragraph,
    Bullet,
    Number(u64),
    /// A further paragraph of the item before.
    Continued,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub text: String,
    pub style: Style,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    Strong,
    Emphasis,
    Code,
    /// The text is an http or https address as [`web_address`] gives it.
    Link,
}

pub const DEPTH_MOST: usize = 4;

/// Longest address that becomes a link; a longer one is shown without its words being one.
const ADDRESS_MOST: usize = 2_000;

/// What is put where text was cut off.
pub const CUT_MARK: &str = " […]";

struct OpenLink {
    address: Option<String>,
    words: String,
}

/// Takes text and structure in reading order and folds white space. Unbalanced input is borne.
pub struct Builder {
    blocks: Vec<Block>,
    current: Option<Block>,
    lead: Option<Lead>,
    /// Open lists: `None` for bullets, the next number for numbered ones.
    lists: Vec<Option<u64>>,
    quotes: usize,
    strong: usize,
    emphasis: usize,
    code: usize,
    link: Option<OpenLink>,
    has_space: bool,
    room: usize,
    is_cut: bool,
}

impl Builder {
    /// A builder that takes at most `most` characters of text; what is beyond is cut, visibly.
    pub fn new(most: usize) -> Builder {
        Builder {
            blocks: Vec::new(),
            current: None,
            lead: None,
            lists: Vec::new(),
            quotes: 0,
            strong: 0,
            emphasis: 0,
            code: 0,
            link: None,
            has_space: false,
            room: most,
            is_cut: false,
        }
    }

    /// Words, in the style that is open. White space of any kind is one space.
    pub fn text(&mut self, text: &str) {
        let style = match (self.code, self.strong, self.emphasis) {
            (1.., _, _) => Style::Code,
            (0, 1.., _) => Style::Strong,
            (0, 0, 1..) => Style::Emphasis,
            (0, 0, 0) => Style::Plain,
        };
        self.styled(text, style);
    }

    fn styled(&mut self, text: &str, style: Style) {
        for c in characters::clean(text).chars() {
            if c.is_whitespace() {
                self.has_space = true;
                continue;
            }
            if self.room == 0 {
                self.is_cut = true;
                return;
            }
            self.room -= 1;
            if std::mem::take(&mut self.has_space) && !self.is_at_line_start() {
                let last = self.current.as_ref().and_then(|block| block.spans.last()).map(|span| span.style);
                self.push(' ', if last == Some(style) && style != Style::Link { style } else { Style::Plain });
            }
            self.push(c, style);
        }
    }

    fn push(&mut self, c: char, style: Style) {
        if let Some(link) = self.link.as_mut() {
            link.words.push(c);
        }
        let block = self.current.get_or_insert_with(|| Block {
            depth: self.lists.len().min(DEPTH_MOST),
            lead: self.lead.take().unwrap_or(if self.lists.is_empty() { Lead::Paragraph } else { Lead::Continued }),
            is_quoted: self.quotes > 0,
            spans: Vec::new(),
        });
        match block.spans.last_mut() {
            Some(span) if span.style == style || (c == '\n' && span.style != Style::Link) => span.text.push(c),
            _ => block.spans.push(Span { text: c.to_string(), style }),
        }
    }

    fn is_at_line_start(&self) -> bool {
        let last = self.current.as_ref().and_then(|block| block.spans.last());
        last.is_none_or(|span| span.text.ends_with('\n'))
    }

    /// Text whose line breaks count.
    pub fn lines(&mut self, text: &str) {
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                self.line_break();
            }
            self.text(line);
        }
    }

    /// Ends the line; a second time in a row ends the paragraph.
    pub fn line_break(&mut self) {
        self.has_space = false;
        if self.current.is_none() {
            return;
        }
        if self.is_at_line_start() {
            self.close();
        } else {
            self.push('\n', Style::Plain);
        }
    }

    /// Ends the paragraph, and with it every style that was left open.
    pub fn paragraph(&mut self) {
        self.close();
        (self.strong, self.emphasis, self.code) = (0, 0, 0);
    }

    fn close(&mut self) {
        self.has_space = false;
        let Some(mut block) = self.current.take() else { return };
        if let Some(last) = block.spans.last_mut() {
            last.text.truncate(last.text.trim_end().len());
        }
        block.spans.retain(|span| !span.text.is_empty());
        if !block.spans.is_empty() {
            self.blocks.push(block);
        }
    }

    pub fn list_begins(&mut self, first_number: Option<u64>) {
        self.paragraph();
        self.lists.push(first_number);
    }

    pub fn list_ends(&mut self) {
        self.paragraph();
        self.lists.pop();
        self.lead = None;
    }

    pub fn item_begins(&mut self) {
        self.paragraph();
        self.lead = Some(match self.lists.last_mut() {
            Some(Some(number)) => {
                *number = number.saturating_add(1);
                Lead::Number(number.saturating_sub(1))
            }
            Some(None) => Lead::Bullet,
            None => {
                self.lists.push(None);
                Lead::Bullet
            }
        });
    }

    pub fn quote_begins(&mut self) {
        self.paragraph();
        self.quotes += 1;
    }

    pub fn quote_ends(&mut self) {
        self.paragraph();
        self.quotes = self.quotes.saturating_sub(1);
    }

    pub fn strong_begins(&mut self) {
        self.strong += 1;
    }

    pub fn strong_ends(&mut self) {
        self.strong = self.strong.saturating_sub(1);
    }

    pub fn emphasis_begins(&mut self) {
        self.emphasis += 1;
    }

    pub fn emphasis_ends(&mut self) {
        self.emphasis = self.emphasis.saturating_sub(1);
    }

    pub fn code_begins(&mut self) {
        self.code += 1;
    }

    pub fn code_ends(&mut self) {
        self.code = self.code.saturating_sub(1);
    }

    /// A cell of a table: parted from the one before it on the line.
    pub fn cell(&mut self) {
        if self.current.is_some() && !self.is_at_line_start() {
            self.styled(" | ", Style::Plain);
        }
    }

    pub fn link_begins(&mut self, target: &str) {
        self.link_ends();
        let mail = target.strip_prefix("mailto:").map(|address| address.split('?').next().unwrap_or_default());
        let address = web_address(target).or(mail.map(str::to_owned));
        self.link = Some(OpenLink { address, words: String::new() });
    }

    /// The address follows the words of the link, in brackets, or stands alone where they say the same. What is
    /// neither http, https nor a mail address is left out, so that only the words stay.
    pub fn link_ends(&mut self) {
        let Some(OpenLink { address: Some(address), words }) = self.link.take() else { return };
        let words = words.trim();
        if address.len() > self.room {
            (self.room, self.is_cut) = (0, true);
            return;
        }
        let style = if is_web(&address) { Style::Link } else { Style::Plain };
        if words.is_empty() {
            self.styled(&address, style);
        } else if words.trim_end_matches('/') != address.trim_end_matches('/') {
            self.has_space = true;
            self.styled("(", Style::Plain);
            self.styled(&address, style);
            self.styled(")", Style::Plain);
        }
    }

    /// The blocks, and a mark at the end of the last one if something was cut off.
    pub fn finish(mut self) -> Vec<Block> {
        self.link_ends();
        self.paragraph();
        if self.is_cut {
            let mark = Span { text: CUT_MARK.to_owned(), style: Style::Plain };
            match self.blocks.last_mut() {
                Some(block) => block.spans.push(mark),
                None => self.blocks.push(Block {
                    depth: 0,
                    lead: Lead::Paragraph,
                    is_quoted: false,
                    spans: vec![Span { text: CUT_MARK.trim().to_owned(), style: Style::Plain }],
                }),
            }
        }
        self.blocks
    }

    /// Says that the source was longer than what the builder was given.
    pub fn mark_cut(&mut self) {
        self.is_cut = true;
    }
}

fn is_web(address: &str) -> bool {
    address.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("http://"))
        || address.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"))
}

/// The http or https address that a link may lead to, in ASCII: as written where it is plain, else as the URL
/// standard writes it (`https://bücher.example/ü` shows its `xn--` name). `None` for every other scheme, for
/// relative addresses, for one with a user name in it (`https://bank.example@evil.example`), and beyond 2,000
/// characters.
pub fn web_address(target: &str) -> Option<String> {
    let target = target.trim();
    if target.len() > ADDRESS_MOST || !is_web(target) {
        return None;
    }
    let url = Url::parse(target).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#@!$&()*+,;=%[]".contains(&byte);
    if target.bytes().all(is_plain) {
        return Some(target.to_owned());
    }
    let written: String = url.into();
    written.bytes().all(|byte| byte.is_ascii_graphic()).then_some(written)
}

/// The addresses in running text: where each begins and ends. Punctuation that closes a sentence or a bracket
/// around it is not part of it.
pub fn addresses_in(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("http").map(|at| at + from) {
        let touches_word = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
        let end =
            text[at..].find(|c: char| c.is_whitespace() || "<>\"“”„«»".contains(c)).map_or(text.len(), |e| e + at);
        let end = at + without_closing_punctuation(&text[at..end]).len();
        if !touches_word && is_web(&text[at..end]) {
            found.push((at, end));
        }
        from = end.max(at + 4);
    }
    found
}

fn without_closing_punctuation(mut address: &str) -> &str {
    let mut unclosed = address.matches('(').count() as i64 - address.matches(')').count() as i64;
    while let Some(last) = address.chars().next_back() {
        match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '…' | '’' | ']' | '}' | '|' => {}
            ')' if unclosed < 0 => unclosed += 1,
            _ => break,
        }
        address = &address[..address.len() - last.len_utf8()];
    }
    address
}
