//! A row of any table, between two databases.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, QueryableByName};
use diesel::row::{Field, NamedRow, Row};
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};

use super::super::many_rows::RowValues;
use super::tables::ColumnKind;

/// The values of a row, in the order of its table's columns.
pub(super) struct CopiedRow(Vec<CopiedValue>);

enum CopiedValue {
    Text(Option<String>),
    Integer(Option<i64>),
    Bytes(Option<Vec<u8>>),
    Boolean(Option<bool>),
}

impl CopiedRow {
    /// Roughly what it takes in memory, in bytes.
    pub(super) fn size(&self) -> usize {
        let length = |value: &CopiedValue| match value {
            CopiedValue::Text(text) => text.as_ref().map_or(0, String::len),
            CopiedValue::Bytes(bytes) => bytes.as_ref().map_or(0, Vec::len),
            CopiedValue::Integer(_) | CopiedValue::Boolean(_) => 0,
        };
        self.0.iter().map(|value| length(value) + size_of::<CopiedValue>()).sum()
    }

    /// Binds the values to an insert.
    pub(super) fn bind<'q>(&'q self, insert: RowValues<'q>) -> RowValues<'q> {
        self.0.iter().fold(insert, |insert, value| match value {
            CopiedValue::Text(text) => insert.bind::<Nullable<Text>, _>(text.as_deref()),
            CopiedValue::Integer(number) => insert.bind::<Nullable<BigInt>, _>(*number),
            CopiedValue::Bytes(bytes) => insert.bind::<Nullable<Binary>, _>(bytes.as_deref()),
            CopiedValue::Boolean(flag) => insert.bind::<Nullable<Bool>, _>(*flag),
        })
    }
}

/// Reads what [`CopiedTable::query`](super::tables::CopiedTable::query) asks for.
impl<DB: Backend> QueryableByName<DB> for CopiedRow
where
    String: FromSql<Text, DB>,
    i64: FromSql<BigInt, DB>,
    Vec<u8>: FromSql<Binary, DB>,
    bool: FromSql<Bool, DB>,
{
    fn build<'a>(row: &impl NamedRow<'a, DB>) -> deserialize::Result<Self> {
        let values = (0..row.field_count()).map(|index| {
            let field = Row::get(row, index).ok_or("a row is shorter than its table")?;
            match field.field_name().and_then(ColumnKind::named).ok_or("a column of no known kind")? {
                ColumnKind::Text => {
                    FromSql::<Nullable<Text>, DB>::from_nullable_sql(field.value()).map(CopiedValue::Text)
                }
                ColumnKind::Integer => {
                    FromSql::<Nullable<BigInt>, DB>::from_nullable_sql(field.value()).map(CopiedValue::Integer)
                }
                ColumnKind::Bytes => {
                    FromSql::<Nullable<Binary>, DB>::from_nullable_sql(field.value()).map(CopiedValue::Bytes)
                }
                ColumnKind::Boolean => {
                    FromSql::<Nullable<Bool>, DB>::from_nullable_sql(field.value()).map(CopiedValue::Boolean)
                }
            }
        });
        values.collect::<deserialize::Result<_>>().map(Self)
    }
}
