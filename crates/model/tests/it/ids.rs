use fleuve_model::{ErrorCode, Offset, TopicId, TopicName};
use proptest::prelude::*;

#[test]
fn offsets_are_never_negative() {
    assert!(Offset::new(-1).is_err());
    assert_eq!(Offset::from_wire(-1), None);
    assert_eq!(Offset::new(7).map(Offset::value), Ok(7));
}

#[test]
fn topic_ids_print_as_kafka_prints_them() {
    // Kafka's Uuid.METADATA_TOPIC_ID is (0, 1).
    let mut bytes = [0; 16];
    bytes[15] = 1;
    let id = TopicId::from_wire(bytes).unwrap();
    assert_eq!(id.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
}

#[test]
fn error_codes_read_back_from_their_numbers() {
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::from_wire(code.code()), Some(*code));
    }
    assert_eq!(ErrorCode::from_wire(i16::MAX), None);
}

#[test]
fn topic_names_follow_kafkas_rules() {
    for bad in ["", ".", "..", "a b", "naïve", "a/b", &"x".repeat(250)] {
        assert!(TopicName::new(bad).is_err(), "{bad:?}");
    }
    for good in [
        "a",
        "Hello-Kafka",
        "__consumer_offsets",
        "a.b",
        &"x".repeat(249),
    ] {
        assert!(TopicName::new(good).is_ok(), "{good:?}");
    }
}

proptest! {
    #[test]
    fn topic_ids_read_back_from_their_text(bytes in any::<[u8; 16]>()) {
        if let Some(id) = TopicId::from_wire(bytes) {
            prop_assert_eq!(TopicId::parse(&id.to_string()), Some(id));
        }
    }
}
