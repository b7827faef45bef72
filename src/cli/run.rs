//! `candor [run]`: the daemon, until SIGTERM or SIGINT.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::arguments::Arguments;
use super::exit::Exit;
use super::show;
use crate::config::locate;
use crate::daemon::node::{LostState, NodeError};
use crate::daemon::{clock, logging, run as daemon};

pub async fn run(arguments: &Arguments) -> Exit {
    logging::start(arguments.log_format, tracing::Level::INFO);
    let config = match locate::find(arguments.config.as_deref(), environment().as_deref()) {
        Ok(config) => config,
        Err(message) => {
            show::problem(&message);
            return Exit::Wrong;
        }
    };
    if let Ok(settings) = locate::load(&config) {
        let (state, mail_server) = (settings.state.display(), show::mail_server(&settings));
        tracing::info!(config = %config.display(), state = %state, mail_server = %mail_server, "starts");
    }
    let stop = CancellationToken::new();
    let reloads = Arc::new(tokio::sync::Notify::new());
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            show::problem(&format!("cannot listen for signals: {error}"));
            return Exit::Failed;
        }
    };
    let lost = if arguments.new_state { LostState::Replace } else { LostState::Refuse };
    let daemon = daemon::run(config, lost, clock::system(), stop.clone(), reloads.clone());
    tokio::pin!(daemon);
    let ended = loop {
        tokio::select! {
            ended = &mut daemon => break ended,
            signal = signals.next() => match signal {
                Signal::Stop => stop.cancel(),
                Signal::Reload => reloads.notify_one(),
            },
        }
    };
    match ended {
        Ok(()) => Exit::Done,
        Err(error) => failed(&error),
    }
}

/// The value of `$CANDOR_CONFIG`.
pub fn environment() -> Option<std::path::PathBuf> {
    std::env::var_os("CANDOR_CONFIG").map(Into::into)
}

/// Says why there is no node, and with which status to end.
pub fn failed(error: &NodeError) -> Exit {
    match error {
        NodeError::Files(found) => show::wrong(found),
        NodeError::HeldBy { .. } => {
            show::problem(&error.to_string());
            Exit::Failed
        }
        NodeError::Lost { .. } => {
            show::problem(&error.to_string());
            Exit::Wrong
        }
        NodeError::Fault(error) => show::fault(error),
    }
}

struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    reload: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            reload: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.reload.recv() => Signal::Reload,
        }
    }
}

enum Signal {
    Stop,
    Reload,
}
