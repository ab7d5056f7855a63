//! The Spark Connect door: Spark's clients come in here and are taken for at home.
//!
//! Always true: this crate decodes messages into [`fleuve_sql::ir`] and knows nothing of what they mean; a session's
//! engine is opened at its first request; everything a client can make this process hold has a bound in [`config`].
//! Start at [`SparkConnect::start`]; `service` has the calls, `decode` the plans.

pub mod config;
mod decode;
mod encode;
pub mod engine;
pub mod engine_streams;
mod failure;
mod language;
pub mod messages;
mod operation;
mod refusal;
mod server;
mod service;
mod session;
pub mod sql_engine;
mod status;
pub mod streams;
mod transport;

pub use config::ConnectConfig;
pub use decode::read_plan;
pub use engine_streams::EngineStreams;
pub use fleuve_sql::{Environment, SPARK_VERSION};
pub use refusal::REFUSED;
pub use server::{SparkConnect, StartError};
pub use sql_engine::SqlEngineFactory;
