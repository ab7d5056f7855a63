//! Parts of containers: a struct's field, an array's element, a map's value, the fields of an array's structs.
//!
//! Start at [`FunctionCall::extract_value`].

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray};
use arrow::datatypes::DataType as ArrowType;

use crate::analyzer::{Analyzer, Scope, TypedExpr};
use crate::error::{Result, SparkError};
use crate::functions::udf::FunctionBuilder;
use crate::functions::{FunctionCall, Invocation};
use crate::ir::{DataType, StructField, StructType};
use crate::types::sql_name;

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
