//! The daemon: one straight function up, its mirror down.
//!
//! Deliberately absent: the work of the passes, and any state that a restart would have to rebuild.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::front::Front;
use super::node::{LostState, Node, NodeError};
use super::readers::Readers;
use super::repeat::{Found, Progress, Repeat};
use super::watch::Watches;
use super::{clock, heartbeat, reload, systemd};
use crate::domain::client::Channel;
use crate::passes::lanes::Lanes;
use crate::passes::{Clock, Shared, deliver, dispatch, keep, operator, rehearsal};
use crate::web::listener::Listener;
use crate::web::routes::{self, AdminPlace};
use crate::web::serve::{self, Limits};

/// How often a pass looks without being woken: another process may have written.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often a pass under way is asked whether it moves.
const WATCH_EVERY: Duration = Duration::from_secs(2);
const EPOCH_EVERY: Duration = Duration::from_secs(10);
const PRUNE_EVERY: Duration = Duration::from_secs(3600);
/// What is under way when we are told to stop has that long.
const STOP_WITHIN: Duration = Duration::from_secs(9);

/// Runs until `stop`. `reloads` is woken by SIGHUP.
///
/// # Errors
/// The files are at fault, the state is held or cannot be opened, a listener cannot be bound, or the store broke.
pub async fn run(
    config: PathBuf,
    lost: LostState,
    clock: Clock,
    stop: CancellationToken,
    reloads: Arc<tokio::sync::Notify>,
) -> Result<(), NodeError> {
    let node = Node::open_as(&config, clock, lost).await?;
    let listeners = bind(&node.shared).await?;
    let shared = node.shared.clone();
    let places: Vec<String> = listeners.iter().map(|(listener, _)| listener.place()).collect();

    let tasks = TaskTracker::new();
    let progress = Progress::default();
    let quick = stop.child_token();
    serve_all(&tasks, &shared, listeners, &quick);
    spawn_passes(&tasks, node, &progress, &quick);
    let watches = Watches::start(&tasks, &shared, &quick);
    spawn_upkeep(&tasks, &shared, &progress, &quick);
    spawn_reloads(&tasks, watches, config, reloads, &quick);

    announce(&shared, &places).await;
    reload::say_who_follows_what_is_gone(&shared).await;
    if rehearsal::is_on(&shared) {
        rehearsal::say_who_waits(&shared).await;
    }
    systemd::ready("following the feeds");
    let broken = tokio::select! {
        () = stop.cancelled() => None,
        why = shared.store.broken() => Some(why),
    };
    systemd::stopping();
    quick.cancel();
    tasks.close();
    if tokio::time::timeout(STOP_WITHIN, tasks.wait()).await.is_err() {
        tracing::warn!("stopped before all was done; what was under way is uncertain and looked at by the next start");
    }
    shared.store.close().await;
    match broken {
        None => {
            tracing::info!("stopped");
            Ok(())
        }
        Some(why) => Err(NodeError::Fault(anyhow::anyhow!(
            "the store is broken ({why}); nothing that it holds is trusted any more"
        ))),
    }
}

async fn bind(shared: &Shared) -> Result<Vec<(Listener, Face)>, NodeError> {
    let settings = shared.current.load().settings.clone();
    let mut listeners = Vec::new();
    if let Some(listen) = &settings.listen {
        let listener = Listener::bind(listen).await.context("`listen` cannot be used")?;
        let place = AdminPlace::of(settings.admin.as_ref(), settings.public_url.as_deref());
        listeners.push((listener, Face::Public(place)));
    }
    if let Some(admin) = &settings.admin {
        listeners.push((Listener::bind(admin).await.context("`admin` cannot be used")?, Face::Admin));
    }
    Ok(listeners)
}

enum Face {
    Public(AdminPlace),
    Admin,
}

fn serve_all(tasks: &TaskTracker, shared: &Shared, listeners: Vec<(Listener, Face)>, stop: &CancellationToken) {
    // Of all connections that are taken so many are kept for whoever watches, however many clients come.
    const FOR_ADMIN: usize = 50;
    const MOST: usize = serve::MOST_CONNECTIONS;
    let both = listeners.len() > 1;
    let front = Arc::new(Front { shared: shared.clone() });
    for (listener, face) in listeners {
        let (router, connections) = match face {
            Face::Public(place) if both => (routes::public_router(front.clone(), place), MOST - FOR_ADMIN),
            Face::Public(place) => (routes::public_router(front.clone(), place), MOST),
            Face::Admin => (routes::admin_router(front.clone()), FOR_ADMIN),
        };
        let limits = Limits { connections, ..Limits::default() };
        tasks.spawn(serve::serve(listener, router, limits, stop.clone()));
    }
}

fn spawn_passes(tasks: &TaskTracker, node: Node, progress: &Progress, stop: &CancellationToken) {
    let Node { shared, feeds, email, webhook, lock } = node;
    let readers = Readers::new(shared.clone(), feeds, tasks.clone(), stop.clone());
    let (s, p, t) = (shared.clone(), progress.clone(), stop.clone());
    tasks.spawn(async move {
        let repeat = Repeat { name: "ingest", every: LOOK_EVERY, wake: &s.wakes.ingest, stop: &t, progress: &p };
        repeat.run(|| readers.begin_due()).await;
    });
    let (s, p, t) = (shared.clone(), progress.clone(), stop.clone());
    tasks.spawn(async move {
        let repeat = Repeat { name: "dispatch", every: LOOK_EVERY, wake: &s.wakes.dispatch, stop: &t, progress: &p };
        repeat
            .run(|| async {
                let report = dispatch::pass(&s, s.clock.now()).await?;
                Ok(if report.changes > 0 { Found::Work } else { Found::Nothing })
            })
            .await;
    });
    let (s, p, t) = (shared.clone(), progress.clone(), stop.clone());
    tasks.spawn(async move {
        let _held_until_the_end = lock;
        let repeat = Repeat { name: "keep", every: LOOK_EVERY, wake: &s.wakes.keep, stop: &t, progress: &p };
        let sleeps = clock::Sleeps::watch(&s.clock);
        repeat
            .run(|| async {
                if sleeps.has_slept(&s.clock) {
                    tracing::warn!("the machine has slept, or its clock was set: nothing is called unchanged before the feeds are read");
                    s.wakes_up(s.clock.now());
                }
                keep::pass(&s, s.clock.now()).await.map(|_| Found::Nothing)
            })
            .await;
        t.cancelled().await;
    });
    let (s, p, t) = (shared.clone(), progress.clone(), stop.clone());
    tasks.spawn(async move {
        let repeat = Repeat { name: "operator", every: LOOK_EVERY, wake: &s.operator.wake, stop: &t, progress: &p };
        repeat.run(|| async { operator::pass(&s, s.clock.now()).await.map(|_| Found::Nothing) }).await;
    });
    tasks.spawn(send(shared.clone(), Channel::Email, email, progress.clone(), stop.clone()));
    tasks.spawn(send(shared, Channel::Webhook, webhook, progress.clone(), stop.clone()));
}

/// One message may rightly take ten minutes: what has to move is the sending as a whole, which looks around each second.
async fn send(shared: Shared, channel: Channel, mut lanes: Lanes, progress: Progress, stop: CancellationToken) {
    let name = match channel {
        Channel::Email => "deliver email",
        Channel::Webhook => "deliver webhook",
    };
    let wake = shared.wakes.of(channel);
    let lanes = tokio::sync::Mutex::new((&mut lanes, 0_u32));
    let repeat = Repeat { name, every: LOOK_EVERY, wake, stop: &stop, progress: &progress };
    repeat
        .run(|| async {
            let mut guard = lanes.lock().await;
            let (lanes, idle) = &mut *guard;
            lanes.refresh(&shared.current.load_full());
            let pass = deliver::pass(&shared, channel, lanes, &stop);
            let report = watched(pass, name, &progress, || shared.pulse.beats(channel)).await?;
            let sent = report.delivered + report.failed;
            *idle = if sent > 0 { 0 } else { idle.saturating_add(1) };
            // Twenty looks without work, ten seconds: the connections are left.
            if *idle == 20 {
                lanes.rest().await;
            }
            Ok(if sent > 0 { Found::Work } else { Found::Nothing })
        })
        .await;
    lanes.into_inner().0.rest().await;
}

/// Counts a long pass as moving as long as its own beats go on.
async fn watched<T>(
    pass: impl Future<Output = T>,
    name: &'static str,
    progress: &Progress,
    beats: impl Fn() -> u64,
) -> T {
    tokio::pin!(pass);
    let mut before = beats();
    loop {
        tokio::select! {
            done = &mut pass => return done,
            () = tokio::time::sleep(WATCH_EVERY) => {}
        }
        if beats() != before {
            progress.beat(name);
        }
        before = beats();
    }
}

fn spawn_upkeep(tasks: &TaskTracker, shared: &Shared, progress: &Progress, stop: &CancellationToken) {
    let (s, t) = (shared.clone(), stop.clone());
    tasks.spawn(async move {
        while every(EPOCH_EVERY, &t).await {
            match s.store.renew_epoch(s.epoch, s.clock.now()).await {
                Ok(true) => {}
                Ok(false) => tracing::error!("another daemon has begun a newer epoch on this state"),
                Err(error) => tracing::error!(error = %error, "the epoch could not be renewed"),
            }
        }
    });
    let (s, t) = (shared.clone(), stop.clone());
    tasks.spawn(async move {
        while every(PRUNE_EVERY, &t).await {
            match keep::prune(&s, s.clock.now()).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, "old cases are deleted"),
                Err(error) => tracing::error!(error = %error, "old cases could not be deleted"),
            }
        }
    });
    let (s, p, t) = (shared.clone(), progress.clone(), stop.clone());
    tasks.spawn(async move { heartbeat::run(&s, &p, &t).await });
    let (p, t) = (progress.clone(), stop.clone());
    tasks.spawn(async move { systemd::watchdog(&p, &t).await });
}

/// Waits; `false` when it is time to stop.
async fn every(interval: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(interval) => true,
    }
}

fn spawn_reloads(
    tasks: &TaskTracker,
    mut watches: Watches,
    config: PathBuf,
    reloads: Arc<tokio::sync::Notify>,
    stop: &CancellationToken,
) {
    let stop = stop.clone();
    tasks.spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = reloads.notified() => watches.reload(&config).await,
            }
        }
    });
}

async fn announce(shared: &Shared, places: &[String]) {
    let current = shared.current.load();
    let settings = &current.settings;
    for word in current.asked_in_vain() {
        tracing::warn!(key = word, "set, and not in this release");
    }
    if let Ok(book) = shared.store.book_counts().await
        && book.without_priorities > 0
    {
        tracing::warn!(
            clients = book.without_priorities,
            of = book.clients,
            "clients without priorities are told nothing"
        );
    }
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        config = %settings.file.display(),
        state = %settings.state.display(),
        feeds = settings.feeds.len(),
        hooks = settings.hooks.len(),
        listening = %places.join(", "),
        "candor is ready"
    );
}
