//! Being written.
use crate::domain::case::*;
use crate::domain::client::*;
use crate::domain::delivery::*;
use crate::domain::thread::*;
use crate::store::error::StoreError;
use crate::store::rows::*;
use jiff::Timestamp;
use rusqlite::Connection;
use std::time::Duration;
pub fn due_changes(_: &Connection, _: Timestamp, _: i64) -> Result<Vec<DueChange>, StoreError> {
    todo!()
}
pub fn next_due_change(_: &Connection) -> Result<Option<Timestamp>, StoreError> {
    todo!()
}
pub fn raise(_: &Connection, _: Raising, _: Timestamp) -> Result<Recorded, StoreError> {
    todo!()
}
pub fn case_variants(_: &Connection, _: i64) -> Result<Vec<(i64, Variant)>, StoreError> {
    todo!()
}
