//! The `kafka-protocol` crate, where it reaches: Kafka 4.1.

use bytes::{Bytes, BytesMut};
use fleuve_protocol::schema::sample;
use fleuve_protocol::wire::{Decoder, Encoder};
use fleuve_protocol::{AnyRequest, AnyResponse, ApiKey};
use kafka_protocol::messages::{ApiKey as TheirKey, RequestKind, ResponseKind};

use crate::{ROUNDS, hex, random};

#[test]
fn every_message_that_kafka_protocol_knows_has_the_same_bytes_there() {
    let mut compared = 0;
    for key in ApiKey::ALL.iter().copied() {
        let theirs = TheirKey::try_from(key.to_wire()).expect("it knows every key of ours");
        let valid = theirs.valid_versions();
        for version in key
            .versions()
            .iter()
            .filter(|v| (valid.min..=valid.max).contains(v))
        {
            for seed in 0..ROUNDS {
                compared += u32::from(same_request(key, theirs, version, seed));
                compared += u32::from(same_response(key, theirs, version, seed));
            }
        }
    }
    println!("{compared} messages are the same");
    assert!(compared > 5_000);
}

/// Whether the crate knows the version; panics if it differs.
fn same_request(key: ApiKey, theirs: TheirKey, version: i16, seed: u64) -> bool {
    let context = format!("{key} request {version}, seed {seed}");
    let bytes = sample(
        key.schemas().0,
        version,
        key.is_flexible(version),
        &mut random(seed),
    );
    let ours = {
        let mut input = Decoder::new(Bytes::from(bytes.clone()));
        let decoded = AnyRequest::decode(key, version, &mut input).expect(&context);
        let mut out = Encoder::new();
        decoded.encode(version, &mut out).expect(&context);
        out.finish().into_bytes()
    };
    let mut input = Bytes::from(bytes);
    let decoded = match RequestKind::decode(theirs, &mut input, version) {
        // Some messages are behind the versions that the crate claims for their key.
        Err(error) if format!("{error:?}").contains("version not supported") => return false,
        decoded => decoded.expect(&context),
    };
    assert!(input.is_empty(), "{context}");
    let mut encoded = BytesMut::new();
    decoded.encode(&mut encoded, version).expect(&context);
    assert_eq!(hex(&ours), hex(&encoded), "{context}: {decoded:?}");
    true
}

/// Whether the crate knows the version; panics if it differs.
fn same_response(key: ApiKey, theirs: TheirKey, version: i16, seed: u64) -> bool {
    let context = format!("{key} response {version}, seed {seed}");
    let bytes = sample(
        key.schemas().1,
        version,
        key.is_flexible(version),
        &mut random(seed),
    );
    let ours = {
        let mut input = Decoder::new(Bytes::from(bytes.clone()));
        let decoded = AnyResponse::decode(key, version, &mut input).expect(&context);
        let mut out = Encoder::new();
        decoded.encode(version, &mut out).expect(&context);
        out.finish().into_bytes()
    };
    let mut input = Bytes::from(bytes);
    let decoded = match ResponseKind::decode(theirs, &mut input, version) {
        // Some messages are behind the versions that the crate claims for their key.
        Err(error) if format!("{error:?}").contains("version not supported") => return false,
        decoded => decoded.expect(&context),
    };
    assert!(input.is_empty(), "{context}");
    let mut encoded = BytesMut::new();
    decoded.encode(&mut encoded, version).expect(&context);
    assert_eq!(hex(&ours), hex(&encoded), "{context}: {decoded:?}");
    true
}
