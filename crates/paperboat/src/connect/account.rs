//! The account of a service, made from the settings. The one place that makes one.

use cometapi::Client;
use cometapi_account::{Account, ErrorKind};

use crate::failure::Failure;
use crate::secrets::Found;

/// The account at `root`, else at the client's service, else at `CometAPI`; `None` if the client's service
/// is not `CometAPI`, so that it is not known what it offers of an account.
pub(super) fn at(
    client: Option<&Client>,
    root: Option<&str>,
    token: Option<&Found>,
) -> Result<Option<Account>, Failure> {
    let mut builder = Account::builder();
    if let Some(client) = client {
        builder = builder.client(client);
    }
    if let Some(root) = root {
        builder = builder.root(root);
    }
    if let Some(found) = token {
        builder = builder.access_token(found.secret.expose());
    }
    match builder.build() {
        Ok(account) => Ok(Some(account)),
        Err(e) if e.kind() == ErrorKind::UnknownHere => Ok(None),
        Err(e) => {
            let failure = Failure::usage(format!("the account cannot be used: {e}"));
            Err(failure
                .because_of(&e)
                .with_advice("check COMETAPI_ACCOUNT_URL"))
        }
    }
}

/// The account, which a command cannot do without.
pub(super) fn needed(account: Option<Account>) -> Result<Account, Failure> {
    account.ok_or_else(|| {
        Failure::usage("the service is not CometAPI").with_advice(
            "if it has an account like CometAPI's, set COMETAPI_ACCOUNT_URL to its address",
        )
    })
}
