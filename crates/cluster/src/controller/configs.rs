//! Changes to the configs of topics, brokers and groups.

use std::collections::BTreeMap;

use super::{
    AlterConfigs, ConfigChange, ConfigOperation, ConfigResource, Controller, ControllerError,
    Record, Reply, repeated,
};

/// Knows the definitions of configs: names, types, limits. They are the broker's.
pub trait ConfigValidator {
    /// Checks all configs that `resource` would have after a change. The error is what the
    /// client reads.
    fn validate(
        &self,
        resource: &ConfigResource,
        configs: &BTreeMap<String, String>,
    ) -> Result<(), String>;

    /// Whether `name` holds a list, which can be appended to.
    fn is_list(&self, resource: &ConfigResource, name: &str) -> bool;

    /// The value that `name` has when it is not set on `resource`, if there is one.
    fn default_value(&self, resource: &ConfigResource, name: &str) -> Option<String>;
}

impl Controller {
    pub(super) fn alter_configs(
        &self,
        resources: Vec<AlterConfigs>,
        validate_only: bool,
    ) -> (Vec<Record>, Reply) {
        let mut records = Vec::new();
        let mut results = Vec::with_capacity(resources.len());
        let repeated = repeated(resources.iter().map(|change| &change.resource));
        for change in &resources {
            let result = if repeated.contains(&change.resource) {
                Err(ControllerError::DuplicateResource)
            } else {
                self.alter_resource(change)
            };
            results.push(result.map(|changes| records.extend(changes)));
        }
        if validate_only {
            records.clear();
        }
        (records, Reply::AlterConfigs(results))
    }

    fn alter_resource(&self, change: &AlterConfigs) -> Result<Vec<Record>, ControllerError> {
        if !repeated(change.changes.iter().map(|change| &change.name)).is_empty() {
            return Err(ControllerError::DuplicateConfigKeys);
        }
        let current = self.image.configs(&change.resource);
        let mut configs = if change.replace {
            BTreeMap::new()
        } else {
            current.clone()
        };
        for change_of_one in &change.changes {
            self.alter_config(&change.resource, change_of_one, &mut configs)?;
        }
        self.validator
            .validate(&change.resource, &configs)
            .map_err(ControllerError::InvalidConfig)?;
        self.check_resource_exists(&change.resource)?;
        Ok(differences(&change.resource, current, &configs))
    }

    fn alter_config(
        &self,
        resource: &ConfigResource,
        change: &ConfigChange,
        configs: &mut BTreeMap<String, String>,
    ) -> Result<(), ControllerError> {
        let name = &change.name;
        match &change.operation {
            ConfigOperation::Set(value) => {
                configs.insert(name.clone(), value.clone());
            }
            ConfigOperation::Delete => {
                configs.remove(name);
            }
            ConfigOperation::Append(value) => {
                let mut entries = self.list_entries("APPEND", resource, name, configs)?;
                for entry in value.split(',') {
                    if !entries.iter().any(|known| known == entry) {
                        entries.push(entry.to_owned());
                    }
                }
                configs.insert(name.clone(), entries.join(","));
            }
            ConfigOperation::Subtract(value) => {
                let mut entries = self.list_entries("SUBTRACT", resource, name, configs)?;
                entries.retain(|known| !value.split(',').any(|entry| entry == known));
                configs.insert(name.clone(), entries.join(","));
            }
        }
        Ok(())
    }

    fn list_entries(
        &self,
        operation: &'static str,
        resource: &ConfigResource,
        name: &str,
        configs: &BTreeMap<String, String>,
    ) -> Result<Vec<String>, ControllerError> {
        if !self.validator.is_list(resource, name) {
            return Err(ControllerError::ConfigNotList {
                operation,
                name: name.to_owned(),
            });
        }
        let value = configs.get(name).cloned();
        let value = value.or_else(|| self.validator.default_value(resource, name));
        let value = value.unwrap_or_default();
        Ok(value
            .split(',')
            .filter(|entry| !entry.is_empty())
            .map(str::to_owned)
            .collect())
    }

    fn check_resource_exists(&self, resource: &ConfigResource) -> Result<(), ControllerError> {
        match resource {
            ConfigResource::Topic(name) if self.image.topic(name).is_none() => {
                Err(ControllerError::ConfigOfUnknownTopic(name.clone()))
            }
            ConfigResource::Broker(Some(id)) if self.image.broker(*id).is_none() => {
                Err(ControllerError::ConfigOfUnknownBroker(*id))
            }
            _ => Ok(()),
        }
    }
}

fn differences(
    resource: &ConfigResource,
    from: &BTreeMap<String, String>,
    to: &BTreeMap<String, String>,
) -> Vec<Record> {
    let record = |name: &String, value: Option<&String>| Record::ConfigSet {
        resource: resource.clone(),
        name: name.clone(),
        value: value.cloned(),
    };
    let set = to
        .iter()
        .filter(|(name, value)| from.get(*name) != Some(value));
    let deleted = from.keys().filter(|name| !to.contains_key(*name));
    let set = set.map(|(name, value)| record(name, Some(value)));
    set.chain(deleted.map(|name| record(name, None))).collect()
}
