//! Files written and read again.

use std::sync::Arc;

use fleuve_sql::{Environment, Session};

use super::run;

fn session_in(folder: &tempfile::TempDir) -> Session {
    let warehouse = folder.path().join("warehouse").display().to_string();
    Session::new(Arc::new(Environment {
        warehouse,
        ..Environment::default()
    }))
}

async fn check(format: &str) {
    let folder = tempfile::tempdir().unwrap();
    let session = session_in(&folder);
    let create = format!(
        "CREATE TABLE t USING {format} PARTITIONED BY (p) AS \
         SELECT * FROM VALUES (1, 'a', 'x=1'), (2, NULL, 'y'), (3, 'c', 'x=1') AS v(id, name, p)"
    );
    run(&session, &create).await.unwrap();
    let rows = run(&session, "SELECT id, name, p FROM t ORDER BY id")
        .await
        .unwrap();
    assert!(
        rows.contains("|1  |a   |x=1|\n|2  |NULL|y  |\n|3  |c   |x=1|"),
        "{rows}"
    );
    run(&session, "INSERT INTO t VALUES (4, 'd', 'z')")
        .await
        .unwrap();
    let count = run(&session, "SELECT count(*) n FROM t").await.unwrap();
    assert!(count.contains("|4  |"), "{count}");
    let table = folder.path().join("warehouse/t");
    assert!(table.join("_SUCCESS").is_file());
    assert!(!table.join("_temporary").exists());
    assert!(table.join("p=x%3D1").is_dir());
}

#[tokio::test]
async fn parquet_comes_back_as_it_was_written() {
    check("parquet").await;
}

#[tokio::test]
async fn json_comes_back_as_it_was_written() {
    check("json").await;
}

#[tokio::test]
async fn an_existing_folder_is_not_overwritten_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let session = session_in(&folder);
    run(&session, "CREATE TABLE t USING parquet AS SELECT 1 a")
        .await
        .unwrap();
    let error = run(&session, "CREATE TABLE t USING parquet AS SELECT 1 a")
        .await
        .unwrap_err();
    assert_eq!(error.class(), "TABLE_OR_VIEW_ALREADY_EXISTS");
}
