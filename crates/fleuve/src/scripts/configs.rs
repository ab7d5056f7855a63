//! `kafka-configs`: show and change the configs of topics and brokers.

use std::collections::BTreeMap;

use fleuve_client::admin::{
    Admin, ConfigEntry, ConfigOperation, ConfigOperationKind, ConfigResource, ConfigResourceType,
    ConfigSource,
};

use super::connect::{self, client_config, properties_file};
use super::grammar::{Argument, Given, Grammar, OptionSpec, switch, text};
use super::script::{Console, Failure, Running, Script};

pub(super) const SCRIPT: Script = Script {
    name: "kafka-configs",
    grammar: &GRAMMAR,
    action,
};

const GRAMMAR: Grammar = Grammar {
    purpose: "This tool helps to manipulate and describe entity config for a topic, client, user, \
              broker, ip, client-metrics or group",
    options: &[
        connect::BOOTSTRAP_SERVER,
        connect::BROKER_LIST,
        connect::ZOOKEEPER,
        connect::COMMAND_CONFIG,
        switch("alter", "Change the configs of the entity."),
        switch("describe", "Show the configs of the entities."),
        text(
            "add-config",
            "k1=v1,k2=[v1,v2]",
            "Configs to set; a list stands in brackets.",
        ),
        text(
            "add-config-file",
            "path",
            "A properties file with configs to set.",
        ),
        text(
            "delete-config",
            "k1,k2",
            "Configs to take back to their defaults.",
        ),
        switch("all", "Show all configs, those that were never set too."),
        text("entity-type", "type", "topics or brokers."),
        OptionSpec {
            name: "entity-name",
            argument: Argument::Text("name"),
            description: "Which topic, or the id of which broker.",
        },
        switch("entity-default", "The defaults of all brokers."),
        text(
            "topic",
            "topic",
            "The same as --entity-type topics --entity-name.",
        ),
        text(
            "broker",
            "broker id",
            "The same as --entity-type brokers --entity-name.",
        ),
        switch(
            "broker-defaults",
            "The same as --entity-type brokers --entity-default.",
        ),
    ],
};

/// What is shown or changed: all entities of a type, or one of them.
struct Entities {
    kind: Kind,
    /// `None` is all; the empty name is the default of brokers.
    name: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Topics,
    Brokers,
}

impl Kind {
    const fn plural(self) -> &'static str {
        match self {
            Kind::Topics => "topics",
            Kind::Brokers => "brokers",
        }
    }

    fn singular(self) -> &'static str {
        self.plural().trim_end_matches('s')
    }
}

fn action<'a>(given: &'a Given, console: &'a mut Console<'_>) -> Running<'a> {
    Box::pin(run(given, console))
}

async fn run(given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    if given.present(&["alter", "describe"]).len() != 1 {
        let message = "Command must include exactly one action: --describe, --alter";
        return Err(Failure::Usage(message.to_owned()));
    }
    let entities = entities(given)?;
    let config = client_config(given, console)?.ok_or_else(|| {
        Failure::Errors("One of the required --bootstrap-server or --bootstrap-controller options must be specified".to_owned())
    })?;
    let admin = Admin::new(&config)?;
    let done = if given.has("alter") {
        alter(&admin, given, &entities, console).await
    } else {
        describe(&admin, given, &entities, console).await
    };
    admin.close();
    done
}

fn entities(given: &Given) -> Result<Entities, Failure> {
    let name_of = |option: &str| given.value(option).map(str::to_owned);
    if given.has("topic") {
        return Ok(Entities {
            kind: Kind::Topics,
            name: name_of("topic"),
        });
    }
    if given.has("broker") {
        return Ok(Entities {
            kind: Kind::Brokers,
            name: name_of("broker"),
        });
    }
    if given.has("broker-defaults") {
        return Ok(Entities {
            kind: Kind::Brokers,
            name: Some(String::new()),
        });
    }
    let kind = match given.value("entity-type") {
        Some("topics") => Kind::Topics,
        Some("brokers") => Kind::Brokers,
        Some(
            kind @ ("users" | "clients" | "ips" | "groups" | "client-metrics" | "broker-loggers"),
        ) => {
            return Err(Failure::Errors(format!(
                "Fleuve has no configs of {kind} yet: --entity-type takes topics and brokers"
            )));
        }
        Some(kind) => return Err(Failure::Errors(format!("Invalid entity type {kind}"))),
        None => {
            let message = "At least one entity type must be specified with --entity-type";
            return Err(Failure::Errors(message.to_owned()));
        }
    };
    let default = given.has("entity-default").then(String::new);
    Ok(Entities {
        kind,
        name: name_of("entity-name").or(default),
    })
}

async fn alter(
    admin: &Admin,
    given: &Given,
    entities: &Entities,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let Some(name) = &entities.name else {
        let message = "An entity name must be specified for every entity type";
        return Err(Failure::Errors(message.to_owned()));
    };
    let resource = resource(entities.kind, name)?;
    let set = configs_to_set(given)?;
    let deleted = configs_to_delete(given);
    if set.is_empty() && deleted.is_empty() {
        let message = "At least one of --add-config, --add-config-file, or --delete-config must be \
                       specified with --alter";
        return Err(Failure::Errors(message.to_owned()));
    }
    let present = configs_of(admin, &resource, false).await?;
    let absent: Vec<_> = deleted
        .iter()
        .filter(|key| !present.iter().any(|entry| entry.name == ***key))
        .cloned()
        .collect();
    if !absent.is_empty() {
        return Err(Failure::Errors(format!(
            "Invalid config(s): {}",
            absent.join(",")
        )));
    }
    let mut changes = BTreeMap::new();
    changes.insert(resource.clone(), operations(set, deleted));
    for result in admin
        .incremental_alter_configs(&changes, false)
        .await?
        .into_values()
    {
        result.map_err(|error| executing(given, error.into()))?;
    }
    match name.as_str() {
        "" => writeln!(
            console.output,
            "Completed updating default config for {} in the cluster.",
            entities.kind.plural()
        )?,
        name => writeln!(
            console.output,
            "Completed updating config for {} {name}.",
            entities.kind.singular()
        )?,
    }
    Ok(())
}

/// The broker's refusal, under the line that Kafka's script prints first.
fn executing(given: &Given, failure: Failure) -> Failure {
    match failure {
        Failure::Errors(message) => {
            let words = given.words().join(" ");
            Failure::Errors(format!(
                "Error while executing config command with args '{words}'\n{message}"
            ))
        }
        other => other,
    }
}

fn operations(set: BTreeMap<String, String>, deleted: Vec<String>) -> Vec<ConfigOperation> {
    let set = set.into_iter().map(|(name, value)| ConfigOperation {
        kind: ConfigOperationKind::Set,
        name,
        value: Some(value),
    });
    let deleted = deleted.into_iter().map(|name| ConfigOperation {
        kind: ConfigOperationKind::Delete,
        name,
        value: None,
    });
    set.chain(deleted).collect()
}

fn configs_to_set(given: &Given) -> Result<BTreeMap<String, String>, Failure> {
    let mut set = match given.value("add-config-file") {
        Some(path) => properties_file(path)?,
        None => BTreeMap::new(),
    };
    if let Some(text) = given.value("add-config") {
        set.extend(added(text)?);
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    match set.keys().find(|key| !key.bytes().all(allowed)) {
        Some(key) => Err(Failure::Errors(format!(
            "Invalid character found for config key: {key}"
        ))),
        None => Ok(set),
    }
}

/// `k1=v1,k2=[v1,v2]`: commas within brackets belong to a value.
fn added(text: &str) -> Result<BTreeMap<String, String>, Failure> {
    let mut pairs = BTreeMap::new();
    let mut depth = 0;
    let outside = |symbol: char| {
        depth += match symbol {
            '[' => 1,
            ']' => -1,
            _ => 0,
        };
        symbol == ',' && depth <= 0
    };
    for pair in text.split(outside) {
        let Some((key, value)) = pair.split_once('=') else {
            let message = "Invalid entity config: all configs to be added must be in the format \
                           \"key=val\".";
            return Err(Failure::Errors(message.to_owned()));
        };
        let value = value.replace(['[', ']'], "");
        pairs.insert(key.trim().to_owned(), value.trim().to_owned());
    }
    Ok(pairs)
}

fn configs_to_delete(given: &Given) -> Vec<String> {
    let keys = given
        .values("delete-config")
        .iter()
        .flat_map(|keys| keys.split(','));
    keys.map(|key| key.trim().to_owned()).collect()
}

async fn describe(
    admin: &Admin,
    given: &Given,
    entities: &Entities,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let all = given.has("all");
    for name in names(admin, entities).await? {
        match name.as_str() {
            "" => writeln!(
                console.output,
                "Default configs for {} in the cluster are:",
                entities.kind.plural()
            )?,
            name => writeln!(
                console.output,
                "{} configs for {} {name} are:",
                if all { "All" } else { "Dynamic" },
                entities.kind.singular()
            )?,
        }
        for entry in configs_of(admin, &resource(entities.kind, &name)?, all).await? {
            print_entry(&entry, console)?;
        }
    }
    Ok(())
}

async fn names(admin: &Admin, entities: &Entities) -> Result<Vec<String>, Failure> {
    if let Some(name) = &entities.name {
        return Ok(vec![name.clone()]);
    }
    Ok(match entities.kind {
        Kind::Topics => {
            let topics = admin.list_topics().await?.into_keys();
            topics.map(|name| name.as_str().to_owned()).collect()
        }
        Kind::Brokers => {
            let brokers = admin.describe_cluster().await?.brokers.into_iter();
            brokers
                .map(|broker| broker.id.to_string())
                .chain([String::new()])
                .collect()
        }
    })
}

/// The configs of a resource: those that were set for it, or all.
async fn configs_of(
    admin: &Admin,
    resource: &ConfigResource,
    all: bool,
) -> Result<Vec<ConfigEntry>, Failure> {
    let own = match (resource.kind, resource.name.as_str()) {
        (ConfigResourceType::Topic, _) => ConfigSource::DynamicTopic,
        (_, "") => ConfigSource::DynamicDefaultBroker,
        _ => ConfigSource::DynamicBroker,
    };
    let mut described = admin
        .describe_configs(std::slice::from_ref(resource), false)
        .await?;
    let mut entries = described.remove(resource).unwrap_or(Ok(Vec::new()))?;
    entries.retain(|entry| all || entry.source == own);
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

fn resource(kind: Kind, name: &str) -> Result<ConfigResource, Failure> {
    let is_broker = name.is_empty() || name.parse::<i32>().is_ok();
    match kind {
        Kind::Topics => Ok(ConfigResource::topic(name)),
        Kind::Brokers if is_broker => Ok(ConfigResource {
            kind: ConfigResourceType::Broker,
            name: name.to_owned(),
        }),
        Kind::Brokers => Err(Failure::Errors(format!(
            "The entity name for brokers must be a valid integer broker id, found: {name}"
        ))),
    }
}

fn print_entry(entry: &ConfigEntry, console: &mut Console<'_>) -> Result<(), Failure> {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
    let synonyms: Vec<_> = entry
        .synonyms
        .iter()
        .map(|synonym| {
            format!(
                "{}:{}={}",
                synonym.source.name(),
                synonym.name,
                value(&synonym.value)
            )
        })
        .collect();
    writeln!(
        console.output,
        "  {}={} sensitive={} synonyms={{{}}}",
        entry.name,
        value(&entry.value),
        entry.is_sensitive,
        synonyms.join(", ")
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_brackets_belong_to_the_value() {
        let pairs = added("cleanup.policy=[delete,compact], retention.ms = 5").unwrap();
        assert_eq!(pairs["cleanup.policy"], "delete,compact");
        assert_eq!(pairs["retention.ms"], "5");
    }

    #[test]
    fn a_config_without_a_value_is_refused() {
        assert!(added("retention.ms").is_err());
        assert_eq!(added("retention.ms=").unwrap()["retention.ms"], "");
    }
}
