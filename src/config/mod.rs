//! The configuration: what was written, what it means, and where a mistake stands.

pub mod settings;
pub mod templates_dir;
