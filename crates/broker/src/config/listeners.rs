//! `listeners` and `advertised.listeners`: what is bound, and what clients are told.
//!
//! The controller's listeners are left out: the controller is part of every broker and needs
//! no port. Start at [`ListenerConfig::of_settings`].

use std::collections::{BTreeMap, BTreeSet};

use super::settings::BrokerSettings;

/// One address that clients connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerConfig {
    /// Upper-case name, `PLAINTEXT` unless told otherwise.
    pub name: String,
    /// What to bind; `None` is every interface.
    pub host: Option<String>,
    /// 0 is any free port.
    pub port: u16,
    /// What clients are told; `None` is the address they reached.
    pub advertised: Option<AdvertisedAddress>,
}

/// A host and port that clients are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvertisedAddress {
    /// `None` is the host they reached.
    pub host: Option<String>,
    /// 0 is the port that was bound.
    pub port: u16,
}

/// What is wrong with the listener keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenerConfigError {
    #[error("{key}: {entry} is not of the form NAME://host:port")]
    Malformed { key: &'static str, entry: String },
    #[error("listeners: {name} is named twice")]
    NamedTwice { name: String },
    #[error("listeners: none is left for clients; all are controller listeners")]
    NoneForClients,
    #[error(
        "listener.security.protocol.map has no security protocol for listener {name}; \
         add {name}:PLAINTEXT"
    )]
    NoProtocol { name: String },
    #[error(
        "listener {name} asks for {protocol}, which is not supported yet; \
         only PLAINTEXT is served"
    )]
    UnsupportedProtocol { name: String, protocol: String },
    #[error("advertised.listeners names {name}, which is not in listeners")]
    AdvertisedButNotBound { name: String },
}

impl ListenerConfig {
    /// The listeners for clients, in the order written.
    pub fn of_settings(
        settings: &BrokerSettings,
    ) -> Result<Vec<ListenerConfig>, ListenerConfigError> {
        let of_controller: BTreeSet<String> = settings
            .list("controller.listener.names")
            .into_iter()
            .map(uppercase)
            .collect();
        let mut advertised = advertised_addresses(settings)?;
        let mut listeners: Vec<ListenerConfig> = Vec::new();
        for entry in settings.list("listeners") {
            let (name, host, port) = parse_endpoint("listeners", entry)?;
            if of_controller.contains(&name) {
                advertised.remove(&name);
                continue;
            }
            if listeners.iter().any(|known| known.name == name) {
                return Err(ListenerConfigError::NamedTwice { name });
            }
            check_protocol(settings, &name)?;
            let advertised = advertised.remove(&name).or_else(|| {
                host.clone().map(|host| AdvertisedAddress {
                    host: Some(host),
                    port: 0,
                })
            });
            listeners.push(ListenerConfig {
                name,
                host,
                port,
                advertised,
            });
        }
        advertised.retain(|name, _| !of_controller.contains(name));
        if let Some(name) = advertised.into_keys().next() {
            return Err(ListenerConfigError::AdvertisedButNotBound { name });
        }
        if listeners.is_empty() {
            return Err(ListenerConfigError::NoneForClients);
        }
        Ok(listeners)
    }
}

fn advertised_addresses(
    settings: &BrokerSettings,
) -> Result<BTreeMap<String, AdvertisedAddress>, ListenerConfigError> {
    settings
        .list("advertised.listeners")
        .into_iter()
        .map(|entry| {
            let (name, host, port) = parse_endpoint("advertised.listeners", entry)?;
            Ok((name, AdvertisedAddress { host, port }))
        })
        .collect()
}

fn parse_endpoint(
    key: &'static str,
    entry: &str,
) -> Result<(String, Option<String>, u16), ListenerConfigError> {
    let malformed = || ListenerConfigError::Malformed {
        key,
        entry: entry.to_owned(),
    };
    let (name, address) = entry.split_once("://").ok_or_else(malformed)?;
    let (host, port) = address.rsplit_once(':').ok_or_else(malformed)?;
    let port = port.parse().map_err(|_| malformed())?;
    let host = host
        .strip_prefix('[')
        .and_then(|it| it.strip_suffix(']'))
        .unwrap_or(host);
    let is_every_interface = host.is_empty() || host == "0.0.0.0" || host == "::";
    let host = (!is_every_interface).then(|| host.to_owned());
    if name.is_empty() {
        Err(malformed())
    } else {
        Ok((uppercase(name), host, port))
    }
}

/// Only plain text is served so far; anything else is refused by name.
fn check_protocol(settings: &BrokerSettings, name: &str) -> Result<(), ListenerConfigError> {
    let protocol = settings
        .list("listener.security.protocol.map")
        .into_iter()
        .filter_map(|entry| entry.split_once(':'))
        .find(|(listener, _)| uppercase(listener.trim()) == name)
        .map(|(_, protocol)| uppercase(protocol.trim()));
    match protocol.as_deref() {
        Some("PLAINTEXT") => Ok(()),
        Some(other) => Err(ListenerConfigError::UnsupportedProtocol {
            name: name.to_owned(),
            protocol: other.to_owned(),
        }),
        None => Err(ListenerConfigError::NoProtocol {
            name: name.to_owned(),
        }),
    }
}

fn uppercase(name: &str) -> String {
    name.to_ascii_uppercase()
}
