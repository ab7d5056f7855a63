//! Configuration by Kafka's names: `server.properties`, broker keys and topic keys.
//!
//! Nothing here reads the environment or a file: texts and variables are arguments. Start at
//! [`BrokerConfig::of_properties`].

mod broker_config;
pub mod definition;
mod environment;
mod listeners;
mod properties;
mod settings;
mod suggestion;
mod topic_settings;

pub use broker_config::{BrokerConfig, Disks, Durability, local_properties};
pub use environment::properties_of_environment;
pub use listeners::{AdvertisedAddress, ListenerConfig, ListenerConfigError};
pub use properties::{MalformedProperties, Origin, Properties, Property, ReadPropertiesError};
pub use settings::{
    BrokerSettings, ConfigError, ConfigSource, ConfigSynonym, ConfigWarning, broker_table,
    group_table, topic_table, warn_of_broker_config, warn_of_group_config, warn_of_topic_config,
};
pub use suggestion::did_you_mean;
pub use topic_settings::{InvalidTopicConfig, TopicSettings, unknown_synonyms};
