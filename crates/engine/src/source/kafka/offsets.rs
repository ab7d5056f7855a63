//! Offsets by topic and partition, in Spark's JSON: `{"topic":{"0":23}}`.

use std::collections::BTreeMap;

use fleuve_model::{Offset, PartitionId, TopicName, TopicPartition};

use crate::source::SourceOffset;

/// An offset for each partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartitionOffsets(pub BTreeMap<TopicPartition, Offset>);

impl PartitionOffsets {
    pub fn parse(offset: &SourceOffset) -> Result<Self, String> {
        let numbers = parse_partition_numbers(offset.json())?;
        numbers
            .into_iter()
            .map(|(partition, number)| {
                let offset = Offset::new(number)
                    .map_err(|_| format!("{number} is no offset of {partition}"))?;
                Ok((partition, offset))
            })
            .collect::<Result<_, String>>()
            .map(Self)
    }

    pub fn json(&self) -> String {
        let mut text = String::from("{");
        let mut topic: Option<&TopicName> = None;
        for (partition, offset) in &self.0 {
            match topic {
                Some(known) if *known == partition.topic => text.push(','),
                Some(_) => text.push_str("},"),
                None => {}
            }
            if topic != Some(&partition.topic) {
                text.push_str(&format!("\"{}\":{{", partition.topic));
            }
            topic = Some(&partition.topic);
            text.push_str(&format!(
                "\"{}\":{}",
                partition.partition.value(),
                offset.value()
            ));
        }
        text.push_str(if topic.is_some() { "}}" } else { "}" });
        text
    }

    pub fn offset(&self) -> SourceOffset {
        SourceOffset::parse(&self.json()).expect("what is written as JSON is JSON")
    }
}

/// Reads `{"topic":{"0":23,"1":-2}}` into numbers, whatever they mean.
pub(super) fn parse_partition_numbers(text: &str) -> Result<BTreeMap<TopicPartition, i64>, String> {
    let topics: BTreeMap<String, BTreeMap<String, i64>> =
        serde_json::from_str(text).map_err(|_| {
            format!("Expected e.g. {{\"topicA\":{{\"0\":23,\"1\":-1}},\"topicB\":{{\"0\":-2}}}}, got {text}")
        })?;
    let mut numbers = BTreeMap::new();
    for (topic, partitions) in topics {
        let topic = TopicName::new(&topic).map_err(|error| error.to_string())?;
        for (partition, number) in partitions {
            let partition = parse_partition(&partition)?;
            numbers.insert(TopicPartition::new(topic.clone(), partition), number);
        }
    }
    Ok(numbers)
}

pub(super) fn parse_partition(text: &str) -> Result<PartitionId, String> {
    text.parse()
        .ok()
        .and_then(PartitionId::from_wire)
        .ok_or_else(|| format!("{text} is no partition"))
}
