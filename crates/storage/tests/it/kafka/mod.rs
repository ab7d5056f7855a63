//! Apache Kafka's own log against ours: what either writes, the other reads.
//!
//! Kafka is driven by `compat/java/KafkaLog.java`. Both sides describe a log in the same lines
//! of text, which are then equal. Without Java or Kafka's jars the tests say so and are skipped.

mod describe;
mod interoperability;
mod peer;
mod writer;
