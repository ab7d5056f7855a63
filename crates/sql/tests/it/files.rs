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

/// A folder that a stream wrote has the rows of the files that its log names, all or none.
#[tokio::test]
async fn a_streams_log_that_cannot_be_read_fails_and_hides_no_rows() {
    let folder = tempfile::tempdir().unwrap();
    let session = session_in(&folder);
    let written = folder.path().join("streamed");
    let log = written.join("_spark_metadata");
    std::fs::create_dir_all(&log).unwrap();
    std::fs::write(written.join("a.json"), "{\"a\":1}\n").unwrap();
    let file = format!(
        r#"{{"path":"file://{}/a.json","action":"add"}}"#,
        written.display()
    );
    let query = format!("SELECT a FROM json.`{}`", written.display());
    std::fs::write(log.join("0"), format!("v1\n{file}")).unwrap();
    let rows = run(&session, &query).await.unwrap();
    assert!(rows.contains("|1  |"), "{rows}");
    for damaged in ["".to_owned(), format!("x\n{file}"), "v1\n{\"pa".to_owned()] {
        std::fs::write(log.join("1"), &damaged).unwrap();
        let error = run(&session, &query).await.unwrap_err();
        assert!(
            error.to_string().contains("Log file was malformed"),
            "{damaged}: {error}"
        );
    }
}

#[tokio::test]
async fn a_parquet_file_with_damaged_pages_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let session = session_in(&folder);
    let create = "CREATE TABLE t USING parquet AS SELECT concat('text ', id) a FROM range(1000)";
    run(&session, create).await.unwrap();
    let table = folder.path().join("warehouse/t");
    let mut files = std::fs::read_dir(&table)
        .unwrap()
        .map(|file| file.unwrap().path());
    let file = files
        .find(|path| {
            path.extension()
                .is_some_and(|extension| extension == "parquet")
        })
        .unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[4..600].fill(0xff);
    std::fs::write(&file, bytes).unwrap();
    let error = run(&session, "SELECT * FROM t").await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("FAILED_READ_FILE"), "{text}");
    assert!(
        text.contains(&*file.file_name().unwrap().to_string_lossy()),
        "{text}"
    );
}
