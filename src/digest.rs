//! A number that some bytes make, the same in every build and on every machine: what tells whether things are the same as
//! before. It is no defence against people who want two things to have one number. Imports nothing.

use std::fmt;
use std::hash::Hasher;

/// What the digest of nothing is (draft-eastlake-fnv).
const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;

const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// FNV-1a of 128 bits, of all that was written to it, in its order. It takes text (`write!`) and whatever has a
/// [`Hash`](std::hash::Hash), and prints as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u128);

impl Default for Digest {
    fn default() -> Self {
        Self(OFFSET)
    }
}

impl Digest {
    /// Of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut digest = Self::default();
        digest.write(bytes);
        digest
    }

    /// The number as bytes, the least first.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }
}

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, &byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    }

    fn finish(&self) -> u64 {
        (self.0 >> 64) as u64 ^ self.0 as u64
    }
}

impl fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes());
        Ok(())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    /// As its authors give it (draft-eastlake-fnv).
    #[test]
    fn digests_are_fnv_1a() {
        for (text, expected) in [
            ("", "6c62272e07bb014262b821756295c58d"),
            ("a", "d228cb696f1a8caf78912b704e4a8964"),
            ("foobar", "343e1662793c64bf6f0d3597ba446f18"),
        ] {
            assert_eq!(Digest::of(text.as_bytes()).to_string(), expected);
            let mut streamed = Digest::default();
            text.chars().for_each(|c| streamed.write_char(c).unwrap());
            assert_eq!(streamed, Digest::of(text.as_bytes()));
        }
    }
}
