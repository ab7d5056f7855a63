//! The four codecs of Kafka, each in the framing that Kafka's clients write.
//!
//! Reading trusts no claimed size: [`Decompressor`] is a reader that hands out at most the
//! bytes it was allowed, and its buffers are bounded by what the compressed bytes can hold.
//! Start at [`decompress`] and [`Compressor`].

mod gzip;
mod lz4;
mod snappy;
mod zstd;

use std::fmt;
use std::io::{self, Read};

/// How the records of a batch are compressed (`compression.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// RFC 1952.
    Gzip,
    /// Snappy blocks, in the framing of the Java library or in none.
    Snappy,
    /// LZ4 frames of independent blocks.
    Lz4,
    /// RFC 8878 (KIP-110).
    Zstd,
}

impl Compression {
    /// Every codec, in the order of their numbers.
    pub const ALL: [Compression; 5] = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];

    /// The codec of a batch's attribute, if there is one of that number.
    pub const fn from_code(code: u8) -> Option<Compression> {
        match code {
            0 => Some(Compression::None),
            1 => Some(Compression::Gzip),
            2 => Some(Compression::Snappy),
            3 => Some(Compression::Lz4),
            4 => Some(Compression::Zstd),
            _ => None,
        }
    }

    /// The number in a batch's attributes.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The codec that Kafka's configuration calls `name`.
    pub fn from_name(name: &str) -> Option<Compression> {
        Compression::ALL
            .into_iter()
            .find(|compression| compression.name() == name)
    }

    /// Its name in Kafka's configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Snappy => "snappy",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
        }
    }

    /// Whether the records are uncompressed.
    pub const fn is_none(self) -> bool {
        matches!(self, Compression::None)
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A codec and, where it has levels, how hard it tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct CompressionSetting {
    compression: Compression,
    level: Option<i32>,
}

/// A level that the codec does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{compression} has no compression level {level}")]
pub struct CompressionLevelOutOfRange {
    /// The codec.
    pub compression: Compression,
    /// The claimed level.
    pub level: i32,
}

impl CompressionSetting {
    /// The codec at its default level.
    pub const fn new(compression: Compression) -> CompressionSetting {
        CompressionSetting {
            compression,
            level: None,
        }
    }

    /// The codec at a level of its own: gzip has 1 to 9, zstd -131072 to 22
    /// (`compression.gzip.level`, `compression.zstd.level`). The others have none here: our
    /// LZ4 only has its fast compressor, so Kafka's levels of it are refused.
    pub fn with_level(
        compression: Compression,
        level: i32,
    ) -> Result<CompressionSetting, CompressionLevelOutOfRange> {
        let levels = match compression {
            Compression::Gzip => gzip::LEVELS,
            Compression::Zstd => zstd::LEVELS,
            _ => return Err(CompressionLevelOutOfRange { compression, level }),
        };
        if !levels.contains(&level) {
            return Err(CompressionLevelOutOfRange { compression, level });
        }
        Ok(CompressionSetting {
            compression,
            level: Some(level),
        })
    }

    /// The codec.
    pub const fn compression(self) -> Compression {
        self.compression
    }

    /// The level, if it is not the default.
    pub const fn level(self) -> Option<i32> {
        self.level
    }
}

impl From<Compression> for CompressionSetting {
    fn from(compression: Compression) -> CompressionSetting {
        CompressionSetting::new(compression)
    }
}

/// Why bytes could not be compressed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{compression} cannot compress: {reason}")]
pub struct CompressError {
    /// The codec.
    pub compression: Compression,
    /// What its library says.
    pub reason: String,
}

/// Compresses payloads, one after the other, with one codec; keeps the codec's tables between.
pub struct Compressor {
    setting: CompressionSetting,
    state: CompressorState,
}

enum CompressorState {
    Stateless,
    Snappy(Box<snappy::SnappyWriter>),
    Lz4(lz4::Lz4Writer),
    Zstd(Box<zstd::ZstdWriter>),
}

impl Compressor {
    /// Makes ready for `setting`.
    pub fn new(setting: impl Into<CompressionSetting>) -> Result<Compressor, CompressError> {
        let setting = setting.into();
        let state = match setting.compression {
            Compression::None | Compression::Gzip => CompressorState::Stateless,
            Compression::Snappy => CompressorState::Snappy(Box::new(snappy::SnappyWriter::new())),
            Compression::Lz4 => CompressorState::Lz4(lz4::Lz4Writer::new()),
            Compression::Zstd => {
                let writer = zstd::ZstdWriter::new(setting.level);
                CompressorState::Zstd(Box::new(writer.map_err(|error| failed(setting, &error))?))
            }
        };
        Ok(Compressor { setting, state })
    }

    /// The codec and its level.
    pub const fn setting(&self) -> CompressionSetting {
        self.setting
    }

    /// The codec.
    pub const fn compression(&self) -> Compression {
        self.setting.compression
    }

    /// Appends `plain`, compressed, to `out`.
    pub fn compress(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), CompressError> {
        let setting = self.setting;
        let result = match &mut self.state {
            CompressorState::Stateless if setting.compression == Compression::Gzip => {
                gzip::compress(plain, setting.level, out)
            }
            CompressorState::Stateless => {
                out.extend_from_slice(plain);
                Ok(())
            }
            CompressorState::Snappy(writer) => writer.compress(plain, out),
            CompressorState::Lz4(writer) => writer.compress(plain, out),
            CompressorState::Zstd(writer) => writer.compress(plain, out),
        };
        result.map_err(|error| failed(setting, &error))
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor")
            .field("setting", &self.setting)
            .finish_non_exhaustive()
    }
}

fn failed(setting: CompressionSetting, error: &io::Error) -> CompressError {
    CompressError {
        compression: setting.compression,
        reason: error.to_string(),
    }
}

/// Why a payload could not be decompressed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecompressError {
    /// It holds more than the caller allows.
    #[error("the records take more than {bytes_max} bytes when decompressed")]
    TooLarge { bytes_max: usize },
    /// It is not what the codec writes.
    #[error("the payload is not valid {compression}: {reason}")]
    Corrupt {
        compression: Compression,
        reason: String,
    },
}

/// Appends the decompressed `payload` to `plain`, at most `bytes_max` bytes of it.
///
/// `plain` grows as bytes come out, never by what the payload claims.
pub fn decompress(
    compression: Compression,
    payload: &[u8],
    bytes_max: usize,
    plain: &mut Vec<u8>,
) -> Result<(), DecompressError> {
    let mut decompressor = Decompressor::new(compression, payload, bytes_max)?;
    match decompressor.read_to_end(plain) {
        Ok(_) => Ok(()),
        Err(error) => Err(decompressor.explain(&error)),
    }
}

/// A payload as a stream of its decompressed bytes, in memory that does not grow with it.
///
/// Reading beyond the allowed bytes is an error, which [`Decompressor::explain`] tells from
/// damage.
pub struct Decompressor<'a> {
    compression: Compression,
    codec: Codec<'a>,
    bytes_max: usize,
    read_bytes: usize,
}

enum Codec<'a> {
    None(&'a [u8]),
    Gzip(Box<gzip::GzipReader<'a>>),
    Snappy(snappy::SnappyReader<'a>),
    Lz4(lz4::Lz4Reader<'a>),
    Zstd(Box<zstd::ZstdReader<'a>>),
}

impl<'a> Decompressor<'a> {
    /// Begins to read `payload`, of which at most `bytes_max` bytes may come out.
    pub fn new(
        compression: Compression,
        payload: &'a [u8],
        bytes_max: usize,
    ) -> Result<Decompressor<'a>, DecompressError> {
        let codec = match compression {
            Compression::None => Codec::None(payload),
            Compression::Gzip => Codec::Gzip(Box::new(gzip::reader(payload))),
            Compression::Snappy => Codec::Snappy(snappy::SnappyReader::new(payload)),
            Compression::Lz4 => Codec::Lz4(
                lz4::Lz4Reader::new(payload).map_err(|error| corrupt(compression, &error))?,
            ),
            Compression::Zstd => Codec::Zstd(Box::new(
                zstd::reader(payload).map_err(|error| corrupt(compression, &error))?,
            )),
        };
        Ok(Decompressor {
            compression,
            codec,
            bytes_max,
            read_bytes: 0,
        })
    }

    /// Turns the error of a read into what went wrong.
    pub fn explain(&self, error: &io::Error) -> DecompressError {
        if self.read_bytes > self.bytes_max {
            return DecompressError::TooLarge {
                bytes_max: self.bytes_max,
            };
        }
        corrupt(self.compression, error)
    }
}

impl Read for Decompressor<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // One byte more than allowed is asked for, to tell a payload of exactly that size.
        let wanted = (self.bytes_max - self.read_bytes.min(self.bytes_max)).saturating_add(1);
        let out_bytes = out.len().min(wanted);
        let out = &mut out[..out_bytes];
        let read = match &mut self.codec {
            Codec::None(rest) => rest.read(out)?,
            Codec::Gzip(reader) => reader.read(out)?,
            Codec::Snappy(reader) => reader.read(out)?,
            Codec::Lz4(reader) => reader.read(out)?,
            Codec::Zstd(reader) => reader.read(out)?,
        };
        self.read_bytes += read;
        if self.read_bytes > self.bytes_max {
            return Err(io::Error::other("more bytes than allowed"));
        }
        Ok(read)
    }
}

fn corrupt(compression: Compression, error: &io::Error) -> DecompressError {
    DecompressError::Corrupt {
        compression,
        reason: error.to_string(),
    }
}

/// An error of the format itself.
fn malformed(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// A decompressed block of which a reader has taken the first bytes.
#[derive(Default)]
struct Block {
    bytes: Vec<u8>,
    taken: usize,
}

impl Block {
    fn is_spent(&self) -> bool {
        self.taken == self.bytes.len()
    }

    fn take(&mut self, out: &mut [u8]) -> usize {
        let left = &self.bytes[self.taken..];
        let taken = left.len().min(out.len());
        out[..taken].copy_from_slice(&left[..taken]);
        self.taken += taken;
        taken
    }
}
