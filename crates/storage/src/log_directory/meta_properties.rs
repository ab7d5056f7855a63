//! The `meta.properties` file: which broker of which cluster a log directory belongs to.
//!
//! ```text
//! #
//! #Sat Nov 21 08:00:00 UTC 2026
//! cluster.id=oh-sxaDRTcyAr6pFRbXyzA
//! directory.id=6wWnUQLFSLeMvWkQdCZ6dw
//! node.id=1
//! version=1
//! ```

use std::collections::BTreeMap;

use fleuve_model::BrokerId;
use uuid::Uuid;

/// The content of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaProperties {
    /// The cluster's id.
    pub cluster_id: String,
    /// The broker's id.
    pub node_id: BrokerId,
    /// The directory's own id (KIP-858).
    pub directory_id: Option<Uuid>,
}

/// Why the file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetaPropertiesError {
    /// It is not text.
    #[error("meta.properties is not UTF-8")]
    Encoding,
    /// It is of a broker with ZooKeeper, or was written by something newer.
    #[error("meta.properties has version {0}, known is 1")]
    Version(String),
    /// A value that must be there is not, or is none.
    #[error("meta.properties has no valid {0}")]
    Property(&'static str),
}

impl MetaProperties {
    /// The file's text.
    pub fn encode(&self) -> String {
        let directory_id = self.directory_id.map_or(String::new(), |id| {
            format!("directory.id={}\n", uuid_text(id))
        });
        format!(
            "#\ncluster.id={}\n{directory_id}node.id={}\nversion=1\n",
            self.cluster_id, self.node_id
        )
    }

    /// Reads what [`MetaProperties::encode`] or Kafka wrote. Other properties are passed over.
    pub fn decode(content: &[u8]) -> Result<MetaProperties, MetaPropertiesError> {
        let text = std::str::from_utf8(content).map_err(|_| MetaPropertiesError::Encoding)?;
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with(['#', '!']));
        let properties: BTreeMap<&str, &str> = lines
            .filter_map(|line| line.split_once(['=', ':']))
            .map(|(name, value)| (name.trim(), value.trim()))
            .collect();
        match properties.get("version") {
            Some(&"1") => {}
            other => {
                let version = other.copied().unwrap_or("0").to_owned();
                return Err(MetaPropertiesError::Version(version));
            }
        }
        let cluster_id = properties.get("cluster.id").filter(|id| !id.is_empty());
        let node_id = properties
            .get("node.id")
            .and_then(|id| BrokerId::new(id.parse().ok()?).ok());
        let directory_id = match properties.get("directory.id") {
            Some(id) => Some(uuid_of(id).ok_or(MetaPropertiesError::Property("directory.id"))?),
            None => None,
        };
        Ok(MetaProperties {
            cluster_id: cluster_id
                .ok_or(MetaPropertiesError::Property("cluster.id"))?
                .to_string(),
            node_id: node_id.ok_or(MetaPropertiesError::Property("node.id"))?,
            directory_id,
        })
    }
}

/// Kafka prints every uuid like a topic's: unpadded URL-safe base64.
fn uuid_text(id: Uuid) -> String {
    fleuve_model::TopicId::new(id).map_or_else(|| "A".repeat(22), |id| id.to_string())
}

fn uuid_of(text: &str) -> Option<Uuid> {
    if text == "A".repeat(22) {
        return Some(Uuid::nil());
    }
    fleuve_model::TopicId::parse(text).map(|id| Uuid::from_bytes(*id.as_bytes()))
}
