use image::{GenericImageView as _, ImageFormat, Rgb};

use super::*;
use crate::ids;
use crate::spec::Sides;

fn drawing(prompt: &str, seed: u64, size: Size) -> Drawing {
    Drawing {
        prompt: prompt.to_owned(),
        model: "black-forest-labs/flux-schnell".to_owned(),
        seed,
        format: Format::Png,
        quality: 80,
        size,
    }
}

const SMALL: Size = Size {
    width: 320,
    height: 256,
};

/// The pixels are part of what people rely on: the same seed gives the same image, on every
/// machine and in every release that does not say otherwise.
#[test]
fn the_same_seed_gives_the_same_pixels_for_ever() {
    let pixels = |prompt: &str, seed| ids::hash(drawing(prompt, seed, SMALL).draw().as_raw());
    let golden = pixels("A paper boat floating on calm water at sunrise.", 42);
    assert_eq!(golden, 0x822f_9332_b68e_de86, "{golden:#x}");
    assert_ne!(
        golden,
        pixels("A paper boat floating on calm water at sunrise.", 43)
    );
    assert_ne!(
        golden,
        pixels("A paper boat floating on calm water at sunrise", 42)
    );
}

#[test]
fn every_format_decodes_to_the_size_asked_for() {
    for (format, kind) in [
        (Format::Png, ImageFormat::Png),
        (Format::Webp, ImageFormat::WebP),
        (Format::Jpeg, ImageFormat::Jpeg),
    ] {
        let mut drawing = drawing("x", 1, SMALL);
        drawing.format = format;
        let file = drawing.encoded().unwrap();
        assert_eq!(image::guess_format(&file).unwrap(), kind);
        let decoded = image::load_from_memory_with_format(&file, kind).unwrap();
        assert_eq!(decoded.dimensions(), (320, 256));
        assert_eq!(file, drawing.encoded().unwrap());
    }
}

#[test]
fn lossless_formats_keep_every_pixel() {
    let mut drawing = drawing("x", 1, SMALL);
    let drawn = drawing.draw();
    for format in [Format::Png, Format::Webp] {
        drawing.format = format;
        let decoded = image::load_from_memory(&drawing.encoded().unwrap()).unwrap();
        assert!(decoded.to_rgb8().as_raw() == drawn.as_raw(), "{format:?}");
    }
}

#[test]
fn jpeg_honours_its_quality() {
    let length = |quality| {
        let mut drawing = drawing("x", 1, SMALL);
        drawing.format = Format::Jpeg;
        drawing.quality = quality;
        drawing.encoded().unwrap().len()
    };
    assert!(length(20) * 2 < length(95));
}

#[test]
fn draws_whatever_is_asked_for() {
    let prompts = [
        "",
        " \n\t ",
        "boat 🛶👩‍🚀 night",
        "\u{202e}right to left \u{0}\u{7f}",
        &"unbreakable".repeat(300),
        &"many words ".repeat(300),
        "静かな夜の船",
    ];
    let sizes = [(256, 256), (1440, 256), (256, 1440), (32, 32)];
    for (seed, (width, height)) in (0..).zip(sizes) {
        for prompt in prompts {
            let size = Size { width, height };
            let image = drawing(prompt, seed, size).draw();
            assert_eq!(image.as_raw().len(), (width * height * 3) as usize);
        }
    }
}

/// White is the caption's ink, and nothing else is white.
#[test]
fn captions_stay_within_their_margin() {
    let white = Rgb([255; 3]);
    let prompts = [
        "A paper boat “très” beau, Łódź, ñandú, œuvre…",
        "Бумажный кораблик",
        "しずかな夜の船、紙でできた小さな船",
        "boat 🛶👩\u{200d}🚀 night ❤\u{fe0f}",
        &"many words ".repeat(300),
        &"unbreakable".repeat(300),
    ];
    for side in [512, 1024] {
        let size = Size::custom(side, side, Sides::default());
        for prompt in prompts {
            let image = drawing(prompt, u64::MAX, size).draw();
            let margin = size.width / 20;
            let within = margin..size.width - margin;
            let ink = image.enumerate_pixels().filter(|(.., it)| **it == white);
            let mut ink = ink.map(|(x, y, _)| (x, y)).peekable();
            assert!(ink.peek().is_some(), "{prompt}");
            let outside = ink.find(|(x, y)| !within.contains(x) || !within.contains(y));
            assert_eq!(outside, None, "{prompt} at {side}");
        }
    }
}

/// Nothing stands for a character that the font lacks; only the count below the prompt differs.
#[test]
fn a_character_without_a_glyph_leaves_no_box() {
    let size = Size::custom(512, 512, Sides::default());
    let caption = |text: &str| {
        let mut image = RgbImage::new(size.width, size.height);
        caption::draw(&mut image, text, "mock");
        image
    };
    let (with, without) = (caption("paper漢字 boat"), caption("paper boat"));
    let differs = |x: &u32, y: &u32| with.get_pixel(*x, *y) != without.get_pixel(*x, *y);
    let all = (0..size.width).flat_map(|x| (0..size.height).map(move |y| (x, y)));
    let rows: Vec<_> = all.filter(|(x, y)| differs(x, y)).map(|(_, y)| y).collect();
    // The line below is at most two glyphs high, above a margin.
    let line = size.height - size.height / 20 - 2 * 11;
    assert!(rows.iter().all(|y| *y >= line), "{:?}", rows.iter().min());
    assert!(!rows.is_empty());
}

#[test]
fn the_largest_are_drawn_too() {
    let size = Size::of_ratio("1:1", Some("4 MP"));
    drawing("a boat in a starry forest", u64::MAX, size).draw();
}

#[tokio::test]
async fn is_drawn_once_for_all_who_ask() {
    let cache = Cache::default();
    let drawing = drawing("x", 1, SMALL);
    let (one, other) = tokio::join!(
        cache.encoded(drawing.clone()),
        cache.encoded(drawing.clone())
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    // The same memory, not only the same bytes.
    assert_eq!(one.as_ptr(), other.as_ptr());
    assert_eq!(cache.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn keeps_the_latest_few() {
    let cache = Cache::default();
    let size = Size::custom(256, 256, Sides::default());
    for seed in 0..=CACHED as u64 {
        cache.cell(&drawing("x", seed, size));
    }
    let entries = cache.0.lock().unwrap();
    assert_eq!(entries.len(), CACHED);
    assert_eq!(entries[0].0.seed, 1);
}
