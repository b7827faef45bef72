//! The configuration: what was written, what it means, and where a mistake stands.
//!
//! In reading order: [`locate`] finds and loads the file, [`document`] parses it and knows where each key
//! stands, [`written`] is its shape, [`meaning`] turns it into [`settings`]; [`clients`] and [`playbook`] do the
//! same for the files it names; [`secret`] reads a secret when it is used, [`owner`] says whose
//! the files are that we make. Deliberately absent: any use of
//! what is read, and reloading, which is the daemon's.

mod addresses;
mod client_record;
pub mod clients;
mod clients_csv;
mod clients_toml;
mod csv_header;
mod csv_rows;
pub mod diagnostic;
pub mod document;
pub mod excerpt;
mod fact_check;
pub mod fingerprint;
pub mod locate;
pub mod meaning;
pub mod owner;
pub mod playbook;
mod playbook_names;
mod playbook_text;
pub mod problem;
pub mod secret;
pub mod settings;
mod shape;
mod values;
mod warnings;
pub mod written;

#[cfg(test)]
mod fixtures;
pub mod templates_dir;
