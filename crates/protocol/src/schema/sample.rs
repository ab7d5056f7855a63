use super::{Field, Kind, Struct};

/// Makes up the bytes of a message of `schema` at `version`, for tests and fuzzers.
///
/// `random` gives the choices. The bytes are the canonical ones: a tagged field that is there
/// is not its default, as long as that is zero, empty, null, -1 or the largest number.
pub fn sample(
    schema: &'static Struct,
    version: i16,
    is_flexible: bool,
    random: &mut dyn FnMut() -> u64,
) -> Vec<u8> {
    let mut sampler = Sampler {
        version,
        is_flexible,
        random,
        out: Vec::new(),
    };
    sampler.structure(schema);
    sampler.out
}

/// Few, since messages nest: five levels of three elements are 243.
const ELEMENTS_MAX: u64 = 3;
const LENGTH_MAX: u64 = 12;

struct Sampler<'a> {
    version: i16,
    is_flexible: bool,
    random: &'a mut dyn FnMut() -> u64,
    out: Vec<u8>,
}

impl Sampler<'_> {
    fn below(&mut self, end: u64) -> u64 {
        (self.random)() % end
    }

    fn structure(&mut self, schema: &Struct) {
        let version = self.version;
        let fields = schema
            .fields
            .iter()
            .filter(|field| field.exists_in(version));
        let (tagged, plain): (Vec<_>, Vec<_>) =
            fields.partition(|field| field.tag_in(version).is_some());
        for field in plain {
            self.field(field);
        }
        if self.is_flexible {
            self.tagged_fields(tagged);
        }
    }

    fn field(&mut self, field: &Field) {
        let is_nullable = field.is_nullable_in(self.version);
        if is_nullable && self.below(4) == 0 {
            return self.null(&field.kind);
        }
        if is_nullable && matches!(field.kind, Kind::Struct(_)) {
            self.out.push(1);
        }
        self.value(&field.kind, 0);
    }

    fn tagged_fields(&mut self, mut fields: Vec<&Field>) {
        fields.retain(|_| self.below(2) == 0);
        fields.sort_by_key(|field| field.tag_in(self.version));
        self.varint(fields.len());
        for field in fields {
            let outer = std::mem::take(&mut self.out);
            if field.is_nullable_in(self.version) && matches!(field.kind, Kind::Struct(_)) {
                self.out.push(1);
            }
            self.value(&field.kind, 1);
            let value = std::mem::replace(&mut self.out, outer);
            let tag = field
                .tag_in(self.version)
                .expect("only tagged fields are here");
            self.varint(tag as usize);
            self.varint(value.len());
            self.out.extend(value);
        }
    }

    /// A value; one of at least `length_min` elements, and not a default, if that is 1.
    fn value(&mut self, kind: &Kind, length_min: u64) {
        match kind {
            Kind::Bool => {
                let value = self.below(2).max(length_min);
                self.out.push(value as u8);
            }
            Kind::Int8 => self.number::<1>(length_min),
            Kind::Int16 | Kind::UInt16 => self.number::<2>(length_min),
            Kind::Int32 | Kind::UInt32 => self.number::<4>(length_min),
            Kind::Int64 => self.number::<8>(length_min),
            Kind::Float64 => {
                let value = self.below(1 << 20) as f64 + 0.5;
                self.out.extend(value.to_be_bytes());
            }
            Kind::Uuid => {
                for _ in 0..2 {
                    let half = (self.random)() | 1;
                    self.out.extend(half.to_be_bytes());
                }
            }
            Kind::String => {
                let length = length_min + self.below(LENGTH_MAX);
                self.length(length as usize, true);
                for _ in 0..length {
                    let letter = b'a' + self.below(26) as u8;
                    self.out.push(letter);
                }
            }
            Kind::Bytes | Kind::Records => {
                let length = length_min + self.below(LENGTH_MAX);
                self.length(length as usize, false);
                for _ in 0..length {
                    let byte = self.below(256) as u8;
                    self.out.push(byte);
                }
            }
            Kind::Array(element) => {
                let count = length_min + self.below(ELEMENTS_MAX);
                self.length(count as usize, false);
                for _ in 0..count {
                    self.value(element, 0);
                }
            }
            Kind::Struct(schema) => {
                if length_min == 0 {
                    return self.structure(schema);
                }
                // All of a tagged struct must not be default: none of its numbers is.
                let first = self.out.len();
                self.structure(schema);
                if self.out[first..]
                    .iter()
                    .all(|byte| matches!(byte, 0 | 0xff))
                {
                    self.out.truncate(first);
                    self.value(kind, length_min);
                }
            }
        }
    }

    /// Now and then one of the numbers that mean something, else any.
    fn number<const N: usize>(&mut self, min: u64) {
        let any = (self.random)();
        let value = match self.below(4) {
            0 if min == 0 => u64::MAX,
            1 if min == 0 => 0,
            2 => 2 + any % 100,
            _ => any % (1 << (8 * N as u32 - 1).min(62)) / 2 + 2,
        };
        self.out.extend(&value.to_be_bytes()[8 - N..]);
    }

    fn null(&mut self, kind: &Kind) {
        match kind {
            Kind::Struct(_) => self.out.push(0xff),
            _ if self.is_flexible => self.out.push(0),
            Kind::String => self.out.extend((-1i16).to_be_bytes()),
            _ => self.out.extend((-1i32).to_be_bytes()),
        }
    }

    fn length(&mut self, length: usize, is_string: bool) {
        if self.is_flexible {
            self.varint(length + 1);
        } else if is_string {
            self.out.extend((length as u16).to_be_bytes());
        } else {
            self.out.extend((length as u32).to_be_bytes());
        }
    }

    fn varint(&mut self, mut value: usize) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }
}
