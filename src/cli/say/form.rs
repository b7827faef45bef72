//! The form of `candor say` in `$EDITOR`: the update format, with what holds now as comments.
//!
//! What a person has written is never thrown away unsaid: a form that cannot be read, or is not said, is kept and
//! named. Deliberately absent: saying it (`say.rs`).

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::super::arguments::SayArguments;
use super::super::exit::Exit;
use super::super::{show, trigger};
use crate::domain::case::Story;
use crate::domain::incident::{Impact, Need, Phase};
use crate::feed::update_format::{self, UpdateFile};

/// A form with what holds now as comments; a line that is not filled in keeps it.
fn form(story: &Story, asked: &SayArguments) -> String {
    let facts = &story.case.facts;
    let given = |key: &str, value: &Option<String>, hint: &str| match value {
        Some(value) => format!("{key:<11} = {}\n", toml_text(value)),
        None => format!("#{key:<10} = {hint}\n"),
    };
    let title = facts.title.replace(['\n', '\r'], " ");
    let phases: Vec<&str> = Phase::ALL.into_iter().map(Phase::as_str).collect();
    let impacts: Vec<&str> = Impact::ALL.into_iter().map(Impact::as_str).collect();
    let needs: Vec<&str> = Need::ALL.into_iter().map(Need::as_str).collect();
    [
        format!("# {}: {title}\n", story.case.reference),
        format!("# Now: {}, {}. ", facts.phase.as_str(), facts.impact.map_or("impact not stated", Impact::as_str)),
        "Lines that begin with # keep what holds. Leave the body empty to say nothing.\n\n[incident]\n".to_owned(),
        given("phase", &asked.phase, &format!("\"{}\"  # {}", facts.phase.as_str(), phases.join(" | "))),
        given("impact", &asked.impact, &format!("\"major\"  # {}", impacts.join(" | "))),
        "#components = [\"payments\"]\n\n[update]\nbody = \"\"\"\n\n\"\"\"\n".to_owned(),
        given("action", &asked.action, "\"What clients are to do.\""),
        given("need", &asked.need, &format!("\"required\"  # {}", needs.join(" | "))),
        given("by", &asked.by, "\"1h\""),
        given("takes", &asked.takes, "\"5 minutes\""),
        given("next_update", &asked.next, "\"30m\""),
        given("report_by", &asked.report_by, "\"2026-11-27\""),
        if asked.sorry { "sorry       = true\n" } else { "#sorry      = true\n" }.to_owned(),
    ]
    .concat()
}

/// A basic string of TOML, which takes what JSON takes.
fn toml_text(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}

/// Opens the editor on a form, and reads what was filled in.
///
/// # Errors
/// There is no editor, it failed, or nothing was written, or what was written is at fault and has been kept.
pub fn filled_in(story: &Story, asked: &SayArguments) -> Result<(UpdateFile, Written), Exit> {
    let failed = |message: String| {
        show::problem(&message);
        Exit::Failed
    };
    let named = ["VISUAL", "EDITOR"].into_iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    let Some(editor) = named else {
        show::problem("there is no TEXT and no $EDITOR: candor say CASE \"what is to be said\"");
        return Err(Exit::Wrong);
    };
    let blank = form(story, asked);
    let written = Written::new(&blank).map_err(|error| failed(format!("no form could be written: {error}")))?;
    // As git does it: the editor may come with arguments of its own.
    let status = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!("{editor} \"$1\""))
        .arg("sh")
        .arg(&written.path)
        .status();
    let problem = match status {
        Ok(status) if status.success() => None,
        Ok(_) => Some("the editor ended with a failure; nothing was said".to_owned()),
        Err(error) => Some(format!("the editor could not be started: {error}")),
    };
    let text = std::fs::read_to_string(&written.path).unwrap_or_default();
    if problem.is_some() || text == blank || text.trim().is_empty() {
        let message = problem.unwrap_or_else(|| "the form was not filled in: nothing was said".to_owned());
        if text != blank && !text.trim().is_empty() {
            written.keep();
        }
        return Err(failed(message));
    }
    match parsed(&written.path, &text) {
        Ok(update) => Ok((update, written)),
        Err(exit) => {
            written.keep();
            Err(exit)
        }
    }
}

/// Reads a form that was kept.
///
/// # Errors
/// It cannot be read, or is at fault; it stays where it is.
pub fn read(kept: &Path) -> Result<UpdateFile, Exit> {
    let text = std::fs::read_to_string(kept).map_err(|error| {
        show::problem(&format!("{} cannot be read: {error}", kept.display()));
        Exit::Wrong
    })?;
    parsed(kept, &text)
}

fn parsed(path: &Path, text: &str) -> Result<UpdateFile, Exit> {
    let update = update_format::parse(text).map_err(|error| trigger::wrong_update(path, text, &error))?;
    if update.update.body.is_none() {
        show::problem("update.body is left out: nothing was said");
        return Err(Exit::Wrong);
    }
    Ok(update)
}

/// A filled-in form that only this user can read. It goes when its words have been said.
pub struct Written {
    path: PathBuf,
    is_kept: bool,
}

impl Written {
    fn new(text: &str) -> std::io::Result<Written> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let name = format!("candor-say-{}.toml", crate::passes::ids::state_id());
        let path = std::env::temp_dir().join(name);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(text.as_bytes())?;
        Ok(Written { path, is_kept: false })
    }

    /// Leaves it for another try, and says where it is.
    pub fn keep(mut self) {
        self.is_kept = true;
        let path = self.path.display();
        show::note(&format!("what you wrote is kept in {path}: mend it there, then `candor say CASE --form {path}`"));
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
