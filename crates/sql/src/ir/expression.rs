//! Expressions as a client wrote them.

use std::sync::Arc;

use super::{DataType, Literal, Relation};

/// An unresolved expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    Literal(Literal),
    /// A column by its parts (`a.b.c` is three). `plan_id` names the relation it was taken from, if the client knew.
    Attribute {
        parts: Vec<String>,
        plan_id: Option<i64>,
        is_metadata_column: bool,
    },
    /// A function by name. Operators are functions too, by Spark's names (`+`, `==`, `and`, `isnull`, `in`, `when`).
    Function {
        name: Vec<String>,
        arguments: Vec<Expression>,
        distinct: bool,
        filter: Option<Box<Expression>>,
        user_defined: bool,
        internal: bool,
    },
    /// SQL text that holds one expression.
    Sql(String),
    /// `*`, or `target.*`.
    Star {
        target: Option<Vec<String>>,
        plan_id: Option<i64>,
    },
    /// `* EXCEPT (a, t.b)`.
    StarExcept {
        target: Option<Vec<String>>,
        except: Vec<Vec<String>>,
    },
    /// A regular expression over column names.
    Regex {
        pattern: String,
        plan_id: Option<i64>,
    },
    /// One name, or several for the columns of a generator.
    Alias {
        child: Box<Expression>,
        names: Vec<String>,
        metadata: Option<String>,
    },
    Cast {
        child: Box<Expression>,
        to: DataType,
        mode: EvalMode,
    },
    SortOrder(Box<SortOrder>),
    Lambda {
        body: Box<Expression>,
        arguments: Vec<String>,
    },
    LambdaVariable(String),
    Window {
        function: Box<Expression>,
        partition_by: Vec<Expression>,
        order_by: Vec<SortOrder>,
        frame: Option<WindowFrame>,
    },
    /// Field of a struct, element of an array, value of a map: whichever `child` turns out to be.
    ExtractValue {
        child: Box<Expression>,
        extraction: Box<Expression>,
    },
    /// `withField` (a value) or `dropFields` (none).
    UpdateField {
        structure: Box<Expression>,
        field: String,
        value: Option<Box<Expression>>,
    },
    /// `call_function`: a name that may have several parts.
    CallFunction {
        name: Vec<String>,
        arguments: Vec<Expression>,
    },
    NamedArgument {
        name: String,
        value: Box<Expression>,
    },
    Subquery {
        kind: SubqueryKind,
        relation: Box<Relation>,
        plan_id: Option<i64>,
    },
    /// A function whose body is not ours: refused by name until something can run it.
    External(Arc<ExternalFunction>),
    /// Where the client wrote `child`: errors name it.
    Located {
        child: Box<Expression>,
        origin: Arc<Origin>,
    },
}

/// How a cast treats values that do not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EvalMode {
    /// As `spark.sql.ansi.enabled` says.
    #[default]
    Session,
    Legacy,
    Ansi,
    Try,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SubqueryKind {
    Scalar,
    Exists,
    /// `values IN (subquery)`; `negated` if a `not` stands around it.
    In {
        values: Vec<Expression>,
        negated: bool,
    },
    /// `table_argument`: not yet run by anything.
    TableArgument,
}

/// A function that only its language can run: an opaque blob with schemas.
#[derive(Clone, Debug, PartialEq)]
pub struct ExternalFunction {
    pub name: String,
    pub deterministic: bool,
    pub arguments: Vec<Expression>,
    /// `python`, `scala` or `java`.
    pub language: &'static str,
    pub output: Option<DataType>,
    pub inputs: Vec<DataType>,
    /// Spark's `PythonEvalType`; 0 for other languages.
    pub eval_type: i32,
    pub payload: Vec<u8>,
    pub language_version: String,
}

/// Where in the client's program an expression was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The method, as `divide` or `__truediv__`,
    /// or the whole SQL text. Shared: every expression of a text has it.
    pub fragment: Arc<str>,
    pub call_site: String,
    /// Half-open character range in the SQL text, if the origin is SQL.
    pub sql_range: Option<(usize, usize)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SortOrder {
    pub child: Expression,
    pub direction: SortDirection,
    /// Unset: nulls first if ascending, last if descending.
    pub nulls: Option<NullOrdering>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SortDirection {
    #[default]
    Ascending,
    Descending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NullOrdering {
    First,
    Last,
}

#[derive(Clone, Debug, PartialEq)]
pub struct WindowFrame {
    pub units: FrameUnits,
    pub lower: FrameBoundary,
    pub upper: FrameBoundary,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameUnits {
    Rows,
    Range,
}

/// Offsets are positive: `Preceding(2)` is two rows before.
#[derive(Clone, Debug, PartialEq)]
pub enum FrameBoundary {
    UnboundedPreceding,
    Preceding(Box<Expression>),
    CurrentRow,
    Following(Box<Expression>),
    UnboundedFollowing,
    /// The protocol's form: a signed offset, negative before the current row.
    Offset(Box<Expression>),
}

impl Expression {
    pub fn attribute(name: impl Into<String>) -> Self {
        Self::Attribute {
            parts: vec![name.into()],
            plan_id: None,
            is_metadata_column: false,
        }
    }

    /// A column by its name.
    pub fn column(parts: Vec<String>) -> Self {
        Self::Attribute {
            parts,
            plan_id: None,
            is_metadata_column: false,
        }
    }

    pub fn function(name: impl Into<String>, arguments: Vec<Expression>) -> Self {
        Self::Function {
            name: vec![name.into()],
            arguments,
            distinct: false,
            filter: None,
            user_defined: false,
            internal: false,
        }
    }

    pub fn alias(self, name: impl Into<String>) -> Self {
        Self::Alias {
            child: Box::new(self),
            names: vec![name.into()],
            metadata: None,
        }
    }

    pub fn cast(self, to: DataType) -> Self {
        Self::Cast {
            child: Box::new(self),
            to,
            mode: EvalMode::Session,
        }
    }

    pub fn star() -> Self {
        Self::Star {
            target: None,
            plan_id: None,
        }
    }

    /// The expression without its locations.
    pub fn unlocated(&self) -> &Expression {
        match self {
            Self::Located { child, .. } => child.unlocated(),
            other => other,
        }
    }
}

impl SortOrder {
    pub fn ascending(child: Expression) -> Self {
        Self {
            child,
            direction: SortDirection::Ascending,
            nulls: None,
        }
    }
}

impl From<Literal> for Expression {
    fn from(literal: Literal) -> Self {
        Self::Literal(literal)
    }
}
