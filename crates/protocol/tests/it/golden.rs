//! Bytes that Apache Kafka's own classes have written, one message for each version of each API.
//!
//! `compat/codec-differential` makes the file anew.

use std::collections::BTreeSet;

use bytes::Bytes;
use fleuve_protocol::wire::{Decoder, Encoder};
use fleuve_protocol::{AnyRequest, AnyResponse, ApiKey};

const GOLDENS: &str = include_str!("../golden/messages.txt");

#[test]
fn every_version_of_every_api_reads_and_writes_what_kafka_writes() {
    let mut seen = BTreeSet::new();
    for line in GOLDENS.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        let mut word = || words.next().expect("a line has three words");
        let (class, version, bytes) = (word(), word(), unhex(word()));
        let version: i16 = version.parse().expect("a number");
        let (name, is_request) = match class.strip_suffix("RequestData") {
            Some(name) => (name, true),
            None => (
                class
                    .strip_suffix("ResponseData")
                    .expect("one or the other"),
                false,
            ),
        };
        let key = ApiKey::ALL
            .iter()
            .copied()
            .find(|key| key.name() == name)
            .expect("known");
        assert_eq!(
            again(key, version, is_request, bytes.clone()),
            bytes,
            "{class} {version}"
        );
        seen.insert((key, version, is_request));
    }
    for key in ApiKey::ALL.iter().copied() {
        for version in key.versions().iter() {
            assert!(
                seen.contains(&(key, version, true)),
                "{key} request {version}"
            );
            assert!(
                seen.contains(&(key, version, false)),
                "{key} response {version}"
            );
        }
    }
}

fn again(key: ApiKey, version: i16, is_request: bool, bytes: Bytes) -> Bytes {
    let mut input = Decoder::new(bytes);
    let mut out = Encoder::new();
    if is_request {
        let request = AnyRequest::decode(key, version, &mut input).expect("it can be read");
        request
            .encode(version, &mut out)
            .expect("it can be written");
    } else {
        let response = AnyResponse::decode(key, version, &mut input).expect("it can be read");
        response
            .encode(version, &mut out)
            .expect("it can be written");
    }
    assert_eq!(input.remaining(), 0);
    out.finish().into_bytes()
}

fn unhex(text: &str) -> Bytes {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("two digits");
    (0..text.len()).step_by(2).map(digit).collect()
}
