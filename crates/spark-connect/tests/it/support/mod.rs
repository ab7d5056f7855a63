//! A client, and an engine that does what a test tells it.

pub(crate) mod client;
pub(crate) mod engine;

use std::collections::BTreeMap;
use std::sync::Arc;

use fleuve_spark_connect::{ConnectConfig, SparkConnect};

pub(crate) use client::{Client, TestSession};
pub(crate) use engine::ScriptedEngines;

/// A server on a free port over scripted engines.
pub(crate) async fn serve(settings: &[(&str, &str)]) -> (SparkConnect, Arc<ScriptedEngines>) {
    let mut properties: BTreeMap<String, String> = settings
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    properties.insert("spark.connect.grpc.binding.port".to_owned(), "0".to_owned());
    let config =
        ConnectConfig::from_properties(&properties).expect("the test's settings are valid");
    let engines = Arc::new(ScriptedEngines::default());
    let server = SparkConnect::start(config, engines.clone())
        .await
        .expect("a free port");
    (server, engines)
}
