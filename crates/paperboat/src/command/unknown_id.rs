//! An id that is not recorded: what it may be instead.

use std::ffi::OsStr;

use cometapi::models::{self, media};
use cometapi_batch::{Filter, Ledger};
use strsim::damerau_levenshtein;

use crate::failure::Failure;
use crate::{advice, recorded};

/// How many of the newest predictions are compared with it.
const COMPARED: u32 = 200;

/// How many slips of a hand an id may have.
const SLIPS: usize = 2;

/// The shortest beginning of an id that is taken for one.
const SHORTEST: usize = 6;

/// Refuses what cannot be an id, and returns what to say of one that looks like a recorded one.
pub(super) async fn check(
    ledger: Option<&dyn Ledger>,
    id: &str,
) -> Result<Option<String>, Failure> {
    if let Some(what) = instead(id) {
        let failure = Failure::usage(format!("{id:?} is {what}, not the id of a prediction"));
        let advice = if let Some(meant) = meant(ledger, id).await {
            let wait = advice::command("wait", &advice::shell_word(&meant));
            format!("to wait for its prediction: {wait}")
        } else {
            let list = advice::command("list", "");
            format!("to see the ids of recorded predictions: {list}")
        };
        return Err(failure.with_advice(advice));
    }
    let near = near(ledger, id).await;
    Ok(near.map(|near| format!("note: {id} is not recorded; did you mean {near}?")))
}

/// What a word is that cannot be an id. Ids have no shape that is documented.
fn instead(id: &str) -> Option<&'static str> {
    if id.contains("://") {
        return Some("a URL");
    }
    if id.contains(['/', '\\']) || media::is_media_file_name(id) {
        return Some("the path of a file");
    }
    if id.contains('=') {
        return Some("a field of an input");
    }
    if id.contains(char::is_whitespace) {
        return Some("text");
    }
    models::find(id).is_some().then_some("a model")
}

/// The id of the prediction that a URL or a file is of.
async fn meant(ledger: Option<&dyn Ledger>, given: &str) -> Option<String> {
    let last = given.rsplit('/').next().unwrap_or(given);
    if given.contains("/predictions/") && recorded::id(OsStr::new(last)).is_some() {
        return Some(last.to_owned());
    }
    let entry = recorded::find(ledger?, OsStr::new(given)).await.ok()??;
    entry.id
}

/// The recorded id that is nearest.
async fn near(ledger: Option<&dyn Ledger>, id: &str) -> Option<String> {
    let mut filter = Filter::default();
    filter.limit = COMPARED;
    let entries = ledger?.list(filter).await.ok()?;
    let ids = entries.into_iter().filter_map(|entry| entry.id);
    nearest(id, ids)
}

fn nearest(given: &str, ids: impl Iterator<Item = String>) -> Option<String> {
    let distance = |id: &str| {
        if given.len() < SHORTEST {
            return None;
        }
        if id.starts_with(given) {
            return Some(0);
        }
        Some(damerau_levenshtein(id, given)).filter(|slips| *slips <= SLIPS)
    };
    let near = ids.filter_map(|id| Some((distance(&id)?, id)));
    near.min_by_key(|(slips, _)| *slips).map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_an_id_is_refused() {
        for (word, what) in [
            (
                "https://api.cometapi.com/replicate/v1/predictions/q4",
                Some("a URL"),
            ),
            ("out/fox.webp", Some("the path of a file")),
            ("fox.webp", Some("the path of a file")),
            ("prompt=x", Some("a field of an input")),
            ("a red fox", Some("text")),
            ("flux-schnell", Some("a model")),
            ("q4chw5rey9rmt0cww76t4h3ma4", None),
            ("7d1e2c3a-0b1c-4d5e-8f90-1a2b3c4d5e6f", None),
            ("task_01", None),
            ("abc", None),
        ] {
            assert_eq!(instead(word), what, "{word}");
        }
    }

    #[test]
    fn an_id_with_a_slip_or_cut_is_found() {
        let nearest = |given: &str| {
            let ids = ["q4chw5rey9rmt0cww76t4h3ma4", "x9chw5rey9rmt0cww76t4h3mb7"];
            nearest(given, ids.map(str::to_owned).into_iter())
        };
        for given in [
            "q4chw5rey9rmt0cww76t4h3ma",
            "q4chw5rey9rmt0cww76t4h3am4",
            "Q4chw5rey9rmt0cww76t4h3ma4",
            "q4chw5rey",
        ] {
            assert_eq!(
                nearest(given).as_deref(),
                Some("q4chw5rey9rmt0cww76t4h3ma4")
            );
        }
        for given in ["q4", "nosuchprediction", "q4chwXXXX"] {
            assert_eq!(nearest(given), None, "{given}");
        }
    }
}
