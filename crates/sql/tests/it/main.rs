//! The language, end to end: SQL text and plans in, tables out.

// Helpers of tests fail the test.
#![allow(clippy::unwrap_used)]

mod files;
mod mutation;
mod queries;
mod spark;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::AsArray;
use fleuve_sql::ir::{Relation, RelationNode};
use fleuve_sql::{Environment, Session, SparkError, Statement};
use tokio_util::sync::CancellationToken;

/// A session of its own environment.
pub(crate) fn session() -> Session {
    Session::new(Arc::new(Environment::default()))
}

/// Runs a statement; a query's rows come back as `show` draws them.
pub(crate) async fn run(session: &Session, sql: &str) -> Result<String, SparkError> {
    match session.parse_sql(sql, &BTreeMap::new(), &[])? {
        Statement::Query(relation) => show(session, relation).await,
        Statement::Command(command) => {
            session
                .run_command(command, CancellationToken::new())
                .await?;
            Ok(String::new())
        }
    }
}

pub(crate) async fn show(session: &Session, input: Relation) -> Result<String, SparkError> {
    let node = RelationNode::ShowString {
        input,
        rows: 50,
        truncate: 0,
        vertical: false,
    };
    let plan = session.analyze(&node.into()).await?;
    let batches = session
        .execute(&plan, CancellationToken::new())
        .await?
        .collect()
        .await?;
    Ok(batches[0].column(0).as_string::<i32>().value(0).to_owned())
}

/// The rows of a query, cells separated by ` | `.
pub(crate) async fn rows(sql: &str) -> Result<Vec<String>, SparkError> {
    let table = run(&session(), sql).await?;
    let lines = table.lines().filter(|l| l.starts_with('|')).skip(1);
    Ok(lines
        .map(|l| {
            l.trim_matches('|')
                .split('|')
                .map(str::trim)
                .collect::<Vec<_>>()
                .join(" | ")
        })
        .collect())
}

pub(crate) async fn one(sql: &str) -> String {
    match rows(sql).await {
        Ok(rows) => rows.join("; "),
        Err(error) => error.class().to_string(),
    }
}
