//! What a template sees: the finished sentences of one notice, in their places, and the facts beside them.
//!
//! Deliberately absent: layout (the templates') and the client's name, whose place is filled last.

use serde::Serialize;

use crate::domain::notice::{Notice, Sender};

use super::block::Block;
use super::happened;
use super::pack::{Pack, fill};
use super::quote::{MOST_OF_HAPPENED, MOST_OF_STATUS, Quotes};
use super::scene::{NAME_PLACE, Scene, sentences, tidy};
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
        foot: foot(&scene, sender),
        client: ClientPart { name: NAME_PLACE.to_string() },
        sender: sender_part(sender),
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

fn sender_part(sender: &Sender) -> SenderPart {
    SenderPart {
        name: tidy(&sender.name),
        reply_to: sender.reply_to.clone(),
        phone: sender.phone.clone(),
        answered: sender.answered.clone(),
    }
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
fn foot(scene: &Scene<'_>, sender: &Sender) -> Vec<String> {
    let words = &scene.pack.foot;
    let mut lines = Vec::new();
    if let Some(page) = &scene.notice.page {
        lines.push(fill(&words.page, &[("url", page)]));
    }
    let answered = sender.answered.as_deref().map(tidy).filter(|answered| !answered.is_empty());
    let has_reply = sender.reply_to.is_some();
    let reply = match (has_reply, &answered) {
        (true, Some(answered)) => fill(&words.reply_answered, &[("answered", answered)]),
        (true, None) => words.reply.clone(),
        (false, _) => String::new(),
    };
    let phone = match (&sender.phone, &answered) {
        (Some(phone), Some(answered)) if !has_reply => {
            fill(&words.phone_answered, &[("answered", answered), ("phone", &tidy(phone))])
        }
        (Some(phone), _) => fill(&words.phone, &[("phone", &tidy(phone))]),
        (None, _) => String::new(),
    };
    let contact = sentences(&[reply, phone]);
    if !contact.is_empty() {
        lines.push(contact);
    }
    let client = NAME_PLACE.to_string();
    let names = scene.plain_names();
    lines.push(if scene.is_possibly() || names.is_empty() {
        fill(&words.because_possibly, &[("client", &client)])
    } else {
        let names = scene.join(&names, &scene.pack.about.and);
        fill(&words.because, &[("client", &client), ("names", &names)])
    });
    lines
}
