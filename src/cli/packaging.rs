//! `candor completions SHELL` and `candor man`: made from the arguments themselves, for packages.

use clap::CommandFactory as _;

use super::arguments::Arguments;
use super::exit::Exit;
use super::show;

pub fn completions(shell: clap_complete::Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "candor", &mut script);
    show::result(&String::from_utf8_lossy(&script));
    Exit::Done
}

/// One page for the command and all that it can do.
pub fn manual() -> Exit {
    match page() {
        Ok(page) => {
            show::result(&page);
            Exit::Done
        }
        Err(error) => show::fault(&error.into()),
    }
}

fn page() -> std::io::Result<String> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let page = clap_mangen::Man::new(command.clone());
    let mut roff = Vec::new();
    page.render_title(&mut roff)?;
    page.render_name_section(&mut roff)?;
    page.render_synopsis_section(&mut roff)?;
    page.render_description_section(&mut roff)?;
    page.render_options_section(&mut roff)?;
    for sub in command.get_subcommands() {
        part(sub, &mut roff)?;
    }
    page.render_version_section(&mut roff)?;
    Ok(String::from_utf8_lossy(&roff).into_owned())
}

/// A command of ours as a section of its own, with its synopsis and options.
fn part(command: &clap::Command, roff: &mut Vec<u8>) -> std::io::Result<()> {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_uppercase();
    let mut body = Vec::new();
    // What every command has stands once, at the top.
    let own = command.clone().mut_args(|argument| {
        let is_shared = argument.is_global_set() || argument.get_id() == "help";
        argument.hide(is_shared)
    });
    let page = clap_mangen::Man::new(own);
    page.render_synopsis_section(&mut body)?;
    page.render_description_section(&mut body)?;
    page.render_options_section(&mut body)?;
    let body = String::from_utf8_lossy(&body).replace(".SH SYNOPSIS", "").replace(".SH DESCRIPTION", ".PP");
    let body = body.replace(".SH OPTIONS", ".PP");
    let body: Vec<&str> = body
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with(".ie ") && !line.starts_with(".el "))
        .collect();
    roff.extend_from_slice(format!(".SH \"{name}\"\n{}\n", body.join("\n")).as_bytes());
    for sub in command.get_subcommands() {
        part(sub, roff)?;
    }
    Ok(())
}
