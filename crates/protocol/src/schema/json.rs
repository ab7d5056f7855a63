use std::fmt::Write;

use bytes::Bytes;
use fleuve_model::TopicId;

use super::{Field, Kind, Struct};
use crate::wire::{Decoder, Nullable, Wire};
use crate::{DecodeError, Records, Str};

/// Prints a message from its bytes, in the JSON form that Kafka's tools print it in.
///
/// Bytes are base64, uuids Kafka's text form; of records only the size is printed. Tagged
/// fields that the bytes leave out are left out.
pub fn to_json(
    schema: &'static Struct,
    version: i16,
    is_flexible: bool,
    bytes: Bytes,
) -> Result<String, DecodeError> {
    let mut input = Decoder::new(bytes);
    input.set_flexible(is_flexible);
    let mut printer = Printer {
        version,
        out: String::new(),
    };
    printer.structure(schema, &mut input)?;
    Ok(printer.out)
}

struct Printer {
    version: i16,
    out: String,
}

impl Printer {
    fn structure(&mut self, schema: &Struct, input: &mut Decoder) -> Result<(), DecodeError> {
        let version = self.version;
        let (tagged, plain): (Vec<&Field>, Vec<&Field>) = schema
            .fields
            .iter()
            .filter(|field| field.exists_in(version))
            .partition(|field| field.tag_in(version).is_some());
        self.out.push('{');
        let mut separator = "";
        for field in plain {
            self.out.push_str(separator);
            separator = ",";
            self.field(field, input)?;
        }
        if input.is_flexible() {
            input.tagged_fields(|tag, input| {
                let field = tagged
                    .iter()
                    .find(|field| field.tag_in(version) == Some(tag));
                let Some(field) = field else { return Ok(()) };
                self.out.push_str(separator);
                separator = ",";
                self.field(field, input)
            })?;
        }
        self.out.push('}');
        Ok(())
    }

    fn field(&mut self, field: &Field, input: &mut Decoder) -> Result<(), DecodeError> {
        let name = field.json_name();
        if matches!(field.kind, Kind::Records) {
            match Records::decode_nullable(self.version, input)? {
                Some(records) => {
                    self.print(format_args!("\"{name}SizeInBytes\":{}", records.len()));
                }
                None => self.print(format_args!("\"{name}\":null")),
            }
            return Ok(());
        }
        self.print(format_args!("\"{name}\":"));
        self.value(&field.kind, field.is_nullable_in(self.version), input)
    }

    fn value(
        &mut self,
        kind: &Kind,
        is_nullable: bool,
        input: &mut Decoder,
    ) -> Result<(), DecodeError> {
        let version = self.version;
        match kind {
            Kind::Bool => self.print(bool::decode(version, input)?),
            Kind::Int8 => self.print(i8::decode(version, input)?),
            Kind::Int16 => self.print(i16::decode(version, input)?),
            Kind::UInt16 => self.print(u16::decode(version, input)?),
            Kind::Int32 => self.print(i32::decode(version, input)?),
            Kind::UInt32 => self.print(u32::decode(version, input)?),
            Kind::Int64 => self.print(i64::decode(version, input)?),
            Kind::Float64 => self.print(f64::decode(version, input)?),
            Kind::Uuid => match Option::<TopicId>::decode(version, input)? {
                Some(id) => self.print(format_args!("\"{id}\"")),
                None => self.out.push_str("\"AAAAAAAAAAAAAAAAAAAAAA\""),
            },
            Kind::String => match Str::decode_nullable(version, input)? {
                Some(text) => self.string(text.as_str()),
                None => self.out.push_str("null"),
            },
            Kind::Bytes => match Bytes::decode_nullable(version, input)? {
                Some(bytes) => self.base64(&bytes),
                None => self.out.push_str("null"),
            },
            // A field of records has a name of its own; nothing else holds any.
            Kind::Records => self.print(Records::decode(version, input)?.len()),
            Kind::Array(element) => match input.take_count()? {
                Some(count) => self.array(element, count, input)?,
                None => self.out.push_str("null"),
            },
            Kind::Struct(schema) if is_nullable => match i8::decode(version, input)? {
                ..0 => self.out.push_str("null"),
                0.. => self.structure(schema, input)?,
            },
            Kind::Struct(schema) => self.structure(schema, input)?,
        }
        Ok(())
    }

    fn array(
        &mut self,
        element: &Kind,
        count: usize,
        input: &mut Decoder,
    ) -> Result<(), DecodeError> {
        self.out.push('[');
        for index in 0..count {
            if index > 0 {
                self.out.push(',');
            }
            self.value(element, false, input)?;
        }
        self.out.push(']');
        Ok(())
    }

    fn print(&mut self, value: impl std::fmt::Display) {
        write!(self.out, "{value}").expect("writing to a string does not fail");
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for character in text.chars() {
            match character {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                control if control < ' ' => {
                    self.print(format_args!("\\u{:04x}", u32::from(control)));
                }
                plain => self.out.push(plain),
            }
        }
        self.out.push('"');
    }

    fn base64(&mut self, bytes: &[u8]) {
        self.out.push('"');
        for chunk in bytes.chunks(3) {
            let mut group = [0; 4];
            group[1..=chunk.len()].copy_from_slice(chunk);
            let group = u32::from_be_bytes(group);
            for digit in 0..4 {
                let bits = group >> (18 - 6 * digit) & 0x3f;
                let is_padding = digit > chunk.len();
                let symbol = if is_padding {
                    b'='
                } else {
                    BASE64[bits as usize]
                };
                self.out.push(char::from(symbol));
            }
        }
        self.out.push('"');
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
