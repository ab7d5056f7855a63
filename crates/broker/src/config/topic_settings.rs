//! A topic's keys with the values that hold now.
//!
//! A topic key is looked for in the topic's own configs, then in its broker synonyms, then in
//! the table's default. Start at [`TopicSettings`].

use std::collections::BTreeMap;
use std::time::Duration;

use super::definition::{ConfigDefinition, list_items};
use super::settings::{BrokerSettings, ConfigSource, ConfigSynonym, broker_table, topic_table};

/// Why a topic's configs are refused. The texts are Kafka's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTopicConfig {
    #[error("Unknown topic config name: {0}")]
    UnknownKey(String),
    #[error(transparent)]
    InvalidValue(#[from] super::definition::InvalidConfigValue),
    #[error(
        "conflict topic config setting min.compaction.lag.ms ({min}) > \
         max.compaction.lag.ms ({max})"
    )]
    CompactionLag { min: i64, max: i64 },
    #[error("remote.storage.enable is not supported yet")]
    RemoteStorage,
}

/// The values of all topic keys for one topic.
#[derive(Clone, Copy, Debug)]
pub struct TopicSettings<'a> {
    own: &'a BTreeMap<String, String>,
    broker: &'a BrokerSettings,
}

impl<'a> TopicSettings<'a> {
    /// The settings of a topic whose own configs are `own`.
    pub fn new(own: &'a BTreeMap<String, String>, broker: &'a BrokerSettings) -> TopicSettings<'a> {
        TopicSettings { own, broker }
    }

    /// Checks a topic's own configs, each alone and all together.
    pub fn check(
        own: &BTreeMap<String, String>,
        broker: &BrokerSettings,
    ) -> Result<(), InvalidTopicConfig> {
        for (name, value) in own {
            let definition = topic_table()
                .get(name)
                .ok_or_else(|| InvalidTopicConfig::UnknownKey(name.clone()))?;
            definition.check(value)?;
        }
        let settings = TopicSettings::new(own, broker);
        let min = settings.number("min.compaction.lag.ms");
        let max = settings.number("max.compaction.lag.ms");
        if min > max {
            return Err(InvalidTopicConfig::CompactionLag { min, max });
        }
        if settings.is_true("remote.storage.enable") {
            return Err(InvalidTopicConfig::RemoteStorage);
        }
        Ok(())
    }

    /// All places that give `definition` a value, the strongest first.
    pub fn synonyms(&self, definition: &ConfigDefinition) -> Vec<ConfigSynonym> {
        let mut synonyms: Vec<ConfigSynonym> = self
            .own
            .get(&definition.name)
            .map(|value| ConfigSynonym {
                name: definition.name.clone(),
                value: Some(value.clone()),
                source: ConfigSource::Topic,
            })
            .into_iter()
            .collect();
        if let Some(first) = definition.synonyms.first() {
            synonyms.extend(self.broker.synonyms(&first.name));
        }
        synonyms
    }

    /// The value that holds, and where it comes from. A value that the broker has in another
    /// unit (`log.retention.hours`) counts as a default, as in Kafka.
    pub fn value_and_source(&self, definition: &ConfigDefinition) -> (String, ConfigSource) {
        if let Some(value) = self.own.get(&definition.name) {
            return (value.clone(), ConfigSource::Topic);
        }
        for (place, synonym) in definition.synonyms.iter().enumerate() {
            if let Some((value, source)) = self.broker.set_value_and_source(&synonym.name) {
                let source = if place == 0 {
                    source
                } else {
                    ConfigSource::Default
                };
                return (in_topic_unit(value, synonym.factor), source);
            }
        }
        let default = definition.default.clone().unwrap_or_default();
        (default, ConfigSource::Default)
    }

    fn text(&self, name: &str) -> String {
        let definition = topic_table().get(name).expect("a key of the table");
        self.value_and_source(definition).0
    }

    /// The number of `name`.
    pub fn number(&self, name: &str) -> i64 {
        self.text(name)
            .parse()
            .expect("numbers are checked when set")
    }

    /// A time in milliseconds; negative is "without limit".
    pub fn millis(&self, name: &str) -> Option<Duration> {
        u64::try_from(self.number(name))
            .ok()
            .map(Duration::from_millis)
    }

    /// The truth of a boolean key.
    pub fn is_true(&self, name: &str) -> bool {
        self.text(name).eq_ignore_ascii_case("true")
    }

    /// The text of `name`.
    pub fn string(&self, name: &str) -> String {
        self.text(name)
    }

    /// Whether list key `name` has `item`.
    pub fn has(&self, name: &str, item: &str) -> bool {
        list_items(&self.text(name)).contains(&item)
    }
}

/// A broker's value in the unit of the topic key: hours and minutes become milliseconds.
fn in_topic_unit(value: &str, factor: i64) -> String {
    match value.parse::<i64>() {
        Ok(number) if factor != 1 && number >= 0 => number.saturating_mul(factor).to_string(),
        _ => value.to_owned(),
    }
}

/// Whether every synonym of the topic table is a broker key; a test asks.
pub fn unknown_synonyms() -> Vec<String> {
    topic_table()
        .iter()
        .flat_map(|definition| &definition.synonyms)
        .filter(|synonym| broker_table().get(&synonym.name).is_none())
        .map(|synonym| synonym.name.clone())
        .collect()
}
