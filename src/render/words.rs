//! The way in: a notice becomes the words of a mail and the three parts of a webhook.
//!
//! All that readers of one language and zone share is rendered once ([`Shared`]); only the client's name is
//! filled in for each. Deliberately absent: MIME and JSON (`mail`, `webhook_json`), and any address.

use thiserror::Error;

use crate::domain::notice::{Notice, Reader, Sender};

use super::block::plain_text;
use super::context::{Context, context};
use super::quote::escape;
use super::samples;
use super::scene::NAME_PLACE;
use super::subject::SubjectForm;
use super::template_error::TemplateError;
use super::templates::{Form, Set, Templates};
use super::wrap::{WIDTH, wrap};

/// An overriding template failed while rendering. The built-in ones render the same notice:
/// [`Words::render_builtin`], [`Words::render_shared_builtin`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the template {0}")]
pub struct RenderError(#[from] pub TemplateError);

/// What one reader gets by mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailWords {
    /// One line.
    pub subject: String,
    /// Lines end with `\n`.
    pub text: String,
    pub html: String,
}

/// The same words as plain strings, for forms without a layout of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The verdict line.
    pub summary: String,
    pub what_happened: String,
    pub current_status: String,
    pub what_you_need_to_do: String,
}

/// A message for every reader of one notice, language and zone, with the client's name left open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    subject: Vec<String>,
    text: Vec<TextPiece>,
    html: Vec<String>,
    pub parts: Parts,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TextPiece {
    /// Finished lines.
    Fixed(String),
    /// One line that holds the client's name, folded once it is filled.
    Named(Vec<String>),
}

/// Renders notices with one set of templates.
#[derive(Debug, Clone)]
pub struct Words {
    templates: Templates,
    subject_form: SubjectForm,
}

impl Words {
    pub fn new(templates: Templates, subject_form: SubjectForm) -> Words {
        Words { templates, subject_form }
    }

    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    /// One mail for one reader.
    pub fn render(&self, notice: &Notice, reader: &Reader, sender: &Sender) -> Result<MailWords, RenderError> {
        Ok(self.render_shared(notice, &reader.locale, &reader.timezone, sender)?.fill(&reader.name))
    }

    /// The same with the built-in templates: what a client gets when [`Words::render`] fails.
    pub fn render_builtin(&self, notice: &Notice, reader: &Reader, sender: &Sender) -> Result<MailWords, RenderError> {
        Ok(self.render_shared_builtin(notice, &reader.locale, &reader.timezone, sender)?.fill(&reader.name))
    }

    /// Renders once for all readers who share language and zone. `locale` may be any BCP 47 tag; without a
    /// pack of its own it falls back as [`Templates::choose_locale`] says. `timezone` is an IANA name.
    pub fn render_shared(
        &self,
        notice: &Notice,
        locale: &str,
        timezone: &str,
        sender: &Sender,
    ) -> Result<Shared, RenderError> {
        self.shared(Set::Chosen, &self.context(notice, locale, timezone, sender))
    }

    /// As [`Words::render_shared`], with the built-in templates and the words of the chosen pack.
    pub fn render_shared_builtin(
        &self,
        notice: &Notice,
        locale: &str,
        timezone: &str,
        sender: &Sender,
    ) -> Result<Shared, RenderError> {
        self.shared(Set::Builtin, &self.context(notice, locale, timezone, sender))
    }

    /// The plain parts alone; no template has a say in them.
    pub fn parts(&self, notice: &Notice, locale: &str, timezone: &str, sender: &Sender) -> Parts {
        parts(&self.context(notice, locale, timezone, sender))
    }

    /// Renders every sample in every language: the faults of overriding templates that only show when they
    /// run, each file once.
    pub fn check(&self, sender: &Sender) -> Vec<RenderError> {
        let mut faults: Vec<RenderError> = Vec::new();
        for notice in samples::every_reason().into_iter().flat_map(|(_, notice)| samples::in_every_phase(notice)) {
            for locale in self.templates.locales() {
                let context = self.context(&notice, locale, "Europe/Berlin", sender);
                for form in Form::ALL {
                    if let Err(error) = self.templates.render(Set::Chosen, form, &context)
                        && !faults.iter().any(|known| known.0.file == error.file && known.0.line == error.line)
                    {
                        faults.push(RenderError(error));
                    }
                }
            }
        }
        faults
    }

    fn context(&self, notice: &Notice, locale: &str, timezone: &str, sender: &Sender) -> Context {
        let chosen = self.templates.choose_locale(Some(locale), &sender.locale);
        let (name, pack) = self.templates.pack(&chosen);
        context(notice, pack, name, timezone, sender, self.subject_form)
    }

    fn shared(&self, set: Set, context: &Context) -> Result<Shared, RenderError> {
        let subject = self.templates.render(set, Form::Subject, context)?;
        let text = self.templates.render(set, Form::Text, context)?;
        let html = self.templates.render(set, Form::Html, context)?;
        Ok(Shared {
            subject: split(&subject.split_whitespace().collect::<Vec<_>>().join(" ")),
            text: text_pieces(&text),
            html: split(&html),
            parts: parts(context),
        })
    }
}

impl Shared {
    /// The mail for the client of this name.
    pub fn fill(&self, reader_name: &str) -> MailWords {
        let name = super::scene::tidy(reader_name);
        let mut text = String::new();
        for piece in &self.text {
            match piece {
                TextPiece::Fixed(lines) => text.push_str(lines),
                TextPiece::Named(line) => {
                    text.push_str(&fold_named(&line.join(&name)));
                    text.push('\n');
                }
            }
        }
        MailWords { subject: self.subject.join(&name), text, html: self.html.join(&escape(&name)) }
    }
}

fn parts(context: &Context) -> Parts {
    let open = |text: String| text.replace(NAME_PLACE, "");
    Parts {
        summary: open(context.line1.clone()),
        what_happened: open(plain_text(&context.happened)),
        current_status: open(plain_text(&context.status)),
        what_you_need_to_do: open(plain_text(&context.todo)),
    }
}

fn split(rendered: &str) -> Vec<String> {
    rendered.split(NAME_PLACE).map(str::to_owned).collect()
}

fn text_pieces(rendered: &str) -> Vec<TextPiece> {
    let mut pieces = Vec::new();
    let mut fixed = String::new();
    for line in rendered.trim().lines() {
        if line.contains(NAME_PLACE) {
            if !fixed.is_empty() {
                pieces.push(TextPiece::Fixed(std::mem::take(&mut fixed)));
            }
            pieces.push(TextPiece::Named(split(line)));
        } else {
            fixed.push_str(line.trim_end());
            fixed.push('\n');
        }
    }
    if !fixed.is_empty() {
        pieces.push(TextPiece::Fixed(fixed));
    }
    pieces
}

fn fold_named(line: &str) -> String {
    if line.chars().count() <= WIDTH { line.to_owned() } else { wrap(line, 0) }
}

#[cfg(test)]
mod tests;
