//! A mistake in a file as a person sees it: file, line, column, key, what is wrong, what to do.
//!
//! Deliberately absent: values of addresses and secrets; the excerpt comes masked from [`super::excerpt`].

use std::fmt;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

pub use super::excerpt::Excerpt;

/// One mistake or one thing worth a word. Lines and columns count from 1, columns in characters; line 0 means
/// the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub file: PathBuf,
    pub line: usize,
    pub column: usize,
    /// The dotted path of the key, such as `feed[0].every`; empty for the file as a whole.
    pub key: String,
    pub message: String,
    pub help: Option<String>,
    pub excerpt: Option<Excerpt>,
    pub cause: Cause,
}

/// Whose fault it is: scripts tell the two apart by the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// What the file says.
    Content,
    /// This user may not read it.
    NoPermission,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

/// How a report is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawing {
    Plain,
    Coloured,
}

impl Diagnostic {
    /// A mistake of a file as a whole: it cannot be read, is too large, is no text.
    pub fn whole_file(file: &Path, message: impl Into<String>, help: Option<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            file: file.to_owned(),
            line: 0,
            column: 0,
            key: String::new(),
            message: message.into(),
            help,
            excerpt: None,
            cause: Cause::Content,
        }
    }

    /// A file that cannot be read.
    pub fn unreadable(file: &Path, error: &std::io::Error) -> Diagnostic {
        let (cause, help) = match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                (Cause::NoPermission, Some("this user may not read it: run the command as one who may"))
            }
            std::io::ErrorKind::NotFound => (Cause::Content, Some("write the file, or name the right one")),
            _ => (Cause::Content, None),
        };
        let whole = Diagnostic::whole_file(file, format!("cannot be read: {error}"), help.map(str::to_owned));
        Diagnostic { cause, ..whole }
    }

    /// The same as a warning: worth a word from `check`, no reason to refuse the file.
    pub fn as_warning(mut self) -> Diagnostic {
        self.severity = Severity::Warning;
        self
    }
}

/// The one-line form for logs: `file:line:column: key: message (help)`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        if !self.key.is_empty() {
            write!(f, " {}:", self.key)?;
        }
        write!(f, " {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// The report for a terminal: each mistake with its line of the file, the place underlined.
pub fn draw(diagnostics: &[Diagnostic], drawing: Drawing) -> String {
    let renderer = match drawing {
        Drawing::Plain => Renderer::plain(),
        Drawing::Coloured => Renderer::styled(),
    };
    let mut report = String::new();
    for diagnostic in diagnostics {
        report.push_str(&draw_one(diagnostic, &renderer));
        report.push_str("\n\n");
    }
    report.truncate(report.trim_end().len());
    report
}

fn draw_one(diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = match diagnostic.key.as_str() {
        "" => diagnostic.message.clone(),
        key => format!("{key}: {}", diagnostic.message),
    };
    let path = diagnostic.file.display().to_string();
    let mut group: Group<'_> = match &diagnostic.excerpt {
        Some(excerpt) => level.primary_title(title).element(
            Snippet::source(excerpt.text.as_str())
                .line_start(diagnostic.line)
                .path(path)
                .annotation(AnnotationKind::Primary.span(excerpt.span.clone())),
        ),
        None => level.primary_title(title).element(origin(path, diagnostic)),
    };
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

fn origin<'a>(path: String, diagnostic: &Diagnostic) -> annotate_snippets::Origin<'a> {
    let origin = annotate_snippets::Origin::path(path);
    if diagnostic.line == 0 {
        return origin;
    }
    origin.line(diagnostic.line).char_column(diagnostic.column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            file: "candor.toml".into(),
            line: 7,
            column: 9,
            key: "feed[0].every".into(),
            message: "\"3 s\" is shorter than 5s".into(),
            help: Some("write between 5s and 1d".into()),
            excerpt: Some(Excerpt { text: "every = \"3 s\"".into(), span: 8..13 }),
            cause: Cause::Content,
        }
    }

    #[test]
    fn a_log_line_names_file_line_column_key_and_mend() {
        assert_eq!(
            example().to_string(),
            "candor.toml:7:9: feed[0].every: \"3 s\" is shorter than 5s (write between 5s and 1d)"
        );
    }

    #[test]
    fn a_drawn_report_underlines_the_place() {
        let drawn = draw(&[example()], Drawing::Plain);
        for part in ["error: feed[0].every:", "candor.toml:7:9", "7 | every = \"3 s\"", "^^^^^", "write between"] {
            assert!(drawn.contains(part), "{drawn}\nlacks {part}");
        }
    }

    #[test]
    fn a_whole_file_is_drawn_without_a_line() {
        let drawn = draw(&[Diagnostic::whole_file(Path::new("x.toml"), "cannot be read", None)], Drawing::Plain);
        assert!(drawn.contains("cannot be read") && drawn.contains("x.toml"), "{drawn}");
    }
}
