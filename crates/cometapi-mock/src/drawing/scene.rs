//! A landscape in colours that the prompt decides: sky, sun, hills and water.
//!
//! Whole numbers only, so that the same seed gives the same bytes on every platform.

use image::{Rgb, RgbImage};

use super::Size;
use crate::ids::{Numbers, hash};

/// Zenith, horizon, hills, water.
const PALETTES: [[Rgb<u8>; 4]; 6] = [
    [
        Rgb([92, 124, 178]),
        Rgb([255, 226, 178]),
        Rgb([74, 58, 92]),
        Rgb([96, 112, 150]),
    ],
    [
        Rgb([46, 116, 190]),
        Rgb([222, 240, 244]),
        Rgb([28, 82, 88]),
        Rgb([28, 104, 140]),
    ],
    [
        Rgb([44, 32, 84]),
        Rgb([255, 160, 84]),
        Rgb([30, 18, 48]),
        Rgb([64, 30, 78]),
    ],
    [
        Rgb([8, 12, 34]),
        Rgb([78, 96, 146]),
        Rgb([8, 12, 28]),
        Rgb([14, 24, 56]),
    ],
    [
        Rgb([100, 152, 150]),
        Rgb([240, 240, 206]),
        Rgb([18, 56, 44]),
        Rgb([40, 92, 84]),
    ],
    [
        Rgb([120, 150, 182]),
        Rgb([244, 240, 240]),
        Rgb([66, 88, 112]),
        Rgb([120, 148, 172]),
    ],
];

const SUN: Rgb<u8> = Rgb([255, 248, 224]);
const PAPER: Rgb<u8> = Rgb([252, 250, 244]);

pub(super) fn paint(size: Size, prompt: &str, seed: u64) -> RgbImage {
    let prompt_hash = hash(prompt.as_bytes());
    let palette = Numbers::new(prompt_hash).below(6) as usize;
    let [zenith, horizon, hills, water] = PALETTES[palette];
    let mut numbers = Numbers::new(prompt_hash ^ seed.rotate_left(17));
    let shorter = size.width.min(size.height);
    let waterline = size.height * (50 + numbers.below(12)) / 100;
    let radius = shorter * (6 + numbers.below(5)) / 100;
    let sun_x = size.width * (20 + numbers.below(60)) / 100;
    let sun_y = waterline * (30 + numbers.below(40)) / 100;
    let ridges: [Vec<u32>; 3] = [46, 32, 18].map(|percent| {
        let tallest = waterline * percent / 100;
        ridge(size.width, size.width / 3, tallest, &mut numbers)
    });
    let boat = prompt.to_lowercase().contains("boat").then(|| Boat {
        x: size.width * (26 + numbers.below(48)) / 100,
        y: waterline + (size.height - waterline) / 4,
        half: shorter * (12 + numbers.below(4)) / 100,
    });
    RgbImage::from_fn(size.width, size.height, |x, y| {
        if let Some(shade) = boat.as_ref().and_then(|boat| boat.shade(x, y)) {
            return mix(PAPER, zenith, shade);
        }
        // The water repeats what is above it, upside down and squeezed.
        let depth = y.saturating_sub(waterline);
        let height = if y < waterline {
            waterline - y
        } else {
            depth * 5 / 4
        };
        let height = height.min(waterline);
        let mut color = mix(horizon, zenith, height * 256 / waterline.max(1));
        let distance = x.abs_diff(sun_x).pow(2) + (waterline - height).abs_diff(sun_y).pow(2);
        if distance < radius.pow(2) {
            color = mix(color, SUN, 230);
        }
        for (nearness, ridge) in (0..).zip(&ridges) {
            if height < ridge[x as usize] {
                color = mix(horizon, hills, 110 + 70 * nearness);
            }
        }
        if y < waterline {
            color
        } else {
            let deepest = size.height - waterline;
            mix(color, water, 70 + 130 * depth / deepest)
        }
    })
}

/// The height of hills at every column: value noise, the second octave a quarter of the first.
fn ridge(width: u32, wave: u32, tallest: u32, numbers: &mut Numbers) -> Vec<u32> {
    let mut octave = |wave: u32, tallest: u32| {
        let levels: Vec<u32> = (0..=width / wave + 1)
            .map(|_| numbers.below(tallest + 1))
            .collect();
        move |x: u32| {
            let (at, eased) = ((x / wave) as usize, eased(x % wave, wave));
            (levels[at] * (256 - eased) + levels[at + 1] * eased) >> 8
        }
    };
    let wave = wave.max(4);
    let (hills, rocks) = (octave(wave, tallest), octave(wave / 4, tallest / 4));
    (0..width)
        .map(|x| tallest / 4 + hills(x) + rocks(x))
        .collect()
}

/// A folded paper boat on the water.
struct Boat {
    x: u32,
    y: u32,
    half: u32,
}

impl Boat {
    /// How dark the paper is at a pixel; `None` beside the boat.
    fn shade(&self, x: u32, y: u32) -> Option<u32> {
        let above = (self.y + self.half / 5).checked_sub(y)?;
        let off = x.abs_diff(self.x);
        let hull = self.half / 3;
        let is_hull = above < hull && off < self.half * 6 / 10 + above * 6 / 5;
        let is_sail = above >= hull && off + above / 2 < self.half * 6 / 10;
        let is_fold = is_hull && off < above || is_sail && x < self.x;
        (is_hull || is_sail).then_some(if is_fold { 90 } else { 0 })
    }
}

/// How far `at` is on the way to `of`, 0 to 256, slow at both ends.
fn eased(at: u32, of: u32) -> u32 {
    let t = at.min(of) * 256 / of.max(1);
    (t * t * (768 - 2 * t)) >> 16
}

/// A colour with `amount` of another in it: 0 is none, 256 is all.
pub(super) fn mix(from: Rgb<u8>, to: Rgb<u8>, amount: u32) -> Rgb<u8> {
    let amount = amount.min(256);
    // At most 255 * 256, so the second byte is all there is.
    let part = |at: usize| {
        let sum = u32::from(from[at]) * (256 - amount) + u32::from(to[at]) * amount;
        sum.to_le_bytes()[1]
    };
    Rgb([part(0), part(1), part(2)])
}
