//! The line that a prediction ends with.

use std::time::Duration;

use cometapi::Prediction;
use cometapi_batch::{Entry, Usd};
use serde_json::{Map, Value};

use crate::command::save::Saved;

/// A prediction that succeeded, and what is known of it.
pub(super) struct End<'a> {
    pub(super) saved: &'a Saved,
    pub(super) prediction: &'a Prediction,
    pub(super) entry: Option<&'a Entry>,
    /// What it was expected to cost.
    pub(super) price: Option<Usd>,
    pub(super) elapsed: Duration,
}

impl End<'_> {
    /// `saved fox.webp (812 kB) in 3.1 s, seed 42, $0.003`, as far as it is known.
    pub(super) fn line(&self) -> String {
        let saved = self.saved;
        let bytes = saved.new.iter().map(|file| file.bytes).sum();
        let done = match (&saved.new[..], saved.to_stdout) {
            ([file], _) => format!("saved {} ({})", file.path.display(), size(bytes)),
            ([], Some(bytes)) => format!("wrote {} to stdout", size(bytes)),
            ([], None) => "done".to_owned(),
            (files, _) => format!("saved {} files ({})", files.len(), size(bytes)),
        };
        let mut line = format!("{done} in {:.1} s", self.elapsed.as_secs_f64());
        if let Some(seed) = seed(self.prediction, self.entry) {
            line = format!("{line}, seed {seed}");
        }
        match self.entry.and_then(|entry| entry.cost).or(self.price) {
            Some(cost) => format!("{line}, {cost}"),
            None => line,
        }
    }
}

/// The seed that was sent.
fn seed(prediction: &Prediction, entry: Option<&Entry>) -> Option<Value> {
    let sent =
        entry.and_then(|entry| serde_json::from_str::<Map<String, Value>>(&entry.input).ok());
    let sent = sent.as_ref().or(prediction.input())?;
    sent.get("seed").filter(|seed| seed.is_number()).cloned()
}

/// `812 kB`, in thousands as disks are sold.
pub(super) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let bytes = bytes as f64;
    match bytes {
        0.0..1e3 => format!("{bytes} B"),
        1e3..999.5e3 => format!("{:.0} kB", bytes / 1e3),
        999.5e3..1e9 => format!("{:.1} MB", bytes / 1e6),
        _ => format!("{:.1} GB", bytes / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_the_digits_that_people_read() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1 kB"),
            (811_700, "812 kB"),
            (999_600, "1.0 MB"),
            (12_340_000, "12.3 MB"),
            (5_000_000_000, "5.0 GB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
