use bytes::Bytes;
use fleuve_protocol::Str;
use fleuve_protocol::internal_records::consumer_protocol::{
    ConsumerProtocolAssignment, ConsumerProtocolSubscription, TopicPartition,
};
use fleuve_protocol::internal_records::metadata::FeatureLevelRecord;
use fleuve_protocol::internal_records::offsets::{OffsetCommitKey, OffsetCommitValue};
use fleuve_protocol::internal_records::{
    GroupRecordKey, GroupRecordValue, MetadataRecord, decode_consumer_protocol, encode_versioned,
};

#[test]
fn a_committed_offset_has_kafkas_bytes() {
    let key = GroupRecordKey::Offset(OffsetCommitKey {
        group: Str::from_static("g"),
        topic: Str::from_static("t"),
        partition: 2,
    });
    let bytes = key.encode().expect("encodes");
    assert_eq!(bytes[..], [0, 1, 0, 1, b'g', 0, 1, b't', 0, 0, 0, 2]);
    assert_eq!(GroupRecordKey::decode(bytes), Ok(key.clone()));

    let value = GroupRecordValue::Offset(OffsetCommitValue {
        offset: 258,
        commit_timestamp: 5,
        ..OffsetCommitValue::default()
    });
    let bytes = value.encode(3).expect("encodes");
    let expected = [
        0, 3, 0, 0, 0, 0, 0, 0, 1, 2, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5,
    ];
    assert_eq!(bytes[..], expected);
    assert_eq!(key.decode_value(bytes), Ok(value));
}

#[test]
fn an_unknown_type_of_record_is_named() {
    let error = GroupRecordKey::decode(Bytes::from_static(&[0, 77, 0, 0])).expect_err("unknown");
    assert_eq!(error.to_string(), "a record of an unknown type: 77");
}

#[test]
fn a_metadata_record_has_frame_version_type_and_version_before_it() {
    let record = MetadataRecord::FeatureLevelRecord(FeatureLevelRecord {
        name: Str::from_static("f"),
        feature_level: 25,
    });
    let bytes = record.encode(0).expect("encodes");
    assert_eq!(bytes[..], [1, 12, 0, 2, b'f', 0, 25, 0]);
    assert_eq!(MetadataRecord::decode(bytes), Ok(record));
}

#[test]
fn a_subscription_of_a_later_version_is_read_as_the_latest_known() {
    let subscription = ConsumerProtocolSubscription {
        topics: vec![Str::from_static("t")],
        generation_id: 4,
        ..ConsumerProtocolSubscription::default()
    };
    let mut bytes = encode_versioned(&subscription, 3)
        .expect("encodes")
        .to_vec();
    bytes[1] = 9;
    bytes.extend(b"a later field");
    assert_eq!(
        decode_consumer_protocol(Bytes::from(bytes)),
        Ok(subscription)
    );
}

#[test]
fn an_assignment_has_kafkas_bytes() {
    let topic = TopicPartition {
        topic: Str::from_static("t"),
        partitions: vec![1],
    };
    let assignment = ConsumerProtocolAssignment {
        assigned_partitions: vec![topic],
        user_data: None,
    };
    let bytes = encode_versioned(&assignment, 0).expect("encodes");
    let expected = [
        0, 0, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff,
    ];
    assert_eq!(bytes[..], expected);
}
