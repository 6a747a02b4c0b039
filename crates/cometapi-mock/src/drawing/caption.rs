//! The caption: the prompt, and a small line that says what the image is.

use font8x8::UnicodeFonts as _;
use font8x8::{BASIC_FONTS, GREEK_FONTS, HIRAGANA_FONTS, LATIN_FONTS, MISC_FONTS};
use image::{Rgb, RgbImage};

use super::scene::mix;

/// Rows and columns of a glyph.
const CELLS: u32 = 8;
/// From one line's top to the next, in cells.
const LEADING: u32 = 11;
/// A space, in cells.
const SPACE: u32 = 4;

const INK: Rgb<u8> = Rgb([255, 255, 255]);
const SHADE: Rgb<u8> = Rgb([6, 8, 18]);

/// Sets `text` at the bottom, as large as it fits, and `about` under it. Characters that the font
/// lacks are left out, and counted.
pub(super) fn draw(image: &mut RgbImage, text: &str, about: &str) {
    let (shown, missing): (String, Vec<char>) = readable(text);
    let about = match missing.len() {
        0 => about.to_owned(),
        1 => format!("{about} · 1 character not shown"),
        more => format!("{about} · {more} characters not shown"),
    };
    let margin = image.width().min(image.height()) / 20;
    let room = image.width() - 2 * margin;
    let height = image.height() / 2;
    let (small, about) = laid_out(&about, room, (1..=2).rev(), 2 * LEADING);
    let (large, lines) = laid_out(&shown, room, (1..=5).rev(), height * 3 / 4);
    let lines = [(large, lines), (small, about)];
    let whole: u32 = lines
        .iter()
        .map(|(scale, lines)| scale * LEADING * count(lines))
        .sum();
    let mut y = image.height().saturating_sub(whole + margin);
    darken(image, y.saturating_sub(margin));
    for (scale, lines) in lines {
        for line in lines {
            set(image, &line, margin, y, scale);
            y += LEADING * scale;
        }
    }
}

/// The characters that the font has, and the others.
fn readable(text: &str) -> (String, Vec<char>) {
    let text: String = text
        .chars()
        .filter(|c| !is_invisible(*c))
        .map(plain)
        .collect();
    let spaced = text
        .replace('…', "...")
        .replace(|c: char| c.is_whitespace() || c.is_control(), " ");
    let missing = spaced.chars().filter(|c| glyph(*c).is_none()).collect();
    (
        spaced.chars().filter(|c| glyph(*c).is_some()).collect(),
        missing,
    )
}

/// Joiners, marks of direction and selectors that follow a character.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}')
}

/// The plain sign for one that the font lacks.
fn plain(c: char) -> char {
    match c {
        '‘' | '’' | '‚' | '′' => '\'',
        '“' | '”' | '„' | '″' => '"',
        '‐' | '‑' | '–' | '—' | '−' => '-',
        '！'..='～' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '、' => ',',
        '。' => '.',
        '・' => '·',
        c => c,
    }
}

/// The largest of `scales` at which a string fits into `room` by `height` pixels, and its lines
/// there. At the smallest, lines that do not fit are left out.
fn laid_out(
    text: &str,
    room: u32,
    scales: impl Iterator<Item = u32>,
    height: u32,
) -> (u32, Vec<String>) {
    let mut fitting = (1, Vec::new());
    for scale in scales {
        fitting = (scale, wrapped(text, room / scale));
        if count(&fitting.1) * LEADING * scale <= height {
            return fitting;
        }
    }
    let (scale, lines) = &mut fitting;
    lines.truncate((height / (LEADING * *scale)) as usize);
    if let Some(last) = lines.last_mut() {
        while !last.is_empty() && width(last) + width("...") > room / *scale {
            last.pop();
        }
        last.push_str("...");
    }
    fitting
}

/// Lines of at most `room` cells, broken at spaces where there are any.
fn wrapped(text: &str, room: u32) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let last = lines.last().map_or("", |line| line.as_str());
        let gap = if last.is_empty() { "" } else { " " };
        if width(last) + width(gap) + width(word) > room && !last.is_empty() {
            lines.push(String::new());
        } else if let Some(line) = lines.last_mut() {
            line.push_str(gap);
        }
        // A word longer than a line, and scripts without spaces, break anywhere.
        for c in word.chars() {
            match lines.last_mut() {
                Some(line) if line.is_empty() || width(line) + advance(c) <= room => line.push(c),
                _ => lines.push(c.to_string()),
            }
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// Darkens the rows from `top` on, so that white is legible on any sky.
fn darken(image: &mut RgbImage, top: u32) {
    let ramp = (image.height() / 6).max(1);
    for (_, y, pixel) in image.enumerate_pixels_mut() {
        if let Some(below) = y.checked_sub(top) {
            *pixel = mix(*pixel, SHADE, 176 * below.min(ramp) / ramp);
        }
    }
}

fn set(image: &mut RgbImage, line: &str, x: u32, y: u32, scale: u32) {
    let mut at = x;
    for c in line.chars() {
        let Some(rows) = glyph(c) else { continue };
        let (from, to) = ink(rows);
        for (row, column) in (0..CELLS * scale)
            .flat_map(|row| (from * scale..to * scale).map(move |column| (row, column)))
        {
            if rows[(row / scale) as usize] >> (column / scale) & 1 == 1 {
                let (x, y) = (at + column - from * scale, y + row);
                if let Some(pixel) = image.get_pixel_mut_checked(x, y) {
                    *pixel = INK;
                }
            }
        }
        at += advance(c) * scale;
    }
}

/// Eight rows of eight cells, the lowest bit on the left.
fn glyph(c: char) -> Option<[u8; 8]> {
    let fonts = [
        BASIC_FONTS.get(c),
        LATIN_FONTS.get(c),
        GREEK_FONTS.get(c),
        HIRAGANA_FONTS.get(c),
        MISC_FONTS.get(c),
    ];
    fonts.into_iter().flatten().next()
}

/// The first column with ink, and one past the last.
fn ink(rows: [u8; 8]) -> (u32, u32) {
    match rows.iter().fold(0u8, |ink, row| ink | row) {
        0 => (0, 0),
        ink => (ink.trailing_zeros(), CELLS - ink.leading_zeros()),
    }
}

/// The width of a character and the gap behind it, in cells.
fn advance(c: char) -> u32 {
    match glyph(c).map_or((0, 0), ink) {
        (0, 0) => SPACE,
        (from, to) => to - from + 1,
    }
}

/// In cells.
fn width(text: &str) -> u32 {
    text.chars().map(advance).sum()
}

fn count(lines: &[String]) -> u32 {
    u32::try_from(lines.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_its_room() {
        let text = readable("A paper boat floating on calm water, しずかなうみ — “très” long…").0;
        assert_eq!(
            wrapped("one two  three", width("one two") + 1),
            ["one two", "three"]
        );
        for room in 20..120 {
            let lines = wrapped(&text, room);
            assert!(
                lines.iter().all(|line| width(line) <= room),
                "{lines:?} in {room}"
            );
            let letters = |text: &str| text.replace(' ', "");
            assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }

    #[test]
    fn what_does_not_fit_ends_in_dots() {
        let (scale, lines) = laid_out(&"many words ".repeat(1000), 900, (1..=5).rev(), 400);
        assert_eq!(scale, 1);
        assert!(count(&lines) * LEADING <= 400);
        assert!(lines.last().unwrap().ends_with("..."), "{lines:?}");
        assert_eq!(
            laid_out("boat", 900, (1..=5).rev(), 400),
            (5, vec!["boat".to_owned()])
        );
    }

    #[test]
    fn the_line_about_an_image_fits_at_512_pixels() {
        let room = 512 - 2 * 25;
        let about = "mock · flux-kontext-pro · seed 4294967295";
        let (_, lines) = laid_out(about, room, (1..=2).rev(), 2 * LEADING);
        assert_eq!(lines, [about]);
        let longest = "mock · flux-1.1-pro-ultra · seed 18446744073709551615 · \
                       1000000 characters not shown";
        let (_, lines) = laid_out(longest, room, (1..=2).rev(), 2 * LEADING);
        assert_eq!(lines.join(" "), longest);
    }

    #[test]
    fn characters_that_the_font_lacks_are_counted() {
        let (shown, missing) = readable("a 漢字 boat 🛶\u{fe0f} — “é”");
        assert_eq!(shown, "a  boat  - \"é\"");
        assert_eq!(missing, ['漢', '字', '🛶']);
    }
}
