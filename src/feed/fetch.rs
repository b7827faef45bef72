//! The conditional GET that all polled sources share, with a limit on everything: time, bytes, redirects.
//!
//! Deliberately absent: what the body means (each kind's parser), when to ask again (the caller, who obeys
//! [`Refused`](Fetched::Refused)'s `retry_after`), and retries: the next poll is the retry.

mod body;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode};
use rustls_platform_verifier::BuilderVerifierExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use body::Body;

use super::cause::Cause;
use crate::domain::delivery::clean;

/// What one read may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub connect: Duration,
    /// For the whole of a read: connection, redirects and body.
    pub total: Duration,
    /// Of the body after decompression; counted while it streams.
    pub decoded_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { connect: Duration::from_secs(10), total: Duration::from_secs(30), decoded_bytes: 5 << 20 }
    }
}

/// Redirects in a row that are followed.
const MOST_REDIRECTS: usize = 5;

/// A source that asks for a longer pause is asked again after this nevertheless.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// Validators longer than this are not kept: such a document is simply fetched anew.
const LONGEST_VALIDATOR: usize = 1_000;

/// What a server said about the version it sent (RFC 9110 §8.8); kept by the caller until the next read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

/// What one conditional GET came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    Fresh {
        body: Vec<u8>,
        validators: Validators,
    },
    /// 304: the version that the validators name still holds.
    Unchanged,
    Refused {
        cause: Cause,
        /// How long the server asks us to wait, at most an hour.
        retry_after: Option<Duration>,
    },
}

/// The client for sources. One serves all feeds: it keeps connections. It is made with the first question, so
/// that a daemon without such feeds never carries TLS and the system's certificates.
#[derive(Debug, Clone)]
pub struct FeedClient {
    http: Arc<OnceLock<reqwest::Client>>,
    limits: Limits,
}

impl FeedClient {
    pub fn new(limits: Limits) -> FeedClient {
        FeedClient { http: Arc::default(), limits }
    }

    /// The client that trusts the certificate authorities of the operating system, and no https server at all
    /// where it has none.
    fn http(&self) -> Result<&reqwest::Client, Cause> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let made = make(self.limits).map_err(|error| Cause::Unreachable(clean(&format!("{error:#}"), 200)))?;
        Ok(self.http.get_or_init(|| made))
    }

    /// Fetches `url` unless it is still the version that `known` names. `now` reads a `Retry-After` date.
    pub async fn get(&self, url: &Url, known: &Validators, now: Timestamp) -> Fetched {
        let conditions = conditions(known);
        let conditional = !conditions.is_empty();
        let response = match self.ask(url, conditions).await {
            Ok(response) => response,
            Err(cause) => return Fetched::Refused { cause, retry_after: None },
        };
        match response.status() {
            StatusCode::OK => {
                let validators = validators_in(response.headers());
                match read_capped(response, self.limits.decoded_bytes).await {
                    Ok(body) => Fetched::Fresh { body, validators },
                    Err(cause) => Fetched::Refused { cause, retry_after: None },
                }
            }
            StatusCode::NOT_MODIFIED if conditional => Fetched::Unchanged,
            status => {
                Fetched::Refused { cause: cause_of_status(status), retry_after: retry_after(response.headers(), now) }
            }
        }
    }

    /// The status that `url`, a page for people, answers with; the body is not read.
    ///
    /// # Errors
    /// The cause when no status came at all.
    pub async fn status(&self, url: &Url) -> Result<u16, Cause> {
        let page = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("text/html, */*;q=0.5"))]);
        let response = self.ask(url, page).await?;
        Ok(response.status().as_u16())
    }

    async fn ask(&self, url: &Url, headers: HeaderMap) -> Result<Response, Cause> {
        self.http()?.get(url.clone()).headers(headers).send().await.map_err(cause_of)
    }
}

fn make(limits: Limits) -> anyhow::Result<reqwest::Client> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    reqwest::Client::builder()
        .tls_backend_preconfigured(trust_of_the_system()?)
        .user_agent(concat!("candor/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .connect_timeout(limits.connect)
        .timeout(limits.total)
        .redirect(reqwest::redirect::Policy::custom(follow_on_the_same_host))
        .retry(reqwest::retry::never())
        .referer(false)
        .pool_max_idle_per_host(2)
        .build()
        .context("building the HTTP client for feeds")
}

/// The time to the next poll: `every`, moved by up to a tenth either way by a hash, so that many feeds and
/// nodes do not ask in step. The same feed and tick always give the same.
pub fn jittered(every: Duration, feed: &str, tick: u64) -> Duration {
    let digest = Sha256::new().chain_update(feed.as_bytes()).chain_update(tick.to_be_bytes()).finalize();
    let roll = f64::from(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])) / f64::from(u32::MAX);
    every.mul_f64(0.9 + 0.2 * roll)
}

fn trust_of_the_system() -> anyhow::Result<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        || rustls::ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let config = match builder()?.with_platform_verifier() {
        Ok(config) => config.with_no_client_auth(),
        Err(error) => {
            tracing::warn!(%error, "no certificate authorities on this system: https feeds cannot be read");
            builder()?.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
        }
    };
    Ok(config)
}

fn follow_on_the_same_host(attempt: reqwest::redirect::Attempt<'_>) -> reqwest::redirect::Action {
    let followed = attempt.previous().len();
    let allowed = attempt.previous().last().is_some_and(|from| stays(from, attempt.url()));
    if allowed && followed <= MOST_REDIRECTS { attempt.follow() } else { attempt.stop() }
}

/// Whether a redirect stays with the server that we were configured to ask: same host, same port, and never
/// from https to http. From http to https it may go over the usual ports.
fn stays(from: &Url, to: &Url) -> bool {
    let same_place = from.scheme() == to.scheme() && from.port_or_known_default() == to.port_or_known_default();
    let upgrade = from.scheme() == "http" && to.scheme() == "https" && from.port().is_none() && to.port().is_none();
    let no_new_login = to.username().is_empty() && to.password().is_none();
    from.host() == to.host() && (same_place || upgrade) && no_new_login
}

fn conditions(known: &Validators) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let named = [(header::IF_NONE_MATCH, &known.etag), (header::IF_MODIFIED_SINCE, &known.last_modified)];
    for (name, value) in named {
        if let Some(value) = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
    headers
}

fn validators_in(headers: &HeaderMap) -> Validators {
    let text = |name| {
        let value: &HeaderValue = headers.get(name)?;
        value.to_str().ok().filter(|text| text.len() <= LONGEST_VALIDATOR).map(str::to_owned)
    };
    Validators { etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED) }
}

/// Reads a body chunk by chunk and gives up as soon as it passes `limit` decoded bytes.
async fn read_capped(mut response: Response, limit: usize) -> Result<Vec<u8>, Cause> {
    let mut body = Body::coded_as(response.headers().get(header::CONTENT_ENCODING), limit);
    while let Some(chunk) = response.chunk().await.map_err(cause_of)? {
        body.take(&chunk)?;
    }
    body.finish()
}

fn cause_of_status(status: StatusCode) -> Cause {
    match status.as_u16() {
        301 | 302 | 303 | 307 | 308 => Cause::RedirectRefused(status.as_u16()),
        code => Cause::Status(code),
    }
}

/// Seconds or an HTTP date (RFC 9110 §10.2.3), cut to [`LONGEST_PAUSE`].
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let written = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = match written.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let until = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(written).ok()?;
            u64::try_from(until.as_second().saturating_sub(now.as_second())).unwrap_or(0)
        }
    };
    Some(Duration::from_secs(seconds).min(LONGEST_PAUSE))
}

/// Reads the error from the inside out: the innermost words say most and hold no address.
fn cause_of(error: reqwest::Error) -> Cause {
    let error = error.without_url();
    if error.is_timeout() {
        return Cause::TimedOut;
    }
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let words = clean(&innermost.to_string(), 200);
    if error.is_decode() || error.is_body() { Cause::BrokenBody(words) } else { Cause::Unreachable(words) }
}

#[cfg(test)]
mod tests;
