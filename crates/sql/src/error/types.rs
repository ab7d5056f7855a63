//! Types that do not go together.

use super::{Exception, SparkError};

impl SparkError {
    /// `DATATYPE_MISMATCH.<detail>` on the expression `sql`.
    pub fn mismatch(detail: &str, sql: &str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self::new(
            Exception::ExtendedAnalysis,
            format!("DATATYPE_MISMATCH.{detail}"),
            "42K09",
            format!("Cannot resolve \"{sql}\" due to data type mismatch: {text}"),
        )
        .with("sqlExpr", format!("\"{sql}\""))
    }

    pub fn binary_operator_different_types(sql: &str, left: &str, right: &str) -> Self {
        Self::mismatch(
            "BINARY_OP_DIFF_TYPES",
            sql,
            format!("the left and right operands of the binary operator have incompatible types (\"{left}\" and \"{right}\")."),
        )
        .with("left", format!("\"{left}\""))
        .with("right", format!("\"{right}\""))
    }

    pub fn binary_operator_wrong_type(sql: &str, expected: &str, actual: &str) -> Self {
        Self::mismatch(
            "BINARY_OP_WRONG_TYPE",
            sql,
            format!("the binary operator requires the input type {expected}, not \"{actual}\"."),
        )
        .with("inputType", expected)
        .with("actualDataType", format!("\"{actual}\""))
    }

    /// `parameter` counts from one and is spelled out: `first`.
    pub fn unexpected_input_type(
        sql: &str,
        parameter: &str,
        required: &str,
        input: &str,
        actual: &str,
    ) -> Self {
        Self::mismatch(
            "UNEXPECTED_INPUT_TYPE",
            sql,
            format!("The {parameter} parameter requires the {required} type, however \"{input}\" has the type \"{actual}\"."),
        )
        .with("paramIndex", parameter)
        .with("requiredType", required)
        .with("inputSql", format!("\"{input}\""))
        .with("inputType", format!("\"{actual}\""))
    }

    pub fn data_types_differ(sql: &str, function: &str, types: &[String]) -> Self {
        let list = format!(
            "({})",
            types
                .iter()
                .map(|t| format!("\"{t}\""))
                .collect::<Vec<_>>()
                .join(" or ")
        );
        Self::mismatch(
            "DATA_DIFF_TYPES",
            sql,
            format!("Input to `{function}` should all be the same type, but it's {list}."),
        )
        .with("functionName", format!("`{function}`"))
        .with("dataType", list)
    }

    /// A cast that a function does instead.
    pub fn cast_with_function(sql: &str, from: &str, to: &str, functions: &[&str]) -> Self {
        let names: Vec<String> = functions.iter().map(|name| format!("`{name}`")).collect();
        let names = names.join("/");
        Self::mismatch(
            "CAST_WITH_FUNC_SUGGESTION",
            sql,
            format!("cannot cast \"{from}\" to \"{to}\". Use the functions {names} to convert."),
        )
        .with("srcType", format!("\"{from}\""))
        .with("targetType", format!("\"{to}\""))
        .with("functionNames", names)
    }

    /// A cast that ANSI mode forbids.
    pub fn cast_with_configuration(sql: &str, from: &str, to: &str) -> Self {
        Self::mismatch(
            "CAST_WITH_CONF_SUGGESTION",
            sql,
            format!("cannot cast \"{from}\" to \"{to}\" with ANSI mode on. If you have to cast \"{from}\" to \"{to}\", you can set \"spark.sql.ansi.enabled\" as 'false'."),
        )
        .with("srcType", format!("\"{from}\""))
        .with("targetType", format!("\"{to}\""))
        .with("config", "\"spark.sql.ansi.enabled\"")
        .with("configVal", "'false'")
    }

    pub fn cast_without_suggestion(sql: &str, from: &str, to: &str) -> Self {
        Self::mismatch(
            "CAST_WITHOUT_SUGGESTION",
            sql,
            format!("cannot cast \"{from}\" to \"{to}\"."),
        )
        .with("srcType", format!("\"{from}\""))
        .with("targetType", format!("\"{to}\""))
    }

    pub fn filter_not_boolean(sql: &str, actual: &str) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN",
            "42K09",
            format!("Cannot resolve \"{sql}\" due to data type mismatch: Filter expression \"{sql}\" of type \"{actual}\" is not a boolean."),
        )
        .with("sqlExpr", format!("\"{sql}\""))
        .with("filter", format!("\"{sql}\""))
        .with("type", format!("\"{actual}\""))
    }

    pub fn join_condition_not_boolean(sql: &str, actual: &str) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "JOIN_CONDITION_IS_NOT_BOOLEAN_TYPE",
            "42K0E",
            format!("The join condition \"{sql}\" has the invalid type \"{actual}\", expected \"BOOLEAN\"."),
        )
        .with("joinCondition", format!("\"{sql}\""))
        .with("conditionType", format!("\"{actual}\""))
    }

    pub fn in_subquery_length(values: usize, columns: usize) -> Self {
        Self::mismatch(
            "IN_SUBQUERY_LENGTH_MISMATCH",
            "IN (subquery)",
            format!("the left side has {values} values and the subquery {columns} columns."),
        )
        .with("leftLength", values.to_string())
        .with("rightLength", columns.to_string())
    }

    pub fn in_subquery_types(sql: &str, left: &str, right: &str) -> Self {
        Self::mismatch(
            "IN_SUBQUERY_DATA_TYPE_MISMATCH",
            sql,
            format!("the left side has the type \"{left}\" and the subquery \"{right}\"."),
        )
        .with("leftType", format!("\"{left}\""))
        .with("rightType", format!("\"{right}\""))
    }

    pub fn scalar_subquery_of_columns(columns: usize) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN",
            "42823",
            format!(
                "Invalid subquery: Scalar subquery must return only one column, but got {columns}."
            ),
        )
        .with("number", columns.to_string())
    }

    pub fn scalar_subquery_of_rows() -> Self {
        Self::new(
            Exception::Runtime,
            "SCALAR_SUBQUERY_TOO_MANY_ROWS",
            "21000",
            "More than one row returned by a subquery used as an expression.",
        )
    }

    pub fn invalid_extract_base(base: &str, other: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "INVALID_EXTRACT_BASE_FIELD_TYPE",
            "42000",
            format!("Can't extract a value from \"{base}\". Need a complex type [STRUCT, ARRAY, MAP] but got \"{other}\"."),
        )
        .with("base", format!("\"{base}\""))
        .with("other", format!("\"{other}\""))
    }

    pub fn incompatible_column_type(
        operator: &str,
        column: &str,
        table: &str,
        first: &str,
        second: &str,
    ) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "INCOMPATIBLE_COLUMN_TYPE",
            "42825",
            format!("{operator} can only be performed on tables with compatible column types. The {column} column of the {table} table is \"{first}\" type which is not compatible with \"{second}\" at the same column of the first table."),
        )
        .with("operator", operator)
        .with("columnOrdinalNumber", column)
        .with("tableOrdinalNumber", table)
        .with("dataType1", format!("\"{first}\""))
        .with("dataType2", format!("\"{second}\""))
        .with("hint", "")
    }

    pub fn invalid_ordering_type(sql: &str, function: &str, data_type: &str) -> Self {
        Self::mismatch(
            "INVALID_ORDERING_TYPE",
            sql,
            format!("The `{function}` does not support ordering on type \"{data_type}\"."),
        )
        .with("functionName", format!("`{function}`"))
        .with("dataType", format!("\"{data_type}\""))
    }

    pub fn invalid_limit(expression: &str, value: i64) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE",
            "42K0E",
            format!("The limit like expression \"{expression}\" is invalid. The limit expression must be equal to or greater than 0, but got {value}."),
        )
        .with("name", "limit")
        .with("expr", format!("\"{expression}\""))
        .with("v", value.to_string())
    }

    pub fn limit_not_integer(expression: &str, data_type: &str) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "INVALID_LIMIT_LIKE_EXPRESSION.DATA_TYPE",
            "42K0E",
            format!("The limit like expression \"{expression}\" is invalid. The limit expression must be integer type, but got \"{data_type}\"."),
        )
        .with("name", "limit")
        .with("expr", format!("\"{expression}\""))
        .with("dataType", format!("\"{data_type}\""))
    }

    pub fn limit_not_foldable(expression: &str) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "INVALID_LIMIT_LIKE_EXPRESSION.IS_UNFOLDABLE",
            "42K0E",
            format!("The limit like expression \"{expression}\" is invalid. The limit expression must evaluate to a constant value."),
        )
        .with("name", "limit")
        .with("expr", format!("\"{expression}\""))
    }

    pub fn unpivot_value_size(expected: usize) -> Self {
        Self::new(
            Exception::Analysis,
            "UNPIVOT_VALUE_SIZE_MISMATCH",
            "428C4",
            format!("All unpivot value columns must have the same size as there are value column names ({expected})."),
        )
        .with("names", expected.to_string())
    }

    pub fn unpivot_value_type_mismatch(types: &str) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "UNPIVOT_VALUE_DATA_TYPE_MISMATCH",
            "42K09",
            format!("Unpivot value columns must share a least common type, some types do not: [{types}]."),
        )
        .with("types", types)
    }

    pub fn invalid_column_or_field_data_type(column: &str, actual: &str, expected: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "INVALID_COLUMN_OR_FIELD_DATA_TYPE",
            "42000",
            format!("Column or field `{column}` is of type \"{actual}\" while it's required to be \"{expected}\"."),
        )
        .with("name", format!("`{column}`"))
        .with("type", format!("\"{actual}\""))
        .with("expectedType", format!("\"{expected}\""))
    }

    pub fn nullable_column_or_field(column: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "NULLABLE_COLUMN_OR_FIELD",
            "42000",
            format!(
                "Column or field `{column}` is nullable while it's required to be non-nullable."
            ),
        )
        .with("name", format!("`{column}`"))
    }
}
