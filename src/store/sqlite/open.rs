//! Being written.
use crate::store::error::OpenError;
use jiff::Timestamp;
use rusqlite::Connection;
use std::path::Path;
pub fn open(_: &Path, _: super::Creation<'_>, _: Timestamp) -> Result<(Connection, String), OpenError> {
    todo!()
}
pub fn open_reader(_: &Path) -> Result<Connection, OpenError> {
    todo!()
}
pub fn make_folder(_: &Path) -> Result<(), OpenError> {
    todo!()
}
pub fn private_file() -> std::fs::OpenOptions {
    todo!()
}
