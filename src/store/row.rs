//! Rows of the database into values, and values into what both databases accept.

use super::{Result, StoreError};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{
    Any, AnyConnection, Row as _,
    any::{AnyArguments, AnyRow},
    query::Query,
};

/// Longest text in an indexed column: PostgreSQL refuses index entries above 2704 bytes, and hostile headers are longer.
const KEY_BYTES_MAX: usize = 998;

/// Rows that one statement takes: with the widest table still far from as many values as a database binds (32 766).
pub(super) const ROWS_AT_ONCE: usize = 50;

/// Places for the values of so many rows: `($1, $2), ($3, $4)`.
pub(super) fn places(rows: usize, columns: usize) -> String {
    let mut text = String::new();
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 1..=columns {
            text.push_str(if column == 1 { "$" } else { ", $" });
            text.push_str(&(row * columns + column).to_string());
        }
        text.push(')');
    }
    text
}

/// Text as both databases accept it: PostgreSQL knows no NUL character.
pub(super) fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Text for an indexed column: cut to a length that the index can hold. Look up with the same cut.
pub(super) fn key(key: &str) -> String {
    let mut length = 0;
    text(key)
        .chars()
        .take_while(|c| {
            length += c.len_utf8();
            length <= KEY_BYTES_MAX
        })
        .collect()
}

/// A value as JSON text.
pub(super) fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Refused(error.into()))
}

/// A query with its values bound, asked in one word.
pub(super) trait Ask {
    /// Every row, made into a value.
    async fn all<T>(
        self,
        connection: &mut AnyConnection,
        make: impl Fn(&AnyRow) -> Result<T>,
    ) -> Result<Vec<T>>;
    /// The one row, if there is one.
    async fn find<T>(
        self,
        connection: &mut AnyConnection,
        make: impl Fn(&AnyRow) -> Result<T>,
    ) -> Result<Option<T>>;
    /// Does it; how many rows it made, changed or took away.
    async fn run(self, connection: &mut AnyConnection) -> Result<u64>;
}

impl Ask for Query<'_, Any, AnyArguments> {
    async fn all<T>(
        self,
        connection: &mut AnyConnection,
        make: impl Fn(&AnyRow) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.fetch_all(connection).await?.iter().map(make).collect()
    }

    async fn find<T>(
        self,
        connection: &mut AnyConnection,
        make: impl Fn(&AnyRow) -> Result<T>,
    ) -> Result<Option<T>> {
        self.fetch_optional(connection).await?.as_ref().map(make).transpose()
    }

    async fn run(self, connection: &mut AnyConnection) -> Result<u64> {
        Ok(self.execute(connection).await?.rows_affected())
    }
}

/// Typed columns.
pub(super) trait Columns {
    fn text(&self, column: &str) -> Result<String>;
    fn int(&self, column: &str) -> Result<i64>;
    fn find_int(&self, column: &str) -> Result<Option<i64>>;
    fn real(&self, column: &str) -> Result<f32>;
    fn flag(&self, column: &str) -> Result<bool>;
    fn id<T: From<String>>(&self, column: &str) -> Result<T>;
    fn find_id<T: From<String>>(&self, column: &str) -> Result<Option<T>>;
    fn named<T>(&self, column: &str, parse: fn(&str) -> Option<T>) -> Result<T>;
    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T>;
}

impl Columns for AnyRow {
    fn text(&self, column: &str) -> Result<String> {
        Ok(self.try_get(column)?)
    }

    fn int(&self, column: &str) -> Result<i64> {
        Ok(self.try_get(column)?)
    }

    fn find_int(&self, column: &str) -> Result<Option<i64>> {
        Ok(self.try_get(column)?)
    }

    fn real(&self, column: &str) -> Result<f32> {
        Ok(self.try_get::<f64, _>(column)? as f32)
    }

    fn flag(&self, column: &str) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    fn id<T: From<String>>(&self, column: &str) -> Result<T> {
        Ok(T::from(self.text(column)?))
    }

    fn find_id<T: From<String>>(&self, column: &str) -> Result<Option<T>> {
        Ok(self.try_get::<Option<String>, _>(column)?.map(T::from))
    }

    fn named<T>(&self, column: &str, parse: fn(&str) -> Option<T>) -> Result<T> {
        parse(&self.text(column)?)
            .ok_or_else(|| StoreError::Content { column: column.to_owned(), source: None })
    }

    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        serde_json::from_str(&self.text(column)?)
            .map_err(|error| StoreError::Content { column: column.to_owned(), source: Some(error.into()) })
    }
}

/// A fresh row id.
pub(super) fn fresh<T: From<String>>() -> T {
    T::from(crate::clock::fresh_id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numbered_through() {
        assert_eq!(places(2, 2), "($1, $2), ($3, $4)");
        assert_eq!(places(0, 2), "");
    }

    #[test]
    fn keys_fit_an_index() {
        assert_eq!(key(&"ä".repeat(600)).len(), KEY_BYTES_MAX);
        assert_eq!(key("a\0b"), "a\u{fffd}b");
    }
}
