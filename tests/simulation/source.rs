//! Two sources as their lists would be read, one whose incidents end by being said to end and one whose vanish: with
//! edits, reopenings, planned work, silent posts, other orders, stale copies and gaps.

use candor::domain::absence::Ends;
use candor::domain::incident::{Announce, Impact, Observation, ObservedUpdate, Origin, Part, Phase};
use jiff::{SignedDuration, Timestamp};

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
/// Incidents of one source in one walk.
const MOST: usize = 2;

/// One incident as its source has it.
#[derive(Debug, Clone)]
pub struct Incident {
    pub seen: Observation,
    is_listed: bool,
    /// Former copies that a cache may still hand out.
    former: Vec<Observation>,
    posts: usize,
}

#[derive(Debug, Clone)]
pub struct Source {
    pub name: &'static str,
    pub ends: Ends,
    pub incidents: Vec<Incident>,
    /// Its own clock goes on when ours is put back.
    latest: Timestamp,
}

impl Source {
    pub fn new(name: &'static str, ends: Ends) -> Source {
        Source { name, ends, incidents: Vec::new(), latest: Timestamp::MIN }
    }

    /// What a good read shows now: where incidents vanish, only what is open.
    pub fn shown(&self) -> Vec<Observation> {
        self.incidents.iter().filter(|one| self.is_shown(one)).map(|one| one.seen.clone()).collect()
    }

    pub fn shows(&self, incident: &str) -> bool {
        self.incidents.iter().any(|one| one.seen.incident == incident && self.is_shown(one))
    }

    fn is_shown(&self, one: &Incident) -> bool {
        one.is_listed && (self.ends == Ends::Stated || !one.is_over())
    }

    /// A copy of some incident from before.
    pub fn stale(&self, dice: &mut Dice) -> Vec<Observation> {
        let former: Vec<&Observation> = self.incidents.iter().flat_map(|one| &one.former).collect();
        if former.is_empty() { Vec::new() } else { vec![(*dice.one_of(&former)).clone()] }
    }

    /// Something happens; in words for whoever reads a failed walk.
    pub fn moves(&mut self, dice: &mut Dice, now: Timestamp) -> String {
        let now = now.max(self.latest);
        self.latest = now;
        if self.incidents.is_empty() || (self.incidents.len() < MOST && dice.once_in(8)) {
            let incident = Incident::opened(self.name, self.incidents.len(), dice, now);
            let words =
                format!("{} opens: {:?} {:?}", incident.seen.incident, incident.seen.phase, incident.seen.components);
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
        let now = now.max(self.latest);
        for incident in &mut self.incidents {
            incident.is_listed = true;
            if !incident.is_over() {
                let over = if incident.is_work() { Phase::Completed } else { Phase::Resolved };
                incident.post(over, now);
                incident.seen.revised_at = Some(now);
            }
        }
    }
}

impl Incident {
    fn opened(source: &str, number: usize, dice: &mut Dice, now: Timestamp) -> Incident {
        let mut incident = Incident {
            seen: Observation {
                source: source.to_owned(),
                incident: format!("{}{number}", &source[..1]),
                parent: None,
                origin: Origin::Polled,
                part: Part::Leads,
                speaker: None,
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
        let first = if dice.once_in(5) { incident.planned(dice, now) } else { Phase::Investigating };
        incident.post(first, now);
        incident
    }

    fn planned(&mut self, dice: &mut Dice, now: Timestamp) -> Phase {
        let start = now + SignedDuration::from_mins(*dice.one_of(&[10, 50, 90, 1500]));
        let end = start + SignedDuration::from_mins(*dice.one_of(&[30, 60, 180]));
        (self.seen.scheduled_for, self.seen.scheduled_until) = (Some(start), Some(end));
        (self.seen.impact, self.seen.started_at) = (Some(Impact::Maintenance), None);
        Phase::Scheduled
    }

    fn is_work(&self) -> bool {
        self.seen.phase.is_some_and(Phase::is_maintenance)
    }

    fn is_over(&self) -> bool {
        self.seen.phase.is_some_and(Phase::is_over)
    }

    fn moves(&mut self, dice: &mut Dice, now: Timestamp) -> String {
        if !self.is_listed {
            self.is_listed = true;
            return "is listed again".to_owned();
        }
        match (dice.throw(20), self.is_over()) {
            (0..=5, false) => self.goes_on(dice, now),
            (6, false) => {
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
                let over = if self.is_work() { Phase::Completed } else { Phase::Resolved };
                self.post(over, now);
                "is over".to_owned()
            }
            (0..=4, true) if !self.is_work() => {
                self.seen.resolved_at = None;
                self.post(Phase::Investigating, now);
                "is reopened".to_owned()
            }
            (5..=6, true) if !self.is_work() => {
                self.post(Phase::Postmortem, now);
                "has a post-mortem".to_owned()
            }
            (13, _) => {
                let number = dice.throw(self.seen.updates.len());
                self.seen.updates[number].body.push_str(" Typo corected.");
                format!("rewrites post {number}")
            }
            (14, _) => {
                let (one, other) = (dice.throw(self.seen.updates.len()), dice.throw(self.seen.updates.len()));
                self.seen.updates.swap(one, other);
                format!("puts post {one} in the place of {other}")
            }
            (15, false) => {
                self.post(self.seen.phase.unwrap_or(Phase::Investigating), now);
                if let Some(last) = self.seen.updates.last_mut() {
                    last.announce = Announce::Silent;
                }
                "posts and announces it to nobody".to_owned()
            }
            (_, _) => "changes nothing but its stamp".to_owned(),
        }
    }

    fn goes_on(&mut self, dice: &mut Dice, now: Timestamp) -> String {
        if !self.is_work() {
            let phase = *dice.one_of(&[Phase::Investigating, Phase::Identified, Phase::Monitoring]);
            self.post(phase, now);
            return format!("posts {}", phase.as_str());
        }
        match dice.throw(5) {
            0 => {
                let later = SignedDuration::from_mins(*dice.one_of(&[-20, 30, 120]));
                self.seen.scheduled_for = self.seen.scheduled_for.map(|at| at + later);
                self.seen.scheduled_until = self.seen.scheduled_until.map(|at| at + later);
                format!("is moved by {later:#}")
            }
            1 => {
                self.post(Phase::Investigating, now);
                "turns out to be an incident".to_owned()
            }
            _ => {
                let phase = *dice.one_of(&[Phase::InProgress, Phase::Verifying]);
                self.post(phase, now);
                format!("posts {}", phase.as_str())
            }
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
