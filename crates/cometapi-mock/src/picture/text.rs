//! The caption: the prompt, and a small line that says what the picture is.

use font8x8::UnicodeFonts as _;
use font8x8::{BASIC_FONTS, GREEK_FONTS, HIRAGANA_FONTS, LATIN_FONTS, MISC_FONTS};

use super::canvas::{Canvas, Color};

/// Rows and columns of a glyph.
const CELLS: u32 = 8;
/// From one line's top to the next, in cells.
const LEADING: u32 = 11;
/// A blank, in cells.
const BLANK: u32 = 4;

const INK: Color = Color(255, 255, 255);
const FAINT: Color = Color(226, 230, 238);
const SHADE: Color = Color(6, 8, 18);

/// Sets `text` at the bottom, as large as it fits, and `small` under it.
pub(super) fn caption(canvas: &mut Canvas, text: &str, small: &str) {
    let margin = canvas.width().min(canvas.height()) / 20;
    let room = canvas.width() - 2 * margin;
    let small_scale = if room < 400 { 1 } else { 2 };
    let small_line = fitted(small, room / small_scale, 1);
    let small_height = LEADING * small_scale;
    let most = canvas.height() * 42 / 100;

    let text = text.replace('…', "...");
    let (scale, lines) = laid_out(&text, room, most - small_height);
    let text_height = to_u32(lines.len()) * LEADING * scale;
    let whole = text_height + small_height + margin;
    let top = canvas.height().saturating_sub(whole);
    scrim(canvas, top.saturating_sub(margin * 2));

    let mut y = top;
    for line in &lines {
        set(canvas, line, margin, y, scale, INK);
        y += LEADING * scale;
    }
    let y = canvas.height() - margin - CELLS * small_scale;
    for line in &small_line {
        set(canvas, line, margin, y, small_scale, FAINT);
    }
}

/// Darkens towards the bottom, so that white is legible on any sky.
fn scrim(canvas: &mut Canvas, top: u32) {
    let mut row = Vec::new();
    let ramp = (canvas.height() - top).min(canvas.height() / 6).max(1);
    for y in top..canvas.height() {
        let dark = 176 * (y - top).min(ramp) / ramp;
        canvas.copy_row(y, &mut row);
        canvas.put_row(y, &row, 0, 0, |color| color.mix(SHADE, dark));
    }
}

/// The largest scale at which a text fits into `room` by `height` pixels, and its lines
/// there. At the smallest, what does not fit is cut.
fn laid_out(text: &str, room: u32, height: u32) -> (u32, Vec<String>) {
    let largest = (room / 170).clamp(2, 5);
    for scale in (2..=largest).rev() {
        let lines = wrapped(text, room / scale);
        if to_u32(lines.len()) * LEADING * scale <= height {
            return (scale, lines);
        }
    }
    let most = (height / (LEADING * 2)).max(1);
    (2, fitted(text, room / 2, most))
}

/// At most `most` lines, the last one ending in dots where something is missing.
fn fitted(text: &str, room: u32, most: u32) -> Vec<String> {
    let mut lines = wrapped(text, room);
    if to_u32(lines.len()) > most {
        lines.truncate(most as usize);
        if let Some(last) = lines.last_mut() {
            while !last.is_empty() && width(last) + width("...") > room {
                last.pop();
            }
            last.truncate(last.trim_end().len());
            last.push_str("...");
        }
    }
    lines
}

/// Lines of at most `room` cells, broken at blanks where there are any.
fn wrapped(text: &str, room: u32) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let word: String = word.chars().filter(|c| !invisible(*c)).collect();
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() && width(&line) + BLANK + width(&word) > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        // A word longer than a line, and scripts without blanks, break anywhere.
        for letter in word.chars() {
            if !line.is_empty() && width(&line) + Glyph::of(letter).advance() > room {
                lines.push(std::mem::take(&mut line));
            }
            line.push(letter);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Joiners, marks of direction and selectors that follow a character.
fn invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}')
}

/// In cells.
fn width(text: &str) -> u32 {
    text.chars().map(|letter| Glyph::of(letter).advance()).sum()
}

fn set(canvas: &mut Canvas, line: &str, x: u32, y: u32, scale: u32, color: Color) {
    let mut at = x;
    for letter in line.chars() {
        let glyph = Glyph::of(letter);
        let shadow = scale.div_ceil(3);
        glyph.draw(canvas, at + shadow, y + shadow, scale, SHADE, 150);
        glyph.draw(canvas, at, y, scale, color, 256);
        at += glyph.advance() * scale;
    }
}

/// Eight rows of eight cells, the lowest bit on the left.
struct Glyph {
    rows: [u8; 8],
    /// The first column with ink, and one past the last.
    ink: (u32, u32),
}

/// What stands for a character that the font lacks.
const BOX: [u8; 8] = [0x7f, 0x41, 0x41, 0x41, 0x41, 0x41, 0x7f, 0x00];

impl Glyph {
    fn of(letter: char) -> Self {
        let rows = BASIC_FONTS
            .get(letter)
            .or_else(|| LATIN_FONTS.get(letter))
            .or_else(|| GREEK_FONTS.get(letter))
            .or_else(|| HIRAGANA_FONTS.get(letter))
            .or_else(|| MISC_FONTS.get(letter))
            .or_else(|| BASIC_FONTS.get(plain(letter)?))
            .unwrap_or(BOX);
        let ink = rows.iter().fold(0, |ink, row| ink | row);
        Self {
            rows,
            ink: if ink == 0 {
                (0, 0)
            } else {
                (ink.trailing_zeros(), CELLS - ink.leading_zeros())
            },
        }
    }

    /// The width of its ink and the gap to the next.
    fn advance(&self) -> u32 {
        match self.ink {
            (0, 0) => BLANK,
            (from, to) => to - from + 1,
        }
    }

    /// Draws it with its cells rounded into each other. `strength` is at most 256.
    fn draw(&self, canvas: &mut Canvas, x: u32, y: u32, scale: u32, color: Color, strength: u32) {
        let (from, to) = self.ink;
        for row in 0..CELLS * scale {
            for column in from * scale..to * scale {
                let cover = self.cover(column, row, scale);
                canvas.blend(
                    x + column - from * scale,
                    y + row,
                    color,
                    (cover * strength) >> 8,
                );
            }
        }
    }

    /// How much of a pixel is ink, 0 to 256: the four nearest cells weighed by distance, and
    /// then made crisp, which rounds corners and joins diagonals.
    fn cover(&self, column: u32, row: u32, scale: u32) -> u32 {
        if scale < 3 {
            return self.cell(column / scale, row / scale);
        }
        // The middle of the pixel in 1/256 of a cell, seen from the middle of the cell before
        // the first one.
        let place = |at: u32| (at * 2 + 1) * 128 / scale + 128;
        let (x, y) = (place(column), place(row));
        let (left, right) = (256 - (x & 255), x & 255);
        let (above, below) = (256 - (y & 255), y & 255);
        let cell = |x: u32, y: u32| match (x.checked_sub(1), y.checked_sub(1)) {
            (Some(x), Some(y)) => self.cell(x, y),
            _ => 0,
        };
        let (x, y) = (x >> 8, y >> 8);
        let sum = cell(x, y) * left * above
            + cell(x + 1, y) * right * above
            + cell(x, y + 1) * left * below
            + cell(x + 1, y + 1) * right * below;
        let level = sum >> 16;
        // The edge is one pixel wide, at half the level.
        (level * scale + 128).saturating_sub(128 * scale).min(256)
    }

    /// 256 where there is ink.
    fn cell(&self, column: u32, row: u32) -> u32 {
        let set = column < CELLS && row < CELLS && self.rows[row as usize] >> column & 1 == 1;
        u32::from(set) * 256
    }
}

/// The plain sign for one that looks better in a book than on eight by eight cells.
fn plain(letter: char) -> Option<char> {
    Some(match letter {
        '‘' | '’' | '‚' | '′' => '\'',
        '“' | '”' | '„' | '″' => '"',
        '‐' | '‑' | '–' | '—' | '−' => '-',
        '！'..='～' => char::from_u32(u32::from(letter) - 0xfee0)?,
        '、' => ',',
        '。' => '.',
        '・' => '·',
        _ => return None,
    })
}

fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_at_blanks_and_long_words_anywhere() {
        assert_eq!(
            wrapped("one two  three", width("one two") + 1),
            ["one two", "three"]
        );
        let lines = wrapped("abcdefgh", width("abcd"));
        assert_eq!(lines.concat(), "abcdefgh");
        assert!(lines.len() >= 2);
        assert!(wrapped(" \n", 100).is_empty());
    }

    #[test]
    fn no_line_is_wider_than_its_room() {
        let text = "A paper boat floating on calm water, 静かな海 — “très” long…";
        for room in 20..120 {
            for line in wrapped(text, room) {
                assert!(width(&line) <= room, "{line} in {room}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_ends_in_dots() {
        let lines = fitted("one two three four", width("one two"), 1);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].ends_with("..."), "{lines:?}");
        assert!(width(&lines[0]) <= width("one two"));
        assert_eq!(fitted("one", width("one"), 1), ["one"]);
    }

    #[test]
    fn a_short_text_is_set_larger_than_a_long_one() {
        let (large, _) = laid_out("boat", 900, 400);
        let (small, lines) = laid_out(&"many words ".repeat(200), 900, 400);
        assert!(large > small);
        assert_eq!(small, 2);
        assert!(to_u32(lines.len()) * LEADING * small <= 400);
    }

    #[test]
    fn letters_have_ink_and_the_unknown_a_box() {
        assert_eq!(Glyph::of('漢').rows, BOX);
        for letter in ['a', 'é', 'Ω', 'か', '·', '—', '（'] {
            assert_ne!(Glyph::of(letter).rows, BOX, "{letter}");
        }
        assert_eq!(Glyph::of(' ').advance(), BLANK);
        assert!(Glyph::of('i').advance() < Glyph::of('m').advance());
    }

    #[test]
    fn a_glyph_covers_its_cells_at_every_scale() {
        let glyph = Glyph::of('H');
        for scale in 1..=6 {
            // The middle of the left stroke is ink, the corner beyond it is not.
            let middle = scale / 2;
            assert_eq!(glyph.cover(scale + middle, 2 * scale + middle, scale), 256);
            assert_eq!(
                glyph.cover(7 * scale + middle, 7 * scale + middle, scale),
                0
            );
        }
    }
}
