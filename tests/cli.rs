//! The command line from outside: the built binary, folders of its own, mail into files, endpoints on this machine.
//!
//! Each module is one group of commands; each test says what a user or a script can rely on. Deliberately absent:
//! the daemon's own behaviour (`tests/daemon`), which is tested with the time by hand.
#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]
#![allow(clippy::disallowed_methods, reason = "tests run servers and processes of their own beside what they test")]

#[path = "cli/daemon.rs"]
mod daemon;
#[path = "cli/decisions.rs"]
mod decisions;
#[path = "cli/harness.rs"]
mod harness;
#[path = "cli/ledger.rs"]
mod ledger;
#[path = "cli/offline.rs"]
mod offline;
#[path = "cli/say.rs"]
mod say;
#[allow(dead_code, reason = "these tests look for no program")]
#[path = "support/skip.rs"]
mod skip;
#[path = "cli/trigger.rs"]
mod trigger;
