//! A status page that plays recorded reads of `summary.json`, step by step, at the test's word.
//!
//! The captures hold `summary.json` only. `incidents.json` and `scheduled-maintenances.json` are made here from
//! the incidents last seen: one that has left the summary appears there resolved (completed), with what the
//! Atom capture says after the last update seen, else with [`OUR_CLOSING_WORDS`]. Needs `replay_atom` beside it.
#![allow(dead_code, reason = "each test uses the part of it that it needs")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::routing::get;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::replay_atom;

/// What a closing update says where no capture has the source's own words.
pub const OUR_CLOSING_WORDS: &str = "[Written for the replay, not by the source] This incident has been resolved.";

/// One recorded read: when it was made, and its bytes, which may be none.
#[derive(Debug, Clone)]
pub struct Step {
    pub read_at: jiff::Timestamp,
    pub body: Vec<u8>,
}

/// Reads a folder under `tests/fixtures/feeds/github`, in the order of names.
pub fn recorded(folder: &str) -> Vec<Step> {
    let folder = fixtures().join("github").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| Step { read_at: time_in(file), body: std::fs::read(file).unwrap() }).collect()
}

fn fixtures() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/feeds"))
}

/// The time in a name such as `01-20240121T035232Z.summary.json`.
fn time_in(file: &std::path::Path) -> jiff::Timestamp {
    let name = file.file_name().unwrap().to_str().unwrap();
    let stamp = name.split('.').next().unwrap().rsplit('-').next().unwrap();
    let parsed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", stamp).unwrap();
    parsed.to_zoned_datetime(jiff::tz::TimeZone::UTC).unwrap().timestamp()
}

/// One answer that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub path: String,
    pub status: u16,
}

struct Replay {
    steps: Vec<Step>,
    current: usize,
    atoms: Vec<String>,
    page: Value,
    /// By id.
    seen: BTreeMap<String, Remembered>,
    hidden: BTreeSet<String>,
    lists: Lists,
    fails_with: Option<u16>,
    answered: Vec<Answered>,
}

#[derive(PartialEq)]
enum Lists {
    AsSeen,
    Empty,
}

/// An incident as last seen, or as closed by us, and the list that it belongs to.
struct Remembered {
    list: &'static str,
    incident: Value,
}

/// Serves the current step on 127.0.0.1 until it is dropped.
pub struct ReplayServer {
    address: SocketAddr,
    replay: Arc<Mutex<Replay>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for ReplayServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ReplayServer {
    /// Starts at the first step.
    pub async fn start(steps: Vec<Step>) -> ReplayServer {
        let atoms = std::fs::read_dir(fixtures().join("github/atom")).unwrap();
        let mut atoms: Vec<PathBuf> = atoms.map(|entry| entry.unwrap().path()).collect();
        atoms.sort();
        let atoms = atoms.iter().map(|atom| std::fs::read_to_string(atom).unwrap()).collect();
        let mut replay = Replay {
            steps,
            current: 0,
            atoms,
            page: json!({"id": "kctbh9vrtdwd", "name": "GitHub", "url": "https://www.githubstatus.com"}),
            seen: BTreeMap::new(),
            hidden: BTreeSet::new(),
            lists: Lists::AsSeen,
            fails_with: None,
            answered: Vec::new(),
        };
        replay.remember();
        let replay = Arc::new(Mutex::new(replay));
        let router = Router::new()
            .route("/api/v2/{document}", get(document))
            .route("/incidents/{id}", get(permalink))
            .with_state(replay.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        ReplayServer { address, replay, task }
    }

    /// The page's address, as a feed's `url` names it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// When the current step was recorded.
    pub fn read_at(&self) -> jiff::Timestamp {
        let replay = self.replay();
        replay.steps[replay.current].read_at
    }

    /// Goes to the next step; `None` at the end.
    pub fn advance(&self) -> Option<jiff::Timestamp> {
        let mut replay = self.replay();
        if replay.current + 1 == replay.steps.len() {
            return None;
        }
        replay.current += 1;
        replay.remember();
        Some(replay.steps[replay.current].read_at)
    }

    /// From now on both lists are without any entry, as if everything had been deleted.
    pub fn empty_the_lists(&self) {
        self.replay().lists = Lists::Empty;
    }

    /// From now on the incident is in no document, and its own page answers 404.
    pub fn delete(&self, incident: &str) {
        self.replay().hidden.insert(incident.to_owned());
    }

    /// Answers everything with this status, or again as recorded.
    pub fn fail_with(&self, status: Option<u16>) {
        self.replay().fails_with = status;
    }

    /// What was answered since the last call.
    pub fn take_answered(&self) -> Vec<Answered> {
        std::mem::take(&mut self.replay().answered)
    }

    fn replay(&self) -> MutexGuard<'_, Replay> {
        self.replay.lock().unwrap()
    }
}

impl Replay {
    /// Notes what the current summary lists, and closes what it no longer lists.
    fn remember(&mut self) {
        let Ok(summary) = serde_json::from_slice::<Value>(&self.steps[self.current].body) else { return };
        self.page = summary["page"].clone();
        let mut listed = BTreeSet::new();
        for list in ["incidents", "scheduled_maintenances"] {
            for incident in summary[list].as_array().into_iter().flatten() {
                let id = incident["id"].as_str().unwrap().to_owned();
                listed.insert(id.clone());
                self.seen.insert(id, Remembered { list, incident: incident.clone() });
            }
        }
        let left_at = self.page["updated_at"].as_str().unwrap_or_default().to_owned();
        for (id, remembered) in self.seen.iter_mut().filter(|(id, _)| !listed.contains(*id)) {
            if !matches!(remembered.incident["status"].as_str(), Some("resolved" | "completed")) {
                close(id, remembered, &self.atoms, &left_at);
            }
        }
    }

    fn list(&self, list: &str) -> Value {
        let mut incidents: Vec<&Value> = self
            .seen
            .iter()
            .filter(|(id, remembered)| remembered.list == list && !self.hidden.contains(*id))
            .map(|(_, remembered)| &remembered.incident)
            .collect();
        if self.lists == Lists::Empty {
            incidents.clear();
        }
        incidents.sort_by_key(|incident| std::cmp::Reverse(incident["created_at"].as_str().map(str::to_owned)));
        json!({"page": self.page, list: incidents})
    }

    fn summary(&self) -> Vec<u8> {
        let recorded = &self.steps[self.current].body;
        let Ok(mut summary) = serde_json::from_slice::<Value>(recorded) else { return recorded.clone() };
        if self.hidden.is_empty() {
            return recorded.clone();
        }
        for list in ["incidents", "scheduled_maintenances"] {
            let incidents = summary[list].as_array_mut().unwrap();
            incidents.retain(|incident| !self.hidden.contains(incident["id"].as_str().unwrap()));
        }
        serde_json::to_vec(&summary).unwrap()
    }

    fn answer(&mut self, path: String, status: StatusCode) -> StatusCode {
        self.answered.push(Answered { path, status: status.as_u16() });
        status
    }
}

/// Closes an incident that has left the summary: with the updates of the Atom capture, else with our words.
fn close(id: &str, remembered: &mut Remembered, atoms: &[String], left_at: &str) {
    let incident = &mut remembered.incident;
    let over = if remembered.list == "incidents" { "resolved" } else { "completed" };
    let mut updates = incident["incident_updates"].as_array().cloned().unwrap_or_default();
    let last_shown = updates.iter().filter_map(|update| update["display_at"].as_str()).max().unwrap_or_default();
    let mut closing = atoms.iter().map(|atom| replay_atom::updates_after(atom, id, last_shown));
    let closing = closing.rfind(|later| later.last().is_some_and(|update| update.status == over));
    let closing = closing.unwrap_or_else(|| {
        let body = OUR_CLOSING_WORDS.to_owned();
        vec![replay_atom::AtomUpdate { status: over.to_owned(), body, at: left_at.to_owned() }]
    });
    let ended_at = closing.last().map_or_else(String::new, |update| update.at.clone());
    for (number, update) in closing.into_iter().enumerate() {
        let status = if update.status == "update" { updates[0]["status"].clone() } else { json!(update.status) };
        let at = json!(update.at);
        updates.insert(
            0,
            json!({
                "id": format!("{id}-replay-{number}"), "incident_id": id, "status": status, "body": update.body,
                "created_at": at, "updated_at": at, "display_at": at, "affected_components": null,
                "deliver_notifications": true, "custom_tweet": null, "tweet_id": null,
            }),
        );
    }
    incident["incident_updates"] = Value::Array(updates);
    incident["status"] = json!(over);
    incident["resolved_at"] = json!(ended_at);
    incident["updated_at"] = json!(left_at.max(ended_at.as_str()));
}

type Shared = State<Arc<Mutex<Replay>>>;

async fn document(State(replay): Shared, Path(name): Path<String>, headers: HeaderMap) -> Response<Body> {
    let mut replay = replay.lock().unwrap();
    let body = match name.as_str() {
        "summary.json" => replay.summary(),
        "incidents.json" => serde_json::to_vec(&replay.list("incidents")).unwrap(),
        "scheduled-maintenances.json" => serde_json::to_vec(&replay.list("scheduled_maintenances")).unwrap(),
        _ => {
            return Response::builder().status(replay.answer(name, StatusCode::NOT_FOUND)).body(Body::empty()).unwrap();
        }
    };
    if let Some(status) = replay.fails_with {
        let status = replay.answer(name, StatusCode::from_u16(status).unwrap());
        return Response::builder().status(status).body(Body::from("failing")).unwrap();
    }
    let etag = format!("W/\"{:x}\"", u64::from_be_bytes(Sha256::digest(&body)[..8].try_into().unwrap()));
    let answer = Response::builder().header(header::ETAG, &etag).header(header::CONTENT_TYPE, "application/json");
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| *known == etag) {
        return answer.status(replay.answer(name, StatusCode::NOT_MODIFIED)).body(Body::empty()).unwrap();
    }
    let answer = answer.status(replay.answer(name, StatusCode::OK));
    let takes_gzip = headers.get(header::ACCEPT_ENCODING).is_some_and(|taken| taken.to_str().unwrap().contains("gzip"));
    if takes_gzip && !body.is_empty() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&body).unwrap();
        return answer.header(header::CONTENT_ENCODING, "gzip").body(Body::from(encoder.finish().unwrap())).unwrap();
    }
    answer.body(Body::from(body)).unwrap()
}

async fn permalink(State(replay): Shared, Path(id): Path<String>) -> StatusCode {
    let mut replay = replay.lock().unwrap();
    let there = replay.seen.contains_key(&id) && !replay.hidden.contains(&id);
    let status = if there { StatusCode::OK } else { StatusCode::NOT_FOUND };
    replay.answer(format!("incidents/{id}"), status)
}
