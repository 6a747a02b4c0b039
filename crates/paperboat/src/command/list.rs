//! `paperboat list`: recorded predictions.

mod table;

use std::io::{self, IsTerminal};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cometapi_batch::{Cost, Entry, Filter, Ledger, State};
use serde_json::{Value, json};
use terminal_size::{Width, terminal_size_of};

use self::table::Table;
use crate::args::List;
use crate::command::batch::file;
use crate::failure::Failure;
use crate::style::Paint;
use crate::{advice, ledger, money, print};

/// How many are read from the ledger at once, at most.
const PAGE: u32 = 200;

pub(crate) async fn execute(args: List) -> Result<(), Failure> {
    let flag = args.ledger.as_ref();
    let ledger = if args.accept_loss {
        ledger::accepting_loss(flag)?
    } else {
        ledger::existing(flag).await?
    };
    let limit = match args.limit {
        0 => usize::MAX,
        limit => limit,
    };
    let now = SystemTime::now();
    // A person reads the end of a long list, a program its beginning.
    let for_a_person = !args.json && io::stdout().is_terminal();
    let mut kept = Vec::new();
    let mut shown = 0;
    let (mut has_more, mut has_unresolved) = (false, false);
    let mut before = None;
    'pages: loop {
        // One more than are shown, to know whether there are more.
        let most = u32::try_from((limit - shown).saturating_add(1)).unwrap_or(PAGE);
        let page = page(&*ledger, &args, before, most.min(PAGE)).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        for entry in &page {
            if shown == limit {
                has_more = true;
                break 'pages;
            }
            if args.json {
                print::json(json(entry))?;
            } else if for_a_person {
                kept.push(entry.clone());
            } else {
                if shown == 0 {
                    print::stdout(HEAD)?;
                }
                print::stdout(line(entry, now))?;
            }
            has_unresolved |= entry.state == State::Unresolved;
            shown += 1;
        }
    }
    print_table(&kept, now)?;
    if has_more {
        print::note(format_args!(
            "these are the newest {limit}; for more: --limit N, for all: --limit 0"
        ));
    } else if shown == 0 && !args.json {
        print::stderr("no recorded prediction matches");
    } else if !args.json {
        let costs = ledger.costs(filter(&args)).await;
        costs.map_err(|e| unreadable(&e))?.iter().for_each(say_cost);
    }
    if has_unresolved && !args.json {
        print::note(unresolved());
    }
    Ok(())
}

/// Prints predictions as a table, the newest last.
fn print_table(entries: &[Entry], now: SystemTime) -> Result<(), Failure> {
    /// Where a terminal does not say how wide it is.
    const USUAL: usize = 80;

    if entries.is_empty() {
        return Ok(());
    }
    let width = terminal_size_of(io::stdout()).map_or(USUAL, |(Width(width), _)| width.into());
    let table = Table::of(entries, width, now, Paint::of_stdout());
    print::document(table.head())?;
    let mut oldest_first = entries.iter().rev();
    oldest_first.try_for_each(|entry| print::document(table.row(entry, now)))
}

/// Shows what the predictions of a model cost together, if they cost anything.
fn say_cost((model, cost): (&String, &Cost)) {
    if let Some(text) = money::sum(cost) {
        print::stderr(format_args!("{model}: {text}"));
    }
}

async fn page(
    ledger: &dyn Ledger,
    args: &List,
    before: Option<u64>,
    most: u32,
) -> Result<Vec<Entry>, Failure> {
    let mut filter = filter(args);
    filter.before = before;
    filter.limit = most;
    ledger.list(filter).await.map_err(|e| unreadable(&e))
}

fn unreadable(error: &cometapi_batch::Error) -> Failure {
    Failure::usage(format!("the ledger cannot be read: {error}")).because_of(error)
}

fn filter(args: &List) -> Filter {
    let mut filter = Filter::default();
    if args.unresolved {
        filter.states.push(State::Unresolved);
    }
    if args.running {
        filter.states.extend([State::Sending, State::Running]);
    }
    filter.failed = args.failed;
    if let Some(folder) = &args.batch {
        // As the ledger has it; one that is gone is known by its name.
        let folder = folder
            .canonicalize()
            .or_else(|_| std::path::absolute(folder));
        filter.folder = folder.ok();
    }
    filter.model = args.model.as_ref().map(ToString::to_string);
    filter.since = args.since;
    filter
}

/// The next step where a prediction may have been created.
fn unresolved() -> String {
    let resolve = advice::command("resolve", "");
    format!("unresolved ones may have been created; to find out: {resolve}")
}

const HEAD: &str =
    "ID                          STATE       AGE       COST  MODEL, ROW, NAME, INPUT";

fn line(entry: &Entry, now: SystemTime) -> String {
    let id = entry.id.as_deref().unwrap_or("-");
    let age = age(entry.planned_at, now);
    let mut about = entry.model.clone();
    if let (Some(folder), Some(_)) = (&entry.folder, &entry.batch) {
        let key = entry
            .row
            .clone()
            .unwrap_or_else(|| head(&entry.hash, 12).to_owned());
        about = format!("{about} {}#{key}", folder.display());
    }
    if let Some(key) = &entry.key {
        about = format!("{about} {key}");
    }
    let input = input(&entry.input);
    format!(
        "{id:<26}  {:<10}  {age:<4}  {:>8}  {about} {input}",
        state(entry),
        cost(entry)
    )
}

/// Where it stands, in a word: how it ended, if it did.
pub(super) fn state(entry: &Entry) -> &str {
    match (entry.state, &entry.outcome) {
        (State::Ended, Some(outcome)) => outcome.word(),
        (state, _) => state.as_str(),
    }
}

/// What it cost or may cost; one that is not charged for shows nothing.
fn cost(entry: &Entry) -> String {
    match entry.cost {
        Some(cost) if cost.is_positive() => cost.to_string(),
        Some(_) => String::new(),
        None => "?".to_owned(),
    }
}

/// How long ago a time is, by its greatest unit.
pub(super) fn age(at: SystemTime, now: SystemTime) -> String {
    let seconds = now.duration_since(at).unwrap_or_default().as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

/// The head of the prompt, or of the whole input where there is none.
pub(super) fn input(input: &str) -> String {
    let json: Value = serde_json::from_str(input).unwrap_or_default();
    match json["prompt"].as_str() {
        Some(prompt) => format!("{:?}", head(prompt, 40)),
        None => head(input, 40).to_owned(),
    }
}

fn head(text: &str, letters: usize) -> &str {
    text.char_indices()
        .nth(letters)
        .map_or(text, |(end, _)| &text[..end])
}

pub(super) fn json(entry: &Entry) -> Value {
    let input: Value = serde_json::from_str(&entry.input).unwrap_or_default();
    let outcome = entry.outcome.as_ref();
    json!({
        "id": entry.id,
        "model": entry.model,
        "service": entry.service,
        "input": input,
        "hash": entry.hash,
        "state": entry.state.as_str(),
        "seen": entry.seen.iter().map(seen).collect::<Vec<_>>(),
        "outcome": outcome.map(cometapi_batch::Outcome::word),
        "error": outcome.filter(|end| !end.is_success()).and_then(|end| end.message.clone()),
        "note": outcome.filter(|end| end.is_success()).and_then(|end| end.message.clone()),
        "request_id": entry.request_id,
        "request_ids": outcome.map(|outcome| outcome.request_ids.clone()),
        "batch": entry.folder.as_ref().filter(|_| entry.batch.is_some()).map(|folder| folder.to_string_lossy()),
        "row": entry.row,
        "once": entry.key,
        "occurrence": entry.occurrence,
        "price_usd": entry.price,
        "charge_usd": entry.charge,
        "cost_usd": entry.cost,
        "planned_at": time(Some(entry.planned_at)),
        "sent_at": time(entry.sending_at),
        "created_at": time(entry.created_at),
        "ended_at": time(entry.ended_at),
        "files": entry.files.iter().map(file).collect::<Vec<_>>(),
    })
}

fn seen((at, status): &(SystemTime, String)) -> Value {
    json!({"at": time(Some(*at)), "status": status})
}

/// RFC 3339. A time outside of the years 1970 to 9999 becomes the nearest one inside: a ledger may
/// be damaged, and the format has four digits for the year.
pub(super) fn time(at: Option<SystemTime>) -> Option<String> {
    let latest = UNIX_EPOCH + Duration::from_millis(LATEST);
    let at = at?.clamp(UNIX_EPOCH, latest);
    Some(humantime::format_rfc3339_millis(at).to_string())
}

/// The last millisecond of the year 9999, since 1970.
const LATEST: u64 = 253_402_300_799_999;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(millis: i64) -> String {
        let distance = Duration::from_millis(millis.unsigned_abs());
        let at = if millis < 0 {
            UNIX_EPOCH.checked_sub(distance)
        } else {
            UNIX_EPOCH.checked_add(distance)
        };
        // Not every system has such times.
        time(Some(at.unwrap_or(UNIX_EPOCH))).unwrap()
    }

    #[test]
    fn a_time_that_has_no_form_becomes_the_nearest_that_has_one() {
        for (millis, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1970-01-01T00:00:00.000Z"),
            (i64::MIN, "1970-01-01T00:00:00.000Z"),
            (1_773_994_530_250, "2026-03-20T08:15:30.250Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "9999-12-31T23:59:59.999Z"),
            (i64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(shown(millis), expected, "{millis}");
        }
    }

    proptest! {
        #[test]
        fn any_time_is_shown(millis: i64) {
            let text = shown(millis);
            prop_assert!(humantime::parse_rfc3339(&text).is_ok(), "{}", text);
        }
    }
}
