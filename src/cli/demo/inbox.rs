//! What the demo's clients have received, in the order of arrival, and what was refused.
//!
//! Deliberately absent: how it came (`smtp`, `page`) and how it is shown (`message`).

use std::sync::Mutex;

use anyhow::Context as _;
use axum::http::HeaderMap;
use jiff::Timestamp;

use crate::domain::signature::{self, WebhookSecret};

/// One message as it arrived.
#[derive(Debug, Clone)]
pub enum Received {
    Mail { to: String, bytes: Vec<u8> },
    Webhook { client: String, body: Vec<u8> },
}

/// The mailboxes and endpoints of all clients.
pub struct Inbox {
    secret: WebhookSecret,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    new: Vec<Received>,
    mails: usize,
    refused: Vec<String>,
}

impl Inbox {
    /// # Errors
    /// The secret is none.
    pub fn new(secret: &str) -> anyhow::Result<Inbox> {
        let secret = WebhookSecret::parse(secret).context("the demo's own webhook secret")?;
        Ok(Inbox { secret, held: Mutex::default() })
    }

    /// Takes a mail; its number is the receipt.
    pub fn take_mail(&self, to: String, bytes: Vec<u8>) -> usize {
        let Ok(mut held) = self.held.lock() else { return 0 };
        held.mails += 1;
        held.new.push(Received::Mail { to, bytes });
        held.mails
    }

    /// Takes a webhook whose signature is right; `false`: it was not, and is refused.
    pub fn take_webhook(&self, client: String, headers: &HeaderMap, body: &[u8], now: Timestamp) -> bool {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let proved = signature::verify(
            std::slice::from_ref(&self.secret),
            text("webhook-id"),
            text("webhook-timestamp"),
            text("webhook-signature"),
            body,
            now,
        );
        let Ok(mut held) = self.held.lock() else { return false };
        match &proved {
            Ok(()) => held.new.push(Received::Webhook { client, body: body.to_vec() }),
            Err(rejection) => held.refused.push(format!("a webhook to {client}: {rejection}")),
        }
        proved.is_ok()
    }

    /// Everything that has come since the last look.
    pub fn empty(&self) -> Vec<Received> {
        self.held.lock().map(|mut held| std::mem::take(&mut held.new)).unwrap_or_default()
    }

    pub fn refused(&self) -> Vec<String> {
        self.held.lock().map(|held| held.refused.clone()).unwrap_or_default()
    }
}
