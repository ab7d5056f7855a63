//! A broker inside a test: on a free port, in a temporary folder, gone when the test is over.
//!
//! ```text
//! cargo test -p fleuve-broker --example embedded_broker
//! ```
//!
//! Any Kafka client connects to [`Broker::address`]; here it is ours. `cargo run` with the same
//! example starts one and tells its address, until Ctrl-C.

use fleuve_broker::Broker;
use fleuve_broker::config::BrokerConfig;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let broker = Broker::start(BrokerConfig::local(folder.path())).await?;
    println!("a broker listens on {}", broker.address());
    tokio::signal::ctrl_c().await?;
    broker.stop().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fleuve_broker::Broker;
    use fleuve_broker::config::BrokerConfig;
    use fleuve_client::{Config, Consumer, Producer, ProducerRecord};
    use fleuve_model::TopicName;

    #[tokio::test]
    async fn what_is_produced_is_consumed() {
        let folder = tempfile::tempdir().unwrap();
        let broker = Broker::start(BrokerConfig::local(folder.path()))
            .await
            .unwrap();
        let server = broker.address().to_string();
        let topic = TopicName::new("orders").unwrap();

        let producer = Producer::new(&Config::bootstrap(&server)).unwrap();
        let record = ProducerRecord::new(topic.clone(), "one order").key("a customer");
        producer.send(record).await.unwrap().wait().await.unwrap();
        producer.close().await;

        let config = Config::bootstrap(&server)
            .set("group.id", "test")
            .set("auto.offset.reset", "earliest");
        let mut consumer = Consumer::new(&config).unwrap();
        consumer.subscribe([topic]).unwrap();
        let mut records = Vec::new();
        while records.is_empty() {
            records = consumer.poll(Duration::from_secs(1)).await.unwrap();
        }
        assert_eq!(records[0].value.as_deref(), Some(&b"one order"[..]));
        consumer.close().await.unwrap();
        broker.stop().await;
    }
}
