//! The primitive types of the wire and how they are written.
//!
//! A flexible version writes lengths as varints of the length plus one, others as fixed
//! integers with -1 for null (KIP-482). Which of the two it is stands in the [`Encoder`] and the
//! [`Decoder`], since it never changes within a message. Start at [`Wire`].

mod decoder;
mod encoder;

use bytes::Bytes;
use fleuve_model::TopicId;
use uuid::Uuid;

pub use decoder::{ARRAY_ELEMENTS_MAX, Decoder, TAGGED_FIELDS_MAX};
pub use encoder::Encoder;

use crate::schema::Kind;
use crate::{DecodeError, EncodeError, Records, Str};

/// A value with a place on the wire.
pub trait Wire: Sized {
    /// What the schema says of it.
    const KIND: Kind;
    /// [`Wire::KIND`], for the schema of an array of it.
    const KIND_REFERENCE: &'static Kind = &Self::KIND;

    /// Appends the value.
    fn encode(&self, version: i16, out: &mut Encoder) -> Result<(), EncodeError>;

    /// Reads a value.
    fn decode(version: i16, input: &mut Decoder) -> Result<Self, DecodeError>;
}

/// A value whose place on the wire may hold null.
pub trait Nullable: Wire {
    /// Appends null.
    fn encode_null(out: &mut Encoder);

    /// Appends a value where null could be.
    fn encode_present(&self, version: i16, out: &mut Encoder) -> Result<(), EncodeError> {
        self.encode(version, out)
    }

    /// Reads a value or null.
    fn decode_nullable(version: i16, input: &mut Decoder) -> Result<Option<Self>, DecodeError>;
}

/// A derived struct; as a nullable field it has one byte before it, 1 or, for null, -1.
pub trait WireStruct: Wire {}

impl<T: Nullable> Wire for Option<T> {
    const KIND: Kind = T::KIND;

    fn encode(&self, version: i16, out: &mut Encoder) -> Result<(), EncodeError> {
        match self {
            Some(value) => value.encode_present(version, out),
            None => {
                T::encode_null(out);
                Ok(())
            }
        }
    }

    fn decode(version: i16, input: &mut Decoder) -> Result<Option<T>, DecodeError> {
        T::decode_nullable(version, input)
    }
}

impl<T: WireStruct> Nullable for T {
    fn encode_null(out: &mut Encoder) {
        out.put(&[NULL_STRUCT as u8]);
    }

    fn encode_present(&self, version: i16, out: &mut Encoder) -> Result<(), EncodeError> {
        out.put(&[PRESENT_STRUCT as u8]);
        self.encode(version, out)
    }

    fn decode_nullable(version: i16, input: &mut Decoder) -> Result<Option<T>, DecodeError> {
        match i8::from_be_bytes(input.take_array()?) {
            ..0 => Ok(None),
            0.. => T::decode(version, input).map(Some),
        }
    }
}

const NULL_STRUCT: i8 = -1;
const PRESENT_STRUCT: i8 = 1;

/// Numbers: big-endian, of fixed size.
macro_rules! numbers {
    ($($type:ty => $kind:ident),* $(,)?) => {$(
        impl Wire for $type {
            const KIND: Kind = Kind::$kind;

            fn encode(&self, _version: i16, out: &mut Encoder) -> Result<(), EncodeError> {
                out.put(&self.to_be_bytes());
                Ok(())
            }

            fn decode(_version: i16, input: &mut Decoder) -> Result<$type, DecodeError> {
                Ok(<$type>::from_be_bytes(input.take_array()?))
            }
        }
    )*};
}

numbers! {
    i8 => Int8, i16 => Int16, u16 => UInt16, i32 => Int32, u32 => UInt32, i64 => Int64,
    f64 => Float64,
}

impl Wire for bool {
    const KIND: Kind = Kind::Bool;

    fn encode(&self, _version: i16, out: &mut Encoder) -> Result<(), EncodeError> {
        out.put(&[u8::from(*self)]);
        Ok(())
    }

    fn decode(_version: i16, input: &mut Decoder) -> Result<bool, DecodeError> {
        let [byte] = input.take_array()?;
        Ok(byte != 0)
    }
}

impl Wire for Uuid {
    const KIND: Kind = Kind::Uuid;

    fn encode(&self, _version: i16, out: &mut Encoder) -> Result<(), EncodeError> {
        out.put(self.as_bytes());
        Ok(())
    }

    fn decode(_version: i16, input: &mut Decoder) -> Result<Uuid, DecodeError> {
        Ok(Uuid::from_bytes(input.take_array()?))
    }
}

/// All zeros on the wire mean "none", in every version.
impl Wire for Option<TopicId> {
    const KIND: Kind = Kind::Uuid;

    fn encode(&self, _version: i16, out: &mut Encoder) -> Result<(), EncodeError> {
        out.put(self.as_ref().map_or(&[0; 16][..], |id| id.as_bytes()));
        Ok(())
    }

    fn decode(_version: i16, input: &mut Decoder) -> Result<Option<TopicId>, DecodeError> {
        Ok(TopicId::from_wire(input.take_array()?))
    }
}

impl Wire for Str {
    const KIND: Kind = Kind::String;

    fn encode(&self, _version: i16, out: &mut Encoder) -> Result<(), EncodeError> {
        out.put_string_length(self.len())?;
        out.put_shared(self.as_bytes());
        Ok(())
    }

    fn decode(version: i16, input: &mut Decoder) -> Result<Str, DecodeError> {
        present(input, |input| Str::decode_nullable(version, input))
    }
}

impl Nullable for Str {
    fn encode_null(out: &mut Encoder) {
        if out.is_flexible() {
            out.put(&[0])
        } else {
            out.put(&(-1i16).to_be_bytes())
        }
    }

    fn decode_nullable(_version: i16, input: &mut Decoder) -> Result<Option<Str>, DecodeError> {
        let Some(length) = input.take_string_length()? else {
            return Ok(None);
        };
        let position = input.position();
        let bytes = input.take(length)?;
        Str::from_utf8(bytes)
            .map(Some)
            .ok_or(DecodeError::Utf8 { position })
    }
}

impl Wire for Bytes {
    const KIND: Kind = Kind::Bytes;

    fn encode(&self, _version: i16, out: &mut Encoder) -> Result<(), EncodeError> {
        out.put_length("bytes", self.len())?;
        out.put_shared(self);
        Ok(())
    }

    fn decode(version: i16, input: &mut Decoder) -> Result<Bytes, DecodeError> {
        present(input, |input| Bytes::decode_nullable(version, input))
    }
}

impl Nullable for Bytes {
    fn encode_null(out: &mut Encoder) {
        put_null_length(out);
    }

    fn decode_nullable(_version: i16, input: &mut Decoder) -> Result<Option<Bytes>, DecodeError> {
        match input.take_length()? {
            Some(length) => input.take(length).map(Some),
            None => Ok(None),
        }
    }
}

impl Wire for Records {
    const KIND: Kind = Kind::Records;

    fn encode(&self, _version: i16, out: &mut Encoder) -> Result<(), EncodeError> {
        out.put_length("bytes", self.len())?;
        if self.is_elsewhere() {
            out.put_elsewhere(self.len());
        }
        self.segments()
            .iter()
            .for_each(|segment| out.put_shared(segment));
        Ok(())
    }

    fn decode(version: i16, input: &mut Decoder) -> Result<Records, DecodeError> {
        Bytes::decode(version, input).map(Records::from)
    }
}

impl Nullable for Records {
    fn encode_null(out: &mut Encoder) {
        put_null_length(out);
    }

    fn decode_nullable(version: i16, input: &mut Decoder) -> Result<Option<Records>, DecodeError> {
        Ok(Bytes::decode_nullable(version, input)?.map(Records::from))
    }
}

impl<T: Wire> Wire for Vec<T> {
    const KIND: Kind = Kind::Array(T::KIND_REFERENCE);

    fn encode(&self, version: i16, out: &mut Encoder) -> Result<(), EncodeError> {
        out.put_length("array", self.len())?;
        self.iter()
            .try_for_each(|element| element.encode(version, out))
    }

    fn decode(version: i16, input: &mut Decoder) -> Result<Vec<T>, DecodeError> {
        present(input, |input| Vec::decode_nullable(version, input))
    }
}

impl<T: Wire> Nullable for Vec<T> {
    fn encode_null(out: &mut Encoder) {
        put_null_length(out);
    }

    fn decode_nullable(version: i16, input: &mut Decoder) -> Result<Option<Vec<T>>, DecodeError> {
        let Some(count) = input.take_count()? else {
            return Ok(None);
        };
        let mut elements = Vec::new();
        for decoded in 0..count {
            if elements.len() == elements.capacity() {
                input.reserve(&mut elements, count - decoded)?;
            }
            elements.push(T::decode(version, input)?);
        }
        Ok(Some(elements))
    }
}

fn put_null_length(out: &mut Encoder) {
    if out.is_flexible() {
        out.put(&[0])
    } else {
        out.put(&(-1i32).to_be_bytes())
    }
}

fn present<T>(
    input: &mut Decoder,
    decode: impl FnOnce(&mut Decoder) -> Result<Option<T>, DecodeError>,
) -> Result<T, DecodeError> {
    let position = input.position();
    decode(input)?.ok_or(DecodeError::Null { position })
}
