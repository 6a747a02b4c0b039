//! What to do next, by what happened.

mod quote;
mod settings;

use std::borrow::Cow;

use cometapi::{Error, ErrorKind, FailureKind};

pub(crate) use self::quote::shell_word;
pub(crate) use self::settings::{command, command_with, remember};

/// Advice on a create request that may have been accepted.
pub(crate) fn look_first() -> String {
    let resolve = command("resolve", "");
    format!("to find out: {resolve}; if you send it again before that, you may pay twice")
}

/// Advice on a cost that cannot be limited, or is above the limit.
pub(crate) fn of_cost(error: &cometapi_batch::Error) -> String {
    let prices = command("prices", "");
    if error.to_string().contains("not known") {
        format!("the known prices: {prices}; to name one for all others: --assume-price USD")
    } else {
        format!("to allow it: a higher --max-cost; the prices: {prices}")
    }
}

/// The command that continues with a prediction.
pub(crate) fn continue_with(id: &str) -> String {
    format!("to continue: {}", command("wait", &shell_word(id)))
}

/// Advice on `error`, a line each.
pub(crate) fn of(error: &Error) -> Vec<String> {
    let step = match error.kind() {
        ErrorKind::Config if error.to_string().contains("plain http") => {
            Some("to allow it: --allow-http".into())
        }
        ErrorKind::Download if error.to_string().contains("private network") => {
            Some("if you trust the service to choose it: --allow-private-files".into())
        }
        // Its id is the way to find out.
        ErrorKind::MaybeAccepted if error.prediction_id().is_some() => None,
        ErrorKind::Failed => error.failure_kind().and_then(after_failure).map(Cow::from),
        kind => next_step(kind),
    };
    response_start(error)
        .into_iter()
        .chain(step.map(Cow::into_owned))
        .collect()
}

/// The start of a response that could not be understood.
fn response_start(error: &Error) -> Option<String> {
    if error.service().is_some() {
        return None;
    }
    let body = std::str::from_utf8(error.body()?).ok()?.trim();
    // The head of a page says nothing useful.
    if body.is_empty() || body.starts_with('<') {
        return None;
    }
    let head: String = body.chars().take(300).collect();
    Some(format!("the response was: {head}"))
}

/// What to do next after a prediction failed, where its reason does not say it.
fn after_failure(kind: FailureKind) -> Option<&'static str> {
    Some(match kind {
        FailureKind::Moderation => "change the prompt or the images: a safety check refused them",
        FailureKind::InvalidInput => "fix the input; its fields: paperboat models MODEL",
        FailureKind::Upstream => {
            "run the same command again (this may cost again): the provider failed, not the input"
        }
        _ => return None,
    })
}

/// What to do next after an error of `kind`, where that is the same for all of them.
pub(crate) fn next_step(kind: ErrorKind) -> Option<Cow<'static, str>> {
    let step = match kind {
        ErrorKind::MaybeAccepted => return Some(look_first().into()),
        ErrorKind::Unauthorized => {
            let doctor = command("doctor", "");
            let keys = "keys only work with the service that issued them";
            return Some(format!("check the key: {keys}; where it is from: {doctor}").into());
        }
        ErrorKind::WrongEndpoint => {
            "check --base-url or COMETAPI_BASE_URL; the default is https://api.cometapi.com"
        }
        ErrorKind::Blocked => {
            "check the network: a VPN, a region or an address that is blocked; the key is not at \
             fault"
        }
        ErrorKind::OutOfQuota => "top up the account, then run the same command again",
        ErrorKind::RateLimited => "run the same command again later",
        ErrorKind::NotFound => "check the id, and use the key that created it",
        ErrorKind::Expired => {
            "the service keeps files for about an hour; to get new ones, run the model again (this costs again)"
        }
        _ => return None,
    };
    Some(step.into())
}

/// The id, if there is one: in the command that continues, or by itself if nothing continues.
pub(crate) fn continuation(error: &Error) -> Option<String> {
    let id = error.prediction_id()?;
    match error.kind() {
        ErrorKind::Failed
        | ErrorKind::Canceled
        | ErrorKind::Aborted
        | ErrorKind::Expired
        | ErrorKind::UnexpectedOutput
        | ErrorKind::NotFound
        | ErrorKind::InvalidId => {
            let is_in_message = error.to_string().contains(id);
            (!is_in_message).then(|| format!("prediction: {id}"))
        }
        // The folder that was named, or is the current one, takes no file.
        ErrorKind::File => {
            let wait = command_with("wait", &shell_word(id), "output", "DIR");
            Some(format!("to continue: {wait}"))
        }
        _ => Some(continue_with(id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_word_of_the_advice() {
        for (id, word) in [
            ("q4chw5rey9rmt0cww76t4h3ma4", "q4chw5rey9rmt0cww76t4h3ma4"),
            ("video_bGl0ZWxsbTpjdXN0b20=", "video_bGl0ZWxsbTpjdXN0b20="),
            ("a; echo paid", "'a; echo paid'"),
            ("$(echo paid)", "'$(echo paid)'"),
            ("it's", r"'it'\''s'"),
            ("--all", "-- --all"),
            ("-o;x", "-- '-o;x'"),
        ] {
            assert_eq!(
                continue_with(id),
                format!("to continue: paperboat wait {word}")
            );
        }
    }
}
