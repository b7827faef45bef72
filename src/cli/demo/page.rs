//! The demo's HTTP server: the status page as it is at the demo's time, and the endpoints that clients' webhooks
//! go to.
//!
//! Deliberately absent: judging the messages; an endpoint checks the signature, as its owner would.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};

use super::inbox::Inbox;
use super::incident::Incident;
use super::replay::HandClock;

/// What the server answers from.
pub struct Page {
    pub incident: Incident,
    clock: HandClock,
    inbox: Arc<Inbox>,
}

impl Page {
    pub fn new(incident: Incident, clock: HandClock, inbox: Arc<Inbox>) -> Page {
        Page { incident, clock, inbox }
    }
}

pub fn router(page: Arc<Page>) -> Router {
    Router::new()
        .route("/status/api/v2/{document}", get(document))
        .route("/hooks/{client}", post(hook))
        .with_state(page)
}

/// All three documents of a Statuspage are one here: each reader takes its own list out of it.
async fn document(State(page): State<Arc<Page>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    if !matches!(name.as_str(), "summary.json" | "incidents.json" | "scheduled-maintenances.json") {
        return StatusCode::NOT_FOUND.into_response();
    }
    let now = page.clock.now();
    let tag = format!("\"{}-posts\"", page.incident.posted(now));
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let body = page.incident.document(now).to_string();
    ([(CONTENT_TYPE, "application/json".to_owned()), (ETAG, tag)], body).into_response()
}

async fn hook(
    State(page): State<Arc<Page>>,
    Path(client): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    match page.inbox.take_webhook(client, &headers, &body, page.clock.now()) {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::UNAUTHORIZED,
    }
}
