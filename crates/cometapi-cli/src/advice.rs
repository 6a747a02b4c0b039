//! What to do next, by what happened.

use cometapi::{Error, ErrorKind};

/// Before a create that may have been accepted is sent again.
pub(crate) const LOOK_FIRST: &str =
    "look at the account's task list before creating it again, or it may cost twice";

/// How a run is picked up again.
pub(crate) fn go_on(id: &str) -> String {
    format!("to go on: cometapi wait {}", shell_word(id))
}

/// `id` as one word of a shell's command line. An id is the service's: one with a `;` in it must
/// not become a second command when the advice is pasted.
fn shell_word(id: &str) -> String {
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
        kind => next_step(kind),
    };
    said(error)
        .into_iter()
        .chain(step.map(str::to_owned))
        .collect()
}

/// What came back, where it could not be understood: better than nothing.
fn said(error: &Error) -> Option<String> {
    if error.service().is_some() {
        return None;
    }
    let body = std::str::from_utf8(error.body()?).ok()?.trim();
    // A page's head tells nobody anything.
    if body.is_empty() || body.starts_with('<') {
        return None;
    }
    let head: String = body.chars().take(300).collect();
    Some(format!("it answered: {head}"))
}

/// What to do next after an error of `kind`, where that is the same for all of them.
pub(crate) fn next_step(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::WrongEndpoint => {
            "look at --base-url or COMETAPI_BASE_URL; with neither, it is https://api.cometapi.com"
        }
        ErrorKind::Unauthorized => {
            "look at the key: it is good at the service that gave it, and at no other base url"
        }
        ErrorKind::Blocked => {
            "check the network: a VPN, a region or an address that is blocked; the key is not at \
             fault"
        }
        ErrorKind::OutOfQuota => "top up the account, then give the same command again",
        ErrorKind::RateLimited => "give the same command again later",
        ErrorKind::NotFound => {
            "look at the id, and that the key is the one that it was created with"
        }
        ErrorKind::Expired => {
            "the service keeps files for about an hour; to have them made again, run it again"
        }
        ErrorKind::MaybeAccepted => LOOK_FIRST,
        _ => return None,
    })
}

/// The id, where there is one: as the command that goes on, or by itself when there is
/// nothing to go on with.
pub(crate) fn way_back(error: &Error) -> Option<String> {
    let id = error.prediction_id()?;
    match error.kind() {
        ErrorKind::Failed
        | ErrorKind::Canceled
        | ErrorKind::Aborted
        | ErrorKind::Expired
        | ErrorKind::UnexpectedOutput
        | ErrorKind::NotFound
        | ErrorKind::InvalidId => {
            let said = error.to_string().contains(id);
            (!said).then(|| format!("prediction: {id}"))
        }
        _ => Some(go_on(id)),
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
            assert_eq!(go_on(id), format!("to go on: cometapi wait {word}"));
        }
    }
}
