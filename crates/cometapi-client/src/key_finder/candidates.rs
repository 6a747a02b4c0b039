//! Where in a body a form of the key may begin. Every body is searched, and most hold nothing, so
//! nearly all of it has to be passed over without looking at each byte.
//!
//! Where no character is encoded, forms are searched by their blocks of three bytes (Wu and
//! Manber): the block at the end of a window says how far the window can be moved. A window is as
//! long as the shortest form; near the end of the text it is as long as the shortest part that is
//! removed there. Only before an encoded character is every position checked.

use super::SHORTEST_PART;

/// How many bytes a block has.
const BLOCK: usize = 3;

/// How many hashes of blocks there are.
const HASHES: usize = 1 << 12;

/// What the positions are found by.
pub(super) struct Filter {
    longest: usize,
    whole: Window,
    part: Window,
    /// A bit for each form that has this byte, in either case, at its first or second place.
    first: [u8; 256],
    second: [u8; 256],
}

impl Filter {
    /// A filter for at most eight forms of at least [`SHORTEST_PART`] bytes.
    pub(super) fn new(forms: &[Vec<u8>]) -> Self {
        debug_assert!(forms.len() <= 8, "a form without a bit is not found");
        let shortest = forms.iter().map(Vec::len).min().unwrap_or_default();
        let mut filter = Self {
            longest: forms.iter().map(Vec::len).max().unwrap_or_default(),
            whole: Window::new(forms, shortest),
            part: Window::new(forms, shortest.min(SHORTEST_PART)),
            first: [0; 256],
            second: [0; 256],
        };
        for (bit, form) in forms.iter().enumerate() {
            for (place, bits) in [(0, &mut filter.first), (1, &mut filter.second)] {
                for byte in [
                    form[place].to_ascii_lowercase(),
                    form[place].to_ascii_uppercase(),
                ] {
                    bits[usize::from(byte)] |= 1 << bit;
                }
            }
        }
        for byte in [b'%', b'\\'] {
            filter.first[usize::from(byte)] = u8::MAX;
            filter.second[usize::from(byte)] = u8::MAX;
        }
        filter
    }

    /// Begins to search `text`.
    pub(super) fn candidates<'f>(&'f self, text: &'f [u8]) -> Candidates<'f> {
        Candidates {
            filter: self,
            text,
            encoded: next_encoded(text, 0),
        }
    }

    /// Whether the first two bytes at `at` are those of a form, or encoded.
    fn may_begin(&self, text: &[u8], at: usize) -> bool {
        let forms = self.first[usize::from(text[at])];
        let second = match text.get(at + 1) {
            Some(byte) if !is_encoded(text[at]) => self.second[usize::from(*byte)],
            _ => u8::MAX,
        };
        forms & second != 0
    }
}

/// The beginnings of all forms, of one length.
struct Window {
    len: usize,
    /// How far a window can be moved that ends in a block of this hash. Zero where a form may begin.
    shifts: Box<[u8; HASHES]>,
}

impl Window {
    fn new(forms: &[Vec<u8>], len: usize) -> Self {
        let shift = |bytes: usize| u8::try_from(bytes).unwrap_or(u8::MAX);
        let mut shifts = Box::new([shift((len + 1).saturating_sub(BLOCK)); HASHES]);
        for form in forms {
            for (at, block) in form[..len].windows(BLOCK).enumerate() {
                let known = &mut shifts[hash(block)];
                *known = (*known).min(shift(len - BLOCK - at));
            }
        }
        Self { len, shifts }
    }

    /// Moves `at` on to where a form may begin, which is `true`, or to `end` or beyond. The window
    /// at each position before `end` must be within `text`.
    fn search(&self, text: &[u8], at: &mut usize, end: usize) -> bool {
        while *at < end {
            let window = &text[*at..*at + self.len];
            match self.shifts[hash(&window[self.len - BLOCK..])] {
                0 => return true,
                shift => *at += usize::from(shift),
            }
        }
        false
    }
}

/// The search of one text.
pub(super) struct Candidates<'f> {
    filter: &'f Filter,
    text: &'f [u8],
    /// Where the next encoded character begins, or the text ends.
    encoded: usize,
}

impl Candidates<'_> {
    /// Returns the first position from `at` on at which a form may begin, whole or cut by the end of
    /// the text after at least [`SHORTEST_PART`] bytes. `at` never goes back.
    pub(super) fn next_from(&mut self, mut at: usize) -> Option<usize> {
        let Filter {
            longest,
            whole,
            part,
            ..
        } = self.filter;
        if *longest == 0 {
            return None;
        }
        while at < self.text.len() {
            if self.encoded < at {
                self.encoded = next_encoded(self.text, at);
            }
            // A form that begins before the first ends before the encoded character, and one that
            // begins before the second has its shortest part before it.
            let near = (self.encoded + 1).saturating_sub(*longest);
            let nearest = (self.encoded + 1).saturating_sub(part.len);
            if whole.search(self.text, &mut at, near) || part.search(self.text, &mut at, nearest) {
                return Some(at);
            }
            // What is left at the end of the text is too short to be removed.
            if self.encoded == self.text.len() {
                return None;
            }
            let end = self.encoded + 1;
            match (at..end).find(|at| self.filter.may_begin(self.text, *at)) {
                Some(at) => return Some(at),
                None => at = at.max(end),
            }
        }
        None
    }
}

fn next_encoded(text: &[u8], from: usize) -> usize {
    memchr::memchr2(b'%', b'\\', &text[from..]).map_or(text.len(), |at| from + at)
}

fn is_encoded(byte: u8) -> bool {
    matches!(byte, b'%' | b'\\')
}

/// The same for a letter in both cases.
fn hash(block: &[u8]) -> usize {
    let fold = |at: usize| usize::from(block[at] | 0x20);
    (fold(0) ^ fold(1) << 3 ^ fold(2) << 6) % HASHES
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(filter: &Filter, text: &[u8]) -> Vec<usize> {
        let mut candidates = filter.candidates(text);
        let mut found = Vec::new();
        while let Some(at) = candidates.next_from(found.last().map_or(0, |at| at + 1)) {
            found.push(at);
        }
        found
    }

    #[test]
    fn nearly_all_of_a_text_is_passed_over() {
        let filter = Filter::new(&[b"sk-Zq7Pw3Lm9Xk2Rt8Vc".to_vec()]);
        let text = "a paper boat on calm water at sunrise, ".repeat(100);
        assert_eq!(found(&filter, text.as_bytes()), [0; 0]);
        let with_key = format!("{text}SK-zq7pw3lm9xk2rt8vc{text}");
        assert_eq!(found(&filter, with_key.as_bytes()), [text.len()]);
    }

    proptest! {
        #[test]
        fn no_form_is_passed_over(
            forms in proptest::collection::vec("[a-dA-D]{12,20}", 1..8),
            pieces in proptest::collection::vec(
                prop_oneof![
                    "[a-dA-D]{0,30}".boxed(),
                    any::<prop::sample::Index>().prop_map(|at| format!("<{}>", at.index(8))).boxed(),
                    Just("%61".to_owned()).boxed(),
                    Just("\\".to_owned()).boxed(),
                ],
                0..20,
            ),
        ) {
            let mut text = pieces.concat();
            for (at, form) in forms.iter().enumerate() {
                text = text.replace(&format!("<{at}>"), form);
            }
            let forms: Vec<Vec<u8>> = forms.into_iter().map(String::into_bytes).collect();
            let found = found(&Filter::new(&forms), text.as_bytes());
            for at in 0..text.len() {
                let begins = forms.iter().any(|form| {
                    let text = &text.as_bytes()[at..];
                    let raw = text.iter().position(|byte| is_encoded(*byte));
                    let len = raw.unwrap_or(text.len()).min(form.len());
                    let is_too_short = raw.is_none() && text.len() < SHORTEST_PART;
                    !is_too_short && text[..len].eq_ignore_ascii_case(&form[..len])
                });
                prop_assert!(!begins || found.contains(&at), "{at} {found:?} {text}");
            }
        }
    }
}
