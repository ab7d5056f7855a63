//! Queries over rows in memory.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use fleuve_sql::Statement;
use fleuve_sql::ir::{Expression, Literal, Relation, RelationNode};
use tokio_util::sync::CancellationToken;

use super::{one, run, session};

#[tokio::test]
async fn names_and_types_are_sparks() {
    let session = session();
    let table = run(
        &session,
        "SELECT 1 AS id, 'a' name, 3/2, 1 + 2, count(1) FROM range(3)",
    )
    .await;
    assert_eq!(
        table.unwrap(),
        "+---+----+-------+-------+--------+\n\
         |id |name|(3 / 2)|(1 + 2)|count(1)|\n\
         +---+----+-------+-------+--------+\n\
         |1  |a   |1.5    |3      |3       |\n\
         +---+----+-------+-------+--------+\n"
    );
}

#[tokio::test]
async fn queries_give_what_spark_gives() {
    let cases = [
        (
            "SELECT id * 2 FROM range(3) WHERE id > 0 ORDER BY 1 DESC",
            "4; 2",
        ),
        (
            "SELECT a, sum(b) FROM VALUES (1, 2), (1, 3), (2, 5) AS t(a, b) GROUP BY a ORDER BY a",
            "1 | 5; 2 | 5",
        ),
        (
            "SELECT a FROM VALUES (1, 2), (2, 1) AS t(a, b) ORDER BY b",
            "2; 1",
        ),
        (
            "SELECT a, count(*) c FROM VALUES (1), (1), (2) t(a) GROUP BY a HAVING count(*) > 1",
            "1 | 2",
        ),
        (
            "SELECT x.id, y.id FROM range(3) x JOIN range(2) y ON x.id = y.id ORDER BY 1",
            "0 | 0; 1 | 1",
        ),
        (
            "SELECT id FROM range(3) x LEFT JOIN range(2) y USING (id) ORDER BY id",
            "0; 1; 2",
        ),
        (
            "WITH t AS (SELECT 1 a) SELECT a FROM t UNION ALL SELECT 2",
            "1; 2",
        ),
        ("SELECT CASE WHEN 1 > 2 THEN 'x' ELSE 'y' END", "y"),
        ("SELECT explode(array(1, 2, 3))", "1; 2; 3"),
        (
            "SELECT explode(transform(array(1, 2), x -> x * id)) FROM range(2, 3)",
            "2; 4",
        ),
        (
            "SELECT explode(filter(array(1, 2, 3), (x, i) -> x > 1 AND i < 2))",
            "2",
        ),
        (
            "SELECT exists(array(1, 2), x -> x > 1), forall(array(1, 2), x -> x > 1)",
            "true | false",
        ),
        ("SELECT year(to_date('31.12.2019', 'dd.MM.yyyy'))", "2019"),
        (
            "SELECT s.a FROM (SELECT named_struct('a', 1, 'b', 2) s)",
            "1",
        ),
        (
            "SELECT row_number() OVER (PARTITION BY a ORDER BY b) r FROM VALUES (1, 2), (1, 1) t(a, b) ORDER BY r",
            "1; 2",
        ),
        ("SELECT 1 / 0", "DIVIDE_BY_ZERO"),
        ("SELECT 2147483647 + 1", "ARITHMETIC_OVERFLOW"),
        ("SELECT nothing", "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION"),
        ("SELECT * FROM nowhere", "TABLE_OR_VIEW_NOT_FOUND"),
        ("SELECT CAST('x' AS INT)", "CAST_INVALID_INPUT"),
        ("SELECT try_cast('x' AS INT)", "NULL"),
        ("SELECT nosuch(1)", "UNRESOLVED_ROUTINE"),
        ("SELECT (SELECT max(id) FROM range(5))", "4"),
        (
            "SELECT id FROM range(5) WHERE id IN (SELECT id + 3 FROM range(5)) ORDER BY id",
            "3; 4",
        ),
        (
            "SELECT a, b, sum(c) FROM VALUES (1, 1, 1), (1, 2, 2) t(a, b, c) GROUP BY ROLLUP(a, b) ORDER BY a, b",
            "NULL | NULL | 3; 1 | NULL | 3; 1 | 1 | 1; 1 | 2 | 2",
        ),
        ("SELECT DISTINCT id % 2 x FROM range(5) ORDER BY x", "0; 1"),
        (
            "SELECT cast(1.5 as string), cast('2020-01-01' as date), 1L, 2.50, 1e3",
            "1.5 | 2020-01-01 | 1 | 2.50 | 1000.0",
        ),
        ("SELECT 1 WHERE 1 = 2 OR NOT false", "1"),
        ("FROM range(2) SELECT id", "0; 1"),
        ("SELECT cast(5000000000 as int)", "CAST_OVERFLOW"),
        ("SELECT", "PARSE_SYNTAX_ERROR"),
        (
            "SELECT col, t FROM range(1) LATERAL VIEW explode(array(7)) x AS t LATERAL VIEW explode(array(8)) y",
            "8 | 7",
        ),
    ];
    let mut failed = Vec::new();
    for (sql, expected) in cases {
        let found = one(sql).await;
        if found != expected {
            failed.push(format!("{sql}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Three readings in two windows of ten minutes.
const READINGS: &str = "VALUES (TIMESTAMP '2026-01-01 00:01:00', 1), (TIMESTAMP '2026-01-01 00:09:00', 2), \
     (TIMESTAMP '2026-01-01 00:10:00', 5) AS t(ts, v)";

#[tokio::test]
async fn windows_of_time_group_in_sql_text() {
    let grouped = "GROUP BY window(ts, '10 minutes')";
    let cases = [
        (
            format!(
                "SELECT window(ts, '10 minutes').start, sum(v) FROM {READINGS} {grouped} ORDER BY 1"
            ),
            "2026-01-01 00:00:00 | 3; 2026-01-01 00:10:00 | 5",
        ),
        (
            format!(
                "SELECT window.start, window.end, count(*) c FROM {READINGS} {grouped} ORDER BY start DESC"
            ),
            "2026-01-01 00:10:00 | 2026-01-01 00:20:00 | 1; 2026-01-01 00:00:00 | 2026-01-01 00:10:00 | 2",
        ),
        (
            format!("SELECT window, sum(v) FROM {READINGS} {grouped} ORDER BY window"),
            "{2026-01-01 00:00:00, 2026-01-01 00:10:00} | 3; {2026-01-01 00:10:00, 2026-01-01 00:20:00} | 5",
        ),
        (
            format!(
                "SELECT window(ts, '10 minutes') AS w, sum(v) s FROM {READINGS} GROUP BY w ORDER BY s"
            ),
            "{2026-01-01 00:00:00, 2026-01-01 00:10:00} | 3; {2026-01-01 00:10:00, 2026-01-01 00:20:00} | 5",
        ),
        (
            format!(
                "SELECT sum(v) FROM {READINGS} {grouped} HAVING window(ts, '10 minutes').start > TIMESTAMP '2026-01-01 00:05:00'"
            ),
            "5",
        ),
        (
            format!(
                "SELECT sum(v) FROM {READINGS} {grouped} HAVING window.end < TIMESTAMP '2026-01-01 00:15:00'"
            ),
            "3",
        ),
        (
            format!(
                "SELECT sum(v) FROM {READINGS} {grouped} ORDER BY window(ts, '10 minutes').start DESC"
            ),
            "5; 3",
        ),
        (
            format!(
                "SELECT window.start, count(*) FROM {READINGS} GROUP BY window(ts, '10 minutes', '5 minutes') ORDER BY 1"
            ),
            "2025-12-31 23:55:00 | 1; 2026-01-01 00:00:00 | 2; 2026-01-01 00:05:00 | 2; 2026-01-01 00:10:00 | 1",
        ),
        (
            format!(
                "SELECT v % 2 p, window.start, count(*) FROM {READINGS} GROUP BY v % 2, window(ts, '1 hour') ORDER BY p"
            ),
            "0 | 2026-01-01 00:00:00 | 1; 1 | 2026-01-01 00:00:00 | 2",
        ),
        (
            format!(
                "SELECT sum(v) FROM {READINGS} {grouped} HAVING window(ts, '1 hour').start IS NOT NULL"
            ),
            "MISSING_AGGREGATION",
        ),
    ];
    let mut failed = Vec::new();
    for (sql, expected) in cases {
        let found = one(&sql).await;
        if found != expected {
            failed.push(format!("{sql}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test]
async fn json_is_read_and_written_as_spark_does() {
    let cases = [
        (
            "SELECT to_json(named_struct('a', 1, 'b', CAST(NULL AS INT), 'c', 'x'))",
            r#"{"a":1,"c":"x"}"#,
        ),
        (
            "SELECT from_json('{\"a\":1,\"b\":\"x\"}', 'a INT, b STRING')",
            "{1, x}",
        ),
        ("SELECT from_json('{bad', 'a INT')", "{null}"),
        ("SELECT from_json('', 'a INT')", "NULL"),
        (
            "SELECT from_json('{\"a\":\"x\",\"b\":2}', 'a INT, b INT')",
            "{null, 2}",
        ),
        ("SELECT from_json('[1, 2]', 'array<int>')", "[1, 2]"),
        (
            "SELECT get_json_object('{\"a\":{\"b\":[1,2]}}', '$.a.b[1]')",
            "2",
        ),
        (
            "SELECT schema_of_json('{\"b\":1,\"a\":[\"x\"]}')",
            "STRUCT<a: ARRAY<STRING>, b: BIGINT>",
        ),
    ];
    for (sql, expected) in cases {
        assert_eq!(
            one(sql)
                .await
                .replace("NULL}", "null}")
                .replace("{NULL", "{null"),
            expected,
            "{sql}"
        );
    }
}

#[tokio::test]
async fn strings_and_dates_follow_spark() {
    let cases = [
        ("SELECT split('a1b2', '[0-9]')", "[a, b, ]"),
        ("SELECT substring('Spark', -3, 2)", "ar"),
        (
            "SELECT concat('a', 1), upper('x'), length('äb')",
            "a1 | X | 2",
        ),
        ("SELECT 'abc' LIKE 'a%', 'abc' RLIKE 'b'", "true | true"),
        (
            "SELECT regexp_replace('100-200', '(\\\\d+)', 'num')",
            "num-num",
        ),
        (
            "SELECT date_format(TIMESTAMP '2020-01-02 03:04:05', 'yyyy/MM/dd HH:mm')",
            "2020/01/02 03:04",
        ),
        ("SELECT to_date('02.01.2020', 'dd.MM.yyyy')", "2020-01-02"),
    ];
    for (sql, expected) in cases {
        assert_eq!(one(sql).await, expected, "{sql}");
    }
}

fn range(end: i64) -> Relation {
    RelationNode::Range {
        start: 0,
        end,
        step: 1,
        partitions: None,
    }
    .into()
}

#[tokio::test]
async fn rows_without_an_order_come_as_from_spark() {
    let cases = [
        (
            "SELECT id FROM range(3) UNION ALL SELECT 9 UNION ALL SELECT id FROM range(2)",
            "0; 1; 2; 9; 0; 1",
        ),
        (
            "SELECT a.id, b.id FROM range(2) a CROSS JOIN range(3) b",
            "0 | 0; 0 | 1; 0 | 2; 1 | 0; 1 | 1; 1 | 2",
        ),
        (
            "SELECT a.x, b.y FROM VALUES (3), (1), (2) a(x) LEFT JOIN VALUES (1, 'p'), (3, 'q') b(x, y) ON a.x = b.x",
            "3 | q; 1 | p; 2 | NULL",
        ),
        (
            "SELECT x FROM VALUES (3), (1), (2) a(x) LEFT ANTI JOIN VALUES (1) b(x) USING (x)",
            "3; 2",
        ),
        (
            "SELECT id, x FROM range(2), LATERAL explode(array(id, id + 10)) AS t(x)",
            "0 | 0; 0 | 10; 1 | 1; 1 | 11",
        ),
        (
            "SELECT id, x FROM range(2) LEFT JOIN LATERAL explode(filter(array(id), i -> i > 0)) AS t(x) ON true",
            "0 | NULL; 1 | 1",
        ),
        (
            "SELECT a.id, k FROM range(1, 4) a, LATERAL (SELECT b.id k FROM range(3) b WHERE b.id = a.id) ORDER BY 1",
            "1 | 1; 2 | 2",
        ),
    ];
    let mut failed = Vec::new();
    for (sql, expected) in cases {
        let found = one(sql).await;
        if found != expected {
            failed.push(format!("{sql}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test]
async fn a_table_shows_names_whole_and_cells_cut() {
    let session = session();
    let named = RelationNode::ToDf {
        input: range(1),
        names: vec!["a name of a column".to_owned()],
    };
    let shown = RelationNode::ShowString {
        input: named.into(),
        rows: 5,
        truncate: 4,
        vertical: false,
    };
    let plan = session.analyze(&shown.into()).await.unwrap();
    let rows = session
        .execute(&plan, CancellationToken::new())
        .await
        .unwrap();
    let batches = rows.collect().await.unwrap();
    let table = batches[0].column(0).as_string::<i32>().value(0).to_owned();
    assert!(table.contains("|a name of a column|"), "{table}");
}

#[tokio::test]
async fn what_is_observed_is_told_beside_the_rows() {
    let session = session();
    let metrics = vec![
        Expression::function("count", vec![Literal::Integer(1).into()]).alias("rows"),
        Expression::function("max", vec![Expression::attribute("id")]).alias("most"),
    ];
    let observed: Relation = RelationNode::CollectMetrics {
        input: range(5),
        name: "told".to_owned(),
        metrics,
    }
    .into();
    let filtered = RelationNode::Filter {
        input: observed,
        condition: Expression::function(
            ">",
            vec![Expression::attribute("id"), Literal::Long(2).into()],
        ),
    };
    let plan = session.analyze(&filtered.into()).await.unwrap();
    let [observation] = plan.observed.as_slice() else {
        panic!("one observation");
    };
    let values = session.observe(observation, CancellationToken::new()).await;
    assert_eq!(
        values.unwrap(),
        [
            ("rows".to_owned(), Literal::Long(5)),
            ("most".to_owned(), Literal::Long(4))
        ]
    );
}

#[tokio::test]
async fn a_cached_table_is_known_by_all_its_names() {
    let session = session();
    for sql in [
        "CREATE TEMP VIEW v AS SELECT 1 a",
        "CACHE TABLE v",
        "UNCACHE TABLE V",
        "UNCACHE TABLE IF EXISTS nothing",
    ] {
        run(&session, sql).await.unwrap();
    }
    let error = run(&session, "UNCACHE TABLE nothing").await.unwrap_err();
    assert_eq!(error.class(), "TABLE_OR_VIEW_NOT_FOUND");
}

#[tokio::test]
async fn rows_as_text_are_what_a_cast_to_string_gives() {
    let session = session();
    let text =
        "SELECT 1.50, 'a', CAST(NULL AS INT), TIMESTAMP '2020-07-01 00:00:00', array(1, NULL)";
    let Statement::Query(relation) = session.parse_sql(text, &BTreeMap::new(), &[]).unwrap() else {
        panic!("it is a query");
    };
    let plan = session.analyze(&relation).await.unwrap();
    let rows = session
        .execute_as_text(&plan, CancellationToken::new())
        .await;
    let expected = [
        Some("1.50"),
        Some("a"),
        None,
        Some("2020-07-01 00:00:00"),
        Some("[1, null]"),
    ];
    let expected = expected.map(|text| text.map(str::to_owned)).to_vec();
    assert_eq!(rows.unwrap(), [expected]);
}
