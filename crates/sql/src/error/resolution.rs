//! Names that mean nothing here, or too much.

use super::{Exception, SparkError};

/// `a.b` as `` `a`.`b` ``.
pub(crate) fn quote_identifier(name: &str) -> String {
    name.split('.')
        .map(|part| format!("`{}`", part.replace('`', "``")))
        .collect::<Vec<_>>()
        .join(".")
}

fn quote_parts(parts: &[String]) -> String {
    parts
        .iter()
        .map(|part| format!("`{}`", part.replace('`', "``")))
        .collect::<Vec<_>>()
        .join(".")
}

impl SparkError {
    /// `proposals` are already ordered by likeness and quoted.
    pub fn unresolved_column(parts: &[String], proposals: &[String]) -> Self {
        let name = quote_parts(parts);
        if proposals.is_empty() {
            return Self::new(
                Exception::ExtendedAnalysis,
                "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION",
                "42703",
                format!(
                    "A column, variable, or function parameter with name {name} cannot be resolved."
                ),
            )
            .with("objectName", name);
        }
        let proposal = proposals.join(", ");
        Self::new(
            Exception::ExtendedAnalysis,
            "UNRESOLVED_COLUMN.WITH_SUGGESTION",
            "42703",
            format!("A column, variable, or function parameter with name {name} cannot be resolved. Did you mean one of the following? [{proposal}]."),
        )
        .with("objectName", name)
        .with("proposal", proposal)
    }

    pub fn ambiguous_lateral_alias(parts: &[String]) -> Self {
        let name = quote_parts(parts);
        Self::new(
            Exception::Analysis,
            "AMBIGUOUS_LATERAL_COLUMN_ALIAS",
            "42702",
            format!("Lateral column alias {name} is ambiguous and has several matches."),
        )
        .with("name", name)
    }

    pub fn lateral_alias_in_aggregate(alias: &str, aggregate: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS_IN_AGGREGATE_FUNC",
            "0A000",
            format!("The feature is not supported: Referencing a lateral column alias {alias} in the aggregate function \"{aggregate}\"."),
        )
        .with("lca", alias)
        .with("aggFunc", format!("\"{aggregate}\""))
    }

    /// The same of a function with a window; another error stays as it is.
    pub fn lateral_alias_in_window(self) -> Self {
        if self.class() != "UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS_IN_AGGREGATE_FUNC" {
            return self;
        }
        let alias = self.parameters().get("lca").cloned().unwrap_or_default();
        Self::new(
            Exception::Analysis,
            "UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS_IN_WINDOW",
            "0A000",
            format!("The feature is not supported: Referencing a lateral column alias {alias} in a window expression."),
        )
        .with("lca", alias)
    }

    pub fn unresolved_field(field: &str, column: &str, proposals: &[String]) -> Self {
        let proposal = proposals.join(", ");
        Self::new(
            Exception::Analysis,
            "FIELD_NOT_FOUND",
            "42704",
            format!("No such struct field `{field}` in {proposal}."),
        )
        .with("fieldName", format!("`{field}`"))
        .with("fields", proposal)
        .with("column", column)
    }

    pub fn ambiguous_field(field: &str, count: usize) -> Self {
        Self::new(
            Exception::Analysis,
            "AMBIGUOUS_REFERENCE_TO_FIELDS",
            "42000",
            format!("Ambiguous reference to the field `{field}`. It appears {count} times in the schema."),
        )
        .with("field", format!("`{field}`"))
        .with("count", count.to_string())
    }

    pub fn ambiguous_reference(parts: &[String], candidates: &[String]) -> Self {
        let name = quote_parts(parts);
        let references = format!("[{}]", candidates.join(", "));
        Self::new(
            Exception::ExtendedAnalysis,
            "AMBIGUOUS_REFERENCE",
            "42704",
            format!("Reference {name} is ambiguous, could be: {references}."),
        )
        .with("name", name)
        .with("referenceNames", references)
    }

    /// A column taken from a data frame that is not part of this plan.
    pub fn cannot_resolve_data_frame_column(name: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "CANNOT_RESOLVE_DATAFRAME_COLUMN",
            "42704",
            format!("Cannot resolve dataframe column \"{name}\". It's probably because of illegal references like `df1.select(df2.col(\"a\"))`."),
        )
        .with("name", format!("\"{name}\""))
    }

    pub fn ambiguous_data_frame_column(name: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "AMBIGUOUS_COLUMN_REFERENCE",
            "42702",
            format!("Column \"{name}\" is ambiguous. It's because you joined several DataFrame together, and some of these DataFrames are the same. This column points to one of the DataFrames but Spark is unable to figure out which one. Please alias the DataFrames with different names via `DataFrame.alias` before joining them, and specify the column using qualified name, e.g. `df.alias(\"a\").join(df.alias(\"b\"), col(\"a.id\") > col(\"b.id\"))`."),
        )
        .with("name", format!("\"{name}\""))
    }

    pub fn table_or_view_not_found(name: &str) -> Self {
        let quoted = quote_identifier(name);
        Self::new(
            Exception::ExtendedAnalysis,
            "TABLE_OR_VIEW_NOT_FOUND",
            "42P01",
            format!("The table or view {quoted} cannot be found. Verify the spelling and correctness of the schema and catalog.\nIf you did not qualify the name with a schema, verify the current_schema() output, or qualify the name with the correct schema and catalog.\nTo tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS."),
        )
        .with("relationName", quoted)
    }

    /// The session's catalog has databases and nothing above them.
    pub fn requires_single_part_namespace(parts: &[String]) -> Self {
        let namespace = quote_parts(&parts[..parts.len().saturating_sub(1)]);
        Self::new(
            Exception::Analysis,
            "REQUIRES_SINGLE_PART_NAMESPACE",
            "42K05",
            format!(
                "spark_catalog requires a single-part namespace, but got identifier {namespace}."
            ),
        )
        .with("sessionCatalog", "spark_catalog")
        .with("identifier", namespace)
    }

    pub fn star_of_no_struct(attributes: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "_LEGACY_ERROR_TEMP_1050",
            "42000",
            format!("Can only star expand struct data types. Attribute: `{attributes}`."),
        )
        .with("attributes", attributes)
    }

    pub fn schema_not_found(name: &str) -> Self {
        let quoted = quote_identifier(name);
        Self::new(
            Exception::NoSuchNamespace,
            "SCHEMA_NOT_FOUND",
            "42704",
            format!("The schema {quoted} cannot be found. Verify the spelling and correctness of the schema and catalog.\nTo tolerate the error on drop use DROP SCHEMA IF EXISTS."),
        )
        .with("schemaName", quoted)
    }

    pub fn schema_already_exists(name: &str) -> Self {
        let quoted = quote_identifier(name);
        Self::new(
            Exception::Analysis,
            "SCHEMA_ALREADY_EXISTS",
            "42P06",
            format!("Cannot create schema {quoted} because it already exists. Choose a different name, drop the existing schema, or add the IF NOT EXISTS clause to tolerate pre-existing schema."),
        )
        .with("schemaName", quoted)
    }

    pub fn schema_not_empty(name: &str) -> Self {
        let quoted = quote_identifier(name);
        Self::new(
            Exception::Analysis,
            "SCHEMA_NOT_EMPTY",
            "2BP01",
            format!("Cannot drop a schema {quoted} because it contains objects. Use DROP SCHEMA ... CASCADE to drop the schema and all its objects."),
        )
        .with("schemaName", quoted)
    }

    pub fn catalog_not_found(name: &str) -> Self {
        let quoted = quote_identifier(name);
        Self::new(
            Exception::Analysis,
            "CATALOG_NOT_FOUND",
            "42P08",
            format!("The catalog {quoted} not found. Consider to set the SQL config \"spark.sql.catalog.{name}\" to a catalog plugin."),
        )
        .with("catalogName", quoted)
        .with("config", format!("\"spark.sql.catalog.{name}\""))
    }

    pub fn table_already_exists(name: &str) -> Self {
        let quoted = quote_identifier(name);
        Self::new(
            Exception::TableAlreadyExists,
            "TABLE_OR_VIEW_ALREADY_EXISTS",
            "42P07",
            format!("Cannot create table or view {quoted} because it already exists. Choose a different name, drop or replace the existing object, or add the IF NOT EXISTS clause to tolerate pre-existing objects."),
        )
        .with("relationName", quoted)
    }

    pub fn temp_view_already_exists(name: &str) -> Self {
        let quoted = quote_identifier(name);
        Self::new(
            Exception::TempTableAlreadyExists,
            "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS",
            "42P07",
            format!("Cannot create the temporary view {quoted} because it already exists. Choose a different name, drop or replace the existing view, or add the IF NOT EXISTS clause to tolerate pre-existing views."),
        )
        .with("relationName", quoted)
    }

    pub fn invalid_view_name(name: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "_LEGACY_ERROR_TEMP_1321",
            "42000",
            format!("Invalid view name: {name}"),
        )
        .with("viewName", name)
    }

    pub fn order_by_position_out_of_range(index: i64, size: usize) -> Self {
        Self::new(
            Exception::Analysis,
            "ORDER_BY_POS_OUT_OF_RANGE",
            "42805",
            format!(
                "ORDER BY position {index} is not in select list (valid range is [1, {size}])."
            ),
        )
        .with("index", index.to_string())
        .with("size", size.to_string())
    }

    /// `WHERE`, `GROUP BY` and so on cannot hold this kind of expression.
    pub fn invalid_where_condition(condition: &str, expressions: &str) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "INVALID_WHERE_CONDITION",
            "42903",
            format!("The WHERE condition \"{condition}\" contains invalid expressions: {expressions}. Rewrite the query to avoid window functions, aggregate functions, and generator functions in the WHERE clause."),
        )
        .with("condition", format!("\"{condition}\""))
        .with("expressionList", expressions)
    }

    /// A recursive definition that would have to forget what it has found before.
    pub fn union_in_recursion() -> Self {
        Self::new(
            Exception::Analysis,
            "UNION_NOT_SUPPORTED_IN_RECURSIVE_CTE",
            "42836",
            "The UNION operator is not yet supported within recursive common table expressions (WITH clauses that refer to themselves, directly or indirectly). Please use UNION ALL instead.",
        )
    }

    pub fn duplicated_cte_name(name: &str) -> Self {
        let name = quote_identifier(name);
        Self::new(
            Exception::Parse,
            "DUPLICATED_CTE_NAMES",
            "42602",
            format!("CTE definition can't have duplicate names: {name}."),
        )
        .with("duplicateNames", name)
    }

    pub fn inline_table_of_uneven_rows(expected: usize, actual: usize, row: usize) -> Self {
        Self::new(
            Exception::Analysis,
            "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH",
            "42000",
            format!("Invalid inline table. Inline table expected {expected} columns but found {actual} columns in row {row}."),
        )
        .with("expectedNumCols", expected.to_string())
        .with("actualNumCols", actual.to_string())
        .with("rowIndex", row.to_string())
    }

    pub fn inline_table_evaluation(expression: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "INVALID_INLINE_TABLE.FAILED_SQL_EXPRESSION_EVALUATION",
            "42000",
            format!("Invalid inline table. Failed to evaluate the SQL expression \"{expression}\". Please check your syntax and ensure all required tables and columns are available."),
        )
        .with("sqlExpr", format!("\"{expression}\""))
    }

    pub fn inline_table_of_different_types(column: &str) -> Self {
        let column = quote_identifier(column);
        Self::new(
            Exception::Analysis,
            "INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE",
            "42000",
            format!("Invalid inline table. Found incompatible types in the column {column} for inline table."),
        )
        .with("colName", column)
    }

    pub fn assignment_arity_mismatch(names: usize, columns: usize) -> Self {
        Self::new(
            Exception::Analysis,
            "ASSIGNMENT_ARITY_MISMATCH",
            "42802",
            format!("The number of columns or variables assigned or aliased: {names} does not match the number of source expressions: {columns}."),
        )
        .with("numTarget", names.to_string())
        .with("numExpr", columns.to_string())
    }

    pub fn num_columns_mismatch(operator: &str, first: usize, ordinal: &str, other: usize) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "NUM_COLUMNS_MISMATCH",
            "42826",
            format!("{operator} can only be performed on inputs with the same number of columns, but the first input has {first} columns and the {ordinal} input has {other} columns."),
        )
        .with("operator", operator)
        .with("firstNumColumns", first.to_string())
        .with("invalidOrdinalNum", ordinal)
        .with("invalidNumColumns", other.to_string())
    }

    pub fn unresolved_using_column(column: &str, side: &str, suggestion: &[String]) -> Self {
        let suggestion = suggestion.join(", ");
        Self::new(
            Exception::Analysis,
            "UNRESOLVED_USING_COLUMN_FOR_JOIN",
            "42703",
            format!("USING column `{column}` cannot be resolved on the {side} side of the join. The {side}-side columns: [{suggestion}]."),
        )
        .with("colName", format!("`{column}`"))
        .with("side", side)
        .with("suggestion", suggestion)
    }

    pub fn data_frame_not_found(id: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "DATAFRAME_NOT_FOUND",
            "42K0H",
            format!("No DataFrame with id {id} is found in the session."),
        )
    }

    pub fn cannot_resolve_star(target: &str, columns: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "CANNOT_RESOLVE_STAR_EXPAND",
            "42704",
            format!("Cannot resolve {target}.* given input columns {columns}. Please check that the specified table or struct exists and is accessible in the input columns."),
        )
        .with("targetString", target)
        .with("columns", columns)
    }

    pub fn star_with_table_in_count() -> Self {
        Self::new(
            Exception::Analysis,
            "INVALID_USAGE_OF_STAR_WITH_TABLE_IDENTIFIER_IN_COUNT",
            "42000",
            "count(table.*) is not allowed. Please use count(*) or expand the columns manually.",
        )
    }

    pub fn invalid_star_usage(place: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "INVALID_USAGE_OF_STAR_OR_REGEX",
            "42000",
            format!("Invalid usage of '*' in {place}."),
        )
        .with("elem", "'*'")
        .with("prettyName", place)
    }
}
