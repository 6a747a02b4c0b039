//! Whether there is a key and an access token, and where they come from.

use super::check::Check;
use crate::args::Service;
use crate::connect;
use crate::secrets::{Found, Kind, Origin};

/// Looks for the secret, and shows it masked.
pub(super) fn check(kind: Kind, args: &Service) -> (Option<Found>, Check) {
    let name = match kind {
        Kind::Key => "key",
        Kind::AccessToken => "access token",
    };
    let Ok(Some(origin)) = connect::origin(kind, args.base_url.as_deref()) else {
        let what = match kind {
            Kind::Key => "the base url",
            Kind::AccessToken => "the address of the account",
        };
        return (None, Check::skipped(name, format!("{what} cannot be used")));
    };
    let mut notes = Vec::new();
    let found = match connect::find(kind, args, &origin, &mut notes) {
        Ok(Some(found)) => found,
        Ok(None) => return (None, missing(kind, name, &origin, &notes)),
        Err(failure) => return (None, Check::failed(name, &failure)),
    };
    let shown = format!("{} from {}", found.secret.masked(), found.source);
    if !found.secret.can_be_sent() {
        let detail = format!("{shown} contains a character that no {kind} has");
        return (None, Check::failed_with(name, detail, "copy it again"));
    }
    let check = if notes.is_empty() {
        Check::ok(name, shown)
    } else {
        Check::warning(name, shown, notes.join("; "))
    };
    (Some(found), check)
}

fn missing(kind: Kind, name: &'static str, origin: &Origin, notes: &[String]) -> Check {
    let login = kind.login();
    let next = if origin.is_comet() {
        format!("create one at {}, then: {login}", kind.page())
    } else {
        format!("create one at the service, then: {login}")
    };
    match kind {
        Kind::Key => {
            let mut detail = vec!["none".to_owned()];
            detail.extend_from_slice(notes);
            Check::failed_with(name, detail.join("; "), next)
        }
        Kind::AccessToken => {
            Check::skipped(name, "none; only the account's task list needs one").then(next)
        }
    }
}
