//! Relations: the nodes of a plan that yield rows.

mod columns;
mod functions;
mod joins;
mod leaves;
mod rows;
mod statistics;

pub use columns::*;
pub use functions::*;
pub use joins::*;
pub use leaves::*;
pub use rows::*;
pub use statistics::*;

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
