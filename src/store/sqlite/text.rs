//! From our words to SQLite's and back: statements, times, JSON documents, closed sets of words.

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Type, ValueRef};
use rusqlite::{CachedStatement, Connection, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::error::StoreError;

/// Prepares a statement of the catalogue, or takes it from the connection's cache. In rusqlite `$1` would be a
/// *name*, numbered by first appearance; `?1` is the first parameter.
pub(super) fn prepare<'c>(connection: &'c Connection, sql: &str) -> rusqlite::Result<CachedStatement<'c>> {
    connection.prepare_cached(&sql.replace('$', "?"))
}

/// A time as the tables hold it: whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Millis(pub Timestamp);

impl ToSql for Millis {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.as_millisecond()))
    }
}

impl FromSql for Millis {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let millis = value.as_i64()?;
        Timestamp::from_millisecond(millis).map(Millis).map_err(|_| FromSqlError::OutOfRange(millis))
    }
}

/// A document kept whole in one column.
pub(super) struct Json<T>(pub T);

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        // The reason is left out: it could quote the document.
        serde_json::from_str(value.as_str()?).map(Json).map_err(|_| FromSqlError::InvalidType)
    }
}

/// The text of a document for its column, or of a list for `json_each`.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Fault(format!("cannot write a document: {error}")))
}

pub(super) fn optional_json<T: Serialize>(value: Option<&T>) -> Result<Option<String>, StoreError> {
    value.map(json).transpose()
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get::<_, Millis>(column).map(|millis| millis.0)
}

pub(super) fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<Millis>>(column)?.map(|millis| millis.0))
}

pub(super) fn document<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    row.get::<_, Json<T>>(column).map(|json| json.0)
}

pub(super) fn optional_document<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    Ok(row.get::<_, Option<Json<T>>>(column)?.map(|json| json.0))
}

/// One of a closed set of words.
pub(super) fn word<T>(row: &Row<'_>, column: usize, from_word: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    from_word(text).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, "not a word that this program knows".into())
    })
}

/// All rows of a statement, decoded.
pub(super) fn rows<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    decode: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    Ok(prepare(connection, sql)?.query_map(parameters, decode)?.collect::<rusqlite::Result<_>>()?)
}

/// The first row of a statement, decoded, if there is one.
pub(super) fn first<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    decode: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, StoreError> {
    use rusqlite::OptionalExtension;
    Ok(prepare(connection, sql)?.query_row(parameters, decode).optional()?)
}

/// Runs a statement that returns no rows; how many rows it changed.
pub(super) fn execute(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<i64, StoreError> {
    let changed = prepare(connection, sql)?.execute(parameters)?;
    Ok(i64::try_from(changed).unwrap_or(i64::MAX))
}
