//! candor tells a company's clients the truth about its incidents: what happened, where it stands, and what
//! they need to do, from the first word to the last. The actors, in reading order:
//!
//! - [`domain`] decides: what is new, who is told what and when, what an attempt came to. Pure.
//! - [`render`] puts a notice into words. Pure.
//! - [`feed`] and [`hook`] read sources; [`channel`] hands messages to the other side.
//! - [`store`] keeps every row; [`passes`] read it, decide in `domain`, and commit.
//! - [`web`] takes webhooks and answers health and metrics; [`daemon`] wires all of it and owns the clock.
//! - [`config`] says what the files mean; [`cli`] is one file a command.
//!
//! The map is `src/README.md`.

// The same files are checked again as shipped code, without this.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests run servers of their own beside what they test"))]
#![cfg_attr(test, allow(clippy::fn_params_excessive_bools, reason = "a table's expected answer may be yes or no"))]

pub mod channel;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod feed;
pub mod hook;
pub mod passes;
pub mod render;
pub mod store;
pub mod web;
