//! Names that look like the service's own: prediction ids, request ids, file names.

use std::time::SystemTime;

use crate::clock;

/// An endless stream of numbers from one (splitmix64): the same on every platform, which the
/// standard hasher does not promise.
#[derive(Debug, Clone)]
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which must not be 0. The bias is far below what anyone sees.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        let scaled = (self.next() >> 32) * u64::from(end);
        u32::try_from(scaled >> 32).unwrap_or(0)
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        let size = u32::try_from(alphabet.len()).unwrap_or(u32::MAX);
        (0..length)
            .map(|_| char::from(alphabet[self.below(size) as usize]))
            .collect()
    }
}

/// FNV-1a: small, and the same on every platform.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The id of the `counter`-th prediction: 26 lower-case letters and digits (documented in
/// samples).
pub(crate) fn prediction_id(server_seed: u64, counter: u64) -> String {
    let mut numbers = Numbers::new(server_seed ^ hash(&counter.to_le_bytes()));
    numbers.text(LOWER, 26)
}

/// The id of the `counter`-th request in the gateway's format (observed): time, nanoseconds,
/// eight letters and digits.
pub(crate) fn request_id(server_seed: u64, counter: u64, now: SystemTime) -> String {
    let mut numbers = Numbers::new(!server_seed ^ hash(&counter.to_le_bytes()));
    clock::request_id_time(now) + &numbers.text(MIXED, 8)
}

/// The file name of a single output: `tmp`, eight letters and digits, the format.
pub(crate) fn single_file_name(prediction_id: &str, format: &str) -> String {
    let mut numbers = Numbers::new(hash(prediction_id.as_bytes()));
    format!("tmp{}.{format}", numbers.text(LOWER, 8))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn prediction_ids_are_26_letters_and_digits_and_repeat_by_seed() {
        let ids: BTreeSet<_> = (0..10_000).map(|n| prediction_id(7, n)).collect();
        assert_eq!(ids.len(), 10_000);
        for id in &ids {
            assert_eq!(id.len(), 26);
            assert!(id.bytes().all(|b| LOWER.contains(&b)));
        }
        assert_eq!(prediction_id(7, 3), prediction_id(7, 3));
        assert_ne!(prediction_id(7, 3), prediction_id(8, 3));
    }

    #[test]
    fn request_ids_have_the_known_length() {
        let id = request_id(1, 1, UNIX_EPOCH);
        assert!(id.starts_with("197001010800000"), "{id}");
        assert_eq!(id.len(), 14 + 1 + 8);
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn numbers_below_stay_below() {
        let mut numbers = Numbers::new(1);
        assert!((0..1000).all(|_| numbers.below(3) < 3));
        assert_eq!(numbers.below(1), 0);
    }
}
