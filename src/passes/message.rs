//! Makes the message of one claimed thread: the notice as of now, its words, and the bytes or JSON to send.
//!
//! What contacts with the same variant, language and zone share is rendered once a batch. Deliberately absent:
//! sending. A template of the user's that fails gives way to the built-in one: nobody waits for a template.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::current::Current;
use super::{Shared, operator};
use crate::domain;
use crate::domain::case::{Change, Story};
use crate::domain::client::Channel;
use crate::domain::delivery::{self, Asks, Cause};
use crate::domain::incident::{Need, Phase};
use crate::domain::kept::KeptPromises;
use crate::domain::notice::{Notice, Voice};
use crate::domain::operator::Thing;
use crate::domain::promise::{self, Standing};
use crate::domain::telling::Telling;
use crate::domain::thread::{Thread, Variant};
use crate::render::mail::{self, Drill, MailInput};
use crate::render::operator::OperatorNotice;
use crate::render::webhook_json::{self, WebhookInput};
use crate::render::words;
use crate::store::StoreError;
use crate::store::rows::Claimed;

/// A message ready to be handed over.
#[derive(Debug, Clone)]
pub struct Made {
    /// `Message-ID` or `webhook-id`, without the domain; the same for every attempt.
    pub key: String,
    pub asks: Asks,
    pub form: Form,
    /// The time of the next word that it prints.
    pub promised: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub enum Form {
    Mail(Vec<u8>),
    Webhook(Vec<u8>),
    /// Could not be made.
    Nothing,
}

impl Made {
    pub fn nothing() -> Made {
        Made { key: String::new(), asks: Asks::Nothing, form: Form::Nothing, promised: None }
    }
}

/// One case as it stands for a batch of messages.
pub struct Bundle {
    story: Story,
    variants: HashMap<i64, Variant>,
    now: Timestamp,
    voice: Voice,
    current: Arc<Current>,
    next_word: Option<Timestamp>,
    rendered: Mutex<HashMap<Alike, Arc<(Notice, words::Shared)>>>,
}

/// What two threads have in common when they get the same words.
#[derive(PartialEq, Eq, Hash)]
struct Alike {
    told: i64,
    until: i64,
    first_told: Option<i64>,
    is_in: bool,
    variant: i64,
    told_variant: Option<i64>,
    asked: Vec<i64>,
    promises: Option<KeptPromises>,
    locale: String,
    timezone: String,
}

impl Bundle {
    /// Reads the case with all that its messages need; `None` if there is no such case.
    pub async fn load(shared: &Shared, case_key: i64, now: Timestamp) -> Result<Option<Bundle>, StoreError> {
        let Some(story) = shared.store.story(case_key).await? else { return Ok(None) };
        let variants = shared.store.case_variants(case_key).await?.into_iter().collect();
        let current = shared.current.load_full();
        let voice = current.voice_of(&story.case.source);
        let next_word = next_word(&current, &story, now);
        Ok(Some(Bundle { story, variants, now, voice, current, next_word, rendered: Mutex::default() }))
    }

    pub fn reference(&self) -> &str {
        &self.story.case.reference
    }

    /// When the change of that sequence was made.
    pub fn made_at(&self, sequence: i64) -> Option<Timestamp> {
        self.story.changes.iter().find(|change| change.sequence == sequence).map(|change| change.made_at)
    }

    /// How many planned changes lie between two sequences, neither of them counted.
    pub fn planned_between(&self, after: i64, before: i64) -> u64 {
        let lies_between = |sequence: i64| sequence > after && sequence < before;
        let planned = self.story.changes.iter().filter(|c| c.planned_at.is_some() && lies_between(c.sequence));
        planned.count() as u64
    }

    /// The message that this thread gets now.
    ///
    /// # Errors
    /// The cause, when no message can be made of it: a fault of ours or of the client's address.
    pub fn message(&self, shared: &Shared, claimed: &Claimed) -> Result<Made, Cause> {
        let thread = &claimed.thread;
        let until = thread.wanted;
        let key = delivery::delivery_key(shared.store.state_id(), &self.story.case.id, thread, until);
        if operator::is_the_operators(&self.story) {
            return self.operators_message(claimed, key);
        }
        let rendered = self.rendered(shared, claimed)?;
        let (notice, shared_words) = &*rendered;
        let asks = match notice.guidance.need {
            Need::Required | Need::Maybe if !notice.guidance.actions.is_empty() => Asks::Something,
            Need::None | Need::Required | Need::Maybe => Asks::Nothing,
        };
        let form = match thread.channel {
            Channel::Email => Form::Mail(self.mail(claimed, &key, notice, shared_words)?),
            Channel::Webhook => Form::Webhook(
                webhook_json::write(&WebhookInput {
                    notice,
                    client: &claimed.client.id,
                    summary: &shared_words.parts.summary,
                    what_happened: &shared_words.parts.what_happened,
                    current_status: &shared_words.parts.current_status,
                })
                .into_bytes(),
            ),
        };
        Ok(Made { key, asks, form, promised: notice.next_word })
    }

    /// The notice of a thread, for whoever shows it without sending.
    pub fn notice(&self, thread: &Thread, promises: Option<KeptPromises>) -> Option<Notice> {
        let asked: Vec<&Variant> = thread.asked.iter().filter_map(|key| self.variants.get(key)).collect();
        let telling = Telling {
            story: &self.story,
            thread,
            until: thread.wanted,
            variant: self.variants.get(&thread.variant)?,
            told_variant: thread.told_variant.and_then(|key| self.variants.get(&key)),
            asked: &asked,
            catalog: &self.current.catalog,
            voice: &self.voice,
            next_word: self.next_word,
            promises,
            now: self.now,
        };
        Some(telling.notice())
    }

    fn rendered(&self, shared: &Shared, claimed: &Claimed) -> Result<Arc<(Notice, words::Shared)>, Cause> {
        let thread = &claimed.thread;
        let sender = &self.current.settings.sender;
        let templates = self.current.words.templates();
        let alike = Alike {
            told: thread.told,
            until: thread.wanted,
            first_told: thread.first_told,
            is_in: thread.standing == crate::domain::thread::Standing::In,
            variant: thread.variant,
            told_variant: thread.told_variant,
            asked: thread.asked.clone(),
            promises: claimed.promises,
            locale: templates.choose_locale(claimed.client.locale.as_deref(), &sender.locale),
            timezone: claimed.client.timezone.clone(),
        };
        if let Some(known) = self.rendered.lock().ok().and_then(|rendered| rendered.get(&alike).cloned()) {
            return Ok(known);
        }
        let notice = self
            .notice(thread, claimed.promises)
            .ok_or_else(|| Cause::new("render", None, "the thread names a variant that is not kept"))?;
        let words = &self.current.words;
        let shared_words = words.render_shared(&notice, &alike.locale, &alike.timezone, sender).or_else(|error| {
            shared.operator.tell(Thing::Template, error.to_string());
            tracing::error!(error = %error, "a template failed; the built-in one is sent instead");
            words.render_shared_builtin(&notice, &alike.locale, &alike.timezone, sender)
        });
        let shared_words = shared_words.map_err(|error| Cause::new("render", None, &error.to_string()))?;
        let made = Arc::new((notice, shared_words));
        if let Ok(mut rendered) = self.rendered.lock() {
            rendered.insert(alike, made.clone());
        }
        Ok(made)
    }

    /// A notice to our own side: the lines of its changes.
    fn operators_message(&self, claimed: &Claimed, key: String) -> Result<Made, Cause> {
        let (thread, case) = (&claimed.thread, &self.story.case);
        let is_told = |change: &&Change| change.sequence > thread.told && change.sequence <= thread.wanted;
        let (lines, more) = domain::operator::said(self.story.changes.iter().filter(is_told));
        let notice = OperatorNotice {
            thing: &case.incident,
            title: &case.facts.title,
            lines: &lines,
            more,
            advice: case.facts.stand.as_deref().unwrap_or_default(),
            sequence: thread.wanted,
        };
        let form = match thread.channel {
            Channel::Email => {
                let words = notice.mail(&case.reference);
                Form::Mail(self.compose(
                    claimed,
                    &key,
                    (&words.subject, &words.text, &words.html),
                    (case.facts.phase, Need::None),
                )?)
            }
            Channel::Webhook => Form::Webhook(notice.json(self.now).into_bytes()),
        };
        Ok(Made { key, asks: Asks::Nothing, form, promised: None })
    }

    fn mail(
        &self,
        claimed: &Claimed,
        key: &str,
        notice: &Notice,
        shared_words: &words::Shared,
    ) -> Result<Vec<u8>, Cause> {
        let filled = shared_words.fill(&claimed.client.name);
        let words = (filled.subject.as_str(), filled.text.as_str(), filled.html.as_str());
        self.compose(claimed, key, words, (notice.case.phase_said(), notice.guidance.need))
    }

    fn compose(
        &self,
        claimed: &Claimed,
        key: &str,
        (subject, text, html): (&str, &str, &str),
        (phase, need): (Phase, Need),
    ) -> Result<Vec<u8>, Cause> {
        let case = &self.story.case;
        let root = delivery::thread_root(
            case.facts.first_source.as_ref().unwrap_or(&case.source),
            &case.incident,
            &claimed.client.id,
            &claimed.contact.address,
        );
        mail::compose(&MailInput {
            key,
            root: &root,
            last: claimed.thread.last_key.as_deref(),
            from: &self.current.settings.sender,
            to: &claimed.contact.address,
            subject,
            text,
            html,
            case: &case.reference,
            phase,
            need,
            drill: Drill::No,
            date: self.now,
        })
        .map_err(|error| Cause::new("render", None, &error.to_string()))
    }
}

/// The promise that holds when the message is sent: never a time in the past. What goes out while its change is
/// still being planned for others says what will hold when that is done.
fn next_word(current: &Current, story: &Story, now: Timestamp) -> Option<Timestamp> {
    let case = &story.case;
    let promise = match story.being_planned() {
        Some(change) => promise::of_change(&current.settings.promise, story, change, now)?,
        None => case.timers.promise?,
    };
    if promise.due_at > now {
        return Some(promise.due_at);
    }
    let standing = Standing {
        phase: case.facts.phase,
        impact: case.facts.impact,
        opened_at: case.opened_at,
        last_news_at: case.facts.last_news_at,
        without_news: promise.without_news,
    };
    Some(promise::make(&current.settings.promise, &standing, None, now).due_at)
}
