//! Relations: what yields rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::{CatalogCall, DataType, Expression, Literal, SortOrder, StructType};

/// Options as given; keys are compared without regard to case.
pub type Options = BTreeMap<String, String>;

/// A relation, and the id by which expressions may refer to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Relation {
    pub plan_id: Option<i64>,
    pub node: Box<RelationNode>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "a node stands behind the reference count of its relation"
)]
#[derive(Clone, Debug, PartialEq)]
pub enum RelationNode {
    Read {
        source: ReadSource,
        is_streaming: bool,
    },
    Project {
        input: Option<Relation>,
        expressions: Vec<Expression>,
    },
    Filter {
        input: Relation,
        condition: Expression,
    },
    Join {
        left: Relation,
        right: Relation,
        kind: JoinType,
        condition: Option<Expression>,
        using: Vec<String>,
        natural: bool,
        lateral: bool,
    },
    SetOperation {
        left: Relation,
        right: Relation,
        kind: SetOperationKind,
        all: bool,
        by_name: bool,
        allow_missing_columns: bool,
    },
    /// `global` false sorts within partitions.
    Sort {
        input: Relation,
        order: Vec<SortOrder>,
        global: bool,
    },
    Limit {
        input: Relation,
        limit: Expression,
    },
    Offset {
        input: Relation,
        offset: Expression,
    },
    Tail {
        input: Relation,
        limit: usize,
    },
    Aggregate {
        input: Relation,
        group_type: GroupType,
        grouping: Vec<Expression>,
        /// The output besides the grouping columns (protocol), or the whole select list (`explicit_output`, SQL).
        aggregates: Vec<Expression>,
        pivot: Option<Pivot>,
        grouping_sets: Vec<Vec<Expression>>,
        having: Option<Expression>,
        explicit_output: bool,
    },
    /// SQL text with named and positional arguments.
    Sql {
        query: String,
        named_arguments: BTreeMap<String, Expression>,
        positional_arguments: Vec<Expression>,
    },
    /// `WITH`: names that `input` sees as tables, in order.
    With {
        definitions: Vec<(String, Relation)>,
        input: Relation,
    },
    /// A name that `WITH RECURSIVE` defines: `step` sees under it what the step before has found, first `anchor`.
    RecursiveUnion {
        name: String,
        columns: Vec<String>,
        anchor: Relation,
        step: Relation,
        all: bool,
    },
    /// Rows that came with the plan: an Arrow IPC stream and a schema as DDL or JSON, at least one of them.
    LocalRelation {
        data: Option<Bytes>,
        schema: Option<String>,
    },
    /// Rows that the client uploaded before, found by the session's artifacts; `spark-connect` replaces this node.
    CachedLocalRelation {
        hash: String,
    },
    /// A data frame held on the server under this name.
    CachedRemoteRelation {
        relation_id: String,
    },
    /// Several local relations' data in order.
    ChunkedLocalRelation {
        data: Vec<Bytes>,
        schema: Option<String>,
    },
    /// `VALUES` rows.
    Values {
        rows: Vec<Vec<Expression>>,
    },
    Range {
        start: i64,
        end: i64,
        step: i64,
        partitions: Option<i32>,
    },
    SubqueryAlias {
        input: Relation,
        alias: String,
        qualifier: Vec<String>,
        columns: Vec<String>,
    },
    ToDf {
        input: Relation,
        names: Vec<String>,
    },
    WithColumns {
        input: Relation,
        columns: Vec<(String, Expression, Option<String>)>,
    },
    WithColumnsRenamed {
        input: Relation,
        renames: Vec<(String, String)>,
    },
    Drop {
        input: Relation,
        columns: Vec<Expression>,
        names: Vec<String>,
    },
    Deduplicate {
        input: Relation,
        columns: Vec<String>,
        all_columns: bool,
        within_watermark: bool,
    },
    WithWatermark {
        input: Relation,
        event_time: String,
        delay: String,
    },
    Sample {
        input: Relation,
        lower: f64,
        upper: f64,
        with_replacement: bool,
        seed: Option<i64>,
        deterministic_order: bool,
    },
    Repartition {
        input: Relation,
        partitions: i32,
        shuffle: bool,
    },
    RepartitionByExpression {
        input: Relation,
        expressions: Vec<Expression>,
        partitions: Option<i32>,
    },
    ShowString {
        input: Relation,
        rows: i32,
        truncate: i32,
        vertical: bool,
    },
    HtmlString {
        input: Relation,
        rows: i32,
        truncate: i32,
    },
    ToSchema {
        input: Relation,
        schema: StructType,
    },
    /// Relations that expressions of `root` refer to by plan id (subqueries, views by reference).
    WithRelations {
        root: Relation,
        references: Vec<Relation>,
    },
    Unpivot {
        input: Relation,
        /// Nothing: all columns that are no values.
        ids: Option<Vec<Expression>>,
        values: Option<Vec<Expression>>,
        variable_column: String,
        /// Several: each of the values is a struct with as many fields.
        value_columns: Vec<String>,
    },
    Transpose {
        input: Relation,
        index_columns: Vec<Expression>,
    },
    Hint {
        input: Relation,
        name: String,
        parameters: Vec<Expression>,
    },
    FillNa {
        input: Relation,
        columns: Vec<String>,
        values: Vec<Literal>,
    },
    DropNa {
        input: Relation,
        columns: Vec<String>,
        min_non_nulls: Option<i32>,
    },
    ReplaceNa {
        input: Relation,
        columns: Vec<String>,
        replacements: Vec<NaReplacement>,
    },
    Describe {
        input: Relation,
        columns: Vec<String>,
    },
    Summary {
        input: Relation,
        statistics: Vec<String>,
    },
    Crosstab {
        input: Relation,
        column1: String,
        column2: String,
    },
    Covariance {
        input: Relation,
        column1: String,
        column2: String,
    },
    Correlation {
        input: Relation,
        column1: String,
        column2: String,
        method: Option<String>,
    },
    ApproxQuantile {
        input: Relation,
        columns: Vec<String>,
        probabilities: Vec<f64>,
        relative_error: f64,
    },
    FreqItems {
        input: Relation,
        columns: Vec<String>,
        support: Option<f64>,
    },
    SampleBy {
        input: Relation,
        column: Expression,
        fractions: Vec<(Literal, f64)>,
        seed: Option<i64>,
    },
    CollectMetrics {
        input: Relation,
        name: String,
        metrics: Vec<Expression>,
    },
    /// A function that yields rows, in the place of a table.
    TableFunction {
        name: Vec<String>,
        arguments: Vec<Expression>,
    },
    /// `LATERAL VIEW`: `generator` beside each row of `input`.
    LateralView {
        input: Relation,
        generator: Expression,
        outer: bool,
        table: Option<String>,
        columns: Vec<String>,
    },
    /// `spark.read.json(rdd or dataset)`: parse a column of strings.
    Parse {
        input: Relation,
        format: String,
        schema: Option<DataType>,
        options: Options,
    },
    Catalog(CatalogCall),
    /// A function that maps whole partitions or groups outside of this process: refused by name until something can.
    External {
        name: String,
        inputs: Vec<Relation>,
        function: Option<Arc<super::ExternalFunction>>,
    },
    /// A relation kind that has no meaning here, by the protocol's name for it.
    Unsupported {
        name: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum ReadSource {
    /// A table or view by its (quoted) name.
    NamedTable {
        identifier: String,
        options: Options,
    },
    DataSource {
        format: Option<String>,
        schema: Option<String>,
        options: Options,
        paths: Vec<String>,
        predicates: Vec<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JoinType {
    Inner,
    FullOuter,
    LeftOuter,
    RightOuter,
    LeftAnti,
    LeftSemi,
    Cross,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetOperationKind {
    Union,
    Intersect,
    Except,
}

/// The name of the column that holds what a `QUALIFY` clause asks; it is gone above its filter.
pub const QUALIFIED: &str = "__qualified";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupType {
    GroupBy,
    /// `GROUP BY ALL`: every item of the select list that aggregates nothing.
    All,
    Rollup,
    Cube,
    Pivot,
    GroupingSets,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Pivot {
    pub column: Expression,
    /// Empty: the distinct values found.
    pub values: Vec<(Expression, Option<String>)>,
    /// True if every column that neither the pivot nor an aggregate reads is a grouping column: `PIVOT` of SQL.
    pub groups_the_rest: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct NaReplacement {
    pub old: Literal,
    pub new: Literal,
}

impl Relation {
    pub fn new(node: RelationNode) -> Self {
        Self {
            plan_id: None,
            node: Box::new(node),
        }
    }

    pub fn with_plan_id(plan_id: i64, node: RelationNode) -> Self {
        Self {
            plan_id: Some(plan_id),
            node: Box::new(node),
        }
    }
}

impl From<RelationNode> for Relation {
    fn from(node: RelationNode) -> Self {
        Self::new(node)
    }
}
