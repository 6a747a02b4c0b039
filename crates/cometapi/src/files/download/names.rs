//! The names of files, from ids that others choose.

use std::fmt::Write as _;

/// The longest part of a name that is made of an id, in bytes. File systems take 255; positions,
/// extensions and the mark of an unfinished file need some of them.
const MAX_LEN: usize = 160;

/// Names that Windows keeps for devices, with any extension.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Returns `id` as a part of a file name that leads nowhere. Different ids give different names, and
/// none of them ends like a [position](file_stem): each byte of a character that a common file system
/// does not take, or that would change what the name means, is written as `~` and two hex digits, and
/// a long id ends in its hash.
pub fn id_in_name(id: &str) -> String {
    let mut name = String::with_capacity(id.len());
    let last = id.char_indices().next_back().map_or(0, |(at, _)| at);
    let suffix = position_mark(id);
    let device = is_device(id);
    for (at, c) in id.char_indices() {
        let is_edge = match c {
            // A name that begins with a dot is hidden; one that begins with a hyphen is an option to
            // every program that gets it from a shell's `*`.
            '.' | ' ' => at == 0 || at == last,
            '-' => at == 0,
            '_' => Some(at) == suffix,
            _ => device && at == 0,
        };
        if is_edge || !is_plain(c) {
            escape(&mut name, c);
        } else {
            name.push(c);
        }
    }
    shortened(name, id)
}

/// Returns `text` with each character escaped that has no place in a file name, wherever it stands: for
/// a part of a name that has others.
pub fn part_in_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        if is_plain(c) {
            name.push(c);
        } else {
            escape(&mut name, c);
        }
    }
    name
}

/// Returns a name that is put together of [parts](part_in_name), so that it stays in its folder and is
/// not too long. An empty one is `_`.
pub fn joined_name(parts: &str) -> String {
    let name = parts.trim_start().trim_end_matches(['.', ' ']);
    let Some(first) = name.chars().next() else {
        return "_".to_owned();
    };
    if !is_device(name) {
        return shortened(name.to_owned(), name);
    }
    let mut escaped = String::new();
    escape(&mut escaped, first);
    escaped.push_str(&name[first.len_utf8()..]);
    escaped
}

/// A name that is cut if it is too long. It then ends in the hash of `whole`.
fn shortened(mut name: String, whole: &str) -> String {
    if name.len() > MAX_LEN {
        let mut end = MAX_LEN - 34;
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
        // No escape begins with `~h`, so no other id has this name.
        _ = write!(name, "~h{:032x}", fnv1a(whole.as_bytes()));
    }
    name
}

/// Appends `c` as `~` and two hex digits for each of its bytes.
fn escape(name: &mut String, c: char) {
    let mut bytes = [0; 4];
    for byte in c.encode_utf8(&mut bytes).bytes() {
        _ = write!(name, "~{byte:02x}");
    }
}

/// Whether every common file system takes the character in a name, and every program shows it where it
/// stands.
fn is_plain(c: char) -> bool {
    let is_special = matches!(
        c,
        '~' | '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|'
    );
    // Marks of direction would show an extension where there is none.
    let is_invisible = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}');
    !is_special && !is_invisible && !c.is_control()
}

/// Whether Windows takes a name for that of a device, whatever its extension is.
pub fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    if DEVICES
        .iter()
        .any(|device| stem.eq_ignore_ascii_case(device))
    {
        return true;
    }
    let mut chars = stem.chars();
    let number = chars.next_back();
    let port = chars.as_str();
    (port.eq_ignore_ascii_case("com") || port.eq_ignore_ascii_case("lpt"))
        && number.is_some_and(|c| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³'))
}

/// Where the second underscore of a position is, if `name` ends like one.
fn position_mark(name: &str) -> Option<usize> {
    let start = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let has_mark = start.len() < name.len() && start.ends_with("__");
    has_mark.then(|| start.len() - 1)
}

/// Returns the stem of the file at `position`, from a name without a position: the name itself for the
/// first, `NAME__2` for the second. Sorted as bytes, they are in order: a hyphen would come before the dot of
/// the first.
pub fn file_stem(name: &str, position: usize) -> String {
    match position {
        0 => name.to_owned(),
        after => format!("{name}__{}", after + 1),
    }
}

/// Returns the stem of a file that is known only by its URL: the same for the same URL.
pub fn url_stem(url: &str) -> String {
    format!("file-{:032x}", fnv1a(url.as_bytes()))
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
        for id in [
            "q4chw5rey9rmt0cww76t4h3ma4",
            "fox-1_a.b",
            "red fox",
            "夕暮れ",
            "Café (2), über & 50% + 'x' #1",
            "🦊\u{200d}👩",
            "v1.5",
            "console",
            "com10",
            "fox-2",
            "--",
            &"x".repeat(MAX_LEN),
        ] {
            let expected = if id == "--" { "~2d-" } else { id };
            assert_eq!(id_in_name(id), expected);
        }
    }

    #[test]
    fn other_ids_are_escaped_or_cut() {
        for (id, name) in [
            ("../x", "~2e.~2fx"),
            ("..", "~2e~2e"),
            (".", "~2e"),
            ("--all", "~2d-all"),
            (" a b ", "~20a b~20"),
            ("a.", "a~2e"),
            ("~", "~7e"),
            ("a:b", "a~3ab"),
            ("a\u{202e}gpj", "a~e2~80~aegpj"),
            ("a\0", "a~00"),
            ("NUL", "~4eUL"),
            ("con.png", "~63on.png"),
            ("com¹", "~63om¹"),
            ("fox__2", "fox_~5f2"),
            ("fox___22", "fox__~5f22"),
            ("__2", "_~5f2"),
            ("--2", "~2d-2"),
            ("", ""),
        ] {
            assert_eq!(id_in_name(id), name);
        }
        let long = id_in_name(&"x".repeat(MAX_LEN + 1));
        assert_eq!(long.len(), MAX_LEN);
        assert!(
            long.starts_with(&format!("{}~h", "x".repeat(126))),
            "{long}"
        );
        assert!(id_in_name(&"夕".repeat(60)).len() <= MAX_LEN);
    }

    #[test]
    fn ids_that_differ_after_the_longest_name_get_names_of_their_own() {
        let start = "x".repeat(MAX_LEN);
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
    fn the_first_file_has_the_name_itself() {
        assert_eq!(file_stem("fox", 0), "fox");
        assert_eq!(file_stem("fox", 1), "fox__2");
    }

    proptest! {
        #[test]
        fn names_lead_nowhere_and_stay_distinct_at_every_position(ids in prop::collection::hash_set(
            "(?s).{0,40}|[./~\\\\ ]{1,4}|[a-c]_{1,3}[0-9]{0,2}|(con|NUL|lpt1)(\\.a)?|x{150,170}|x{159}[a-c_~ ]{0,3}",
            1..20,
        )) {
            let mut names = HashMap::new();
            for id in ids {
                let name = id_in_name(&id);
                prop_assert!(!name.contains(['/', '\\', '\0', ':']) && !name.starts_with('.'));
                prop_assert!(!name.ends_with([' ', '.']) && !is_device(&name));
                prop_assert!(name.len() <= MAX_LEN);
                for position in [0, 1, 9] {
                    let stem = file_stem(&name, position);
                    prop_assert_eq!(names.insert(stem, (id.clone(), position)), None);
                }
            }
        }
    }
}
