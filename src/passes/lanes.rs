//! The ways out that one node has open: so many connections for mail, so many requests at once for webhooks.
//!
//! Deliberately absent: what is sent on them and what the answers mean for a thread.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;

use super::Shared;
use super::current::Current;
use super::deliver::IN_FLIGHT;
use super::message::{Form, Made};
use crate::channel::email::{self, Account, AccountOptions, Mail};
use crate::channel::webhook::WebhookSender;
use crate::config::secret;
use crate::config::settings::EmailSettings;
use crate::domain::client::{Channel, SecretRef};
use crate::domain::delivery::{Cause, Outcome};
use crate::domain::signature::{self, WebhookSecret};
use crate::store::rows::Claimed;

/// The lanes of one channel that are not at work. Without settings there are none, and what is addressed to them waits.
pub struct Lanes {
    channel: Channel,
    /// The settings that they were made from.
    made_from: Option<Arc<Current>>,
    account: Option<Account>,
    webhooks: Option<WebhookSender>,
    mail: Vec<email::Lane>,
    mail_connections: usize,
    /// Connections that the relay had no room for, each until it is tried again.
    aside: Vec<Timestamp>,
    /// When a lane last came as far as a recipient.
    got_through_at: Option<Timestamp>,
    /// Messages in a row that found no server.
    pub unreached: u32,
    /// After a hold a few are sent at once, then twice as many; `None`: as many as there are.
    slow: Option<usize>,
    pace: Option<Pace>,
    webhook_connections: usize,
}

/// A connection that the relay had no room for is not opened again for that long.
const ASIDE_FOR: SignedDuration = SignedDuration::from_mins(1);

/// So many messages at once after a hold.
const SLOWLY: usize = 5;

/// One tick for each message that the relay allows, shared by all connections. After a pause there is no burst.
type Pace = Arc<tokio::sync::Mutex<tokio::time::Interval>>;

/// One way out at work.
pub enum Lane {
    Mail(Box<email::Lane>, Option<Pace>),
    Webhook(WebhookSender),
    /// The channel is not configured: what is addressed to it waits.
    Missing(Channel),
}

impl Lanes {
    /// The ways out of one channel; [`Lanes::refresh`] opens them.
    pub fn of(channel: Channel) -> Lanes {
        Lanes {
            channel,
            made_from: None,
            account: None,
            webhooks: None,
            mail: Vec::new(),
            mail_connections: 0,
            aside: Vec::new(),
            got_through_at: None,
            unreached: 0,
            slow: None,
            pace: None,
            webhook_connections: 0,
        }
    }

    /// Makes them anew if the settings have been reloaded since; connections of the old ones are left.
    pub fn refresh(&mut self, current: &Arc<Current>) {
        if self.made_from.as_ref().is_some_and(|made_from| Arc::ptr_eq(made_from, current)) {
            return;
        }
        let settings = &current.settings;
        if self.channel == Channel::Webhook {
            self.webhook_connections = settings.webhook.connections;
            // Made with the first webhook there is to send: the system's certificates take memory.
            self.webhooks = None;
            self.made_from = Some(current.clone());
            return;
        }
        let same_mail = self
            .made_from
            .as_ref()
            .is_some_and(|before| before.settings.email == settings.email && before.settings.sender == settings.sender);
        if !same_mail {
            self.mail.clear();
            self.aside.clear();
            self.got_through_at = None;
            self.account = settings.email.as_ref().and_then(|email| account(email, &settings.sender.email));
            self.pace = settings.email.as_ref().and_then(|email| email.rate).and_then(pace);
            self.mail_connections = settings.email.as_ref().map_or(1, |email| email.connections);
        }
        self.made_from = Some(current.clone());
    }

    /// The lanes of a channel that are not aside, at least one; those given back before are open still.
    pub fn take(&mut self, channel: Channel, now: Timestamp) -> Vec<Lane> {
        match channel {
            Channel::Email => {
                let Some(account) = &self.account else { return vec![Lane::Missing(channel)] };
                self.aside.retain(|until| *until > now);
                let count = self.mail_connections.saturating_sub(self.aside.len()).max(1);
                let mut lanes = std::mem::take(&mut self.mail);
                lanes.sort_by_key(|lane| !lane.is_connected());
                lanes.truncate(count);
                lanes.resize_with(count, || account.lane());
                lanes.into_iter().map(|lane| Lane::Mail(Box::new(lane), self.pace.clone())).collect()
            }
            Channel::Webhook => match self.sender().cloned() {
                Some(sender) => (0..self.webhook_connections).map(|_| Lane::Webhook(sender.clone())).collect(),
                None => vec![Lane::Missing(channel)],
            },
        }
    }

    fn sender(&mut self) -> Option<&WebhookSender> {
        if self.webhooks.is_none()
            && let Some(current) = &self.made_from
        {
            self.webhooks = WebhookSender::new(&current.settings.webhook)
                .inspect_err(|error| tracing::error!(error = %format!("{error:#}"), "webhooks cannot be sent"))
                .ok();
        }
        self.webhooks.as_ref()
    }

    pub fn give_back(&mut self, lane: Lane) {
        match lane {
            Lane::Mail(lane, _) => self.mail.push(*lane),
            Lane::Webhook(_) | Lane::Missing(_) => {}
        }
    }

    /// The server answers again: it is not given at once all that has waited.
    pub fn begin_slowly(&mut self) {
        self.slow = Some(SLOWLY);
        self.unreached = 0;
    }

    /// How many may be under way in the next run, where that is fewer than usual; the run after it gets twice as many.
    pub fn take_slow_step(&mut self) -> Option<usize> {
        let now = self.slow?;
        self.slow = Some(now.saturating_mul(2)).filter(|next| *next < IN_FLIGHT);
        Some(now)
    }

    /// When a lane last came as far as a recipient.
    pub fn got_through_at(&self) -> Option<Timestamp> {
        self.got_through_at
    }

    /// Remembers how a run went: when a lane last got through, and how many the relay had no room for.
    pub fn learn(&mut self, got_through_at: Option<Timestamp>, aside: usize, now: Timestamp) {
        self.got_through_at = got_through_at;
        self.aside.extend(std::iter::repeat_n(now + ASIDE_FOR, aside));
    }

    /// Leaves politely because there has been nothing to send for a while.
    pub async fn rest(&mut self) {
        for lane in &mut self.mail {
            lane.rest().await;
        }
    }

    /// Whether the account of a channel is accepted now. Webhooks have no account of ours.
    pub async fn probe(&self, channel: Channel) -> Outcome {
        match (channel, &self.account) {
            (Channel::Email, Some(account)) => account.probe().await,
            (Channel::Email, None) => {
                Outcome::AccountHeld { cause: Cause::new("connect", None, "no [email] server is configured") }
            }
            (Channel::Webhook, _) => Outcome::Delivered { receipt: String::new() },
        }
    }
}

impl Lane {
    /// Hands one message over.
    /// `cut` ends the waiting for an answer when we stop.
    pub async fn send(
        &mut self,
        shared: &Shared,
        claimed: &Claimed,
        made: &Made,
        cut: Pin<&mut impl Future<Output = ()>>,
    ) -> Outcome {
        let not_configured = |what: &str| Outcome::AccountHeld { cause: Cause::new("connect", None, what) };
        match (self, &made.form) {
            (Lane::Mail(lane, pace), Form::Mail(bytes)) => {
                if let Some(pace) = pace {
                    pace.lock().await.tick().await;
                }
                let current = shared.current.load();
                let from = crate::domain::address::normalise_address(&current.settings.sender.email);
                let Ok(from) = from else { return not_configured("the sender's address cannot be used") };
                let mail = Mail { key: &made.key, from: &from, to: &claimed.contact.address, bytes };
                lane.send_until(&mail, cut).await
            }
            (Lane::Webhook(sender), Form::Webhook(body)) => match secret_of(shared, claimed) {
                Ok(secret) => {
                    let now = shared.clock.now();
                    let delivered = sender.deliver(&claimed.contact.address, &secret, &made.key, now, body.clone());
                    tokio::select! {
                        outcome = delivered => outcome,
                        () = cut => Outcome::Uncertain { cause: Cause::new("http", None, "we were stopped before an answer came") },
                    }
                }
                Err(cause) => Outcome::Deferred { cause, retry_after: None },
            },
            (Lane::Missing(Channel::Email), _) => not_configured("no [email] server is configured"),
            (Lane::Missing(Channel::Webhook), _) => not_configured("webhooks cannot be sent"),
            (Lane::Mail(_, _), _) | (Lane::Webhook(_), _) => Outcome::Deferred {
                cause: Cause::new("render", None, "the message is of another form"),
                retry_after: None,
            },
        }
    }
}

/// `rate` is in messages a second. `None` for one that cannot be kept, which the configuration refuses.
fn pace(rate: f64) -> Option<Pace> {
    let period = Duration::try_from_secs_f64(1.0 / rate).ok().filter(|period| !period.is_zero())?;
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    Some(Arc::new(tokio::sync::Mutex::new(ticks)))
}

/// Our account at the relay; the password is read each time it is used.
fn account(settings: &EmailSettings, sender: &str) -> Option<Account> {
    let password = settings.password.clone().map(|reference| -> email::Password {
        Box::new(move || Ok(secret::resolve("email.password", &reference)?.expose_secret().to_owned()))
    });
    let domain = sender.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    Account::new(settings, domain, password, AccountOptions::default())
        .inspect_err(|error| tracing::error!(error = %format!("{error:#}"), "mail cannot be sent"))
        .ok()
}

/// The contact's own secret, else the one derived from `[webhook] key`. Read now, kept nowhere.
fn secret_of(shared: &Shared, claimed: &Claimed) -> Result<WebhookSecret, Cause> {
    let current = shared.current.load();
    webhook_secret(
        claimed.contact.secret.as_ref(),
        current.settings.webhook.key.as_ref(),
        &claimed.client.id,
        &claimed.contact.address,
    )
    .map_err(|error| Cause::new("secret", None, &format!("{error:#}")))
}

/// The secret that a webhook contact is signed with.
///
/// # Errors
/// It cannot be read, is none, or there is neither one of its own nor a key to derive it from.
pub fn webhook_secret(
    own: Option<&SecretRef>,
    key: Option<&SecretRef>,
    client: &str,
    address: &str,
) -> anyhow::Result<WebhookSecret> {
    match (own, key) {
        (Some(own), _) => Ok(WebhookSecret::parse(secret::resolve("secret", own)?.expose_secret())?),
        (None, Some(key)) => {
            Ok(signature::derive(secret::resolve("webhook.key", key)?.expose_secret().as_bytes(), client, address))
        }
        (None, None) => {
            anyhow::bail!("the contact has no secret of its own and [webhook] key, to derive one from, is not set")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_hold_a_few_are_sent_and_then_twice_as_many_until_there_are_as_many_as_ever() {
        let mut lanes = Lanes::of(Channel::Email);
        assert_eq!(lanes.take_slow_step(), None, "nothing has been held");
        lanes.unreached = 7;
        lanes.begin_slowly();
        assert_eq!(lanes.unreached, 0, "what failed before the hold is not counted again");
        let steps: Vec<Option<usize>> = (0..7).map(|_| lanes.take_slow_step()).collect();
        assert_eq!(steps, [Some(5), Some(10), Some(20), Some(40), Some(80), Some(160), None]);
    }
}
