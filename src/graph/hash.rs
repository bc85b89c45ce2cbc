//! A quick hash for the keys of graphs: nodes and their ids.
//!
//! Nobody outside chooses the keys, so that nothing need be defended against; the tables are never
//! walked, so that their order is not seen.

use std::hash::{BuildHasherDefault, Hasher};

/// For `HashMap`s of nodes.
pub(crate) type QuickHash = BuildHasherDefault<Quick>;

/// Words are mixed in by a multiplication each, and the best bits, which are the highest, given last.
#[derive(Default)]
pub(crate) struct Quick(u64);

/// 2⁶⁴ divided by the golden ratio: multiples of it are spread evenly.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words
            .iter()
            .for_each(|w| self.write_u64(u64::from_le_bytes(*w)));
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.write_u64(u64::from_le_bytes(last));
        }
    }

    fn write_u8(&mut self, word: u8) {
        self.write_u64(u64::from(word));
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(SPREAD);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn finish(&self) -> u64 {
        // Tables take low bits for the place and high ones for the tag.
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    #[test]
    fn near_keys_differ_in_low_and_in_high_bits() {
        let hash = |key: (u32, u32)| QuickHash::default().hash_one(key);
        let keys = || (0..64).flat_map(|i| (0..64).map(move |j| (i, j)));
        let low: HashSet<u64> = keys().map(|k| hash(k) & 0xffff).collect();
        let high: HashSet<u64> = keys().map(|k| hash(k) >> 48).collect();
        // 4096 keys thrown at random into 65536 places fill about 3970 of them.
        assert!(
            low.len() > 3500 && high.len() > 3500,
            "{} {}",
            low.len(),
            high.len()
        );
    }
}
