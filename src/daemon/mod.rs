//! Wires everything, owns the clock, and repeats the passes until it is told to stop.
//!
//! - [`node`] opens the state with all that belongs to it; [`files`] reads what the configuration names.
//! - [`run`] is the daemon: one straight function up, its mirror down.
//! - [`repeat`] repeats a pass: timer, wake-up, stop; `readers` reads each feed apart. [`reload`] is SIGHUP.
//!   [`watch`] wakes a feed of files.
//! - [`front`] answers the HTTP server; [`systemd`] talks to the service manager; [`logging`] sets up the log,
//!   under systemd [`journal`].
//!
//! Deliberately absent: decisions. The passes do the same work whoever turns the crank: the daemon, the
//! command line, or a test.

pub mod clock;
pub mod files;
pub mod front;
pub mod heartbeat;
pub mod journal;
pub mod logging;
pub mod node;
mod readers;
pub mod reload;
pub mod repeat;
pub mod run;
pub mod systemd;
pub mod watch;
