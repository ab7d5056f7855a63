//! Functions and queries whose answers Apache Spark has given: the files of `tests/spark`.
//!
//! `compat/spark_connect/differential.py record` writes the answers; a case that we answer otherwise stands in
//! `tests/spark/known_differences`, so that a new difference and a mended one both fail the test.

use std::collections::BTreeSet;
use std::path::Path;

use fleuve_sql::ir::Relation;
use fleuve_sql::types::simple_string;
use fleuve_sql::{Session, SparkError, Statement};

use super::{session, show};

const TIME_ZONE: &str = "America/Los_Angeles";

struct Case {
    text: String,
    answer: Vec<String>,
}

fn cases(path: &Path) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        if let Some(answer) = line.strip_prefix("    ") {
            cases.last_mut().unwrap().answer.push(answer.to_owned());
        } else if !line.trim().is_empty() && !line.starts_with('#') {
            cases.push(Case {
                text: line.to_owned(),
                answer: Vec::new(),
            });
        }
    }
    // What Spark has not been asked yet is no case.
    cases.retain(|case| !case.answer.is_empty());
    cases
}

fn is_query(text: &str) -> bool {
    let first = text
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .next();
    let first = first.unwrap_or_default().to_ascii_lowercase();
    ["select", "with", "values", "from", "table"].contains(&first.as_str())
}

/// The cells of a table, blanks run together.
fn rows(table: &str) -> Vec<String> {
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(1);
    let blanks = regex::Regex::new(" +").unwrap();
    lines
        .map(|line| {
            let line = blanks.replace_all(line, " ");
            line.trim_matches(|c| "| ".contains(c)).to_owned()
        })
        .collect()
}

async fn answer(session: &Session, text: &str) -> Result<Vec<String>, SparkError> {
    let is_expression = !is_query(text);
    let sql = if is_expression {
        format!("SELECT {text} AS c")
    } else {
        text.to_owned()
    };
    let relation: Relation = match session.parse_sql(&sql, &Default::default(), &[])? {
        Statement::Query(relation) => relation,
        Statement::Command(_) => return Ok(vec!["a command".to_owned()]),
    };
    let plan = session.analyze(&relation).await?;
    let rows = rows(&show(session, relation).await?);
    let column = |field: &fleuve_sql::ir::StructField| {
        let not_null = if field.nullable { "" } else { " not null" };
        format!("{}{not_null}", simple_string(&field.data_type))
    };
    let fields = &plan.schema.fields;
    if is_expression {
        let value = rows.first().cloned().unwrap_or_default();
        return Ok(vec![
            format!("{}: {value}", column(&fields[0]))
                .trim_end()
                .to_owned(),
        ]);
    }
    let columns: Vec<String> = fields
        .iter()
        .map(|field| format!("{} {}", field.name, column(field)))
        .collect();
    let rows = rows.into_iter().map(|row| row.trim_end().to_owned());
    Ok(std::iter::once(columns.join(", ")).chain(rows).collect())
}

/// The error's class, or the exception's name if Spark gives it none.
fn class(error: &SparkError) -> &str {
    let exception = error.exception().class_name();
    match error.class() {
        "" => exception
            .rsplit(['.', ' '])
            .next()
            .unwrap_or(exception)
            .trim_start_matches("Spark"),
        class => class,
    }
}

/// Cases of a file that we answer otherwise than Spark.
async fn differences(session: &Session, path: &Path) -> Vec<String> {
    let mut differing = Vec::new();
    for case in cases(path) {
        let (found, message) = match answer(session, &case.text).await {
            Ok(answer) => (answer, String::new()),
            Err(error) => (vec![format!("error {}", class(&error))], error.message()),
        };
        if found != case.answer {
            println!(
                "{}\n  Spark {:?}\n  found {found:?} {message}",
                case.text, case.answer
            );
            differing.push(case.text);
        }
    }
    differing
}

#[tokio::test]
async fn answers_are_sparks() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spark");
    let known = std::fs::read_to_string(folder.join("known_differences")).unwrap_or_default();
    let known: BTreeSet<String> = known.lines().map(str::to_owned).collect();
    let session = session();
    session.with_configuration(|c| c.set("spark.sql.session.timeZone", TIME_ZONE).unwrap());
    let mut found = BTreeSet::new();
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    paths.sort();
    for path in paths {
        found.extend(differences(&session, &path).await);
    }
    if std::env::var_os("SPARK_DIFFERENCES_WRITE").is_some() {
        let lines: String = found.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(folder.join("known_differences"), lines).unwrap();
        return;
    }
    let new: Vec<&String> = found.difference(&known).collect();
    let mended: Vec<&String> = known.difference(&found).collect();
    assert!(new.is_empty(), "differ from Spark: {new:#?}");
    assert!(
        mended.is_empty(),
        "no longer differ, strike them from known_differences: {mended:#?}"
    );
}
