//! How long quiet news waits for company, and what is history: the figures, not the rule (`observe.rs`).

use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaceSettings {
    /// Quiet news waits that long for company, counted from the first.
    pub settle: Duration,
    /// And comes at least that far apart.
    pub apart: Duration,
    /// What ended longer ago is history.
    pub max_age: Duration,
    pub corrections: Corrections,
}

/// Which rewritings of an update are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corrections {
    /// While the case is open.
    Open,
    All,
    None,
}

/// Time to the next word for investigating, identified, monitoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PromiseSettings {
    pub critical: [Duration; 3],
    pub major: [Duration; 3],
    pub minor: [Duration; 3],
}

/// What is done about a case that names no component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unscoped {
    Ask,
    All,
    None,
}
