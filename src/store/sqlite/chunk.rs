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
pub fn planning_chunk(_: &Connection, _: i64, _: Option<String>, _: Selector, _: i64) -> Result<Chunk, StoreError> {
    todo!()
}
