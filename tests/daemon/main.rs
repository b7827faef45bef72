//! The whole node, from a source's words to a client's message, with the time by hand.
//!
//! Each module is one part of the contract; each test is one timeline, told as a statement. Deliberately absent:
//! the binary itself, its signals and its crashes (`tests/process.rs`).
#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]
#![allow(clippy::disallowed_methods, reason = "tests run servers of their own beside what they test")]
#![allow(clippy::print_stdout, reason = "a failed walk prints its seed")]
#![allow(dead_code, reason = "the harness offers more than each release of the tests uses")]

#[path = "../support/atom_page.rs"]
mod atom_page;
#[path = "../support/expected.rs"]
mod expected;
#[path = "../support/google_page.rs"]
mod google_page;
mod harness;
#[path = "../support/recordings.rs"]
mod recordings;
#[path = "../real_parts/replay_atom.rs"]
mod replay_atom;
#[path = "../real_parts/replay_server.rs"]
mod replay_server;
#[path = "../real_parts/scripted_smtp.rs"]
mod scripted_smtp;

mod book;
mod chunks;
mod decided;
mod dropped_files;
mod endpoint;
mod first_sight;
mod followed;
mod hooks;
mod lies;
mod operator;
mod pace_and_promise;
mod refused_once;
mod rehearsal;
mod relay;
mod replays;
mod restart;
mod several_sources;
mod unscoped;
mod who;
mod whose;
