use bytes::Bytes;
use fleuve_protocol::api::fetch::{FetchableTopicResponse, PartitionData};
use fleuve_protocol::api::produce::{PartitionProduceData, TopicProduceData};
use fleuve_protocol::api::{
    ApiVersionsRequest, ApiVersionsResponse, FetchResponse, MetadataRequest, ProduceRequest,
};
use fleuve_protocol::{
    AnyRequest, AnyResponse, ApiKey, DecodeError, EncodedFrame, Piece, Records, Str,
    decode_request, decode_response, encode_request, encode_response,
};

fn without_size(frame: EncodedFrame) -> Bytes {
    let bytes = frame.into_bytes();
    let size = i32::from_be_bytes(bytes[..4].try_into().expect("four bytes"));
    assert_eq!(size as usize, bytes.len() - 4);
    bytes.slice(4..)
}

#[test]
fn a_request_comes_back_with_its_header() {
    for version in [8, 9] {
        let request = AnyRequest::from(MetadataRequest::default());
        let client = Str::from_static("client");
        let frame = encode_request(&request, version, 7, Some(&client)).expect("encodes");
        let (header, decoded) = decode_request(without_size(frame)).expect("decodes");
        assert_eq!(decoded, request);
        assert_eq!((header.api_key, header.api_version), (3, version));
        assert_eq!((header.correlation_id, header.client_id), (7, Some(client)));
    }
}

#[test]
fn the_bytes_of_an_old_request_are_those_that_clients_send() {
    let request = AnyRequest::from(ApiVersionsRequest::default());
    let client = Str::from_static("c");
    let frame = encode_request(&request, 0, 1, Some(&client))
        .expect("encodes")
        .into_bytes();
    assert_eq!(
        frame[..],
        [0, 0, 0, 11, 0, 18, 0, 0, 0, 0, 0, 1, 0, 1, b'c']
    );
}

#[test]
fn the_header_of_an_api_versions_response_is_never_flexible() {
    let response = AnyResponse::from(ApiVersionsResponse::default());
    let frame = encode_response(&response, 3, 5)
        .expect("encodes")
        .into_bytes();
    // Size, correlation id, error code, no keys, throttle time, no tags.
    assert_eq!(frame[..], [0, 0, 0, 12, 0, 0, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0]);
}

#[test]
fn an_unsupported_version_is_reported_with_the_header() {
    let frame = Bytes::from_static(&[0, 18, 0, 99, 0, 0, 0, 9, 0, 1, b'c', 0, 1, 1, 0]);
    let Err(DecodeError::UnsupportedRequestVersion { key, header }) = decode_request(frame) else {
        panic!("version 99 was accepted");
    };
    assert_eq!((key, header.correlation_id), (ApiKey::ApiVersions, 9));
}

#[test]
fn an_unknown_api_is_refused() {
    let frame = Bytes::from_static(&[3, 232, 0, 0, 0, 0, 0, 9, 0xff, 0xff]);
    assert_eq!(decode_request(frame), Err(DecodeError::UnknownApiKey(1000)));
}

#[test]
fn records_of_a_produce_request_are_a_slice_of_the_frame() {
    let records = Bytes::from(vec![7; 5000]);
    let partition = PartitionProduceData {
        index: 0,
        records: Some(records.clone().into()),
    };
    let topic = TopicProduceData {
        name: Str::from_static("t"),
        partition_data: vec![partition],
        ..TopicProduceData::default()
    };
    let request = ProduceRequest {
        topic_data: vec![topic],
        ..ProduceRequest::default()
    };
    let frame = encode_request(&request.into(), 9, 1, None).expect("encodes");
    let segments = frame.clone().into_segments();
    assert!(
        segments
            .iter()
            .any(|segment| segment.as_ptr() == records.as_ptr())
    );

    let frame = without_size(frame);
    let (_, AnyRequest::Produce(decoded)) = decode_request(frame.clone()).expect("decodes") else {
        panic!("not a produce request");
    };
    let slice = decoded.topic_data[0].partition_data[0]
        .records
        .clone()
        .expect("not null");
    let slice = slice.into_bytes();
    assert_eq!(slice, records);
    assert!(frame.as_ptr_range().contains(&slice.as_ptr()));
}

#[test]
fn records_of_a_fetch_response_are_sent_without_a_copy() {
    let segments = vec![Bytes::from(vec![1; 2000]), Bytes::from(vec![2; 3000])];
    let partition = PartitionData {
        records: Some(Records::from_segments(segments.clone())),
        ..PartitionData::default()
    };
    let topic = FetchableTopicResponse {
        partitions: vec![partition],
        ..FetchableTopicResponse::default()
    };
    let response = AnyResponse::from(FetchResponse {
        responses: vec![topic],
        ..FetchResponse::default()
    });
    for version in ApiKey::Fetch.versions().iter() {
        let frame = encode_response(&response, version, 3).expect("encodes");
        let sent = frame.clone().into_segments();
        for segment in &segments {
            assert!(sent.iter().any(|sent| sent.as_ptr() == segment.as_ptr()));
        }
        let bytes = without_size(frame);
        let (header, decoded) = decode_response(ApiKey::Fetch, version, bytes).expect("decodes");
        assert_eq!(header.correlation_id, 3);
        assert_eq!(decoded, response, "version {version}");
    }
}

#[test]
fn records_that_are_elsewhere_leave_a_gap_of_their_length_in_the_frame() {
    let records = [Bytes::from(vec![1; 2000]), Bytes::from(vec![2; 30])];
    let response = |records: Vec<Records>| {
        let partition = |records| PartitionData {
            records: Some(records),
            ..PartitionData::default()
        };
        let topic = FetchableTopicResponse {
            partitions: records.into_iter().map(partition).collect(),
            ..FetchableTopicResponse::default()
        };
        AnyResponse::from(FetchResponse {
            responses: vec![topic],
            ..FetchResponse::default()
        })
    };
    let here = response(records.iter().cloned().map(Records::from).collect());
    let elsewhere = |records: &Bytes| Records::elsewhere(records.len());
    let elsewhere = response(records.iter().map(elsewhere).collect());
    for version in ApiKey::Fetch.versions().iter() {
        let frame = encode_response(&elsewhere, version, 3).expect("encodes");
        let mut gaps = records.iter();
        let filled = frame.into_pieces().into_iter().map(|piece| match piece {
            Piece::Bytes(bytes) => bytes,
            Piece::Elsewhere(length) => {
                let records = gaps.next().expect("as many gaps as records");
                assert_eq!(records.len(), length);
                records.clone()
            }
        });
        let filled = EncodedFrame::from_segments(filled.collect()).into_bytes();
        let plain = encode_response(&here, version, 3).expect("encodes");
        assert_eq!(filled, plain.into_bytes(), "version {version}");
    }
}

#[test]
fn the_refusal_of_an_api_versions_request_is_read_in_version_0() {
    let refusal = ApiVersionsResponse {
        error_code: 35,
        ..ApiVersionsResponse::default()
    };
    let frame = encode_response(&refusal.into(), 0, 5).expect("encodes");
    let (_, decoded) =
        decode_response(ApiKey::ApiVersions, 4, without_size(frame)).expect("decodes");
    let AnyResponse::ApiVersions(decoded) = decoded else {
        panic!("another API")
    };
    assert_eq!(decoded.error_code, 35);
}
