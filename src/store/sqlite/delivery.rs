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
pub fn claim(_: &Connection, _: Channel, _: i64, _: Timestamp, _: i64) -> Result<Vec<Claimed>, StoreError> {
    todo!()
}
pub fn next_due(_: &Connection, _: Channel) -> Result<Option<Timestamp>, StoreError> {
    todo!()
}
pub fn settle(_: &Connection, _: i64, _: Vec<Settlement>) -> Result<i64, StoreError> {
    todo!()
}
pub fn unclaim(_: &Connection, _: i64, _: Vec<ThreadKey>) -> Result<i64, StoreError> {
    todo!()
}
pub fn orphaned(_: &Connection, _: i64) -> Result<Vec<Thread>, StoreError> {
    todo!()
}
pub fn cancel(_: &Connection, _: Vec<Cancellation>, _: Timestamp) -> Result<i64, StoreError> {
    todo!()
}
pub fn any_accepted(_: &Connection, _: i64, _: String, _: i64) -> Result<bool, StoreError> {
    todo!()
}
pub fn contact_gone(_: &Connection, _: i64, _: Timestamp) -> Result<(), StoreError> {
    todo!()
}
