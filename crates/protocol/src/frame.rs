//! Whole frames: the size that stands before each, the header and the message.

use bytes::{Bytes, BytesMut};
use fleuve_model::ErrorCode;

use crate::wire::{Decoder, Encoder};
use crate::{
    AnyRequest, AnyResponse, ApiKey, DecodeError, EncodeError, RequestHeader, ResponseHeader, Str,
};

/// Bytes to send, in pieces, so that records are handed on and not copied.
#[derive(Clone, Debug, Default)]
pub struct EncodedFrame {
    pieces: Vec<Piece>,
    length: usize,
}

/// A part of a frame.
#[derive(Clone, Debug)]
pub enum Piece {
    /// These bytes.
    Bytes(Bytes),
    /// So many bytes that the sender takes from where it keeps them, such as a file of a log.
    Elsewhere(usize),
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Piece::Bytes(bytes) => bytes.len(),
            Piece::Elsewhere(length) => *length,
        }
    }
}

impl EncodedFrame {
    /// The bytes of `segments`, in that order.
    pub fn from_segments(segments: Vec<Bytes>) -> EncodedFrame {
        EncodedFrame::from_pieces(segments.into_iter().map(Piece::Bytes).collect())
    }

    /// The frame that consists of `pieces`, in that order.
    pub fn from_pieces(pieces: Vec<Piece>) -> EncodedFrame {
        let length = pieces.iter().map(Piece::len).sum();
        EncodedFrame { pieces, length }
    }

    /// Length in bytes, the size in front included.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The pieces, in order.
    pub fn into_pieces(self) -> Vec<Piece> {
        self.pieces
    }

    /// The bytes of a frame that is all here, in slices.
    ///
    /// # Panics
    /// If a piece is elsewhere: who made such a frame knows it.
    pub fn into_segments(self) -> Vec<Bytes> {
        let here = |piece| match piece {
            Piece::Bytes(bytes) => bytes,
            Piece::Elsewhere(length) => panic!("{length} bytes of the frame are elsewhere"),
        };
        self.pieces.into_iter().map(here).collect()
    }

    /// All bytes of a frame that is all here as one slice; copies if there are several.
    ///
    /// # Panics
    /// As [`EncodedFrame::into_segments`] does.
    pub fn into_bytes(self) -> Bytes {
        let length = self.length;
        let mut segments = self.into_segments();
        if segments.len() == 1 {
            return segments.remove(0);
        }
        let mut joined = BytesMut::with_capacity(length);
        segments
            .iter()
            .for_each(|segment| joined.extend_from_slice(segment));
        joined.freeze()
    }
}

/// Reads a request from a frame without its size.
///
/// # Errors
/// Bytes that are no request. If the API is known and the version is not, the error carries the
/// header, since Kafka answers `ApiVersions` then and closes the connection otherwise.
pub fn decode_request(frame: Bytes) -> Result<(RequestHeader, AnyRequest), DecodeError> {
    let mut input = Decoder::bounded(frame);
    let header = RequestHeader::decode(&mut input)?;
    let key =
        ApiKey::from_wire(header.api_key).ok_or(DecodeError::UnknownApiKey(header.api_key))?;
    if !key.versions().contains(header.api_version) {
        return Err(DecodeError::UnsupportedRequestVersion { key, header });
    }
    let request = AnyRequest::decode(key, header.api_version, &mut input)?;
    Ok((header, request))
}

/// Reads the response to a request of `key` and `version` from a frame without its size.
///
/// A broker that lacks the version of an `ApiVersions` request answers in version 0, with error
/// code 35 in front (KIP-511).
pub fn decode_response(
    key: ApiKey,
    version: i16,
    frame: Bytes,
) -> Result<(ResponseHeader, AnyResponse), DecodeError> {
    let mut input = Decoder::new(frame);
    let header = ResponseHeader::decode(key, version, &mut input)?;
    let is_refusal =
        key == ApiKey::ApiVersions && input.rest().starts_with(&UNSUPPORTED_VERSION_BYTES);
    let version = if is_refusal { 0 } else { version };
    let response = AnyResponse::decode(key, version, &mut input)?;
    Ok((header, response))
}

/// Writes a request with its size and header.
pub fn encode_request(
    request: &AnyRequest,
    version: i16,
    correlation_id: i32,
    client_id: Option<&Str>,
) -> Result<EncodedFrame, EncodeError> {
    let key = request.key();
    let header = RequestHeader {
        api_key: key.to_wire(),
        api_version: version,
        correlation_id,
        client_id: client_id.cloned(),
    };
    framed(|out| {
        header.encode(key, out)?;
        request.encode(version, out)
    })
}

/// Writes a response with its size and header.
pub fn encode_response(
    response: &AnyResponse,
    version: i16,
    correlation_id: i32,
) -> Result<EncodedFrame, EncodeError> {
    framed(|out| {
        ResponseHeader { correlation_id }.encode(response.key(), version, out);
        response.encode(version, out)
    })
}

const UNSUPPORTED_VERSION_BYTES: [u8; 2] = ErrorCode::UnsupportedVersion.code().to_be_bytes();

const SIZE_BYTES: usize = 4;

fn framed(
    write: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>,
) -> Result<EncodedFrame, EncodeError> {
    let mut out = Encoder::new();
    out.put(&[0; SIZE_BYTES]);
    write(&mut out)?;
    let length = out.len() - SIZE_BYTES;
    let size = i32::try_from(length).map_err(|_| EncodeError::TooLong {
        what: "frame",
        length,
    })?;
    out.set_first_i32(size);
    Ok(out.finish())
}
