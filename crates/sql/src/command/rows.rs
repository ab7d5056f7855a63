//! Answers of commands as rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};

use crate::error::{Result, SparkError};
use crate::ir::{DataType, StructField, StructType};
use crate::plan::AnalyzedPlan;
use crate::session::Session;
use crate::types::simple_string;

/// Rows of strings.
pub(crate) fn strings(columns: &[&str], rows: Vec<Vec<Option<String>>>) -> Result<AnalyzedPlan> {
    let fields = columns
        .iter()
        .map(|c| StructField::new(*c, DataType::STRING, true));
    let schema = StructType::new(fields.collect());
    let arrays = (0..columns.len()).map(|i| {
        let values: StringArray = rows
            .iter()
            .map(|row| row.get(i).cloned().flatten())
            .collect();
        Arc::new(values) as ArrayRef
    });
    batch(schema, arrays.collect())
}

pub(crate) fn batch(schema: StructType, arrays: Vec<ArrayRef>) -> Result<AnalyzedPlan> {
    let names: Vec<String> = (0..arrays.len()).map(|i| format!("c{i}")).collect();
    let batch = RecordBatch::try_from_iter_with_nullable(
        names
            .iter()
            .zip(arrays)
            .map(|(name, array)| (name.as_str(), array, true)),
    )?;
    AnalyzedPlan::from_batches(schema, vec![batch])
}

/// One row of one boolean.
pub(crate) fn boolean(name: &str, value: bool) -> Result<AnalyzedPlan> {
    let schema = StructType::new(vec![StructField::new(name, DataType::Boolean, false)]);
    batch(schema, vec![Arc::new(BooleanArray::from(vec![value]))])
}

/// Names, types and comments of columns.
pub(crate) fn describe(schema: &StructType) -> Result<AnalyzedPlan> {
    let rows = schema.fields.iter().map(|field| {
        let metadata: Option<serde_json::Value> = field
            .metadata
            .as_deref()
            .and_then(|m| serde_json::from_str(m).ok());
        let comment =
            metadata.and_then(|m| m.get("comment").and_then(|c| c.as_str().map(str::to_owned)));
        vec![
            Some(field.name.clone()),
            Some(simple_string(&field.data_type)),
            comment,
        ]
    });
    strings(&["col_name", "data_type", "comment"], rows.collect())
}

pub(crate) fn show_tables(
    session: &Session,
    database: Option<String>,
    pattern: Option<String>,
    views_only: bool,
) -> Result<AnalyzedPlan> {
    let catalog = session.catalog();
    let database = database.unwrap_or_else(|| catalog.current_database.clone());
    let found = catalog
        .shared
        .database(&database)
        .ok_or_else(|| SparkError::schema_not_found(&database))?;
    let mut rows: Vec<(String, String, bool)> = found
        .tables
        .values()
        .filter(|t| !views_only || t.view_text.is_some())
        .map(|t| (database.clone(), t.name.clone(), false))
        .collect();
    rows.extend(
        catalog
            .view_names()
            .into_iter()
            .map(|name| (String::new(), name, true)),
    );
    rows.retain(|(_, name, _)| like(name, pattern.as_deref()));
    let column = if views_only { "viewName" } else { "tableName" };
    let schema = StructType::new(vec![
        StructField::new("namespace", DataType::STRING, false),
        StructField::new(column, DataType::STRING, false),
        StructField::new("isTemporary", DataType::Boolean, false),
    ]);
    let namespaces: StringArray = rows.iter().map(|r| Some(r.0.clone())).collect();
    let names: StringArray = rows.iter().map(|r| Some(r.1.clone())).collect();
    let temporary: BooleanArray = rows.iter().map(|r| Some(r.2)).collect();
    batch(
        schema,
        vec![Arc::new(namespaces), Arc::new(names), Arc::new(temporary)],
    )
}

pub(crate) fn show_databases(session: &Session, pattern: Option<String>) -> Result<AnalyzedPlan> {
    let databases = session.catalog().shared.databases();
    let names = databases
        .into_iter()
        .map(|(name, _)| name)
        .filter(|n| like(n, pattern.as_deref()));
    strings(&["namespace"], names.map(|n| vec![Some(n)]).collect())
}

/// True if a name fits a pattern of `*` and `|`, compared without regard to case.
pub(crate) fn like(name: &str, pattern: Option<&str>) -> bool {
    let Some(pattern) = pattern else { return true };
    let alternatives = pattern.split('|').map(|p| {
        regex::escape(p.trim())
            .replace("\\*", ".*")
            .replace('%', ".*")
    });
    let any = alternatives.collect::<Vec<_>>().join("|");
    regex::RegexBuilder::new(&format!("^(?:{any})$"))
        .case_insensitive(true)
        .build()
        .is_ok_and(|regex| regex.is_match(name))
}
