//! Which path does what, and how an answer looks on the wire.
//!
//! Deliberately absent: how a webhook is proved and stored, what ready means and what is counted: the daemon
//! says so through [`Application`]. Pages for clients and the operator's console have their own files.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::config::settings::Listen;
use crate::hook::{HookAnswer, HookRequest};

/// The largest body of a webhook, in bytes.
pub const LARGEST_BODY: usize = 1024 * 1024;

/// A body up to that many bytes is read whenever it comes…
const SMALL_BODY: usize = 16 * 1024;
/// …and of larger ones so many at once.
const LARGE_BODIES: usize = 32;

/// What the daemon does behind the paths.
pub trait Application: Send + Sync + 'static {
    /// Whether there is such a hook, and the token in its path is right where it needs one. Asked before any of the
    /// body is read.
    fn admits(&self, name: &str, token: Option<&str>) -> bool;
    /// Proves, parses and stores a webhook; [`HookAnswer::Accepted`] only once it is on disk.
    fn hook(&self, request: HookRequest) -> impl Future<Output = HookAnswer> + Send;
    /// Whether work can be taken; the error is the reason why not, for the operator.
    fn ready(&self) -> impl Future<Output = Result<(), String>> + Send;
    /// All metrics in the OpenMetrics text format.
    fn metrics(&self) -> impl Future<Output = String> + Send;
}

/// Where the paths for operators are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdminPlace {
    /// On `listen`, beside the public paths.
    WithPublic,
    /// On `admin`, or nowhere when that is not set either.
    Apart,
}

impl AdminPlace {
    /// `[admin]` left out puts them on `listen`, but only as long as no `public_url` says that clients reach it.
    pub fn of(admin: Option<&Listen>, public_url: Option<&str>) -> AdminPlace {
        match (admin, public_url) {
            (None, None) => AdminPlace::WithPublic,
            (Some(_), _) | (None, Some(_)) => AdminPlace::Apart,
        }
    }
}

/// The paths of `listen`.
pub fn public_router<A: Application>(application: Arc<A>, place: AdminPlace) -> Router {
    let paths = match place {
        AdminPlace::WithPublic => public_paths().merge(admin_paths()),
        AdminPlace::Apart => public_paths(),
    };
    finished(paths, application)
}

/// The paths of `admin`.
pub fn admin_router<A: Application>(application: Arc<A>) -> Router {
    finished(admin_paths(), application)
}

fn public_paths<A: Application>() -> Router<Arc<A>> {
    Router::new()
        .route("/hooks/{name}", post(hook_by_name::<A>))
        .route("/hooks/{name}/{token}", post(hook_by_token::<A>))
        .route("/healthz", get(|| async { "alive\n" }))
}

fn admin_paths<A: Application>() -> Router<Arc<A>> {
    Router::new().route("/readyz", get(ready::<A>)).route("/metrics", get(metrics::<A>))
}

fn finished<A: Application>(paths: Router<Arc<A>>, application: Arc<A>) -> Router {
    let always = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
    };
    paths
        .fallback(|| async { plain(StatusCode::NOT_FOUND, "not found") })
        .method_not_allowed_fallback(|| async { plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed") })
        .with_state(application)
        .layer(Extension(Arc::new(Semaphore::new(LARGE_BODIES))))
        .layer(CatchPanicLayer::new())
        .layer(always(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(always(CACHE_CONTROL, "no-store"))
        .layer(always(REFERRER_POLICY, "no-referrer"))
        .layer(always(CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
}

async fn hook_by_name<A: Application>(
    State(application): State<Arc<A>>,
    path: Result<Path<String>, PathRejection>,
    Extension(bodies): Extension<Arc<Semaphore>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let path = path.map(|Path(name)| (name, None));
    take_hook(&*application, path, headers, body, &bodies).await
}

async fn hook_by_token<A: Application>(
    State(application): State<Arc<A>>,
    path: Result<Path<(String, String)>, PathRejection>,
    Extension(bodies): Extension<Arc<Semaphore>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let path = path.map(|Path((name, token))| (name, Some(token)));
    take_hook(&*application, path, headers, body, &bodies).await
}

async fn take_hook<A: Application>(
    application: &A,
    path: Result<(String, Option<String>), PathRejection>,
    headers: HeaderMap,
    body: Body,
    bodies: &Semaphore,
) -> Response {
    let Ok((name, token)) = path else {
        return answer(HookAnswer::NotFound);
    };
    if !application.admits(&name, token.as_deref()) {
        return answer(HookAnswer::NotFound);
    }
    let body = match whole(body, LARGEST_BODY, bodies).await {
        Ok(body) => body,
        Err(Incomplete::TooLarge) => return plain(StatusCode::PAYLOAD_TOO_LARGE, "larger than 1 MiB"),
        Err(Incomplete::BrokenOff) => return plain(StatusCode::BAD_REQUEST, "the body broke off"),
    };
    answer(application.hook(HookRequest { name, token, headers, body }).await)
}

fn answer(answer: HookAnswer) -> Response {
    match answer {
        HookAnswer::Accepted => plain(StatusCode::ACCEPTED, "accepted"),
        HookAnswer::BadBody(reason) => plain(StatusCode::BAD_REQUEST, &reason),
        HookAnswer::BadSignature => plain(StatusCode::UNAUTHORIZED, "not authorized"),
        HookAnswer::NotFound => plain(StatusCode::NOT_FOUND, "not found"),
        HookAnswer::Unavailable { retry_after_seconds } => {
            let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, "cannot be stored now");
            response.headers_mut().insert(RETRY_AFTER, retry_after_seconds.into());
            response
        }
    }
}

async fn ready<A: Application>(State(application): State<Arc<A>>) -> Response {
    match application.ready().await {
        Ok(()) => plain(StatusCode::OK, "ready"),
        Err(reason) => plain(StatusCode::SERVICE_UNAVAILABLE, &reason),
    }
}

async fn metrics<A: Application>(State(application): State<Arc<A>>) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, OPEN_METRICS)], application.metrics().await).into_response()
}

fn plain(status: StatusCode, words: &str) -> Response {
    (status, format!("{words}\n")).into_response()
}

/// Why a body was not taken.
enum Incomplete {
    TooLarge,
    BrokenOff,
}

/// Reads a body of at most `most` bytes, whether its length was announced or not. What is too large is kept no
/// longer, but read on for as much again: a client that hears nothing until it has sent all would otherwise see
/// its connection reset in place of our answer. What is announced as larger than that is not read at all.
async fn whole(mut body: Body, most: usize, bodies: &Semaphore) -> Result<Bytes, Incomplete> {
    let bearable = most.saturating_mul(2);
    if body.size_hint().lower() > bearable as u64 {
        return Err(Incomplete::TooLarge);
    }
    let (mut kept, mut length) = (Vec::new(), 0usize);
    let mut place = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Incomplete::BrokenOff)?.into_data() else { continue };
        length = length.saturating_add(data.len());
        if length > SMALL_BODY && place.is_none() {
            place = bodies.acquire().await.ok();
        }
        if length <= most {
            kept.extend_from_slice(&data);
        } else if length <= bearable {
            kept = Vec::new();
        } else {
            return Err(Incomplete::TooLarge);
        }
    }
    if length <= most { Ok(kept.into()) } else { Err(Incomplete::TooLarge) }
}

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;
