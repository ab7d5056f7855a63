//! Prints what comes to a topic, as a member of group `test`.
//!
//! ```text
//! cargo run -p fleuve-client --example consumer -- TOPIC [BOOTSTRAP [COUNT]]
//! ```
//!
//! With a count it ends after so many records, otherwise never.

use std::time::Duration;

use bytes::Bytes;
use fleuve_client::{ClientError, Config, Consumer};
use fleuve_model::TopicName;

const POLL: Duration = Duration::from_millis(100);

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
    let count = arguments
        .next()
        .and_then(|count| count.parse().ok())
        .unwrap_or(usize::MAX);
    let config = Config::bootstrap(bootstrap)
        .set("group.id", "test")
        .set("enable.auto.commit", "true")
        .set("auto.commit.interval.ms", "1000")
        .set("session.timeout.ms", "30000");
    let mut consumer = Consumer::new(&config)?;
    consumer.subscribe([topic.clone()])?;
    println!("Subscribed to topic {topic}");
    let mut seen = 0;
    while seen < count {
        for record in consumer.poll(POLL).await? {
            let (key, value) = (text(record.key), text(record.value));
            println!("offset = {}, key = {key}, value = {value}", record.offset);
            seen += 1;
        }
    }
    consumer.close().await
}

fn text(bytes: Option<Bytes>) -> String {
    bytes.map_or("null".to_owned(), |bytes| {
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
