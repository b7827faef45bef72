//! People and hooks: what they say in a case beside its source, and what they decide of it.

use candor::domain::case::CaseState;
use candor::domain::decide::{self, Decision};
use candor::domain::incident::{Observation, ObservedUpdate, Origin, Part, Phase};
use candor::domain::observe::Sight;
use candor::passes::ingest;
use candor::store::rows::{CaseFilter, Write};

use super::world::World;

impl World {
    /// A person says something in a case of a source, or a hook of that feed does.
    pub async fn say(&mut self, origin: Origin) -> String {
        let Some(incident) = self.some_incident() else { return "nobody has anything to say".to_owned() };
        let now = self.now();
        let number = self.dice.throw(1_000_000);
        let phase =
            self.dice.once_in(4).then(|| *self.dice.one_of(&[Phase::Identified, Phase::Monitoring, Phase::Resolved]));
        let action = self.dice.once_in(3).then(|| format!("Do {number}."));
        let update = ObservedUpdate {
            id: Some(format!("said-{number}")),
            phase,
            body: format!("Somebody says {number} and {} too.", number * 7),
            at: Some(now),
            action,
            ..ObservedUpdate::default()
        };
        let said = Observation {
            origin,
            phase,
            impact: None,
            components: None,
            started_at: None,
            resolved_at: None,
            revised_at: None,
            title: None,
            updates: vec![update],
            ..incident
        };
        let words = format!("{origin:?} of {}: {phase:?}", said.incident);
        self.model.is_decided(&said.incident);
        ingest::take(self.shared(), &[said], Sight::Watching { last_good_at: None }, None, now).await.unwrap();
        self.note_reach().await;
        words
    }

    /// What a person reopened while its source had it over is ended by a person.
    pub async fn end_what_is_open_still(&mut self) {
        let now = self.now();
        for row in self.shared().store.listed_cases(CaseFilter::OpenOrOwed, 100).await.unwrap() {
            if row.case.state != CaseState::Open {
                continue;
            }
            let over = Observation {
                origin: Origin::ByHand,
                phase: Some(Phase::Resolved),
                updates: vec![ObservedUpdate {
                    id: Some(format!("{}-by-hand", row.case.incident)),
                    phase: Some(Phase::Resolved),
                    body: "A person says that this is over as well.".to_owned(),
                    at: Some(now),
                    ..ObservedUpdate::default()
                }],
                ..bare(&row.case.source, &row.case.incident)
            };
            ingest::take(self.shared(), &[over], Sight::Watching { last_good_at: None }, None, now).await.unwrap();
        }
    }

    /// A person decides what only a person can.
    pub async fn decide(&mut self) -> String {
        let Some(incident) = self.some_incident() else { return "nothing to decide".to_owned() };
        let decision = match self.dice.throw(6) {
            0 => Decision::Components(vec!["search".to_owned()]),
            1 => Decision::Everyone,
            2 => Decision::Nobody,
            3 => Decision::Close,
            _ => Decision::Announce,
        };
        let (shared, now) = (self.shared().clone(), self.now());
        let story = shared.store.story_of(incident.source.clone(), incident.incident.clone()).await.unwrap();
        let Some(story) = story else { return "nothing to decide".to_owned() };
        let (catalog, pace) = (shared.current.load().catalog.clone(), shared.current.load().settings.pace);
        let words = format!("decided of {}: {decision:?}", incident.incident);
        if let Ok(step) = decide::decide(&story, &decision, "walk", &catalog, &pace, now) {
            self.model.is_decided(&incident.incident);
            let write = Write { case: step.case, updates: step.updates, changes: step.change.into_iter().collect() };
            shared.store.record(vec![write], None).await.unwrap();
            self.note_reach().await;
        }
        words
    }

    fn some_incident(&mut self) -> Option<Observation> {
        let source = self.dice.throw(self.sources.len());
        let incidents = &self.sources[source].incidents;
        if incidents.is_empty() { None } else { Some(self.dice.one_of(incidents).seen.clone()) }
    }
}

fn bare(source: &str, incident: &str) -> Observation {
    Observation {
        source: source.to_owned(),
        incident: incident.to_owned(),
        parent: None,
        origin: Origin::Polled,
        part: Part::Leads,
        speaker: None,
        event: None,
        title: None,
        phase: None,
        phase_unknown: None,
        impact: None,
        components: None,
        started_at: None,
        resolved_at: None,
        scheduled_for: None,
        scheduled_until: None,
        url: None,
        revised_at: None,
        updates: Vec::new(),
    }
}
