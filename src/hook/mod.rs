//! What a source's webhook is, and what it is told. One file a kind: how it proves itself, nothing more.
//!
//! Proof comes before anything is parsed. Deliberately absent: the update format (`feed::update_format`), any
//! memory of ids already seen, the store, and the HTTP server (`web` makes these values and reads them).

pub mod native;
pub mod statuspage;
pub mod token;

use http::HeaderMap;
use hyper::body::Bytes;

/// A webhook as it arrived at `POST /hooks/NAME[/TOKEN]`: whole, within the size limit, not yet believed.
#[derive(Clone)]
pub struct HookRequest {
    /// As in the path, percent-decoded; perhaps no hook of ours.
    pub name: String,
    /// The path's second part.
    pub token: Option<String>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What the source is told. The words of [`HookAnswer::BadBody`] are only for those who have proved themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookAnswer {
    /// It is stored, on disk.
    Accepted,
    /// Proved, but its body is none of ours: names the key at fault, in one line.
    BadBody(String),
    /// Not proved; all alike.
    BadSignature,
    /// No such hook, or the wrong token in the path; both alike.
    NotFound,
    /// It cannot be stored now, and should come again.
    Unavailable { retry_after_seconds: u32 },
}

/// Why a request proves nothing: which of two answers it gets, and the reason for our log alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    #[error("no usable proof")]
    BadSignature,
    #[error("wrong or missing token in the path")]
    NotFound,
}

impl From<Unproven> for HookAnswer {
    fn from(unproven: Unproven) -> HookAnswer {
        match unproven {
            Unproven::BadSignature => HookAnswer::BadSignature,
            Unproven::NotFound => HookAnswer::NotFound,
        }
    }
}

impl std::fmt::Debug for HookRequest {
    /// Shows the hook and the size: the token, the headers and the body may all hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HookRequest").field("name", &self.name).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_shows_no_secret() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer topsecret".parse().unwrap());
        let request = HookRequest {
            name: "pager".to_owned(),
            token: Some("topsecret".to_owned()),
            headers,
            body: Bytes::from_static(b"topsecret"),
        };
        let shown = format!("{request:?}");
        assert!(shown.contains("pager") && !shown.contains("topsecret"), "{shown}");
    }
}
