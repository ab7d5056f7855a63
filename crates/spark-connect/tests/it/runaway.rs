//! The engine that ships, with queries that would run for years and results that are long.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use fleuve_spark_connect::messages::interrupt_request::InterruptType;
use fleuve_spark_connect::messages::relation::RelType;
use fleuve_spark_connect::messages::{self, Relation};
use fleuve_spark_connect::{ConnectConfig, SparkConnect, SqlEngineFactory};
use fleuve_sql::Environment;
use uuid::Uuid;

use crate::support::Client;
use crate::support::client::{Received, range};

async fn serve() -> SparkConnect {
    let properties =
        BTreeMap::from([("spark.connect.grpc.binding.port".to_owned(), "0".to_owned())]);
    let config = ConnectConfig::from_properties(&properties).unwrap();
    let factory = SqlEngineFactory::new(Arc::new(Environment::default()), None);
    SparkConnect::start(config, Arc::new(factory))
        .await
        .unwrap()
}

fn sql(query: &str) -> Relation {
    Relation {
        common: None,
        rel_type: Some(RelType::Sql(messages::Sql {
            query: query.to_owned(),
            ..messages::Sql::default()
        })),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runaway_query_stops_when_it_is_interrupted() {
    let queries = [
        "SELECT count(*) FROM range(1000000000000) a CROSS JOIN range(1000000000000) b",
        "SELECT sum(id % 7) FROM range(1000000000000000)",
        "SELECT id % 10 k, count(*) FROM range(1000000000000000) GROUP BY id % 10",
        "SELECT max(a.id) FROM range(1000000000000) a JOIN range(1000) b ON a.id % 1000 > b.id",
    ];
    let server = serve().await;
    let session = Client::connect(server.address()).await.session();
    for query in queries {
        let operation = Uuid::new_v4().to_string();
        let mut stream = session.execute(sql(query), &operation).await.unwrap();
        // The schema is sent when the query runs.
        let started = Received::read(&mut stream, 1).await;
        assert_eq!(started.error, None, "{query}");
        let asked = Instant::now();
        assert_eq!(session.interrupt(InterruptType::All).await, [operation]);
        let stopped = Received::all(stream).await;
        let waited = asked.elapsed();
        assert!(
            stopped.error.unwrap().contains("[OPERATION_CANCELED]"),
            "{query}"
        );
        println!("stopped after {} ms: {query}", waited.as_millis());
    }
    let fine = session
        .execute(range(0, 10), &Uuid::new_v4().to_string())
        .await;
    assert_eq!(Received::all(fine.unwrap()).await.row_count(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_of_a_long_result_comes_once_after_the_connection_was_lost() {
    const ROWS: i64 = 500_000;
    let server = serve().await;
    let session = Client::connect(server.address()).await.session();
    let operation = Uuid::new_v4().to_string();
    let mut stream = session.execute(range(0, ROWS), &operation).await.unwrap();
    let before = Received::read(&mut stream, 5).await;
    let last = before.response_ids.last().cloned().unwrap();
    drop(stream);
    // Another connection, as after a network that went away.
    let mut again = session.clone();
    again.client = Client::connect(server.address()).await;
    let after = Received::all(again.reattach(&operation, Some(&last)).await.unwrap()).await;
    assert!(after.complete, "{:?}", after.error);
    let mut expected = 0;
    for (start, count) in before.rows.iter().chain(&after.rows) {
        assert_eq!(*start, expected, "batches follow each other");
        expected += count;
    }
    assert_eq!(expected, ROWS);
    assert!(
        before.rows.len() > 1 && after.rows.len() > 1,
        "both parts have rows"
    );
}
