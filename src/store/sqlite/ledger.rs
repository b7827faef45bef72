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
pub fn deliveries(_: &Connection, _: LedgerFilter, _: i64) -> Result<Vec<LedgerRow>, StoreError> {
    todo!()
}
pub fn failed_attempts(_: &Connection, _: i64) -> Result<Vec<(ThreadKey, AttemptRow)>, StoreError> {
    todo!()
}
pub fn case_threads(_: &Connection, _: i64) -> Result<Vec<Thread>, StoreError> {
    todo!()
}
pub fn retry(_: &Connection, _: Retry, _: Timestamp) -> Result<Retried, StoreError> {
    todo!()
}
pub fn gauges(_: &Connection) -> Result<Gauges, StoreError> {
    todo!()
}
