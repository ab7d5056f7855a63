//! Writes ten records to a topic: key and value are `0` to `9`.
//!
//! ```text
//! cargo run -p fleuve-client --example producer -- TOPIC [BOOTSTRAP]
//! ```

use fleuve_client::{ClientError, Config, Producer, ProducerRecord};
use fleuve_model::TopicName;

#[tokio::main]
async fn main() -> Result<(), ClientError> {
    let mut arguments = std::env::args().skip(1);
    let Some(topic) = arguments.next() else {
        println!("Enter topic name");
        return Ok(());
    };
    let topic = TopicName::new(&topic).map_err(|error| ClientError::Invalid(error.to_string()))?;
    let bootstrap = arguments
        .next()
        .unwrap_or_else(|| "localhost:9092".to_owned());
    let config = Config::bootstrap(bootstrap)
        .set("acks", "all")
        .set("retries", "0")
        .set("batch.size", "16384")
        .set("linger.ms", "1")
        .set("buffer.memory", "33554432");
    let producer = Producer::new(&config)?;
    let mut deliveries = Vec::new();
    for number in 0..10 {
        let text = number.to_string();
        let record = ProducerRecord::new(topic.clone(), text.clone()).key(text);
        deliveries.push(producer.send(record).await?);
    }
    for delivery in deliveries {
        delivery.wait().await?;
    }
    println!("Message sent successfully");
    producer.close().await;
    Ok(())
}
