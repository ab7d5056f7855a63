//! Functions that yield several rows for one: `explode` and its kin, and what becomes of their rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, ListArray, StructArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType as ArrowType;

use super::{Arg, Function, FunctionCall, Generator, Invocation, generator};
use crate::analyzer::{Analyzer, TypedExpr};
use crate::error::{Result, SparkError};
use crate::ir::{DataType, StructField, StructType};
use crate::types::coercion;

pub(super) const FUNCTIONS: &[Function] = &[
    generator("explode", |call| explode(call, false, false)).or(&["flatten_rows"]),
    generator("explode_outer", |call| explode(call, false, true)),
    generator("posexplode", |call| explode(call, true, false)),
    generator("posexplode_outer", |call| explode(call, true, true)),
    generator("inline", |call| inline(call, false)),
    generator("inline_outer", |call| inline(call, true)),
    generator("stack", stack),
];

fn explode(call: &mut FunctionCall<'_>, position: bool, outer: bool) -> Result<Generator> {
    call.arity(1, 1)?;
    let name = call.text();
    let input = call.arguments[0].clone();
    let mut fields = Vec::new();
    if position {
        fields.push(StructField::new("pos", DataType::Integer, false));
    }
    match &input.data_type {
        DataType::Array {
            element,
            contains_null,
        } => {
            fields.push(StructField::new(
                "col",
                element.as_ref().clone(),
                *contains_null,
            ));
        }
        DataType::Map {
            key,
            value,
            value_contains_null,
        } => {
            fields.push(StructField::new("key", key.as_ref().clone(), false));
            fields.push(StructField::new(
                "value",
                value.as_ref().clone(),
                *value_contains_null,
            ));
        }
        _ => return Err(call.unexpected_type(0, "(\"ARRAY\" or \"MAP\")")),
    }
    let columns = StructType::new(fields);
    let rows = exploded(call, &input, &columns, position)?;
    finish(call, rows, columns, outer, name)
}

fn exploded(
    call: &mut FunctionCall<'_>,
    input: &TypedExpr,
    columns: &StructType,
    position: bool,
) -> Result<TypedExpr> {
    let data_type = DataType::array(DataType::Struct(columns.clone()), false);
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let array = inv.expanded(0)?;
        let (offsets, nulls, mut values) = match array.data_type() {
            ArrowType::Map(_, _) => {
                let map = array.as_map();
                let columns = vec![map.keys().clone(), map.values().clone()];
                (map.offsets().clone(), map.nulls().cloned(), columns)
            }
            _ => {
                let list = array.as_list::<i32>();
                (
                    list.offsets().clone(),
                    list.nulls().cloned(),
                    vec![list.values().clone()],
                )
            }
        };
        if position {
            values.insert(0, positions(&offsets, values[0].len()));
        }
        structs(inv, offsets, nulls, values)
    });
    let expr = call.maker().call(
        "exploded",
        position.to_string(),
        kernel,
        std::slice::from_ref(input),
        data_type.clone(),
        input.nullable,
    );
    Ok(TypedExpr::new(expr, data_type, input.nullable, call.text()))
}

/// The place of each element within its array.
fn positions(offsets: &[i32], length: usize) -> ArrayRef {
    let mut places = vec![0i32; length];
    for bounds in offsets.windows(2) {
        for (place, index) in (bounds[0]..bounds[1]).enumerate() {
            places[index as usize] = place as i32;
        }
    }
    Arc::new(Int32Array::from(places))
}

fn structs(
    inv: &Invocation<'_>,
    offsets: arrow::buffer::OffsetBuffer<i32>,
    nulls: Option<arrow::buffer::NullBuffer>,
    values: Vec<ArrayRef>,
) -> Result<ArrayRef> {
    let ArrowType::List(field) = inv.return_type else {
        return Err(SparkError::internal("not an array"));
    };
    let ArrowType::Struct(fields) = field.data_type() else {
        return Err(SparkError::internal("not a struct"));
    };
    let values = values
        .iter()
        .zip(fields)
        .map(|(v, f)| crate::execution::reshape(v, f.data_type()));
    let values = values.collect::<std::result::Result<Vec<_>, _>>()?;
    let structure = StructArray::try_new(fields.clone(), values, None)?;
    Ok(Arc::new(ListArray::try_new(
        field.clone(),
        offsets,
        Arc::new(structure),
        nulls,
    )?))
}

fn finish(
    call: &mut FunctionCall<'_>,
    rows: TypedExpr,
    columns: StructType,
    outer: bool,
    name: String,
) -> Result<Generator> {
    let generator = Generator {
        rows,
        columns,
        outer: false,
        name,
    };
    if outer {
        FunctionCall::make_outer(call.analyzer, generator)
    } else {
        Ok(generator)
    }
}

fn inline(call: &mut FunctionCall<'_>, outer: bool) -> Result<Generator> {
    call.arity(1, 1)?;
    let name = call.text();
    let rows = call.arguments[0].clone();
    let DataType::Array {
        element,
        contains_null,
    } = &rows.data_type
    else {
        return Err(call.unexpected_type(0, "\"ARRAY<STRUCT>\""));
    };
    let DataType::Struct(fields) = element.as_ref() else {
        return Err(call.unexpected_type(0, "\"ARRAY<STRUCT>\""));
    };
    let columns = fields.fields.iter().map(|f| StructField {
        nullable: f.nullable || *contains_null,
        ..f.clone()
    });
    let columns = StructType::new(columns.collect());
    finish(call, rows, columns, outer, name)
}

/// `stack(n, …)`: the values in n rows.
fn stack(call: &mut FunctionCall<'_>) -> Result<Generator> {
    call.arity(2, usize::MAX)?;
    let name = call.text();
    call.convert(0, Arg::Int)?;
    let rows = call.constant_integer(0, "n")?;
    let rows = usize::try_from(rows)
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| {
            SparkError::mismatch(
                "VALUE_OUT_OF_RANGE",
                &name,
                "the number of rows must be positive.",
            )
        })?;
    let values = call.arguments.split_off(1);
    let width = values.len().div_ceil(rows);
    let mut fields = Vec::new();
    for column in 0..width {
        let cells = values.iter().skip(column).step_by(width);
        let types: Vec<DataType> = cells.clone().map(|c| c.data_type.clone()).collect();
        let common = coercion::common_type_of(types.iter()).ok_or_else(|| {
            let types: Vec<String> = types.iter().map(crate::types::sql_name).collect();
            SparkError::data_types_differ(&name, "stack", &types)
        })?;
        fields.push(StructField::new(format!("col{column}"), common, true));
    }
    let columns = StructType::new(fields);
    let mut structs = Vec::new();
    for row in 0..rows {
        let mut cells = Vec::new();
        for (column, field) in columns.fields.iter().enumerate() {
            let cell = match values.get(row * width + column) {
                Some(value) => call
                    .analyzer
                    .cast_implicitly(value.clone(), &field.data_type)?,
                None => call
                    .analyzer
                    .literal(&crate::ir::Literal::Null(field.data_type.clone()))?,
            };
            cells.push(TypedExpr {
                named: Some(field.name.clone()),
                attribute: None,
                ..cell
            });
        }
        structs.push(call.apply("struct", cells)?);
    }
    let rows = call.apply("array", structs)?;
    Ok(Generator {
        rows,
        columns,
        outer: false,
        name,
    })
}

impl FunctionCall<'_> {
    /// Every element of an array as a struct of one field.
    pub(crate) fn wrap_elements(analyzer: &mut Analyzer, rows: TypedExpr) -> Result<TypedExpr> {
        let DataType::Array {
            element,
            contains_null,
        } = &rows.data_type
        else {
            return Err(SparkError::internal("elements of what is not an array"));
        };
        let field = StructField::new("col", element.as_ref().clone(), *contains_null);
        let data_type = DataType::array(DataType::structure(vec![field]), false);
        let kernel = Arc::new(|inv: &Invocation<'_>| {
            let list = inv.expanded(0)?;
            let list = list.as_list::<i32>();
            let ArrowType::List(field) = inv.return_type else {
                return Err(SparkError::internal("not an array"));
            };
            let ArrowType::Struct(fields) = field.data_type() else {
                return Err(SparkError::internal("not a struct"));
            };
            let values = crate::execution::reshape(list.values(), fields[0].data_type())?;
            let structure = StructArray::try_new(fields.clone(), vec![values], None)?;
            Ok(Arc::new(ListArray::try_new(
                field.clone(),
                list.offsets().clone(),
                Arc::new(structure),
                list.nulls().cloned(),
            )?) as ArrayRef)
        });
        let nullable = rows.nullable;
        let expr = analyzer.maker().call(
            "wrap_elements",
            "",
            kernel,
            std::slice::from_ref(&rows),
            data_type.clone(),
            nullable,
        );
        Ok(TypedExpr::new(expr, data_type, nullable, rows.name.clone()))
    }

    /// A generator that keeps rows without elements: such arrays get one null struct.
    pub(crate) fn make_outer(analyzer: &mut Analyzer, generator: Generator) -> Result<Generator> {
        let rows = generator.rows;
        let data_type = rows.data_type.clone();
        let kernel = Arc::new(|inv: &Invocation<'_>| {
            let list = inv.expanded(0)?;
            let list = list.as_list::<i32>();
            let mut order: Vec<Option<u32>> = Vec::new();
            let mut lengths = Vec::new();
            for row in 0..list.len() {
                let (start, end) = (list.value_offsets()[row], list.value_offsets()[row + 1]);
                if list.is_null(row) || start == end {
                    order.push(None);
                    lengths.push(1);
                } else {
                    order.extend((start..end).map(|i| Some(i as u32)));
                    lengths.push((end - start) as usize);
                }
            }
            let values = take(list.values(), &UInt32Array::from(order), None)?;
            let ArrowType::List(field) = inv.return_type else {
                return Err(SparkError::internal("not an array"));
            };
            let offsets = arrow::buffer::OffsetBuffer::from_lengths(lengths);
            Ok(Arc::new(ListArray::try_new(field.clone(), offsets, values, None)?) as ArrayRef)
        });
        let expr = analyzer.maker().call(
            "outer",
            "",
            kernel,
            std::slice::from_ref(&rows),
            data_type.clone(),
            false,
        );
        let rows = TypedExpr::new(expr, data_type, false, rows.name.clone());
        Ok(Generator {
            rows,
            outer: true,
            ..generator
        })
    }
}
