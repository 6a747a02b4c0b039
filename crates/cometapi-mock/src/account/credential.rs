//! Which credential a request carries, and whether it was meant for where it arrived.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::endpoint::Access;
use crate::builder::{Key, Settings};
use crate::spec::{Rule, Violation, bearer, credentials};

/// What API keys of the gateway's software family begin with; access tokens do not (observed in source).
const KEY_PREFIX: &[u8] = b"sk-";

/// What a credential is, if that can be said.
fn kind(settings: &Settings, credential: &[u8]) -> Option<Access> {
    let is = |set: &Option<Key>| {
        set.as_ref()
            .is_some_and(|set| set.0.as_bytes() == credential)
    };
    if is(&settings.key) {
        Some(Access::Key)
    } else if is(&settings.access_token) {
        Some(Access::Token)
    } else if credential.starts_with(KEY_PREFIX) {
        Some(Access::Key)
    } else {
        None
    }
}

fn sent(headers: &HeaderMap) -> Option<&[u8]> {
    bearer(headers.get(AUTHORIZATION)?.as_bytes())
}

/// Whether the credential is the one that was set for `access`, or one that may be it where none was set.
pub(crate) fn is_accepted(settings: &Settings, access: Access, headers: &HeaderMap) -> bool {
    let set = match access {
        Access::Public => return true,
        Access::Key => &settings.key,
        Access::Token => &settings.access_token,
    };
    sent(headers).is_some_and(|sent| match set {
        Some(set) => set.0.as_bytes() == sent,
        None => kind(settings, sent).is_none_or(|kind| kind == access),
    })
}

/// Credentials that were not meant for an endpoint of this access.
pub(crate) fn leaks(settings: &Settings, access: Access, headers: &HeaderMap) -> Vec<Violation> {
    let seen = match access {
        Access::Public => {
            let leak = |name| {
                let place = format!("header {name}");
                Violation::new(Rule::Leak, place, "a credential where none is needed")
            };
            return credentials(headers).into_iter().map(leak).collect();
        }
        Access::Key => "an access token where the api key belongs",
        Access::Token => "an api key where the access token belongs",
    };
    let kind = sent(headers).and_then(|sent| kind(settings, sent));
    let is_other = kind.is_some_and(|kind| kind != access);
    is_other
        .then(|| Violation::new(Rule::Leak, "header authorization", seen))
        .into_iter()
        .collect()
}
