//! Standard Webhooks signatures (version 1.0.0, symmetric `v1`): how we sign what we send and prove what we take.
//!
//! Deliberately absent: headers as HTTP has them (`hook/native` and `channel/webhook` read and write those),
//! asymmetric `v1a`, any memory of ids already seen, and the clock.

use data_encoding::{BASE64, BASE64_NOPAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// How far the signer's clock may be from ours, in seconds, in both directions. The reference libraries' figure.
pub const TOLERANCE_SECONDS: i64 = 300;
/// The longest `webhook-id` we take, in bytes.
pub const LONGEST_ID: usize = 256;
/// The longest `webhook-signature` we take, in bytes: some eighty signatures.
pub const LONGEST_SIGNATURE_HEADER: usize = 4096;

const SECRET_PREFIX: &str = "whsec_";
const SHORTEST_SECRET: usize = 24;
const LONGEST_SECRET: usize = 64;

/// A signing secret of 24 to 64 bytes. Its `Debug` shows nothing, and its bytes are wiped when it is dropped.
#[derive(Debug, Clone)]
pub struct WebhookSecret(SecretSlice<u8>);

/// Why a text is no signing secret. Never holds the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretFault {
    #[error(
        "the secret does not start with `whsec_`: a Standard Webhooks secret is `whsec_` and 24 to 64 bytes in base64"
    )]
    NoPrefix,
    #[error("what follows `whsec_` is not base64 (letters, digits, `+` and `/`, closed with `=`)")]
    NotBase64,
    #[error(
        "the secret has {0} bytes, and 24 to 64 are allowed: make one with `echo whsec_$(openssl rand -base64 32)`"
    )]
    Length(usize),
}

/// Why a webhook is not believed. For the ledger and the log only: whoever sent it is always told the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("the id is empty, too long, or has a character that the signature cannot hold apart")]
    Id,
    #[error("the timestamp is not a whole number of seconds")]
    Timestamp,
    #[error("the timestamp is too long ago")]
    TooOld,
    #[error("the timestamp is too far ahead")]
    TooNew,
    #[error("the signature header is too long")]
    SignatureHeader,
    #[error("no signature matches")]
    NoMatch,
}

impl WebhookSecret {
    /// Reads `whsec_…`; white space around it (a file's last newline) is ignored, and so is missing `=` padding.
    ///
    /// # Errors
    /// Says what is wrong with the text without repeating any of it.
    pub fn parse(text: &str) -> Result<WebhookSecret, SecretFault> {
        let encoded = text.trim().strip_prefix(SECRET_PREFIX).ok_or(SecretFault::NoPrefix)?.as_bytes();
        let bytes =
            BASE64.decode(encoded).or_else(|_| BASE64_NOPAD.decode(encoded)).map_err(|_| SecretFault::NotBase64)?;
        match bytes.len() {
            SHORTEST_SECRET..=LONGEST_SECRET => Ok(WebhookSecret(bytes.into())),
            length => Err(SecretFault::Length(length)),
        }
    }

    /// The secret as its owner writes it down: `whsec_` and base64. Only for showing it to that owner.
    pub fn to_text(&self) -> String {
        format!("{SECRET_PREFIX}{}", BASE64.encode(self.0.expose_secret()))
    }
}

/// The secret of a webhook contact that has none of its own: HMAC-SHA256 of the client's id and the address
/// under `[webhook] key`. The same three always give the same secret; any other key, client or address another.
/// `key` is the text of the configured secret, which the caller has found not to be empty.
pub fn derive(key: &[u8], client_id: &str, address: &str) -> WebhookSecret {
    let mut code = keyed(key);
    code.update(b"candor webhook secret 1");
    for part in [client_id, address] {
        // The length in front keeps ("ab", "c") apart from ("a", "bc").
        code.update(&(part.len() as u64).to_be_bytes());
        code.update(part.as_bytes());
    }
    WebhookSecret(code.finalize().into_bytes().to_vec().into())
}

/// The value of `webhook-signature`: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.
/// `id` must hold no `.`, and `timestamp_seconds` is the Unix time of this very attempt.
pub fn sign(secret: &WebhookSecret, id: &str, timestamp_seconds: i64, body: &[u8]) -> String {
    signature_over(secret, id, &timestamp_seconds.to_string(), body)
}

/// Whether one of the signatures in the header (a list divided by spaces) was made with one of the secrets.
/// All pairs are compared, in constant time and at full length, so that neither a match nor its place shows in
/// the time taken. Only `v1` signatures count.
///
/// # Errors
/// A [`Rejection`] when the id or timestamp cannot be what was signed, the timestamp is more than 300 seconds
/// from `now`, or nothing matches (also when either list is empty).
pub fn verify(
    secrets: &[WebhookSecret],
    id: &str,
    timestamp: &str,
    signature_header: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Rejection> {
    if !is_signable_id(id) {
        return Err(Rejection::Id);
    }
    let signed_at = whole_seconds(timestamp).ok_or(Rejection::Timestamp)?;
    let age = now.as_second() - signed_at;
    if age > TOLERANCE_SECONDS {
        return Err(Rejection::TooOld);
    }
    if age < -TOLERANCE_SECONDS {
        return Err(Rejection::TooNew);
    }
    if signature_header.len() > LONGEST_SIGNATURE_HEADER {
        return Err(Rejection::SignatureHeader);
    }
    let mut matched = Choice::from(0);
    for secret in secrets {
        let expected = signature_over(secret, id, timestamp, body);
        for offered in signature_header.split(' ') {
            matched |= expected.as_bytes().ct_eq(offered.as_bytes());
        }
    }
    if matched.into() { Ok(()) } else { Err(Rejection::NoMatch) }
}

/// A `.` in the id would let a part of a signed body pass for the timestamp of another message.
fn is_signable_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.')
}

/// Digits only, as every signer writes them: no sign, no space, no leading zero, at most twelve.
fn whole_seconds(text: &str) -> Option<i64> {
    let digits = (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    if digits && canonical { text.parse().ok() } else { None }
}

fn signature_over(secret: &WebhookSecret, id: &str, timestamp: &str, body: &[u8]) -> String {
    let mut code = keyed(secret.0.expose_secret());
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        code.update(part);
    }
    format!("v1,{}", BASE64.encode(&code.finalize().into_bytes()))
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

#[cfg(test)]
mod tests;
