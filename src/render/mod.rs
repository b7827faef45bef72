//! (see the commit that fills this room)

pub mod document;
pub mod mail;
pub mod markup;
pub mod webhook_json;
//! Notices become words. The actors, in reading order:
//!
//! - [`words`] is the way in: one notice, rendered once for all who share a language and a zone.
//! - `scene` is what every part looks at; [`verdict`] writes the two lines that stand first, [`subject`] the
//!   subject, `happened`, `status` and `todo` the three parts, out of [`block`]s; `quote` lets the source speak.
//! - [`pack`] holds the phrases of a language, [`pack_file`] reads them; [`time`] writes times; `wrap` folds.
//! - [`templates`] lays out what [`context`] offers; [`template_error`] says where a user's file is wrong.
//! - [`samples`] are notices of every reason, for `candor check` and for the tests.
//!
//! Deliberately absent: a clock, I/O, and decisions about who is told what (`domain::plan`).
pub mod block;
pub mod context;
mod happened;
pub mod pack;
pub mod pack_file;
mod quote;
pub mod samples;
mod scene;
mod status;
pub mod subject;
pub mod template_error;
pub mod templates;
pub mod time;
mod todo;
pub mod verdict;
pub mod words;
mod wrap;
