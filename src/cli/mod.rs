//! One file a command. Results go to standard output, everything else to standard error.
//!
//! Exit status: 0 done; 1 it failed; 2 the call, the configuration or the update is wrong; 3 with `--wait`: some
//! client was not reached, or nobody was concerned. Deliberately absent: the work, which the passes do.

pub mod arguments;
pub mod check;
pub mod demo;
pub mod dry_run;
pub mod exit;
pub mod run;
pub mod show;
pub mod trigger;
pub mod wait;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Command};
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
    runtime.block_on(dispatch(arguments)).into()
}

async fn dispatch(arguments: Arguments) -> Exit {
    if arguments.trigger.is_some() {
        return trigger::trigger(&arguments).await;
    }
    match arguments.command.clone().unwrap_or(Command::Run) {
        Command::Run => run::run(&arguments).await,
        Command::Demo { keep } => demo::demo(&arguments, keep.as_deref()).await,
        Command::Check { online } => check::check(&arguments, online).await,
    }
}
