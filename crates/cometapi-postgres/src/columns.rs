//! What is read from a prediction's columns, and what is written to them.

use std::borrow::Cow;

use cometapi_batch::columns::{is_recent, natural};
use cometapi_batch::{Intent, Job, Outcome, RecordedRow, State, Usd};
use tokio_postgres::Row;

use crate::fault::Result;

/// What a job is read from, by [`job`].
pub(crate) const JOB: &str =
    "p.seq, coalesce(b.folder, p.folder) AS folder, p.row_id, p.hash, p.occurrence, p.retake,
    p.model, p.input, p.id, p.fetching, b.name AS batch_name, p.once, p.price,
    CASE WHEN b.id IS NULL THEN p.names ELSE b.names END AS names, p.labels";

/// Reads a job. Without a column `line` it has none.
pub(crate) fn job(row: &Row) -> Result<Job> {
    let seq = natural(row.try_get("seq")?);
    let [model, input, hash] = [
        row.try_get("model")?,
        row.try_get("input")?,
        row.try_get("hash")?,
    ];
    let mut job = Job::recorded(seq, model, input, hash);
    job.folder = row.try_get::<_, Option<String>>("folder")?.map(Into::into);
    job.row = row.try_get("row_id")?;
    job.occurrence = natural(row.try_get("occurrence")?);
    job.retake = natural(row.try_get("retake")?);
    job.id = row.try_get("id")?;
    job.fetching = row.try_get("fetching")?;
    job.batch = row.try_get("batch_name")?;
    job.key = row.try_get("once")?;
    job.price = row.try_get::<_, Option<i64>>("price")?.map(Usd::from_nanos);
    job.names = row.try_get("names")?;
    job.labels = row.try_get("labels")?;
    if row.columns().iter().any(|column| column.name() == "line") {
        job.line = row.try_get::<_, Option<i64>>("line")?.map(natural);
    }
    Ok(job)
}

/// What the retry rules need to know, read by [`recorded`].
pub(crate) const RECORDED: &str = "p.state, p.outcome, p.id IS NOT NULL AS has_id,
    p.sending_at IS NOT NULL AS was_sent, p.created_at, p.looked";

/// Reads what the retry rules need to know, as far as it is in the ledger.
pub(crate) fn recorded(row: &Row) -> Result<RecordedRow> {
    let outcome: Option<&str> = row.try_get("outcome")?;
    let mut recorded = RecordedRow::new(state(row.try_get("state")?));
    recorded.error = outcome.and_then(|word| Outcome::from_word(word, None, Vec::new()).kind);
    recorded.has_id = row.try_get("has_id")?;
    recorded.was_sent = row.try_get("was_sent")?;
    recorded.is_recent = row
        .try_get::<_, Option<i64>>("created_at")?
        .is_some_and(is_recent);
    recorded.was_followed = row.try_get("looked")?;
    Ok(recorded)
}

/// The state of a word. The table allows no other words.
pub(crate) fn state(word: &str) -> State {
    State::from_name(word).unwrap_or(State::Ended)
}

/// Text for people as `PostgreSQL` can store it: without NUL.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}").into()
    } else {
        text.into()
    }
}

/// The same of text that may be absent.
pub(crate) fn storable_option(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.map(storable)
}

/// The longest text that is a key of an index as it is.
const MAX_KEY_LEN: usize = 1000;

/// What `text` is found by in an index, which holds no long values: itself, or its hash.
pub(crate) fn key(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_KEY_LEN {
        return text.into();
    }
    let Ok(model) = "long/key".parse() else {
        return text.into();
    };
    let fields = serde_json::Map::from_iter([(String::new(), text.into())]);
    format!("long:{}", Intent::new(&model, &fields).hash).into()
}

/// Identifies a call, so that it is known when it was done although its answer was lost.
pub(crate) fn token() -> i64 {
    fastrand::i64(..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_nul_is_left_as_it_is() {
        assert!(matches!(storable("ü"), Cow::Borrowed("ü")));
        assert_eq!(storable("a\0b"), "a\u{fffd}b");
    }

    #[test]
    fn a_long_key_is_its_hash() {
        let [one, two] = ["x".repeat(1001), "x".repeat(1002)];
        assert_eq!(key("short"), "short");
        assert_eq!(key(&one), key(&one.clone()));
        assert_ne!(key(&one), key(&two));
        assert!(key(&one).len() < 100);
    }
}
