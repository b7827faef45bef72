//! What the samples are made of: who writes to whom, and the two stories, an incident and a maintenance.
//!
//! Deliberately absent: which reasons there are.

use jiff::Timestamp;

use crate::domain::incident::{DataLoss, Impact, Need, Phase};
use crate::domain::kept::KeptPromises;
use crate::domain::notice::{
    Action, Affected, CaseFacts, Guidance, Kind, Notice, Reader, Replaced, Resource, Sender, Sorry, Voice, Words,
};

/// A time of the sample's day, Monday 23 November 2026, in UTC.
pub fn at(clock: &str) -> Timestamp {
    on(23, clock)
}

pub fn on(day: u8, clock: &str) -> Timestamp {
    format!("2026-11-{day:02}T{clock}:00Z").parse().unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Who the samples come from.
pub fn sender() -> Sender {
    Sender {
        name: "Example Platform".to_owned(),
        email: "incidents@example.com".to_owned(),
        reply_to: Some("support@example.com".to_owned()),
        phone: Some("+49 30 1234 5678".to_owned()),
        answered: Some("day and night".to_owned()),
        locale: "en".to_owned(),
    }
}

/// Whom the samples are for.
pub fn reader(locale: &str) -> Reader {
    Reader {
        client: "acme".to_owned(),
        name: "Acme GmbH".to_owned(),
        locale: locale.to_owned(),
        timezone: "Europe/Berlin".to_owned(),
    }
}

pub fn words(id: &str, clock: &str, phase: Phase, body: &str) -> Words {
    Words {
        id: id.to_owned(),
        phase: Some(phase),
        body: body.to_owned(),
        status: None,
        at: at(clock),
        replaces: None,
        by_hand: false,
    }
}

pub fn first_words() -> Words {
    let body = "About one in three EU payments ends with error 502. Payments outside the EU work.";
    words("u1", "13:12", Phase::Investigating, body)
}

pub fn second_words() -> Words {
    let status = "A new one is being rolled out.".to_owned();
    let body = "A certificate expired on the EU gateway.";
    Words { status: Some(status), ..words("u2", "13:38", Phase::Identified, body) }
}

pub fn incident_facts() -> CaseFacts {
    CaseFacts {
        id: "01934f6e".to_owned(),
        reference: "K7QM".to_owned(),
        source: "platform".to_owned(),
        incident: "2026-11-23-payments".to_owned(),
        title: "Payments fail in the EU".to_owned(),
        renamed: None,
        phase: Phase::Investigating,
        phase_moved: false,
        phase_unknown: None,
        impact: Some(Impact::Major),
        impact_before: None,
        components: vec!["Payments API".to_owned()],
        component_ids: vec!["payments".to_owned()],
        added: Vec::new(),
        removed: Vec::new(),
        started_at: Some(at("13:05")),
        reported_at: Some(at("13:12")),
        ended_at: None,
        closed_by_hand_at: None,
        phase_last_said: None,
        estimate_passed: None,
        last_seen_at: None,
        scheduled_for: None,
        scheduled_until: None,
        moved_from: None,
        became_incident: false,
        url: Some("https://status.example.com/incidents/1".to_owned()),
        voice: Voice::Ours(None),
        first_words: Some(first_words()),
        updates: Vec::new(),
        last_words: Some(first_words()),
        left_out: 0,
        data_loss: None,
        report_by: None,
        stand: None,
        sorry: Sorry::Unsaid,
    }
}

pub fn notice(reason: Kind, now: &str, case: CaseFacts) -> Notice {
    Notice {
        now: at(now),
        sequence: 2,
        reason,
        changes: vec![reason],
        is_brief: false,
        case,
        affected: Affected::Confirmed,
        concerned: vec![(1, "Payments API".to_owned())],
        untouched: vec![(2, "Search".to_owned())],
        guidance: Guidance::unknown(),
        next_word: Some(at("14:45")),
        promised: None,
        lost_sight_since: None,
        is_daily: false,
        promises: None,
        page: None,
        drill: false,
    }
}

pub fn known_none(note: &str) -> Guidance {
    let action = Action { need: Need::None, ..bare_action("retry", note) };
    let actions = if note.is_empty() { Vec::new() } else { vec![action] };
    Guidance { known: true, actions, ..Guidance::unknown() }
}

pub fn bare_action(id: &str, text: &str) -> Action {
    Action {
        id: id.to_owned(),
        need: Need::Required,
        text: text.to_owned(),
        by: None,
        check: None,
        undo: None,
        takes: None,
        who: None,
        place: None,
        otherwise: None,
        offer: None,
        forward: None,
        resources: Vec::new(),
        language: None,
    }
}

pub fn pause_export() -> Action {
    Action {
        by: Some(at("21:00")),
        check: Some("the export list shows \"paused\".".to_owned()),
        undo: Some("Resume the settlement export.".to_owned()),
        takes: Some("5m".to_owned()),
        who: Some("the role \"finance admin\"".to_owned()),
        place: Some("Console, Settlements, Exports, Pause.".to_owned()),
        otherwise: Some("tonight's file lists failed payments as settled and has to be corrected by hand.".to_owned()),
        offer: Some("we can put an engineer on a call with you now.".to_owned()),
        resources: vec![Resource {
            title: "Pausing exports".to_owned(),
            url: "https://docs.example.com/exports?do=pause".to_owned(),
        }],
        ..bare_action("pause", "Pause the nightly settlement export.")
    }
}

pub fn required() -> Guidance {
    let actions = vec![pause_export()];
    Guidance { need: Need::Required, known: true, actions, newly_required: true, ..Guidance::unknown() }
}

pub fn still_required() -> Guidance {
    Guidance { newly_required: false, still_required: true, ..required() }
}

pub fn opened(guidance: Guidance) -> Notice {
    let case = CaseFacts { updates: vec![first_words()], phase_moved: true, ..incident_facts() };
    Notice {
        is_brief: true,
        sequence: 1,
        next_word: Some(at("13:45")),
        guidance,
        ..notice(Kind::Opened, "13:13", case)
    }
}

pub fn identified(reason: Kind) -> Notice {
    let case = CaseFacts {
        phase: Phase::Identified,
        phase_moved: true,
        updates: vec![second_words()],
        last_words: Some(second_words()),
        ..incident_facts()
    };
    Notice { next_word: Some(at("14:10")), ..notice(reason, "13:39", case) }
}

pub fn due() -> Notice {
    let case = CaseFacts { phase: Phase::Identified, last_words: Some(second_words()), ..incident_facts() };
    Notice { promised: Some(at("14:10")), guidance: still_required(), ..notice(Kind::Due, "14:09", case) }
}

pub fn ended_facts() -> CaseFacts {
    let last =
        words("u4", "14:52", Phase::Resolved, "The new certificate is in place. Error rates are back to normal.");
    CaseFacts {
        phase: Phase::Resolved,
        phase_moved: true,
        ended_at: Some(at("14:52")),
        updates: vec![last.clone()],
        last_words: Some(last),
        ..incident_facts()
    }
}

pub fn over(reason: Kind, case: CaseFacts) -> Notice {
    Notice { next_word: None, ..notice(reason, "14:53", case) }
}

pub fn resolved() -> Notice {
    let case = CaseFacts { data_loss: Some(DataLoss::None), report_by: Some("2026-11-27".to_owned()), ..ended_facts() };
    let guidance = Guidance { known: true, undo: vec![pause_export()], ..Guidance::unknown() };
    let promises = Some(KeptPromises { kept: 4, made: 4 });
    Notice { guidance, promises, ..over(Kind::Resolved, case) }
}

pub fn corrected() -> Notice {
    let rewrite = Words {
        replaces: Some(Replaced { body: first_words().body, at: at("13:12") }),
        ..words("u1", "13:12", Phase::Investigating, "About one in ten EU payments ends with error 502.")
    };
    let case = CaseFacts { updates: vec![rewrite], ..incident_facts() };
    notice(Kind::Corrected, "13:50", case)
}

pub fn planned_facts() -> CaseFacts {
    let plan = Words {
        at: on(17, "09:00"),
        ..words(
            "m1",
            "09:00",
            Phase::Scheduled,
            "We move the search index to new machines. Search is slow, and for up to 5 minutes somewhere in the \
             window it does not answer.",
        )
    };
    CaseFacts {
        reference: "M3TD".to_owned(),
        title: "Search: the index moves".to_owned(),
        phase: Phase::Scheduled,
        impact: Some(Impact::Maintenance),
        components: vec!["Search".to_owned()],
        component_ids: vec!["search".to_owned()],
        started_at: None,
        reported_at: Some(on(17, "09:00")),
        scheduled_for: Some(on(24, "21:00")),
        scheduled_until: Some(on(24, "22:30")),
        first_words: Some(plan.clone()),
        last_words: Some(plan),
        ..incident_facts()
    }
}

pub fn work(reason: Kind, now: Timestamp, case: CaseFacts) -> Notice {
    Notice {
        now,
        concerned: vec![(2, "Search".to_owned())],
        untouched: vec![(1, "Payments API".to_owned())],
        next_word: Some(on(24, "20:00")),
        guidance: known_none(""),
        ..notice(reason, "00:00", case)
    }
}

pub fn set_timeout() -> Guidance {
    let action = Action {
        by: Some(on(24, "21:00")),
        check: Some("a search with ?slow=1 answers.".to_owned()),
        otherwise: Some("searches in those 5 minutes end with an error.".to_owned()),
        undo: Some("Set the time-out of search calls back.".to_owned()),
        takes: Some("10m".to_owned()),
        ..bare_action("timeout", "Set the time-out of search calls to 30 seconds.")
    };
    Guidance { need: Need::Required, known: true, actions: vec![action], ..Guidance::unknown() }
}

pub fn running_facts() -> CaseFacts {
    CaseFacts { phase: Phase::InProgress, phase_moved: true, started_at: Some(on(24, "21:00")), ..planned_facts() }
}

pub fn running(reason: Kind, clock: &str, next: &str) -> Notice {
    Notice { next_word: Some(on(24, next)), ..work(reason, on(24, clock), running_facts()) }
}
