//! Arrays of floats as vectors.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float32Builder, ListBuilder};
use arrow::datatypes::Float32Type;

use super::{Function, FunctionCall, Invocation, custom};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::DataType;

pub(super) const FUNCTIONS: &[Function] = &[
    custom("vector_inner_product", |call| {
        pair(call, Pair::InnerProduct)
    }),
    custom("vector_cosine_similarity", |call| pair(call, Pair::Cosine)),
    custom("vector_l2_distance", |call| pair(call, Pair::Distance)),
    custom("vector_norm", |call| norm(call, false)),
    custom("vector_normalize", |call| norm(call, true)),
];

#[derive(Clone, Copy, Debug)]
enum Pair {
    InnerProduct,
    Cosine,
    Distance,
}

impl Pair {
    fn of(self, a: &[f32], b: &[f32]) -> Option<f32> {
        let sum = |f: fn(f64, f64) -> f64| -> f64 {
            a.iter()
                .zip(b)
                .map(|(x, y)| f(f64::from(*x), f64::from(*y)))
                .sum()
        };
        Some(match self {
            Self::InnerProduct => sum(|x, y| x * y) as f32,
            Self::Distance => sum(|x, y| (x - y) * (x - y)).sqrt() as f32,
            Self::Cosine => {
                let lengths = sum(|x, _| x * x) * sum(|_, y| y * y);
                if lengths == 0.0 {
                    return None;
                }
                (sum(|x, y| x * y) / lengths.sqrt()) as f32
            }
        })
    }
}

fn check(call: &FunctionCall<'_>, index: usize) -> Result<()> {
    match &call.arguments[index].data_type {
        DataType::Array { element, .. } if **element == DataType::Float => Ok(()),
        _ => Err(call.unexpected_type(index, "\"ARRAY<FLOAT>\"")),
    }
}

/// A vector, or nothing if it or one of its elements is null.
fn vector(array: &ArrayRef, row: usize) -> Option<Vec<f32>> {
    let list = array.as_list::<i32>();
    list.is_valid(row)
        .then(|| list.value(row))
        .and_then(|values| {
            let values = values.as_primitive::<Float32Type>();
            (values.null_count() == 0).then(|| values.values().to_vec())
        })
}

fn pair(call: &mut FunctionCall<'_>, what: Pair) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    check(call, 0)?;
    check(call, 1)?;
    let name = call.name.clone();
    let function = name.clone();
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let (a, b) = (inv.expanded(0)?, inv.expanded(1)?);
        inv.build::<Float32Type>(|row| {
            let Some((a, b)) = vector(&a, row).zip(vector(&b, row)) else {
                return Ok(None);
            };
            if a.len() != b.len() {
                return Err(SparkError::vector_dimension_mismatch(
                    &function,
                    a.len(),
                    b.len(),
                ));
            }
            Ok(what.of(&a, &b))
        })
    });
    Ok(call.call_keyed(&name, "", DataType::Float, true, kernel))
}

/// The norm of degree 1, 2 (the default) or infinity; or the vector divided by it.
fn norm(call: &mut FunctionCall<'_>, divides: bool) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    check(call, 0)?;
    if call.arguments.len() == 1 {
        let two = call.analyzer.literal(&crate::ir::Literal::Float(2.0))?;
        call.arguments.push(two);
    }
    let text = call.text();
    call.convert_to(1, &DataType::Float)?;
    let result = if divides {
        DataType::array(DataType::Float, false)
    } else {
        DataType::Float
    };
    let name = call.name.clone();
    let function = name.clone();
    let kernel = Arc::new(move |inv: &Invocation<'_>| -> Result<ArrayRef> {
        let (vectors, degrees) = (inv.expanded(0)?, inv.floats(1)?);
        let length = |row: usize| -> Result<Option<(Vec<f32>, f64)>> {
            let Some((values, degree)) = vector(&vectors, row).zip(degrees.get(row)) else {
                return Ok(None);
            };
            let sizes = values.iter().map(|v| f64::from(v.abs()));
            let length = match degree {
                1.0 => sizes.sum(),
                2.0 => sizes.map(|v| v * v).sum::<f64>().sqrt(),
                f32::INFINITY => sizes.fold(0.0, f64::max),
                _ => return Err(SparkError::invalid_vector_norm_degree(&function, degree)),
            };
            Ok(Some((values, length)))
        };
        if !divides {
            return inv
                .build::<Float32Type>(|row| Ok(length(row)?.map(|(_, length)| length as f32)));
        }
        let mut builder = ListBuilder::new(Float32Builder::new());
        for row in 0..inv.rows {
            match length(row)?.filter(|(_, length)| *length != 0.0) {
                None => builder.append_null(),
                Some((values, length)) => {
                    values.iter().for_each(|v| {
                        builder
                            .values()
                            .append_value((f64::from(*v) / length) as f32)
                    });
                    builder.append(true);
                }
            }
        }
        Ok(Arc::new(builder.finish()))
    });
    Ok(call
        .call_keyed(&name, "", result, true, kernel)
        .with_name(text))
}
