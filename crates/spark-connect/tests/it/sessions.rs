//! Opening, cloning and closing sessions, and who may.

use std::sync::atomic::Ordering;

use fleuve_spark_connect::messages::command::CommandType;
use fleuve_spark_connect::messages::config_request::{GetOption, Set, operation::OpType};
use fleuve_spark_connect::messages::execute_plan_response::ResponseType;
use fleuve_spark_connect::messages::fetch_error_details_response::SparkThrowable;
use fleuve_spark_connect::messages::{
    AnalyzePlanRequest, AnalyzePlanResponse, CloneSessionRequest, CloneSessionResponse, Command,
    FetchErrorDetailsRequest, FetchErrorDetailsResponse, KeyValue, MlCommand, MlCommandResult,
    Plan, analyze_plan_request, analyze_plan_response, execute_plan_response, expression,
    ml_command, ml_command_result, plan,
};
use fleuve_spark_connect::{ConnectConfig, SPARK_VERSION};
use futures::StreamExt;
use prost::Message;
use uuid::Uuid;

use crate::support::client::{Received, error_class, range};
use crate::support::engine::STUCK;
use crate::support::{Client, serve};

#[tokio::test(flavor = "multi_thread")]
async fn no_engine_exists_before_the_first_session() {
    let (server, engines) = serve(&[]).await;
    let client = Client::connect(server.address()).await;
    assert_eq!(engines.opened.load(Ordering::SeqCst), 0);
    client.session().open().await.unwrap();
    assert_eq!(engines.opened.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_known_by_user_and_id() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let mut stranger = session.clone();
    stranger.user_id = "somebody else".to_owned();
    let own = session.open().await.unwrap();
    assert_eq!(session.open().await.unwrap(), own);
    assert_ne!(stranger.open().await.unwrap(), own);
    assert_eq!(server.open_sessions(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_is_that_of_the_protocol() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let request = AnalyzePlanRequest {
        session_id: session.session_id.clone(),
        analyze: Some(analyze_plan_request::Analyze::SparkVersion(
            analyze_plan_request::SparkVersion {},
        )),
        ..AnalyzePlanRequest::default()
    };
    let response: AnalyzePlanResponse = session.client.call("AnalyzePlan", request).await.unwrap();
    let version = analyze_plan_response::SparkVersion {
        version: SPARK_VERSION.to_owned(),
    };
    assert_eq!(
        response.result,
        Some(analyze_plan_response::Result::SparkVersion(version))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_id_is_a_uuid() {
    let (server, _) = serve(&[]).await;
    let mut session = Client::connect(server.address()).await.session();
    session.session_id = "mine".to_owned();
    assert_eq!(
        error_class(&session.open().await.unwrap_err()),
        "INVALID_HANDLE.FORMAT"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_saw_another_server_is_told() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    session.open().await.unwrap();
    let mut request = session.execute_request(range(0, 1), &Uuid::new_v4().to_string());
    request.client_observed_server_side_session_id = Some(Uuid::new_v4().to_string());
    let changed = session
        .client
        .stream("ExecutePlan", request)
        .await
        .unwrap_err();
    assert_eq!(error_class(&changed), "INVALID_HANDLE.SESSION_CHANGED");
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_a_session_ends_what_runs_and_keeps_it_closed() {
    let (server, engines) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let stream = session
        .execute(range(0, STUCK), &Uuid::new_v4().to_string())
        .await
        .unwrap();
    session.close().await.unwrap();
    assert!(
        Received::all(stream)
            .await
            .error
            .unwrap()
            .contains("[INVALID_HANDLE.SESSION_CLOSED]")
    );
    while engines.running.load(Ordering::SeqCst) > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        error_class(&session.open().await.unwrap_err()),
        "INVALID_HANDLE.SESSION_CLOSED"
    );
    assert_eq!(server.open_sessions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_starts_with_the_settings_and_goes_its_own_way() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let set = |value: &str| {
        let pair = KeyValue {
            key: "k".to_owned(),
            value: Some(value.to_owned()),
        };
        OpType::Set(Set {
            pairs: vec![pair],
            silent: None,
        })
    };
    session.config(set("1")).await.unwrap();
    let clone_id = Uuid::new_v4().to_string();
    let request = CloneSessionRequest {
        session_id: session.session_id.clone(),
        user_context: session.user(),
        new_session_id: Some(clone_id.clone()),
        ..CloneSessionRequest::default()
    };
    let response: CloneSessionResponse = session
        .client
        .call("CloneSession", request.clone())
        .await
        .unwrap();
    assert_eq!(response.new_session_id, clone_id);
    let mut clone = session.clone();
    clone.session_id = clone_id;
    session.config(set("2")).await.unwrap();
    let get = OpType::GetOption(GetOption {
        keys: vec!["k".to_owned()],
    });
    assert_eq!(
        clone.config(get).await.unwrap().pairs[0].value.as_deref(),
        Some("1")
    );
    let again = session
        .client
        .call::<_, CloneSessionResponse>("CloneSession", request)
        .await
        .unwrap_err();
    assert_eq!(
        error_class(&again),
        "INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_ALREADY_EXISTS"
    );
}

/// `google.rpc.Status`, as far as the test looks.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<fleuve_spark_connect::messages::Any>,
}

/// `google.rpc.ErrorInfo`.
#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(btree_map = "string, string", tag = "3")]
    metadata: std::collections::BTreeMap<String, String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_has_its_class_in_the_status_and_the_rest_on_request() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let operation = Uuid::new_v4().to_string();
    let malformed = session.reattach(&operation, None).await.unwrap_err();
    assert_eq!(error_class(&malformed), "INVALID_HANDLE.SESSION_NOT_FOUND");
    session.open().await.unwrap();
    let status = session.reattach(&operation, None).await.unwrap_err();
    let details = RpcStatus::decode(status.details()).unwrap();
    let info = ErrorInfo::decode(details.details[0].value.clone()).unwrap();
    assert_eq!(info.reason, "org.apache.spark.SparkSQLException");
    assert_eq!(
        info.metadata["errorClass"],
        "INVALID_HANDLE.OPERATION_NOT_FOUND"
    );
    assert_eq!(info.metadata["sqlState"], "HY000");
    assert_eq!(
        info.metadata["messageParameters"],
        format!(r#"{{"handle":"{operation}"}}"#)
    );
    assert!(
        info.metadata["classes"]
            .starts_with(r#"["org.apache.spark.SparkSQLException","java.sql.SQLException""#)
    );
    let request = FetchErrorDetailsRequest {
        session_id: session.session_id.clone(),
        user_context: session.user(),
        error_id: info.metadata["errorId"].clone(),
        ..FetchErrorDetailsRequest::default()
    };
    let fetched: FetchErrorDetailsResponse = session
        .client
        .call("FetchErrorDetails", request.clone())
        .await
        .unwrap();
    assert_eq!(fetched.root_error_idx, Some(0));
    let throwable = SparkThrowable {
        error_class: Some("INVALID_HANDLE.OPERATION_NOT_FOUND".to_owned()),
        message_parameters: [("handle".to_owned(), operation)].into(),
        sql_state: Some("HY000".to_owned()),
        ..SparkThrowable::default()
    };
    assert_eq!(fetched.errors[0].spark_throwable, Some(throwable));
    let twice: FetchErrorDetailsResponse = session
        .client
        .call("FetchErrorDetails", request)
        .await
        .unwrap();
    assert_eq!(twice.root_error_idx, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_token_nobody_enters_without_it() {
    let (server, engines) = serve(&[("spark.connect.authenticate.token", "open sesame")]).await;
    let mut client = Client::connect(server.address()).await;
    for token in [
        None,
        Some("open"),
        Some("open sesam3"),
        Some("open sesame!"),
    ] {
        client.token = token.map(str::to_owned);
        let refused = client.session().open().await.unwrap_err();
        assert_eq!(
            refused.code(),
            tonic::Code::Unauthenticated,
            "with {token:?}"
        );
    }
    assert_eq!(engines.opened.load(Ordering::SeqCst), 0);
    client.token = Some("open sesame".to_owned());
    client.session().open().await.unwrap();
}

#[test]
fn an_address_of_the_network_needs_a_token_unless_told_otherwise() {
    let config = |settings: &[(&str, &str)]| {
        ConnectConfig::from_properties(
            &settings
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        )
    };
    let open = ("spark.connect.grpc.binding.address", "0.0.0.0");
    assert!(
        config(&[open])
            .unwrap_err()
            .to_string()
            .contains("spark.connect.authenticate.token")
    );
    assert!(config(&[open, ("spark.connect.authenticate.token", "x")]).is_ok());
    assert!(
        config(&[
            open,
            ("fleuve.spark.connect.authentication.required", "false")
        ])
        .is_ok()
    );
    let invalid = config(&[("spark.connect.grpc.binding.port", "70000")])
        .unwrap_err()
        .to_string();
    assert!(
        invalid.contains("spark.connect.grpc.binding.port") && invalid.contains("70000"),
        "{invalid}"
    );
}

/// PySpark asks for it while the interpreter goes away, and reads the first answer alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_is_told_what_was_cleaned_before_the_end() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let clean = ml_command::Command::CleanCache(ml_command::CleanCache {});
    let command = Command {
        command_type: Some(CommandType::MlCommand(MlCommand {
            command: Some(clean),
        })),
    };
    let mut request = session.execute_request(range(0, 1), &Uuid::new_v4().to_string());
    request.plan = Some(Plan {
        op_type: Some(plan::OpType::Command(command)),
    });
    let stream = session.client.stream("ExecutePlan", request).await.unwrap();
    let answers: Vec<_> = stream
        .map(|answer| answer.unwrap().response_type)
        .collect()
        .await;
    let none = expression::Literal {
        literal_type: Some(expression::literal::LiteralType::Integer(0)),
        data_type: None,
    };
    let cleaned = MlCommandResult {
        result_type: Some(ml_command_result::ResultType::Param(none.into())),
    };
    let complete = execute_plan_response::ResultComplete {};
    assert_eq!(
        answers,
        [
            Some(ResponseType::MlCommandResult(cleaned)),
            Some(ResponseType::ResultComplete(complete)),
        ]
    );
}
