use crc_fast::CrcAlgorithm;

/// The CRC-32C (Castagnoli) of `bytes`, which guards every batch.
pub fn crc32c(bytes: &[u8]) -> u32 {
    // The library computes every width in 64 bits; a 32-bit sum fills the lower half.
    crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, bytes) as u32
}
