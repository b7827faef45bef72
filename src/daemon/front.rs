//! Answers the HTTP server: webhooks in, readiness, metrics.
//!
//! A webhook is proved before it is parsed, and accepted only once it is on disk. Deliberately absent: the
//! protocol (`web`) and the proofs (`hook`).

use secrecy::ExposeSecret;

use crate::config::secret;
use crate::config::settings::{HookKind, HookSettings};
use crate::domain::client::{Channel, SecretRef};
use crate::domain::delivery::clean;
use crate::domain::incident::Origin;
use crate::domain::observe::Sight;
use crate::domain::signature::WebhookSecret;
use crate::feed::update_format;
use crate::hook::native::{self, NativeProofs};
use crate::hook::token::HookToken;
use crate::hook::{HookAnswer, HookRequest, statuspage};
use crate::passes::{Shared, ids, ingest};
use crate::web::routes::Application;

/// A feed is made due by its hook at most that often.
const POKE_EVERY: std::time::Duration = std::time::Duration::from_secs(5);
const RETRY_AFTER_SECONDS: u32 = 10;
/// Characters of a sender's id that are kept.
const LONGEST_EVENT: usize = 200;

/// What the HTTP server asks.
pub struct Front {
    pub shared: Shared,
}

impl Application for Front {
    fn admits(&self, name: &str, token: Option<&str>) -> bool {
        let current = self.shared.current.load();
        let Some(hook) = current.settings.hooks.iter().find(|hook| hook.name == name) else { return false };
        match &hook.kind {
            HookKind::Native { .. } => true,
            HookKind::Statuspage { tokens } => {
                let tokens = read_all(hook, tokens, |text| HookToken::parse(text).ok());
                statuspage::is_let_in(token, &tokens)
            }
        }
    }

    async fn hook(&self, request: HookRequest) -> HookAnswer {
        let current = self.shared.current.load_full();
        let Some(hook) = current.settings.hooks.iter().find(|hook| hook.name == request.name) else {
            return HookAnswer::NotFound;
        };
        match &hook.kind {
            HookKind::Native { secrets, tokens } => self.native(hook, &request, secrets, tokens).await,
            HookKind::Statuspage { tokens } => self.statuspage(hook, &request, tokens).await,
        }
    }

    async fn ready(&self) -> Result<(), String> {
        if self.shared.store.is_broken() {
            return Err("the store is broken".to_owned());
        }
        if self.shared.store.is_full() {
            return Err("no room left on the disk that holds the state".to_owned());
        }
        match self.shared.store.held_accounts().await {
            Ok(held) if held.is_empty() => Ok(()),
            Ok(held) => {
                let names: Vec<String> = held.into_iter().map(|account| account.name).collect();
                Err(format!(
                    "nothing is sent by: {}; our account is refused, or its server does not answer",
                    names.join(", ")
                ))
            }
            Err(error) => Err(format!("the store does not answer: {error}")),
        }
    }

    async fn metrics(&self) -> String {
        if let Ok(gauges) = self.shared.store.gauges().await {
            let now = self.shared.clock.now();
            self.shared
                .metrics
                .cases(crate::passes::metrics::CaseState::Open, u64::try_from(gauges.open_cases).unwrap_or(0));
            self.shared
                .metrics
                .cases(crate::passes::metrics::CaseState::Owed, u64::try_from(gauges.owed_cases).unwrap_or(0));
            for channel in Channel::ALL {
                let oldest = gauges.pending.iter().find(|p| p.channel == channel).and_then(|p| p.oldest_since);
                let age = oldest.map(|since| now.duration_since(since).as_secs_f64().max(0.0));
                self.shared.metrics.oldest_pending(channel, age);
            }
        }
        self.shared.metrics.text()
    }
}

impl Front {
    async fn native(
        &self,
        hook: &HookSettings,
        request: &HookRequest,
        secrets: &[SecretRef],
        tokens: &[SecretRef],
    ) -> HookAnswer {
        let (now, current) = (self.shared.clock.now(), self.shared.current.load_full());
        let proofs = NativeProofs {
            secrets: read_all(hook, secrets, |text| WebhookSecret::parse(text).ok()),
            tokens: read_all(hook, tokens, |text| HookToken::parse(text).ok()),
        };
        let proved = match native::prove(request, &proofs, now) {
            Ok(proved) => proved,
            Err(unproven) => return unproven.into(),
        };
        let Ok(text) = std::str::from_utf8(&proved.body) else {
            return HookAnswer::BadBody("the body is not UTF-8".to_owned());
        };
        let update = match update_format::parse(text).and_then(|update| update.believed_at(text, now)) {
            Ok(update) => update,
            Err(error) => return HookAnswer::BadBody(error.to_string()),
        };
        if let Some(named) = &update.incident.source
            && current.source_called(named).is_none()
        {
            let message = "is no feed and no hook of this configuration: leave the key out, or write the name of one";
            return HookAnswer::BadBody(
                update_format::fault_at(text, "incident", "source", message.to_owned()).to_string(),
            );
        }
        let missing = update.missing_for_a_new_case();
        let source = hook.feed.clone().unwrap_or_else(|| hook.name.clone());
        // A retry of a message that names no incident is about the same one.
        let made_up_id = || proved.event.clone().filter(|event| is_id(event)).unwrap_or_else(|| ids::case_id(now));
        let mut seen = update.into_observation(&source, now, made_up_id);
        seen.source = current.source_called(&seen.source).unwrap_or(seen.source);
        (seen.origin, seen.speaker) = (Origin::Pushed, Some(hook.name.clone()));
        seen.event = proved.event.map(|event| clean(&event, LONGEST_EVENT));
        match ingest::take(&self.shared, &[seen], Sight::Watching { last_good_at: None }, None, now).await {
            Ok(taken) if !taken.incomplete.is_empty() => {
                HookAnswer::BadBody(format!("a new case needs {}", missing.join(" and ")))
            }
            Ok(_) => HookAnswer::Accepted,
            Err(error) => {
                tracing::error!(hook = %hook.name, error = %error, "a webhook could not be stored");
                HookAnswer::Unavailable { retry_after_seconds: RETRY_AFTER_SECONDS }
            }
        }
    }

    /// Nothing of its body is believed: it only makes its feed due.
    async fn statuspage(&self, hook: &HookSettings, request: &HookRequest, tokens: &[SecretRef]) -> HookAnswer {
        let Some(feed) = &hook.feed else { return HookAnswer::NotFound };
        let tokens = read_all(hook, tokens, |text| HookToken::parse(text).ok());
        let due = match statuspage::knock(request, &tokens, feed) {
            Ok(due) => due,
            Err(unproven) => return unproven.into(),
        };
        let now = self.shared.clock.now();
        match self.shared.store.poke_feed(due.feed.to_owned(), now, POKE_EVERY).await {
            Ok(_) => {
                self.shared.wakes.ingest.notify_one();
                HookAnswer::Accepted
            }
            Err(error) => {
                tracing::error!(hook = %hook.name, error = %error, "a feed could not be made due");
                HookAnswer::Unavailable { retry_after_seconds: RETRY_AFTER_SECONDS }
            }
        }
    }
}

/// Whether a sender's id can serve as that of an incident.
fn is_id(event: &str) -> bool {
    event.len() <= LONGEST_EVENT && event.chars().all(|c| c.is_ascii_graphic())
}

/// Reads secrets when they are used; one that cannot be read lets nobody in and is named in the log.
fn read_all<T>(hook: &HookSettings, references: &[SecretRef], parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
    references
        .iter()
        .filter_map(|reference| match secret::resolve(&format!("hook {}", hook.name), reference) {
            Ok(text) => {
                let parsed = parse(text.expose_secret());
                if parsed.is_none() {
                    tracing::error!(hook = %hook.name, "a secret of this hook is not of the right form");
                }
                parsed
            }
            Err(error) => {
                tracing::error!(hook = %hook.name, error = %error, "a secret of this hook cannot be read");
                None
            }
        })
        .collect()
}
