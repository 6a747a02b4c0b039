//! Recorded predictions as a table that fits a terminal.

use std::path::Path;
use std::time::SystemTime;

use cometapi_batch::{Entry, State};
use serde_json::Value;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{age, state};
use crate::print::printable;
use crate::style::{Paint, Tone};

/// Between two columns.
const GAP: usize = 2;

/// The widest name of a model; longer ones are cut.
const MODEL: usize = 20;

/// The widths of the columns.
pub(super) struct Table {
    paint: Paint,
    status: usize,
    age: usize,
    model: usize,
    place: usize,
    prompt: usize,
}

impl Table {
    /// A table of these predictions, at most `width` columns of characters wide.
    pub(super) fn of(entries: &[Entry], width: usize, now: SystemTime, paint: Paint) -> Self {
        let widest = |cell: &dyn Fn(&Entry) -> String, head: &str| {
            let widths = entries.iter().map(|entry| cell(entry).width());
            widths.max().unwrap_or(0).max(head.width())
        };
        let status = widest(&|entry| state(entry).to_owned(), "STATUS");
        let age = widest(&|entry| age(entry.planned_at, now), "AGE");
        let model = widest(&|entry| model(entry).to_owned(), "MODEL").min(MODEL);
        let rest = width.saturating_sub(status + age + model + 4 * GAP);
        // A prompt can be cut; a name that is cut finds no file.
        let place = widest(&place, "FILE").min(rest * 3 / 5);
        Self {
            paint,
            status,
            age,
            model,
            place,
            prompt: rest.saturating_sub(place),
        }
    }

    /// The names of the columns.
    pub(super) fn head(&self) -> String {
        let cells = ["STATUS", "AGE", "MODEL", "FILE", "PROMPT"];
        let text = self.line(cells.map(str::to_owned));
        self.paint.tone(Tone::Dim, &text)
    }

    /// A prediction in a line.
    pub(super) fn row(&self, entry: &Entry, now: SystemTime) -> String {
        let status = fitted(state(entry), self.status);
        let line = self.line([
            status.clone(),
            age(entry.planned_at, now),
            model(entry).to_owned(),
            place(entry),
            prompt(entry),
        ]);
        let rest = line.strip_prefix(&*status).unwrap_or_default();
        format!("{}{rest}", self.paint.tone(tone(entry), &status))
    }

    fn line(&self, [status, age, model, place, prompt]: [String; 5]) -> String {
        let gap = " ".repeat(GAP);
        let cells = [
            padded(&status, self.status),
            format!("{}{age}", " ".repeat(self.age.saturating_sub(age.width()))),
            padded(&model, self.model),
            padded(&place, self.place),
            fitted(&prompt, self.prompt),
        ];
        cells.join(&gap).trim_end().to_owned()
    }
}

fn tone(entry: &Entry) -> Tone {
    match (entry.state, &entry.outcome) {
        (State::Ended, Some(outcome)) if !outcome.is_success() => Tone::Bad,
        (State::Ended, _) => Tone::Good,
        _ => Tone::Open,
    }
}

/// The model without its owner.
fn model(entry: &Entry) -> &str {
    entry.model.rsplit('/').next().unwrap_or(&entry.model)
}

/// Where its file is; why there is none; or the id of one that is not over.
fn place(entry: &Entry) -> String {
    if let Some(first) = entry.files.first() {
        let more = match entry.files.len() {
            1 => String::new(),
            count => format!(" +{}", count - 1),
        };
        return printable(&format!("{}{more}", short(&first.path).display()));
    }
    let outcome = entry.outcome.as_ref();
    let message = outcome.and_then(|outcome| outcome.message.as_deref());
    // Which one it is, and that it failed, is in the line already.
    let reason = message.map(|text| match &entry.id {
        Some(id) => text
            .strip_prefix(&format!("prediction {id} failed: "))
            .unwrap_or(text),
        None => text,
    });
    printable(reason.or(entry.id.as_deref()).unwrap_or("-"))
}

/// The path from the current folder, where that is shorter.
fn short(path: &Path) -> &Path {
    let here = std::env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok())
        .unwrap_or(path)
}

fn prompt(entry: &Entry) -> String {
    let json: Value = serde_json::from_str(&entry.input).unwrap_or_default();
    let text = json["prompt"].as_str().unwrap_or(&entry.input);
    let words: Vec<_> = text.split_whitespace().collect();
    printable(&words.join(" "))
}

/// Text with spaces up to `width`, cut where it is wider.
fn padded(text: &str, width: usize) -> String {
    let text = fitted(text, width);
    let missing = width.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(missing))
}

/// Text that is cut before `width` and then ends in `…`. Of a path, the end is kept.
fn fitted(text: &str, width: usize) -> String {
    if width == 0 {
        return String::new();
    }
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let mut used = 0;
    let mut fits = |c: char| {
        used += c.width().unwrap_or(0);
        used <= room
    };
    if text.contains('/') && !text.contains(' ') {
        let kept: Vec<char> = text.chars().rev().take_while(|c| fits(*c)).collect();
        return std::iter::once('…').chain(kept.into_iter().rev()).collect();
    }
    let kept: String = text.chars().take_while(|c| fits(*c)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_too_wide_is_cut_where_it_says_least() {
        for (text, width, shown) in [
            ("a red fox", 9, "a red fox"),
            ("a red fox", 8, "a red f…"),
            ("a red fox", 7, "a red…"),
            ("images/fox.webp", 10, "…/fox.webp"),
            ("夕暮れの狐", 7, "夕暮れ…"),
            ("fox", 1, "…"),
            ("fox", 0, ""),
        ] {
            assert_eq!(fitted(text, width), shown, "{text} {width}");
        }
    }

    proptest! {
        #[test]
        fn no_cell_is_wider_than_its_column(text in "\\PC{0,30}", width in 0usize..20) {
            prop_assert!(fitted(&text, width).width() <= width);
            prop_assert_eq!(padded(&text, width).width(), width);
        }
    }
}
