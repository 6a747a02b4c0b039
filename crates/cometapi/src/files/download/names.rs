//! The names of files, from ids that others choose.

use std::fmt::Write as _;

/// The longest part of a name that is made of an id, in bytes.
const MAX_LEN: usize = 100;

/// Returns `id` as a part of a file name that leads nowhere. Different ids give different
/// names: a byte that has no place in a name is written as `~` and two hex digits, and a long
/// id ends in its hash.
pub fn id_in_name(id: &str) -> String {
    let mut name = String::with_capacity(id.len().min(MAX_LEN));
    for (at, byte) in id.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => name.push(char::from(byte)),
            // A name that begins with a dot is hidden; one that begins with a hyphen is an option to
            // every program that gets it from a shell's `*`.
            b'.' | b'-' if at > 0 => name.push(char::from(byte)),
            other => _ = write!(name, "~{other:02x}"),
        }
    }
    if name.len() > MAX_LEN {
        name.truncate(MAX_LEN - 34);
        // No escape begins with `~h`, so no other id has this name.
        _ = write!(name, "~h{:032x}", fnv1a(id.as_bytes()));
    }
    name
}

/// Returns the stem of the file at `position`, from a name without a position.
pub fn file_stem(name: &str, position: usize) -> String {
    format!("{name}-{position}")
}

/// Returns the stem of a file that is known only by its URL: the same for the same URL.
pub fn url_stem(url: &str) -> String {
    format!("file-{:032x}", fnv1a(url.as_bytes()))
}

/// Returns the stem of the text, from a name without a position. It is never that of a file of
/// another name: the text of `fox-0` and the first file of `fox` get different stems.
pub fn text_stem(mut name: String) -> String {
    let position = name.rsplit_once('-').map(|(_, position)| position);
    if position.is_some_and(|position| position.bytes().all(|b| b.is_ascii_digit())) {
        // A `~` of the id itself is written otherwise.
        name.push('~');
    }
    name
}

/// The 128-bit FNV-1a hash. It is stable, which the hashes of the standard library are not.
/// Somebody can find two ids with the same hash; the second file is then refused, not merged.
fn fnv1a(bytes: &[u8]) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(OFFSET, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_ordinary_id_is_its_own_name() {
        for id in ["q4chw5rey9rmt0cww76t4h3ma4", "fox-1_a.b", &"x".repeat(100)] {
            assert_eq!(id_in_name(id), id);
        }
    }

    #[test]
    fn other_ids_are_escaped_or_cut() {
        for (id, name) in [
            ("../x", "~2e.~2fx"),
            ("..", "~2e."),
            ("--all", "~2d-all"),
            ("a b", "a~20b"),
            ("a_b", "a_b"),
            ("~", "~7e"),
            ("ä", "~c3~a4"),
            ("", ""),
        ] {
            assert_eq!(id_in_name(id), name);
        }
        let long = id_in_name(&"x".repeat(101));
        assert_eq!(long.len(), MAX_LEN);
        assert!(long.starts_with(&format!("{}~h", "x".repeat(66))), "{long}");
    }

    #[test]
    fn ids_that_differ_after_the_longest_name_get_names_of_their_own() {
        let start = "x".repeat(100);
        let names = ["", "a", "b"].map(|end| id_in_name(&format!("{start}{end}")));
        assert_ne!(names[0], names[1]);
        assert_ne!(names[1], names[2]);
    }

    /// The vectors of the FNV reference code.
    #[test]
    fn the_hash_is_the_same_on_every_machine() {
        assert_eq!(fnv1a(b""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(fnv1a(b"a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
        assert_eq!(fnv1a(b"foobar"), 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }

    #[test]
    fn a_text_and_a_file_never_share_a_stem() {
        assert_eq!(text_stem("fox".into()), "fox");
        assert_eq!(text_stem("fox-a".into()), "fox-a");
        assert_eq!(file_stem("fox", 0), "fox-0");
        assert_eq!(text_stem("fox-0".into()), "fox-0~");
    }

    proptest! {
        #[test]
        fn names_lead_nowhere_and_stay_distinct(ids in prop::collection::hash_set(
            "(?s).{0,40}|[./~\\\\]{1,4}|x{90,130}|x{99}[a-c_~ ]{0,3}", 1..20,
        )) {
            let mut names = HashMap::new();
            for id in ids {
                let name = id_in_name(&id);
                prop_assert!(!name.contains(['/', '\\', '\0', ':']) && !name.starts_with('.'));
                prop_assert!(name.len() <= MAX_LEN);
                prop_assert_eq!(names.insert(name, id), None);
            }
        }
    }
}
