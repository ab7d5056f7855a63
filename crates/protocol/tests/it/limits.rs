use bytes::Bytes;
use fleuve_protocol::api::MetadataRequest;
use fleuve_protocol::schema::sample;
use fleuve_protocol::{ApiKey, DecodeError, Message, decode_request};

use crate::random;

#[test]
fn a_claimed_count_beyond_the_bytes_is_refused_before_anything_is_allocated() {
    let claim = Bytes::from_static(&[0, 15, 0, 0, 1, 2, 3]);
    assert!(matches!(
        MetadataRequest::from_bytes(1, claim),
        Err(DecodeError::Truncated { .. })
    ));
}

#[test]
fn more_than_a_million_elements_are_refused() {
    let claim = Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff]);
    let error = MetadataRequest::from_bytes(1, claim).expect_err("too many");
    assert!(
        matches!(error, DecodeError::TooMany { max: 1_000_000, .. }),
        "{error}"
    );
}

#[test]
fn more_than_ten_thousand_tagged_fields_are_refused() {
    let mut bytes = MetadataRequest::default()
        .to_bytes(12)
        .expect("encodes")
        .to_vec();
    bytes.pop();
    bytes.extend([0x91, 0x4e]);
    let error = MetadataRequest::from_bytes(12, Bytes::from(bytes)).expect_err("too many");
    assert!(
        matches!(error, DecodeError::TooMany { count: 10_001, .. }),
        "{error}"
    );
}

#[test]
fn a_negative_length_is_refused() {
    let claim = Bytes::from_static(&[0xff, 0xff, 0xff, 0xfe]);
    let error = MetadataRequest::from_bytes(1, claim).expect_err("negative");
    assert!(
        matches!(error, DecodeError::NegativeLength { length: -2, .. }),
        "{error}"
    );
}

#[test]
fn a_request_that_would_blow_up_in_memory_is_refused() {
    // Empty names: three bytes each on the wire, over fifty in memory.
    const NAMES: u32 = 900_000;
    let mut frame = vec![0, 3, 0, 9, 0, 0, 0, 1, 0xff, 0xff, 0];
    let mut count = NAMES + 1;
    while count >= 0x80 {
        frame.push(count as u8 | 0x80);
        count >>= 7;
    }
    frame.push(count as u8);
    frame.extend((0..NAMES).flat_map(|_| [1, 0]));
    frame.extend([1, 0, 0, 0]);
    let error = decode_request(Bytes::from(frame)).expect_err("too large");
    assert!(matches!(error, DecodeError::TooLarge { .. }), "{error}");
}

#[test]
fn damaged_requests_are_errors_and_never_panic() {
    for key in ApiKey::ALL {
        for version in key.versions().iter() {
            for seed in 0..40 {
                let mut random = random(seed);
                let flexible = key.is_flexible(version);
                let mut frame = Vec::new();
                frame.extend(key.to_wire().to_be_bytes());
                frame.extend(version.to_be_bytes());
                frame.extend([0, 0, 0, 1, 0xff, 0xff]);
                frame.extend(flexible.then_some(0));
                frame.extend(sample(key.schemas().0, version, flexible, &mut random));
                let cut = random() as usize % (frame.len() + 1);
                let place = 10 + random() as usize % frame.len();
                if let Some(byte) = frame.get_mut(place) {
                    *byte ^= random() as u8;
                }
                let _ = decode_request(Bytes::from(frame.clone()));
                frame.truncate(cut);
                let _ = decode_request(Bytes::from(frame));
            }
        }
    }
}
