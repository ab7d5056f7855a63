//! SQL text and type strings that cannot be read.

use super::{Exception, QueryContext, SparkError};

impl SparkError {
    /// `near` is the word at which reading failed, `hint` what more there is to say.
    pub fn parse_syntax(near: &str, hint: &str) -> Self {
        if near.is_empty() || near == "EOF" {
            return Self::new(
                Exception::Parse,
                "PARSE_SYNTAX_ERROR",
                "42601",
                format!("Syntax error at or near end of input{hint}."),
            )
            .with("error", "end of input")
            .with("hint", hint);
        }
        Self::new(
            Exception::Parse,
            "PARSE_SYNTAX_ERROR",
            "42601",
            format!("Syntax error at or near '{near}'{hint}."),
        )
        .with("error", format!("'{near}'"))
        .with("hint", hint)
    }

    pub fn parse_empty_statement() -> Self {
        Self::new(
            Exception::Parse,
            "PARSE_EMPTY_STATEMENT",
            "42617",
            "Syntax error, unexpected empty statement.",
        )
    }

    pub fn unsupported_data_type_string(name: &str) -> Self {
        Self::new(
            Exception::Parse,
            "UNSUPPORTED_DATATYPE",
            "0A000",
            format!("Unsupported data type \"{name}\"."),
        )
        .with("typeName", format!("\"{name}\""))
    }

    /// A schema that is neither a type nor JSON.
    pub fn data_type_missing_size(name: &str) -> Self {
        Self::new(
            Exception::Parse,
            "DATATYPE_MISSING_SIZE",
            "42K01",
            format!("DataType \"{name}\" requires a length parameter, for example \"{name}\"(10). Please specify the length."),
        )
        .with("type", format!("\"{name}\""))
    }

    pub fn decimal_precision(precision: u32) -> Self {
        Self::new(
            Exception::Arithmetic,
            "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
            "22003",
            format!("Decimal precision {precision} exceeds max precision 38."),
        )
        .with("precision", precision.to_string())
        .with("maxPrecision", "38")
    }

    pub fn decimal_scale(scale: u32, precision: u32) -> Self {
        Self::new(
            Exception::Analysis,
            "DECIMAL_SCALE_EXCEEDS_PRECISION",
            "22003",
            format!("Decimal scale ({scale}) cannot be greater than precision ({precision})."),
        )
        .with("scale", scale.to_string())
        .with("precision", precision.to_string())
    }

    pub fn invalid_schema(schema: &str, reason: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "INVALID_SCHEMA.PARSE_ERROR",
            "42K07",
            format!("The input schema {schema} is not a valid schema string. {reason}"),
        )
        .with("inputSchema", schema)
        .with("reason", reason)
    }

    pub fn invalid_schema_not_string(schema: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "INVALID_SCHEMA.NON_STRING_LITERAL",
            "42K07",
            format!("The input schema {schema} is not a valid schema string. The input expression must be string literal and not null."),
        )
        .with("inputSchema", schema)
    }

    pub fn invalid_identifier(name: &str) -> Self {
        Self::new(
            Exception::Parse,
            "INVALID_IDENTIFIER",
            "42602",
            format!(
                "The unquoted identifier {name} is invalid and must be back quoted as: `{name}`."
            ),
        )
        .with("ident", name)
    }

    pub fn invalid_attribute_name(name: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "INVALID_ATTRIBUTE_NAME_SYNTAX",
            "42601",
            format!("Syntax error in the attribute name: {name}. Check that backticks appear in pairs, a quoted string is a complete name part and use a backtick only inside quoted name parts."),
        )
        .with("name", name)
    }

    pub fn invalid_typed_literal(kind: &str, value: &str) -> Self {
        Self::new(
            Exception::Parse,
            "INVALID_TYPED_LITERAL",
            "42604",
            format!("The value of the typed literal \"{kind}\" is invalid: '{value}'."),
        )
        .with("valueType", format!("\"{kind}\""))
        .with("value", format!("'{value}'"))
    }

    pub fn invalid_numeric_literal(raw: &str, data_type: &str) -> Self {
        Self::new(
            Exception::Parse,
            "INVALID_NUMERIC_LITERAL_RANGE",
            "22003",
            format!("Numeric literal {raw} is outside the valid range for {data_type}."),
        )
        .with("rawStrippedQualifier", raw)
        .with("typeName", data_type)
    }

    pub fn unbound_parameter(name: &str) -> Self {
        Self::new(
            Exception::ExtendedAnalysis,
            "UNBOUND_SQL_PARAMETER",
            "42P02",
            format!("Found the unbound parameter: {name}. Please, fix `args` and provide a mapping of the parameter to either a SQL literal or collection constructor functions such as `map()`, `array()`, `struct()`."),
        )
        .with("name", name)
    }

    pub fn empty_in() -> Self {
        Self::new(
            Exception::Parse,
            "INVALID_SQL_SYNTAX.EMPTY_IN_PREDICATE",
            "42000",
            "Invalid SQL syntax: IN predicate requires at least one value. Empty IN clauses like 'IN ()' are not allowed.",
        )
    }

    pub fn invalid_interval_units(text: &str, from: &str, to: &str) -> Self {
        Self::new(
            Exception::Parse,
            "INVALID_INTERVAL_FORMAT.UNSUPPORTED_FROM_TO_EXPRESSION",
            "22006",
            format!("Error parsing '{text}' to interval. Cannot support (interval '{text}' {from} to {to}) expression."),
        )
        .with("input", text)
        .with("from", from)
        .with("to", to)
    }

    pub fn invalid_interval(text: &str) -> Self {
        Self::new(
            Exception::IllegalArgument,
            "CANNOT_PARSE_INTERVAL",
            "22006",
            format!("Unable to parse '{text}'. Please ensure that the value provided is in a valid format for defining an interval. You can reference the documentation for the correct format. If the issue persists, please double check that the input value is not null or empty and try again."),
        )
        .with("intervalString", format!("'{text}'"))
    }

    /// The error with the SQL text it arose in.
    pub fn in_sql(mut self, sql: &str, start: usize, stop: usize) -> Self {
        if self.0.query_context.is_empty() {
            self.0.query_context.push(QueryContext::Sql {
                sql: sql.to_owned(),
                start,
                stop,
                object_type: String::new(),
                object_name: String::new(),
            });
        }
        self
    }
}
