//! Relations: the nodes of a plan that yield rows.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct Relation {
    #[prost(message, optional, tag = "1")]
    pub common: Option<RelationCommon>,
    #[prost(
        oneof = "relation::RelType",
        tags = "2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 90, 91, 92, 100, 101, 102, 103, 104, 105, 106, 107, 200, 300, 998, 999"
    )]
    pub rel_type: Option<relation::RelType>,
}

pub mod relation {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum RelType {
        #[prost(message, tag = "2")]
        Read(Read),
        #[prost(message, tag = "3")]
        Project(Project),
        #[prost(message, tag = "4")]
        Filter(Filter),
        #[prost(message, tag = "5")]
        Join(Join),
        #[prost(message, tag = "6")]
        SetOp(SetOperation),
        #[prost(message, tag = "7")]
        Sort(Sort),
        #[prost(message, tag = "8")]
        Limit(Limit),
        #[prost(message, tag = "9")]
        Aggregate(Aggregate),
        #[prost(message, tag = "10")]
        Sql(Sql),
        #[prost(message, tag = "11")]
        LocalRelation(LocalRelation),
        #[prost(message, tag = "12")]
        Sample(Sample),
        #[prost(message, tag = "13")]
        Offset(Offset),
        #[prost(message, tag = "14")]
        Deduplicate(Deduplicate),
        #[prost(message, tag = "15")]
        Range(Range),
        #[prost(message, tag = "16")]
        SubqueryAlias(SubqueryAlias),
        #[prost(message, tag = "17")]
        Repartition(Repartition),
        #[prost(message, tag = "18")]
        ToDf(ToDf),
        #[prost(message, tag = "19")]
        WithColumnsRenamed(WithColumnsRenamed),
        #[prost(message, tag = "20")]
        ShowString(ShowString),
        #[prost(message, tag = "21")]
        Drop(Drop),
        #[prost(message, tag = "22")]
        Tail(Tail),
        #[prost(message, tag = "23")]
        WithColumns(WithColumns),
        #[prost(message, tag = "24")]
        Hint(Hint),
        #[prost(message, tag = "25")]
        Unpivot(Unpivot),
        #[prost(message, tag = "26")]
        ToSchema(ToSchema),
        #[prost(message, tag = "27")]
        RepartitionByExpression(RepartitionByExpression),
        #[prost(message, tag = "28")]
        MapPartitions(MapPartitions),
        #[prost(message, tag = "29")]
        CollectMetrics(CollectMetrics),
        #[prost(message, tag = "30")]
        Parse(Parse),
        #[prost(message, tag = "31")]
        GroupMap(GroupMap),
        #[prost(message, tag = "32")]
        CoGroupMap(CoGroupMap),
        #[prost(message, tag = "33")]
        WithWatermark(WithWatermark),
        #[prost(message, tag = "34")]
        ApplyInPandasWithState(ApplyInPandasWithState),
        #[prost(message, tag = "35")]
        HtmlString(HtmlString),
        #[prost(message, tag = "36")]
        CachedLocalRelation(CachedLocalRelation),
        #[prost(message, tag = "37")]
        CachedRemoteRelation(CachedRemoteRelation),
        #[prost(message, tag = "38")]
        CommonInlineUserDefinedTableFunction(CommonInlineUserDefinedTableFunction),
        #[prost(message, tag = "39")]
        AsOfJoin(AsOfJoin),
        #[prost(message, tag = "40")]
        CommonInlineUserDefinedDataSource(CommonInlineUserDefinedDataSource),
        #[prost(message, tag = "41")]
        WithRelations(WithRelations),
        #[prost(message, tag = "42")]
        Transpose(Transpose),
        #[prost(message, tag = "43")]
        UnresolvedTableValuedFunction(UnresolvedTableValuedFunction),
        #[prost(message, tag = "44")]
        LateralJoin(LateralJoin),
        #[prost(message, tag = "45")]
        ChunkedCachedLocalRelation(ChunkedCachedLocalRelation),
        #[prost(message, tag = "46")]
        RelationChanges(RelationChanges),
        #[prost(message, tag = "47")]
        NearestByJoin(NearestByJoin),
        #[prost(message, tag = "48")]
        Zip(Zip),
        #[prost(message, tag = "90")]
        FillNa(NaFill),
        #[prost(message, tag = "91")]
        DropNa(NaDrop),
        #[prost(message, tag = "92")]
        Replace(NaReplace),
        #[prost(message, tag = "100")]
        Summary(StatSummary),
        #[prost(message, tag = "101")]
        Crosstab(StatCrosstab),
        #[prost(message, tag = "102")]
        Describe(StatDescribe),
        #[prost(message, tag = "103")]
        Cov(StatCov),
        #[prost(message, tag = "104")]
        Corr(StatCorr),
        #[prost(message, tag = "105")]
        ApproxQuantile(StatApproxQuantile),
        #[prost(message, tag = "106")]
        FreqItems(StatFreqItems),
        #[prost(message, tag = "107")]
        SampleBy(StatSampleBy),
        #[prost(message, tag = "200")]
        Catalog(Catalog),
        #[prost(bytes = "bytes", tag = "300")]
        MlRelation(Bytes),
        #[prost(message, tag = "998")]
        Extension(Any),
        #[prost(message, tag = "999")]
        Unknown(Unknown),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Unknown {}

#[derive(Clone, PartialEq, prost::Message)]
pub struct RelationCommon {
    #[prost(string, tag = "1")]
    pub source_info: String,
    #[prost(int64, optional, tag = "2")]
    pub plan_id: Option<i64>,
    #[prost(message, optional, tag = "3")]
    pub origin: Option<Origin>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Sql {
    #[prost(string, tag = "1")]
    pub query: String,
    #[prost(btree_map = "string, message", tag = "2")]
    pub args: BTreeMap<String, Nested<expression::Literal>>,
    #[prost(message, repeated, tag = "3")]
    pub pos_args: Vec<Nested<expression::Literal>>,
    #[prost(btree_map = "string, message", tag = "4")]
    pub named_arguments: BTreeMap<String, Nested<Expression>>,
    #[prost(message, repeated, tag = "5")]
    pub pos_arguments: Vec<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct WithRelations {
    #[prost(message, optional, tag = "1")]
    pub root: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub references: Vec<Nested<Relation>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Read {
    #[prost(oneof = "read::ReadType", tags = "1, 2")]
    pub read_type: Option<read::ReadType>,
    #[prost(bool, tag = "3")]
    pub is_streaming: bool,
}

pub mod read {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum ReadType {
        #[prost(message, tag = "1")]
        NamedTable(read::NamedTable),
        #[prost(message, tag = "2")]
        DataSource(read::DataSource),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct NamedTable {
        #[prost(string, tag = "1")]
        pub unparsed_identifier: String,
        #[prost(btree_map = "string, string", tag = "2")]
        pub options: BTreeMap<String, String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct DataSource {
        #[prost(string, optional, tag = "1")]
        pub format: Option<String>,
        #[prost(string, optional, tag = "2")]
        pub schema: Option<String>,
        #[prost(btree_map = "string, string", tag = "3")]
        pub options: BTreeMap<String, String>,
        #[prost(string, repeated, tag = "4")]
        pub paths: Vec<String>,
        #[prost(string, repeated, tag = "5")]
        pub predicates: Vec<String>,
        #[prost(string, optional, tag = "6")]
        pub source_name: Option<String>,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct RelationChanges {
    #[prost(string, tag = "1")]
    pub unparsed_identifier: String,
    #[prost(btree_map = "string, string", tag = "2")]
    pub options: BTreeMap<String, String>,
    #[prost(bool, tag = "3")]
    pub is_streaming: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Project {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "3")]
    pub expressions: Vec<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Filter {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub condition: Option<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Join {
    #[prost(message, optional, tag = "1")]
    pub left: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub right: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "3")]
    pub join_condition: Option<Nested<Expression>>,
    #[prost(enumeration = "join::JoinType", tag = "4")]
    pub join_type: i32,
    #[prost(string, repeated, tag = "5")]
    pub using_columns: Vec<String>,
    #[prost(message, optional, tag = "6")]
    pub join_data_type: Option<join::JoinDataType>,
}

pub mod join {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
    #[repr(i32)]
    pub enum JoinType {
        Unspecified = 0,
        Inner = 1,
        FullOuter = 2,
        LeftOuter = 3,
        RightOuter = 4,
        LeftAnti = 5,
        LeftSemi = 6,
        Cross = 7,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct JoinDataType {
        #[prost(bool, tag = "1")]
        pub is_left_struct: bool,
        #[prost(bool, tag = "2")]
        pub is_right_struct: bool,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct SetOperation {
    #[prost(message, optional, tag = "1")]
    pub left_input: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub right_input: Option<Nested<Relation>>,
    #[prost(enumeration = "set_operation::SetOpType", tag = "3")]
    pub set_op_type: i32,
    #[prost(bool, optional, tag = "4")]
    pub is_all: Option<bool>,
    #[prost(bool, optional, tag = "5")]
    pub by_name: Option<bool>,
    #[prost(bool, optional, tag = "6")]
    pub allow_missing_columns: Option<bool>,
}

pub mod set_operation {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
    #[repr(i32)]
    pub enum SetOpType {
        Unspecified = 0,
        Intersect = 1,
        Union = 2,
        Except = 3,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Limit {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(int32, tag = "2")]
    pub limit: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Offset {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(int32, tag = "2")]
    pub offset: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Tail {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(int32, tag = "2")]
    pub limit: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Aggregate {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(enumeration = "aggregate::GroupType", tag = "2")]
    pub group_type: i32,
    #[prost(message, repeated, tag = "3")]
    pub grouping_expressions: Vec<Nested<Expression>>,
    #[prost(message, repeated, tag = "4")]
    pub aggregate_expressions: Vec<Nested<Expression>>,
    #[prost(message, optional, tag = "5")]
    pub pivot: Option<aggregate::Pivot>,
    #[prost(message, repeated, tag = "6")]
    pub grouping_sets: Vec<aggregate::GroupingSets>,
}

pub mod aggregate {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
    #[repr(i32)]
    pub enum GroupType {
        Unspecified = 0,
        Groupby = 1,
        Rollup = 2,
        Cube = 3,
        Pivot = 4,
        GroupingSets = 5,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Pivot {
        #[prost(message, optional, tag = "1")]
        pub col: Option<Nested<Expression>>,
        #[prost(message, repeated, tag = "2")]
        pub values: Vec<Nested<expression::Literal>>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct GroupingSets {
        #[prost(message, repeated, tag = "1")]
        pub grouping_set: Vec<Nested<Expression>>,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Sort {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub order: Vec<expression::SortOrder>,
    #[prost(bool, optional, tag = "3")]
    pub is_global: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Drop {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub columns: Vec<Nested<Expression>>,
    #[prost(string, repeated, tag = "3")]
    pub column_names: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Deduplicate {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, repeated, tag = "2")]
    pub column_names: Vec<String>,
    #[prost(bool, optional, tag = "3")]
    pub all_columns_as_keys: Option<bool>,
    #[prost(bool, optional, tag = "4")]
    pub within_watermark: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct LocalRelation {
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub data: Option<Bytes>,
    #[prost(string, optional, tag = "2")]
    pub schema: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CachedLocalRelation {
    #[prost(string, tag = "3")]
    pub hash: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ChunkedCachedLocalRelation {
    #[prost(string, repeated, tag = "1")]
    pub data_hashes: Vec<String>,
    #[prost(string, optional, tag = "2")]
    pub schema_hash: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CachedRemoteRelation {
    #[prost(string, tag = "1")]
    pub relation_id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Sample {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(double, tag = "2")]
    pub lower_bound: f64,
    #[prost(double, tag = "3")]
    pub upper_bound: f64,
    #[prost(bool, optional, tag = "4")]
    pub with_replacement: Option<bool>,
    #[prost(int64, optional, tag = "5")]
    pub seed: Option<i64>,
    #[prost(bool, tag = "6")]
    pub deterministic_order: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Range {
    #[prost(int64, optional, tag = "1")]
    pub start: Option<i64>,
    #[prost(int64, tag = "2")]
    pub end: i64,
    #[prost(int64, tag = "3")]
    pub step: i64,
    #[prost(int32, optional, tag = "4")]
    pub num_partitions: Option<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct SubqueryAlias {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, tag = "2")]
    pub alias: String,
    #[prost(string, repeated, tag = "3")]
    pub qualifier: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Repartition {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(int32, tag = "2")]
    pub num_partitions: i32,
    #[prost(bool, optional, tag = "3")]
    pub shuffle: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ShowString {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(int32, tag = "2")]
    pub num_rows: i32,
    #[prost(int32, tag = "3")]
    pub truncate: i32,
    #[prost(bool, tag = "4")]
    pub vertical: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct HtmlString {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(int32, tag = "2")]
    pub num_rows: i32,
    #[prost(int32, tag = "3")]
    pub truncate: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StatSummary {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, repeated, tag = "2")]
    pub statistics: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StatDescribe {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, repeated, tag = "2")]
    pub cols: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StatCrosstab {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, tag = "2")]
    pub col1: String,
    #[prost(string, tag = "3")]
    pub col2: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StatCov {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, tag = "2")]
    pub col1: String,
    #[prost(string, tag = "3")]
    pub col2: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StatCorr {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, tag = "2")]
    pub col1: String,
    #[prost(string, tag = "3")]
    pub col2: String,
    #[prost(string, optional, tag = "4")]
    pub method: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StatApproxQuantile {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, repeated, tag = "2")]
    pub cols: Vec<String>,
    #[prost(double, repeated, tag = "3")]
    pub probabilities: Vec<f64>,
    #[prost(double, tag = "4")]
    pub relative_error: f64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StatFreqItems {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, repeated, tag = "2")]
    pub cols: Vec<String>,
    #[prost(double, optional, tag = "3")]
    pub support: Option<f64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StatSampleBy {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub col: Option<Nested<Expression>>,
    #[prost(message, repeated, tag = "3")]
    pub fractions: Vec<stat_sample_by::Fraction>,
    #[prost(int64, optional, tag = "5")]
    pub seed: Option<i64>,
}

pub mod stat_sample_by {
    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Fraction {
        #[prost(message, optional, tag = "1")]
        pub stratum: Option<Nested<expression::Literal>>,
        #[prost(double, tag = "2")]
        pub fraction: f64,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct NaFill {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, repeated, tag = "2")]
    pub cols: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    pub values: Vec<Nested<expression::Literal>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct NaDrop {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, repeated, tag = "2")]
    pub cols: Vec<String>,
    #[prost(int32, optional, tag = "3")]
    pub min_non_nulls: Option<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct NaReplace {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, repeated, tag = "2")]
    pub cols: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    pub replacements: Vec<na_replace::Replacement>,
}

pub mod na_replace {
    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Replacement {
        #[prost(message, optional, tag = "1")]
        pub old_value: Option<Nested<expression::Literal>>,
        #[prost(message, optional, tag = "2")]
        pub new_value: Option<Nested<expression::Literal>>,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ToDf {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, repeated, tag = "2")]
    pub column_names: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct WithColumnsRenamed {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(btree_map = "string, string", tag = "2")]
    pub rename_columns_map: BTreeMap<String, String>,
    #[prost(message, repeated, tag = "3")]
    pub renames: Vec<with_columns_renamed::Rename>,
}

pub mod with_columns_renamed {
    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Rename {
        #[prost(string, tag = "1")]
        pub col_name: String,
        #[prost(string, tag = "2")]
        pub new_col_name: String,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct WithColumns {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub aliases: Vec<expression::Alias>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct WithWatermark {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, tag = "2")]
    pub event_time: String,
    #[prost(string, tag = "3")]
    pub delay_threshold: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Hint {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(message, repeated, tag = "3")]
    pub parameters: Vec<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Unpivot {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub ids: Vec<Nested<Expression>>,
    #[prost(message, optional, tag = "3")]
    pub values: Option<unpivot::Values>,
    #[prost(string, tag = "4")]
    pub variable_column_name: String,
    #[prost(string, tag = "5")]
    pub value_column_name: String,
}

pub mod unpivot {
    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Values {
        #[prost(message, repeated, tag = "1")]
        pub values: Vec<Nested<Expression>>,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Transpose {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub index_columns: Vec<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct UnresolvedTableValuedFunction {
    #[prost(string, tag = "1")]
    pub function_name: String,
    #[prost(message, repeated, tag = "2")]
    pub arguments: Vec<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ToSchema {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub schema: Option<Nested<DataType>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct RepartitionByExpression {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub partition_exprs: Vec<Nested<Expression>>,
    #[prost(int32, optional, tag = "3")]
    pub num_partitions: Option<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct MapPartitions {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub func: Option<CommonInlineUserDefinedFunction>,
    #[prost(bool, optional, tag = "3")]
    pub is_barrier: Option<bool>,
    #[prost(int32, optional, tag = "4")]
    pub profile_id: Option<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct GroupMap {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub grouping_expressions: Vec<Nested<Expression>>,
    #[prost(message, optional, tag = "3")]
    pub func: Option<CommonInlineUserDefinedFunction>,
    #[prost(message, repeated, tag = "4")]
    pub sorting_expressions: Vec<Nested<Expression>>,
    #[prost(message, optional, tag = "5")]
    pub initial_input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "6")]
    pub initial_grouping_expressions: Vec<Nested<Expression>>,
    #[prost(bool, optional, tag = "7")]
    pub is_map_groups_with_state: Option<bool>,
    #[prost(string, optional, tag = "8")]
    pub output_mode: Option<String>,
    #[prost(string, optional, tag = "9")]
    pub timeout_conf: Option<String>,
    #[prost(message, optional, tag = "10")]
    pub state_schema: Option<Nested<DataType>>,
    #[prost(message, optional, tag = "11")]
    pub transform_with_state_info: Option<TransformWithStateInfo>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct TransformWithStateInfo {
    #[prost(string, tag = "1")]
    pub time_mode: String,
    #[prost(string, optional, tag = "2")]
    pub event_time_column_name: Option<String>,
    #[prost(message, optional, tag = "3")]
    pub output_schema: Option<Nested<DataType>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CoGroupMap {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub input_grouping_expressions: Vec<Nested<Expression>>,
    #[prost(message, optional, tag = "3")]
    pub other: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "4")]
    pub other_grouping_expressions: Vec<Nested<Expression>>,
    #[prost(message, optional, tag = "5")]
    pub func: Option<CommonInlineUserDefinedFunction>,
    #[prost(message, repeated, tag = "6")]
    pub input_sorting_expressions: Vec<Nested<Expression>>,
    #[prost(message, repeated, tag = "7")]
    pub other_sorting_expressions: Vec<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ApplyInPandasWithState {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(message, repeated, tag = "2")]
    pub grouping_expressions: Vec<Nested<Expression>>,
    #[prost(message, optional, tag = "3")]
    pub func: Option<CommonInlineUserDefinedFunction>,
    #[prost(string, tag = "4")]
    pub output_schema: String,
    #[prost(string, tag = "5")]
    pub state_schema: String,
    #[prost(string, tag = "6")]
    pub output_mode: String,
    #[prost(string, tag = "7")]
    pub timeout_conf: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CommonInlineUserDefinedTableFunction {
    #[prost(string, tag = "1")]
    pub function_name: String,
    #[prost(bool, tag = "2")]
    pub deterministic: bool,
    #[prost(message, repeated, tag = "3")]
    pub arguments: Vec<Nested<Expression>>,
    #[prost(
        oneof = "common_inline_user_defined_table_function::Function",
        tags = "4"
    )]
    pub function: Option<common_inline_user_defined_table_function::Function>,
}

pub mod common_inline_user_defined_table_function {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Function {
        #[prost(message, tag = "4")]
        PythonUdtf(PythonUdtf),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct PythonUdtf {
    #[prost(message, optional, tag = "1")]
    pub return_type: Option<Nested<DataType>>,
    #[prost(int32, tag = "2")]
    pub eval_type: i32,
    #[prost(bytes = "bytes", tag = "3")]
    pub command: Bytes,
    #[prost(string, tag = "4")]
    pub python_ver: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CommonInlineUserDefinedDataSource {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(
        oneof = "common_inline_user_defined_data_source::DataSource",
        tags = "2"
    )]
    pub data_source: Option<common_inline_user_defined_data_source::DataSource>,
}

pub mod common_inline_user_defined_data_source {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum DataSource {
        #[prost(message, tag = "2")]
        PythonDataSource(PythonDataSource),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct PythonDataSource {
    #[prost(bytes = "bytes", tag = "1")]
    pub command: Bytes,
    #[prost(string, tag = "2")]
    pub python_ver: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CollectMetrics {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(message, repeated, tag = "3")]
    pub metrics: Vec<Nested<Expression>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Parse {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(enumeration = "parse::ParseFormat", tag = "2")]
    pub format: i32,
    #[prost(message, optional, tag = "3")]
    pub schema: Option<Nested<DataType>>,
    #[prost(btree_map = "string, string", tag = "4")]
    pub options: BTreeMap<String, String>,
}

pub mod parse {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
    #[repr(i32)]
    pub enum ParseFormat {
        Unspecified = 0,
        Csv = 1,
        Json = 2,
        Xml = 3,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct AsOfJoin {
    #[prost(message, optional, tag = "1")]
    pub left: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub right: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "3")]
    pub left_as_of: Option<Nested<Expression>>,
    #[prost(message, optional, tag = "4")]
    pub right_as_of: Option<Nested<Expression>>,
    #[prost(message, optional, tag = "5")]
    pub join_expr: Option<Nested<Expression>>,
    #[prost(string, repeated, tag = "6")]
    pub using_columns: Vec<String>,
    #[prost(string, tag = "7")]
    pub join_type: String,
    #[prost(message, optional, tag = "8")]
    pub tolerance: Option<Nested<Expression>>,
    #[prost(bool, tag = "9")]
    pub allow_exact_matches: bool,
    #[prost(string, tag = "10")]
    pub direction: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct LateralJoin {
    #[prost(message, optional, tag = "1")]
    pub left: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub right: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "3")]
    pub join_condition: Option<Nested<Expression>>,
    #[prost(enumeration = "join::JoinType", tag = "4")]
    pub join_type: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct NearestByJoin {
    #[prost(message, optional, tag = "1")]
    pub left: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub right: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "3")]
    pub ranking_expression: Option<Nested<Expression>>,
    #[prost(int32, tag = "4")]
    pub num_results: i32,
    #[prost(string, tag = "5")]
    pub join_type: String,
    #[prost(string, tag = "6")]
    pub mode: String,
    #[prost(string, tag = "7")]
    pub direction: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Zip {
    #[prost(message, optional, tag = "1")]
    pub left: Option<Nested<Relation>>,
    #[prost(message, optional, tag = "2")]
    pub right: Option<Nested<Relation>>,
}
