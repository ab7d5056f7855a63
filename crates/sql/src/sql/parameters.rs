//! Values for the markers in an SQL text.

use std::collections::BTreeMap;

use crate::error::{Result, SparkError};
use crate::ir::Expression;

/// What `:name` and `?` stand for.
pub(super) struct Parameters<'a> {
    named: Option<&'a BTreeMap<String, Expression>>,
    positional: &'a [Expression],
    used: usize,
}

impl<'a> Parameters<'a> {
    pub(super) fn none() -> Self {
        Self {
            named: None,
            positional: &[],
            used: 0,
        }
    }

    pub(super) fn new(
        named: &'a BTreeMap<String, Expression>,
        positional: &'a [Expression],
    ) -> Self {
        Self {
            named: Some(named),
            positional,
            used: 0,
        }
    }

    /// How many positional markers have been read.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    pub(super) fn named(&self, name: &str) -> Result<Expression> {
        let found = self.named.and_then(|named| named.get(name));
        found
            .cloned()
            .ok_or_else(|| SparkError::unbound_parameter(name))
    }

    pub(super) fn next(&mut self, position: usize) -> Result<Expression> {
        let value = self.positional.get(self.used).cloned();
        self.used += 1;
        value.ok_or_else(|| SparkError::unbound_parameter(&format!("_{position}")))
    }
}
