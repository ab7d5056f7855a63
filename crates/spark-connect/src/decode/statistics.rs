//! Relations of `df.na` and `df.stat`.

use fleuve_sql::ir::{NaReplacement, RelationNode};

use super::literal::{literals, required_literal};
use super::{Decoder, Result};
use crate::messages;

impl Decoder<'_> {
    pub(super) fn fill_na(&self, fill: messages::NaFill) -> Result<RelationNode> {
        Ok(RelationNode::FillNa {
            input: self.input(fill.input, "NAFill")?,
            columns: fill.cols,
            values: literals(fill.values)?,
        })
    }

    pub(super) fn drop_na(&self, drop: messages::NaDrop) -> Result<RelationNode> {
        Ok(RelationNode::DropNa {
            input: self.input(drop.input, "NADrop")?,
            columns: drop.cols,
            min_non_nulls: drop.min_non_nulls,
        })
    }

    pub(super) fn replace_na(&self, replace: messages::NaReplace) -> Result<RelationNode> {
        let replacement = |replacement: messages::na_replace::Replacement| {
            Ok(NaReplacement {
                old: required_literal(replacement.old_value, "NAReplace.Replacement", "old_value")?,
                new: required_literal(replacement.new_value, "NAReplace.Replacement", "new_value")?,
            })
        };
        Ok(RelationNode::ReplaceNa {
            input: self.input(replace.input, "NAReplace")?,
            columns: replace.cols,
            replacements: replace
                .replacements
                .into_iter()
                .map(replacement)
                .collect::<Result<_>>()?,
        })
    }

    pub(super) fn summary(&self, summary: messages::StatSummary) -> Result<RelationNode> {
        Ok(RelationNode::Summary {
            input: self.input(summary.input, "StatSummary")?,
            statistics: summary.statistics,
        })
    }

    pub(super) fn describe(&self, describe: messages::StatDescribe) -> Result<RelationNode> {
        Ok(RelationNode::Describe {
            input: self.input(describe.input, "StatDescribe")?,
            columns: describe.cols,
        })
    }

    pub(super) fn crosstab(&self, crosstab: messages::StatCrosstab) -> Result<RelationNode> {
        Ok(RelationNode::Crosstab {
            input: self.input(crosstab.input, "StatCrosstab")?,
            column1: crosstab.col1,
            column2: crosstab.col2,
        })
    }

    pub(super) fn covariance(&self, covariance: messages::StatCov) -> Result<RelationNode> {
        Ok(RelationNode::Covariance {
            input: self.input(covariance.input, "StatCov")?,
            column1: covariance.col1,
            column2: covariance.col2,
        })
    }

    pub(super) fn correlation(&self, correlation: messages::StatCorr) -> Result<RelationNode> {
        Ok(RelationNode::Correlation {
            input: self.input(correlation.input, "StatCorr")?,
            column1: correlation.col1,
            column2: correlation.col2,
            method: correlation.method,
        })
    }

    pub(super) fn approx_quantile(
        &self,
        quantile: messages::StatApproxQuantile,
    ) -> Result<RelationNode> {
        Ok(RelationNode::ApproxQuantile {
            input: self.input(quantile.input, "StatApproxQuantile")?,
            columns: quantile.cols,
            probabilities: quantile.probabilities,
            relative_error: quantile.relative_error,
        })
    }

    pub(super) fn frequent_items(&self, frequent: messages::StatFreqItems) -> Result<RelationNode> {
        Ok(RelationNode::FreqItems {
            input: self.input(frequent.input, "StatFreqItems")?,
            columns: frequent.cols,
            support: frequent.support,
        })
    }

    pub(super) fn sample_by(&self, sample: messages::StatSampleBy) -> Result<RelationNode> {
        let fraction = |fraction: messages::stat_sample_by::Fraction| {
            Ok((
                required_literal(fraction.stratum, "StatSampleBy.Fraction", "stratum")?,
                fraction.fraction,
            ))
        };
        Ok(RelationNode::SampleBy {
            input: self.input(sample.input, "StatSampleBy")?,
            column: self.required_expression(sample.col, "StatSampleBy", "col")?,
            fractions: sample
                .fractions
                .into_iter()
                .map(fraction)
                .collect::<Result<_>>()?,
            seed: sample.seed,
        })
    }
}
