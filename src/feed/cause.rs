//! Why a source could not be read: the other side's failure as a value.
//!
//! Deliberately absent: addresses. A feed's URL may hold a password; a cause never quotes it.

use serde::{Deserialize, Serialize};

/// Why one document of a source said nothing this time. Displays as words for the operator and the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// No connection, or none that could be trusted; the words are the system's or those of TLS.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    #[error("did not answer in time")]
    TimedOut,
    /// Neither 200 nor a 304 to a conditional request.
    #[error("answered with HTTP status {0}")]
    Status(u16),
    /// A redirect to another host, from https to http, or the sixth in a row.
    #[error("redirects to where we do not follow (HTTP status {0}); configure the address it moved to")]
    RedirectRefused(u16),
    /// `read` is how many decoded bytes had been taken when the reading was given up.
    #[error("is larger than {limit} bytes")]
    TooLarge { limit: usize, read: usize },
    /// The connection or the compression ended amid the body.
    #[error("broke off: {0}")]
    BrokenBody(String),
    /// It is not the document that the kind of source promises.
    #[error("is not what was expected: {0}")]
    Foreign(String),
    /// A file or folder that cannot be read; the words are the system's.
    #[error("cannot be read: {0}")]
    Files(String),
}

impl Cause {
    /// One word for all causes of this kind, whatever their figures.
    pub fn kind(&self) -> &'static str {
        match self {
            Cause::Unreachable(_) => "unreachable",
            Cause::TimedOut => "timed out",
            Cause::Status(_) => "status",
            Cause::RedirectRefused(_) => "redirect",
            Cause::TooLarge { .. } => "too large",
            Cause::BrokenBody(_) => "broken body",
            Cause::Foreign(_) => "foreign",
            Cause::Files(_) => "files",
        }
    }

    /// Whether the server is not there at all: then its other documents need not be asked for.
    pub fn is_silence(&self) -> bool {
        match self {
            Cause::Unreachable(_) | Cause::TimedOut => true,
            Cause::Status(_)
            | Cause::RedirectRefused(_)
            | Cause::TooLarge { .. }
            | Cause::BrokenBody(_)
            | Cause::Foreign(_)
            | Cause::Files(_) => false,
        }
    }
}
