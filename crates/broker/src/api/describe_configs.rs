//! Shows the configs of topics, brokers and groups, and where their values come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use fleuve_cluster::controller::ConfigResource;
use fleuve_model::ErrorCode;
use fleuve_protocol::Str;
use fleuve_protocol::api::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
};

use super::config_resource::{admit, of_wire};
use super::error_code::CodedError;
use crate::authorize::Operation;
use crate::broker::BrokerState;
use crate::config::definition::{ConfigDefinition, ConfigType, UpdateMode};
use crate::config::{
    BrokerSettings, ConfigSource, ConfigSynonym, TopicSettings, broker_table, group_table,
    topic_table,
};
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: DescribeConfigsRequest,
) -> Result<DescribeConfigsResponse, ConnectionEnd> {
    let shown = Shown {
        broker,
        synonyms: request.include_synonyms,
        documentation: request.include_documentation,
    };
    let results = request.resources.into_iter().map(|resource| {
        let configs = shown.resource(context, &resource);
        DescribeConfigsResult {
            error_code: configs
                .as_ref()
                .map_or_else(|error| error.code.code(), |_| 0),
            error_message: configs.as_ref().err().and_then(CodedError::text),
            resource_type: resource.resource_type,
            resource_name: resource.resource_name,
            configs: configs.unwrap_or_default(),
        }
    });
    Ok(DescribeConfigsResponse {
        results: results.collect(),
        ..Default::default()
    })
}

/// How much is shown of each config.
struct Shown<'a> {
    broker: &'a BrokerState,
    synonyms: bool,
    documentation: bool,
}

/// A config's value and all places that give it one.
struct Value {
    value: Option<String>,
    source: ConfigSource,
    synonyms: Vec<ConfigSynonym>,
}

type Configs = Vec<DescribeConfigsResourceResult>;

impl Shown<'_> {
    fn resource(
        &self,
        context: &RequestContext,
        resource: &DescribeConfigsResource,
    ) -> Result<Configs, CodedError> {
        let of = of_wire(
            self.broker,
            resource.resource_type,
            resource.resource_name.as_str(),
        )?;
        admit(context, Operation::DescribeConfigs, &of)?;
        let image = self.broker.image();
        let own = image.configs(&of);
        let mut configs = match &of {
            ConfigResource::Topic(topic) if image.topic(topic).is_none() => {
                let message = "This server does not host this topic-partition.";
                return Err(CodedError::new(ErrorCode::UnknownTopicOrPartition, message));
            }
            ConfigResource::Topic(_) => self.topic(own),
            ConfigResource::Broker(Some(_)) => self.this_broker(own),
            ConfigResource::Broker(None) => self.every_broker(own),
            ConfigResource::Group(_) => self.group(own),
            ConfigResource::ClientMetrics(_) => Vec::new(),
        };
        if let Some(wanted) = &resource.configuration_keys {
            configs.retain(|config| wanted.contains(&config.name));
        }
        Ok(configs)
    }

    fn topic(&self, own: &BTreeMap<String, String>) -> Configs {
        let settings = self.broker.settings();
        let values = TopicSettings::new(own, &settings);
        topic_table()
            .iter()
            .map(|definition| {
                let (value, source) = values.value_and_source(definition);
                let synonyms = values.synonyms(definition);
                self.config(
                    definition,
                    Value {
                        value: Some(value),
                        source,
                        synonyms,
                    },
                    false,
                )
            })
            .collect()
    }

    fn this_broker(&self, own: &BTreeMap<String, String>) -> Configs {
        let settings = self.broker.settings();
        let known = broker_table().iter().map(|definition| {
            let value = value_of_broker(&settings, &definition.name);
            self.config(definition, value, definition.update == UpdateMode::ReadOnly)
        });
        let unknown = own
            .iter()
            .filter(|(name, _)| broker_table().get(name).is_none());
        known
            .chain(unknown.map(|(name, value)| unknown_config(name, value)))
            .collect()
    }

    /// Of the cluster-wide defaults only those are shown that were set.
    fn every_broker(&self, own: &BTreeMap<String, String>) -> Configs {
        let source = ConfigSource::DynamicDefaultBroker;
        own.iter()
            .map(|(name, value)| match broker_table().get(name) {
                Some(definition) => {
                    let synonym = ConfigSynonym {
                        name: name.clone(),
                        value: Some(value.clone()),
                        source,
                    };
                    let value = Value {
                        value: Some(value.clone()),
                        source,
                        synonyms: vec![synonym],
                    };
                    self.config(definition, value, false)
                }
                None => unknown_config(name, value),
            })
            .collect()
    }

    fn group(&self, own: &BTreeMap<String, String>) -> Configs {
        let settings = self.broker.settings();
        group_table()
            .iter()
            .map(|definition| {
                let mut synonyms: Vec<ConfigSynonym> = own
                    .get(&definition.name)
                    .map(|value| ConfigSynonym {
                        name: definition.name.clone(),
                        value: Some(value.clone()),
                        source: ConfigSource::Group,
                    })
                    .into_iter()
                    .collect();
                for synonym in &definition.synonyms {
                    synonyms.extend(settings.synonyms(&synonym.name));
                }
                let first = synonyms.first();
                let value = Value {
                    value: first.map_or(definition.default.clone(), |it| it.value.clone()),
                    source: first.map_or(ConfigSource::Default, |it| it.source),
                    synonyms,
                };
                self.config(definition, value, false)
            })
            .collect()
    }

    fn config(
        &self,
        definition: &ConfigDefinition,
        value: Value,
        read_only: bool,
    ) -> DescribeConfigsResourceResult {
        let is_sensitive = definition.is_sensitive();
        let visible = |value: Option<String>| value.filter(|_| !is_sensitive).map(Str::from);
        let synonyms = value.synonyms.into_iter().filter(|_| self.synonyms);
        DescribeConfigsResourceResult {
            name: Str::from(definition.name.as_str()),
            value: visible(value.value),
            read_only,
            config_source: value.source as i8,
            is_sensitive,
            synonyms: synonyms
                .map(|synonym| DescribeConfigsSynonym {
                    name: Str::from(synonym.name),
                    value: visible(synonym.value),
                    source: synonym.source as i8,
                })
                .collect(),
            config_type: definition.config_type as i8,
            documentation: self
                .documentation
                .then(|| Str::from(definition.documentation.as_str())),
        }
    }
}

fn value_of_broker(settings: &BrokerSettings, name: &str) -> Value {
    let synonyms = settings.synonyms(name);
    let source = synonyms
        .first()
        .map_or(ConfigSource::Default, |first| first.source);
    Value {
        value: settings.value(name).map(str::to_owned),
        source,
        synonyms,
    }
}

/// A key that the table does not have is shown as Kafka shows one: as if it were a secret.
fn unknown_config(name: &str, _value: &str) -> DescribeConfigsResourceResult {
    DescribeConfigsResourceResult {
        name: Str::from(name),
        value: None,
        read_only: false,
        config_source: ConfigSource::DynamicBroker as i8,
        is_sensitive: true,
        synonyms: Vec::new(),
        config_type: ConfigType::String as i8,
        documentation: None,
    }
}
