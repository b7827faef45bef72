//! A client's endpoint: checks each signature, keeps each call, answers as the test says.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};
use axum::routing::post;
use candor::domain::signature::{self, WebhookSecret};
use jiff::Timestamp;
use serde_json::Value;

use super::HandClock;

/// The secret of every webhook contact in these tests.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[derive(Debug, Clone)]
pub struct Call {
    pub at: Timestamp,
    /// The last part of the path it came to.
    pub path: String,
    pub id: String,
    pub bytes: usize,
    pub body: Value,
    /// What it was answered with.
    pub status: u16,
}

/// What the next calls are answered with: a status, and `Retry-After` in seconds.
type Answer = (u16, Option<u32>);

struct Kept {
    clock: HandClock,
    next: VecDeque<Answer>,
    then: Answer,
    calls: Vec<Call>,
}

pub struct Receiver {
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub async fn start(clock: HandClock) -> Receiver {
        let kept = Arc::new(Mutex::new(Kept { clock, next: VecDeque::new(), then: (200, None), calls: Vec::new() }));
        let router = Router::new().route("/hooks/{name}", post(take)).with_state(kept.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Receiver { address, kept, task }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The next calls are answered so, one after the other.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = Answer>) {
        self.kept.lock().unwrap().next.extend(answers);
    }

    /// What has no answer of its own is answered so.
    pub fn answer_always(&self, status: u16) {
        self.kept.lock().unwrap().then = (status, None);
    }

    pub fn calls(&self) -> Vec<Call> {
        self.kept.lock().unwrap().calls.clone()
    }
}

async fn take(
    State(kept): State<Arc<Mutex<Kept>>>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let mut kept = kept.lock().unwrap();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (id, at) = (header("webhook-id"), kept.clock.now());
    let secret = WebhookSecret::parse(SECRET).unwrap();
    let proved =
        signature::verify(&[secret], &id, &header("webhook-timestamp"), &header("webhook-signature"), &body, at);
    if let Err(rejection) = proved {
        return Response::builder().status(418).body(Body::from(rejection.to_string())).unwrap();
    }
    let (status, retry_after) = kept.next.pop_front().unwrap_or(kept.then);
    let parsed = serde_json::from_slice(&body).expect("JSON");
    kept.calls.push(Call { at, path, id, bytes: body.len(), body: parsed, status });
    let answer = Response::builder().status(status);
    let answer = retry_after.into_iter().fold(answer, |answer, seconds| answer.header("retry-after", seconds));
    answer.body(Body::from("noted")).unwrap()
}
