//! Requests: any bytes as one, and any body as that of every API in every version.

use bytes::Bytes;
use fleuve_protocol::schema::sample;
use fleuve_protocol::wire::{Decoder, Encoder};
use fleuve_protocol::{AnyRequest, ApiKey, decode_request};

use crate::allocated;

/// What a decoded request may take in memory: four times its bytes, or this.
const MEMORY_BYTES_MIN: usize = 1 << 20;

/// For what is not the message: an error's text, a frame's own bookkeeping.
const SLACK_BYTES: usize = 4 << 10;

/// Reads `data` as a frame, and as the body of the API and version that its first two bytes
/// choose.
pub fn request(data: &[u8]) {
    let frame = Bytes::copy_from_slice(data);
    let allocated_bytes = allocated::peak(|| drop(decode_request(frame)));
    check_memory(data.len(), allocated_bytes);

    let [key, version, body @ ..] = data else {
        return;
    };
    let key = ApiKey::ALL[usize::from(*key) % ApiKey::ALL.len()];
    let versions = key.versions();
    let version = versions.min + i16::from(*version) % (versions.max - versions.min + 1);
    let body = Bytes::copy_from_slice(body);
    let mut decoded = None;
    let allocated_bytes = allocated::peak(|| {
        let mut input = Decoder::bounded(body.clone());
        decoded = AnyRequest::decode(key, version, &mut input).ok();
    });
    check_memory(body.len(), allocated_bytes);
    if let Some(request) = decoded {
        round_trip(key, version, &request);
    }
}

fn check_memory(input_bytes: usize, allocated_bytes: usize) {
    let allowed = (4 * input_bytes).max(MEMORY_BYTES_MIN) + SLACK_BYTES;
    assert!(
        allocated_bytes <= allowed,
        "{input_bytes} bytes were read into {allocated_bytes} bytes of memory"
    );
}

/// What was read can be written, and read again as the same.
fn round_trip(key: ApiKey, version: i16, request: &AnyRequest) {
    let mut out = Encoder::new();
    request
        .encode(version, &mut out)
        .expect("what was read can be written");
    let mut input = Decoder::new(out.finish().into_bytes());
    let again = AnyRequest::decode(key, version, &mut input).expect("what was written is right");
    assert_eq!(again, *request, "{key} {version}");
}

/// A request of every version, each as a frame and as what chooses a body.
pub fn request_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (index, key) in ApiKey::ALL.iter().copied().enumerate() {
        for version in key.versions().iter() {
            let mut state = 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(version as u64 + 1);
            let mut random = || {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                state >> 16
            };
            let is_flexible = key.is_flexible(version);
            let body = sample(key.schemas().0, version, is_flexible, &mut random);
            let mut frame = Vec::new();
            frame.extend(key.to_wire().to_be_bytes());
            frame.extend(version.to_be_bytes());
            frame.extend([0, 0, 0, 1, 0, 1, b'c']);
            frame.extend(is_flexible.then_some(0));
            frame.extend(&body);
            seeds.push(frame);
            let mut chosen = vec![index as u8, (version - key.versions().min) as u8];
            chosen.extend(body);
            seeds.push(chosen);
        }
    }
    seeds
}
