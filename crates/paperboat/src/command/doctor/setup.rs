//! The settings: the key, the access token and the base URL.

use cometapi::Client;

use super::check::Check;
use super::{secret, service};
use crate::args::Doctor;
use crate::connect;
use crate::secrets::{Found, Kind};

/// What the settings give, and the checks of them.
pub(super) struct Setup {
    pub(super) checks: Vec<Check>,
    pub(super) key: Option<Found>,
    pub(super) token: Option<Found>,
    /// Of a service that can be connected to. Without a key it is only asked for what needs none.
    pub(super) client: Option<Client>,
}

impl Setup {
    /// Commands for secrets run here.
    pub(super) fn of(args: &Doctor) -> Self {
        let service = &args.service;
        let base_url = connect::base_url(service.base_url.as_deref());
        let (key, key_check) = secret::check(Kind::Key, service);
        let (token, token_check) = secret::check(Kind::AccessToken, service);
        let (client, base_url_check) = service::client(service, base_url, key.as_ref());
        Self {
            checks: vec![key_check, token_check, base_url_check],
            key,
            token,
            client,
        }
    }
}
