//! Long results over connections that break.

use std::sync::atomic::Ordering;

use uuid::Uuid;

use crate::support::client::{Received, error_class, range, reattachable};
use crate::support::engine::STUCK;
use crate::support::{Client, serve};

#[tokio::test(flavor = "multi_thread")]
async fn a_result_comes_whole_and_ends_with_its_completion() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let stream = session
        .execute(range(0, 1234), &Uuid::new_v4().to_string())
        .await
        .unwrap();
    let received = Received::all(stream).await;
    assert_eq!(received.error, None);
    assert!(received.complete);
    assert_eq!(received.row_count(), 1234);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_result_still_carries_one_batch() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let received = Received::all(
        session
            .execute(range(0, 0), &Uuid::new_v4().to_string())
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(received.rows, [(0, 0)]);
    assert!(received.complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lost_connection_the_rest_comes_once() {
    let (server, _) = serve(&[]).await;
    let operation = Uuid::new_v4().to_string();
    for taken in [1, 2, 7, 50] {
        let first = Client::connect(server.address()).await;
        let session = first.session();
        let mut stream = session.execute(range(0, 10_000), &operation).await.unwrap();
        let before = Received::read(&mut stream, taken).await;
        drop(stream);
        drop(first);
        let mut again = session.clone();
        again.client = Client::connect(server.address()).await;
        let last = before.response_ids.last().map(String::as_str);
        let after = Received::all(again.reattach(&operation, last).await.unwrap()).await;
        assert!(after.complete, "cut after {taken}: {:?}", after.error);
        let rows: Vec<_> = before.rows.iter().chain(&after.rows).copied().collect();
        let expected: Vec<_> = (0..100).map(|batch| (batch * 100, 100)).collect();
        assert_eq!(rows, expected, "cut after {taken}");
        again.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reattaching_without_a_last_response_starts_over() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let operation = Uuid::new_v4().to_string();
    let whole = Received::all(session.execute(range(0, 1000), &operation).await.unwrap()).await;
    let again = Received::all(session.reattach(&operation, None).await.unwrap()).await;
    assert_eq!(whole, again);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_released_cannot_be_read_again() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let operation = Uuid::new_v4().to_string();
    let whole = Received::all(session.execute(range(0, 1000), &operation).await.unwrap()).await;
    let released = session
        .release_until(&operation, &whole.response_ids[3])
        .await;
    assert_eq!(released.operation_id.as_deref(), Some(operation.as_str()));
    let again = Received::all(session.reattach(&operation, None).await.unwrap()).await;
    assert!(
        again
            .error
            .unwrap()
            .contains("INVALID_CURSOR.POSITION_NOT_AVAILABLE")
    );
    let unknown = session
        .reattach(&operation, Some(&whole.response_ids[2]))
        .await
        .unwrap_err();
    assert_eq!(error_class(&unknown), "INVALID_CURSOR.POSITION_NOT_FOUND");
    let rest = Received::all(
        session
            .reattach(&operation, Some(&whole.response_ids[4]))
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(rest.response_ids, whole.response_ids[5..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_operation_is_not_found_and_releasing_it_again_is_no_error() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let operation = Uuid::new_v4().to_string();
    Received::all(session.execute(range(0, 10), &operation).await.unwrap()).await;
    session.release_all(&operation).await;
    assert_eq!(session.release_all(&operation).await.operation_id, None);
    let gone = session.reattach(&operation, None).await.unwrap_err();
    assert_eq!(error_class(&gone), "INVALID_HANDLE.OPERATION_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_reader_disconnects_the_first() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let operation = Uuid::new_v4().to_string();
    let first = session.execute(range(0, STUCK), &operation).await.unwrap();
    let second = session.reattach(&operation, None).await.unwrap();
    let received = Received::all(first).await;
    assert!(
        received
            .error
            .unwrap()
            .contains("INVALID_CURSOR.DISCONNECTED")
    );
    drop(second);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_id_is_used_once() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let operation = Uuid::new_v4().to_string();
    Received::all(session.execute(range(0, 10), &operation).await.unwrap()).await;
    let again = session.execute(range(0, 10), &operation).await.unwrap_err();
    assert_eq!(
        error_class(&again),
        "INVALID_HANDLE.OPERATION_ALREADY_EXISTS"
    );
    let malformed = session.execute(range(0, 10), "first").await.unwrap_err();
    assert_eq!(error_class(&malformed), "INVALID_HANDLE.FORMAT");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_without_reattachment_ends_with_its_stream() {
    let (server, engines) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let operation = Uuid::new_v4().to_string();
    let mut request = session.execute_request(range(0, i64::MAX), &operation);
    request.request_options = vec![reattachable(false)];
    let mut stream = session.client.stream("ExecutePlan", request).await.unwrap();
    let received = Received::read(&mut stream, 5).await;
    assert_eq!(received.error, None);
    drop(stream);
    while engines.running.load(Ordering::SeqCst) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanishes_leaves_nothing_behind() {
    let (server, engines) =
        serve(&[("spark.connect.execute.manager.detachedTimeout", "1ms")]).await;
    let client = Client::connect(server.address()).await;
    let session = client.session();
    let operation = Uuid::new_v4().to_string();
    let mut stream = session
        .execute(range(0, i64::MAX), &operation)
        .await
        .unwrap();
    Received::read(&mut stream, 3).await;
    drop((stream, client));
    while engines.running.load(Ordering::SeqCst) > 0 {
        tokio::task::yield_now().await;
    }
    let mut later = session.clone();
    later.client = Client::connect(server.address()).await;
    let abandoned = later.reattach(&operation, None).await.unwrap_err();
    assert_eq!(
        error_class(&abandoned),
        "INVALID_HANDLE.OPERATION_ABANDONED"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_at_its_limit_and_the_client_comes_back() {
    let (server, _) = serve(&[(
        "spark.connect.execute.reattachable.senderMaxStreamSize",
        "2k",
    )])
    .await;
    let session = Client::connect(server.address()).await.session();
    let operation = Uuid::new_v4().to_string();
    let mut received =
        Received::all(session.execute(range(0, 5000), &operation).await.unwrap()).await;
    assert!(!received.complete);
    let mut rows = received.row_count();
    let mut streams = 1;
    while !received.complete {
        let last = received
            .response_ids
            .last()
            .expect("a stream carries something")
            .clone();
        received = Received::all(session.reattach(&operation, Some(&last)).await.unwrap()).await;
        assert_eq!(received.error, None);
        rows += received.row_count();
        streams += 1;
    }
    assert_eq!(rows, 5000);
    assert!(streams > 10);
}
