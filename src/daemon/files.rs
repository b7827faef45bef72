//! Reads what the configuration names: settings, playbook, templates. All of it or nothing.
//!
//! Deliberately absent: the client files, which are streamed into the store (`passes::book`).

use std::path::Path;

use crate::config::diagnostic::Diagnostic;
use crate::config::settings::{Settings, SubjectStyle};
use crate::config::{locate, playbook, templates_dir};
use crate::passes::current::Current;
use crate::render::subject::SubjectForm;
use crate::render::templates::Templates;
use crate::render::words::Words;

/// Reads all files anew.
///
/// # Errors
/// Every mistake found in the first file that has any.
pub fn read(config: &Path) -> Result<Current, Vec<Diagnostic>> {
    with_settings(locate::load(config)?)
}

/// The files that settings name.
///
/// # Errors
/// Every mistake found in the first file that has any.
pub fn with_settings(settings: Settings) -> Result<Current, Vec<Diagnostic>> {
    let entries = playbook::read(&settings.playbook, &settings.components)?;
    let overrides = templates_dir::read_templates(&settings.templates)
        .map_err(|error| vec![Diagnostic::whole_file(&settings.templates, format!("{error:#}"), None)])?;
    let templates = Templates::load(&overrides).map_err(|error| {
        let file = settings.templates.join(&error.file);
        vec![Diagnostic::whole_file(&file, error.to_string(), None)]
    })?;
    if !templates.speaks(&settings.sender.locale) {
        let known: Vec<&str> = templates.locales().collect();
        return Err(vec![locate::unknown_locale(&settings, &known)]);
    }
    let style = settings.email.as_ref().map_or(SubjectStyle::Standing, |email| email.subject);
    let form = match style {
        SubjectStyle::Standing => SubjectForm::Standing,
        SubjectStyle::Constant => SubjectForm::Constant,
    };
    let words = Words::new(templates, form);
    let faults = if overrides.is_empty() { Vec::new() } else { template_faults(&settings, &words) };
    if faults.is_empty() { Ok(Current::new(settings, entries, words)) } else { Err(faults) }
}

/// Every mistake that shows only when a template is rendered.
fn template_faults(settings: &Settings, words: &Words) -> Vec<Diagnostic> {
    let faults = words.check(&settings.sender).into_iter().map(|error| error.0);
    faults
        .map(|error| Diagnostic {
            line: error.line.unwrap_or(0),
            column: error.column.unwrap_or(1),
            ..Diagnostic::whole_file(&settings.templates.join(&error.file), error.message, None)
        })
        .collect()
}
