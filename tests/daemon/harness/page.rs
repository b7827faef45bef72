//! A status page that the test writes: Statuspage's three documents and the page of each incident.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::HandClock;

struct Written {
    clock: HandClock,
    id: String,
    changed_at: Timestamp,
    incidents: Vec<Value>,
    maintenances: Vec<Value>,
    /// What every document is answered with instead.
    instead: Option<(u16, String)>,
    lists: Lists,
    reads: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lists {
    AsWritten,
    Empty,
}

pub struct Page {
    address: SocketAddr,
    written: Arc<Mutex<Written>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Page {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Page {
    pub async fn start(clock: HandClock) -> Page {
        let changed_at = clock.now() - SignedDuration::from_hours(24);
        let written = Arc::new(Mutex::new(Written {
            clock,
            id: "page-1".to_owned(),
            changed_at,
            incidents: Vec::new(),
            maintenances: Vec::new(),
            instead: None,
            lists: Lists::AsWritten,
            reads: 0,
        }));
        let router = Router::new()
            .route("/api/v2/{document}", get(document))
            .route("/incidents/{id}", get(permalink))
            .with_state(written.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Page { address, written, task }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Opens an incident titled "Payments fail in the EU" now, with its first post.
    pub fn open(&self, id: &str, impact: &str, components: &[&str], body: &str) {
        let mut written = self.written();
        let now = written.clock.now().to_string();
        let components: Vec<Value> = components.iter().map(|name| json!({"name": name, "group": false})).collect();
        written.incidents.insert(
            0,
            json!({
                "id": id, "name": "Payments fail in the EU", "status": "investigating", "impact": impact,
                "created_at": now, "started_at": now, "updated_at": now, "resolved_at": null,
                "shortlink": format!("https://status.example.com/incidents/{id}"),
                "components": components, "incident_updates": [],
            }),
        );
        drop(written);
        self.post(id, "investigating", body);
    }

    /// Adds a post to an incident: now, with the status that the incident has from then on.
    pub fn post(&self, id: &str, status: &str, body: &str) {
        self.edit(id, |incident, now| {
            let posts = incident["incident_updates"].as_array_mut().unwrap();
            let number = posts.len() + 1;
            posts.insert(
                0,
                json!({
                    "id": format!("{id}-{number}"), "incident_id": id, "status": status, "body": body,
                    "created_at": now, "display_at": now, "updated_at": now, "deliver_notifications": true,
                }),
            );
            incident["status"] = json!(status);
            incident["resolved_at"] = if status == "resolved" { json!(now) } else { Value::Null };
        });
    }

    /// Rewrites the words of a post, numbered from 1.
    pub fn rewrite(&self, id: &str, number: usize, body: &str) {
        let post = format!("{id}-{number}");
        self.edit(id, |incident, _| {
            let posts = incident["incident_updates"].as_array_mut().unwrap();
            posts.iter_mut().find(|p| p["id"] == json!(post)).unwrap()["body"] = json!(body);
        });
    }

    pub fn name_components(&self, id: &str, components: &[&str]) {
        let components: Vec<Value> = components.iter().map(|name| json!({"name": name, "group": false})).collect();
        self.edit(id, |incident, _| incident["components"] = json!(components));
    }

    /// Sets a key of an incident to any JSON.
    pub fn set_json(&self, id: &str, key: &str, value: Value) {
        self.edit(id, |incident, _| incident[key] = value);
    }

    /// Takes an incident out of the lists; its own page stays.
    pub fn hide(&self, id: &str) -> Value {
        let mut written = self.written();
        written.changed_at = written.clock.now();
        let place = written.incidents.iter().position(|incident| incident["id"] == json!(id)).unwrap();
        written.incidents.remove(place)
    }

    pub fn show(&self, incident: Value) {
        let mut written = self.written();
        written.changed_at = written.clock.now();
        written.incidents.insert(0, incident);
    }

    pub fn set(&self, id: &str, key: &str, value: &str) {
        self.edit(id, |incident, _| incident[key] = json!(value));
    }

    /// Changes an incident or maintenance; its stamp and the page's become now.
    fn edit(&self, id: &str, change: impl FnOnce(&mut Value, &str)) {
        let mut written = self.written();
        let now = written.clock.now();
        let written = &mut *written;
        written.changed_at = now;
        let mut all = written.incidents.iter_mut().chain(&mut written.maintenances);
        let incident = all.find(|i| i["id"] == json!(id)).expect("an incident that is written");
        incident["updated_at"] = json!(now.to_string());
        change(incident, &now.to_string());
    }

    /// Announces work from `start` to `end` (RFC 3339).
    pub fn schedule(&self, id: &str, start: &str, end: &str, components: &[&str], body: &str) {
        let mut written = self.written();
        let now = written.clock.now().to_string();
        let components: Vec<Value> = components.iter().map(|name| json!({"name": name, "group": false})).collect();
        written.maintenances.insert(
            0,
            json!({
                "id": id, "name": "Database move", "status": "scheduled", "impact": "maintenance",
                "created_at": now, "updated_at": now, "scheduled_for": start, "scheduled_until": end,
                "components": components, "incident_updates": [],
            }),
        );
        drop(written);
        self.post(id, "scheduled", body);
    }

    /// The incident is in no document any more, and its own page answers 404.
    pub fn delete(&self, id: &str) {
        let mut written = self.written();
        written.changed_at = written.clock.now();
        written.incidents.retain(|incident| incident["id"] != json!(id));
    }

    /// Both lists are without any entry, and the summary too; the incidents' own pages stay.
    pub fn empty_the_lists(&self) {
        let mut written = self.written();
        written.changed_at = written.clock.now();
        written.lists = Lists::Empty;
    }

    pub fn fill_the_lists(&self) {
        let mut written = self.written();
        written.changed_at = written.clock.now();
        written.lists = Lists::AsWritten;
    }

    /// Every document is answered so until [`Page::answer_as_written`].
    pub fn answer_instead(&self, status: u16, body: impl Into<String>) {
        self.written().instead = Some((status, body.into()));
    }

    pub fn answer_as_written(&self) {
        self.written().instead = None;
    }

    /// The summary as it is served now, to be served again later.
    pub fn summary(&self) -> String {
        self.written().document("summary.json").unwrap().to_string()
    }

    /// From now on the page says it is another one.
    pub fn become_page(&self, id: &str) {
        self.written().id = id.to_owned();
    }

    /// How often any document has been asked for.
    pub fn reads(&self) -> usize {
        self.written().reads
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap()
    }
}

impl Written {
    fn document(&self, name: &str) -> Option<Value> {
        let page = json!({"id": self.id, "name": "Platform", "updated_at": self.changed_at.to_string()});
        let is_open = |i: &&Value| !matches!(i["status"].as_str(), Some("resolved" | "postmortem" | "completed"));
        let (incidents, maintenances) = match self.lists {
            Lists::AsWritten => (&self.incidents[..], &self.maintenances[..]),
            Lists::Empty => (&[][..], &[][..]),
        };
        let open = |all: &[Value]| all.iter().filter(is_open).cloned().collect::<Vec<_>>();
        match name {
            "summary.json" => {
                Some(json!({"page": page, "incidents": open(incidents), "scheduled_maintenances": open(maintenances)}))
            }
            "incidents.json" => Some(json!({"page": page, "incidents": incidents})),
            "scheduled-maintenances.json" => Some(json!({"page": page, "scheduled_maintenances": maintenances})),
            _ => None,
        }
    }
}

type Shared = State<Arc<Mutex<Written>>>;

async fn document(State(written): Shared, Path(name): Path<String>) -> Response<Body> {
    let mut written = written.lock().unwrap();
    written.reads += 1;
    let (status, body) = match (&written.instead, written.document(&name)) {
        (Some((status, body)), _) => (*status, body.clone()),
        (None, Some(document)) => (200, document.to_string()),
        (None, None) => (404, String::new()),
    };
    Response::builder().status(status).body(Body::from(body)).unwrap()
}

async fn permalink(State(written): Shared, Path(id): Path<String>) -> StatusCode {
    let written = written.lock().unwrap();
    if written.incidents.iter().any(|incident| incident["id"] == json!(id)) {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    }
}
