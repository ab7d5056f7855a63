//! `kafka`: topics as a stream and as a table.
//!
//! Offsets are the checkpoint's, not a group's: nothing is committed to the broker. A broker in
//! this process is reached without a socket.
//! Always true: a batch reads exactly the offsets its plan names, or fails; data that is gone
//! fails the query unless `failOnDataLoss` is `false`. Start at [`KafkaSource`].

mod access;
mod limits;
mod offsets;
mod options;
mod read;
mod relation;
mod source;

pub use access::KafkaAccess;
pub use offsets::PartitionOffsets;
pub use options::KafkaOptions;
pub use relation::KafkaRelation;
pub use source::KafkaSource;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use fleuve_client::ClientError;
use fleuve_sql::ir::{DataType, StructField, StructType};
use fleuve_sql::types::{INTERNAL_TIME_ZONE, to_arrow_schema};

use crate::error::StreamError;
use crate::source::open::string_type;

/// The columns of a Kafka table; `headers` only when asked for.
pub fn schema(include_headers: bool) -> StructType {
    let mut fields = vec![
        StructField::new("key", DataType::Binary, true),
        StructField::new("value", DataType::Binary, true),
        StructField::new("topic", string_type(), true),
        StructField::new("partition", DataType::Integer, true),
        StructField::new("offset", DataType::Long, true),
        StructField::new("timestamp", DataType::Timestamp, true),
        StructField::new("timestampType", DataType::Integer, true),
    ];
    if include_headers {
        let header = StructType::new(vec![
            StructField::new("key", string_type(), true),
            StructField::new("value", DataType::Binary, true),
        ]);
        let headers = DataType::Array {
            element: Arc::new(DataType::Struct(header)),
            contains_null: true,
        };
        fields.push(StructField::new("headers", headers, true));
    }
    StructType::new(fields)
}

fn arrow_schema(include_headers: bool) -> SchemaRef {
    to_arrow_schema(&schema(include_headers), INTERNAL_TIME_ZONE)
}

fn failed(error: &ClientError) -> StreamError {
    StreamError::Source {
        origin: "kafka".to_owned(),
        reason: error.to_string(),
    }
}
