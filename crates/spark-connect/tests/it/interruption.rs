//! Stopping what runs.

use std::sync::atomic::Ordering;

use fleuve_spark_connect::messages::get_status_request::OperationStatusRequest;
use fleuve_spark_connect::messages::get_status_response::operation_status::OperationState;
use fleuve_spark_connect::messages::interrupt_request::{Interrupt, InterruptType};
use fleuve_spark_connect::messages::{
    GetStatusRequest, GetStatusResponse, InterruptRequest, InterruptResponse,
};
use uuid::Uuid;

use crate::support::client::{Received, TestSession, range};
use crate::support::engine::{ENDLESS, PANIC, STUCK};
use crate::support::{Client, serve};

async fn states(session: &TestSession, ids: &[&str]) -> Vec<(String, OperationState)> {
    let request = GetStatusRequest {
        session_id: session.session_id.clone(),
        user_context: session.user(),
        operation_status: Some(OperationStatusRequest {
            operation_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            extensions: Vec::new(),
        }),
        ..GetStatusRequest::default()
    };
    let response: GetStatusResponse = session.client.call("GetStatus", request).await.unwrap();
    let state = |number: i32| OperationState::try_from(number).unwrap();
    response
        .operation_statuses
        .into_iter()
        .map(|status| (status.operation_id, state(status.state)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupting_all_stops_everything_of_the_session_and_nothing_of_others() {
    let (server, engines) = serve(&[]).await;
    let client = Client::connect(server.address()).await;
    let (mine, other) = (client.session(), client.session());
    let mut streams = Vec::new();
    for end in [ENDLESS, STUCK, ENDLESS] {
        streams.push(
            mine.execute(range(0, end), &Uuid::new_v4().to_string())
                .await
                .unwrap(),
        );
    }
    let untouched = other
        .execute(range(0, STUCK), &Uuid::new_v4().to_string())
        .await
        .unwrap();
    assert_eq!(mine.interrupt(InterruptType::All).await.len(), 3);
    for stream in streams {
        assert!(
            Received::all(stream)
                .await
                .error
                .unwrap()
                .contains("[OPERATION_CANCELED]")
        );
    }
    while engines.running.load(Ordering::SeqCst) > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(other.interrupt(InterruptType::All).await.len(), 1);
    assert!(Received::all(untouched).await.error.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupting_by_tag_stops_the_tagged() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let (tagged, plain) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
    let mut request = session.execute_request(range(0, STUCK), &tagged);
    request.tags = vec!["slow".to_owned()];
    let stopped = session.client.stream("ExecutePlan", request).await.unwrap();
    let _goes_on = session.execute(range(0, STUCK), &plain).await.unwrap();
    let request = InterruptRequest {
        session_id: session.session_id.clone(),
        user_context: session.user(),
        interrupt_type: InterruptType::Tag as i32,
        interrupt: Some(Interrupt::OperationTag("slow".to_owned())),
        ..InterruptRequest::default()
    };
    let response: InterruptResponse = session.client.call("Interrupt", request).await.unwrap();
    assert_eq!(response.interrupted_ids, std::slice::from_ref(&tagged));
    assert!(
        Received::all(stopped)
            .await
            .error
            .unwrap()
            .contains("[OPERATION_CANCELED]")
    );
    let known = states(&session, &[&tagged, &plain]).await;
    let mut expected = vec![
        (tagged, OperationState::Cancelled),
        (plain, OperationState::Running),
    ];
    expected.sort();
    assert_eq!(known, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_fails_its_operation_and_no_other() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let failed = Received::all(
        session
            .execute(range(0, PANIC), &Uuid::new_v4().to_string())
            .await
            .unwrap(),
    )
    .await;
    assert!(
        failed
            .error
            .unwrap()
            .contains("[INTERNAL_ERROR] as the test asked")
    );
    let fine = Received::all(
        session
            .execute(range(0, 10), &Uuid::new_v4().to_string())
            .await
            .unwrap(),
    )
    .await;
    assert!(fine.complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_of_what_nobody_knows_is_unknown() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let operation = Uuid::new_v4().to_string();
    Received::all(session.execute(range(0, 10), &operation).await.unwrap()).await;
    assert_eq!(
        states(&session, &[&operation]).await,
        [(operation, OperationState::Succeeded)]
    );
    assert_eq!(
        states(&session, &["x"]).await,
        [("x".to_owned(), OperationState::Unknown)]
    );
}
