//! The Spark Connect door of the server.
//!
//! Always true: a taken port is fatal if somebody asked for it; otherwise the broker goes on without the door. What
//! the engine needs is made at the first client, not before.

use std::collections::BTreeMap;
#[cfg(not(feature = "spark"))]
use std::net::SocketAddr;

use anyhow::Context;
use fleuve_broker::Broker;
use fleuve_broker::config::Properties;

#[cfg(feature = "spark")]
mod door;
#[cfg(feature = "spark")]
pub(in crate::commands) use door::Door;

const ENABLED: &str = "fleuve.spark.connect.enabled";
/// Whose keys are not the broker's.
const PREFIXES: [&str; 3] = ["spark.", "fleuve.spark.", "fleuve.files."];

/// What of the server's properties is for Spark Connect; the rest stays the broker's.
pub(super) fn split(properties: &Properties) -> (Properties, BTreeMap<String, String>) {
    let mut rest = Properties::new();
    let mut ours = BTreeMap::new();
    for (key, property) in properties.iter() {
        match PREFIXES.iter().any(|prefix| key.starts_with(prefix)) {
            true => drop(ours.insert(key.to_owned(), property.value.clone())),
            false => rest.set(key, &property.value, property.origin.clone()),
        }
    }
    (rest, ours)
}

/// Whether the server should have the door.
fn enabled(properties: &BTreeMap<String, String>) -> anyhow::Result<bool> {
    match properties.get(ENABLED).map(|value| value.trim()) {
        None => Ok(true),
        Some(value) => value
            .parse()
            .with_context(|| format!("{ENABLED} must be `true` or `false`, not `{value}`")),
    }
}

/// Opens the door, if it is wanted and can be.
#[cfg(feature = "spark")]
pub(in crate::commands) async fn open(
    properties: &BTreeMap<String, String>,
    broker: &Broker,
) -> anyhow::Result<Option<Door>> {
    match enabled(properties)? {
        true => Door::open(properties, broker).await,
        false => Ok(None),
    }
}

/// The door of a build that has none.
#[cfg(not(feature = "spark"))]
pub(super) struct Door;

#[cfg(not(feature = "spark"))]
impl Door {
    pub(super) fn address(&self) -> Option<SocketAddr> {
        None
    }

    pub(super) async fn close(self) {}
}

/// Refuses to be asked for what this build lacks.
#[cfg(not(feature = "spark"))]
pub(super) async fn open(
    properties: &BTreeMap<String, String>,
    _broker: &Broker,
) -> anyhow::Result<Option<Door>> {
    let asked_for = properties.keys().find(|key| key.as_str() != ENABLED);
    match asked_for {
        Some(key) if enabled(properties)? => anyhow::bail!(
            "{key} is set, but this build has no Spark Connect: build it with its default features"
        ),
        _ => Ok(None),
    }
}
