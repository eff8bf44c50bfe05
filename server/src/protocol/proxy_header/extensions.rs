//! The extensions (TLVs) of a version 2 header: type, length and value of each, one after the other.

use super::Malformed;

/// The bytes of an extension before its value.
const PREFIX_LEN: u16 = 3;
/// The type of the checksum, `PP2_TYPE_CRC32C`.
const CHECKSUM: u8 = 0x03;
/// The length of the checksum.
const CHECKSUM_LEN: u16 = 4;

/// Walks the extensions without keeping them. Only the checksum is read; extensions inside of others
/// (those of TLS) are part of a value here.
#[derive(Debug)]
pub(super) struct Extensions {
    part: Part,
    kind: u8,
    /// The length of the value, and then how much of it is left.
    left: u16,
    checksum: Option<u32>,
}

/// The part of an extension that the next byte belongs to.
#[derive(Debug, Clone, Copy)]
enum Part {
    Kind,
    LengthHigh,
    LengthLow,
    Value,
    /// It is no extension.
    Junk,
}

impl Extensions {
    /// Creates a walk at the first extension.
    pub(super) fn new() -> Self {
        Self {
            part: Part::Kind,
            kind: 0,
            left: 0,
            checksum: None,
        }
    }

    /// Returns the checksum that the header states, once all extensions were read.
    pub(super) fn checksum(&self) -> Option<u32> {
        self.checksum
    }

    /// Adds the next byte, after which the header has `after` more. Returns whether it is part of the
    /// checksum.
    pub(super) fn push(&mut self, byte: u8, after: u16) -> Result<bool, Malformed> {
        match self.part {
            Part::Junk => {}
            Part::Kind => {
                if after < PREFIX_LEN - 1 {
                    return Err(Malformed::ExtensionTooLong);
                }
                self.kind = byte;
                self.part = Part::LengthHigh;
            }
            Part::LengthHigh => {
                self.left = u16::from(byte) << 8;
                self.part = Part::LengthLow;
            }
            Part::LengthLow => {
                self.left |= u16::from(byte);
                self.start_value(after)?;
            }
            Part::Value => {
                self.left = self.left.saturating_sub(1);
                if self.left == 0 {
                    self.part = Part::Kind;
                }
                if self.kind == CHECKSUM {
                    let above = self.checksum.unwrap_or_default() << 8;
                    self.checksum = Some(above | u32::from(byte));
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Takes all further bytes for something that is no extension.
    pub(super) fn give_up(&mut self) {
        self.part = Part::Junk;
        self.checksum = None;
    }

    fn start_value(&mut self, after: u16) -> Result<(), Malformed> {
        if self.left > after {
            return Err(Malformed::ExtensionTooLong);
        }
        if self.kind == CHECKSUM {
            // With two checksums it is open which of them counts as zero in the other.
            if self.left != CHECKSUM_LEN || self.checksum.is_some() {
                return Err(Malformed::BadChecksumField);
            }
            self.checksum = Some(0);
        }
        self.part = if self.left == 0 {
            Part::Kind
        } else {
            Part::Value
        };
        Ok(())
    }
}
