//! CSV: to and from structs, its schema. The readers and writers of files use the same parts.

pub(crate) mod options;
pub(crate) mod reader;
pub(crate) mod record;
pub(crate) mod schema;
pub(crate) mod writer;

use std::sync::Arc;

use arrow::array::AsArray;

use super::json::{options as option_argument, schema_argument};
use super::{Arg, Function, FunctionCall, Invocation, custom};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::{DataType, Literal, StructType};
use crate::types::sql_name;
use options::CsvOptions;
use reader::CsvReader;
use writer::CsvWriter;

pub(super) const FUNCTIONS: &[Function] = &[
    custom("from_csv", from_csv),
    custom("to_csv", to_csv),
    custom("schema_of_csv", schema_of_csv),
];

fn from_csv(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 3)?;
    let text = format!("from_csv({})", call.arguments[0].name);
    let schema = crate::types::coercion::as_nullable(&schema_argument(call, 1)?);
    let DataType::Struct(fields) = schema.clone() else {
        return Err(SparkError::mismatch(
            "INVALID_CSV_SCHEMA",
            &text,
            format!("input schema \"{}\" must be a struct.", sql_name(&schema)),
        ));
    };
    let raw = option_argument(call, 2)?;
    let key = format!("{schema:?} {raw:?}");
    let options = CsvOptions::new(&raw, call.analyzer.context.time_zone)?;
    call.arguments.truncate(1);
    call.convert(0, Arg::Str)?;
    let nullable = call.any_nullable();
    let reader = CsvReader::new(fields, options);
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let texts = inv.expanded(0)?;
        reader.structs(texts.as_string::<i32>())
    });
    Ok(call
        .call_keyed("from_csv", &key, schema, nullable, kernel)
        .with_name(text))
}

fn to_csv(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    let text = format!("to_csv({})", call.arguments[0].name);
    let raw = option_argument(call, 1)?;
    call.arguments.truncate(1);
    let value = call.arguments[0].clone();
    let DataType::Struct(fields) = value.data_type.clone() else {
        return Err(call.unexpected_type(0, "\"STRUCT\""));
    };
    let writer = CsvWriter::new(CsvOptions::new(&raw, call.analyzer.context.time_zone)?);
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let array = inv.expanded(0)?;
        let structure = array.as_struct();
        inv.build_strings(|row| {
            let present = arrow::array::Array::is_valid(structure, row);
            present
                .then(|| writer.line(structure.columns(), &fields, row))
                .transpose()
        })
    });
    let key = format!("{raw:?}");
    Ok(call
        .call_keyed("to_csv", &key, DataType::STRING, true, kernel)
        .with_name(text))
}

fn schema_of_csv(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    let text = format!("schema_of_csv({})", call.arguments[0].name);
    let raw = option_argument(call, 1)?;
    let options = CsvOptions::new(&raw, call.analyzer.context.time_zone)?;
    let csv = call.constant_string(0, "csv")?;
    let cells = record::split(&csv, &options);
    let mut types = vec![DataType::Null; cells.len()];
    schema::widen(&mut types, &cells, &options);
    let names = (0..cells.len())
        .map(|index| format!("_c{index}"))
        .collect::<Vec<_>>();
    let schema: StructType = schema::named(&names, types);
    let ddl = Literal::String(sql_name(&DataType::Struct(schema)));
    Ok(call.analyzer.literal(&ddl)?.with_name(text))
}
