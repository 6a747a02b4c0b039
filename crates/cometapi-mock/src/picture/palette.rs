//! The colours of a picture, and what is in it, picked from the prompt's words.

use super::canvas::Color;
use crate::ids::hash;

/// The colours of a landscape, and its weather.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    pub(super) zenith: Color,
    pub(super) sky: Color,
    pub(super) horizon: Color,
    pub(super) sun: Color,
    /// The farthest hills; nearer ones go towards `near`.
    pub(super) far: Color,
    pub(super) near: Color,
    pub(super) water: Color,
    pub(super) stars: bool,
    pub(super) trees: bool,
}

const DAWN: Palette = Palette {
    zenith: Color(92, 124, 178),
    sky: Color(240, 176, 164),
    horizon: Color(255, 226, 178),
    sun: Color(255, 248, 224),
    far: Color(206, 156, 162),
    near: Color(74, 58, 92),
    water: Color(96, 112, 150),
    stars: false,
    trees: false,
};

const DAY: Palette = Palette {
    zenith: Color(46, 116, 190),
    sky: Color(120, 184, 228),
    horizon: Color(222, 240, 244),
    sun: Color(255, 252, 226),
    far: Color(144, 184, 206),
    near: Color(28, 82, 88),
    water: Color(28, 104, 140),
    stars: false,
    trees: true,
};

const DUSK: Palette = Palette {
    zenith: Color(44, 32, 84),
    sky: Color(170, 62, 108),
    horizon: Color(255, 160, 84),
    sun: Color(255, 214, 130),
    far: Color(152, 74, 110),
    near: Color(30, 18, 48),
    water: Color(64, 30, 78),
    stars: false,
    trees: false,
};

const NIGHT: Palette = Palette {
    zenith: Color(8, 12, 34),
    sky: Color(24, 38, 82),
    horizon: Color(78, 96, 146),
    sun: Color(240, 242, 250),
    far: Color(52, 66, 112),
    near: Color(8, 12, 28),
    water: Color(14, 24, 56),
    stars: true,
    trees: true,
};

const FOREST: Palette = Palette {
    zenith: Color(100, 152, 150),
    sky: Color(176, 208, 184),
    horizon: Color(240, 240, 206),
    sun: Color(255, 250, 218),
    far: Color(140, 176, 152),
    near: Color(18, 56, 44),
    water: Color(40, 92, 84),
    stars: false,
    trees: true,
};

const DESERT: Palette = Palette {
    zenith: Color(70, 132, 164),
    sky: Color(206, 196, 168),
    horizon: Color(252, 222, 168),
    sun: Color(255, 244, 208),
    far: Color(224, 170, 122),
    near: Color(122, 58, 40),
    water: Color(160, 112, 84),
    stars: false,
    trees: false,
};

const WINTER: Palette = Palette {
    zenith: Color(120, 150, 182),
    sky: Color(188, 206, 222),
    horizon: Color(244, 240, 240),
    sun: Color(255, 250, 240),
    far: Color(206, 218, 230),
    near: Color(66, 88, 112),
    water: Color(120, 148, 172),
    stars: false,
    trees: true,
};

const NEON: Palette = Palette {
    zenith: Color(16, 6, 44),
    sky: Color(86, 16, 118),
    horizon: Color(255, 84, 170),
    sun: Color(255, 222, 110),
    far: Color(92, 30, 140),
    near: Color(14, 6, 38),
    water: Color(22, 20, 84),
    stars: true,
    trees: false,
};

/// Beginnings of words that call for a palette. The first palette with a match wins.
const BY_WORD: &[(&[&str], Palette)] = &[
    (
        &[
            "night", "moon", "star", "midnight", "galax", "space", "夜", "月", "星",
        ],
        NIGHT,
    ),
    (
        &[
            "neon", "cyber", "synth", "retro", "robot", "future", "city", "vapor",
        ],
        NEON,
    ),
    (
        &[
            "snow", "winter", "ice", "frost", "glacier", "arctic", "glass", "雪", "冬",
        ],
        WINTER,
    ),
    (
        &["desert", "sand", "dune", "canyon", "mars", "clay", "沙"],
        DESERT,
    ),
    (
        &[
            "forest", "tree", "jungle", "green", "leaf", "leaves", "moss", "garden", "tea", "森",
            "林",
        ],
        FOREST,
    ),
    (
        &[
            "sunset", "dusk", "evening", "fire", "autumn", "lava", "dragon", "夕",
        ],
        DUSK,
    ),
    (
        &[
            "sunrise", "dawn", "morning", "pink", "rose", "spring", "blossom", "朝", "桜",
        ],
        DAWN,
    ),
    (
        &[
            "sea", "ocean", "lake", "water", "river", "boat", "blue", "sky", "summer", "海", "水",
            "空",
        ],
        DAY,
    ),
];

/// A palette for a prompt: by its words, else by chance that the prompt alone decides.
pub(super) fn of(prompt: &str) -> Palette {
    let prompt = prompt.to_lowercase();
    let called = BY_WORD
        .iter()
        .find(|(words, _)| words.iter().any(|word| begins(&prompt, word)));
    let at = (hash(prompt.as_bytes()) >> 7) % BY_WORD.len() as u64;
    match called {
        Some((_, palette)) => *palette,
        None => BY_WORD[usize::try_from(at).unwrap_or(0)].1,
    }
}

/// Whether a boat belongs on the water.
pub(super) fn has_boat(prompt: &str) -> bool {
    let prompt = prompt.to_lowercase();
    ["boat", "ship", "sail", "船"]
        .iter()
        .any(|word| begins(&prompt, word))
}

/// Whether a word of the text begins so. Scripts without blanks have no words to begin.
fn begins(text: &str, word: &str) -> bool {
    if word.is_ascii() {
        text.split(|c: char| !c.is_alphanumeric())
            .any(|one| one.starts_with(word))
    } else {
        text.contains(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_decide() {
        assert_eq!(of("A boat at SUNRISE.").zenith, DAWN.zenith);
        assert_eq!(of("starry night").zenith, NIGHT.zenith);
        assert_eq!(of("静かな海").zenith, DAY.zenith);
        // `tea` is in `steam`, but does not begin it.
        assert!(!begins("steam", "tea"));
    }

    #[test]
    fn boats_are_asked_for() {
        assert!(has_boat("two sailboats"));
        assert!(!has_boat("a lighthouse"));
    }
}
