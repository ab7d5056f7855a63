//! `DataFrame.stat` and `DataFrame.na`.

use super::*;

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
