//! What a configuration key is: its type, default, limits, and whether it can change while
//! the broker runs.
//!
//! The tables `topic.tsv` and `broker.tsv` beside this file hold Kafka 4.3's keys, one a line:
//! name, type, default, limits, update mode, effect, synonyms, documentation. A key's texts of
//! refusal are those a Kafka user knows. Start at [`ConfigTable`].

use indexmap::IndexMap;

use super::suggestion::did_you_mean;

/// The types of Kafka's `ConfigDef`; the number is the wire's (DescribeConfigs, KIP-569).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigType {
    Boolean = 1,
    String = 2,
    Int = 3,
    Short = 4,
    Long = 5,
    Double = 6,
    List = 7,
    Class = 8,
    Password = 9,
}

/// What limits a value beyond its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Limits {
    None,
    AtLeast(i64),
    /// Both ends are allowed.
    Between(f64, f64),
    /// Both ends are allowed, and -1 too.
    BetweenOrMinusOne(i64, i64),
    OneOf(Vec<String>),
    EachOneOf(Vec<String>),
    NonEmpty,
    /// `*`, or a list of `partition:broker`.
    ThrottledReplicas,
}

/// Whether a broker key can change while the broker runs (KIP-226).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateMode {
    ReadOnly,
    PerBroker,
    ClusterWide,
}

/// What setting a key does here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The broker acts on it.
    Acts,
    /// It is checked, stored and shown, and nothing acts on it yet: setting it is warned of.
    NotYet,
    /// There is nothing here for it to steer (thread pools, the JVM, ZooKeeper).
    NothingToSteer,
}

/// One key.
#[derive(Clone, Debug)]
pub struct ConfigDefinition {
    pub name: String,
    pub config_type: ConfigType,
    /// The text of the default; `None` is Kafka's `null`.
    pub default: Option<String>,
    pub limits: Limits,
    pub update: UpdateMode,
    pub effect: Effect,
    /// The broker keys that give a topic key its default, the strongest first.
    pub synonyms: Vec<Synonym>,
    pub documentation: String,
}

/// A broker key that gives a topic key its default, perhaps in another unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synonym {
    pub name: String,
    /// By what the broker key's number is multiplied.
    pub factor: i64,
}

/// Why a value is refused. The texts are Kafka's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid value {value} for configuration {name}{}", reason_suffix(.reason))]
pub struct InvalidConfigValue {
    pub name: String,
    pub value: String,
    pub reason: String,
}

fn reason_suffix(reason: &str) -> String {
    if reason.is_empty() {
        String::new()
    } else {
        format!(": {reason}")
    }
}

impl ConfigDefinition {
    /// Whether its value is never shown.
    pub fn is_sensitive(&self) -> bool {
        self.config_type == ConfigType::Password
    }

    /// Checks `value` by type and limits; gives the value in its plain form (trimmed).
    pub fn check(&self, value: &str) -> Result<String, InvalidConfigValue> {
        let trimmed = value.trim();
        let refuse = |shown: &str, reason: String| InvalidConfigValue {
            name: self.name.clone(),
            value: shown.to_owned(),
            reason,
        };
        let number = self
            .check_type(trimmed)
            .map_err(|reason| refuse(trimmed, reason))?;
        self.check_limits(trimmed, number).map_err(|reason| {
            let shown = match (self.config_type, number) {
                (ConfigType::Double, Some(number)) => format!("{number:?}"),
                (ConfigType::List, _) => format!("[{}]", list_items(trimmed).join(", ")),
                _ => trimmed.to_owned(),
            };
            let shown = if matches!(self.limits, Limits::EachOneOf(_)) {
                self.first_unknown_item(trimmed).unwrap_or(shown)
            } else {
                shown
            };
            refuse(&shown, reason)
        })?;
        Ok(trimmed.to_owned())
    }

    /// Checks the type alone; a number's value is returned for the limits.
    fn check_type(&self, value: &str) -> Result<Option<f64>, String> {
        let integer = |type_name: &str, min: i64, max: i64| {
            value
                .parse::<i64>()
                .ok()
                .filter(|number| (min..=max).contains(number))
                .map(|number| Some(number as f64))
                .ok_or_else(|| format!("Not a number of type {type_name}"))
        };
        match self.config_type {
            ConfigType::Boolean => match value.to_ascii_lowercase().as_str() {
                "true" | "false" => Ok(None),
                _ => Err("Expected value to be either true or false".to_owned()),
            },
            ConfigType::Int => integer("INT", i32::MIN.into(), i32::MAX.into()),
            ConfigType::Short => integer("SHORT", i16::MIN.into(), i16::MAX.into()),
            ConfigType::Long => integer("LONG", i64::MIN, i64::MAX),
            ConfigType::Double => value
                .parse::<f64>()
                .map(Some)
                .map_err(|_| "Not a number of type DOUBLE".to_owned()),
            ConfigType::String | ConfigType::List | ConfigType::Class | ConfigType::Password => {
                Ok(None)
            }
        }
    }

    fn check_limits(&self, value: &str, number: Option<f64>) -> Result<(), String> {
        let number = number.unwrap_or_default();
        match &self.limits {
            Limits::None => Ok(()),
            Limits::AtLeast(min) if number < *min as f64 => {
                Err(format!("Value must be at least {min}"))
            }
            Limits::Between(min, _) if number < *min => {
                Err(format!("Value must be at least {min}"))
            }
            Limits::Between(_, max) if number > *max => {
                Err(format!("Value must be no more than {max}"))
            }
            Limits::BetweenOrMinusOne(min, max)
                if number != -1.0 && !(*min as f64..=*max as f64).contains(&number) =>
            {
                Err(format!(
                    "Value must be between {min} and {max} or equal to -1"
                ))
            }
            Limits::OneOf(allowed) if !allowed.iter().any(|item| item == value) => {
                Err(format!("String must be one of: {}", allowed.join(", ")))
            }
            Limits::EachOneOf(allowed) if self.first_unknown_item(value).is_some() => {
                Err(format!("String must be one of: {}", allowed.join(", ")))
            }
            Limits::NonEmpty if value.is_empty() => Err("String must be non-empty".to_owned()),
            Limits::ThrottledReplicas if !is_throttled_replicas(value) => Err(format!(
                "{} must be the literal '*' or a list of replicas in the following format: \
                 [partitionId]:[brokerId],[partitionId]:[brokerId],...",
                self.name
            )),
            _ => Ok(()),
        }
    }

    fn first_unknown_item(&self, value: &str) -> Option<String> {
        let Limits::EachOneOf(allowed) = &self.limits else {
            return None;
        };
        list_items(value)
            .into_iter()
            .find(|item| !allowed.iter().any(|known| known == item))
            .map(str::to_owned)
    }
}

/// The items of a list value, blanks around them gone; an empty text has none.
pub fn list_items(value: &str) -> Vec<&str> {
    value
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .collect()
}

fn is_throttled_replicas(value: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    value == "*"
        || list_items(value).iter().all(|item| {
            item.split_once(':')
                .is_some_and(|(partition, broker)| is_number(partition) && is_number(broker))
        })
}

/// Every key of one kind of resource, by name, in the table's order.
#[derive(Debug)]
pub struct ConfigTable {
    definitions: IndexMap<String, ConfigDefinition>,
}

impl ConfigTable {
    /// Reads a table of this crate; its form is held by a test, so it cannot be malformed.
    pub(super) fn parse(text: &str) -> ConfigTable {
        let definitions = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(definition_of_line)
            .map(|definition| (definition.name.clone(), definition))
            .collect();
        ConfigTable { definitions }
    }

    /// The definition of `name`.
    pub fn get(&self, name: &str) -> Option<&ConfigDefinition> {
        self.definitions.get(name)
    }

    /// Every definition.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigDefinition> {
        self.definitions.values()
    }

    /// The known name nearest to `name`.
    pub fn did_you_mean(&self, name: &str) -> Option<&str> {
        did_you_mean(name, self.definitions.keys().map(String::as_str))
    }
}

fn definition_of_line(line: &str) -> ConfigDefinition {
    let columns: Vec<&str> = line.split('\t').collect();
    let [
        name,
        config_type,
        default,
        limits,
        update,
        effect,
        synonyms,
        documentation,
    ] = columns[..]
    else {
        panic!("a table line has eight columns: {line}");
    };
    ConfigDefinition {
        name: name.to_owned(),
        config_type: type_of_name(config_type),
        default: (default != "null").then(|| default.to_owned()),
        limits: limits_of_text(limits),
        update: match update {
            "per-broker" => UpdateMode::PerBroker,
            "cluster-wide" => UpdateMode::ClusterWide,
            "read-only" => UpdateMode::ReadOnly,
            other => panic!("update mode {other}"),
        },
        effect: match effect {
            "acts" => Effect::Acts,
            "not yet" => Effect::NotYet,
            "nothing" => Effect::NothingToSteer,
            other => panic!("effect {other}"),
        },
        synonyms: list_items(synonyms)
            .into_iter()
            .map(synonym_of_text)
            .collect(),
        documentation: documentation.to_owned(),
    }
}

fn type_of_name(name: &str) -> ConfigType {
    match name {
        "BOOLEAN" => ConfigType::Boolean,
        "STRING" => ConfigType::String,
        "INT" => ConfigType::Int,
        "SHORT" => ConfigType::Short,
        "LONG" => ConfigType::Long,
        "DOUBLE" => ConfigType::Double,
        "LIST" => ConfigType::List,
        "CLASS" => ConfigType::Class,
        "PASSWORD" => ConfigType::Password,
        other => panic!("config type {other}"),
    }
}

fn limits_of_text(text: &str) -> Limits {
    let items = |list: &str| list_items(list).into_iter().map(str::to_owned).collect();
    let range = |range: &str| {
        let (min, max) = range
            .split_once("..")
            .expect("a range of a table has two ends");
        let number = |end: &str| end.parse::<f64>().expect("a table's limit is a number");
        (number(min), number(max))
    };
    if let Some(min) = text.strip_prefix(">=") {
        return Limits::AtLeast(min.parse().expect("a table's limit is a number"));
    }
    if let Some(list) = text.strip_prefix("one of ") {
        return Limits::OneOf(items(list));
    }
    if let Some(list) = text.strip_prefix("each of ") {
        return Limits::EachOneOf(items(list));
    }
    if let Some(ends) = text.strip_suffix(" or -1") {
        let (min, max) = range(ends);
        return Limits::BetweenOrMinusOne(min as i64, max as i64);
    }
    match text {
        "" => Limits::None,
        "non-empty" => Limits::NonEmpty,
        "replicas" => Limits::ThrottledReplicas,
        ends => {
            let (min, max) = range(ends);
            Limits::Between(min, max)
        }
    }
}

/// `log.roll.hours*3600000`, or a name alone.
fn synonym_of_text(text: &str) -> Synonym {
    match text.split_once('*') {
        Some((name, factor)) => Synonym {
            name: name.to_owned(),
            factor: factor.parse().expect("a table's factor is a number"),
        },
        None => Synonym {
            name: text.to_owned(),
            factor: 1,
        },
    }
}
