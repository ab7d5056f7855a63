use crate::wire::{Decoder, Encoder, Nullable, Wire};
use crate::{ApiKey, DecodeError, EncodeError, Str};

/// What stands before every request.
///
/// Header version 1 before a request that is not flexible, version 2, which ends in tagged
/// fields, before one that is. (Version 0 served one API that is no more.) The client's id has
/// the old form of a string in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// The number of the API; [`ApiKey::from_wire`] knows it or not.
    pub api_key: i16,
    /// The version of the request and of the response to it.
    pub api_version: i16,
    /// Comes back in the response.
    pub correlation_id: i32,
    /// What the client calls itself (`client.id`).
    pub client_id: Option<Str>,
}

impl RequestHeader {
    /// Reads a header and leaves `input` at the request.
    pub fn decode(input: &mut Decoder) -> Result<RequestHeader, DecodeError> {
        let api_key = i16::from_be_bytes(input.take_array()?);
        let api_version = i16::from_be_bytes(input.take_array()?);
        let correlation_id = i32::from_be_bytes(input.take_array()?);
        input.set_flexible(false);
        let client_id = Str::decode_nullable(api_version, input)?;
        let is_flexible =
            ApiKey::from_wire(api_key).is_some_and(|key| key.is_flexible(api_version));
        if is_flexible {
            input.tagged_fields(|_, _| Ok(()))?;
        }
        Ok(RequestHeader {
            api_key,
            api_version,
            correlation_id,
            client_id,
        })
    }

    /// Appends the header before a request of `key`.
    pub(crate) fn encode(&self, key: ApiKey, out: &mut Encoder) -> Result<(), EncodeError> {
        out.put(&self.api_key.to_be_bytes());
        out.put(&self.api_version.to_be_bytes());
        out.put(&self.correlation_id.to_be_bytes());
        out.set_flexible(false);
        self.client_id.encode(self.api_version, out)?;
        if key.is_flexible(self.api_version) {
            out.put(&NO_TAGGED_FIELDS);
        }
        Ok(())
    }
}

/// What stands before every response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHeader {
    /// That of the request.
    pub correlation_id: i32,
}

impl ResponseHeader {
    /// Reads the header of a response of `key` at `version`.
    pub fn decode(
        key: ApiKey,
        version: i16,
        input: &mut Decoder,
    ) -> Result<ResponseHeader, DecodeError> {
        let correlation_id = i32::from_be_bytes(input.take_array()?);
        if has_flexible_response_header(key, version) {
            input.tagged_fields(|_, _| Ok(()))?;
        }
        Ok(ResponseHeader { correlation_id })
    }

    pub(crate) fn encode(&self, key: ApiKey, version: i16, out: &mut Encoder) {
        out.put(&self.correlation_id.to_be_bytes());
        if has_flexible_response_header(key, version) {
            out.put(&NO_TAGGED_FIELDS);
        }
    }
}

const NO_TAGGED_FIELDS: [u8; 1] = [0];

/// A client must be able to read the answer to a version that the server does not have, so the
/// header of an `ApiVersions` response is never flexible (KIP-511).
fn has_flexible_response_header(key: ApiKey, version: i16) -> bool {
    key != ApiKey::ApiVersions && key.is_flexible(version)
}
