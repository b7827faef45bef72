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
pub fn story(_: &Connection, _: i64) -> Result<Option<Story>, StoreError> {
    todo!()
}
pub fn story_of(_: &Connection, _: String, _: String) -> Result<Option<Story>, StoreError> {
    todo!()
}
pub fn find_case(_: &Connection, _: String) -> Result<Option<i64>, StoreError> {
    todo!()
}
pub fn open_cases_of(_: &Connection, _: String) -> Result<Vec<(i64, String)>, StoreError> {
    todo!()
}
pub fn listed_cases(_: &Connection, _: CaseFilter, _: i64) -> Result<Vec<CaseRow>, StoreError> {
    todo!()
}
pub fn reference_taken(_: &Connection, _: String) -> Result<bool, StoreError> {
    todo!()
}
pub fn cases_to_wake(_: &Connection, _: Timestamp, _: i64) -> Result<Vec<i64>, StoreError> {
    todo!()
}
pub fn next_wake(_: &Connection) -> Result<Option<Timestamp>, StoreError> {
    todo!()
}
pub fn record(_: &Connection, _: Vec<Write>, _: Option<FeedRow>) -> Result<Recorded, StoreError> {
    todo!()
}
pub fn owed_count(_: &Connection, _: i64) -> Result<i64, StoreError> {
    todo!()
}
pub fn close_settled_cases(_: &Connection, _: Timestamp) -> Result<Vec<i64>, StoreError> {
    todo!()
}
pub fn archive_cases(_: &Connection, _: Timestamp) -> Result<i64, StoreError> {
    todo!()
}
