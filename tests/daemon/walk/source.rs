//! A source that lists two incidents, as its lists would be read: with edits, reopenings, stale copies and gaps.

use candor::domain::incident::{Impact, Observation, ObservedUpdate, Origin, Part, Phase};
use jiff::Timestamp;

use super::dice::Dice;

pub const NAMES: [&[&str]; 7] = [
    &["Payments API"],
    &["Search"],
    &["Payments API", "Search"],
    &["Mail"],
    &["Search", "Mail"],
    &[],
    &["A thing of which we know nothing"],
];

/// One incident as its source has it.
#[derive(Debug, Clone)]
pub struct Incident {
    seen: Observation,
    is_listed: bool,
    /// Former copies that a cache may still hand out.
    former: Vec<Observation>,
    posts: usize,
}

#[derive(Debug, Clone, Default)]
pub struct Source {
    incidents: Vec<Incident>,
}

impl Source {
    /// What a good read shows now.
    pub fn shown(&self) -> Vec<Observation> {
        self.incidents.iter().filter(|one| one.is_listed).map(|one| one.seen.clone()).collect()
    }

    pub fn shows(&self, incident: &str) -> bool {
        self.incidents.iter().any(|one| one.is_listed && one.seen.incident == incident)
    }

    /// A copy of some incident from before.
    pub fn stale(&self, dice: &mut Dice) -> Vec<Observation> {
        let former: Vec<&Observation> = self.incidents.iter().flat_map(|one| &one.former).collect();
        if former.is_empty() { Vec::new() } else { vec![(*dice.one_of(&former)).clone()] }
    }

    /// Something happens; in words for whoever reads a failed walk.
    pub fn moves(&mut self, dice: &mut Dice, now: Timestamp) -> String {
        if self.incidents.is_empty() || (self.incidents.len() < 2 && dice.once_in(12)) {
            let incident = Incident::opened(self.incidents.len(), dice, now);
            let words = format!("{} opens: {:?}", incident.seen.incident, incident.seen.components);
            self.incidents.push(incident);
            return words;
        }
        let which = dice.throw(self.incidents.len());
        let incident = &mut self.incidents[which];
        incident.former.push(incident.seen.clone());
        let words = incident.moves(dice, now);
        incident.seen.revised_at = Some(now);
        format!("{}: {words}", incident.seen.incident)
    }

    /// Everything comes to its end.
    pub fn ends(&mut self, now: Timestamp) {
        for incident in &mut self.incidents {
            incident.is_listed = true;
            if !incident.is_over() {
                incident.post(Phase::Resolved, now);
                incident.seen.revised_at = Some(now);
            }
        }
    }
}

impl Incident {
    fn opened(number: usize, dice: &mut Dice, now: Timestamp) -> Incident {
        let mut incident = Incident {
            seen: Observation {
                source: "platform".to_owned(),
                incident: format!("i{number}"),
                parent: None,
                origin: Origin::Polled,
                part: Part::Leads,
                event: None,
                title: Some(format!("Trouble {number}")),
                phase: None,
                phase_unknown: None,
                impact: Some(*dice.one_of(&[Impact::Minor, Impact::Major, Impact::Critical])),
                components: Some(names(dice)),
                started_at: Some(now),
                resolved_at: None,
                scheduled_for: None,
                scheduled_until: None,
                url: None,
                revised_at: Some(now),
                updates: Vec::new(),
            },
            is_listed: true,
            former: Vec::new(),
            posts: 0,
        };
        incident.post(Phase::Investigating, now);
        incident
    }

    fn is_over(&self) -> bool {
        self.seen.phase.is_some_and(Phase::is_over)
    }

    fn moves(&mut self, dice: &mut Dice, now: Timestamp) -> String {
        if !self.is_listed {
            self.is_listed = true;
            return "is listed again".to_owned();
        }
        match (dice.throw(16), self.is_over()) {
            (0..=4, false) => {
                let phase = *dice.one_of(&[Phase::Investigating, Phase::Identified, Phase::Monitoring]);
                self.post(phase, now);
                format!("posts {}", phase.as_str())
            }
            (5..=6, false) => {
                let impact = *dice.one_of(&[Impact::None, Impact::Minor, Impact::Major, Impact::Critical]);
                self.seen.impact = Some(impact);
                format!("is {}", impact.as_str())
            }
            (7..=9, false) => {
                self.seen.components = Some(names(dice));
                format!("names {:?}", self.seen.components)
            }
            (10, false) => {
                self.is_listed = false;
                "is listed no more".to_owned()
            }
            (11..=12, false) => {
                self.post(Phase::Resolved, now);
                "is resolved".to_owned()
            }
            (0..=4, true) => {
                self.seen.resolved_at = None;
                self.post(Phase::Investigating, now);
                "is reopened".to_owned()
            }
            (5..=6, true) => {
                self.post(Phase::Postmortem, now);
                "has a post-mortem".to_owned()
            }
            (13, _) => {
                let number = dice.throw(self.seen.updates.len());
                self.seen.updates[number].body.push_str(" Typo corected.");
                format!("rewrites post {number}")
            }
            (_, _) => "changes nothing but its stamp".to_owned(),
        }
    }

    /// Words that no other post has, unlike enough that each is news.
    fn post(&mut self, phase: Phase, now: Timestamp) {
        self.posts += 1;
        let word = |salt: usize| format!("word{}", self.posts * 7 + salt);
        self.seen.phase = Some(phase);
        self.seen.resolved_at = phase.is_over().then_some(now);
        self.seen.updates.push(ObservedUpdate {
            id: Some(format!("{}-{}", self.seen.incident, self.posts)),
            phase: Some(phase),
            body: (0..6).map(word).collect::<Vec<_>>().join(" "),
            at: Some(now),
            ..ObservedUpdate::default()
        });
    }
}

fn names(dice: &mut Dice) -> Vec<String> {
    dice.one_of(&NAMES).iter().map(|name| (*name).to_owned()).collect()
}
