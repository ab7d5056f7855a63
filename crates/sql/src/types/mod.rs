//! Spark's types: their names, their text and JSON forms, their Arrow counterparts, and which go together.
//!
//! Always true: Arrow types made here hold no views, and timestamps inside the engine are in UTC microseconds.

mod arrow;
pub(crate) mod coercion;
mod ddl;
mod display;
mod json;

pub use self::arrow::{
    INTERNAL_TIME_ZONE, from_arrow, from_arrow_schema, to_arrow, to_arrow_field, to_arrow_schema,
};
pub use ddl::{parse_data_type, parse_schema, parse_table_schema};
pub use display::{catalog_string, simple_string, sql_name, struct_ddl, tree_string};
pub use json::{parse_json_data_type, to_json, to_json_value};
