//! What to do next, by what happened.

use cometapi::{Error, ErrorKind, FailureKind};

/// Advice on a create request that may have been accepted.
pub(crate) const LOOK_FIRST: &str =
    "to find out: paperboat resolve; if you send it again before that, you may pay twice";

/// Advice on a cost that cannot be limited, or is above the limit.
pub(crate) fn of_cost(error: &cometapi_batch::Error) -> &'static str {
    if error.to_string().contains("not known") {
        "the known prices: paperboat prices; to name one for all others: --assume-price USD"
    } else {
        "to allow it: a higher --max-cost; the prices: paperboat prices"
    }
}

/// The command that continues with a prediction.
pub(crate) fn continue_with(id: &str) -> String {
    format!("to continue: paperboat wait {}", shell_word(id))
}

/// `id` as one word of a shell's command line. An id is the service's: one with a `;` in it must
/// not become a second command when the advice is pasted.
pub(crate) fn shell_word(id: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.~:=+/@%".contains(c);
    let quoted = if !id.is_empty() && id.chars().all(is_plain) {
        id.to_owned()
    } else {
        format!("'{}'", id.replace('\'', r"'\''"))
    };
    if id.starts_with('-') {
        return format!("-- {quoted}");
    }
    quoted
}

/// Advice on `error`, a line each.
pub(crate) fn of(error: &Error) -> Vec<String> {
    let step = match error.kind() {
        ErrorKind::Config if error.to_string().contains("plain http") => {
            Some("to allow it: --allow-http")
        }
        ErrorKind::Download if error.to_string().contains("private network") => {
            Some("if you trust the service to choose it: --allow-private-files")
        }
        // Its id is the way to find out.
        ErrorKind::MaybeAccepted if error.prediction_id().is_some() => None,
        ErrorKind::Failed => error.failure_kind().and_then(after_failure),
        kind => next_step(kind),
    };
    response_start(error)
        .into_iter()
        .chain(step.map(str::to_owned))
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
pub(crate) fn next_step(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::WrongEndpoint => {
            "check --base-url or COMETAPI_BASE_URL; the default is https://api.cometapi.com"
        }
        ErrorKind::Unauthorized => {
            "check the key: keys only work with the service that issued them; where it is from: paperboat \
             doctor"
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
        ErrorKind::MaybeAccepted => LOOK_FIRST,
        _ => return None,
    })
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
