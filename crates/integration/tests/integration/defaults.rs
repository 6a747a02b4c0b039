//! The documentation of each policy states the defaults that the code has.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use cometapi::{Backoff, CreatePolicy, DownloadPolicy, PollPace, WaitPolicy};
use syn::{Expr, Item, Lit, Meta, Visibility};

/// The files that define a policy.
const SOURCES: [&str; 5] = [
    "calls/policy/create.rs",
    "calls/policy/pace.rs",
    "calls/policy/wait.rs",
    "core/backoff.rs",
    "files/download/policy.rs",
];

/// Each field with its default as the documentation writes it.
fn defaults() -> BTreeMap<&'static str, String> {
    let backoff = Backoff::default();
    let create = CreatePolicy::default();
    let wait = WaitPolicy::default();
    let pace = PollPace::default();
    assert_eq!(wait.pace, pace);
    assert_eq!(wait.schedule, None);
    let download = DownloadPolicy::default();
    BTreeMap::from([
        ("Backoff::first", time(backoff.first)),
        ("Backoff::factor", backoff.factor.to_string()),
        ("Backoff::max", time(backoff.max)),
        ("Backoff::jitter", backoff.jitter.to_string()),
        (
            "CreatePolicy::max_attempts",
            create.max_attempts.to_string(),
        ),
        (
            "CreatePolicy::attempt_timeout",
            time(create.attempt_timeout),
        ),
        ("CreatePolicy::timeout", time(create.timeout)),
        (
            "CreatePolicy::max_retry_after",
            time(create.max_retry_after),
        ),
        ("CreatePolicy::backoff", pauses(create.backoff)),
        (
            "CreatePolicy::retry_unresolved",
            flag(create.retry_unresolved),
        ),
        ("WaitPolicy::timeout", time(wait.timeout)),
        ("WaitPolicy::attempt_timeout", time(wait.attempt_timeout)),
        ("WaitPolicy::hedge_after", time(wait.hedge_after)),
        ("WaitPolicy::not_found_grace", time(wait.not_found_grace)),
        (
            "WaitPolicy::pace",
            format!(
                "a tenth of the prediction's age, from {} to {},",
                wait.pace.min.as_secs_f64(),
                time(wait.pace.max)
            ),
        ),
        ("WaitPolicy::schedule", "none".to_owned()),
        ("PollPace::min", time(pace.min)),
        ("PollPace::share", pace.share.to_string()),
        ("PollPace::max", time(pace.max)),
        ("PollPace::jitter", pace.jitter.to_string()),
        (
            "DownloadPolicy::max_attempts",
            download.max_attempts.to_string(),
        ),
        (
            "DownloadPolicy::stall_timeout",
            time(download.stall_timeout),
        ),
        ("DownloadPolicy::max_bytes", size(download.max_bytes)),
        (
            "DownloadPolicy::max_redirects",
            download.max_redirects.to_string(),
        ),
        ("DownloadPolicy::min_speed", download.min_speed.to_string()),
        ("DownloadPolicy::speed_window", time(download.speed_window)),
        (
            "DownloadPolicy::max_retry_after",
            time(download.max_retry_after),
        ),
        ("DownloadPolicy::backoff", pauses(download.backoff)),
    ])
}

fn time(time: Duration) -> String {
    match time.as_secs() {
        minutes if minutes > 120 && minutes % 60 == 0 => format!("{} minutes", minutes / 60),
        _ => format!("{} s", time.as_secs_f64()),
    }
}

fn size(bytes: u64) -> String {
    match (bytes >> 30, bytes % (1 << 30)) {
        (1.., 0) => format!("{} GiB", bytes >> 30),
        _ => format!("{bytes} bytes"),
    }
}

fn flag(is_on: bool) -> String {
    if is_on { "on" } else { "off" }.to_owned()
}

fn pauses(backoff: Backoff) -> String {
    let Backoff {
        first,
        factor,
        max,
        jitter,
    } = backoff;
    let (first, max) = (time(first), time(max));
    let pauses = format!("{first}, then times {factor} each up to {max}");
    // The usual jitter is documented where the pauses are.
    if jitter.to_string() == Backoff::default().jitter.to_string() {
        pauses
    } else {
        format!("{pauses}, with a jitter of {jitter}")
    }
}

/// The documentation of every public field in `SOURCES`, on one line.
fn documentation() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cometapi/src");
    let mut found = BTreeMap::new();
    for source in SOURCES {
        let text = std::fs::read_to_string(folder.join(source)).unwrap();
        for item in syn::parse_file(&text).unwrap().items {
            let Item::Struct(item) = item else { continue };
            if !matches!(item.vis, Visibility::Public(_)) {
                continue;
            }
            for field in item.fields {
                let name = format!("{}::{}", item.ident, field.ident.unwrap());
                let lines: Vec<_> = field.attrs.iter().filter_map(doc).collect();
                found.insert(name, lines.join(" "));
            }
        }
    }
    found
}

/// The text of a line of documentation.
fn doc(attribute: &syn::Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attribute.meta else {
        return None;
    };
    match &meta.value {
        Expr::Lit(literal) if meta.path.is_ident("doc") => match &literal.lit {
            Lit::Str(text) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    }
}

#[test]
fn the_documentation_of_every_policy_states_the_defaults_of_the_code() {
    let defaults = defaults();
    let documentation = documentation();
    let documented: Vec<_> = documentation.keys().map(String::as_str).collect();
    let known: Vec<_> = defaults.keys().copied().collect();
    assert_eq!(documented, known, "a row for each field");
    for (field, default) in defaults {
        let text = &documentation[field];
        let sentence = format!(" {default} by default");
        assert!(
            format!(" {text}").contains(&sentence),
            "{field}:{sentence}: {text}"
        );
    }
}
