//! The bytes of the metadata log. These are promises: a golden line may be added, never changed.

use fleuve_cluster::controller::record_format::{RecordFormatError, decode, encode};
use fleuve_cluster::controller::{BrokerEpoch, ConfigResource, Endpoint, Record};
use fleuve_model::{BrokerId, LeaderEpoch, PartitionId, ProducerId, TopicId, TopicName};
use proptest::prelude::*;
use uuid::Uuid;

fn broker(id: i32) -> BrokerId {
    BrokerId::new(id).unwrap()
}

fn topic_id(number: u128) -> TopicId {
    TopicId::new(Uuid::from_u128(number)).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check(record: &Record, golden: &str) {
    let golden: String = golden.split_whitespace().collect();
    assert_eq!(hex(&encode(record)), golden, "{record:?}");
    assert_eq!(decode(&encode(record)).as_ref(), Ok(record));
}

#[test]
fn every_type_has_its_golden_bytes() {
    check(
        &Record::ClusterCreated {
            cluster_id: "Wm1-Pz".to_owned(),
        },
        "01 00 00000006 576d312d507a",
    );
    check(
        &Record::BrokerRegistered {
            broker: broker(1),
            incarnation: Uuid::from_u128(0xabcd),
            epoch: BrokerEpoch::new(7).unwrap(),
            endpoints: vec![Endpoint {
                listener: "PLAINTEXT".to_owned(),
                host: "h".to_owned(),
                port: 9092,
                security_protocol: "SSL".to_owned(),
            }],
            rack: Some("r".to_owned()),
        },
        "02 00 00000001 0000000000000000000000000000abcd 0000000000000007 00000001
         00000009 504c41494e54455854 00000001 68 2384 00000003 53534c 01 00000001 72",
    );
    check(
        &Record::BrokerUnregistered {
            broker: broker(258),
        },
        "03 00 00000102",
    );
    check(
        &Record::TopicCreated {
            name: TopicName::new("t").unwrap(),
            id: topic_id(5),
        },
        "04 00 00000001 74 00000000000000000000000000000005",
    );
    check(
        &Record::TopicDeleted { id: topic_id(5) },
        "05 00 00000000000000000000000000000005",
    );
    check(
        &Record::PartitionSet {
            topic: topic_id(5),
            partition: PartitionId::new(3).unwrap(),
            replicas: vec![broker(1), broker(2)],
            in_sync_replicas: vec![broker(2)],
            leader: Some(broker(2)),
            leader_epoch: LeaderEpoch::new(4).unwrap(),
            partition_epoch: 9,
        },
        "06 00 00000000000000000000000000000005 00000003 00000002 00000001 00000002
         00000001 00000002 01 00000002 00000004 00000009",
    );
    check(
        &Record::ConfigSet {
            resource: ConfigResource::Topic(TopicName::new("t").unwrap()),
            name: "k".to_owned(),
            value: Some("v".to_owned()),
        },
        "07 00 01 00000001 74 00000001 6b 01 00000001 76",
    );
    check(
        &Record::ConfigSet {
            resource: ConfigResource::Broker(Some(broker(1))),
            name: "k".to_owned(),
            value: None,
        },
        "07 00 02 00000001 00000001 6b 00",
    );
    check(
        &Record::ConfigSet {
            resource: ConfigResource::Broker(None),
            name: "k".to_owned(),
            value: None,
        },
        "07 00 03 00000001 6b 00",
    );
    check(
        &Record::ConfigSet {
            resource: ConfigResource::Group("g".to_owned()),
            name: "k".to_owned(),
            value: None,
        },
        "07 00 04 00000001 67 00000001 6b 00",
    );
    check(
        &Record::ConfigSet {
            resource: ConfigResource::ClientMetrics("m".to_owned()),
            name: "k".to_owned(),
            value: None,
        },
        "07 00 05 00000001 6d 00000001 6b 00",
    );
    check(
        &Record::ProducerIdsAllocated {
            broker: broker(1),
            next: ProducerId::new(1000).unwrap(),
        },
        "08 00 00000001 00000000000003e8",
    );
}

#[test]
fn what_a_newer_version_wrote_is_refused_by_name() {
    assert_eq!(decode(&[99, 0]), Err(RecordFormatError::UnknownType(99)));
    let newer = RecordFormatError::UnknownVersion {
        record_type: 5,
        version: 1,
    };
    assert_eq!(decode(&[5, 1]), Err(newer));
    assert_eq!(
        decode(&[3, 0, 0, 0, 0, 1, 7]),
        Err(RecordFormatError::TrailingBytes(1))
    );
    assert_eq!(decode(&[3, 0, 0]), Err(RecordFormatError::Truncated));
    assert_eq!(decode(&[]), Err(RecordFormatError::Truncated));
}

proptest! {
    #[test]
    fn any_bytes_are_a_record_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(record) = decode(&bytes) {
            prop_assert_eq!(encode(&record), bytes);
        }
    }

    #[test]
    fn a_damaged_record_does_not_panic(
        record_type in 1..=8_u8,
        bytes in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let bytes: Vec<u8> = [record_type, 0].into_iter().chain(bytes).collect();
        let _ = decode(&bytes);
    }
}
