//! The templates of a mail: built in, and overridden file by file. `mail.txt`, `mail.html` and `subject.txt`
//! speak every language, their words come from `LOCALE/words.toml`; `LOCALE/mail.txt` wins over `mail.txt`.
//!
//! Deliberately absent: the folder (`config::templates_dir` reads it into the map that is loaded here), and
//! feed text as template source: what a source writes is only ever data.

use std::collections::BTreeMap;
use std::io;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, ErrorKind, UndefinedBehavior};

use super::context::Context;
use super::pack::Pack;
use super::pack_file::{BUILTIN_LOCALES, builtin_pack, read_pack};
use super::template_error::TemplateError;
use super::wrap::wrap;

/// What the built-in templates are called, and their source.
const BUILTIN: [(&str, &str); 3] = [
    ("mail.txt", include_str!("../../config/templates/mail.txt")),
    ("mail.html", include_str!("../../config/templates/mail.html")),
    ("subject.txt", include_str!("../../config/templates/subject.txt")),
];

const WORDS: &str = "words.toml";

/// The work that one rendering may do: the longest built-in mail takes about a twentieth of it.
const FUEL: u64 = 400_000;
/// The most bytes that one template may write; a mail's HTML has to stay under 100 KB.
pub const MOST_OUTPUT: usize = 100_000;
/// What the built-in templates may write when nothing else is left: a client with a hundred steps to take is
/// told them all.
const MOST_OUTPUT_BUILTIN: usize = 1_000_000;

/// The three templates of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Html,
    Subject,
}

impl Form {
    pub const ALL: [Form; 3] = [Form::Text, Form::Html, Form::Subject];

    pub fn file(self) -> &'static str {
        match self {
            Form::Text => "mail.txt",
            Form::Html => "mail.html",
            Form::Subject => "subject.txt",
        }
    }
}

/// Which set of templates renders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// The user's where there is one, else the built-in.
    Chosen,
    /// The built-in ones alone: what clients get when an overriding template fails.
    Builtin,
}

/// All templates and packs, parsed.
#[derive(Debug, Clone)]
pub struct Templates {
    chosen: Environment<'static>,
    builtin: Environment<'static>,
    packs: BTreeMap<String, Pack>,
}

impl Templates {
    /// The built-in ones.
    pub fn builtin() -> Templates {
        Templates::load(&BTreeMap::new()).expect("the built-in templates are parsed by a test")
    }

    /// The built-in ones with `files` (path in the templates folder -> content) over them.
    pub fn load(files: &BTreeMap<String, String>) -> Result<Templates, TemplateError> {
        let builtin = environment_with_builtin()?;
        let mut chosen = builtin.clone();
        let mut packs: BTreeMap<String, Pack> =
            BUILTIN_LOCALES.iter().filter_map(|locale| Some(((*locale).to_owned(), builtin_pack(locale)?))).collect();
        for (path, content) in files {
            if let Some(locale) = locale_of_words(path)? {
                packs.insert(locale.to_owned(), read_pack(locale, path, content)?);
            }
        }
        for (path, content) in files.iter().filter(|(path, _)| is_template(path)) {
            check_place(path, files, &packs)?;
            chosen
                .add_template_owned(path.clone(), content.clone())
                .map_err(|error| TemplateError::of_engine(path, &error))?;
        }
        Ok(Templates { chosen, builtin, packs })
    }

    /// The locales that have words.
    pub fn locales(&self) -> impl Iterator<Item = &str> {
        self.packs.keys().map(String::as_str)
    }

    /// The locale that a client is spoken to in: `de-AT`, `de`, the sender's, `en`.
    pub fn choose_locale(&self, wanted: Option<&str>, sender: &str) -> String {
        choose_locale(wanted, sender, |locale| self.packs.keys().find(|known| known.eq_ignore_ascii_case(locale)))
    }

    /// Whether the words of this locale, or of what it is a form of (`de` of `de-AT`), are there.
    pub fn speaks(&self, locale: &str) -> bool {
        let found = self.choose_locale(Some(locale), "en");
        let language = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        language(&found) == language(locale)
    }

    /// The words of a locale, as [`Templates::choose_locale`] finds them.
    pub fn pack(&self, locale: &str) -> (&str, &Pack) {
        let chosen = self.choose_locale(Some(locale), "en");
        let (name, pack) = self.packs.get_key_value(&chosen).expect("English is always there");
        (name, pack)
    }

    /// Renders one template.
    pub fn render(&self, set: Set, form: Form, context: &Context) -> Result<String, TemplateError> {
        let (environment, most) = match set {
            Set::Chosen => (&self.chosen, MOST_OUTPUT),
            Set::Builtin => (&self.builtin, MOST_OUTPUT_BUILTIN),
        };
        let of_locale = format!("{}/{}", context.lang, form.file());
        let template = environment
            .get_template(&of_locale)
            .or_else(|_| environment.get_template(form.file()))
            .map_err(|error| TemplateError::of_engine(form.file(), &error))?;
        let mut output = Limited { most, bytes: Vec::new(), is_full: false };
        match template.render_captured_to(Value::from(Serde(context)), &mut output) {
            Ok(_) => {}
            Err(_) if output.is_full => return Err(too_long(template.name())),
            Err(error) if error.kind() == ErrorKind::OutOfFuel => return Err(too_much_work(template.name())),
            Err(error) => return Err(TemplateError::of_engine(template.name(), &error)),
        }
        String::from_utf8(output.bytes)
            .map_err(|_| TemplateError::of_file(template.name(), "wrote something that is not UTF-8".to_owned()))
    }
}

/// `wanted`, shortened part by part (`de-AT`, `de`), else the sender's the same way, else `en`.
pub fn choose_locale<'k>(wanted: Option<&str>, sender: &str, known: impl Fn(&str) -> Option<&'k String>) -> String {
    for locale in [wanted, Some(sender)].into_iter().flatten() {
        let mut shorter = locale.replace('_', "-");
        loop {
            if let Some(found) = known(&shorter) {
                return found.clone();
            }
            match shorter.rfind('-') {
                Some(dash) => shorter.truncate(dash),
                None => break,
            }
        }
    }
    "en".to_owned()
}

fn environment_with_builtin() -> Result<Environment<'static>, TemplateError> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(|error| TemplateError::of_engine("mail.txt", &error))?);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(50);
    // Errors then know the column; nothing of it is shown but the place.
    environment.set_debug(true);
    environment.add_filter("wrap", |text: String, hang: Option<usize>| wrap(&text, hang.unwrap_or(0).min(40)));
    for (name, source) in BUILTIN {
        environment.add_template(name, source).map_err(|error| TemplateError::of_engine(name, &error))?;
    }
    Ok(environment)
}

/// `Some("de")` for `de/words.toml`.
fn locale_of_words(path: &str) -> Result<Option<&str>, TemplateError> {
    if !path.ends_with(".toml") {
        return Ok(None);
    }
    match path.split_once('/') {
        Some((locale, WORDS)) if is_locale(locale) => Ok(Some(locale)),
        Some(_) | None => {
            let message = format!("the words of a language are in LOCALE/{WORDS}, for example de/{WORDS}");
            Err(TemplateError::of_file(path, message))
        }
    }
}

fn is_locale(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    (2..=8).contains(&language.len())
        && language.chars().all(|c| c.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric()))
}

fn is_template(path: &str) -> bool {
    path.ends_with(".txt") || path.ends_with(".html")
}

/// A template that nothing would ever render is a slip of its name.
fn check_place(
    path: &str,
    files: &BTreeMap<String, String>,
    packs: &BTreeMap<String, Pack>,
) -> Result<(), TemplateError> {
    let (folder, name) = match path.rsplit_once('/') {
        Some((folder, name)) => (Some(folder), name),
        None => (None, path),
    };
    if BUILTIN.iter().any(|(known, _)| *known == name) {
        return match folder {
            Some(locale) if !packs.contains_key(locale) => {
                let message = format!("there is no language `{locale}`: it needs a {locale}/{WORDS} beside it");
                Err(TemplateError::of_file(path, message))
            }
            Some(_) | None => Ok(()),
        };
    }
    let is_used = files.iter().any(|(other, content)| other != path && is_template(other) && content.contains(path));
    if is_used {
        return Ok(());
    }
    let message =
        format!("nothing uses `{path}`; the templates are mail.txt, mail.html and subject.txt, or LOCALE/mail.txt");
    Err(TemplateError::of_file(path, message))
}

fn too_long(file: &str) -> TemplateError {
    TemplateError::of_file(file, format!("writes more than {MOST_OUTPUT} bytes; a mail has to stay below that"))
}

fn too_much_work(file: &str) -> TemplateError {
    TemplateError::of_file(file, "works too long: a loop or an expression in it grows without end".to_owned())
}

/// Takes what a template writes, up to the limit.
#[derive(Debug)]
struct Limited {
    most: usize,
    bytes: Vec<u8>,
    is_full: bool,
}

impl io::Write for &mut Limited {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + part.len() > self.most {
            self.is_full = true;
            return Err(io::Error::other("the output is too long"));
        }
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, content: &str) -> Result<Templates, TemplateError> {
        Templates::load(&BTreeMap::from([(file.to_owned(), content.to_owned())]))
    }

    #[test]
    fn the_locale_falls_back_by_parts_then_to_the_senders_then_to_english() {
        let templates = Templates::builtin();
        let rows = [
            (Some("de-AT"), "en", "de"),
            (Some("DE"), "en", "de"),
            (Some("de_CH"), "en", "de"),
            (Some("fr-FR"), "de-DE", "de"),
            (Some("fr"), "it", "en"),
            (None, "de", "de"),
            (Some("den"), "en", "en"),
        ];
        for (wanted, sender, expected) in rows {
            assert_eq!(templates.choose_locale(wanted, sender), expected, "{wanted:?} {sender}");
        }
    }

    #[test]
    fn a_fault_in_a_template_names_file_line_and_column() {
        let rows = [
            ("mail.txt", "ok\n{% for %}", "mail.txt:2:8: syntax error"),
            ("mail.html", "{{ line1 | wrp }}", ""),
            ("mial.txt", "x", "mial.txt: nothing uses `mial.txt`"),
            ("fr/mail.txt", "x", "fr/mail.txt: there is no language `fr`"),
            ("words.toml", "", "words.toml: the words of a language are in LOCALE/words.toml"),
            ("de/words.toml", "[quote]\nx = 1", "de/words.toml:2:1: there is no phrase `quote.x`"),
        ];
        for (file, content, expected) in rows {
            let found = load(file, content).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(found.starts_with(expected) && found.is_empty() == expected.is_empty(), "{file}: {found}");
        }
    }

    #[test]
    fn the_built_in_templates_need_a_small_part_of_the_fuel() {
        let templates = Templates::builtin();
        let (locale, pack) = templates.pack("en");
        for (name, notice) in crate::render::samples::every_reason() {
            let sender = crate::render::samples::sender();
            let form = crate::render::subject::SubjectForm::Standing;
            let context = crate::render::context::context(&notice, pack, locale, "UTC", &sender, form);
            for file in Form::ALL {
                let template = templates.builtin.get_template(file.file()).unwrap();
                let captured = template.render_captured(Value::from(Serde(&context))).unwrap();
                let (used, _) = captured.state().fuel_levels().unwrap();
                assert!(used < FUEL / 20, "{name} {}: {used}", file.file());
            }
        }
    }

    #[test]
    fn a_template_may_include_one_of_the_users_own() {
        let files = BTreeMap::from([
            ("mail.txt".to_owned(), "{% include 'foot.txt' %}".to_owned()),
            ("foot.txt".to_owned(), "the foot".to_owned()),
        ]);
        assert!(Templates::load(&files).is_ok());
    }

    #[test]
    fn a_new_language_is_a_folder_with_its_words() {
        let english = include_str!("../../config/templates/en/words.toml");
        let templates = load("fr/words.toml", &english.replace("\"STARTED\"", "\"PANNE\"")).unwrap();
        assert_eq!(templates.pack("fr-CA").1.verdict.started, "PANNE");
    }
}
