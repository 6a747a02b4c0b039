//! `paperboat show`: everything that is known of one prediction.

use std::time::{Duration, SystemTime};

use cometapi_batch::{Entry, State};
use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr;

use crate::advice::{self, shell_word};
use crate::args::Show;
use crate::command::list;
use crate::failure::Failure;
use crate::style::{Paint, Tone};
use crate::{ledger, print, recorded};

pub(crate) async fn execute(args: Show) -> Result<(), Failure> {
    let ledger = ledger::existing(args.ledger.as_ref()).await?;
    let entry = recorded::find(&*ledger, &args.prediction).await?;
    let entry = entry.ok_or_else(|| recorded::unknown(&args.prediction))?;
    if args.curl {
        // What is hidden can stand only in the body, which is JSON.
        return print::json(curl(&entry)?);
    }
    if args.json {
        return print::json(format_args!("{:#}", list::json(&entry)));
    }
    let paint = Paint::of_stdout();
    let facts = facts(&entry, SystemTime::now());
    let widest = facts
        .iter()
        .map(|(name, _)| name.width())
        .max()
        .unwrap_or(0);
    for (name, value) in facts {
        let gap = " ".repeat(widest + 2 - name.width());
        let name = paint.tone(Tone::Dim, &format!("{}{gap}", print::printable(&name)));
        // A terminal gets the colours, and of the value only text.
        print::fact(&name, &value)?;
    }
    for step in next_steps(&entry) {
        print::stderr(step);
    }
    Ok(())
}

/// What is known, a name and a value in a line each.
fn facts(entry: &Entry, now: SystemTime) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut add = |name: &str, value: String| facts.push((name.to_owned(), value));
    add(
        "id",
        entry.id.clone().unwrap_or_else(|| "unknown".to_owned()),
    );
    add("status", list::state(entry).to_owned());
    let outcome = entry.outcome.as_ref();
    if let Some(message) = outcome.and_then(|outcome| outcome.message.clone()) {
        let is_success = outcome.is_some_and(cometapi_batch::Outcome::is_success);
        add(if is_success { "note" } else { "reason" }, message);
    }
    add("model", entry.model.clone());
    for (field, value) in object(Some(&entry.input)) {
        add(&field, text(&value));
    }
    for (label, value) in object(entry.labels.as_deref()) {
        add("label", format!("{label}: {}", text(&value)));
    }
    if let Some(key) = &entry.key {
        add("once", key.clone());
    }
    if let (Some(folder), Some(_)) = (&entry.folder, &entry.batch) {
        add("batch", folder.display().to_string());
        let row = entry.row.clone();
        add(
            "row",
            row.unwrap_or_else(|| entry.hash.chars().take(12).collect()),
        );
    }
    if entry.superseded {
        add(
            "version",
            format!("{}, and there is a later one", entry.retake + 1),
        );
    } else if entry.retake > 0 {
        add("version", (entry.retake + 1).to_string());
    }
    for file in &entry.files {
        let size = bytes(file.bytes);
        add(
            "file",
            format!("{} ({size}, {})", file.path.display(), file.media_type),
        );
    }
    for (name, at) in [
        ("planned", Some(entry.planned_at)),
        ("created", entry.created_at),
        ("ended", entry.ended_at),
    ] {
        if let (Some(time), Some(at)) = (list::time(at), at) {
            add(name, format!("{time} ({} ago)", list::age(at, now)));
        }
    }
    if let Some(took) = took(entry) {
        add("took", format!("{:.1} s", took.as_secs_f64()));
    }
    let price = |amount: cometapi_batch::Usd, how: &str| format!("{amount} {how}");
    match (entry.charge, entry.cost) {
        (Some(charge), _) => add("cost", price(charge, "charged")),
        (None, Some(cost)) if cost.is_positive() => add("cost", price(cost, "expected")),
        (None, Some(_)) => add("cost", "nothing".to_owned()),
        (None, None) => add("cost", "unknown".to_owned()),
    }
    add("service", entry.service.clone());
    if let Some(id) = &entry.request_id {
        add("request", id.clone());
    }
    facts
}

/// The fields of a JSON object, by name.
fn object(json: Option<&str>) -> impl Iterator<Item = (String, Value)> {
    let read = json.and_then(|json| serde_json::from_str::<Map<String, Value>>(json).ok());
    let mut fields: Vec<_> = read.unwrap_or_default().into_iter().collect();
    // The prompt is what people look for.
    fields.sort_by(|(a, _), (b, _)| (a != "prompt", a).cmp(&(b != "prompt", b)));
    fields.into_iter()
}

/// A value as people write it. An image in it is shortened.
fn text(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    cometapi::shorten_data_uris(&text)
}

fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{} kB", count.div_ceil(1_000)),
        _ => format!("{}.{} MB", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

/// From the create response to the end.
fn took(entry: &Entry) -> Option<Duration> {
    entry.ended_at?.duration_since(entry.created_at?).ok()
}

/// What can be done with it now.
fn next_steps(entry: &Entry) -> Vec<String> {
    let Some(id) = entry.id.as_deref().map(shell_word) else {
        return match entry.state {
            State::Unresolved => vec![format!(
                "to find out whether it was created: {}",
                advice::command("resolve", "")
            )],
            _ => Vec::new(),
        };
    };
    match entry.state {
        State::Running => vec![format!("to wait for it: {}", advice::command("wait", &id))],
        _ => vec![format!(
            "to run it once more, with changes: {} KEY=VALUE",
            advice::command("again", &id)
        )],
    }
}

/// A command that sends the same create request from any machine. The body may be longer than an argument
/// of a command may be. It is one line, so that it cannot hold the line that ends it.
fn curl(entry: &Entry) -> Result<String, Failure> {
    let root = entry.service.trim_end_matches('/');
    if !root.starts_with("http") {
        return Err(Failure::usage(
            "that prediction was made by a mock, which no other command reaches",
        ));
    }
    let input: Value = serde_json::from_str(&entry.input).unwrap_or_default();
    let body = serde_json::json!({ "input": input }).to_string();
    let url = format!("{root}/models/{}/predictions", entry.model);
    Ok(format!(
        "curl -sS {} -H \"Authorization: Bearer $COMETAPI_KEY\" -H 'Content-Type: application/json' \
         --data-binary @- <<'EOF'\n{body}\nEOF",
        shell_word(&url)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up_to_what_people_read() {
        for (count, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_001, "2 kB"),
            (41_000, "41 kB"),
            (2_350_000, "2.3 MB"),
        ] {
            assert_eq!(bytes(count), shown);
        }
    }
}
