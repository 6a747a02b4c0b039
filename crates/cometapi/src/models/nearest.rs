//! The name that was meant.

/// The one of `names` that `typed` is a slip of the finger away from: a letter in three may
/// be wrong; case and the kind of dash do not count.
pub(super) fn nearest<'n>(
    typed: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    let plain = |name: &str| name.to_lowercase().replace(['-', '_', ' '], "");
    let typed = plain(typed);
    // A wall of text is no slip, and comparing costs the square of its length.
    if typed.is_empty() || typed.len() > 100 {
        return None;
    }
    names
        .into_iter()
        .map(|name| (strsim::osa_distance(&typed, &plain(name)), name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).min(4))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_found_and_another_word_is_not() {
        let names = ["prompt", "seed", "aspect_ratio", "num_outputs"];
        for (typed, meant) in [
            ("promt", Some("prompt")),
            ("Prompt", Some("prompt")),
            ("aspect-ratio", Some("aspect_ratio")),
            ("aspectRatio", Some("aspect_ratio")),
            ("num_output", Some("num_outputs")),
            ("sede", Some("seed")),
            ("width", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names), meant, "{typed}");
        }
    }
}
