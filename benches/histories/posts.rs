//! Histories that are plain lists of posts: Slack, AWS in both of its forms, DatoCMS.
//!
//! Deliberately absent: a phase that the source does not state. Where only the whole incident is said to be over, its
//! last post is the end.

use candor::domain::incident::{Impact, Observation, ObservedUpdate, Origin, Part, Phase};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use serde_json::Value;

use crate::recorded::Recorded;

/// One post, with what it says of the state of its incident.
struct Post {
    at: Timestamp,
    phase: Phase,
    impact: Option<Impact>,
    body: String,
}

/// The incidents of a document of one of these kinds; of any other none.
pub fn histories(document: &Value) -> Vec<Recorded> {
    let members = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let holds = |key: &str| document.get(0).is_some_and(|first| first.get(key).is_some());
    match () {
        () if holds("notes") => members(document).iter().map(slack).collect(),
        () if holds("event_log") => members(document).iter().map(aws_event).collect(),
        () if document.get("archive").is_some() => members(&document["archive"]).iter().map(aws_archived).collect(),
        () if document.get("updates").is_some() => vec![dato(document)],
        () => Vec::new(),
    }
}

fn slack(incident: &Value) -> Recorded {
    let impact = match text(incident, "type") {
        "outage" => Some(Impact::Major),
        "incident" => Some(Impact::Minor),
        _ => Some(Impact::None),
    };
    let notes = incident["notes"].as_array().into_iter().flatten();
    let posts = notes.map(|note| Post {
        at: moment(text(note, "date_created")),
        phase: Phase::Investigating,
        impact,
        body: text(note, "body").to_owned(),
    });
    let posts = if text(incident, "status") == "resolved" { ended(posts.collect()) } else { posts.collect() };
    recorded("Slack", incident["id"].to_string(), text(incident, "title"), posts)
}

fn aws_event(event: &Value) -> Recorded {
    let log = event["event_log"].as_array().into_iter().flatten();
    let posts = log.map(|entry| {
        let status = entry["status"].as_i64().unwrap_or_default();
        Post {
            at: Timestamp::from_second(entry["timestamp"].as_i64().unwrap_or_default()).expect("a time"),
            phase: if status == 0 { Phase::Resolved } else { Phase::Investigating },
            impact: aws_impact(status),
            body: text(entry, "message").to_owned(),
        }
    });
    recorded("AWS, current events", text(event, "arn").to_owned(), text(event, "summary"), posts.collect())
}

/// Archived: over. Its posts are pieces of HTML that begin with a time of day, after midnight with a date.
fn aws_archived(incident: &Value) -> Recorded {
    let began: i64 = text(incident, "date").parse().expect("seconds");
    let began = Timestamp::from_second(began).expect("a time");
    let impact = aws_impact(text(incident, "status").parse().unwrap_or_default());
    let posts = text(incident, "description").split("<span class=\"yellowfg\">").skip(1).map(|piece| {
        let (stamp, body) = piece.split_once("</span>").expect("a piece has a stamp");
        let at = aws_stamp(stamp, began).unwrap_or_else(|| panic!("no time: {stamp}"));
        Post { at, phase: Phase::Investigating, impact, body: body.to_owned() }
    });
    let id = format!("{}-{}", text(incident, "service"), text(incident, "date"));
    recorded("AWS, archive", id, text(incident, "summary"), ended(posts.collect()))
}

fn aws_impact(status: i64) -> Option<Impact> {
    match status {
        1 => Some(Impact::Minor),
        2 => Some(Impact::Major),
        3 => Some(Impact::Critical),
        _ => None,
    }
}

/// `10:27 PM PDT` of the day on which it began, or `Aug 23,  1:54 AM PDT` of that year.
fn aws_stamp(stamp: &str, began: Timestamp) -> Option<Timestamp> {
    let words: Vec<&str> = stamp.split_whitespace().collect();
    let (date, clock) = words.split_at_checked(words.len().checked_sub(3)?)?;
    let zone = TimeZone::fixed(Offset::constant(if clock[2] == "PDT" { -7 } else { -8 }));
    let first_day = zone.to_datetime(began).date();
    let day = match date {
        [month, day] => {
            let written = format!("{month} {} {}", day.trim_end_matches(','), first_day.year());
            Date::strptime("%b %d %Y", written).ok()?
        }
        _ => first_day,
    };
    let time = Time::strptime("%I:%M %p", format!("{} {}", clock[0], clock[1])).ok()?;
    zone.to_timestamp(DateTime::from_parts(day, time)).ok()
}

fn dato(incident: &Value) -> Recorded {
    let impact = Impact::from_word(text(incident, "impact"));
    let updates = incident["updates"].as_array().into_iter().flatten();
    let posts = updates.map(|update| Post {
        at: moment(text(update, "date")),
        phase: Phase::from_word(text(update, "status")).unwrap_or(Phase::Investigating),
        impact,
        body: text(update, "content").to_owned(),
    });
    recorded("DatoCMS", text(incident, "name").to_owned(), text(incident, "name"), posts.collect())
}

fn ended(mut posts: Vec<Post>) -> Vec<Post> {
    if let Some(last) = posts.iter_mut().max_by_key(|post| post.at) {
        last.phase = Phase::Resolved;
    }
    posts
}

/// The incident as it stood after each post.
fn recorded(history: &'static str, incident: String, title: &str, mut posts: Vec<Post>) -> Recorded {
    posts.sort_by_key(|post| post.at);
    // What is posted in the same second is seen together.
    let ends = (1..=posts.len()).filter(|end| posts.get(*end).is_none_or(|next| next.at > posts[end - 1].at));
    let seen = ends.map(|end| (posts[end - 1].at, observation(&incident, title, &posts[..end]))).collect();
    Recorded { history, incident, seen }
}

fn observation(incident: &str, title: &str, posts: &[Post]) -> Observation {
    let newest = posts.last();
    let resolved = newest.filter(|post| post.phase.is_over());
    let update = |(number, post): (usize, &Post)| ObservedUpdate {
        id: Some(format!("{incident}-{number}")),
        phase: Some(post.phase),
        body: post.body.clone(),
        at: Some(post.at),
        ..ObservedUpdate::default()
    };
    Observation {
        source: "page".to_owned(),
        incident: incident.to_owned(),
        parent: None,
        origin: Origin::Polled,
        part: Part::Leads,
        speaker: None,
        event: None,
        title: Some(title.to_owned()),
        phase: newest.map(|post| post.phase),
        phase_unknown: None,
        impact: newest.and_then(|post| post.impact),
        components: None,
        started_at: posts.first().map(|post| post.at),
        resolved_at: resolved.map(|post| post.at),
        scheduled_for: None,
        scheduled_until: None,
        url: None,
        revised_at: newest.map(|post| post.at),
        updates: posts.iter().enumerate().map(update).collect(),
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}
