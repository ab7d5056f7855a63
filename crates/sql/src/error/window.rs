//! Windows that are not allowed, not complete, or of another kind.

use super::{Exception, SparkError};

impl SparkError {
    pub fn window_function_without_over(name: &str) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE",
            "42601",
            format!("Window function \"{name}\" requires an OVER clause."),
        )
        .with("funcName", format!("\"{name}\""))
    }

    pub fn window_function_not_allowed(clause: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE",
            "42903",
            format!("Window functions are not allowed in the {clause} clause."),
        )
        .with("clauseName", clause)
    }

    pub fn unsupported_window_expression(expression: &str) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "UNSUPPORTED_EXPR_FOR_WINDOW",
            "42P20",
            format!("Expression \"{expression}\" not supported within a window function."),
        )
        .with("sqlExpr", format!("\"{expression}\""))
    }

    pub fn distinct_window_function(expression: &str) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "DISTINCT_WINDOW_FUNCTION_UNSUPPORTED",
            "0A000",
            format!("Distinct window functions are not supported: \"{expression}\"."),
        )
        .with("windowExpr", format!("\"{expression}\""))
    }

    pub fn window_in_aggregate() -> Self {
        Self::new(
            Exception::Analysis,
            "_LEGACY_ERROR_TEMP_1031",
            "42000",
            "It is not allowed to use a window function inside an aggregate function. Please use the inner window function in a sub-query.",
        )
    }

    pub fn window_frame_mismatch(function: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "_LEGACY_ERROR_TEMP_1036",
            "42000",
            format!("The window frame of {function} must be its own."),
        )
        .with("wf", function)
    }

    pub fn window_function_needs_order(function: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "WINDOW_FUNCTION_FRAME_NOT_ORDERED",
            "42000",
            format!("Window function {function} requires window to be ordered, please add ORDER BY clause."),
        )
        .with("wf", function)
    }

    pub fn missing_window(name: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "MISSING_WINDOW_SPECIFICATION",
            "42P20",
            format!("Window specification is not defined in the WINDOW clause for {name}."),
        )
        .with("windowName", name)
    }

    pub fn qualify_without_window() -> Self {
        Self::new(
            Exception::Analysis,
            "QUALIFY_REQUIRES_WINDOW_FUNCTION",
            "42903",
            "QUALIFY needs a window function in its condition or in the select list.",
        )
    }
}
