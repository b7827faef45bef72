//! What a template sees: the finished sentences of one notice, in their places, and the facts beside them.
//!
//! Deliberately absent: layout (the templates') and the client's name, whose place is filled last.

use serde::Serialize;

use crate::domain::incident::Phase;
use crate::domain::notice::{Notice, Sender};

use super::block::Block;
use super::happened;
use super::pack::{Pack, fill};
use super::quote::{MOST_OF_HAPPENED, MOST_OF_STATUS, Quotes};
use super::scene::{NAME_PLACE, Scene, tidy};
use super::status::status;
use super::subject::{SubjectForm, subject};
use super::todo::todo;
use super::verdict::lines;

/// The names that a template can use; `config/templates/mail.txt` shows all of them in use.
#[derive(Debug, Clone, Serialize)]
pub struct Context {
    /// The language, for the `lang` attribute.
    pub lang: String,
    /// The finished subject line.
    pub subject: String,
    /// The verdict.
    pub line1: String,
    /// The time of the next word, or how long it lasted.
    pub line2: String,
    pub headings: Headings,
    pub happened: Vec<Block>,
    pub status: Vec<Block>,
    pub todo: Vec<Block>,
    /// At most five lines.
    pub foot: Vec<String>,
    pub client: ClientPart,
    pub sender: SenderPart,
    pub case: CasePart,
    pub notice: NoticePart,
}

#[derive(Debug, Clone, Serialize)]
pub struct Headings {
    pub happened: String,
    pub status: String,
    pub todo: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct ClientPart {
    pub name: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct SenderPart {
    pub name: String,
    pub reply_to: Option<String>,
    pub phone: Option<String>,
    pub answered: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct CasePart {
    pub reference: String,
    pub title: String,
    pub phase: &'static str,
    pub impact: Option<&'static str>,
    pub components: Vec<String>,
    pub url: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct NoticePart {
    pub reason: &'static str,
    pub need: &'static str,
    pub affected: &'static str,
    pub is_over: bool,
    pub drill: bool,
    pub page: Option<String>,
}

/// Puts a notice into words.
pub fn context(
    notice: &Notice,
    pack: &Pack,
    locale: &str,
    timezone: &str,
    sender: &Sender,
    form: SubjectForm,
) -> Context {
    let scene = Scene::new(notice, pack, timezone);
    let mut account = Quotes::new(MOST_OF_HAPPENED);
    let happened = happened::happened(&scene, &mut account);
    let status = status(&scene, &mut Quotes::new(MOST_OF_STATUS), account.left_out());
    let [line1, line2] = lines(&scene);
    Context {
        lang: locale.to_owned(),
        subject: subject(&scene, &sender.name, form),
        line1,
        line2,
        headings: Headings {
            happened: happened::heading(&scene),
            status: pack.heading.status.clone(),
            todo: pack.heading.todo.clone(),
        },
        happened,
        status,
        todo: todo(&scene),
        foot: foot(&scene, locale, sender),
        client: ClientPart { name: NAME_PLACE.to_string() },
        sender: sender_part(pack, locale, sender),
        case: case_part(&scene),
        notice: NoticePart {
            reason: notice.reason.as_str(),
            need: notice.guidance.need.as_str(),
            affected: notice.affected.as_str(),
            is_over: scene.is_over(),
            drill: notice.drill,
            page: notice.page.clone(),
        },
    }
}

fn sender_part(pack: &Pack, locale: &str, sender: &Sender) -> SenderPart {
    SenderPart {
        name: tidy(&sender.name),
        reply_to: sender.reply_to.clone(),
        phone: sender.phone.clone(),
        answered: answered(pack, locale, sender),
    }
}

/// When the sender answers, in the reader's words: as the pack has them, or as they were written in a mail that speaks
/// the sender's language. In any other they are left out rather than mixed in.
fn answered(pack: &Pack, locale: &str, sender: &Sender) -> Option<String> {
    let written = sender.answered.as_deref().map(tidy).filter(|answered| !answered.is_empty())?;
    let folded = written.to_lowercase();
    let known = pack.answered.iter().find(|(words, _)| words.to_lowercase() == folded).map(|(_, here)| tidy(here));
    let language = |locale: &str| locale.split(['-', '_']).next().unwrap_or_default().to_lowercase();
    known.or_else(|| (language(locale) == language(&sender.locale)).then_some(written))
}

fn case_part(scene: &Scene<'_>) -> CasePart {
    let case = &scene.notice.case;
    CasePart {
        reference: tidy(&case.reference),
        title: scene.title(),
        phase: case.phase.as_str(),
        impact: case.impact.map(|impact| impact.as_str()),
        components: case.components.iter().map(|name| tidy(name)).collect(),
        url: scene.url(),
    }
}

/// The page, who reads a reply and when, the telephone, why you get this. A line that would lead nowhere
/// is left out.
fn foot(scene: &Scene<'_>, locale: &str, sender: &Sender) -> Vec<String> {
    let words = &scene.pack.foot;
    let mut lines = Vec::new();
    if let Some(page) = &scene.notice.page {
        lines.push(fill(&words.page, &[("url", page)]));
    }
    let answered = answered(scene.pack, locale, sender);
    let has_reply = sender.reply_to.is_some();
    let ask = match scene.notice.case.phase {
        _ if scene.is_over() => &words.ask_over,
        Phase::Scheduled => &words.ask_planned,
        Phase::Investigating
        | Phase::Identified
        | Phase::Monitoring
        | Phase::Resolved
        | Phase::Postmortem
        | Phase::InProgress
        | Phase::Verifying
        | Phase::Completed
        | Phase::Cancelled => &words.ask,
    };
    let reply = match (has_reply, &answered) {
        (true, Some(answered)) => fill(&words.reply_answered, &[("ask", ask), ("answered", answered)]),
        (true, None) => fill(&words.reply, &[("ask", ask)]),
        (false, _) => String::new(),
    };
    let phone = match (&sender.phone, &answered) {
        (Some(phone), Some(answered)) if !has_reply => {
            fill(&words.phone_answered, &[("answered", answered), ("phone", &tidy(phone))])
        }
        (Some(phone), _) => fill(&words.phone, &[("phone", &tidy(phone))]),
        (None, _) => String::new(),
    };
    // A number on a line of its own is not broken.
    lines.extend([reply, phone].into_iter().filter(|line| !line.is_empty()));
    let client = NAME_PLACE.to_string();
    let names = scene.plain_names();
    lines.push(if scene.is_told_to_everybody() {
        fill(&words.because_everybody, &[("client", &client)])
    } else if scene.is_possibly() || names.is_empty() {
        fill(&words.because_possibly, &[("client", &client)])
    } else {
        let names = scene.join(&names, &scene.pack.about.and);
        fill(&words.because, &[("client", &client), ("names", &names)])
    });
    lines
}
