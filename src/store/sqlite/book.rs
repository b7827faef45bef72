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
pub fn begin_book(_: &Connection) -> Result<i64, StoreError> {
    todo!()
}
pub fn write_book_chunk(_: &Connection, _: i64, _: Vec<Client>) -> Result<(), StoreError> {
    todo!()
}
pub fn switch_book(_: &Connection, _: i64, _: String, _: Timestamp) -> Result<BookChange, StoreError> {
    todo!()
}
pub fn compare_book(_: &Connection, _: i64) -> Result<BookChange, StoreError> {
    todo!()
}
pub fn sweep_book(_: &Connection, _: i64) -> Result<i64, StoreError> {
    todo!()
}
pub fn book_fingerprint(_: &Connection) -> Result<Option<String>, StoreError> {
    todo!()
}
pub fn book_counts(_: &Connection) -> Result<BookCounts, StoreError> {
    todo!()
}
pub fn client(_: &Connection, _: String) -> Result<Option<Client>, StoreError> {
    todo!()
}
