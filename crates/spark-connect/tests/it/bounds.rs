//! What one client, or many, can make the server hold.

use fleuve_spark_connect::messages::execute_plan_response::ResponseType;
use futures::StreamExt;
use futures::future::join_all;
use uuid::Uuid;

use crate::support::client::{Received, chunked, error_class, range, reattachable};
use crate::support::engine::STUCK;
use crate::support::{Client, serve};

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_sessions_at_once_are_served_and_one_more_is_refused() {
    let (server, _) = serve(&[("fleuve.spark.connect.sessions.max", "200")]).await;
    let client = Client::connect(server.address()).await;
    let sessions: Vec<_> = (0..200).map(|_| client.session()).collect();
    let results = join_all(sessions.iter().map(|session| async move {
        let stream = session
            .execute(range(0, 500), &Uuid::new_v4().to_string())
            .await?;
        Ok::<_, tonic::Status>(Received::all(stream).await)
    }))
    .await;
    for result in results {
        assert_eq!(result.unwrap().row_count(), 500);
    }
    let refused = client.session().open().await.unwrap_err();
    assert_eq!(error_class(&refused), "FLEUVE_LIMIT.SESSIONS");
    assert!(
        refused
            .message()
            .contains("fleuve.spark.connect.sessions.max")
    );
    sessions[0].close().await.unwrap();
    client.session().open().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_of_a_session_are_bounded() {
    let (server, _) = serve(&[("fleuve.spark.connect.session.operations.max", "3")]).await;
    let session = Client::connect(server.address()).await.session();
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(
            session
                .execute(range(0, STUCK), &Uuid::new_v4().to_string())
                .await
                .unwrap(),
        );
    }
    let refused = session
        .execute(range(0, 1), &Uuid::new_v4().to_string())
        .await
        .unwrap_err();
    assert_eq!(error_class(&refused), "FLEUVE_LIMIT.OPERATIONS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_beyond_its_bound_is_an_error_that_names_the_key() {
    let (server, _) = serve(&[("spark.driver.maxResultSize", "20k")]).await;
    let session = Client::connect(server.address()).await.session();
    let received = Received::all(
        session
            .execute(range(0, 100_000), &Uuid::new_v4().to_string())
            .await
            .unwrap(),
    )
    .await;
    let error = received.error.as_deref().unwrap();
    assert!(
        error.contains("[FLEUVE_LIMIT.RESULT_SIZE]")
            && error.contains("spark.driver.maxResultSize"),
        "{error}"
    );
    assert!(received.row_count() < 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_larger_than_a_chunk_comes_in_several_for_those_who_take_them() {
    let (server, _) = serve(&[("spark.connect.session.resultChunking.maxChunkSize", "1k")]).await;
    let session = Client::connect(server.address()).await.session();
    for (options, expected) in [
        (vec![reattachable(true), chunked()], 2),
        (vec![reattachable(true)], 1),
    ] {
        let mut request = session.execute_request(range(0, 100), &Uuid::new_v4().to_string());
        request.request_options = options;
        let mut stream = session.client.stream("ExecutePlan", request).await.unwrap();
        let mut chunks = Vec::new();
        while let Some(response) = stream.next().await {
            if let Some(ResponseType::ArrowBatch(batch)) = response.unwrap().response_type {
                assert_eq!((batch.row_count, batch.start_offset), (100, Some(0)));
                assert_eq!(batch.chunk_index, Some(chunks.len() as i64));
                assert_eq!(batch.num_chunks_in_batch, Some(expected));
                chunks.push(batch.data);
            }
        }
        assert_eq!(chunks.len() as i64, expected);
        let whole = chunks.concat();
        let rows = arrow::ipc::reader::StreamReader::try_new(whole.as_slice(), None).unwrap();
        assert_eq!(
            rows.map(|batch| batch.unwrap().num_rows()).sum::<usize>(),
            100
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_beyond_its_bound_is_refused() {
    let (server, _) = serve(&[("spark.connect.grpc.maxInboundMessageSize", "10k")]).await;
    let session = Client::connect(server.address()).await.session();
    let mut request = session.execute_request(range(0, 1), &Uuid::new_v4().to_string());
    request.tags = vec!["x".repeat(20_000)];
    let refused = session
        .client
        .stream("ExecutePlan", request)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), tonic::Code::OutOfRange);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_session_is_closed_and_a_busy_one_is_not() {
    let (server, _) =
        serve(&[("spark.connect.session.manager.defaultSessionTimeout", "1ms")]).await;
    let client = Client::connect(server.address()).await;
    let (idle, busy) = (client.session(), client.session());
    let _stream = busy
        .execute(range(0, STUCK), &Uuid::new_v4().to_string())
        .await
        .unwrap();
    idle.open().await.unwrap();
    while server.open_sessions() > 1 {
        tokio::task::yield_now().await;
    }
    busy.open().await.unwrap();
    assert_eq!(
        error_class(&idle.open().await.unwrap_err()),
        "INVALID_HANDLE.SESSION_CLOSED"
    );
}
