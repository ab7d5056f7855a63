use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use super::{Config, ConfigError};

/// Reads a configuration and notes which keys were asked for.
pub(crate) struct Reader<'a> {
    config: &'a Config,
    known: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(config: &'a Config) -> Reader<'a> {
        Reader {
            config,
            known: RefCell::default(),
        }
    }

    /// The value of `key`, which is a known one from now on.
    pub(crate) fn text(&self, key: &'static str) -> Option<&'a str> {
        self.known.borrow_mut().insert(key);
        self.config.get(key).map(str::trim)
    }

    pub(crate) fn number<T>(
        &self,
        key: &'static str,
        default: T,
        allowed: RangeInclusive<T>,
    ) -> Result<T, ConfigError>
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let Some(text) = self.text(key) else {
            return Ok(default);
        };
        let value = text.parse().ok().filter(|value| allowed.contains(value));
        value.ok_or_else(|| {
            let (first, last) = (allowed.start(), allowed.end());
            invalid(key, text, format!("a whole number from {first} to {last}"))
        })
    }

    /// A setting in milliseconds.
    pub(crate) fn millis(&self, key: &'static str, default: u64) -> Result<Duration, ConfigError> {
        const MILLIS_MAX: u64 = i32::MAX as u64;
        self.number(key, default, 0..=MILLIS_MAX)
            .map(Duration::from_millis)
    }

    pub(crate) fn flag(&self, key: &'static str, default: bool) -> Result<bool, ConfigError> {
        match self.text(key) {
            None => Ok(default),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(text) => Err(invalid(key, text, "true or false".to_owned())),
        }
    }

    /// One of a few words, in any case of letters.
    pub(crate) fn choice<T: Copy>(
        &self,
        key: &'static str,
        default: T,
        choices: &[(&str, T)],
    ) -> Result<T, ConfigError> {
        let Some(text) = self.text(key) else {
            return Ok(default);
        };
        let found = choices
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(text));
        found.map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            invalid(key, text, format!("one of {}", words.join(", ")))
        })
    }

    /// Refuses keys that Kafka's clients act on and this one would ignore.
    pub(crate) fn refuse(&self, keys: &[(&'static str, &'static str)]) -> Result<(), ConfigError> {
        for (prefix, advice) in keys {
            let found = self
                .config
                .iter()
                .find(|(key, _)| match prefix.strip_suffix('*') {
                    Some(prefix) => key.starts_with(prefix),
                    None => key == prefix,
                });
            if let Some((key, _)) = found {
                let (key, advice) = (key.to_owned(), (*advice).to_owned());
                return Err(ConfigError::Unsupported { key, advice });
            }
        }
        Ok(())
    }

    /// Warns of keys that nobody has asked for.
    pub(crate) fn finish(self, client: &'static str) {
        let known = self.known.into_inner();
        for (key, _) in self.config.iter().filter(|(key, _)| !known.contains(key)) {
            let nearest = known.iter().min_by_key(|known| distance(known, key));
            match nearest.filter(|nearest| distance(nearest, key) <= 3) {
                Some(nearest) => {
                    tracing::warn!("{key} means nothing to the {client}; did you mean {nearest}?");
                }
                None => tracing::warn!("{key} means nothing to the {client}"),
            }
        }
    }
}

pub(crate) fn invalid(key: &str, value: &str, expected: String) -> ConfigError {
    ConfigError::Invalid {
        key: key.to_owned(),
        value: value.to_owned(),
        expected,
    }
}

/// How many letters to insert, delete or change to get from `a` to `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.bytes().enumerate() {
            let change = diagonal + usize::from(letter != other);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
