//! Arrow tables as the store wants them: one builder for each, one row for each record.
//!
//! The columns are those of `python/wirespan/viewer/schema.py`, by name and in order, without `seq`, which the writer
//! gives out ([`number`]).

mod logs;
mod metrics;
mod outcome;
mod parts;
mod promoted;
mod sources;
mod spans;

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema};

pub(crate) use logs::Logs;
pub(crate) use metrics::Metrics;
pub use outcome::Outcome;
pub(crate) use sources::Sources;
pub(crate) use spans::Spans;

/// A column with its name.
type Column = (&'static str, ArrayRef);

/// Puts columns together. They are all nullable for Arrow; the store has the constraints.
pub(crate) fn assemble(columns: Vec<Column>) -> Result<RecordBatch, ArrowError> {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
}

/// The same records with a first column `seq` that counts up from a number.
///
/// # Errors
/// Never for tables of this crate; Arrow checks lengths.
pub fn number(records: &RecordBatch, first: i64) -> Result<RecordBatch, ArrowError> {
    let rows = i64::try_from(records.num_rows()).unwrap_or(i64::MAX);
    let seq: ArrayRef =
        Arc::new(Int64Array::from_iter_values((0..rows).map(|row| first.saturating_add(row))));
    let mut fields = vec![Arc::new(Field::new("seq", DataType::Int64, false))];
    fields.extend(records.schema().fields().iter().cloned());
    let mut columns = vec![seq];
    columns.extend(records.columns().iter().cloned());
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}
