use bytes::Bytes;

use crate::schema::{Kind, Struct};
use crate::wire::{Decoder, Encoder, Wire};
use crate::{DecodeError, EncodeError, EncodedFrame, VersionRange};

/// A message with versions of its own: a request, a response, a record of an internal topic.
///
/// Derived; the struct is the schema.
pub trait Message: Wire + Default {
    /// The name, Kafka's.
    const NAME: &'static str;
    /// The versions it can be written and read in.
    const VERSIONS: VersionRange;
    /// The versions with compact lengths and tagged fields (KIP-482).
    const FLEXIBLE: Option<VersionRange>;

    /// Whether `version` has compact lengths and tagged fields.
    fn is_flexible(version: i16) -> bool {
        Self::FLEXIBLE.is_some_and(|versions| versions.contains(version))
    }

    /// The message's fields.
    fn schema() -> &'static Struct {
        match Self::KIND {
            Kind::Struct(schema) => schema,
            _ => unreachable!("a derived message is a struct"),
        }
    }

    /// Appends the message to what `out` holds.
    fn encode_into(&self, version: i16, out: &mut Encoder) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(version) {
            return Err(EncodeError::UnsupportedVersion {
                message: Self::NAME,
                version,
            });
        }
        out.set_flexible(Self::is_flexible(version));
        self.encode(version, out)
    }

    /// The message alone, with no size, header or version before it.
    fn to_bytes(&self, version: i16) -> Result<Bytes, EncodeError> {
        let mut out = Encoder::new();
        self.encode_into(version, &mut out)?;
        Ok(out.finish().into_bytes())
    }

    /// The message as segments, with nothing before it.
    fn to_segments(&self, version: i16) -> Result<EncodedFrame, EncodeError> {
        let mut out = Encoder::new();
        self.encode_into(version, &mut out)?;
        Ok(out.finish())
    }

    /// How many bytes the message takes, without writing them.
    fn encoded_size(&self, version: i16) -> Result<usize, EncodeError> {
        let mut out = Encoder::measuring();
        self.encode_into(version, &mut out)?;
        Ok(out.len())
    }

    /// Reads the message where `input` stands.
    fn decode_from(version: i16, input: &mut Decoder) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(version) {
            return Err(DecodeError::UnsupportedVersion {
                message: Self::NAME,
                version,
            });
        }
        input.set_flexible(Self::is_flexible(version));
        Self::decode(version, input)
    }

    /// Reads the message that `bytes` hold; bytes after it are ignored, as Kafka ignores them.
    fn from_bytes(version: i16, bytes: Bytes) -> Result<Self, DecodeError> {
        Self::decode_from(version, &mut Decoder::new(bytes))
    }
}
