//! The HTTP server: webhooks in, health and metrics out.
//!
//! `serve` takes connections and holds them to their limits, `routes` says which path does
//! what. Deliberately absent: what is counted (`passes::metrics`), TLS (a proxy's task), the proof of a webhook (`hook`), and what the answers
//! are made of: the daemon implements [`routes::Application`].

pub mod listener;
pub mod opening;
pub mod routes;
pub mod serve;
