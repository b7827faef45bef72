//! The sources that we look at: one file a kind, its parser pure, the conditional GET shared.
//!
//! Deliberately absent: cases, clients and the store. A feed turns a document into [`Observation`]s and says
//! what it could not read; what is new about them is decided elsewhere.
//!
//! [`Observation`]: crate::domain::incident::Observation

pub mod cause;
pub mod fetch;
mod time;
pub mod update_format;

/// Whether `written` is an absolute http or https address with a host: the only kind of link that is kept.
fn web_address(written: &str) -> bool {
    url::Url::parse(written).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
