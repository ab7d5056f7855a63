//! The broker's keys with the values that hold now, and where each came from.
//!
//! A value is looked for in Kafka's order (KIP-226): set at run time for this broker, set at
//! run time for every broker, written in `server.properties`, the default. Everything in here
//! has been checked, so reading cannot fail. Start at [`BrokerSettings::check`].

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use super::definition::{ConfigDefinition, ConfigTable, Effect, InvalidConfigValue, list_items};
use super::properties::{Origin, Properties};

static BROKER_TABLE: LazyLock<ConfigTable> =
    LazyLock::new(|| ConfigTable::parse(include_str!("broker.tsv")));
static TOPIC_TABLE: LazyLock<ConfigTable> =
    LazyLock::new(|| ConfigTable::parse(include_str!("topic.tsv")));

static GROUP_TABLE: LazyLock<ConfigTable> =
    LazyLock::new(|| ConfigTable::parse(include_str!("group.tsv")));

/// Every group key.
pub fn group_table() -> &'static ConfigTable {
    &GROUP_TABLE
}

/// Every broker key.
pub fn broker_table() -> &'static ConfigTable {
    &BROKER_TABLE
}

/// Every topic key.
pub fn topic_table() -> &'static ConfigTable {
    &TOPIC_TABLE
}

/// Keys of ZooKeeper-time brokers and of common distributions: accepted, and of no effect.
const LEGACY_PREFIXES: &[&str] = &[
    "zookeeper.",
    "confluent.",
    "metrics.jmx.",
    "kafka.csv.metrics.",
];
const LEGACY_KEYS: &[&str] = &[
    "advertised.host.name",
    "advertised.port",
    "broker.id.generation.enable",
    "delegation.token.master.key",
    "host.name",
    "inter.broker.protocol.version",
    "log.message.format.version",
    "log.message.timestamp.difference.max.ms",
    "port",
    "reserved.broker.max.id",
    "zookeeper.connect",
];

/// Prefix of keys that are meant for one listener (`listener.name.external.ssl...`).
const LISTENER_PREFIX: &str = "listener.name.";

/// A value in a file, in the environment or on the command line that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {message}")]
pub struct ConfigError {
    pub origin: Origin,
    pub message: String,
}

/// Something worth a line in the log at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigWarning {
    UnknownKey {
        origin: Origin,
        key: String,
        did_you_mean: Option<String>,
    },
    NotActedOn {
        origin: Origin,
        key: String,
    },
    NothingToSteer {
        keys: Vec<String>,
    },
}

impl std::fmt::Display for ConfigWarning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ConfigWarning::UnknownKey {
                origin,
                key,
                did_you_mean: Some(meant),
            } => {
                write!(f, "{origin}: unknown key {key}; did you mean {meant}?")
            }
            ConfigWarning::UnknownKey {
                origin,
                key,
                did_you_mean: None,
            } => {
                write!(f, "{origin}: unknown key {key}; it has no effect")
            }
            ConfigWarning::NotActedOn { origin, key } => {
                write!(f, "{origin}: {key} is stored but not acted on yet")
            }
            ConfigWarning::NothingToSteer { keys } => {
                write!(
                    f,
                    "accepted, with nothing to steer here: {}",
                    keys.join(", ")
                )
            }
        }
    }
}

/// Where a value comes from; the number is the wire's (DescribeConfigs).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigSource {
    Topic = 1,
    DynamicBroker = 2,
    DynamicDefaultBroker = 3,
    StaticBroker = 4,
    Default = 5,
    Group = 8,
}

/// One of the places that give a key a value, the strongest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSynonym {
    pub name: String,
    pub value: Option<String>,
    pub source: ConfigSource,
}

/// The values of all broker keys.
#[derive(Clone, Debug, Default)]
pub struct BrokerSettings {
    written: BTreeMap<String, String>,
    of_this_broker: BTreeMap<String, String>,
    of_every_broker: BTreeMap<String, String>,
}

impl BrokerSettings {
    /// Checks every property; all errors are found, not only the first.
    pub fn check(
        properties: &Properties,
    ) -> Result<(BrokerSettings, Vec<ConfigWarning>), Vec<ConfigError>> {
        let mut settings = BrokerSettings::default();
        let (mut warnings, mut errors, mut nothing_to_steer) = (Vec::new(), Vec::new(), Vec::new());
        for (key, property) in properties.iter() {
            let origin = property.origin.clone();
            let Some(definition) = broker_table().get(key) else {
                if is_legacy(key) {
                    nothing_to_steer.push(key.to_owned());
                } else {
                    warnings.push(unknown_key(origin, key));
                }
                continue;
            };
            match definition.check(&property.value) {
                Ok(value) => settings.written.insert(key.to_owned(), value),
                Err(error) => {
                    errors.push(ConfigError {
                        origin,
                        message: error.to_string(),
                    });
                    continue;
                }
            };
            match definition.effect {
                Effect::Acts => {}
                Effect::NothingToSteer => nothing_to_steer.push(key.to_owned()),
                Effect::NotYet if is_default(definition, &property.value) => {}
                Effect::NotYet => {
                    warnings.push(ConfigWarning::NotActedOn {
                        origin,
                        key: key.to_owned(),
                    });
                }
            }
        }
        if !nothing_to_steer.is_empty() {
            warnings.push(ConfigWarning::NothingToSteer {
                keys: nothing_to_steer,
            });
        }
        if errors.is_empty() {
            Ok((settings, warnings))
        } else {
            Err(errors)
        }
    }

    /// These settings with what was set at run time, already checked by
    /// [`check_dynamic`](BrokerSettings::check_dynamic).
    pub fn with_dynamic(
        &self,
        of_this_broker: BTreeMap<String, String>,
        of_every_broker: BTreeMap<String, String>,
    ) -> BrokerSettings {
        BrokerSettings {
            written: self.written.clone(),
            of_this_broker,
            of_every_broker,
        }
    }

    /// Checks a value that a client sets at run time.
    pub fn check_dynamic(name: &str, value: &str) -> Result<String, InvalidConfigValue> {
        match broker_table().get(name) {
            Some(definition) => definition.check(value),
            None => Ok(value.to_owned()),
        }
    }

    /// The value of `name` that holds now; `None` is Kafka's `null`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.set_value(name).or_else(|| {
            broker_table()
                .get(name)
                .and_then(|it| it.default.as_deref())
        })
    }

    /// The value of `name` if it was set anywhere.
    pub fn set_value(&self, name: &str) -> Option<&str> {
        self.set_value_and_source(name).map(|(value, _)| value)
    }

    /// The value of `name` if it was set anywhere, and where that was.
    pub fn set_value_and_source(&self, name: &str) -> Option<(&str, ConfigSource)> {
        let places = [
            (&self.of_this_broker, ConfigSource::DynamicBroker),
            (&self.of_every_broker, ConfigSource::DynamicDefaultBroker),
            (&self.written, ConfigSource::StaticBroker),
        ];
        places
            .into_iter()
            .find_map(|(values, source)| Some((values.get(name)?.as_str(), source)))
    }

    /// What was written in `server.properties` and its overrides, checked.
    pub fn written(&self) -> impl Iterator<Item = (&str, &str)> {
        self.written
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// All places that give `name` a value, the strongest first. Keys that say the same in other
    /// units are not among them, as in Kafka.
    pub fn synonyms(&self, name: &str) -> Vec<ConfigSynonym> {
        let places = [
            (self.of_this_broker.get(name), ConfigSource::DynamicBroker),
            (
                self.of_every_broker.get(name),
                ConfigSource::DynamicDefaultBroker,
            ),
            (self.written.get(name), ConfigSource::StaticBroker),
            (
                broker_table().get(name).and_then(|it| it.default.as_ref()),
                ConfigSource::Default,
            ),
        ];
        let synonym = |(value, source): (Option<&String>, ConfigSource)| {
            let value = Some(value?.clone());
            Some(ConfigSynonym {
                name: name.to_owned(),
                value,
                source,
            })
        };
        places.into_iter().filter_map(synonym).collect()
    }

    /// The number of `name`, if it has a value.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.value(name)
            .map(|value| value.parse().expect("numbers are checked when set"))
    }

    /// The number of a key that always has a value.
    pub fn number_of(&self, name: &str) -> i64 {
        self.number(name)
            .expect("the table gives this key a default")
    }

    /// A number that counts something; negative ones are none.
    pub fn count_of(&self, name: &str) -> usize {
        usize::try_from(self.number_of(name)).unwrap_or(0)
    }

    /// A time in milliseconds; negative is "without limit".
    pub fn millis(&self, name: &str) -> Option<Duration> {
        u64::try_from(self.number_of(name))
            .ok()
            .map(Duration::from_millis)
    }

    /// The truth of a boolean key.
    pub fn is_true(&self, name: &str) -> bool {
        self.value(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The items of a list key.
    pub fn list(&self, name: &str) -> Vec<&str> {
        self.value(name).map(list_items).unwrap_or_default()
    }
}

fn unknown_key(origin: Origin, key: &str) -> ConfigWarning {
    if key.starts_with(LISTENER_PREFIX) {
        return ConfigWarning::NotActedOn {
            origin,
            key: key.to_owned(),
        };
    }
    let did_you_mean = broker_table().did_you_mean(key).map(str::to_owned);
    ConfigWarning::UnknownKey {
        origin,
        key: key.to_owned(),
        did_you_mean,
    }
}

fn is_legacy(key: &str) -> bool {
    LEGACY_KEYS.contains(&key) || LEGACY_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

fn is_default(definition: &ConfigDefinition, value: &str) -> bool {
    definition.default.as_deref() == Some(value.trim())
}

/// Warns that a topic's config is stored and not acted on.
pub fn warn_of_topic_config(topic: &str, name: &str, value: &str) {
    let Some(definition) = topic_table().get(name) else {
        return;
    };
    if definition.effect == Effect::NotYet && !is_default(definition, value) {
        tracing::warn!(topic, "{name}={value} is stored but not acted on yet");
    }
    if name == "cleanup.policy" && list_items(value).contains(&"compact") {
        tracing::warn!(
            topic,
            "cleanup.policy=compact is stored; compaction does not run yet"
        );
    }
}

/// Warns that a broker's config is stored and not acted on.
pub fn warn_of_broker_config(name: &str) {
    if broker_table()
        .get(name)
        .is_some_and(|definition| definition.effect == Effect::NotYet)
    {
        tracing::warn!("{name} is stored but not acted on yet");
    }
}

/// Warns that a group's config is stored and not acted on.
pub fn warn_of_group_config(group: &str, name: &str) {
    if group_table()
        .get(name)
        .is_some_and(|definition| definition.effect == Effect::NotYet)
    {
        tracing::warn!(group, "{name} is stored but not acted on yet");
    }
}
