use std::collections::BTreeMap;

use fleuve_model::BrokerId;
use fleuve_protocol::api::create_topics::CreatableTopicConfigs;
use fleuve_protocol::api::describe_configs::{
    DescribeConfigsResource, DescribeConfigsResourceResult,
};
use fleuve_protocol::api::{
    AlterConfigsRequest, AlterConfigsResponse, DescribeConfigsRequest,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, ListConfigResourcesRequest,
    alter_configs, incremental_alter_configs,
};
use fleuve_protocol::{Request, Str};

use super::Admin;
use crate::ClientError;
use crate::cluster::Purpose;
use crate::connection::Connection;

/// What has configs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i8)]
#[allow(missing_docs)]
pub enum ConfigResourceType {
    Topic = 2,
    Broker = 4,
    BrokerLogger = 8,
    ClientMetrics = 16,
    Group = 32,
}

/// A resource with configs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigResource {
    /// Its type.
    pub kind: ConfigResourceType,
    /// Its name: a topic, a broker's id or, for what holds for all brokers, nothing.
    pub name: String,
}

/// A config with its value and where that came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// The key.
    pub name: String,
    /// The value; none if it is sensitive or unset.
    pub value: Option<String>,
    /// Whether it cannot be changed.
    pub is_read_only: bool,
    /// Whether the value is hidden.
    pub is_sensitive: bool,
    /// Where the value came from.
    pub source: ConfigSource,
    /// All that would give it a value, the one in effect first.
    pub synonyms: Vec<ConfigSynonym>,
    /// What the value is.
    pub kind: ConfigType,
    /// What the broker says of it.
    pub documentation: Option<String>,
}

/// Another place that gives a config its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSynonym {
    /// The key there.
    pub name: String,
    /// The value there.
    pub value: Option<String>,
    /// Which place it is.
    pub source: ConfigSource,
}

/// Declares an enum of Kafka's with the numbers and names of the wire.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $type:ident { $($variant:ident = $number:literal, $name:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum $type {
            $($variant,)*
            Unknown,
        }

        impl $type {
            fn from_wire(number: i8) -> $type {
                match number {
                    $($number => $type::$variant,)*
                    _ => $type::Unknown,
                }
            }

            /// Kafka's name.
            pub fn name(self) -> &'static str {
                match self {
                    $($type::$variant => $name,)*
                    $type::Unknown => "UNKNOWN",
                }
            }
        }
    };
}

wire_enum! {
    /// Where a config's value came from.
    ConfigSource {
        DynamicTopic = 1, "DYNAMIC_TOPIC_CONFIG";
        DynamicBroker = 2, "DYNAMIC_BROKER_CONFIG";
        DynamicDefaultBroker = 3, "DYNAMIC_DEFAULT_BROKER_CONFIG";
        StaticBroker = 4, "STATIC_BROKER_CONFIG";
        Default = 5, "DEFAULT_CONFIG";
        DynamicBrokerLogger = 6, "DYNAMIC_BROKER_LOGGER_CONFIG";
        ClientMetrics = 7, "DYNAMIC_CLIENT_METRICS_CONFIG";
        Group = 8, "DYNAMIC_GROUP_CONFIG";
    }
}

wire_enum! {
    /// What a config's value is.
    ConfigType {
        Boolean = 1, "BOOLEAN";
        String = 2, "STRING";
        Int = 3, "INT";
        Short = 4, "SHORT";
        Long = 5, "LONG";
        Double = 6, "DOUBLE";
        List = 7, "LIST";
        Class = 8, "CLASS";
        Password = 9, "PASSWORD";
    }
}

/// What to do to a config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum ConfigOperationKind {
    /// Give it a value.
    Set = 0,
    /// Go back to the default.
    Delete = 1,
    /// Add to a list.
    Append = 2,
    /// Take out of a list.
    Subtract = 3,
}

/// One change of one config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigOperation {
    /// What to do.
    pub kind: ConfigOperationKind,
    /// The key.
    pub name: String,
    /// The value; none to delete.
    pub value: Option<String>,
}

impl ConfigResource {
    /// A topic.
    pub fn topic(name: impl Into<String>) -> ConfigResource {
        ConfigResource {
            kind: ConfigResourceType::Topic,
            name: name.into(),
        }
    }

    /// A broker.
    pub fn broker(id: BrokerId) -> ConfigResource {
        ConfigResource {
            kind: ConfigResourceType::Broker,
            name: id.to_string(),
        }
    }

    /// The broker that alone can answer for the resource, if there is one.
    fn home(&self) -> Option<BrokerId> {
        match self.kind {
            ConfigResourceType::Broker | ConfigResourceType::BrokerLogger => {
                BrokerId::from_wire(self.name.parse().ok()?)
            }
            _ => None,
        }
    }

    fn from_wire(kind: i8, name: &Str) -> Option<ConfigResource> {
        let kind = ConfigResourceType::from_wire(kind)?;
        Some(ConfigResource {
            kind,
            name: name.as_str().to_owned(),
        })
    }

    fn subject(&self) -> String {
        format!("configs of {:?} {}", self.kind, self.name)
    }
}

impl ConfigResourceType {
    const ALL: [ConfigResourceType; 5] = [
        ConfigResourceType::Topic,
        ConfigResourceType::Broker,
        ConfigResourceType::BrokerLogger,
        ConfigResourceType::ClientMetrics,
        ConfigResourceType::Group,
    ];

    fn from_wire(number: i8) -> Option<ConfigResourceType> {
        Self::ALL.into_iter().find(|kind| *kind as i8 == number)
    }
}

impl ConfigEntry {
    pub(super) fn of_created_topic(config: &CreatableTopicConfigs) -> ConfigEntry {
        ConfigEntry {
            name: config.name.as_str().to_owned(),
            value: text(config.value.as_ref()),
            is_read_only: config.read_only,
            is_sensitive: config.is_sensitive,
            source: ConfigSource::from_wire(config.config_source),
            synonyms: Vec::new(),
            kind: ConfigType::Unknown,
            documentation: None,
        }
    }

    fn of_described(config: &DescribeConfigsResourceResult) -> ConfigEntry {
        let synonyms = config.synonyms.iter().map(|synonym| ConfigSynonym {
            name: synonym.name.as_str().to_owned(),
            value: text(synonym.value.as_ref()),
            source: ConfigSource::from_wire(synonym.source),
        });
        ConfigEntry {
            name: config.name.as_str().to_owned(),
            value: text(config.value.as_ref()),
            is_read_only: config.read_only,
            is_sensitive: config.is_sensitive,
            source: ConfigSource::from_wire(config.config_source),
            synonyms: synonyms.collect(),
            kind: ConfigType::from_wire(config.config_type),
            documentation: text(config.documentation.as_ref()),
        }
    }
}

/// What a broker says of one resource that was to be changed.
struct Altered {
    kind: i8,
    name: Str,
    code: i16,
    message: Option<Str>,
}

impl Altered {
    fn read(&self) -> Option<(ConfigResource, Result<(), ClientError>)> {
        let resource = ConfigResource::from_wire(self.kind, &self.name)?;
        let checked = ClientError::check(self.code, resource.subject(), self.message.as_ref());
        Some((resource, checked))
    }
}

type EachResource<T> = BTreeMap<ConfigResource, Result<T, ClientError>>;

impl Admin {
    /// Describes the configs of resources, each with its synonyms.
    pub async fn describe_configs(
        &self,
        resources: &[ConfigResource],
        with_documentation: bool,
    ) -> Result<EachResource<Vec<ConfigEntry>>, ClientError> {
        let mut results = EachResource::new();
        for (home, resources) in by_home(resources.iter().map(|r| (r.clone(), ()))) {
            let asked = resources
                .iter()
                .map(|(resource, ())| DescribeConfigsResource {
                    resource_type: resource.kind as i8,
                    resource_name: Str::from(resource.name.as_str()),
                    configuration_keys: None,
                });
            let request = DescribeConfigsRequest {
                resources: asked.collect(),
                include_synonyms: true,
                include_documentation: with_documentation,
            };
            let call = || async {
                let connection = self.home_connection(home).await?;
                let mut request = request.clone();
                request.include_documentation &=
                    connection.version_of::<DescribeConfigsRequest>()? >= DOCUMENTATION_FROM;
                connection.call(request).await
            };
            let response = self.cluster.retry(self.deadline(), call).await?;
            for result in response.results {
                let kind = result.resource_type;
                let Some(resource) = ConfigResource::from_wire(kind, &result.resource_name) else {
                    continue;
                };
                let message = result.error_message.as_ref();
                let checked = ClientError::check(result.error_code, resource.subject(), message);
                let entries = || {
                    result
                        .configs
                        .iter()
                        .map(ConfigEntry::of_described)
                        .collect()
                };
                results.insert(resource, checked.map(|()| entries()));
            }
        }
        Ok(results)
    }

    /// Changes single configs, or only checks whether that could be done.
    pub async fn incremental_alter_configs(
        &self,
        changes: &BTreeMap<ConfigResource, Vec<ConfigOperation>>,
        validate_only: bool,
    ) -> Result<EachResource<()>, ClientError> {
        use incremental_alter_configs::{AlterConfigsResource, AlterableConfig};
        let config = |operation: &ConfigOperation| AlterableConfig {
            name: Str::from(operation.name.as_str()),
            config_operation: operation.kind as i8,
            value: operation.value.as_deref().map(Str::from),
        };
        let resource = |resource: &ConfigResource, operations: &Vec<_>| AlterConfigsResource {
            resource_type: resource.kind as i8,
            resource_name: Str::from(resource.name.as_str()),
            configs: operations.iter().map(config).collect(),
        };
        let request = |resources| IncrementalAlterConfigsRequest {
            resources,
            validate_only,
        };
        let results = |response: IncrementalAlterConfigsResponse| {
            let results = response.responses.into_iter();
            let outcome = |r: incremental_alter_configs::AlterConfigsResourceResponse| Altered {
                kind: r.resource_type,
                name: r.resource_name,
                code: r.error_code,
                message: r.error_message,
            };
            results.map(outcome).collect()
        };
        self.alter_each(changes, resource, request, results).await
    }

    /// Replaces all configs of resources; for brokers that cannot change single ones.
    pub async fn alter_configs(
        &self,
        configs: &BTreeMap<ConfigResource, BTreeMap<String, String>>,
        validate_only: bool,
    ) -> Result<EachResource<()>, ClientError> {
        use alter_configs::{AlterConfigsResource, AlterableConfig};
        let config = |(name, value): (&String, &String)| AlterableConfig {
            name: Str::from(name.as_str()),
            value: Some(Str::from(value.as_str())),
        };
        let resource = |resource: &ConfigResource, values: &BTreeMap<_, _>| AlterConfigsResource {
            resource_type: resource.kind as i8,
            resource_name: Str::from(resource.name.as_str()),
            configs: values.iter().map(config).collect(),
        };
        let request = |resources| AlterConfigsRequest {
            resources,
            validate_only,
        };
        let results = |response: AlterConfigsResponse| {
            let results = response.responses.into_iter();
            let outcome = |r: alter_configs::AlterConfigsResourceResponse| Altered {
                kind: r.resource_type,
                name: r.resource_name,
                code: r.error_code,
                message: r.error_message,
            };
            results.map(outcome).collect()
        };
        self.alter_each(configs, resource, request, results).await
    }

    /// Asks each broker to change what it alone can change, and any of them the rest.
    async fn alter_each<T, W, R: Request + Clone>(
        &self,
        changes: &BTreeMap<ConfigResource, T>,
        resource: impl Fn(&ConfigResource, &T) -> W,
        request: impl Fn(Vec<W>) -> R,
        results: impl Fn(R::Response) -> Vec<Altered>,
    ) -> Result<EachResource<()>, ClientError> {
        let mut all = EachResource::new();
        for (home, changes) in by_home(changes.iter().map(|(r, c)| (r.clone(), c))) {
            let resources = changes
                .iter()
                .map(|(named, change)| resource(named, change));
            let request = request(resources.collect());
            let call = || async {
                let connection = self.home_connection(home).await?;
                connection.call(request.clone()).await
            };
            let response = self.cluster.retry(self.deadline(), call).await?;
            all.extend(results(response).iter().filter_map(Altered::read));
        }
        Ok(all)
    }

    /// Lists the resources that have configs; no types means all of them.
    pub async fn list_config_resources(
        &self,
        kinds: &[ConfigResourceType],
    ) -> Result<Vec<ConfigResource>, ClientError> {
        let request = ListConfigResourcesRequest {
            resource_types: kinds.iter().map(|kind| *kind as i8).collect(),
        };
        let call = || async {
            let response = self
                .cluster
                .any_connection()
                .await?
                .call(request.clone())
                .await?;
            ClientError::check(response.error_code, "config resources", None)?;
            Ok(response)
        };
        let response = self.cluster.retry(self.deadline(), call).await?;
        let resources = response.config_resources.iter();
        Ok(resources
            .filter_map(|found| {
                ConfigResource::from_wire(found.resource_type, &found.resource_name)
            })
            .collect())
    }

    async fn home_connection(&self, home: Option<BrokerId>) -> Result<Connection, ClientError> {
        let Some(home) = home else {
            return self.cluster.any_connection().await;
        };
        if !self.cluster.metadata().brokers.contains_key(&home) {
            self.cluster
                .refresh(crate::cluster::TopicSelection::None, false)
                .await?;
        }
        self.cluster.connection(home, Purpose::Requests).await
    }
}

const DOCUMENTATION_FROM: i16 = 3;

fn by_home<T>(
    resources: impl Iterator<Item = (ConfigResource, T)>,
) -> BTreeMap<Option<BrokerId>, Vec<(ConfigResource, T)>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (resource, value) in resources {
        groups
            .entry(resource.home())
            .or_default()
            .push((resource, value));
    }
    groups
}

pub(super) fn text(text: Option<&Str>) -> Option<String> {
    text.map(|text| text.as_str().to_owned())
}
