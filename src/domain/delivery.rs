//! What became of an attempt, and what happens next.
//!
//! The other side's failure is a value of [`Outcome`]; `Err` elsewhere is a fault of ours. Deliberately
//! absent: sockets, replies as bytes (each channel reads its own protocol in one place), and the clock.

use serde::{Deserialize, Serialize};

/// What one attempt came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The other side accepted it; the receipt is its answer, shortened and free of control characters.
    Delivered { receipt: String },
    /// Certainly not delivered; worth another try.
    Deferred { cause: Cause, retry_after: Option<std::time::Duration> },
    /// Certainly not delivered; another try would be refused alike.
    Failed { cause: Cause },
    /// It may have arrived: the connection was lost after the last byte was written.
    Uncertain { cause: Cause },
    /// Our own account at the relay or provider is refused: nobody's delivery failed, the account is held.
    AccountHeld { cause: Cause },
    /// The endpoint says that it is gone for good (410): the contact is switched off.
    Gone { cause: Cause },
}

/// Why, in words for the ledger: the protocol's phase, the code where there was one, and the other side's
/// text, shortened. Holds no address, no URL and no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// `connect`, `greeting`, `ehlo`, `starttls`, `auth`, `mail`, `rcpt`, `data`, `body`, `final`, `http`, `render`.
    pub phase: String,
    pub code: Option<u16>,
    pub text: String,
}

impl Cause {
    /// Builds a cause whose text is cut to 200 characters, with control characters made visible as `?`.
    pub fn new(phase: &str, code: Option<u16>, text: &str) -> Cause {
        Cause { phase: phase.to_owned(), code, text: clean(text, 200) }
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.code {
            Some(code) => write!(f, "{}: {} {}", self.phase, code, self.text),
            None => write!(f, "{}: {}", self.phase, self.text),
        }
    }
}

/// The other side's words made safe for the ledger and the terminal.
pub fn clean(text: &str, most: usize) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).take(most).collect::<String>().trim().to_owned()
}
