//! The size of an image.

use crate::spec::Sides;

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Sides that follow from a ratio are multiples of it.
const STEP: u32 = 32;

/// One megapixel.
const AREA: u64 = 1 << 20;

/// The sizes of one megapixel that the models are known to give (observed).
const KNOWN: &[(&str, u32, u32)] = &[
    ("1:1", 1024, 1024),
    ("16:9", 1344, 768),
    ("9:16", 768, 1344),
    ("21:9", 1536, 640),
    ("9:21", 640, 1536),
    ("3:2", 1216, 832),
    ("2:3", 832, 1216),
    ("4:3", 1152, 896),
    ("3:4", 896, 1152),
    ("5:4", 1088, 896),
    ("4:5", 896, 1088),
];

impl Size {
    /// The size for an `aspect_ratio`, with `megapixels` (`0.25`) or `resolution` (`2 MP`).
    /// Anything that is no ratio is a square: `match_input_image` would need the image.
    pub(crate) fn of_ratio(ratio: &str, megapixels: Option<&str>) -> Self {
        let known = KNOWN.iter().find(|(name, ..)| *name == ratio);
        let (width, height) = known
            .map(|(_, width, height)| (*width, *height))
            .or_else(|| by_area(ratio))
            .unwrap_or((1024, 1024));
        let quarter = match megapixels.map(|text| text.trim_end_matches(" MP")) {
            Some("0.25") => 1,
            Some("0.5") => 2,
            Some("2") => 8,
            Some("4") => 16,
            _ => return Self { width, height },
        };
        let side = |side: u32| rounded((u64::from(side * side) * quarter / 4).isqrt(), STEP);
        Self {
            width: side(width),
            height: side(height),
        }
    }

    /// The size asked for, within what the model allows.
    pub(crate) fn custom(width: u64, height: u64, sides: Sides) -> Self {
        let within = |side: u64| side.max(sides.least.into()).min(sides.most.into());
        let side = |side: u64| rounded(within(side), sides.step);
        Self {
            width: side(width),
            height: side(height),
        }
    }
}

/// About one megapixel in a ratio such as `2:1`.
fn by_area(ratio: &str) -> Option<(u32, u32)> {
    let (width, height) = ratio.split_once(':')?;
    let side = |text: &str| text.parse().ok().filter(|side| (1..=32).contains(side));
    let (width, height): (u64, u64) = (side(width)?, side(height)?);
    Some((
        rounded((AREA * width / height).isqrt(), STEP),
        rounded((AREA * height / width).isqrt(), STEP),
    ))
}

/// The nearest multiple of `step`, which is not 0.
fn rounded(side: u64, step: u32) -> u32 {
    // Sides stay far below 2^32: ratios have at most two digits, custom sizes a limit.
    let side = u32::try_from(side).unwrap_or(u32::MAX);
    (side.saturating_add(step / 2) / step * step).max(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::SHIPPED;

    #[track_caller]
    fn gives(ratio: &str, megapixels: Option<&str>, width: u32, height: u32) {
        assert_eq!(Size::of_ratio(ratio, megapixels), Size { width, height });
    }

    #[test]
    fn ratios() {
        gives("1:1", None, 1024, 1024);
        gives("16:9", None, 1344, 768);
        gives("2:1", None, 1440, 736);
        gives("1:2", None, 736, 1440);
        gives("match_input_image", None, 1024, 1024);
        gives("0:0", None, 1024, 1024);
        gives("1:99999999999999999999", None, 1024, 1024);
        gives("1:1", Some("0.25"), 512, 512);
        gives("16:9", Some("0.25"), 672, 384);
        gives("1:1", Some("4 MP"), 2048, 2048);
        gives("1:1", Some("1 MP"), 1024, 1024);
    }

    #[test]
    fn every_ratio_of_every_model_is_about_a_megapixel_of_its_shape() {
        let root: serde_json::Value = serde_saphyr::from_str(SHIPPED).unwrap();
        let ratios = root["components"]["schemas"]
            .as_object()
            .unwrap()
            .values()
            .filter_map(|component| component["properties"]["aspect_ratio"]["enum"].as_array())
            .flatten()
            .map(|ratio| ratio.as_str().unwrap());
        let mut seen = 0;
        for ratio in ratios {
            let size = Size::of_ratio(ratio, None);
            let area = size.width * size.height;
            assert!((900_000..1_100_000).contains(&area), "{ratio}: {area}");
            assert_eq!((size.width % STEP, size.height % STEP), (0, 0));
            if let Some((width, height)) = ratio.split_once(':') {
                let (width, height): (u32, u32) = (width.parse().unwrap(), height.parse().unwrap());
                let off = (size.width * height).abs_diff(size.height * width);
                assert!(off * 16 < size.width * height, "{ratio}: {size:?}");
            }
            seen += 1;
        }
        assert!(seen >= 100, "{seen}");
    }

    #[test]
    fn custom_sizes_stay_within_limits() {
        let custom = |width, height| {
            let size = Size::custom(width, height, Sides::default());
            (size.width, size.height)
        };
        assert_eq!(custom(1, u64::MAX), (256, 1440));
        assert_eq!(custom(500, 530), (512, 544));
        let sixteen = Sides {
            step: 16,
            ..Sides::default()
        };
        assert_eq!(Size::custom(500, 530, sixteen).width, 496);
    }
}
