use bytes::Bytes;
use fleuve_protocol::api::metadata::{MetadataResponseBroker, MetadataResponseTopic};
use fleuve_protocol::api::{
    FetchRequest, JoinGroupRequest, ListOffsetsRequest, MetadataRequest, MetadataResponse,
};
use fleuve_protocol::schema::sample;
use fleuve_protocol::wire::{Decoder, Encoder};
use fleuve_protocol::{AnyRequest, AnyResponse, ApiKey, EncodeError, Message, Str};

use crate::random;

const ROUNDS: u64 = 20;

#[test]
fn every_message_in_every_version_encodes_to_the_bytes_it_was_decoded_from() {
    for key in ApiKey::ALL.iter().copied() {
        let (request, response) = key.schemas();
        for version in key.versions().iter() {
            for seed in 0..ROUNDS {
                let is_flexible = key.is_flexible(version);
                let context = format!("{key} {version}, seed {seed}");

                let bytes = sample(request, version, is_flexible, &mut random(seed));
                let mut input = Decoder::new(Bytes::from(bytes.clone()));
                let decoded = AnyRequest::decode(key, version, &mut input).expect(&context);
                assert_eq!(input.remaining(), 0, "{context}");
                let mut out = Encoder::new();
                decoded.encode(version, &mut out).expect(&context);
                assert_eq!(out.finish().into_bytes(), bytes, "{context}: {decoded:?}");

                let bytes = sample(response, version, is_flexible, &mut random(seed));
                let mut input = Decoder::new(Bytes::from(bytes.clone()));
                let decoded = AnyResponse::decode(key, version, &mut input).expect(&context);
                assert_eq!(input.remaining(), 0, "{context}");
                let mut out = Encoder::new();
                decoded.encode(version, &mut out).expect(&context);
                let mut measured = Encoder::measuring();
                decoded.encode(version, &mut measured).expect(&context);
                assert_eq!(measured.len(), bytes.len(), "{context}");
                assert_eq!(out.finish().into_bytes(), bytes, "{context}: {decoded:?}");
            }
        }
    }
}

#[test]
fn request_and_response_of_an_api_have_the_same_versions() {
    fn same<R: fleuve_protocol::Request>() {
        assert_eq!(R::VERSIONS, R::Response::VERSIONS, "{}", R::NAME);
        assert_eq!(R::FLEXIBLE, R::Response::FLEXIBLE, "{}", R::NAME);
    }
    same::<MetadataRequest>();
    same::<FetchRequest>();
    same::<ListOffsetsRequest>();
    same::<JoinGroupRequest>();
}

#[test]
fn defaults_are_those_of_kafka() {
    let fetch = FetchRequest::default();
    assert_eq!(fetch.replica_id, -1);
    assert_eq!(fetch.max_bytes, i32::MAX);
    assert_eq!(fetch.cluster_id, None);
    assert_eq!(MetadataRequest::default().topics, Some(vec![]));
    assert!(MetadataRequest::default().allow_auto_topic_creation);
    assert_eq!(
        MetadataResponseTopic::default().topic_authorized_operations,
        i32::MIN
    );
}

#[test]
fn a_field_that_matters_is_not_lost_silently() {
    let request = JoinGroupRequest {
        group_instance_id: Some(Str::from_static("instance")),
        ..JoinGroupRequest::default()
    };
    assert_eq!(
        request.to_bytes(4),
        Err(EncodeError::FieldLost {
            message: "JoinGroupRequest",
            field: "group_instance_id",
            version: 4
        })
    );
    assert!(request.to_bytes(5).is_ok());
}

#[test]
fn an_ignorable_field_is_left_out_where_the_version_has_none() {
    let rack = Some(Str::from_static("rack"));
    let broker = MetadataResponseBroker {
        rack,
        ..MetadataResponseBroker::default()
    };
    let response = MetadataResponse {
        brokers: vec![broker],
        ..MetadataResponse::default()
    };
    let bytes = response.to_bytes(0).expect("the rack is ignorable");
    let decoded = MetadataResponse::from_bytes(0, bytes).expect("as written");
    assert_eq!(decoded.brokers[0].rack, None);
}

#[test]
fn null_is_an_error_where_the_version_allows_none() {
    let request = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    assert_eq!(
        request.to_bytes(0),
        Err(EncodeError::Null {
            field: "topics",
            version: 0
        })
    );
    assert_eq!(request.to_bytes(1).expect("null is allowed")[..], [0xff; 4]);
}

#[test]
fn an_unknown_tagged_field_is_skipped() {
    let mut bytes = MetadataRequest::default()
        .to_bytes(12)
        .expect("encodes")
        .to_vec();
    assert_eq!(bytes.pop(), Some(0));
    bytes.extend([1, 99, 3, b'n', b'e', b'w']);
    let decoded = MetadataRequest::from_bytes(12, Bytes::from(bytes)).expect("decodes");
    assert_eq!(decoded, MetadataRequest::default());
}

#[test]
fn a_version_that_does_not_exist_is_refused() {
    assert!(matches!(
        MetadataRequest::default().to_bytes(14),
        Err(EncodeError::UnsupportedVersion { version: 14, .. })
    ));
    assert!(MetadataRequest::from_bytes(-1, Bytes::from_static(&[0; 8])).is_err());
}
