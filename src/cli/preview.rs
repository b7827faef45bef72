//! `candor preview [FILE]`: the messages that clients would get, on the terminal or in a folder.
//!
//! Nothing is stored and nothing is sent. Without an update the samples are shown, in every language that the
//! templates have. Deliberately absent: who gets what (`outlook.rs`) and the words (`render`).

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

use super::arguments::Arguments;
use super::exit::Exit;
use super::outlook::{self, Outlook, Prospect, Reached};
use super::{dry_run, opening, show, trigger};
use crate::domain::client::{self, Channel};
use crate::domain::counted::counted;
use crate::domain::delivery;
use crate::domain::notice::{Notice, Voice};
use crate::domain::telling::Telling;
use crate::domain::thread::Variant;
use crate::passes::current::Current;
use crate::render::mail::{self, Drill, MailInput};
use crate::render::samples;
use crate::render::webhook_json::{self, WebhookInput};
use crate::render::words::{MailWords, Parts};

/// More messages are not put on a terminal; `--output` writes all of them.
const MOST_ON_TERMINAL: usize = 100;

/// One message that would be sent.
struct Previewed {
    /// The client's id, or the language of a sample: a folder of its own under `--output`.
    client: String,
    /// Names the file, without its ending.
    name: String,
    channel: Channel,
    to: String,
    reason: &'static str,
    mail: MailWords,
    eml: Vec<u8>,
    webhook: String,
}

pub async fn preview(arguments: &Arguments, file: Option<&Path>, output: Option<&Path>) -> Exit {
    match previewed(arguments, file, output).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn previewed(arguments: &Arguments, file: Option<&Path>, output: Option<&Path>) -> Result<Exit, Exit> {
    let current = opening::files(arguments)?;
    let mut shelf = Shelf { arguments, output, shown: Vec::new(), count: 0 };
    match file {
        None => of_samples(&current, &mut shelf).map_err(|error| show::fault(&error))?,
        Some(file) => {
            let clock = opening::clock();
            let seen = trigger::read_update(file, &clock, &current)?;
            match outlook::of(&current, &seen, clock.now()).await.map_err(|error| show::fault(&error))? {
                Outlook::Incomplete(missing) => {
                    show::problem(&format!("this opens a new case, and a new case needs {}", dry_run::key_of(missing)));
                    return Err(Exit::Wrong);
                }
                Outlook::Nobody(why) => show::note(&format!("nobody would get anything: {why}")),
                Outlook::Told(prospect) => {
                    of_update(&current, &prospect, &mut shelf).await.map_err(|error| show::fault(&error))?;
                }
            }
        }
    }
    shelf.finish();
    Ok(Exit::Done)
}

/// Every sample in every language, for the sample's reader and from the sender of the configuration.
fn of_samples(current: &Current, shelf: &mut Shelf<'_>) -> anyhow::Result<()> {
    let locales: Vec<String> = current.words.templates().locales().map(ToOwned::to_owned).collect();
    for locale in locales {
        let reader = samples::reader(&locale);
        for (number, (name, notice)) in samples::every_reason().into_iter().enumerate() {
            let reading = Reading { locale: &reader.locale, timezone: &reader.timezone, name: &reader.name };
            let (mail, parts) = words(current, &notice, &reading)?;
            let post = Post { key: "sample", root: "sample", last: None, to: "ops@acme.example" };
            shelf.put(Previewed {
                client: format!("sample-{locale}"),
                name: format!("{:02}-{}", number + 1, name.replace(", ", "-").replace(' ', "-")),
                channel: Channel::Email,
                to: "a sample".to_owned(),
                reason: notice.reason.as_str(),
                eml: eml(current, &notice, &mail, &post)?,
                webhook: webhook("acme", &notice, &parts),
                mail,
            })?;
        }
    }
    Ok(())
}

/// The text of the mail that a contact would get; a webhook's words are the same.
///
/// # Errors
/// A template of the user's fails.
pub fn text_of(current: &Current, prospect: &Prospect, reached: &Reached) -> anyhow::Result<String> {
    let voice = current.voice_of(&prospect.story.case.source);
    let notice = notice_of(current, prospect, reached, &voice);
    let client = &reached.client;
    let sender = &current.settings.sender;
    let locale = current.words.templates().choose_locale(client.locale.as_deref(), &sender.locale);
    let reading = Reading { locale: &locale, timezone: &client.timezone, name: &client.name };
    let (mail, _) = words(current, &notice, &reading)?;
    Ok(format!("{}\n\n{}", mail.subject, mail.text))
}

fn notice_of(current: &Current, prospect: &Prospect, reached: &Reached, voice: &Voice) -> Notice {
    let asked: Vec<&Variant> = reached.asked.iter().collect();
    Telling {
        story: &prospect.story,
        thread: &reached.thread,
        until: reached.thread.wanted,
        variant: &reached.variant,
        told_variant: reached.told_variant.as_ref(),
        asked: &asked,
        catalog: &current.catalog,
        voice,
        next_word: prospect.next_word,
        promises: None,
        now: prospect.now,
    }
    .notice()
}

async fn of_update(current: &Current, prospect: &Prospect, shelf: &mut Shelf<'_>) -> anyhow::Result<()> {
    let mut counts: BTreeMap<(String, Channel), usize> = BTreeMap::new();
    let voice = current.voice_of(&prospect.story.case.source);
    prospect
        .for_each(current, &mut |reached| {
            let notice = notice_of(current, prospect, &reached, &voice);
            let channel = reached.contact.channel;
            let count = counts.entry((reached.client.id.clone(), channel)).or_default();
            *count += 1;
            let name = format!("{}-{count}", channel.as_str());
            shelf.put(of_contact(current, prospect, &reached, &notice, name)?)
        })
        .await
}

fn of_contact(
    current: &Current,
    prospect: &Prospect,
    reached: &Reached,
    notice: &Notice,
    name: String,
) -> anyhow::Result<Previewed> {
    let (client, contact, case) = (&reached.client, &reached.contact, &prospect.story.case);
    let sender = &current.settings.sender;
    let locale = current.words.templates().choose_locale(client.locale.as_deref(), &sender.locale);
    let reading = Reading { locale: &locale, timezone: &client.timezone, name: &client.name };
    let (mail, parts) = words(current, notice, &reading)?;
    let eml = match contact.channel {
        Channel::Email => {
            let root = delivery::thread_root(
                case.facts.first_source.as_ref().unwrap_or(&case.source),
                &case.incident,
                &client.id,
                &contact.address,
            );
            let last = reached.thread.last_key.as_deref();
            eml(current, notice, &mail, &Post { key: "preview", root: &root, last, to: &contact.address })?
        }
        Channel::Webhook => Vec::new(),
    };
    Ok(Previewed {
        client: client.id.clone(),
        name,
        channel: contact.channel,
        to: client::masked(contact.channel, &contact.address),
        reason: notice.reason.as_str(),
        eml,
        webhook: webhook(&client.id, notice, &parts),
        mail,
    })
}

struct Reading<'a> {
    locale: &'a str,
    timezone: &'a str,
    name: &'a str,
}

/// The words as they would be sent; a template of the user's that fails is an error here.
fn words(current: &Current, notice: &Notice, reading: &Reading<'_>) -> anyhow::Result<(MailWords, Parts)> {
    let sender = &current.settings.sender;
    let shared = current.words.render_shared(notice, reading.locale, reading.timezone, sender)?;
    Ok((shared.fill(reading.name), shared.parts))
}

struct Post<'a> {
    key: &'a str,
    root: &'a str,
    last: Option<&'a str>,
    to: &'a str,
}

fn eml(current: &Current, notice: &Notice, words: &MailWords, post: &Post<'_>) -> anyhow::Result<Vec<u8>> {
    Ok(mail::compose(&MailInput {
        key: post.key,
        root: post.root,
        last: post.last,
        from: &current.settings.sender,
        to: post.to,
        subject: &words.subject,
        text: &words.text,
        html: &words.html,
        case: &notice.case.reference,
        phase: notice.case.phase,
        need: notice.guidance.need,
        drill: Drill::No,
        date: notice.now,
    })?)
}

fn webhook(client: &str, notice: &Notice, parts: &Parts) -> String {
    let body = webhook_json::write(&WebhookInput {
        notice,
        client,
        summary: &parts.summary,
        what_happened: &parts.what_happened,
        current_status: &parts.current_status,
    });
    let pretty =
        serde_json::from_str::<serde_json::Value>(&body).and_then(|value| serde_json::to_string_pretty(&value));
    pretty.unwrap_or(body)
}

/// Where previewed messages go: a folder, one JSON document, or the terminal.
struct Shelf<'a> {
    arguments: &'a Arguments,
    output: Option<&'a Path>,
    /// For `--json`.
    shown: Vec<serde_json::Value>,
    count: usize,
}

impl Shelf<'_> {
    fn put(&mut self, message: Previewed) -> anyhow::Result<()> {
        self.count += 1;
        if let Some(output) = self.output {
            write_files(output, &message)?;
        }
        if self.arguments.json {
            self.shown.push(json(&message));
        } else if self.output.is_none() && self.count <= MOST_ON_TERMINAL {
            show::result(&on_terminal(&message));
        }
        Ok(())
    }

    fn finish(self) {
        if self.arguments.json {
            show::json(&self.shown);
        } else if let Some(output) = self.output {
            show::result(&format!("{} in {}", counted(self.count, "message", "messages"), output.display()));
        } else if self.count > MOST_ON_TERMINAL {
            show::note(&format!("{} more are not shown; --output DIR writes all", self.count - MOST_ON_TERMINAL));
        }
        show::note("nothing is stored and nothing is sent");
    }
}

fn on_terminal(message: &Previewed) -> String {
    let who = format!("== {}, {} to {} ({}) ==", message.client, message.channel.as_str(), message.to, message.reason);
    let body = match message.channel {
        Channel::Email => format!("Subject: {}\n\n{}", message.mail.subject, message.mail.text),
        Channel::Webhook => format!("{}\n", message.webhook),
    };
    format!("{}\n{body}", show::heading(&who))
}

fn json(message: &Previewed) -> serde_json::Value {
    let mut value = serde_json::json!({
        "client": message.client, "channel": message.channel.as_str(), "to": message.to, "reason": message.reason,
    });
    match message.channel {
        Channel::Email => {
            value["subject"] = message.mail.subject.clone().into();
            value["text"] = message.mail.text.clone().into();
            value["html"] = message.mail.html.clone().into();
        }
        Channel::Webhook => value["body"] = serde_json::from_str(&message.webhook).unwrap_or_default(),
    }
    value
}

/// `DIR/CLIENT/NAME.txt`, `.html`, `.eml` for a mail, `.json` for a webhook; a sample has all four.
fn write_files(output: &Path, message: &Previewed) -> anyhow::Result<()> {
    let folder = output.join(file_name(&message.client));
    std::fs::create_dir_all(&folder).with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    let is_sample = message.client.starts_with("sample-");
    let mut files: Vec<(&str, &[u8])> = Vec::new();
    if message.channel == Channel::Email {
        files.push(("txt", message.mail.text.as_bytes()));
        files.push(("html", message.mail.html.as_bytes()));
        files.push(("eml", &message.eml));
    }
    if message.channel == Channel::Webhook || is_sample {
        files.push(("json", message.webhook.as_bytes()));
    }
    for (ending, bytes) in files {
        let path = folder.join(format!("{}.{ending}", file_name(&message.name)));
        std::fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

/// A name that stays in its folder.
fn file_name(text: &str) -> String {
    let kept: String =
        text.chars().map(|c| if c.is_alphanumeric() || "-_.@+".contains(c) { c } else { '_' }).take(100).collect();
    if kept.trim_start_matches('.').is_empty() { "_".to_owned() } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_stays_in_its_folder() {
        for (text, expected) in
            [("acme", "acme"), ("../../etc/passwd", ".._.._etc_passwd"), ("..", "_"), ("", "_"), ("a b/c", "a_b_c")]
        {
            assert_eq!(file_name(text), expected);
        }
    }
}
