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
pub fn feed(_: &Connection, _: String) -> Result<Option<FeedRow>, StoreError> {
    todo!()
}
pub fn feeds(_: &Connection) -> Result<Vec<FeedRow>, StoreError> {
    todo!()
}
pub fn due_feeds(_: &Connection, _: Vec<String>, _: Timestamp) -> Result<Vec<String>, StoreError> {
    todo!()
}
pub fn next_due_feed(_: &Connection, _: Vec<String>) -> Result<Option<Timestamp>, StoreError> {
    todo!()
}
pub fn poke_feed(_: &Connection, _: String, _: Timestamp, _: Duration) -> Result<bool, StoreError> {
    todo!()
}
pub fn save_feed(_: &Connection, _: FeedRow) -> Result<(), StoreError> {
    todo!()
}
