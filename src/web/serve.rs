//! Takes connections and holds each to its limits. axum's own `serve` has none: a client that sends half a
//! line keeps its connection for ever there.
//!
//! Deliberately absent: paths and answers (`routes`), and a limit per address, since behind a proxy all share one.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::timeout::TimeoutLayer;

use super::listener::{Connection, Listener};
use super::opening::Opening;

/// What a connection and all of them together may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// At once; who comes later waits in the system's queue until one ends.
    pub connections: usize,
    /// For the head of a request, and for silence between two requests.
    pub head: Duration,
    /// For the rest of a request: its body and our answer.
    pub request: Duration,
    /// For a connection, however busy: after it no new request is taken, and the last one may end.
    pub lifetime: Duration,
    /// For the requests under way when we stop.
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: MOST_CONNECTIONS,
            head: Duration::from_secs(5),
            request: Duration::from_secs(15),
            lifetime: Duration::from_secs(10 * 60),
            stop: Duration::from_secs(5),
        }
    }
}

/// On all listeners together.
pub const MOST_CONNECTIONS: usize = 1_000;
/// All header lines of a request together, in bytes.
const LARGEST_HEAD: usize = 32 * 1024;
/// HTTP/2 requests at once on one connection.
const STREAMS: u32 = 8;
/// How long to wait when the system has no file descriptor left for a connection.
const EXHAUSTED: Duration = Duration::from_millis(200);

/// Serves the router until `stop` is cancelled; then closes the listener, lets requests under way finish within
/// `limits.stop`, cuts the rest and returns.
pub async fn serve(listener: Listener, router: Router, limits: Limits, stop: CancellationToken) {
    let router = router.layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, limits.request));
    let mut places = Places { free: Arc::new(Semaphore::new(limits.connections)), taken: Taken::Some };
    let (cut, tasks) = (CancellationToken::new(), TaskTracker::new());
    while let Some((stream, place)) = stop.run_until_cancelled(next_connection(&listener, &mut places)).await {
        let (router, stop, cut) = (router.clone(), stop.clone(), cut.clone());
        tasks.spawn(async move {
            cut.run_until_cancelled(attend(stream, router, limits, stop)).await;
            drop(place);
        });
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(limits.stop, tasks.wait()).await.is_err() {
        tracing::warn!(connections = tasks.len(), "requests under way were cut at the stop");
        cut.cancel();
        tasks.wait().await;
    }
}

/// As many places as connections are allowed.
struct Places {
    free: Arc<Semaphore>,
    taken: Taken,
}

#[derive(PartialEq, Eq)]
enum Taken {
    Some,
    All,
}

impl Places {
    /// Waits for a place. Running out is logged once, until it is over.
    async fn take(&mut self) -> OwnedSemaphorePermit {
        let taken = if self.free.available_permits() == 0 { Taken::All } else { Taken::Some };
        if taken == Taken::All && self.taken == Taken::Some {
            tracing::warn!("all places for HTTP connections are taken; new ones wait");
        }
        self.taken = taken;
        self.free.clone().acquire_owned().await.expect("the semaphore is never closed")
    }
}

/// The next connection, once there is a place for it. An accept that fails is no reason to stop listening.
async fn next_connection(listener: &Listener, places: &mut Places) -> (Box<dyn Connection>, OwnedSemaphorePermit) {
    let place = places.take().await;
    loop {
        match listener.accept().await {
            Ok(stream) => return (stream, place),
            Err(error) => {
                tracing::warn!(error.kind = %error.kind(), "an HTTP connection could not be accepted");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
}

/// Serves one connection to its end. Its errors are the other side's and of no consequence.
async fn attend(stream: Box<dyn Connection>, router: Router, limits: Limits, stop: CancellationToken) {
    let builder = protocols(limits);
    let io = TokioIo::new(Opening::new(stream, limits.head));
    let connection = builder.serve_connection(io, TowerToHyperService::new(router));
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => {}
        () = tokio::time::sleep(limits.lifetime) => {}
    }
    connection.as_mut().graceful_shutdown();
    // Longer than any request may take. What is left then is a client that does not read its answer.
    let _ = tokio::time::timeout(limits.head + limits.request, connection).await;
}

fn protocols(limits: Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(LARGEST_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(LARGEST_HEAD as u32)
        .max_pending_accept_reset_streams(16)
        .keep_alive_interval(limits.request)
        .keep_alive_timeout(limits.head);
    builder
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
