//! `candor demo`: a recorded incident of a real supplier from its first word to its last, with nothing set up.
//!
//! The feed, the case, the plan, the templates and the channels are the ones that the daemon runs, and the page,
//! the mail server and the webhooks are real servers on this machine. Made up are the clients; turned by hand is
//! the clock. Deliberately absent: a network beyond this machine, and anything left behind, unless `--keep` asks
//! for it.

mod arrival;
mod audience;
mod folder;
mod inbox;
mod incident;
mod ledger;
mod letter;
mod message;
mod page;
mod replay;
mod smtp;
mod stage;

use std::path::Path;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::arguments::Arguments;
use super::exit::Exit;
use super::show;
use crate::config::settings::Listen;
use crate::daemon::logging;
use crate::passes::ids;
use crate::web::listener::Listener;
use crate::web::serve::{self, Limits};
use folder::{Addresses, Folder, FolderFault};
use inbox::Inbox;
use incident::Incident;
use page::Page;
use replay::{HandClock, Replay};

/// Plays the incident, within seconds.
pub async fn demo(arguments: &Arguments, keep: Option<&Path>) -> Exit {
    logging::start(arguments.log_format, tracing::Level::ERROR);
    let folder = match Folder::make(keep) {
        Ok(folder) => folder,
        Err(FolderFault::NotEmpty(path)) => {
            show::problem(&format!("--keep {path}: the folder is not empty; name a new one"));
            return Exit::Wrong;
        }
        Err(FolderFault::Cannot(error)) => {
            show::problem(&format!("{error:#}"));
            return Exit::Failed;
        }
    };
    let stopped = match Stop::listen() {
        Ok(stop) => stop,
        Err(error) => {
            show::problem(&format!("cannot listen for signals: {error}"));
            return Exit::Failed;
        }
    };
    // Whichever way it ends, the folder is removed when this function is left.
    tokio::select! {
        played = play(&folder) => match played {
            Ok(()) => Exit::Done,
            Err(error) => {
                show::problem(&format!("the demo did not come to its end: {error:#}"));
                Exit::Failed
            }
        },
        () = stopped.came() => {
            show::note("stopped; nothing of the demo goes on");
            Exit::Failed
        }
    }
}

/// Ctrl-C, a polite kill, and a terminal that is closed.
struct Stop([Signal; 3]);

impl Stop {
    fn listen() -> std::io::Result<Stop> {
        let [interrupt, terminate, hangup] = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Ok(Stop([signal(interrupt)?, signal(terminate)?, signal(hangup)?]))
    }

    async fn came(self) {
        let [mut interrupt, mut terminate, mut hangup] = self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

async fn play(folder: &Folder) -> anyhow::Result<()> {
    let clock = HandClock::at(incident::watch_begins());
    let secret = format!("whsec_{}", data_encoding::BASE64.encode(ids::state_id().as_bytes()));
    let inbox = Arc::new(Inbox::new(&secret)?);
    let page = Arc::new(Page::new(Incident::recorded()?, clock.clone(), inbox.clone()));
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    // Ended by Ctrl-C too: the tasks stop when the guard is dropped.
    let _stops_all = stop.clone().drop_guard();

    let anywhere = Listen::Tcp(std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
    let http = Listener::bind(&anywhere).await?;
    let mail = Listener::bind(&anywhere).await?;
    let addresses = Addresses { http: http.place(), smtp: mail.place(), secret };
    let limits = Limits { stop: std::time::Duration::from_millis(200), ..Limits::default() };
    tasks.spawn(serve::serve(http, page::router(page.clone()), limits, stop.clone()));
    tasks.spawn(smtp::serve(mail, inbox.clone(), stop.clone()));

    let config = folder.write_files(&addresses)?;
    let ended = Replay::open(&config, folder, clock, page, inbox).await?.run().await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    ended
}
