//! `KAFKA_*` variables as properties, by the rule of Kafka's container image.
//!
//! `KAFKA_LOG_RETENTION_MS` is `log.retention.ms`: lower case, one underscore is a dot, two
//! are an underscore, three are a dash. Variables that steer the image's scripts or the JVM
//! are left out.

use super::properties::{Origin, Properties};

const PREFIX: &str = "KAFKA_";

/// Names, without the prefix, that never mean a property.
const NOT_PROPERTIES: &[&str] = &[
    "VERSION",
    "HOME",
    "HEAP_OPTS",
    "OPTS",
    "GC_LOG_OPTS",
    "JVM_PERFORMANCE_OPTS",
    "TOOLS_LOG4J_LOGLEVEL",
];
const NOT_PROPERTIES_PREFIXES: &[&str] = &["LOG4J_", "JMX_"];

/// The properties among `variables`; those of other names are ignored.
pub fn properties_of_environment(
    variables: impl IntoIterator<Item = (String, String)>,
) -> Properties {
    let mut sorted: Vec<(String, String)> = variables.into_iter().collect();
    sorted.sort();
    let mut properties = Properties::new();
    for (name, value) in sorted {
        if let Some(key) = key_of_variable(&name) {
            properties.set(&key, &value, Origin::Environment(name));
        }
    }
    properties
}

fn key_of_variable(name: &str) -> Option<String> {
    let rest = name.strip_prefix(PREFIX)?;
    let steers_scripts = NOT_PROPERTIES.contains(&rest)
        || NOT_PROPERTIES_PREFIXES
            .iter()
            .any(|prefix| rest.starts_with(prefix));
    if rest.is_empty() || steers_scripts {
        return None;
    }
    let mut key = String::new();
    let mut underscores = 0;
    for symbol in rest.chars() {
        if symbol == '_' {
            underscores += 1;
            continue;
        }
        push_separator(&mut key, underscores);
        underscores = 0;
        key.push(symbol.to_ascii_lowercase());
    }
    push_separator(&mut key, underscores);
    Some(key)
}

fn push_separator(key: &mut String, underscores: usize) {
    match underscores {
        0 => {}
        1 => key.push('.'),
        2 => key.push('_'),
        3 => key.push('-'),
        more => key.extend(std::iter::repeat_n('_', more)),
    }
}
