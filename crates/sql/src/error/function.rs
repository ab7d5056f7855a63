//! Functions: unknown ones, and arguments that do not fit.

use super::{Exception, SparkError, quote_identifier};

impl SparkError {
    pub fn unresolved_routine(name: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "UNRESOLVED_ROUTINE",
            "42883",
            format!(
                "Cannot resolve routine {} on search path [`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`].",
                quote_identifier(name)
            ),
        )
        .with("routineName", quote_identifier(name))
        .with("searchPath", "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]")
    }

    pub fn unresolvable_table_valued_function(name: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "UNRESOLVABLE_TABLE_VALUED_FUNCTION",
            "42883",
            format!(
                "Could not resolve {} to a table-valued function.",
                quote_identifier(name)
            ),
        )
        .with("name", quote_identifier(name))
    }

    /// `expected` as `2` or `[1, 2]`.
    pub fn wrong_number_of_arguments(function: &str, expected: &str, actual: usize) -> Self {
        let name = quote_identifier(function);
        Self::new(
            Exception::Analysis,
            "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
            "42605",
            format!("The {name} requires {expected} parameters but the actual number is {actual}."),
        )
        .with("functionName", name)
        .with("expectedNum", expected)
        .with("actualNum", actual.to_string())
        .with("docroot", "https://spark.apache.org/docs/latest")
    }

    /// A value that a function cannot take at run time.
    pub fn count_of_nothing() -> Self {
        Self::new(
            Exception::Analysis,
            "WRONG_NUM_ARGS.WITH_SUGGESTION",
            "42605",
            "The `count` requires > 0 parameters but the actual number is 0. Please use count(*).",
        )
        .with("functionName", "`count`")
        .with("expectedNum", "> 0")
        .with("actualNum", "0")
    }

    pub fn invalid_parameter_value(
        detail: &str,
        function: &str,
        parameter: &str,
        text: impl Into<String>,
    ) -> Self {
        let text = text.into();
        Self::new(
            Exception::Runtime,
            format!("INVALID_PARAMETER_VALUE.{detail}"),
            "22023",
            format!(
                "The value of parameter(s) {} in {} is invalid: {text}",
                quote_identifier(parameter),
                quote_identifier(function)
            ),
        )
        .with("functionName", quote_identifier(function))
        .with("parameter", quote_identifier(parameter))
    }

    pub fn cannot_decode_url(url: &str) -> Self {
        Self::new(
            Exception::IllegalArgument,
            "CANNOT_DECODE_URL",
            "22546",
            format!("The provided URL cannot be decoded: {url}. Ensure that the URL is properly formatted and try again."),
        )
        .with("url", url)
    }

    pub fn invalid_url(url: &str) -> Self {
        Self::new(
            Exception::IllegalArgument,
            "INVALID_URL",
            "22P02",
            format!("The url is invalid: {url}. Use `try_parse_url` to tolerate invalid URL and return NULL instead."),
        )
        .with("url", url)
    }

    pub fn collection_size_limit_exceeded(function: &str, elements: i64, limit: i64) -> Self {
        Self::new(
            Exception::Runtime,
            "COLLECTION_SIZE_LIMIT_EXCEEDED.PARAMETER",
            "54000",
            format!("Can't create array with {elements} elements which exceeding the array size limit {limit}, the value returned by the function {} is too large.", quote_identifier(function)),
        )
        .with("numberOfElements", elements.to_string())
        .with("maxRoundedArrayLength", limit.to_string())
        .with("functionName", quote_identifier(function))
    }

    pub fn illegal_sequence_boundaries(what: &str) -> Self {
        Self::unclassified(
            Exception::IllegalArgument,
            format!("requirement failed: Illegal sequence boundaries: {what}"),
        )
    }

    /// What stands in a `PIVOT` where an aggregate must.
    pub fn not_an_aggregate(expression: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "_LEGACY_ERROR_TEMP_1006",
            "XXKUC",
            format!("Aggregate expression required for pivot, but '{expression}' did not appear in any aggregate function."),
        )
        .with("sql", expression)
    }

    pub fn slice_start_zero() -> Self {
        Self::invalid_parameter_value(
            "START",
            "slice",
            "start",
            "Expects a positive or a negative value for `start`, but got 0.",
        )
    }

    pub fn slice_length_negative(length: i32) -> Self {
        Self::invalid_parameter_value(
            "LENGTH",
            "slice",
            "length",
            format!("Expects `length` greater than or equal to 0, but got {length}."),
        )
    }

    /// An error that has a number and no name in Spark.
    fn internal_class(class: &str, text: &str) -> Self {
        Self::new(Exception::Runtime, class, "XXKST", text)
    }

    pub fn comparator_returns_null() -> Self {
        Self::new(
            Exception::Runtime,
            "COMPARATOR_RETURNS_NULL",
            "22004",
            "The comparator of `array_sort` has returned NULL; it must give a number below, equal to or above zero.",
        )
    }

    pub fn invalid_number_format(format: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "INVALID_FORMAT.UNEXPECTED_TOKEN",
            "42601",
            format!("The format is invalid: '{format}'. It is no picture of a number."),
        )
        .with("format", format!("'{format}'"))
    }

    pub fn invalid_format_mismatch(text: &str, format: &str) -> Self {
        Self::new(
            Exception::IllegalArgument,
            "INVALID_FORMAT.MISMATCH_INPUT",
            "42601",
            format!("The format is invalid: '{format}'. The input \"STRING\" '{text}' does not match the format."),
        )
        .with("inputType", "\"STRING\"")
        .with("input", text)
        .with("format", format)
    }

    pub fn vector_dimension_mismatch(function: &str, left: usize, right: usize) -> Self {
        Self::new(
            Exception::Runtime,
            "VECTOR_DIMENSION_MISMATCH",
            "22000",
            format!(
                "Vectors passed to {} must have the same dimension, but got {left} and {right}.",
                quote_identifier(function)
            ),
        )
        .with("functionName", quote_identifier(function))
        .with("leftDim", left.to_string())
        .with("rightDim", right.to_string())
    }

    pub fn invalid_vector_norm_degree(function: &str, degree: f32) -> Self {
        Self::new(
            Exception::Runtime,
            "INVALID_VECTOR_NORM_DEGREE",
            "22023",
            format!(
                "Invalid norm degree {degree} for {}: it must be 1.0, 2.0 or infinity.",
                quote_identifier(function)
            ),
        )
        .with("functionName", quote_identifier(function))
        .with("degree", degree.to_string())
    }

    pub fn invalid_bitmap_position(position: i64) -> Self {
        Self::new(
            Exception::ArrayIndexOutOfBounds,
            "INVALID_BITMAP_POSITION",
            "22003",
            format!("The 0-indexed bitmap position {position} is out of bounds. The bitmap has 32768 bits (4096 bytes)."),
        )
        .with("bitPosition", position.to_string())
        .with("bitmapNumBytes", "4096")
        .with("bitmapNumBits", "32768")
    }

    pub fn raised(message: &str) -> Self {
        Self::new(
            Exception::Runtime,
            "USER_RAISED_EXCEPTION",
            "P0001",
            message.to_owned(),
        )
        .with("errorMessage", message)
    }

    pub fn assert_true_failed(message: &str) -> Self {
        Self::raised(message)
    }

    pub fn duplicated_map_key(key: &str) -> Self {
        Self::new(
            Exception::Runtime,
            "DUPLICATED_MAP_KEY",
            "23505",
            format!("Duplicate map key {key} was found, please check the input data. To keep the last one, set \"spark.sql.mapKeyDedupPolicy\" to \"LAST_WIN\"."),
        )
        .with("key", key)
        .with("mapKeyDedupPolicy", "\"spark.sql.mapKeyDedupPolicy\"")
    }

    pub fn null_map_key() -> Self {
        Self::new(
            Exception::Runtime,
            "NULL_MAP_KEY",
            "2200E",
            "Cannot use null as map key.",
        )
    }

    pub fn unequal_map_arrays() -> Self {
        Self::internal_class(
            "_LEGACY_ERROR_TEMP_2128",
            "The key array and value array of a map must have the same length.",
        )
    }

    pub fn map_key_does_not_exist(key: &str) -> Self {
        Self::new(
            Exception::NoSuchElement,
            "MAP_KEY_DOES_NOT_EXIST",
            "22023",
            format!("Key {key} does not exist."),
        )
        .with("keyValue", key)
    }

    pub fn null_index(index: &str) -> Self {
        Self::new(
            Exception::Runtime,
            "NULL_VALUE_SIGNATURE",
            "22004",
            format!("{index} must not be null."),
        )
    }

    pub fn nested_aggregate() -> Self {
        Self::new(
            Exception::Analysis,
            "NESTED_AGGREGATE_FUNCTION",
            "42607",
            "It is not allowed to use an aggregate function in the argument of another aggregate function. Please use the inner aggregate function in a sub-query.",
        )
    }

    pub fn nested_generator(expression: &str) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS",
            "42K0E",
            format!("The generator is not supported: nested in expressions \"{expression}\"."),
        )
        .with("expression", format!("\"{expression}\""))
    }

    pub fn multiple_generators(generators: &[String]) -> Self {
        let list = generators
            .iter()
            .map(|g| format!("\"{g}\""))
            .collect::<Vec<_>>()
            .join(", ");
        Self::new(
            Exception::ExtendedAnalysis,
            "UNSUPPORTED_GENERATOR.MULTI_GENERATOR",
            "42K0E",
            format!("The generator is not supported: only one generator allowed per SELECT clause but found {}: {list}.", generators.len()),
        )
        .with("num", generators.len().to_string())
        .with("generators", list)
    }

    /// An error about a generator that stands where none may, told of the clause; another stays as it is.
    pub fn in_clause(self, clause: &str) -> Self {
        match self.class() {
            "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS" => Self::generator_outside_select(clause),
            _ => self,
        }
    }

    pub fn generator_outside_select(clause: &str) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "UNSUPPORTED_GENERATOR.OUTSIDE_SELECT",
            "42K0E",
            format!("The generator is not supported: outside the SELECT clause, found: {clause}."),
        )
        .with("plan", clause)
    }

    pub fn aliases_do_not_match(names: usize, columns: usize) -> Self {
        Self::new(
            Exception::Analysis,
            "UDTF_ALIAS_NUMBER_MISMATCH",
            "42802",
            format!("The number of aliases supplied in the AS clause does not match the number of columns output by the UDTF. Expected {columns} aliases, but got {names}. Please ensure that the number of aliases provided matches the number of columns output by the UDTF."),
        )
        .with("aliasesSize", columns.to_string())
        .with("aliasesNames", names.to_string())
    }

    pub fn lambda_of_plain_function(function: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION",
            "42K0D",
            format!("A lambda function should only be used in a higher order function. However, its class is {function}, which is not a higher order function."),
        )
        .with("class", function)
    }

    pub fn lambda_parameters(expected: usize, actual: usize) -> Self {
        Self::new(
            Exception::Analysis,
            "INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH",
            "42K0D",
            format!("A higher order function expects {expected} arguments, but got {actual}."),
        )
        .with("expectedNumArgs", expected.to_string())
        .with("actualNumArgs", actual.to_string())
    }

    /// `operator` is where the expression has no meaning: a sort, a join.
    pub fn unsupported_expression_of_operator(expression: &str, operator: &str) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "UNSUPPORTED_EXPR_FOR_OPERATOR",
            "42K0E",
            format!("A query operator contains one or more unsupported expressions. Consider to rewrite it to avoid window functions, aggregate functions, and generator functions in the {operator}: {expression}."),
        )
        .with("invalidExprSqls", expression)
    }

    pub fn not_a_generator(expression: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "UNSUPPORTED_GENERATOR.NOT_GENERATOR",
            "42K0E",
            format!(
                "The generator is not supported: {} is expected to be a generator.",
                quote_identifier(expression)
            ),
        )
        .with("functionName", quote_identifier(expression))
        .with("classCanonicalName", expression)
    }

    pub fn invalid_map_key_type(key_type: &str, sql: &str) -> Self {
        Self::mismatch(
            "INVALID_MAP_KEY_TYPE",
            sql,
            format!("The key of map cannot be/contain \"{key_type}\"."),
        )
        .with("keyType", format!("\"{key_type}\""))
    }

    pub fn within_group_missing(function: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "INVALID_WITHIN_GROUP_EXPRESSION.WITHIN_GROUP_MISSING",
            "42K0K",
            format!(
                "The function {} needs WITHIN GROUP (ORDER BY …).",
                quote_identifier(function)
            ),
        )
        .with("funcName", quote_identifier(function))
    }

    /// `syntax` is what the function does not take: `DISTINCT`, `FILTER CLAUSE`.
    pub fn unsupported_syntax_of_function(function: &str, syntax: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX",
            "42000",
            format!(
                "The function {} does not support {syntax}.",
                quote_identifier(function)
            ),
        )
        .with("prettyName", quote_identifier(function))
        .with("syntax", syntax)
    }

    pub fn not_foldable(function: &str, input: &str, data_type: &str, expression: &str) -> Self {
        Self::mismatch("NON_FOLDABLE_INPUT", expression, format!("the input {input} should be a foldable \"{data_type}\" expression; however, got \"{expression}\"."))
            .with("inputName", quote_identifier(input))
            .with("inputType", format!("\"{data_type}\""))
            .with("inputExpr", format!("\"{expression}\""))
            .with("functionName", quote_identifier(function))
    }
}
