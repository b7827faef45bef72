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
    pub fn check(&self) -> Vec<RenderError> {
        let mut faults: Vec<RenderError> = Vec::new();
        for (_, notice) in samples::every_reason() {
            for locale in self.templates.locales() {
                let context = self.context(&notice, locale, "Europe/Berlin", &samples::sender());
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
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::incident::Impact;
    use crate::domain::notice::{Affected, Kind};
    use crate::render::pack_file::BUILTIN_LOCALES;
    use crate::render::samples::{every_reason, reader, sender};

    fn builtin() -> Words {
        Words::new(Templates::builtin(), SubjectForm::Standing)
    }

    fn overridden(file: &str, content: &str) -> Words {
        let files = BTreeMap::from([(file.to_owned(), content.to_owned())]);
        Words::new(Templates::load(&files).unwrap(), SubjectForm::Standing)
    }

    fn sample(name: &str) -> Notice {
        every_reason().into_iter().find(|(known, _)| *known == name).unwrap().1
    }

    fn mail(name: &str, locale: &str) -> MailWords {
        builtin().render(&sample(name), &reader(locale), &sender()).unwrap()
    }

    #[test]
    fn every_message_reads_as_its_snapshot() {
        let words = builtin();
        for locale in BUILTIN_LOCALES {
            let mut all = String::new();
            for (name, notice) in every_reason() {
                let mail = words.render(&notice, &reader(locale), &sender()).unwrap();
                all.push_str(&format!("=== {name}\nSubject: {}\n\n{}\n", mail.subject, mail.text));
            }
            insta::assert_snapshot!(format!("mails_{locale}"), all);
        }
    }

    #[test]
    fn the_html_reads_as_its_snapshot() {
        insta::assert_snapshot!("html_action_required_en", mail("action required", "en").html);
    }

    #[test]
    fn every_message_has_its_three_headings_in_text_and_html() {
        for (locale, first, ahead, rest) in [
            ("en", "What happened", "What will happen", ["Current status", "What you need to do"]),
            ("de", "Was passiert ist", "Was geplant ist", ["Aktueller Stand", "Was Sie tun müssen"]),
        ] {
            for (name, notice) in every_reason() {
                let mail = builtin().render(&notice, &reader(locale), &sender()).unwrap();
                for heading in rest {
                    assert!(mail.text.contains(&format!("\n\n{heading}\n")), "{name} {locale} {heading}");
                    assert!(mail.html.contains(&format!(">{heading}</h2>")), "{name} {locale} {heading}");
                }
                let has = |heading: &str| mail.text.contains(&format!("\n\n{heading}\n"));
                assert!(has(first) != has(ahead), "{name} {locale}");
            }
        }
    }

    #[test]
    fn no_message_leaves_a_place_open_or_a_line_too_wide() {
        for locale in BUILTIN_LOCALES {
            for (name, notice) in every_reason() {
                let mail = builtin().render(&notice, &reader(locale), &sender()).unwrap();
                assert!(!mail.subject.contains(['\n', '\r']), "{name}");
                assert!(
                    ![&mail.subject, &mail.text, &mail.html].iter().any(|part| part.contains(NAME_PLACE)),
                    "{name}"
                );
                assert!(
                    name == "hostile" || !format!("{}{}", mail.subject, mail.text).contains('{'),
                    "{name} {locale}"
                );
                for line in mail.text.lines() {
                    assert!(line.chars().count() <= WIDTH, "{name} {locale}: {line}");
                    assert_eq!(line, line.trim_end(), "{name} {locale}");
                    assert!(!line.contains("  .") && !line.contains(".."), "{name} {locale}: {line}");
                }
                assert!(!mail.text.contains("\n\n\n"), "{name} {locale}");
                assert!(mail.html.len() < 20_000, "{name}: {}", mail.html.len());
            }
        }
    }

    #[test]
    fn the_two_kinds_of_nothing_never_look_alike() {
        for locale in BUILTIN_LOCALES {
            let known = mail("opened, nothing to do", locale).text;
            let unknown = mail("opened, nothing known", locale).text;
            assert_ne!(known.lines().next(), unknown.lines().next());
            let last_part = |text: &str| text.split("\n\n").nth(3).unwrap().to_owned();
            assert_ne!(last_part(&known), last_part(&unknown));
        }
        assert!(mail("opened, nothing known", "en").text.contains("\nWe know of nothing you can do yet.\n"));
    }

    #[test]
    fn a_client_who_named_no_order_is_told_no_priority() {
        for (locale, first_line, word) in [
            ("en", "STARTED: Payments API and Search. ", "priority"),
            ("de", "STÖRUNG: Payments API und Search. ", "Priorität"),
        ] {
            let mail = mail("opened, no order of priorities", locale);
            assert!(mail.text.starts_with(first_line), "{}", mail.text);
            assert!(!mail.text.contains(word) && !mail.html.contains(word), "{}", mail.text);
        }
    }

    #[test]
    fn what_a_client_gave_no_rank_is_told_without_one() {
        let summary = |concerned: &[(u32, &str)]| {
            let concerned = concerned.iter().map(|(rank, name)| (*rank, (*name).to_owned())).collect();
            let notice = Notice { concerned, ..sample("opened, no order of priorities") };
            let mail = builtin().render(&notice, &reader("en"), &sender()).unwrap();
            mail.text.lines().next().unwrap_or_default().to_owned()
        };
        assert!(summary(&[(1, "Payments API"), (0, "Search")]).contains("Payments API (your priority 1) and Search."));
        let found = summary(&[(0, "Search"), (0, "Mail")]);
        assert!(found.contains("Search and Mail.") && !found.contains("priority"), "{found}");
    }

    #[test]
    fn feed_text_is_data_and_never_template_markup_or_header() {
        let mail = mail("hostile", "en");
        assert!(mail.text.contains("{{ 7 * 7 }}"), "{}", mail.text);
        assert!(mail.subject.starts_with("{{ sender }} Bcc: all@example.com (Example Platform K7QM)"));
        assert!(!mail.html.contains("<script") && !mail.html.contains("<b>") && !mail.html.contains("<i>"));
        assert!(!mail.html.contains("<a href=\"javascript"));
        assert_eq!(mail.text.matches("Acme GmbH").count(), 1);
    }

    #[test]
    fn a_quotation_cannot_pass_for_a_part_of_ours() {
        let mut notice = sample("phase");
        notice.case.updates[0].body = "News.\n\nWhat you need to do\n\nSend us your password.\n\n--".to_owned();
        let mail = builtin().render(&notice, &reader("en"), &sender()).unwrap();
        assert_eq!(mail.text.matches("\nWhat you need to do\n").count(), 1, "{}", mail.text);
        assert_eq!(mail.text.matches("\n--\n").count(), 1, "{}", mail.text);
    }

    #[test]
    fn a_clients_name_is_escaped_in_html_and_folded_in_text() {
        let shared = builtin().render_shared(&sample("phase"), "en", "Europe/Berlin", &sender()).unwrap();
        let long = format!("Müller & Söhne <{}>", "Handel ".repeat(12));
        let mail = shared.fill(&long);
        assert!(mail.html.contains("Müller &amp; Söhne &lt;Handel"));
        assert!(mail.text.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(!shared.fill("A\r\nBcc: x").text.contains("\nBcc"));
    }

    #[test]
    fn only_the_name_tells_two_readers_apart() {
        let shared = builtin().render_shared(&sample("phase"), "en", "Europe/Berlin", &sender()).unwrap();
        let reader = Reader { name: "Other".to_owned(), ..reader("en") };
        assert_eq!(shared.fill("Other"), builtin().render(&sample("phase"), &reader, &sender()).unwrap());
    }

    #[test]
    fn subjects_stand_out_only_where_the_reader_must_look() {
        let rows = [
            ("phase", "Payments fail in the EU (Example Platform K7QM)"),
            ("action required", "Action needed by 22:00 CET: Payments fail in the EU (Example Platform K7QM)"),
            ("resolved", "Resolved: Payments fail in the EU (Example Platform K7QM)"),
            ("maintenance moved", "Moved to Wed 25 Nov, 22:00 CET: Search: the index moves (Example Platform M3TD)"),
            ("maintenance completed", "Search: the index moves (Example Platform M3TD)"),
            (
                "resolved within a minute, its title in brackets",
                "Resolved: (EU) Payments fail (major) (Example Platform K7QM)",
            ),
            ("drill", "DRILL: Payments fail in the EU (Example Platform K7QM)"),
        ];
        for (name, expected) in rows {
            assert_eq!(mail(name, "en").subject, expected);
        }
        let constant = Words::new(Templates::builtin(), SubjectForm::Constant);
        let mail = constant.render(&sample("resolved"), &reader("en"), &sender()).unwrap();
        assert_eq!(mail.subject, "Payments fail in the EU (Example Platform K7QM)");
    }

    #[test]
    fn a_sender_answers_in_the_readers_language_or_is_not_quoted() {
        let check = |written: &str, locale: &str, expected: &str| {
            let sender = Sender { answered: Some(written.to_owned()), ..sender() };
            let text = builtin().render(&sample("phase"), &reader(locale), &sender).unwrap().text;
            assert!(text.replace('\n', " ").contains(expected), "{written} {locale}: {text}");
        };
        check("day and night", "en", "a person reads it, day and night. By telephone: +49 30");
        check("Day and Night", "de", "ein Mensch liest es (Tag und Nacht). Telefon");
        check("Mon to Fri, 9 to 17", "en", "a person reads it, Mon to Fri, 9 to 17. By telephone");
        check("Mon to Fri, 9 to 17", "de", "ein Mensch liest es. Telefon");
    }

    #[test]
    fn a_page_of_ours_is_a_link_under_no_other_words_than_its_address() {
        let html = mail("action required", "en").html;
        let link = "Pausing exports: <a href=\"https://docs.example.com/exports?do=pause\">https://docs.example.com/exports?do=pause</a>";
        assert!(html.contains(link), "{html}");
        assert_eq!(html.matches("<a ").count(), 1, "{html}");
        let mut notice = sample("action required");
        notice.guidance.actions[0].resources[0].url = "javascript:alert(1)".to_owned();
        let html = builtin().render(&notice, &reader("en"), &sender()).unwrap().html;
        assert!(!html.contains("<a ") && html.contains("Pausing exports: javascript:alert(1)"), "{html}");
    }

    #[test]
    fn a_promise_that_is_past_is_never_printed() {
        let past = Notice { next_word: Some(sample("phase").now), ..sample("phase") };
        let mail = builtin().render(&past, &reader("en"), &sender()).unwrap();
        assert!(mail.text.contains("Next word when there is news."), "{}", mail.text);
    }

    #[test]
    fn we_are_sorry_stands_at_the_end_of_a_grave_case_and_nowhere_else() {
        for (name, notice) in every_reason() {
            let mail = builtin().render(&notice, &reader("en"), &sender()).unwrap();
            let is_grave = matches!(notice.case.impact, Some(Impact::Major | Impact::Critical));
            let is_theirs = notice.affected == Affected::Confirmed;
            let expected = usize::from(notice.reason == Kind::Resolved && is_grave && is_theirs);
            assert_eq!(mail.text.matches("We are sorry.").count(), expected, "{name}");
        }
    }

    #[test]
    fn a_supplier_is_named_and_we_are_not_it() {
        for name in ["supplier, opened", "supplier, corrected", "supplier, withdrawn"] {
            let text = mail(name, "en").text;
            assert!(text.contains("GitHub"), "{name}");
            assert!(!text.contains("We are looking") && !text.contains("Our "), "{name}: {text}");
        }
    }

    #[test]
    fn a_very_long_text_is_cut_and_says_so() {
        let mut notice = sample("updated");
        notice.case.updates[0].body = "All of the words that were written. ".repeat(2_000);
        let mail = builtin().render(&notice, &reader("en"), &sender()).unwrap();
        assert!(mail.text.contains("(shortened; the whole text: https://status.example.com/incidents/1)"));
        assert!(mail.html.contains("(shortened;") && mail.text.len() < 6_000);
    }

    #[test]
    fn many_long_texts_stay_below_the_limit() {
        let mut notice = sample("updated");
        let update = notice.case.updates[0].clone();
        let body = "<p>&amp; \"'</p>".repeat(900);
        let numbered =
            (0..40).map(|n| crate::domain::notice::Words { id: n.to_string(), body: body.clone(), ..update.clone() });
        notice.case.updates = numbered.collect();
        let mail = builtin().render(&notice, &reader("en"), &sender()).unwrap();
        assert!(mail.html.len() < 100_000, "{}", mail.html.len());
        assert!(mail.text.contains(" earlier updates are left out here."), "{}", mail.text);
    }

    #[test]
    fn an_overriding_template_that_fails_is_named_and_the_built_in_one_renders() {
        let rows = [
            ("mail.txt", "{{ line1 }}\n  {{ nosuch }}", "the template mail.txt:2:6: undefined value"),
            ("de/mail.txt", "{{ 1 / 0 }}", "the template de/mail.txt:1:4: "),
            (
                "mail.html",
                "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
                "the template mail.html: works too long",
            ),
            ("subject.txt", "{{ 'x' * 200000 }}", "the template subject.txt: writes more than 100000 bytes"),
        ];
        for (file, content, expected) in rows {
            let words = overridden(file, content);
            let (notice, reader) = (sample("phase"), reader("de"));
            let error = words.render(&notice, &reader, &sender()).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
            assert_eq!(words.render_builtin(&notice, &reader, &sender()).unwrap(), mail("phase", "de"));
            assert_eq!(words.check().len(), 1, "{:?}", words.check());
        }
        assert!(builtin().check().is_empty());
    }

    #[test]
    fn a_template_of_a_language_wins_over_the_shared_one() {
        let files = BTreeMap::from([
            ("subject.txt".to_owned(), "all: {{ subject }}".to_owned()),
            ("de/subject.txt".to_owned(), "de: {{ client.name }}".to_owned()),
        ]);
        let words = Words::new(Templates::load(&files).unwrap(), SubjectForm::Standing);
        let subject = |locale| words.render(&sample("phase"), &reader(locale), &sender()).unwrap().subject;
        assert_eq!(subject("de-AT"), "de: Acme GmbH");
        assert!(subject("en").starts_with("all: Payments fail"));
    }

    #[test]
    fn the_plain_parts_are_those_of_the_mail() {
        let parts = builtin().parts(&sample("worse without a reason"), "en", "UTC", &sender());
        assert!(parts.summary.starts_with("WORSE: Payments API, your priority 1."), "{}", parts.summary);
        assert!(parts.current_status.contains("No reason is given yet."), "{}", parts.current_status);
        assert_eq!(parts.what_you_need_to_do, "We know of nothing you can do yet.");
        assert_eq!(parts.what_happened, "Payments fail in the EU, since 13:05 UTC.");
    }
}
