//! Hashes: of rows, as Spark partitions them, and digests of bytes.

mod digest;
mod rows;

use arrow::array::ArrayRef;
use arrow::datatypes::{Int32Type, Int64Type};

use super::{Arg, Function, FunctionCall, Invocation, Nulls, Returns, custom, scalar};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::DataType;
use digest::Digest;
use rows::{Murmur3, XxHash64, hash_rows};

pub(super) const FUNCTIONS: &[Function] = &[
    custom("hash", |call| {
        of_row(call, DataType::Integer, |inv| {
            let hashes = hash_rows::<Murmur3>(inv)?;
            inv.build::<Int32Type>(|row| Ok(Some(hashes[row])))
        })
    }),
    custom("xxhash64", |call| {
        of_row(call, DataType::Long, |inv| {
            let hashes = hash_rows::<XxHash64>(inv)?;
            inv.build::<Int64Type>(|row| Ok(Some(hashes[row])))
        })
    }),
    scalar("crc32", &[Arg::Binary], Returns::Long, |inv| {
        let values = inv.binaries(0)?;
        inv.build::<Int64Type>(|row| {
            Ok(values.get(row).map(|bytes| {
                let mut crc = flate2::Crc::new();
                crc.update(bytes);
                i64::from(crc.sum())
            }))
        })
    }),
    scalar("md5", &[Arg::Binary], Returns::Str, |inv| {
        digest::texts(inv, Digest::Md5)
    }),
    scalar("sha", &[Arg::Binary], Returns::Str, |inv| {
        digest::texts(inv, Digest::Sha1)
    })
    .or(&["sha1"]),
    scalar("sha2", &[Arg::Binary, Arg::Int], Returns::Str, digest::sha2).nulls(Nulls::Always),
    scalar(
        "hmac",
        &[Arg::Binary, Arg::Binary, Arg::Str],
        Returns::Binary,
        digest::hmac,
    ),
];

/// Nulls leave a hash as it is, so there always is one.
fn of_row(
    call: &mut FunctionCall<'_>,
    result: DataType,
    kernel: fn(&Invocation<'_>) -> Result<ArrayRef>,
) -> Result<TypedExpr> {
    call.arity(1, usize::MAX)?;
    if call.arguments.iter().any(|a| contains_map(&a.data_type)) {
        let text = call.text();
        return Err(SparkError::mismatch(
            "HASH_MAP_TYPE",
            &text,
            format!(
                "the function `{}` does not hash maps: equal maps may hash differently.",
                call.name
            ),
        ));
    }
    Ok(call.call(&call.name, result, false, kernel))
}

fn contains_map(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map { .. } => true,
        DataType::Array { element, .. } => contains_map(element),
        DataType::Struct(fields) => fields.fields.iter().any(|f| contains_map(&f.data_type)),
        _ => false,
    }
}
