//! Values of a table as text, for assertions.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

/// A table.
pub(crate) struct Rows<'a>(pub(crate) &'a RecordBatch);

impl Rows<'_> {
    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.0.num_rows()
    }

    /// One value; `null` for none.
    pub(crate) fn text(&self, column: &str, row: usize) -> String {
        let array = self.0.column_by_name(column).unwrap_or_else(|| panic!("no column {column}"));
        text_of(array.as_ref(), row)
    }
}

fn text_of(array: &dyn Array, row: usize) -> String {
    if array.is_null(row) {
        return "null".to_owned();
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).to_string(),
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).to_string(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).to_string(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).to_string(),
        DataType::Float64 => format!("{:?}", array.as_primitive::<Float64Type>().value(row)),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            let texts: Vec<String> = (0..items.len()).map(|index| text_of(items.as_ref(), index)).collect();
            format!("[{}]", texts.join(", "))
        }
        other => panic!("no text for {other}"),
    }
}
