//! A landscape: sky, sun, hills, their reflection in water.
//!
//! Whole numbers only, so that the same seed gives the same bytes on every platform; rows
//! and spans rather than pixels wherever it goes, so that a debug build is quick as well.

use super::canvas::{Canvas, Color};
use super::palette::{self, Palette};
use crate::ids::{Numbers, hash};

/// Fractions of a pixel in heights of hills.
const UNIT: u32 = 256;

pub(super) fn paint(canvas: &mut Canvas, prompt: &str, seed: u64) {
    let palette = palette::of(prompt);
    let mut numbers = Numbers::new(hash(prompt.as_bytes()) ^ seed.rotate_left(17));
    let scene = Scene::new(canvas, &mut numbers);

    sky(canvas, &palette, &scene);
    if palette.stars {
        stars(canvas, &scene, &mut numbers);
    }
    sun(canvas, &palette, &scene);
    if !palette.stars {
        clouds(canvas, &palette, &scene, &mut numbers);
    }
    hills(canvas, &palette, &scene, &mut numbers);
    water(canvas, &palette, &scene, &mut numbers);
    if palette::has_boat(prompt) {
        boat(canvas, &palette, &scene, &mut numbers);
    }
}

/// Where things are, in pixels.
struct Scene {
    width: u32,
    height: u32,
    horizon: u32,
    /// The shorter side, to which sizes are relative.
    side: u32,
    sun_x: u32,
    sun_y: u32,
    sun_radius: u32,
}

impl Scene {
    fn new(canvas: &Canvas, numbers: &mut Numbers) -> Self {
        let (width, height) = (canvas.width(), canvas.height());
        let side = width.min(height);
        let horizon = height * (52 + numbers.below(9)) / 100;
        let sun_radius = side * (55 + numbers.below(35)) / 1000;
        // In one of the outer thirds or thereabouts, above the hills as a rule.
        let sun_x = width * (20 + numbers.below(60)) / 100;
        let sun_y = horizon * (34 + numbers.below(40)) / 100;
        Self {
            width,
            height,
            horizon,
            side,
            sun_x,
            sun_y,
            sun_radius,
        }
    }
}

fn sky(canvas: &mut Canvas, palette: &Palette, scene: &Scene) {
    let middle = scene.horizon * 55 / 100;
    for y in 0..scene.horizon {
        let color = if y < middle {
            palette.zenith.mix(palette.sky, eased(y, middle))
        } else {
            let below = y - middle;
            palette
                .sky
                .mix(palette.horizon, eased(below, scene.horizon - middle))
        };
        canvas.span(y, 0, scene.width, color);
    }
}

fn stars(canvas: &mut Canvas, scene: &Scene, numbers: &mut Numbers) {
    let sky = scene.horizon * 8 / 10;
    for _ in 0..scene.width / 5 {
        let (x, y) = (numbers.below(scene.width), numbers.below(sky));
        // Fainter towards the haze, and few of them bright.
        let bright = 60 + numbers.below(190) * (sky - y) / sky;
        let white = Color(255, 252, 240);
        canvas.blend(x, y, white, bright);
        if bright > 190 {
            for (x, y) in [
                (x + 1, y),
                (x.wrapping_sub(1), y),
                (x, y + 1),
                (x, y.wrapping_sub(1)),
            ] {
                canvas.blend(x, y, white, bright / 3);
            }
        }
    }
}

/// A disc with a soft edge in a wide glow.
fn sun(canvas: &mut Canvas, palette: &Palette, scene: &Scene) {
    let radius = scene.sun_radius;
    let reach = radius * 4;
    let square = |value: u32| u64::from(value) * u64::from(value);
    let (disc, edge, glow) = (square(radius), square(radius + 2), square(reach));
    for y in scene.sun_y.saturating_sub(reach)..(scene.sun_y + reach).min(scene.horizon) {
        let dy = square(y.abs_diff(scene.sun_y));
        for x in scene.sun_x.saturating_sub(reach)..(scene.sun_x + reach).min(scene.width) {
            let distance = dy + square(x.abs_diff(scene.sun_x));
            let amount = if distance <= disc {
                256
            } else if distance <= edge {
                256 - (distance - disc) * 110 / (edge - disc)
            } else if distance < glow {
                // Falls off with the fourth power of the distance.
                let left = (glow - distance) * 256 / glow;
                (left * left * 146) >> 16
            } else {
                continue;
            };
            // At most 256.
            canvas.blend(x, y, palette.sun, u32::try_from(amount).unwrap_or(256));
        }
    }
}

/// A few banks of cloud, each of some lenses that overlap.
fn clouds(canvas: &mut Canvas, palette: &Palette, scene: &Scene, numbers: &mut Numbers) {
    let light = palette.sun.mix(palette.horizon, 90);
    for _ in 0..2 + numbers.below(3) {
        let x = numbers.below(scene.width);
        let y = scene.horizon * (8 + numbers.below(46)) / 100;
        let half = scene.width * (7 + numbers.below(9)) / 100;
        for _ in 0..5 {
            let x = x + numbers.below(half);
            let y = y + numbers.below(scene.side / 45 + 1);
            let half = half * (45 + numbers.below(56)) / 100;
            let thick = scene.side * (5 + numbers.below(8)) / 1000 + 2;
            for row in 0..thick * 2 {
                // Round above, flatter and fainter below.
                let off = row.abs_diff(thick);
                let reach = half * (thick * thick - off * off) / (thick * thick);
                let amount = 58 - 24 * row / (thick * 2);
                streak(
                    canvas,
                    y + row,
                    x.saturating_sub(reach),
                    x + reach,
                    light,
                    amount,
                );
            }
        }
    }
}

/// A horizontal stripe that fades at both ends.
fn streak(canvas: &mut Canvas, y: u32, from: u32, to: u32, color: Color, amount: u32) {
    let fade = (to.saturating_sub(from) / 3).max(1);
    for x in from..to.min(canvas.width()) {
        let inside = (x - from).min(to - 1 - x).min(fade);
        canvas.blend(x, y, color, amount * inside / fade);
    }
}

/// Four ridges, each nearer, darker and lower than the one behind it.
fn hills(canvas: &mut Canvas, palette: &Palette, scene: &Scene, numbers: &mut Numbers) {
    const RIDGES: u32 = 4;
    for ridge in 0..RIDGES {
        let near = ridge * 256 / (RIDGES - 1);
        let color = palette.far.mix(palette.near, near);
        let haze = palette.horizon.mix(color, 110 + near / 3);
        let base = scene.horizon * (30 - ridge * 7) / 100;
        let rough = scene.horizon * (34 - ridge * 6) / 100;
        let wave = scene.width * (52 - ridge * 8) / 100;
        let mut tops = outline(scene.width, wave, base, rough, numbers);
        if palette.trees && ridge == RIDGES - 1 {
            grow_trees(&mut tops, scene, numbers);
        }
        ridge_of(canvas, scene, &tops, color, haze);
    }
}

/// The height of a ridge above the horizon at every column, in [`UNIT`]s: value noise, each
/// octave half as long and less than half as high as the one before.
fn outline(width: u32, wave: u32, base: u32, rough: u32, numbers: &mut Numbers) -> Vec<u32> {
    let mut heights = vec![base / 3 * UNIT; width as usize];
    let (mut wave, mut rough) = (wave.max(8), rough * UNIT * 6 / 10);
    while wave >= 6 {
        let shift = numbers.below(wave);
        let mut from = numbers.below(256);
        let mut to = numbers.below(256);
        let mut at = shift;
        for height in &mut heights {
            let level = from * (256 - eased(at, wave)) + to * eased(at, wave);
            *height += (level >> 8) * (rough >> 8);
            at += 1;
            if at == wave {
                at = 0;
                from = to;
                to = numbers.below(256);
            }
        }
        wave = wave * 45 / 100;
        rough = rough * 42 / 100;
    }
    heights
}

/// Pointed trees on a ridge, in loose groups.
fn grow_trees(tops: &mut [u32], scene: &Scene, numbers: &mut Numbers) {
    let tallest = (scene.side * 5 / 100).max(8);
    let mut x = 0;
    while x < scene.width {
        let tall = tallest * (35 + numbers.below(66)) / 100;
        let half = (tall / 5).max(2);
        for column in x.saturating_sub(half)..(x + half).min(scene.width) {
            let top = &mut tops[column as usize];
            let slope = tall * UNIT * (half - column.abs_diff(x).min(half)) / half;
            *top = (*top).max(tops_base(*top) + slope);
        }
        x += half + numbers.below(half * 3);
        if numbers.below(9) == 0 {
            x += tallest * 2 + numbers.below(tallest * 5);
        }
    }
}

/// Trees stand in the ground a little, whatever grew there before.
fn tops_base(top: u32) -> u32 {
    top - top / 12
}

/// Fills everything under an outline, down to the horizon.
fn ridge_of(canvas: &mut Canvas, scene: &Scene, tops: &[u32], color: Color, haze: Color) {
    let highest = tops.iter().max().map_or(0, |top| top / UNIT + 1);
    let highest = highest.min(scene.horizon);
    for above in (0..highest).rev() {
        let y = scene.horizon - 1 - above;
        // Mist lies at the foot.
        let color = haze.mix(color, eased(above, highest));
        let mut from = None;
        for (x, top) in (0..scene.width).zip(tops) {
            let inside = *top >= (above + 1) * UNIT;
            match (inside, from) {
                (true, None) => from = Some(x),
                (false, Some(start)) => {
                    canvas.span(y, start, x, color);
                    from = None;
                }
                _ => {}
            }
            // The pixel that the outline runs through.
            if !inside && *top > above * UNIT {
                canvas.blend(x, y, color, top - above * UNIT);
            }
        }
        if let Some(start) = from {
            canvas.span(y, start, scene.width, color);
        }
    }
}

/// What is above the horizon, upside down, tinted, with ripples.
fn water(canvas: &mut Canvas, palette: &Palette, scene: &Scene, numbers: &mut Numbers) {
    let depth = scene.height - scene.horizon;
    let mut row = Vec::new();
    for below in 0..depth {
        let y = scene.horizon + below;
        // Looking down at the water shows more of the water, less of the sky.
        let source = scene.horizon - 1 - (below * 12 / 10).min(scene.horizon - 1);
        let tint = 70 + 130 * below / depth;
        let waves = 1 + below * scene.side / depth / 90;
        let shift = numbers.below(waves * 2 + 1);
        canvas.copy_row(source, &mut row);
        canvas.put_row(y, &row, shift, waves, |color| {
            color.mix(palette.water, tint)
        });
    }
    glitter(canvas, palette, scene, numbers);
}

/// Streaks of light under the sun, and a few elsewhere.
fn glitter(canvas: &mut Canvas, palette: &Palette, scene: &Scene, numbers: &mut Numbers) {
    let depth = scene.height - scene.horizon;
    let light = palette.sun.mix(palette.horizon, 60);
    for _ in 0..scene.side / 5 {
        let below = numbers.below(depth);
        let spread = scene.sun_radius + below / 2;
        let long = 6 + below / 12 + numbers.below(below / 6 + 8);
        let x = (scene.sun_x + numbers.below(spread * 2)).saturating_sub(spread + long / 2);
        let amount = 40 + numbers.below(110) * (depth - below) / depth;
        streak(canvas, scene.horizon + below, x, x + long, light, amount);
    }
    for _ in 0..scene.side / 8 {
        let below = numbers.below(depth);
        let long = 10 + below / 4 + numbers.below(40);
        let x = numbers.below(scene.width);
        streak(
            canvas,
            scene.horizon + below,
            x,
            x + long,
            palette.horizon,
            34,
        );
    }
}

/// A folded paper boat: hull, sail, the shadow side of each, a reflection.
fn boat(canvas: &mut Canvas, palette: &Palette, scene: &Scene, numbers: &mut Numbers) {
    let size = scene.side * (13 + numbers.below(5)) / 100;
    let x = scene.width * (26 + numbers.below(48)) / 100;
    let water_line = scene.horizon + (scene.height - scene.horizon) * 24 / 100;
    let paper = Color(252, 250, 244);
    let shade = paper.mix(palette.zenith, 90);

    for row in 0..size / 3 {
        let narrow = size * 7 / 10 - row;
        let amount = 150 * (size / 3 - row) / (size / 3);
        streak(
            canvas,
            water_line + row,
            x - narrow.min(x),
            x + narrow,
            paper,
            amount / 2,
        );
    }
    // The sail, a triangle behind the hull.
    let tall = size * 8 / 10;
    for row in 0..tall {
        let half = size * 45 / 100 * row / tall;
        let y = (water_line + row).saturating_sub(size * 3 / 10 + tall);
        canvas.span(y, x - half.min(x), x, shade);
        canvas.span(y, x, x + half, paper);
    }
    // The hull, wide at its rim.
    let deep = size * 38 / 100;
    for row in 0..deep {
        let half = size - size * 45 / 100 * row / deep;
        let y = (water_line + row).saturating_sub(deep);
        canvas.span(y, x - half.min(x), x + half, paper);
        let fold = size * 42 / 100 * row / deep;
        canvas.span(y, x - fold.min(x), x + fold, shade);
    }
}

/// How far `at` is on the way to `of`, 0 to 256, slow at both ends.
fn eased(at: u32, of: u32) -> u32 {
    let t = at.min(of) * 256 / of.max(1);
    (t * t * (768 - 2 * t)) >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eases_from_none_to_all() {
        assert_eq!(eased(0, 7), 0);
        assert_eq!(eased(7, 7), 256);
        assert_eq!(eased(9, 7), 256);
        assert_eq!(eased(5, 10), 128);
        assert_eq!(eased(1, 0), 0);
    }
}
