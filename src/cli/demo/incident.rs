//! The recorded incident, and what a status page says of it at a given time.
//!
//! Where it comes from and what is read from its texts: `config/demo/PROVENANCE.md`. Deliberately absent: any
//! word that is not in the recording.

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

const RECORDED: &str = include_str!("../../../config/demo/incident.json");
/// What the texts of the time name as the beginning: "beginning at Thursday, 2022-06-16 09:08 US/Pacific".
const BEGAN: &str = "2022-06-16T16:08:00Z";
/// The page has been followed for some minutes when the incident is posted.
const WATCH_BEGINS: Timestamp = Timestamp::constant(1_655_396_400, 0);

/// When the page is looked at for the first time, and nothing is wrong: 16 June 2022, 16:20 UTC.
pub fn watch_begins() -> Timestamp {
    WATCH_BEGINS
}

#[derive(Deserialize)]
struct Recording {
    id: String,
    end: Timestamp,
    affected_products: Vec<Product>,
    uri: String,
    updates: Vec<RecordedUpdate>,
}

#[derive(Deserialize)]
struct Product {
    title: String,
}

#[derive(Deserialize)]
struct RecordedUpdate {
    when: Timestamp,
    status: String,
    text: String,
}

/// One post of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    pub at: Timestamp,
    /// In a Statuspage's words.
    pub phase: &'static str,
    pub text: String,
}

/// The whole incident.
pub struct Incident {
    pub id: String,
    uri: String,
    ended_at: Timestamp,
    components: Vec<String>,
    pub posts: Vec<Post>,
}

impl Incident {
    /// # Errors
    /// The embedded file is not what it should be.
    pub fn recorded() -> anyhow::Result<Incident> {
        let recording: Recording = serde_json::from_str(RECORDED).context("the recorded incident")?;
        let mut posts: Vec<Post> = Vec::new();
        for update in recording.updates {
            let is_over = posts.iter().any(|post| post.phase == "resolved");
            let phase = match (update.status.as_str(), is_over) {
                ("AVAILABLE", false) => "resolved",
                ("AVAILABLE", true) => "postmortem",
                _ if update.text.contains("Mitigation work is currently underway") => "identified",
                _ => "investigating",
            };
            posts.push(Post { at: update.when, phase, text: update.text });
        }
        Ok(Incident {
            id: recording.id,
            uri: recording.uri,
            ended_at: recording.end,
            components: recording.affected_products.into_iter().map(|product| product.title).collect(),
            posts,
        })
    }

    /// How many posts the page shows at that time.
    pub fn posted(&self, now: Timestamp) -> usize {
        self.posts.iter().filter(|post| post.at <= now).count()
    }

    /// What the page lists at that time: the incident, or nothing yet.
    pub fn document(&self, now: Timestamp) -> Value {
        let shown = &self.posts[..self.posted(now)];
        let updated_at = shown.last().map_or(WATCH_BEGINS, |post| post.at);
        let incidents: Vec<Value> = self.entry(shown).into_iter().collect();
        json!({
            "page": {"id": "google-cloud", "name": "Google Cloud", "updated_at": updated_at.to_string()},
            "incidents": incidents,
            "scheduled_maintenances": [],
        })
    }

    fn entry(&self, shown: &[Post]) -> Option<Value> {
        let (first, last) = (shown.first()?, shown.last()?);
        let is_over = shown.iter().any(|post| post.phase == "resolved");
        let title = shown.iter().rev().find_map(|post| summary(&post.text)).unwrap_or(&self.id);
        let updates: Vec<Value> = shown
            .iter()
            .enumerate()
            .rev()
            .map(|(number, post)| {
                json!({
                    "id": format!("{}-{}", self.id, number + 1), "status": post.phase, "body": post.text,
                    "created_at": post.at.to_string(), "display_at": post.at.to_string(),
                })
            })
            .collect();
        Some(json!({
            "id": self.id, "name": title, "status": last.phase, "impact": "major",
            "created_at": first.at.to_string(), "started_at": BEGAN, "updated_at": last.at.to_string(),
            "resolved_at": is_over.then(|| self.ended_at.to_string()),
            "shortlink": format!("https://status.cloud.google.com/{}", self.uri),
            "components": self.components.iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
            "incident_updates": updates,
        }))
    }
}

/// What stands after "Summary:".
fn summary(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("Summary:")).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::statuspage::{parse_incidents, parse_summary};

    #[test]
    fn the_page_is_what_a_statuspage_says_at_every_moment() {
        let incident = Incident::recorded().unwrap();
        let before = parse_summary(incident.document(watch_begins()).to_string().as_bytes(), "x").unwrap();
        assert_eq!(before.listed, []);
        for (number, post) in incident.posts.iter().enumerate() {
            let bytes = incident.document(post.at).to_string().into_bytes();
            let seen = parse_incidents(&bytes, "x").unwrap();
            assert!(seen.oddities.is_empty(), "{:?}", seen.oddities);
            assert_eq!(seen.listed[0].updates.len(), number + 1);
        }
    }

    #[test]
    fn phases_and_titles_are_read_from_the_recorded_texts() {
        let incident = Incident::recorded().unwrap();
        let phases: Vec<&str> = incident.posts.iter().map(|post| post.phase).collect();
        let expected = ["investigating", "investigating", "investigating", "identified", "resolved", "postmortem"];
        assert_eq!(phases, expected);
        let title = |number: usize| incident.document(incident.posts[number].at)["incidents"][0]["name"].clone();
        assert!(title(0).as_str().unwrap().ends_with("are able to edit GCE instances"));
        assert!(title(5).as_str().unwrap().ends_with("are unable to create/edit GCE instances"));
    }
}
