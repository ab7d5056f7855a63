//! Structs with a field replaced, added or dropped, however deep.
//!
//! Start at [`FunctionCall::update_field`].

use crate::analyzer::{Analyzer, Scope, TypedExpr};
use crate::error::{Result, SparkError};
use crate::functions::FunctionCall;
use crate::ir::{DataType, Literal};
use crate::types::sql_name;

impl FunctionCall<'_> {
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
