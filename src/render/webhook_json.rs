//! The JSON body of one webhook delivery, as the contract prints it.
//!
//! Deliberately absent: the words (they come in as [`WebhookInput`]), the headers and the signature (`channel`), and
//! anything about another client. Keys are only ever added; a value that is not known is `null`, a key marked
//! optional below is left out when there is nothing to say.

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
    let mut body = Body::of(input);
    let mut written = body.write();
    if written.len() <= BYTES_MOST {
        return written;
    }
    body.data.truncated = Some(true);
    written = drop_oldest_updates(&mut body);
    if written.len() > BYTES_MOST {
        written = cut_bodies(&mut body);
    }
    let mut most = 4_000;
    while written.len() > BYTES_MOST && most > 0 {
        body.cut_everything(most);
        written = body.write();
        most /= 2;
    }
    written
}

/// The event's type. A late joiner's brief is an opening, whatever brought it about; a maintenance has its own
/// words, and borrows those of incidents for what the contract gives it none: `incident.unaffected` and
/// `incident.reopened`.
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
        Kind::Withdrawn => of_incident_or_maintenance("incident.withdrawn", "maintenance.cancelled"),
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

    /// The texts that are cut before all others.
    fn bodies(&mut self) -> Vec<&mut String> {
        let told = &mut self.data.notice;
        let mut texts = vec![&mut told.what_happened, &mut told.current_status];
        for update in &mut self.data.updates {
            texts.push(&mut update.body);
            texts.extend(update.status.as_mut());
            texts.extend(update.replaces.as_mut().map(|old| &mut old.body));
        }
        texts
    }

    /// Every text of others cut to so many bytes, every list to a hundredth of that.
    fn cut_everything(&mut self, most: usize) {
        let longest_list = (most / 100).max(1);
        self.bodies().into_iter().for_each(|text| cut(text, most));
        self.data.updates.iter_mut().for_each(|update| cut(&mut update.id, most));
        let case = &mut self.data.case;
        for text in [&mut case.title, &mut case.source, &mut case.incident].into_iter().chain(&mut case.source_phase) {
            cut(text, most);
        }
        case.components.truncate(longest_list);
        case.components.iter_mut().for_each(|name| cut(name, most));
        case.url.take_if(|url| url.len() > most);
        let told = &mut self.data.notice;
        cut(&mut told.summary, most);
        told.page.take_if(|page| page.len() > most);
        let to_do = &mut told.what_you_need_to_do;
        for steps in [&mut to_do.actions, &mut to_do.called_off, &mut to_do.undo] {
            steps.truncate(longest_list);
            steps.iter_mut().for_each(|step| step.cut(most, longest_list));
        }
    }
}

/// Drops updates from the oldest on until the rest fits or only the newest is left; then writes.
fn drop_oldest_updates(body: &mut Body<'_>) -> String {
    let sizes: Vec<usize> =
        body.data.updates.iter().map(|update| serde_json::to_string(update).map_or(0, |json| json.len() + 1)).collect();
    let mut size = body.write().len();
    let mut dropped = 0;
    while size > BYTES_MOST && dropped + 1 < sizes.len() {
        size -= sizes[dropped];
        dropped += 1;
    }
    body.data.updates.drain(..dropped);
    body.write()
}

/// Cuts the bodies to the greatest common length with which the whole fits, then writes.
fn cut_bodies(body: &mut Body<'_>) -> String {
    let whole: Vec<String> = body.bodies().into_iter().map(|text| text.clone()).collect();
    let mut write_with = |most: usize| {
        for (text, whole) in body.bodies().into_iter().zip(&whole) {
            text.clone_from(whole);
            cut(text, most);
        }
        body.write()
    };
    let shortest = write_with(BODY_LEAST);
    if shortest.len() > BYTES_MOST {
        return shortest;
    }
    let (mut fits, mut too_long) = (BODY_LEAST, BYTES_MOST);
    while fits + 1 < too_long {
        let middle = (fits + too_long) / 2;
        if write_with(middle).len() <= BYTES_MOST {
            fits = middle;
        } else {
            too_long = middle;
        }
    }
    write_with(fits)
}

/// A body is not cut below so many bytes as long as anything else can be cut.
const BODY_LEAST: usize = 200;

/// Cuts to at most so many bytes, at a boundary of characters; the last character is then `…`.
fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most.saturating_sub('…'.len_utf8())));
        if most >= '…'.len_utf8() {
            text.push('…');
        }
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
            phase: case.phase.as_str(),
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
                undo: guidance.undo.iter().map(Step::of).collect(),
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
            text: action.text.clone(),
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

    fn cut(&mut self, most: usize, longest_list: usize) {
        cut(&mut self.text, most);
        let optional = [
            &mut self.check,
            &mut self.undo,
            &mut self.takes,
            &mut self.who,
            &mut self.place,
            &mut self.otherwise,
            &mut self.offer,
            &mut self.forward,
            &mut self.language,
        ];
        optional.into_iter().flatten().for_each(|text| cut(text, most));
        self.resources.retain(|resource| resource.url.len() <= most);
        self.resources.truncate(longest_list);
        self.resources.iter_mut().for_each(|resource| cut(&mut resource.title, most));
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
mod tests {
    use super::*;
    use crate::domain::incident::{Impact, Need};
    use crate::domain::notice::{Affected, CaseFacts, Guidance, Replaced as Before, Resource, Voice};
    use serde_json::{Value, json};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millisecond(1_795_439_100_000 + minute * 60_000 + 789).unwrap()
    }

    fn words(id: &str, minute: i64, body: &str) -> Words {
        Words {
            id: id.to_owned(),
            phase: Some(Phase::Identified),
            body: body.to_owned(),
            status: None,
            at: at(minute),
            replaces: None,
            by_hand: false,
        }
    }

    fn notice() -> Notice {
        Notice {
            now: at(15),
            sequence: 2,
            reason: Kind::Worse,
            changes: vec![Kind::Worse, Kind::Phase],
            is_brief: false,
            case: CaseFacts {
                id: "01J9Z".to_owned(),
                reference: "K7QM".to_owned(),
                source: "platform".to_owned(),
                incident: "p31zjtct2jer".to_owned(),
                title: "Payments fail &amp; <b>time out</b>".to_owned(),
                renamed: None,
                phase: Phase::Identified,
                phase_moved: true,
                phase_unknown: None,
                impact: Some(Impact::Major),
                impact_before: Some(Impact::Minor),
                components: vec!["Payments API".to_owned()],
                component_ids: vec!["payments".to_owned()],
                added: Vec::new(),
                removed: Vec::new(),
                started_at: Some(at(0)),
                reported_at: Some(at(1)),
                ended_at: None,
                closed_by_hand_at: None,
                scheduled_for: None,
                scheduled_until: None,
                moved_from: None,
                url: Some("https://status.example.com/incidents/1".to_owned()),
                voice: Voice::Ours(None),
                first_words: Some(words("u1", 1, "First.")),
                updates: vec![words("u3", 14, "<p>Newest &amp; <b>worst</b></p>"), words("u2", 5, "Middle.")],
                last_words: None,
                left_out: 0,
                data_loss: None,
                report_by: None,
                stand: None,
            },
            affected: Affected::Confirmed,
            concerned: vec![(1, "Payments API".to_owned()), (3, "Search".to_owned())],
            untouched: Vec::new(),
            guidance: Guidance::unknown(),
            next_word: Some(at(75)),
            promised: None,
            lost_sight_since: None,
            is_daily: false,
            page: None,
            drill: false,
        }
    }

    fn action(text: &str) -> Action {
        Action {
            id: "pause".to_owned(),
            need: Need::Required,
            text: text.to_owned(),
            by: Some(at(60)),
            check: Some("It is paused.".to_owned()),
            undo: Some("Resume it.".to_owned()),
            takes: Some("5m".to_owned()),
            who: None,
            place: None,
            otherwise: None,
            offer: None,
            forward: None,
            resources: vec![Resource { title: "Guide".to_owned(), url: "https://docs.example.com/g".to_owned() }],
            language: None,
        }
    }

    fn input(notice: &Notice) -> WebhookInput<'_> {
        WebhookInput {
            client: "acme",
            notice,
            summary: "WORSE: Payments API, your priority 1.",
            what_happened: "Payments fail.",
            current_status: "The cause is known.",
        }
    }

    /// What holds for every body, whatever is in it.
    fn read(written: &str) -> Value {
        assert!(written.len() <= BYTES_MOST, "{} bytes", written.len());
        serde_json::from_str(written).unwrap()
    }

    #[test]
    fn the_body_is_the_one_of_the_contract() {
        let mut notice = notice();
        notice.guidance =
            Guidance { need: Need::Required, known: true, actions: vec![action("Pause.")], ..Guidance::unknown() };
        let written = write(&input(&notice));
        let expected = json!({
            "type": "incident.updated",
            "timestamp": "2026-11-23T13:20:00Z",
            "data": {
                "client": "acme",
                "case": {
                    "id": "01J9Z", "ref": "K7QM", "source": "platform", "incident": "p31zjtct2jer",
                    "title": "Payments fail & time out", "phase": "identified", "impact": "major",
                    "components": ["payments"], "started_at": "2026-11-23T13:05:00Z", "resolved_at": null,
                    "url": "https://status.example.com/incidents/1",
                },
                "notice": {
                    "sequence": 2, "summary": "WORSE: Payments API, your priority 1.", "reason": "worse",
                    "changes": ["worse", "phase"], "what_happened": "Payments fail.",
                    "current_status": "The cause is known.",
                    "what_you_need_to_do": {
                        "need": "required", "known": true,
                        "actions": [{
                            "text": "Pause.", "by": "2026-11-23T14:05:00Z", "check": "It is paused.",
                            "undo": "Resume it.", "takes": "5m",
                            "resources": [{"title": "Guide", "url": "https://docs.example.com/g"}],
                        }],
                    },
                    "affected": "confirmed", "priority": 1, "next_update_by": "2026-11-23T14:20:00Z",
                    "page": null, "drill": false,
                },
                "updates": [
                    {"id": "u2", "phase": "identified", "body": "Middle.", "at": "2026-11-23T13:10:00Z"},
                    {"id": "u3", "phase": "identified", "body": "Newest & worst", "at": "2026-11-23T13:19:00Z"},
                ],
            },
        });
        assert_eq!(read(&written), expected);
        let order = ["\"type\"", "\"timestamp\"", "\"client\"", "\"case\"", "\"notice\"", "\"updates\""];
        assert!(order.map(|key| written.find(key).unwrap()).is_sorted(), "{written}");
    }

    #[test]
    fn a_notice_with_the_least_has_nulls_and_no_optional_keys() {
        let mut notice = notice();
        notice.concerned.clear();
        notice.next_word = None;
        notice.case.updates.clear();
        notice.case.impact = None;
        notice.case.started_at = None;
        notice.case.url = Some("javascript:alert(1)".to_owned());
        notice.case.component_ids.clear();
        notice.case.phase_unknown = Some("on fire".to_owned());
        let data = &read(&write(&input(&notice)))["data"];
        for (value, expected) in [
            (&data["case"]["impact"], Value::Null),
            (&data["case"]["started_at"], Value::Null),
            (&data["case"]["url"], Value::Null),
            (&data["case"]["components"], json!(["Payments API"])),
            (&data["case"]["source_phase"], json!("on fire")),
            (&data["notice"]["priority"], Value::Null),
            (&data["notice"]["next_update_by"], Value::Null),
            (&data["notice"]["what_you_need_to_do"], json!({"need": "none", "known": false, "actions": []})),
            (&data["updates"], json!([])),
        ] {
            assert_eq!(*value, expected);
        }
        assert!(data.get("truncated").is_none() && data["case"].get("scheduled_for").is_none());
    }

    #[test]
    fn a_rewritten_update_names_what_it_replaces() {
        let mut notice = notice();
        notice.case.updates.truncate(1);
        notice.case.updates[0].replaces = Some(Before { body: "**Before**".to_owned(), at: at(3) });
        let update = &read(&write(&input(&notice)))["data"]["updates"][0];
        assert_eq!(update["replaces"], json!({"body": "Before", "at": "2026-11-23T13:08:00Z"}));
    }

    #[test]
    fn a_brief_begins_with_the_first_words_once() {
        let mut notice = notice();
        notice.is_brief = true;
        let ids = |notice: &Notice| -> Vec<String> {
            let body = read(&write(&input(notice)));
            body["data"]["updates"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["id"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(ids(&notice), ["u1", "u2", "u3"]);
        notice.case.updates.push(words("u1", 1, "First."));
        assert_eq!(ids(&notice), ["u1", "u2", "u3"]);
        notice.is_brief = false;
        notice.case.updates.pop();
        assert_eq!(ids(&notice), ["u2", "u3"]);
    }

    #[test]
    fn the_type_follows_the_reason() {
        let check = |reason: Kind, incident: &str, planned: &str, running: &str, brief: &str| {
            for (phase, is_brief, expected) in [
                (Phase::Monitoring, false, incident),
                (Phase::Scheduled, false, planned),
                (Phase::InProgress, false, running),
                (Phase::Identified, true, brief),
            ] {
                let mut notice = notice();
                (notice.reason, notice.is_brief, notice.case.phase) = (reason, is_brief, phase);
                assert_eq!(event_type(&notice), expected, "{reason:?} {phase:?} {is_brief}");
            }
        };
        let (iu, mu, io) = ("incident.updated", "maintenance.updated", "incident.opened");
        for reason in Kind::ALL {
            match reason {
                Kind::Opened => check(reason, io, "maintenance.scheduled", "maintenance.started", io),
                Kind::Due => check(reason, "incident.holding", mu, mu, io),
                Kind::Corrected => check(reason, "incident.corrected", mu, mu, io),
                Kind::Updated | Kind::Phase | Kind::Better | Kind::Worse | Kind::Narrower | Kind::Wider => {
                    check(reason, iu, mu, mu, io);
                }
                Kind::Overdue | Kind::Action | Kind::Back => check(reason, iu, mu, mu, io),
                Kind::Reminder => {
                    check(reason, "maintenance.reminder", "maintenance.reminder", "maintenance.reminder", io)
                }
                Kind::Started => check(reason, "maintenance.started", "maintenance.started", "maintenance.started", io),
                Kind::Moved => {
                    check(reason, "maintenance.rescheduled", "maintenance.rescheduled", "maintenance.rescheduled", io);
                }
                Kind::Resolved => {
                    let done = "maintenance.completed";
                    check(reason, "incident.resolved", done, done, "incident.resolved");
                }
                Kind::Withdrawn => {
                    let cancelled = "maintenance.cancelled";
                    check(reason, "incident.withdrawn", cancelled, cancelled, "incident.withdrawn");
                }
                Kind::Postmortem => check(reason, "incident.postmortem", mu, mu, "incident.postmortem"),
                Kind::Reopened => {
                    check(reason, "incident.reopened", "incident.reopened", "incident.reopened", "incident.reopened")
                }
                Kind::Unaffected => {
                    let unaffected = "incident.unaffected";
                    check(reason, unaffected, unaffected, unaffected, unaffected);
                }
                Kind::Completed => {
                    let done = "maintenance.completed";
                    check(reason, done, done, done, done);
                }
                Kind::Cancelled => {
                    let cancelled = "maintenance.cancelled";
                    check(reason, cancelled, cancelled, cancelled, cancelled);
                }
            }
        }
    }

    #[test]
    fn too_long_loses_the_oldest_updates_first() {
        let mut notice = notice();
        notice.case.updates = (0..30).rev().map(|n| words(&format!("u{n}"), n, &"ü\"\\ ".repeat(200))).collect();
        let body = read(&write(&input(&notice)));
        let updates = body["data"]["updates"].as_array().unwrap();
        assert_eq!(body["data"]["truncated"], json!(true));
        assert!((2..30).contains(&updates.len()), "{}", updates.len());
        let first = 30 - updates.len();
        assert_eq!(updates[0]["id"], json!(format!("u{first}")));
        assert_eq!(updates.last().unwrap()["id"], json!("u29"));
        assert!(
            updates.iter().all(|one| !one["body"].as_str().unwrap().ends_with('…')),
            "no body is cut as long as an update can go"
        );
    }

    #[test]
    fn one_byte_over_the_limit_is_cut_and_the_limit_is_not() {
        let mut notice = notice();
        notice.case.updates.truncate(1);
        notice.case.updates[0].body = "x".to_owned();
        let rest = write(&input(&notice)).len() - 1;
        for (length, is_cut) in [(BYTES_MOST - rest, false), (BYTES_MOST - rest + 1, true)] {
            notice.case.updates[0].body = "x".repeat(length);
            let written = write(&input(&notice));
            let body = read(&written);
            assert_eq!(body["data"].get("truncated").is_some(), is_cut, "{length}");
            assert_eq!(body["data"]["updates"][0]["body"].as_str().unwrap().ends_with('…'), is_cut, "{length}");
            assert!(written.len() > BYTES_MOST - 10, "{} bytes used", written.len());
        }
    }

    #[test]
    fn anything_fits_in_the_end() {
        for unit in ["x", "ü", "🚒", "\"", "\\", "\n\n", "\u{1}", "a b ", "<p>"] {
            let long = unit.repeat(30_000 / unit.len());
            let mut notice = notice();
            notice.case.title = long.clone();
            notice.case.url = Some(format!("https://e.example/{}", "x".repeat(1_900)));
            notice.case.component_ids = vec![long.clone(); 100];
            notice.case.updates = vec![words(&long, 1, &long); 3];
            notice.page = Some(format!("https://e.example/{long}"));
            notice.guidance.actions = vec![action(&long); 40];
            notice.guidance.undo = vec![action(&long); 3];
            let made = WebhookInput { summary: &long, what_happened: &long, current_status: &long, ..input(&notice) };
            let body = read(&write(&made));
            assert_eq!(body["data"]["truncated"], json!(true), "{unit:?}");
            assert_eq!(body["data"]["updates"].as_array().unwrap().len(), 1, "{unit:?}");
            assert_eq!(body["data"]["case"]["ref"], json!("K7QM"), "{unit:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_words_make_a_body_within_the_limit(
            unit in "(?s).{1,40}", times in 1_usize..600, count in 0_usize..12, happened in "(?s).{0,80}",
        ) {
            let mut notice = notice();
            notice.case.updates = vec![words("u", 1, &unit.repeat(times)); count];
            let written = write(&WebhookInput { what_happened: &happened, ..input(&notice) });
            let body = read(&written);
            proptest::prop_assert_eq!(body["data"]["updates"].as_array().unwrap().is_empty(), count == 0);
        }
    }
}
