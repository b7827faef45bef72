//! Plain values for the tables of the rules: one case "Payments fail", one client, one thread. For tests alone.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::case::{Case, CaseState, Change, ChangeFacts, Facts, Scope, Story, Timers, Update, Version};
use super::client::{Channel, Client, Contact};
use super::component::{Catalog, Component};
use super::incident::{Impact, Need, Origin, Phase};
use super::missed::Missed;
use super::notice::{Action, Affected, Kind};
use super::playbook::Entry;
use super::thread::{Standing, Thread, ThreadState, Variant};

/// Minutes since the case was opened.
pub fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + minutes * 60).expect("a time within range")
}

/// `checkout` depends on `payments`, `payments-eu` is part of it; `search` stands alone.
pub fn catalog() -> Catalog {
    let component = |id: &str, name: &str, part_of: Option<&str>, depends_on: &[&str]| Component {
        id: id.into(),
        name: name.into(),
        matches: vec![],
        words: vec![],
        part_of: part_of.map(Into::into),
        depends_on: depends_on.iter().map(|d| (*d).into()).collect(),
    };
    Catalog::new(vec![
        component("payments", "Payments API", None, &[]),
        component("payments-eu", "Payments EU", Some("payments"), &[]),
        component("checkout", "Checkout", None, &["payments"]),
        component("search", "Search", None, &[]),
    ])
}

/// An open, major case of the Payments API, being investigated.
pub fn facts() -> Facts {
    Facts {
        title: "Payments fail".into(),
        phase: Phase::Investigating,
        phase_unknown: None,
        impact: Some(Impact::Major),
        components: vec!["Payments API".into()],
        scope: Scope::Named,
        started_at: Some(at(0)),
        resolved_at: None,
        scheduled_for: None,
        scheduled_until: None,
        url: None,
        data_loss: None,
        report_by: None,
        stand: None,
        said_action: None,
        silent_since_first_sight: false,
        revised_at: None,
        last_news_at: at(0),
        missed_reads: vec![],
        last_listed_at: None,
        source_said: None,
        first_source: None,
        events: vec![],
        asked_at: None,
        closed_by_hand: false,
        phase_last_said: None,
        begun_by_clock: None,
        incident_since: None,
        parts: Vec::new(),
        stale_since: None,
        stale_stamp: None,
    }
}

pub fn story() -> Story {
    Story {
        case: Case {
            key: 1,
            version: 1,
            id: "case-1".into(),
            reference: "K7QM".into(),
            source: "platform".into(),
            incident: "i1".into(),
            state: CaseState::Open,
            episode: 1,
            sequence: 0,
            opened_at: at(0),
            ended_at: None,
            closed_at: None,
            facts: facts(),
            timers: Timers::default(),
        },
        updates: vec![],
        changes: vec![],
    }
}

pub fn change(sequence: i64, kinds: &[Kind]) -> Change {
    let facts = facts();
    Change {
        sequence,
        episode: 1,
        kinds: kinds.to_vec(),
        made_at: at(0),
        due_at: at(0),
        planned_at: None,
        is_begun: false,
        why: "the test says so".into(),
        facts: ChangeFacts {
            title: facts.title,
            phase: facts.phase,
            phase_before: None,
            impact: facts.impact,
            impact_before: None,
            added: vec![],
            removed: vec![],
            moved_from: None,
            promised: None,
            lost_sight_since: None,
            closed_by_hand_at: None,
            last_seen_at: None,
            phase_last_said: None,
        },
    }
}

/// An update told by the change of that sequence, posted at that minute.
pub fn update(number: i64, sequence: Option<i64>, body: &str) -> Update {
    Update {
        number,
        id: format!("u{number}"),
        sequence,
        phase: None,
        body: body.into(),
        status: None,
        action: None,
        need: None,
        by: None,
        takes: None,
        sorry: false,
        estimate: None,
        speaker: None,
        next_word: None,
        at: at(number),
        seen_at: at(number),
        origin: Origin::Polled,
        versions: vec![],
    }
}

pub fn version(body: &str, sequence: Option<i64>) -> Version {
    Version { body: body.into(), seen_at: at(0), sequence }
}

pub fn client(priorities: &[&str]) -> Client {
    Client {
        id: "acme".into(),
        name: "Acme GmbH".into(),
        timezone: "Europe/Berlin".into(),
        locale: Some("de".into()),
        priorities: priorities.iter().map(|p| (*p).into()).collect(),
        min_impact: Impact::None,
        maintenance: true,
        owner: None,
        tags: vec!["batch".into()],
        facts: BTreeMap::from([("region".to_owned(), "eu-1".to_owned())]),
        contacts: vec![],
    }
}

pub fn contact() -> Contact {
    Contact { channel: Channel::Email, address: "ops@acme.example".into(), secret: None, fallback: false, name: None }
}

/// A contact that was told everything up to that sequence; 0: a row that was raised and never sent.
pub fn told(sequence: i64) -> Thread {
    let was_told = sequence > 0;
    Thread {
        case_key: 1,
        contact_key: 7,
        client_id: "acme".into(),
        channel: Channel::Email,
        episode: 1,
        told: sequence,
        wanted: sequence,
        standing: Standing::In,
        owed: was_told,
        state: ThreadState::Active,
        first_told: was_told.then_some(1),
        notices: i64::from(was_told),
        since: None,
        due_at: None,
        attempts: 0,
        variant: 1,
        told_variant: was_told.then_some(1),
        asked: vec![],
        last_key: None,
        uncertain: false,
        cause: None,
    }
}

/// The same with more planned and not sent.
pub fn waiting(sequence: i64, wanted: i64) -> Thread {
    Thread { wanted, since: Some(at(0)), due_at: Some(at(0)), ..told(sequence) }
}

/// Told that it is over.
pub fn over(sequence: i64) -> Thread {
    Thread { standing: Standing::Out, owed: false, ..told(sequence) }
}

pub fn variant(affected: Affected, closing: Option<Kind>) -> Variant {
    Variant {
        affected,
        concerned: vec![(1, "Payments API".into())],
        untouched: vec![],
        need: Need::None,
        known: false,
        actions: vec![],
        closing,
        missed: Missed::default(),
    }
}

pub fn action(id: &str, need: Need) -> Action {
    Action {
        id: id.into(),
        need,
        text: format!("do {id}"),
        by: None,
        check: None,
        undo: Some(format!("undo {id}")),
        takes: None,
        who: None,
        place: None,
        otherwise: None,
        offer: None,
        forward: None,
        resources: vec![],
        language: None,
    }
}

/// An entry of the playbook without any condition.
pub fn entry(id: &str, need: Need) -> Entry {
    Entry {
        id: id.into(),
        components: vec![],
        phases: vec![],
        impacts: vec![],
        tags: vec![],
        locale: None,
        need,
        action: Some(format!("do {id}")),
        by: None,
        check: None,
        undo: None,
        takes: None,
        who: None,
        place: None,
        otherwise: None,
        offer: None,
        forward: None,
        resources: vec![],
        line: 1,
    }
}
