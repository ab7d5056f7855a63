//! Timestamps to and from numbers of seconds, milliseconds or microseconds since 1970.

use arrow::array::ArrayRef;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::functions::{Arg, FunctionCall, Invocation};
use crate::ir::DataType;
use crate::time::MICROS_PER_SECOND;

pub(super) fn to_units(i: &Invocation<'_>, unit: i64) -> Result<ArrayRef> {
    let times = i.timestamps(0)?;
    i.build::<Int64Type>(|row| Ok(times.get(row).map(|micros| micros.div_euclid(unit))))
}

pub(super) fn from_units(i: &Invocation<'_>, unit: i64) -> Result<ArrayRef> {
    let counts = i.longs(0)?;
    i.build::<TimestampMicrosecondType>(|row| {
        let Some(count) = counts.get(row) else {
            return Ok(None);
        };
        let micros = count.checked_mul(unit);
        micros
            .map(Some)
            .ok_or_else(|| SparkError::arithmetic_overflow("long overflow", None))
    })
}

pub(super) fn timestamp_seconds(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let nullable = call.any_nullable();
    if call.arguments[0].data_type.is_integral() {
        call.convert(0, Arg::Long)?;
        return Ok(
            call.call("timestamp_seconds", DataType::Timestamp, nullable, |i| {
                from_units(i, MICROS_PER_SECOND)
            }),
        );
    }
    // Doubles may be no time at all.
    let nullable = nullable
        || call.arguments[0].data_type == DataType::Double
        || call.arguments[0].data_type == DataType::Float;
    call.convert(0, Arg::Double)?;
    Ok(
        call.call("timestamp_seconds", DataType::Timestamp, nullable, |i| {
            let seconds = i.doubles(0)?;
            i.build::<TimestampMicrosecondType>(|row| {
                Ok(seconds
                    .get(row)
                    .map(|s| (s * MICROS_PER_SECOND as f64) as i64))
            })
        }),
    )
}
