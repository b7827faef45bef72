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
pub fn prune(_: &Connection, _: Timestamp, _: i64) -> Result<i64, StoreError> {
    todo!()
}
