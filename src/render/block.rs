//! What the parts of a message are made of: paragraphs of ours, quotations, and steps. Templates lay them
//! out; a webhook gets them as plain text.

use serde::Serialize;

/// One piece of a part, in reading order.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Block {
    /// Our own sentences.
    Paragraph { text: String },
    /// The source's words.
    Quote {
        /// Who and when: `Our engineers wrote at 14:12:`.
        lead: String,
        /// Plain text in quotation marks; paragraphs are parted by a blank line.
        quoted: String,
        /// The same as a safe subset of HTML, without marks.
        html: String,
        /// Said after it, e.g. that it is shortened.
        note: Option<String>,
    },
    /// What to do, numbered from `first`.
    Steps { first: usize, steps: Vec<Step> },
}

/// One step and what belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    pub text: String,
    pub notes: Vec<Note>,
    /// The language of the text, where it is not the reader's.
    pub language: Option<String>,
}

/// One line under a step: `By: 22:00 CET (21:00 UTC)`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Note {
    pub label: String,
    pub text: String,
    /// The label with the spaces that align it with its neighbours.
    pub padded: String,
    /// The same text with the address at its end apart, for forms in which it can be followed.
    pub link: Option<Link>,
}

/// An http or https address of ours and what stands before it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Link {
    pub before: String,
    pub url: String,
    /// The address as HTML writes it.
    pub html: String,
}

impl Block {
    pub fn paragraph(text: String) -> Option<Block> {
        if text.is_empty() { None } else { Some(Block::Paragraph { text }) }
    }
}

/// The blocks as plain text, one after another on lines of their own, not folded.
pub fn plain_text(blocks: &[Block]) -> String {
    blocks.iter().map(plain_block).collect::<Vec<_>>().join("\n")
}

fn plain_block(block: &Block) -> String {
    match block {
        Block::Paragraph { text } => text.clone(),
        Block::Quote { lead, quoted, html: _, note } => match note {
            Some(note) => format!("{lead} {quoted} {note}"),
            None => format!("{lead} {quoted}"),
        },
        Block::Steps { first, steps } => {
            let mut lines = Vec::new();
            for (index, step) in steps.iter().enumerate() {
                lines.push(format!("{}. {}", first + index, step.text));
                lines.extend(step.notes.iter().map(|note| format!("   {} {}", note.label, note.text)));
            }
            lines.join("\n")
        }
    }
}
