//! What this engine does not do, refused by name.

use super::{Exception, SparkError};

impl SparkError {
    /// `name` says exactly what was asked for.
    pub fn unsupported_feature(name: &str) -> Self {
        Self::new(
            Exception::UnsupportedOperation,
            "UNSUPPORTED_FEATURE",
            "0A000",
            format!("The feature is not supported: {name}."),
        )
        .with("feature", name)
    }

    pub fn set_operation_on_map(column: &str, data_type: &str) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE",
            "0A000",
            format!("The feature is not supported: Cannot have MAP type columns in DataFrame which calls set operations (INTERSECT, EXCEPT, etc.), but the type of column `{column}` is \"{data_type}\"."),
        )
        .with("colName", format!("`{column}`"))
        .with("dataType", format!("\"{data_type}\""))
    }

    pub fn unsupported_relation(name: &str) -> Self {
        Self::unsupported_feature(&format!("the relation {name}"))
    }

    pub fn unsupported_expression(name: &str) -> Self {
        Self::unsupported_feature(&format!("the expression {name}"))
    }

    pub fn unsupported_command(name: &str) -> Self {
        Self::unsupported_feature(&format!("the command {name}"))
    }

    /// A function that Spark has and this engine has not.
    pub fn unsupported_function(name: &str) -> Self {
        Self::unsupported_feature(&format!("the function `{name}`"))
    }

    /// An option that would change the result and is not understood.
    pub fn unsupported_option(source: &str, option: &str, value: &str) -> Self {
        Self::unsupported_feature(&format!(
            "the option '{option}' = '{value}' of the data source {source}"
        ))
    }

    pub fn unsupported_sql_statement(statement: &str) -> Self {
        Self::new(
            Exception::Parse,
            "UNSUPPORTED_FEATURE.SQL_STATEMENT",
            "0A000",
            format!("The feature is not supported: the SQL statement {statement}."),
        )
        .with("statement", statement)
    }
}
