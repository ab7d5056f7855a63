//! Commands.
use tokio_util::sync::CancellationToken;

use crate::error::{Result, SparkError};
use crate::ir::{Command, Relation};
use crate::plan::AnalyzedPlan;
use crate::session::Session;

pub(crate) async fn run(
    _s: &Session,
    _c: Command,
    _t: CancellationToken,
) -> Result<Option<AnalyzedPlan>> {
    Err(SparkError::unsupported_command("any"))
}

pub(crate) async fn input_files(_s: &Session, _r: &Relation) -> Result<Vec<String>> {
    Ok(Vec::new())
}
