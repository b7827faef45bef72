//! Notices become words, and words become the bytes of a form. The actors, in reading order:
//!
//! - [`words`] is the way in: one notice, rendered once for all who share a language and a zone.
//! - `scene` is what every part looks at; [`verdict`] writes the two lines that stand first, [`subject`] the
//!   subject, `happened`, `status` and `todo` the three parts, out of [`block`]s; `quote` lets the source speak.
//! - [`pack`] holds the phrases of a language, [`pack_file`] reads them; [`time`] writes times; `wrap` folds.
//! - [`templates`] lays out what [`context`] offers; [`template_error`] says where a user's file is wrong.
//! - [`markup`] makes a source's hostile text clean, by way of a [`document`].
//! - [`mail`] and [`webhook_json`] are the forms: a message of MIME, a body of JSON.
//! - [`samples`] are notices of every reason, for `candor check` and for the tests.
//!
//! Deliberately absent: a clock, I/O, and decisions about who is told what (`domain::plan`).

pub mod block;
pub mod context;
pub mod document;
mod happened;
pub mod mail;
pub mod markup;
pub mod operator;
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
pub mod webhook_json;
pub mod words;
mod wrap;
