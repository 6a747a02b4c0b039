//! Pixels, and the few ways in which they are set.

use super::Size;

/// Red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Color(pub(super) u8, pub(super) u8, pub(super) u8);

impl Color {
    /// This colour with `amount` of another in it: 0 is none, 256 is all.
    pub(super) fn mix(self, other: Self, amount: u32) -> Self {
        let part = |from: u8, to: u8| {
            let amount = amount.min(256);
            let sum = u32::from(from) * (256 - amount) + u32::from(to) * amount;
            // At most 255 * 256, so the second byte is all there is.
            sum.to_le_bytes()[1]
        };
        Self(
            part(self.0, other.0),
            part(self.1, other.1),
            part(self.2, other.2),
        )
    }
}

/// A picture in the making, 8 bits per channel.
pub(super) struct Canvas {
    size: Size,
    bytes: Vec<u8>,
}

impl Canvas {
    pub(super) fn new(size: Size) -> Self {
        Self {
            size,
            bytes: vec![0; size.width as usize * size.height as usize * 3],
        }
    }

    pub(super) fn width(&self) -> u32 {
        self.size.width
    }

    pub(super) fn height(&self) -> u32 {
        self.size.height
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Fills a row from `from` up to `to`, both cut to the row.
    pub(super) fn span(&mut self, y: u32, from: u32, to: u32, color: Color) {
        let to = to.min(self.size.width);
        if y >= self.size.height || from >= to {
            return;
        }
        let start = self.index(from, y);
        let end = self.index(to, y);
        // Doubling copies: a loop over pixels is what makes a debug build slow.
        let span = &mut self.bytes[start..end];
        span[..3].copy_from_slice(&[color.0, color.1, color.2]);
        let mut filled = 3;
        while filled < span.len() {
            let more = filled.min(span.len() - filled);
            span.copy_within(..more, filled);
            filled += more;
        }
    }

    pub(super) fn get(&self, x: u32, y: u32) -> Color {
        let at = self.index(x, y);
        Color(self.bytes[at], self.bytes[at + 1], self.bytes[at + 2])
    }

    /// Lays a colour over one pixel; outside of the picture nothing happens.
    pub(super) fn blend(&mut self, x: u32, y: u32, color: Color, amount: u32) {
        if x >= self.size.width || y >= self.size.height || amount == 0 {
            return;
        }
        let mixed = self.get(x, y).mix(color, amount);
        let at = self.index(x, y);
        self.bytes[at..at + 3].copy_from_slice(&[mixed.0, mixed.1, mixed.2]);
    }

    /// Takes a copy of a row.
    pub(super) fn copy_row(&self, y: u32, row: &mut Vec<u8>) {
        row.clear();
        row.extend_from_slice(&self.bytes[self.index(0, y)..self.index(0, y + 1)]);
    }

    /// Puts a row there, changed pixel by pixel, moved by `shift` against `middle` pixels. What
    /// the move leaves empty is filled from the row's ends.
    pub(super) fn put_row(
        &mut self,
        y: u32,
        row: &[u8],
        shift: u32,
        middle: u32,
        change: impl Fn(Color) -> Color,
    ) {
        let width = self.size.width;
        let start = self.index(0, y);
        let target = &mut self.bytes[start..start + row.len()];
        let mut last = (Color(0, 0, 0), change(Color(0, 0, 0)));
        for (x, pixel) in (0..width).zip(target.chunks_exact_mut(3)) {
            let from = (x + shift).saturating_sub(middle).min(width - 1) as usize * 3;
            let color = Color(row[from], row[from + 1], row[from + 2]);
            // Neighbours are mostly alike: no need to mix the same colours again.
            if color != last.0 {
                last = (color, change(color));
            }
            pixel.copy_from_slice(&[last.1.0, last.1.1, last.1.2]);
        }
    }

    fn index(&self, x: u32, y: u32) -> usize {
        (y as usize * self.size.width as usize + x as usize) * 3
    }
}
