//! Errors as Spark reports them: a class, an SQLSTATE, named parameters, the query's context, a Java exception class.
//!
//! Always true: an error is built by a typed constructor of its family's file, never from a bare string, so its class
//! and parameters cannot drift from its message. Start at [`SparkError`].

mod arithmetic;
mod cast;
mod configuration;
mod data_source;
mod exception;
mod function;
mod grouping;
mod internal;
mod parse;
mod resolution;
mod streaming;
mod types;
mod unsupported;
mod window;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use datafusion::error::DataFusionError;

pub use exception::Exception;
pub(crate) use resolution::quote_identifier;

use crate::ir::Origin;

pub type Result<T> = std::result::Result<T, SparkError>;

/// An error of the language, cheap to move.
#[derive(Clone, PartialEq)]
pub struct SparkError(Box<Body>);

#[derive(Clone, Debug, PartialEq)]
struct Body {
    class: String,
    sql_state: Option<&'static str>,
    text: String,
    parameters: BTreeMap<String, String>,
    query_context: Vec<QueryContext>,
    exception: Exception,
}

/// Which part of the user's program an error speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryContext {
    /// A half-open character range of the SQL text `sql`.
    Sql {
        sql: String,
        start: usize,
        stop: usize,
        object_type: String,
        object_name: String,
    },
    DataFrame {
        fragment: String,
        call_site: String,
    },
}

impl SparkError {
    fn new(
        exception: Exception,
        class: impl Into<String>,
        sql_state: &'static str,
        text: impl Into<String>,
    ) -> Self {
        Self(Box::new(Body {
            class: class.into(),
            sql_state: Some(sql_state),
            text: text.into(),
            parameters: BTreeMap::new(),
            query_context: Vec::new(),
            exception,
        }))
    }

    /// An exception that has no class in Spark either.
    fn unclassified(exception: Exception, text: impl Into<String>) -> Self {
        let mut error = Self::new(exception, "", "", text);
        error.0.sql_state = None;
        error
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.parameters.insert(name.to_owned(), value.into());
        self
    }

    /// Adds where in the user's program the error arose, unless a nearer place is already known.
    pub fn at(mut self, origin: Option<&Arc<Origin>>) -> Self {
        if let (Some(origin), true) = (origin, self.0.query_context.is_empty()) {
            self.0.query_context.push(QueryContext::from_origin(origin));
        }
        self
    }

    /// The error class, as `UNRESOLVED_COLUMN.WITH_SUGGESTION`; empty for the few exceptions that Spark gives none.
    pub fn class(&self) -> &str {
        &self.0.class
    }

    pub fn sql_state(&self) -> Option<&'static str> {
        self.0.sql_state
    }

    /// The named values of the message.
    pub fn parameters(&self) -> &BTreeMap<String, String> {
        &self.0.parameters
    }

    pub fn query_context(&self) -> &[QueryContext] {
        &self.0.query_context
    }

    /// The Java exception that Spark would throw.
    pub fn exception(&self) -> Exception {
        self.0.exception
    }

    /// The whole message: `[CLASS] text SQLSTATE: state`, then the query contexts.
    pub fn message(&self) -> String {
        self.to_string()
    }
}

impl QueryContext {
    fn from_origin(origin: &Origin) -> Self {
        match origin.sql_range {
            Some((start, stop)) => Self::Sql {
                sql: origin.fragment.to_string(),
                start,
                stop,
                object_type: String::new(),
                object_name: String::new(),
            },
            None => Self::DataFrame {
                fragment: origin.fragment.to_string(),
                call_site: origin.call_site.clone(),
            },
        }
    }

    /// The part of the program that the context covers.
    pub fn fragment(&self) -> String {
        match self {
            Self::Sql {
                sql, start, stop, ..
            } => sql.chars().take(*stop).skip(*start).collect(),
            Self::DataFrame { fragment, .. } => fragment.clone(),
        }
    }

    /// The context as Spark prints it under a message.
    pub fn summary(&self) -> String {
        match self {
            Self::Sql {
                sql, start, stop, ..
            } => sql_summary(sql, *start, *stop),
            Self::DataFrame {
                fragment,
                call_site,
            } => {
                format!("== DataFrame ==\n\"{fragment}\" was called from\n{call_site}\n")
            }
        }
    }
}

fn sql_summary(sql: &str, start: usize, stop: usize) -> String {
    let before: String = sql.chars().take(start).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count();
    let mut text = format!("== SQL (line {line}, position {}) ==\n", column + 1);
    let mut offset = 0;
    for sql_line in sql.split('\n') {
        let length = sql_line.chars().count();
        let marks: String = (0..length)
            .map(|i| {
                if (start..stop).contains(&(offset + i)) {
                    '^'
                } else {
                    ' '
                }
            })
            .collect();
        text.push_str(&format!("{sql_line}\n{}\n", marks.trim_end()));
        offset += length + 1;
    }
    text
}

impl fmt::Display for SparkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.class.is_empty() {
            write!(f, "[{}] ", self.0.class)?;
        }
        write!(f, "{}", self.0.text)?;
        if let Some(state) = self.0.sql_state {
            write!(f, " SQLSTATE: {state}")?;
        }
        for context in &self.0.query_context {
            write!(f, "\n{}", context.summary())?;
        }
        Ok(())
    }
}

impl fmt::Debug for SparkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl std::error::Error for SparkError {}

impl From<SparkError> for DataFusionError {
    fn from(error: SparkError) -> Self {
        DataFusionError::External(Box::new(error))
    }
}

impl From<DataFusionError> for SparkError {
    /// Finds the Spark error inside, or reports what DataFusion said as an internal error.
    fn from(error: DataFusionError) -> Self {
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(current) = source {
            if let Some(found) = current.downcast_ref::<SparkError>() {
                return found.clone();
            }
            if let Some(DataFusionError::Shared(shared)) = current.downcast_ref::<DataFusionError>()
            {
                source = Some(shared.as_ref());
                continue;
            }
            if let Some(DataFusionError::External(external)) =
                current.downcast_ref::<DataFusionError>()
            {
                source = Some(external.as_ref());
                continue;
            }
            source = current.source();
        }
        Self::from_engine(&error)
    }
}

impl From<arrow::error::ArrowError> for SparkError {
    fn from(error: arrow::error::ArrowError) -> Self {
        DataFusionError::from(error).into()
    }
}
