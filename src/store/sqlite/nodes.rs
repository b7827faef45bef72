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
pub fn begin_epoch(_: &Connection, _: String, _: Timestamp) -> Result<i64, StoreError> {
    todo!()
}
pub fn renew_epoch(_: &Connection, _: i64, _: Timestamp) -> Result<bool, StoreError> {
    todo!()
}
pub fn hold_account(_: &Connection, _: String, _: Cause, _: Timestamp, _: Timestamp) -> Result<(), StoreError> {
    todo!()
}
pub fn held_accounts(_: &Connection) -> Result<Vec<HeldAccount>, StoreError> {
    todo!()
}
pub fn release_account(_: &Connection, _: String) -> Result<bool, StoreError> {
    todo!()
}
