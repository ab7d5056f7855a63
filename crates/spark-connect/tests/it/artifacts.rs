//! Files that clients upload.

use bytes::Bytes;
use fleuve_spark_connect::messages::add_artifacts_request::{
    ArtifactChunk, Batch, BeginChunkedArtifact, Payload, SingleChunkArtifact,
};
use fleuve_spark_connect::messages::{
    AddArtifactsRequest, AddArtifactsResponse, ArtifactStatusesRequest, ArtifactStatusesResponse,
};
use tonic::Status;

use crate::support::client::error_class;
use crate::support::{Client, TestSession, serve};

fn chunk(data: &'static str) -> ArtifactChunk {
    let mut crc = flate2::Crc::new();
    crc.update(data.as_bytes());
    ArtifactChunk {
        data: Bytes::from(data),
        crc: i64::from(crc.sum()),
    }
}

fn single(name: &str, data: &'static str) -> Payload {
    let artifact = SingleChunkArtifact {
        name: name.to_owned(),
        data: Some(chunk(data)),
    };
    Payload::Batch(Batch {
        artifacts: vec![artifact],
    })
}

async fn upload(
    session: &TestSession,
    payloads: Vec<Payload>,
) -> Result<AddArtifactsResponse, Status> {
    let message = |payload| AddArtifactsRequest {
        session_id: session.session_id.clone(),
        user_context: session.user(),
        payload: Some(payload),
        ..AddArtifactsRequest::default()
    };
    session
        .client
        .add_artifacts(payloads.into_iter().map(message).collect())
        .await
}

async fn exists(session: &TestSession, name: &str) -> bool {
    let request = ArtifactStatusesRequest {
        session_id: session.session_id.clone(),
        user_context: session.user(),
        names: vec![name.to_owned()],
        ..ArtifactStatusesRequest::default()
    };
    let response: ArtifactStatusesResponse = session
        .client
        .call("ArtifactStatus", request)
        .await
        .unwrap();
    response.statuses[name].exists
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_arrive_whole_or_in_chunks_and_belong_to_their_session() {
    let (server, _) = serve(&[]).await;
    let client = Client::connect(server.address()).await;
    let session = client.session();
    let begin = BeginChunkedArtifact {
        name: "cache/abc".to_owned(),
        total_bytes: 9,
        num_chunks: 3,
        initial_chunk: Some(chunk("one")),
    };
    let payloads = vec![
        single("pyfiles/a.py", "print()"),
        Payload::BeginChunk(begin),
        Payload::Chunk(chunk("two")),
        Payload::Chunk(chunk("six")),
        single("classes/A.class", "\u{7f}"),
    ];
    let response = upload(&session, payloads).await.unwrap();
    let added: Vec<_> = response
        .artifacts
        .iter()
        .map(|one| (one.name.as_str(), one.is_crc_successful))
        .collect();
    assert_eq!(
        added,
        [
            ("pyfiles/a.py", true),
            ("cache/abc", true),
            ("classes/A.class", true)
        ]
    );
    assert!(exists(&session, "cache/abc").await);
    assert!(!exists(&session, "cache/abd").await);
    assert!(!exists(&client.session(), "cache/abc").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_artifact_is_reported_and_not_kept() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let damaged = ArtifactChunk {
        crc: 1,
        ..chunk("data")
    };
    let artifact = SingleChunkArtifact {
        name: "cache/x".to_owned(),
        data: Some(damaged),
    };
    let response = upload(
        &session,
        vec![Payload::Batch(Batch {
            artifacts: vec![artifact],
        })],
    )
    .await
    .unwrap();
    assert!(!response.artifacts[0].is_crc_successful);
    assert!(!exists(&session, "cache/x").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_stay_inside_of_the_session() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    for name in ["../x", "/etc/x", "a/../../x", ""] {
        let refused = upload(&session, vec![single(name, "data")])
            .await
            .unwrap_err();
        assert_eq!(error_class(&refused), "INVALID_ARTIFACT_PATH", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_not_replaced_by_another_of_its_name() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    upload(&session, vec![single("files/x", "one")])
        .await
        .unwrap();
    upload(&session, vec![single("files/x", "one")])
        .await
        .unwrap();
    let refused = upload(&session, vec![single("files/x", "two")])
        .await
        .unwrap_err();
    assert_eq!(error_class(&refused), "ARTIFACT_ALREADY_EXISTS");
    upload(&session, vec![single("classes/A", "one")])
        .await
        .unwrap();
    upload(&session, vec![single("classes/A", "two")])
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_of_a_session_are_bounded() {
    let (server, _) = serve(&[("fleuve.spark.connect.session.artifacts.bytes.max", "10")]).await;
    let session = Client::connect(server.address()).await.session();
    upload(&session, vec![single("files/x", "12345678")])
        .await
        .unwrap();
    let refused = upload(&session, vec![single("files/y", "12345678")])
        .await
        .unwrap_err();
    assert_eq!(error_class(&refused), "FLEUVE_LIMIT.ARTIFACTS");
}
