//! Spark's language on DataFusion: one intermediate representation for protocol plans and SQL text, an analyzer that
//! settles names, types, coercion and ANSI checks, and the functions.
//!
//! Always true: what leaves [`Session::analyze`] is fully typed, so DataFusion's own coercion finds nothing to do;
//! every error is a [`error::SparkError`] with Spark's class; record batches that leave [`Session::execute`] hold no
//! Arrow view types. Start at [`Session`].

mod analyzer;
mod cast;
pub mod catalog;
mod command;
mod compare;
mod configuration;
mod context;
mod datetime_pattern;
pub mod error;
pub mod execution;
pub mod formats;
mod functions;
pub mod ir;
pub mod plan;
mod random;
mod session;
pub mod source;
mod sql;
pub mod time;
pub mod types;

pub use configuration::Configuration;
pub use error::SparkError;
pub use execution::RowStream;
pub use plan::{AnalyzedPlan, Observation};
pub use session::{Environment, Session, Statement};
pub use sql::parse_identifier;

/// The version of Spark whose language this is, as `version()` and clients are told.
pub const SPARK_VERSION: &str = "4.3.0";
