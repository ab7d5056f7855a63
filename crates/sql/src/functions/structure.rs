//! Structs, and getting at the parts of containers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType as ArrowType;
use datafusion::logical_expr::Expr;

use super::udf::FunctionBuilder;
use super::{Function, FunctionCall, Generator, Invocation, custom};
use crate::analyzer::{Analyzer, Scope, TypedExpr};
use crate::error::{Result, SparkError};
use crate::ir::{DataType, Literal, StructField, StructType};
use crate::types::sql_name;

pub(super) const FUNCTIONS: &[Function] = &[
    custom("struct", structure),
    custom("named_struct", named_struct),
    custom("array", array),
];

/// The name of a struct's field made from this argument.
fn field_name(argument: &TypedExpr, index: usize) -> String {
    let extracted = || {
        let is_field = argument.automatic.is_some() && !argument.name.starts_with("CAST(");
        is_field.then(|| argument.automatic.clone()).flatten()
    };
    argument
        .named
        .clone()
        .or_else(extracted)
        .unwrap_or_else(|| format!("col{}", index + 1))
}

fn structure(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(0, usize::MAX)?;
    let names: Vec<String> = call
        .arguments
        .iter()
        .enumerate()
        .map(|(i, a)| field_name(a, i))
        .collect();
    let text = call.text();
    build(call, names, text)
}

fn named_struct(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    if call.arguments.is_empty() || !call.arguments.len().is_multiple_of(2) {
        return Err(SparkError::wrong_number_of_arguments(
            "named_struct",
            "2n (n > 0)",
            call.arguments.len(),
        ));
    }
    let text = call.text();
    let mut names = Vec::new();
    let mut values = Vec::new();
    for (index, argument) in std::mem::take(&mut call.arguments).into_iter().enumerate() {
        if index % 2 == 0 {
            let name = argument.constant_string().map(str::to_owned);
            names.push(name.ok_or_else(|| {
                SparkError::not_foldable("named_struct", "name", "STRING", &argument.name)
            })?);
        } else {
            values.push(argument);
        }
    }
    call.arguments = values;
    build(call, names, text)
}

fn build(call: &mut FunctionCall<'_>, names: Vec<String>, text: String) -> Result<TypedExpr> {
    let fields = names
        .iter()
        .zip(&call.arguments)
        .map(|(name, a)| StructField {
            metadata: a.metadata.clone(),
            ..StructField::new(name.clone(), a.data_type.clone(), a.nullable)
        });
    let data_type = DataType::structure(fields.collect());
    let key = names.join("\u{1}");
    let value = call.call_keyed("struct", &key, data_type, false, Arc::new(build_struct));
    Ok(value.with_name(text))
}

fn build_struct(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let ArrowType::Struct(fields) = inv.return_type else {
        return Err(SparkError::internal("not a struct"));
    };
    if fields.is_empty() {
        return Ok(Arc::new(StructArray::new_empty_fields(inv.rows, None)));
    }
    let columns = (0..inv.count())
        .zip(fields)
        .map(|(i, f)| Ok(crate::execution::reshape(&inv.expanded(i)?, f.data_type())?));
    Ok(Arc::new(StructArray::try_new(
        fields.clone(),
        columns.collect::<Result<Vec<_>>>()?,
        None,
    )?))
}

fn array(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    let text = call.text();
    let contains_null = call.any_nullable();
    let null_elements = call.arguments.iter().map(|a| a.nullable).collect();
    let element = if call.arguments.is_empty() {
        DataType::Null
    } else {
        call.unify(0)?
    };
    let data_type = DataType::array(element, contains_null);
    if call.arguments.is_empty() {
        let empty = Literal::Array {
            element: DataType::Null,
            values: Vec::new(),
        };
        return Ok(call.analyzer.literal(&empty)?.with_name(text));
    }
    let value = call.call("array", data_type, false, |inv| {
        let ArrowType::List(field) = inv.return_type else {
            return Err(SparkError::internal("not an array"));
        };
        let columns = (0..inv.count())
            .map(|i| inv.expanded(i))
            .collect::<Result<Vec<_>>>()?;
        let refs: Vec<&dyn Array> = columns.iter().map(AsRef::as_ref).collect();
        let order: Vec<(usize, usize)> = (0..inv.rows)
            .flat_map(|row| (0..refs.len()).map(move |column| (column, row)))
            .collect();
        let values = arrow::compute::interleave(&refs, &order)?;
        let values = crate::execution::reshape(&values, field.data_type())?;
        let offsets =
            arrow::buffer::OffsetBuffer::from_lengths(std::iter::repeat_n(refs.len(), inv.rows));
        Ok(Arc::new(ListArray::try_new(
            field.clone(),
            offsets,
            values,
            None,
        )?))
    });
    Ok(TypedExpr {
        null_elements: Some(null_elements),
        ..value.with_name(text)
    })
}

impl FunctionCall<'_> {
    /// Field `index` of a struct.
    pub(crate) fn struct_field(
        analyzer: &mut Analyzer,
        base: &TypedExpr,
        index: usize,
    ) -> Result<TypedExpr> {
        let DataType::Struct(fields) = &base.data_type else {
            return Err(SparkError::internal("a field of what is not a struct"));
        };
        let field = &fields.fields[index];
        let (data_type, nullable) = (field.data_type.clone(), field.nullable || base.nullable);
        let kernel = Arc::new(move |inv: &Invocation<'_>| {
            let structure = inv.argument(0)?.array.as_struct();
            let column = structure.column(index);
            if structure.null_count() == 0 {
                return Ok(column.clone());
            }
            let missing = arrow::compute::is_null(structure)?;
            Ok(arrow::compute::nullif(column, &missing)?)
        });
        let maker = analyzer.maker();
        let function = maker.function(
            "get_struct_field",
            format!("{index} {}", field.name),
            kernel,
            std::slice::from_ref(base),
            data_type.clone(),
            nullable,
        );
        let expr = FunctionBuilder {
            field_taken: Some(index),
            ..function
        }
        .call(vec![base.expr.clone()]);
        let mut value = TypedExpr::new(
            expr,
            data_type,
            nullable,
            format!("{}.{}", base.name, field.name),
        );
        value.automatic = Some(field.name.clone());
        value.metadata = field.metadata.clone();
        Ok(value)
    }

    /// `base[key]`: whatever the base is made of.
    pub(crate) fn extract_value(
        analyzer: &mut Analyzer,
        base: TypedExpr,
        key: TypedExpr,
    ) -> Result<TypedExpr> {
        let text = format!("{}[{}]", base.name, key.name);
        match base.data_type.clone() {
            DataType::Struct(fields) => {
                let name = key.constant_string().map(str::to_owned).ok_or_else(|| {
                    SparkError::invalid_extract_base(&base.name, &sql_name(&base.data_type))
                })?;
                let index = find_field(analyzer, &fields, &name, &base)?;
                let mut value = Self::struct_field(analyzer, &base, index)?;
                value.automatic = None;
                value.name = format!("{}.{}", base.name, fields.fields[index].name);
                Ok(value)
            }
            DataType::Array {
                element,
                contains_null,
            } => match (element.as_ref(), key.constant_string()) {
                (DataType::Struct(fields), Some(name)) => {
                    let index = find_field(analyzer, fields, name, &base)?;
                    array_of_fields(analyzer, base.clone(), fields, index, contains_null)
                }
                _ => {
                    let scope = Scope::default();
                    if !key.data_type.is_integral() {
                        return Err(SparkError::unexpected_input_type(
                            &text,
                            "second",
                            "\"INTEGRAL\"",
                            &key.name,
                            &sql_name(&key.data_type),
                        ));
                    }
                    let value =
                        analyzer.call_function(&scope, "get_array_item", vec![base, key])?;
                    Ok(value.with_name(text))
                }
            },
            DataType::Map { key: key_type, .. } => {
                let scope = Scope::default();
                let key = analyzer.cast_implicitly(key, &key_type)?;
                let value = analyzer.call_function(&scope, "get_map_value", vec![base, key])?;
                Ok(value.with_name(text))
            }
            other => Err(SparkError::invalid_extract_base(
                &base.name,
                &sql_name(&other),
            )),
        }
    }

    /// `withField` if there is a value, `dropFields` if not; `field` may be a path.
    pub(crate) fn update_field(
        analyzer: &mut Analyzer,
        scope: &Scope,
        structure: TypedExpr,
        field: &str,
        value: Option<TypedExpr>,
    ) -> Result<TypedExpr> {
        let path = crate::sql::parse_identifier(field)?;
        let text = match &value {
            Some(value) => format!(
                "update_fields({}, WithField({}))",
                structure.name, value.name
            ),
            None => format!("update_fields({}, dropfield())", structure.name),
        };
        Ok(update(analyzer, scope, structure, &path, value)?.with_name(text))
    }

    /// The double or float with one zero and one NaN.
    pub(crate) fn normalize_float(analyzer: &mut Analyzer, typed: &TypedExpr) -> Result<Expr> {
        use arrow::datatypes::{Float32Type, Float64Type};
        let kernel = Arc::new(|inv: &Invocation<'_>| {
            if inv.types[0] == DataType::Float {
                let values = inv.floats(0)?;
                let normal = |v: f32| {
                    if v == 0.0 {
                        0.0
                    } else if v.is_nan() {
                        f32::NAN
                    } else {
                        v
                    }
                };
                return inv.build::<Float32Type>(|row| Ok(values.get(row).map(normal)));
            }
            let values = inv.doubles(0)?;
            let normal = |v: f64| {
                if v == 0.0 {
                    0.0
                } else if v.is_nan() {
                    f64::NAN
                } else {
                    v
                }
            };
            inv.build::<Float64Type>(|row| Ok(values.get(row).map(normal)))
        });
        let arguments = std::slice::from_ref(typed);
        let data_type = typed.data_type.clone();
        Ok(analyzer.maker().call(
            "normalize_nanandzero",
            "",
            kernel,
            arguments,
            data_type,
            typed.nullable,
        ))
    }

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

fn find_field(
    analyzer: &Analyzer,
    fields: &StructType,
    name: &str,
    base: &TypedExpr,
) -> Result<usize> {
    let sensitive = analyzer.context.case_sensitive;
    let same = |f: &StructField| {
        if sensitive {
            f.name == name
        } else {
            f.name.to_lowercase() == name.to_lowercase()
        }
    };
    let found: Vec<usize> = (0..fields.len())
        .filter(|i| same(&fields.fields[*i]))
        .collect();
    match found.as_slice() {
        [index] => Ok(*index),
        [] => {
            let names: Vec<String> = fields
                .fields
                .iter()
                .map(|f| format!("`{}`", f.name))
                .collect();
            Err(SparkError::unresolved_field(name, &base.name, &names))
        }
        several => Err(SparkError::ambiguous_field(name, several.len())),
    }
}

/// Field `index` of every struct of an array.
fn array_of_fields(
    analyzer: &mut Analyzer,
    base: TypedExpr,
    fields: &StructType,
    index: usize,
    contains_null: bool,
) -> Result<TypedExpr> {
    let field = &fields.fields[index];
    let data_type = DataType::array(field.data_type.clone(), contains_null || field.nullable);
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let list = inv.argument(0)?.array.as_list::<i32>();
        let structure = list.values().as_struct();
        let nulls = arrow::compute::is_null(structure)?;
        let values = arrow::compute::nullif(structure.column(index), &nulls)?;
        let ArrowType::List(field) = inv.return_type else {
            return Err(SparkError::internal("not an array"));
        };
        let values = crate::execution::reshape(&values, field.data_type())?;
        Ok(Arc::new(ListArray::try_new(
            field.clone(),
            list.offsets().clone(),
            values,
            list.nulls().cloned(),
        )?) as ArrayRef)
    });
    let (key, name) = (
        format!("{index} {}", field.name),
        format!("{}.{}", base.name, field.name),
    );
    let nullable = base.nullable;
    let expr = analyzer.maker().call(
        "get_array_struct_fields",
        key,
        kernel,
        &[base],
        data_type.clone(),
        nullable,
    );
    Ok(TypedExpr::new(expr, data_type, nullable, name))
}

fn update(
    analyzer: &mut Analyzer,
    scope: &Scope,
    structure: TypedExpr,
    path: &[String],
    value: Option<TypedExpr>,
) -> Result<TypedExpr> {
    let DataType::Struct(fields) = structure.data_type.clone() else {
        return Err(SparkError::unexpected_input_type(
            &format!("update_fields({})", structure.name),
            "first",
            "\"STRUCT\"",
            &structure.name,
            &sql_name(&structure.data_type),
        ));
    };
    let Some((name, rest)) = path.split_first() else {
        return Ok(structure);
    };
    let mut parts = Vec::new();
    let mut replaced = false;
    for index in 0..fields.len() {
        let field = &fields.fields[index];
        let mut part = FunctionCall::struct_field(analyzer, &structure, index)?;
        if field.name.eq_ignore_ascii_case(name) {
            replaced = true;
            part = match (&value, rest.is_empty()) {
                (Some(value), true) => value.clone(),
                (None, true) => continue,
                (value, false) => update(analyzer, scope, part, rest, value.clone())?,
            };
        }
        part.named = Some(field.name.clone());
        part.attribute = None;
        parts.push(part);
    }
    if !replaced
        && rest.is_empty()
        && let Some(value) = &value
    {
        parts.push(TypedExpr {
            named: Some(name.clone()),
            attribute: None,
            ..value.clone()
        });
    }
    if parts.is_empty() {
        return Err(SparkError::mismatch(
            "CANNOT_DROP_ALL_FIELDS",
            &structure.name,
            "cannot drop all fields in struct.",
        ));
    }
    let built = analyzer.call_function(scope, "struct", parts)?;
    if !structure.nullable {
        return Ok(built);
    }
    let is_null = analyzer.call_function(scope, "isnull", vec![structure])?;
    let null = analyzer.literal(&Literal::Null(built.data_type.clone()))?;
    analyzer.call_function(scope, "when", vec![is_null, null, built])
}
