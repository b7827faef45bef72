//! The JSON body of one webhook delivery, as the contract prints it.
//!
//! Deliberately absent: the words (they come in as [`WebhookInput`]), the headers and the signature (`channel`), and
//! anything about another client. Keys are only ever added; a value that is not known is `null`, a key marked
//! optional below is left out when there is nothing to say.

mod limit;

use jiff::Timestamp;
use serde::Serialize;

use super::markup;
use crate::domain::incident::Phase;
use crate::domain::notice::{Action, Kind, Notice, Words};

/// Most bytes of the body.
pub const BYTES_MOST: usize = 20_000;

/// What one delivery says: the notice, and the words that were made of it.
#[derive(Debug, Clone, Copy)]
pub struct WebhookInput<'a> {
    /// The client's id.
    pub client: &'a str,
    pub notice: &'a Notice,
    /// Line 1 of the message: the verdict.
    pub summary: &'a str,
    pub what_happened: &'a str,
    pub current_status: &'a str,
}

/// Writes the body, at most [`BYTES_MOST`] bytes. Times are RFC 3339 in UTC with whole seconds. `updates` stand
/// in the order of their times, newest last. What is too long loses first the oldest of `updates` (the newest
/// stays), then the ends of bodies (those of updates, `what_happened`, `current_status`), at last the ends of all
/// other texts and lists; `data.truncated` is then `true`, and absent otherwise.
pub fn write(input: &WebhookInput<'_>) -> String {
    limit::write(&mut Body::of(input))
}

/// The event's type. A late joiner's brief is an opening, whatever brought it about; a maintenance has its own
/// words, and borrows those of incidents for what the contract gives it none: `incident.unaffected`,
/// `incident.reopened`, and `incident.withdrawn` for what one of us closed, which is no word on whether the work takes
/// place.
pub fn event_type(notice: &Notice) -> &'static str {
    let is_maintenance = notice.case.phase.is_maintenance();
    let has_begun = is_maintenance && notice.case.phase != Phase::Scheduled;
    let of_incident_or_maintenance = |incident, maintenance| if is_maintenance { maintenance } else { incident };
    let opened = match (is_maintenance, has_begun) {
        (false, _) => "incident.opened",
        (true, false) => "maintenance.scheduled",
        (true, true) => "maintenance.started",
    };
    match notice.reason {
        Kind::Opened => opened,
        Kind::Reopened => "incident.reopened",
        Kind::Unaffected => "incident.unaffected",
        Kind::Withdrawn => "incident.withdrawn",
        Kind::Resolved => of_incident_or_maintenance("incident.resolved", "maintenance.completed"),
        Kind::Completed => "maintenance.completed",
        Kind::Cancelled => "maintenance.cancelled",
        Kind::Postmortem => of_incident_or_maintenance("incident.postmortem", "maintenance.updated"),
        Kind::Due
        | Kind::Reminder
        | Kind::Corrected
        | Kind::Narrower
        | Kind::Better
        | Kind::Phase
        | Kind::Updated
        | Kind::Overdue
        | Kind::Action
        | Kind::Wider
        | Kind::Back
        | Kind::Worse
        | Kind::Started
        | Kind::Moved
            if notice.is_brief =>
        {
            opened
        }
        Kind::Due => of_incident_or_maintenance("incident.holding", "maintenance.updated"),
        Kind::Corrected => of_incident_or_maintenance("incident.corrected", "maintenance.updated"),
        Kind::Reminder => "maintenance.reminder",
        Kind::Started => "maintenance.started",
        Kind::Moved => "maintenance.rescheduled",
        Kind::Narrower
        | Kind::Better
        | Kind::Phase
        | Kind::Updated
        | Kind::Overdue
        | Kind::Action
        | Kind::Wider
        | Kind::Back
        | Kind::Worse => of_incident_or_maintenance("incident.updated", "maintenance.updated"),
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    event: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    client: &'a str,
    case: Case<'a>,
    notice: Told<'a>,
    updates: Vec<Update>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<bool>,
}

#[derive(Serialize)]
struct Case<'a> {
    id: &'a str,
    #[serde(rename = "ref")]
    reference: &'a str,
    source: String,
    incident: String,
    title: String,
    phase: &'static str,
    /// Optional: the source's own word when it is none of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_phase: Option<String>,
    impact: Option<&'static str>,
    components: Vec<String>,
    started_at: Option<String>,
    resolved_at: Option<String>,
    /// Optional, as the next: for planned work.
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_for: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_until: Option<String>,
    url: Option<String>,
}

#[derive(Serialize)]
struct Told<'a> {
    sequence: i64,
    summary: String,
    reason: &'static str,
    changes: Vec<&'static str>,
    what_happened: String,
    current_status: String,
    what_you_need_to_do: ToDo,
    affected: &'static str,
    priority: Option<u32>,
    next_update_by: Option<String>,
    page: Option<&'a str>,
    drill: bool,
}

#[derive(Serialize)]
struct ToDo {
    need: &'static str,
    known: bool,
    actions: Vec<Step>,
    /// Optional: told before and no longer needed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    called_off: Vec<Step>,
    /// Optional: told before and now to be undone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    undo: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    text: String,
    by: Option<String>,
    check: Option<String>,
    undo: Option<String>,
    /// Optional, as those below: keys of the playbook that the entry has.
    #[serde(skip_serializing_if = "Option::is_none")]
    takes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<String>,
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    otherwise: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forward: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    resources: Vec<Link>,
}

#[derive(Serialize)]
struct Link {
    title: String,
    url: String,
}

#[derive(Serialize)]
struct Update {
    id: String,
    phase: Option<&'static str>,
    body: String,
    /// Optional: where it stands, when the author said it apart from what happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<Replaced>,
}

#[derive(Serialize)]
struct Replaced {
    body: String,
    at: String,
}

fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

impl<'a> Body<'a> {
    fn of(input: &WebhookInput<'a>) -> Body<'a> {
        let notice = input.notice;
        Body {
            event: event_type(notice),
            timestamp: seconds(notice.now),
            data: Data {
                client: input.client,
                case: Case::of(notice),
                notice: Told::of(input),
                updates: updates(notice),
                truncated: None,
            },
        }
    }

    fn write(&self) -> String {
        serde_json::to_string(self).expect("plain structs with string keys always have a JSON form")
    }
}

impl<'a> Case<'a> {
    fn of(notice: &'a Notice) -> Case<'a> {
        let case = &notice.case;
        let components = if case.component_ids.is_empty() { &case.components } else { &case.component_ids };
        Case {
            id: &case.id,
            reference: &case.reference,
            source: markup::one_line(&case.source),
            incident: markup::one_line(&case.incident),
            title: markup::one_line(&case.title),
            phase: case.phase_said().as_str(),
            source_phase: case.phase_unknown.as_deref().map(markup::one_line),
            impact: case.impact.map(|impact| impact.as_str()),
            components: components.iter().map(|name| markup::one_line(name)).collect(),
            started_at: case.started_at.map(seconds),
            resolved_at: case.ended_at.map(seconds),
            scheduled_for: case.scheduled_for.map(seconds),
            scheduled_until: case.scheduled_until.map(seconds),
            url: case.url.as_deref().and_then(super::document::web_address),
        }
    }
}

impl<'a> Told<'a> {
    fn of(input: &WebhookInput<'a>) -> Told<'a> {
        let notice = input.notice;
        let guidance = &notice.guidance;
        Told {
            sequence: notice.sequence,
            summary: input.summary.to_owned(),
            reason: notice.reason.as_str(),
            changes: notice.changes.iter().map(|kind| kind.as_str()).collect(),
            what_happened: input.what_happened.to_owned(),
            current_status: input.current_status.to_owned(),
            what_you_need_to_do: ToDo {
                need: guidance.need.as_str(),
                known: guidance.known,
                actions: guidance.actions.iter().map(Step::of).collect(),
                called_off: guidance.called_off.iter().map(Step::of).collect(),
                undo: guidance.undo.iter().map(Step::of_undo).collect(),
            },
            affected: notice.affected.as_str(),
            priority: notice.concerned.first().map(|(rank, _)| *rank).filter(|rank| *rank > 0),
            next_update_by: notice.next_word.map(seconds),
            page: notice.page.as_deref(),
            drill: notice.drill,
        }
    }
}

impl Step {
    fn of(action: &Action) -> Step {
        Step {
            text: markup::plain(&action.text),
            by: action.by.map(seconds),
            check: action.check.clone(),
            undo: action.undo.clone(),
            takes: action.takes.clone(),
            who: action.who.clone(),
            place: action.place.clone(),
            otherwise: action.otherwise.clone(),
            offer: action.offer.clone(),
            forward: action.forward.clone(),
            language: action.language.clone(),
            resources: action
                .resources
                .iter()
                .map(|resource| Link { title: resource.title.clone(), url: resource.url.clone() })
                .collect(),
        }
    }

    /// What is to be done now is the way back; how and by when the step itself was to be done is past.
    fn of_undo(action: &Action) -> Step {
        let undo = action.undo.as_deref().unwrap_or(&action.text);
        let way_back = Step::of(action);
        Step { text: markup::plain(undo), by: None, check: None, undo: None, takes: None, otherwise: None, ..way_back }
    }
}

/// What this contact has not been sent, by time, newest last; a brief begins with the source's first words.
fn updates(notice: &Notice) -> Vec<Update> {
    let case = &notice.case;
    let first = case.first_words.iter().filter(|first| {
        notice.is_brief && !case.updates.iter().any(|update| update.id == first.id && update.at == first.at)
    });
    first.chain(case.updates.iter().rev()).map(update).collect()
}

fn update(words: &Words) -> Update {
    Update {
        id: words.id.clone(),
        phase: words.phase.map(|phase| phase.as_str()),
        body: markup::plain(&words.body),
        status: words.status.as_deref().map(markup::plain),
        at: seconds(words.at),
        replaces: words
            .replaces
            .as_ref()
            .map(|replaced| Replaced { body: markup::plain(&replaced.body), at: seconds(replaced.at) }),
    }
}

#[cfg(test)]
mod tests;
