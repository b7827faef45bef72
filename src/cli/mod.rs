//! One file a command. Results go to standard output, everything else to standard error.
//!
//! Exit status: 0 done; 1 it failed; 2 the call, the configuration or the update is wrong; 3 with `--wait`: some
//! client was not reached, or nobody was concerned. Deliberately absent: the work, which the passes do.

pub mod arguments;
pub mod case;
pub mod case_text;
pub mod case_view;
pub mod cases;
pub mod check;
pub mod check_online;
pub mod clients;
pub mod decide;
pub mod deliveries;
pub mod demo;
pub mod dry_run;
pub mod exit;
pub mod held;
pub mod listing;
pub mod opening;
pub mod outlook;
pub mod packaging;
pub mod preview;
pub mod promises;
pub mod run;
pub mod say;
pub mod show;
pub mod trigger;
pub mod wait;

use std::process::ExitCode;

use clap::Parser as _;

use crate::store::rows::CaseFilter;
use arguments::{Arguments, ClientsCommand, Command};
use deliveries::{Asked, Only};
use exit::Exit;

/// Reads the arguments, runs the command, and says how it went.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are results; everything else is a wrong call.
            let _ = error.print();
            return if error.use_stderr() { Exit::Wrong.into() } else { Exit::Done.into() };
        }
    };
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        show::problem("another TLS provider is installed already");
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            show::problem(&format!("cannot start: {error}"));
            return Exit::Failed.into();
        }
    };
    show::ended(runtime.block_on(dispatch(arguments))).into()
}

async fn dispatch(arguments: Arguments) -> Exit {
    if arguments.trigger.is_some() {
        if arguments.command.is_some() {
            show::problem("--trigger stands alone: leave the command out");
            return Exit::Wrong;
        }
        return trigger::trigger(&arguments).await;
    }
    match arguments.command.clone().unwrap_or(Command::Run) {
        Command::Run => run::run(&arguments).await,
        Command::Demo { keep } => demo::demo(&arguments, keep.as_deref()).await,
        Command::Check { online } => {
            check::check(&arguments, if online { check::Asks::Others } else { check::Asks::Nobody }).await
        }
        Command::Preview { file, output } => preview::preview(&arguments, file.as_deref(), output.as_deref()).await,
        Command::Cases { all } => {
            cases::cases(&arguments, if all { CaseFilter::All } else { CaseFilter::OpenOrOwed }).await
        }
        Command::Case(flags) => match decide::asked(&flags) {
            None => case::case(&arguments, &flags.case).await,
            Some(decision) => decide::decide(&arguments, &flags.case, &decision).await,
        },
        Command::Say(asked) => say::say(&arguments, &asked).await,
        Command::Deliveries { operator: true, .. } => deliveries::deliveries(&arguments, &Asked::Operator).await,
        Command::Deliveries { failed, all, case, operator: false } => {
            deliveries::deliveries(&arguments, &asked_deliveries(failed, all, case)).await
        }
        Command::Promises { case, broken, all } => {
            promises::promises(&arguments, &asked_promises(case, broken, all)).await
        }
        Command::Retry { ids, all: _ } => deliveries::retry(&arguments, &ids).await,
        Command::Clients { command: ClientsCommand::Secret { id } } => clients::secret(&arguments, &id),
        Command::Completions { shell } => packaging::completions(shell),
        Command::Man => packaging::manual(),
    }
}

#[expect(clippy::fn_params_excessive_bools, reason = "these are the flags as clap reads them")]
fn asked_deliveries(failed: bool, all: bool, case: Option<String>) -> Asked {
    match (case, failed, all) {
        (Some(named), true, _) => Asked::Case { named, only: Only::Failed },
        (Some(named), false, _) => Asked::Case { named, only: Only::Everything },
        (None, true, _) => Asked::Failed,
        (None, false, true) => Asked::All,
        (None, false, false) => Asked::Unsettled,
    }
}

#[expect(clippy::fn_params_excessive_bools, reason = "these are the flags as clap reads them")]
fn asked_promises(case: Option<String>, broken: bool, all: bool) -> promises::Asked {
    match (case, broken, all) {
        (Some(named), _, _) => promises::Asked::Case(named),
        (None, true, _) => promises::Asked::Broken,
        (None, false, true) => promises::Asked::All,
        (None, false, false) => promises::Asked::Open,
    }
}
