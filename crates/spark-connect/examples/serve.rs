//! A Spark Connect server and nothing else, for trying clients: `cargo run --example serve -- [key=value]...`.

use std::collections::BTreeMap;
use std::sync::Arc;

use fleuve_spark_connect::{ConnectConfig, SparkConnect, SqlEngineFactory};
use fleuve_sql::Environment;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let properties: BTreeMap<String, String> = std::env::args()
        .skip(1)
        .filter_map(|argument| {
            let (key, value) = argument.split_once('=')?;
            Some((key.to_owned(), value.to_owned()))
        })
        .collect();
    let config = ConnectConfig::from_properties(&properties)?;
    let factory = SqlEngineFactory::new(Arc::new(Environment::default()), None);
    let server = SparkConnect::start(config, Arc::new(factory)).await?;
    println!("spark_connect={}", server.address());
    tokio::signal::ctrl_c().await?;
    server.stop();
    Ok(())
}
