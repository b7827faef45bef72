//! Delivers to client webhooks: one signed POST, one answer, one verdict.
//!
//! `address` says what may be reached, `resolve` holds names to it, `verdict` reads the answer. Deliberately
//! absent: redirects, proxies, cookies and retries (an attempt is one request; waiting is the store's), and
//! where the secret comes from.

pub mod address;
pub mod resolve;
pub mod silence;
pub mod verdict;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;
use http::HeaderValue;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use hyper::body::Bytes;
use jiff::Timestamp;
use reqwest::Client;
use rustls::pki_types::CertificateDer;
use rustls_platform_verifier::{BuilderVerifierExt, Verifier};
use url::Url;

use crate::config::settings::WebhookSettings;
use crate::domain::delivery::{Cause, Outcome};
use crate::domain::signature::{WebhookSecret, sign};
use address::{Destination, Reach, Realm};
use resolve::{GuardedResolver, Names};
use silence::TracedBody;

/// As much of an answer as is read, in bytes; the connection of an endpoint that sends more is dropped.
pub const MOST_ANSWER_BYTES: usize = 20_000;

/// An idle connection is closed before the usual 60 s after which servers close it under a request.
const IDLE_CONNECTION: Duration = Duration::from_secs(30);

/// What surrounds the sender: all that a test replaces, and the time limits.
#[derive(Clone)]
pub struct Surroundings {
    pub names: Names,
    /// Trusted beside the system's own roots.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// For name, connection and TLS together.
    pub connect_limit: Duration,
    /// For the whole attempt, the answer's body included. Longer than `connect_limit`.
    pub total_limit: Duration,
}

impl Default for Surroundings {
    fn default() -> Surroundings {
        Surroundings {
            names: Names::System,
            extra_roots: Vec::new(),
            connect_limit: Duration::from_secs(10),
            total_limit: Duration::from_secs(20),
        }
    }
}

/// Sends to client webhooks, over connections that all deliveries share. Cheap to clone.
#[derive(Clone)]
pub struct WebhookSender {
    reach: Reach,
    public: Client,
    /// For `http:`, whose names are held to the allowed networks alone.
    allowed_only: Client,
}

impl WebhookSender {
    /// The sender as the settings describe it.
    ///
    /// # Errors
    /// When the system's certificate store cannot be used.
    pub fn new(settings: &WebhookSettings) -> anyhow::Result<WebhookSender> {
        WebhookSender::within(settings, Surroundings::default())
    }

    /// The same in other surroundings.
    ///
    /// # Errors
    /// When the system's certificate store cannot be used.
    pub fn within(settings: &WebhookSettings, surroundings: Surroundings) -> anyhow::Result<WebhookSender> {
        let reach = Reach::new(&settings.allow);
        let tls = tls_settings(&surroundings.extra_roots).context("cannot use the system's trusted certificates")?;
        let client = |realm: Realm| {
            let resolver = GuardedResolver::new(surroundings.names.clone(), reach.clone(), realm);
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(resolver)
                .no_proxy()
                .no_gzip()
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .connect_timeout(surroundings.connect_limit)
                .timeout(surroundings.total_limit)
                .pool_max_idle_per_host(settings.connections)
                .pool_idle_timeout(IDLE_CONNECTION)
                .user_agent(concat!("candor/", env!("CARGO_PKG_VERSION")))
                .build()
                .context("cannot prepare the webhook client")
        };
        let (public, allowed_only) = (client(Realm::PublicAndAllowed)?, client(Realm::AllowedOnly)?);
        Ok(WebhookSender { reach, public, allowed_only })
    }

    /// Makes one attempt: POSTs `body` (JSON) to `url`, signed at `now` under the delivery's `key`, which stays
    /// the same over all attempts and holds no `.`. Takes at most the total time limit. Every failure of the
    /// other side is an [`Outcome`]; none of its words names the URL.
    pub async fn deliver(
        &self,
        url: &str,
        secret: &WebhookSecret,
        key: &str,
        now: Timestamp,
        body: impl Into<Bytes>,
    ) -> Outcome {
        let body = body.into();
        let Destination { url, realm } = match self.reach.destination(url) {
            Ok(destination) => destination,
            Err(refusal) => return Outcome::Failed { cause: Cause::new("connect", None, &refusal.to_string()) },
        };
        let client = match realm {
            Realm::PublicAndAllowed => &self.public,
            Realm::AllowedOnly => &self.allowed_only,
        };
        let handed_over = Arc::new(AtomicBool::new(false));
        let signature = sign(secret, key, now.as_second(), &body);
        let sent = client
            .post(url.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header("webhook-id", key)
            .header("webhook-timestamp", now.as_second())
            .header("webhook-signature", signature)
            .body(reqwest::Body::wrap(TracedBody::new(body, handed_over.clone())))
            .send()
            .await;
        match sent {
            Ok(response) => answered(response, &url, now).await,
            Err(error) => verdict::of_silence(silence::read(&error, &handed_over)),
        }
    }

    /// Asks whether anything answers at `url`, by a HEAD that tells it nothing; any answer will do. The cause of a
    /// silence does not name the URL.
    pub async fn knock(&self, url: &str) -> Result<(), Cause> {
        let refused = |refusal: address::Refusal| Cause::new("connect", None, &refusal.to_string());
        let Destination { url, realm } = self.reach.destination(url).map_err(refused)?;
        let client = match realm {
            Realm::PublicAndAllowed => &self.public,
            Realm::AllowedOnly => &self.allowed_only,
        };
        match client.head(url).send().await {
            Ok(_) => Ok(()),
            Err(error) => match verdict::of_silence(silence::read(&error, &AtomicBool::new(false))) {
                Outcome::Delivered { .. } => Ok(()),
                Outcome::Deferred { cause, .. }
                | Outcome::Failed { cause }
                | Outcome::Uncertain { cause }
                | Outcome::AccountHeld { cause }
                | Outcome::Gone { cause } => Err(cause),
            },
        }
    }
}

async fn answered(mut response: reqwest::Response, url: &Url, now: Timestamp) -> Outcome {
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let words = first_words(&mut response, url).await;
    verdict::of_answer(status, retry_after.as_deref(), &words, now)
}

/// The beginning of the answer as one line. The status has come, and it alone decides: a body that breaks off,
/// takes too long or never ends only makes the words fewer.
async fn first_words(response: &mut reqwest::Response, url: &Url) -> String {
    let mut read: Vec<u8> = Vec::new();
    while read.len() < MOST_ANSWER_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => read.extend_from_slice(&chunk[..chunk.len().min(MOST_ANSWER_BYTES - read.len())]),
            Ok(None) | Err(_) => break,
        }
    }
    let text = String::from_utf8_lossy(&read);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    without_address(line, url)
}

/// Error pages like to repeat what was asked for. A webhook's URL counts as a secret.
fn without_address(words: String, url: &Url) -> String {
    const SHORTEST_TELLING_PART: usize = 6;
    let segments = url.path().split('/').filter(|segment| segment.len() >= SHORTEST_TELLING_PART);
    let path = Some(url.path()).filter(|path| path.len() > 1);
    let mut parts: Vec<&str> = [path, url.query(), url.host_str()].into_iter().flatten().chain(segments).collect();
    parts.retain(|part| !part.is_empty());
    parts.iter().fold(words, |words, part| words.replace(part, "…"))
}

fn tls_settings(extra_roots: &[CertificateDer<'static>]) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions =
        rustls::ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let mut config = if extra_roots.is_empty() {
        versions.with_platform_verifier()?.with_no_client_auth()
    } else {
        let verifier = Verifier::new_with_extra_roots(extra_roots.iter().cloned(), provider)?;
        versions.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests;
