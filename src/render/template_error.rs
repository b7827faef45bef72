//! What is wrong with a file of the templates folder, told with file, line and column.
//!
//! Deliberately absent: the folder itself; a file is named by its path inside it.

use thiserror::Error;

/// A fault in one template or pack, as written by a user.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}{message}", place(.file, .line, .column))]
pub struct TemplateError {
    /// Relative to the templates folder, e.g. `de/words.toml`.
    pub file: String,
    /// From 1, where known.
    pub line: Option<usize>,
    /// In characters, from 1, where known.
    pub column: Option<usize>,
    /// What was found, what is allowed, and what to do.
    pub message: String,
}

impl TemplateError {
    pub(super) fn of_file(file: &str, message: String) -> TemplateError {
        TemplateError { file: file.to_owned(), line: None, column: None, message }
    }

    /// `offset`: the byte of `text` where the fault stands.
    pub(super) fn at_offset(file: &str, text: &str, offset: usize, message: String) -> TemplateError {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        TemplateError {
            file: file.to_owned(),
            line: Some(before.matches('\n').count() + 1),
            column: Some(before[line_start..].chars().count() + 1),
            message,
        }
    }

    pub(super) fn of_engine(file: &str, error: &minijinja::Error) -> TemplateError {
        let message = match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        let file = error.name().unwrap_or(file);
        match (error.range(), error.template_source()) {
            (Some(range), Some(source)) => TemplateError::at_offset(file, source, range.start, message),
            _ => TemplateError { line: error.line(), ..TemplateError::of_file(file, message) },
        }
    }
}

fn place(file: &str, line: &Option<usize>, column: &Option<usize>) -> String {
    match (line, column) {
        (Some(line), Some(column)) => format!("{file}:{line}:{column}: "),
        (Some(line), None) => format!("{file}:{line}: "),
        (None, _) => format!("{file}: "),
    }
}
