//! JSON: to and from values, paths into it, its schema.

mod base64_like;
mod options;
pub(crate) mod parse;
mod path;
pub(crate) mod reader;
mod records;
pub(crate) mod schema;
mod skim;
mod values;
pub(crate) mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use datafusion::logical_expr::Volatility;

use super::udf::{FunctionBuilder, Kernel, Narrow};
use super::{Arg, Function, FunctionCall, Generator, Nulls, Returns, custom, generator, scalar};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::{DataType, Literal, StructField, StructType};
use crate::types::{parse_schema, sql_name, struct_ddl};

pub(crate) use options::JsonOptions;
pub(crate) use reader::JsonReader;

pub(super) const FUNCTIONS: &[Function] = &[
    custom("from_json", from_json),
    custom("to_json", to_json).nulls(Nulls::Always),
    custom("schema_of_json", schema_of_json),
    scalar(
        "get_json_object",
        &[Arg::Str, Arg::Str],
        Returns::Str,
        path::get_json_object,
    )
    .nulls(Nulls::Always),
    scalar(
        "json_array_length",
        &[Arg::Str],
        Returns::Int,
        json_array_length,
    )
    .nulls(Nulls::Always),
    scalar(
        "json_object_keys",
        &[Arg::Str],
        Returns::StrArray,
        json_object_keys,
    )
    .nulls(Nulls::Always),
    generator("json_tuple", json_tuple),
];

/// Constant options from a map argument, keys in lower case.
pub(super) fn options(call: &FunctionCall<'_>, index: usize) -> Result<BTreeMap<String, String>> {
    let Some(argument) = call.arguments.get(index) else {
        return Ok(BTreeMap::new());
    };
    let text_map = matches!(&argument.data_type, DataType::Map { key, value, .. } if key.is_string() && value.is_string());
    if !text_map {
        return Err(SparkError::streaming(
            crate::error::Exception::Analysis,
            "INVALID_OPTIONS.NON_STRING_TYPE",
            "42K06",
            format!(
                "Invalid options: a type of keys and values in map() must be string, but got \"{}\".",
                sql_name(&argument.data_type)
            ),
            &[("mapType", &format!("\"{}\"", sql_name(&argument.data_type)))],
        ));
    }
    let array = call.analyzer.evaluate(argument)?.to_array()?;
    let map = array.as_map();
    let (keys, values) = (
        map.keys().as_string::<i32>(),
        map.values().as_string::<i32>(),
    );
    let entries = (0..keys.len()).filter(|i| values.is_valid(*i));
    Ok(entries
        .map(|i| {
            (
                keys.value(i).to_ascii_lowercase(),
                values.value(i).to_owned(),
            )
        })
        .collect())
}

/// The schema argument: a constant string, or `schema_of_json` of one.
pub(super) fn schema_argument(call: &FunctionCall<'_>, index: usize) -> Result<DataType> {
    let argument = &call.arguments[index];
    let invalid = || SparkError::invalid_schema_not_string(&format!("\"{}\"", argument.name));
    if !argument.data_type.is_string() || !argument.is_foldable() {
        return Err(invalid());
    }
    match call.analyzer.evaluate(argument)? {
        datafusion::common::ScalarValue::Utf8(Some(text)) => parse_schema(&text),
        _ => Err(invalid()),
    }
}

fn from_json(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 3)?;
    let text = format!("from_json({})", call.arguments[0].name);
    let schema = crate::types::coercion::as_nullable(&schema_argument(call, 1)?);
    if !matches!(
        schema,
        DataType::Struct(_) | DataType::Array { .. } | DataType::Map { .. } | DataType::Variant
    ) {
        return Err(SparkError::mismatch(
            "INVALID_JSON_SCHEMA",
            &text,
            format!(
                "input schema \"{}\" must be a struct, an array, a map or a variant.",
                sql_name(&schema)
            ),
        ));
    }
    let text = match schema {
        DataType::Map { .. } => "entries".to_owned(),
        _ => text,
    };
    if !call.arguments[0].data_type.is_string() && call.arguments[0].data_type != DataType::Null {
        return Err(call.unexpected_type(0, "\"STRING\""));
    }
    let raw = options(call, 2)?;
    let key = format!("{schema:?} {raw:?}");
    let options = JsonOptions::new(&raw, call.analyzer.context.time_zone)?;
    call.arguments.truncate(1);
    call.convert(0, Arg::Str)?;
    let reader = Arc::new(JsonReader::new(schema.clone(), options));
    let function = call.maker().function(
        "from_json",
        key,
        read_column(Arc::clone(&reader), None),
        &call.arguments,
        schema.clone(),
        true,
    );
    // A field that does not fit is told of in the record, so Spark too narrows only what has no options.
    let narrow = (raw.is_empty() && reader.can_narrow()).then(|| -> Narrow {
        Arc::new(move |fields| read_column(Arc::clone(&reader), Some(fields.clone())))
    });
    let expr = FunctionBuilder {
        narrow,
        // A record is read once, and not again in each filter over its fields.
        volatility: Volatility::Volatile,
        ..function
    }
    .call(vec![call.arguments[0].expr.clone()]);
    Ok(TypedExpr::new(expr, schema, true, text))
}

/// Reads the first argument as JSON; of records the fields that are wanted.
fn read_column(reader: Arc<JsonReader>, wanted: Option<BTreeSet<usize>>) -> Kernel {
    Arc::new(move |inv: &super::Invocation<'_>| {
        let strings = inv.expanded(0)?;
        reader.column(strings.as_string::<i32>(), wanted.as_ref())
    })
}

fn to_json(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    let text = format!("to_json({})", call.arguments[0].name);
    let raw = options(call, 1)?;
    call.arguments.truncate(1);
    let value = call.arguments[0].clone();
    if !matches!(
        value.data_type,
        DataType::Struct(_) | DataType::Array { .. } | DataType::Map { .. }
    ) {
        return Err(SparkError::mismatch(
            "INVALID_JSON_SCHEMA",
            &text,
            format!(
                "input schema \"{}\" must be a struct, an array, a map or a variant.",
                sql_name(&value.data_type)
            ),
        ));
    }
    let writer = writer::JsonWriter::new(&raw, call.analyzer.context.time_zone)?;
    let data_type = value.data_type.clone();
    let kernel = Arc::new(move |inv: &super::Invocation<'_>| {
        let array = inv.expanded(0)?;
        inv.build_strings(|row| writer.text(&array, &data_type, row))
    });
    let nullable = value.nullable;
    Ok(call
        .call_keyed(
            "to_json",
            &format!("{raw:?}"),
            DataType::STRING,
            nullable,
            kernel,
        )
        .with_name(text))
}

fn schema_of_json(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    let text = format!("schema_of_json({})", call.arguments[0].name);
    let raw = options(call, 1)?;
    let options = JsonOptions::new(&raw, call.analyzer.context.time_zone)?;
    let json = call.constant_string(0, "json")?;
    let value = parse::parse(&json, &options.syntax)
        .ok_or_else(|| SparkError::malformed_record(&json, "FAILFAST"))?;
    let data_type = schema::finished(schema::infer(&value, &options)).unwrap_or(DataType::STRING);
    let ddl = match &data_type {
        DataType::Struct(fields) => format!("STRUCT<{}>", struct_ddl_with_colons(fields)),
        other => sql_name(other),
    };
    Ok(call
        .analyzer
        .literal(&Literal::String(ddl))?
        .with_name(text))
}

fn struct_ddl_with_colons(fields: &StructType) -> String {
    let _ = struct_ddl;
    let name = sql_name(&DataType::Struct(fields.clone()));
    name.strip_prefix("STRUCT<")
        .and_then(|n| n.strip_suffix('>'))
        .unwrap_or(&name)
        .to_owned()
}

fn json_array_length(inv: &super::Invocation<'_>) -> Result<arrow::array::ArrayRef> {
    let texts = inv.strings(0)?;
    let syntax = parse::Syntax::default();
    inv.build::<arrow::datatypes::Int32Type>(|row| {
        Ok(
            match texts.get(row).and_then(|text| parse::parse(text, &syntax)) {
                Some(parse::Json::Array(values)) => Some(values.len() as i32),
                _ => None,
            },
        )
    })
}

fn json_object_keys(inv: &super::Invocation<'_>) -> Result<arrow::array::ArrayRef> {
    let texts = inv.strings(0)?;
    let syntax = parse::Syntax::default();
    let mut builder = arrow::array::ListBuilder::new(arrow::array::StringBuilder::new());
    for row in 0..inv.rows {
        match texts.get(row).and_then(|text| parse::parse(text, &syntax)) {
            Some(parse::Json::Object(fields)) => {
                fields
                    .iter()
                    .for_each(|(key, _)| builder.values().append_value(key));
                builder.append(true);
            }
            _ => builder.append(false),
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// The fields of a JSON object as columns.
fn json_tuple(call: &mut FunctionCall<'_>) -> Result<Generator> {
    call.arity(2, usize::MAX)?;
    let name = call.text();
    let mut cells = Vec::new();
    let mut fields = Vec::new();
    let json = call.arguments[0].clone();
    for (index, key) in call.arguments.split_off(1).into_iter().enumerate() {
        let kernel = |inv: &super::Invocation<'_>| path::json_field(inv);
        call.arguments = vec![json.clone(), key];
        call.convert(0, Arg::Str)?;
        call.convert(1, Arg::Str)?;
        let mut cell = call.call("json_field", DataType::STRING, true, kernel);
        cell.named = Some(format!("c{index}"));
        fields.push(StructField::new(
            format!("c{index}"),
            DataType::STRING,
            true,
        ));
        cells.push(cell);
    }
    let structure = call.apply("struct", cells)?;
    let rows = call.apply("array", vec![structure])?;
    Ok(Generator {
        rows,
        columns: StructType::new(fields),
        outer: false,
        name,
    })
}
