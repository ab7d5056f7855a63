//! The few things that decoding asks of the language.

use fleuve_sql::ir::DataType;
use fleuve_sql::types;

use crate::failure::Failure;

/// A type given as text: DDL, or JSON as older clients write it.
pub(crate) fn parse_data_type(text: &str) -> Result<DataType, Failure> {
    types::parse_schema(text).map_err(Failure::from)
}
