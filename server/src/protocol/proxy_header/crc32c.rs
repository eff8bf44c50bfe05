//! CRC-32C, the checksum of a version 2 header (RFC 4960, appendix B).

/// The polynomial 0x1edc6f41 of Castagnoli, with its bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// The checksums of the 16 values of half a byte. A header has 4,096 bytes at most, so a table of 64
/// bytes is fast enough.
const TABLE: [u32; 16] = {
    let mut table = [0; 16];
    let mut value = 0;
    while value < table.len() {
        let mut crc = value as u32;
        let mut bit = 0;
        while bit < 4 {
            crc = (crc >> 1) ^ (POLYNOMIAL * (crc & 1));
            bit += 1;
        }
        table[value] = crc;
        value += 1;
    }
    table
};

/// A checksum that is computed byte by byte.
#[derive(Debug)]
pub(super) struct Crc32c(u32);

impl Crc32c {
    /// Creates the checksum of no bytes.
    pub(super) fn new() -> Self {
        Self(u32::MAX)
    }

    /// Adds the next byte.
    pub(super) fn add(&mut self, byte: u8) {
        self.0 ^= u32::from(byte);
        for _ in 0..2 {
            self.0 = (self.0 >> 4) ^ TABLE[(self.0 & 0xf) as usize];
        }
    }

    /// Returns the checksum of all bytes so far.
    pub(super) fn value(&self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crc32c(bytes: impl IntoIterator<Item = u8>) -> u32 {
        let mut crc = Crc32c::new();
        bytes.into_iter().for_each(|byte| crc.add(byte));
        crc.value()
    }

    #[test]
    fn known_checksums_are_right() {
        // The check value of the algorithm, then RFC 3720, B.4.
        assert_eq!(crc32c(*b"123456789"), 0xe306_9283);
        assert_eq!(crc32c([0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c([0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(0..32), 0x46dd_794e);
        assert_eq!(crc32c((0..32).rev()), 0x113f_db5c);
        assert_eq!(crc32c([]), 0);
    }
}
