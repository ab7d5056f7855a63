//! The analyzer.
use crate::error::{Result, SparkError};
use crate::ir::Relation;
use crate::plan::AnalyzedPlan;
use crate::session::Session;

pub(crate) async fn analyze(_session: Session, _relation: Relation) -> Result<AnalyzedPlan> {
    Err(SparkError::unsupported_relation("any"))
}
