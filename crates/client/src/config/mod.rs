//! Configuration by Kafka's names and defaults.
//!
//! A [`Config`] is text by key, as in a properties file. Each kind of client reads the keys it
//! knows into a struct of its own; a value that cannot be is an error that says what is
//! expected, a key that means something to Kafka's clients and is not supported here is an
//! error that says so, and a key that nobody knows is warned of. Start at [`Config`].

mod common;
mod reader;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::transport::LocalBroker;

pub(crate) use common::{CommonSettings, Doors};
pub(crate) use reader::{Reader, invalid};

/// What a client is configured by: keys and values, and perhaps a broker in this process.
#[derive(Clone, Default)]
pub struct Config {
    values: BTreeMap<String, String>,
    local: Option<Arc<dyn LocalBroker>>,
}

impl Config {
    /// Nothing is set: Kafka's defaults, and no broker to begin with.
    pub fn new() -> Config {
        Config::default()
    }

    /// A broker to begin with, `host:port`; several are separated by commas.
    pub fn bootstrap(servers: impl Into<String>) -> Config {
        Config::new().set("bootstrap.servers", servers)
    }

    /// A broker in this process, reached with no socket.
    pub fn in_process(broker: Arc<dyn LocalBroker>) -> Config {
        Config {
            local: Some(broker),
            ..Config::default()
        }
    }

    /// Sets a key; the last value counts.
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Config {
        self.values.insert(key.into(), value.into());
        self
    }

    /// Sets a key unless it is set.
    #[must_use]
    pub fn set_default(mut self, key: &str, value: impl Into<String>) -> Config {
        self.values
            .entry(key.to_owned())
            .or_insert_with(|| value.into());
        self
    }

    /// Sets all keys of `other`, and its broker if it has one.
    #[must_use]
    pub fn merge(mut self, other: Config) -> Config {
        self.values.extend(other.values);
        self.local = other.local.or(self.local);
        self
    }

    /// Removes a key and gives its value.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        self.values.remove(key)
    }

    /// The value of a key, if it is set.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// All that is set, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub(crate) fn local(&self) -> Option<Arc<dyn LocalBroker>> {
        self.local.clone()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Config {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Config {
        let values = pairs
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        Config {
            values,
            local: None,
        }
    }
}

impl<K: Into<String>, V: Into<String>, const N: usize> From<[(K, V); N]> for Config {
    fn from(pairs: [(K, V); N]) -> Config {
        pairs.into_iter().collect()
    }
}

/// Passwords are not shown.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hide = |key: &str| key.contains("password") || key.contains("jaas");
        f.debug_map()
            .entries(
                self.iter()
                    .map(|(key, value)| (key, if hide(key) { "***" } else { value })),
            )
            .finish()
    }
}

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A key has to be set.
    #[error("{key} is not set: {advice}")]
    Missing {
        /// The key.
        key: &'static str,
        /// What to set it to.
        advice: &'static str,
    },
    /// A value is not what the key takes.
    #[error("{key}={value}: expected {expected}")]
    Invalid {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What it takes.
        expected: String,
    },
    /// A key that Kafka's clients know and this one does not support.
    #[error("{key} is not supported by this client: {advice}")]
    Unsupported {
        /// The key.
        key: String,
        /// What to do.
        advice: String,
    },
    /// Two settings that exclude each other.
    #[error("{0}")]
    Conflict(String),
}
