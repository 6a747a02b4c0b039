//! What the account says: the balance and the prices.

use cometapi::ModelRef;
use cometapi_account::{Account, Balance, Error, ErrorKind, Usd};

use super::check::Check;

/// The balance: of the account if there is an access token, else of the key.
pub(super) async fn balance(account: &Account, has_key: bool) -> Check {
    const NAME: &str = "balance";
    if !has_key && !account.has_access_token() {
        return Check::skipped(NAME, "there is no key");
    }
    let balance = match account.balance().await {
        Ok(balance) => balance,
        Err(error) => return unread(NAME, &error),
    };
    let of = match &balance {
        Balance::Key(_) => "the key",
        _ => "the account",
    };
    match balance.left() {
        Some(left) if left <= Usd::ZERO => {
            Check::warning(NAME, format!("{of} has {left} left"), "top up the account")
        }
        Some(left) => Check::ok(NAME, format!("{of} has {left} left")),
        None => Check::ok(NAME, "the key has no limit but the account's balance"),
    }
}

/// How many prices there are, and how old they are.
pub(super) async fn prices(account: &Account) -> Check {
    const NAME: &str = "prices";
    match account.prices().await {
        Ok(list) if list.is_empty() => Check::warning(
            NAME,
            "the service lists none",
            "check COMETAPI_ACCOUNT_URL; costs are then unknown",
        ),
        Ok(list) => Check::ok(
            NAME,
            format!("{} models, read {} s ago", list.len(), list.age().as_secs()),
        ),
        Err(error) => unread(NAME, &error),
    }
}

/// The most that a prediction of the model costs, if it is known.
pub(super) async fn price(account: &Account, model: &ModelRef) -> Option<Usd> {
    let list = account.prices().await.ok()?;
    let price = list.price(&model.to_string()).ok()?;
    Some(price.highest())
}

/// Predictions need neither, so that it cannot be read is no failure; that a secret is refused is one.
fn unread(name: &'static str, error: &Error) -> Check {
    match error.kind() {
        ErrorKind::NoKey | ErrorKind::NoToken | ErrorKind::UnknownHere => {
            Check::skipped(name, error.to_string())
        }
        ErrorKind::Unauthorized => Check::failed_with(
            name,
            error.to_string(),
            "check the key and the access token",
        ),
        _ => Check::warning(name, error.to_string(), "predictions do not depend on it"),
    }
}
