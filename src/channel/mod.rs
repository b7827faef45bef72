//! The ways out: one folder a channel, its settings and its send. How replies and statuses become outcomes is
//! in one place in each. Deliberately absent: cases, clients and retries, which channels do not know.

pub mod email;
pub mod webhook;
