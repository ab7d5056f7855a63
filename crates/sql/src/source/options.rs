//! Options of a source, found without regard to case.

use std::collections::BTreeMap;

use crate::error::{Result, SparkError};
use crate::ir::Options;

/// Options by lower-cased key, with the keys as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SourceOptions {
    entries: BTreeMap<String, (String, String)>,
}

impl SourceOptions {
    pub fn new(options: &Options) -> Self {
        let entries = options
            .iter()
            .map(|(key, value)| (key.to_ascii_lowercase(), (key.clone(), value.clone())));
        Self {
            entries: entries.collect(),
        }
    }

    pub fn insert(&mut self, key: &str, value: &str) {
        self.entries
            .insert(key.to_ascii_lowercase(), (key.to_owned(), value.to_owned()));
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries
            .get(&key.to_ascii_lowercase())
            .map(|(_, value)| value.as_str())
    }

    pub fn get_or<'a>(&'a self, key: &str, default: &'a str) -> &'a str {
        self.get(key).unwrap_or(default)
    }

    /// Keys as written, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .values()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub fn flag(&self, key: &str, default: bool) -> Result<bool> {
        match self.get(key) {
            None => Ok(default),
            Some(value) if value.eq_ignore_ascii_case("true") => Ok(true),
            Some(value) if value.eq_ignore_ascii_case("false") => Ok(false),
            Some(value) => Err(SparkError::invalid_data_source_option(
                key,
                value,
                "it must be true or false",
            )),
        }
    }

    pub fn number<T: std::str::FromStr>(&self, key: &str) -> Result<Option<T>> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => value.trim().parse().map(Some).map_err(|_| {
                SparkError::invalid_data_source_option(key, value, "it must be a number")
            }),
        }
    }

    pub fn character(&self, key: &str, default: char) -> Result<char> {
        let Some(value) = self.get(key) else {
            return Ok(default);
        };
        let mut characters = value.chars();
        match (characters.next(), characters.next()) {
            (Some(c), None) => Ok(c),
            _ => Err(SparkError::invalid_data_source_option(
                key,
                value,
                "it must be one character",
            )),
        }
    }
}
