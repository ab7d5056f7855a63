//! Groupings that do not say what is grouped, or say it twice.

use super::{Exception, SparkError};

impl SparkError {
    pub fn missing_aggregation(expression: &str) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "MISSING_AGGREGATION",
            "42803",
            format!("The non-aggregating expression \"{expression}\" is based on columns which are not participating in the GROUP BY clause. Add the columns or the expression to the GROUP BY, aggregate the expression, or use \"any_value({expression})\" if you do not care which of the values within a group is returned."),
        )
        .with("expression", format!("\"{expression}\""))
        .with("expressionAnyValue", format!("\"any_value({expression})\""))
    }

    pub fn missing_group_by() -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "MISSING_GROUP_BY",
            "42803",
            "The query does not include a GROUP BY clause. Add GROUP BY or turn it into the window functions using OVER clauses.",
        )
    }

    pub fn group_by_position_out_of_range(index: i64, size: usize) -> Self {
        Self::new(
            Exception::Analysis,
            "GROUP_BY_POS_OUT_OF_RANGE",
            "42805",
            format!(
                "GROUP BY position {index} is not in select list (valid range is [1, {size}])."
            ),
        )
        .with("index", index.to_string())
        .with("size", size.to_string())
    }

    pub fn group_by_position_aggregate(index: i64, expression: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "GROUP_BY_POS_AGGREGATE",
            "42903",
            format!("GROUP BY {index} refers to an expression {expression} that contains an aggregate function. Aggregate functions are not allowed in GROUP BY."),
        )
        .with("index", index.to_string())
        .with("aggExpr", expression)
    }

    pub fn unsupported_grouping_expression() -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "UNSUPPORTED_GROUPING_EXPRESSION",
            "42K0E",
            "grouping()/grouping_id() can only be used with GroupingSets/Cube/Rollup.",
        )
    }

    pub fn grouping_column_mismatch() -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "GROUPING_COLUMN_MISMATCH",
            "42803",
            "The column of grouping() is none of the grouping columns.",
        )
    }

    pub fn grouping_id_column_mismatch() -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "GROUPING_ID_COLUMN_MISMATCH",
            "42803",
            "The columns of grouping_id() are not the grouping columns.",
        )
    }

    pub fn unresolved_all_in_group_by() -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "UNRESOLVED_ALL_IN_GROUP_BY",
            "42803",
            "Cannot infer grouping columns for GROUP BY ALL based on the select clause. Please explicitly specify the grouping columns.",
        )
    }

    pub fn group_by_aggregate(expression: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "GROUP_BY_AGGREGATE",
            "42903",
            format!("Aggregate functions are not allowed in GROUP BY, but found {expression}."),
        )
        .with("sqlExpr", expression)
    }
}
