//! What predictions cost and what is left to pay them with, for a command that creates them. Prices are
//! nice to have: nothing waits for them unless the cost is limited.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use cometapi_account::{Account, Price, PriceCache, PriceList};
use cometapi_batch::Usd;
use etcetera::BaseStrategy;
use tokio::task::JoinHandle;

use crate::args::Service;
use crate::connect::Connection;
use crate::print;

/// The price list, once it is known.
pub(crate) struct Pricing {
    list: Arc<OnceLock<PriceList>>,
    fetching: Option<JoinHandle<Option<String>>>,
    /// Why there is no list.
    why: Option<String>,
    assumed: Option<Usd>,
}

impl Pricing {
    /// Begins to fetch the price list, unless it is cached. Where there is no account, prices are unknown.
    pub(crate) fn begin(connection: &Connection, assumed: Option<Usd>) -> Self {
        let list = Arc::new(OnceLock::new());
        let mut pricing = Self {
            list: Arc::clone(&list),
            fetching: None,
            why: None,
            assumed,
        };
        match connection.account() {
            Ok(account) => {
                // What a mock lists is of no use to another process.
                let cache = cache().filter(|_| !connection.is_mock());
                pricing.fetching = Some(tokio::spawn(async move {
                    match fetch(&account, cache).await {
                        Ok(prices) => {
                            // Set once: nothing else does.
                            let _ = list.set(prices);
                            None
                        }
                        Err(error) => Some(error.to_string()),
                    }
                }));
            }
            Err(failure) => {
                let parts = [failure.message().to_owned(), failure.next_step()];
                pricing.why = Some(parts.join("; "));
            }
        }
        pricing
    }

    /// Waits until the list is there or cannot be had, which takes ten seconds at most.
    pub(crate) async fn settled(&mut self) {
        if let Some(fetching) = self.fetching.take() {
            self.why = fetching.await.ok().flatten();
        }
    }

    /// Does the same for a command that limits the cost: if there is no list, it prints why.
    pub(crate) async fn needed(&mut self) {
        self.settled().await;
        if self.list.get().is_none() {
            print::note(format_args!("there is no price list: {}", self.why()));
        }
    }

    /// What is known of the price of `model`: the list, or why it has none.
    pub(crate) fn lookup(&self, model: &str) -> Result<Price, String> {
        let Some(list) = self.list.get() else {
            return Err(format!("price unknown: {}", self.why()));
        };
        list.price(model).map_err(|why| why.to_string())
    }

    /// Why there is no list.
    fn why(&self) -> &str {
        let why = self.why.as_deref().unwrap_or("it is not there yet");
        // What an error of the account may begin with is said before.
        why.trim_start_matches("unknown here: ")
    }

    /// What a prediction of `model` is counted as.
    pub(crate) fn price(&self, model: &str) -> Option<Usd> {
        price(&self.list, self.assumed, model)
    }

    /// The same for others to ask, at any time.
    pub(crate) fn source(&self) -> impl Fn(&str) -> Option<Usd> + Send + Sync + 'static {
        let (list, assumed) = (Arc::clone(&self.list), self.assumed);
        move |model| price(&list, assumed, model)
    }

    /// How old the list is, if it is there.
    pub(crate) fn age(&self) -> Option<String> {
        self.list.get().map(age)
    }
}

/// What a prediction costs by the list: `$0.24, or $0.192 if the discount counts`.
pub(crate) fn listed(price: &Price) -> String {
    let highest = price.highest();
    if price.discounted < highest {
        let discounted = price.discounted;
        return format!("{highest}, or {discounted} if the discount counts");
    }
    highest.to_string()
}

/// How old a list is, by its greatest unit.
pub(crate) fn age(list: &PriceList) -> String {
    match list.age().as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

fn price(list: &OnceLock<PriceList>, assumed: Option<Usd>, model: &str) -> Option<Usd> {
    let listed = list.get().and_then(|list| list.price(model).ok());
    listed.map(|price| price.highest()).or(assumed)
}

/// What is left to spend: of the account if there is an access token, else of the key's limit. `None` if
/// that is not known or there is no limit.
pub(crate) async fn balance(connection: &Connection, service: &Service) -> Option<Usd> {
    let account = match connection.account_with_token(service) {
        Some(account) => account,
        None => connection.account().ok()?,
    };
    account.balance().await.ok()?.left()
}

/// The price list of an account, from the cache if it is younger than an hour.
pub(crate) async fn prices(account: &Account) -> Result<PriceList, cometapi_account::Error> {
    fetch(account, cache()).await
}

async fn fetch(
    account: &Account,
    cache: Option<PriceCache>,
) -> Result<PriceList, cometapi_account::Error> {
    match cache {
        Some(cache) => account.cached_prices(&cache).await,
        None => account.prices().await,
    }
}

/// Where the list is kept; `None` without a home folder.
pub(crate) fn cache() -> Option<PriceCache> {
    let base = etcetera::choose_base_strategy().ok()?;
    let folder: PathBuf = base.cache_dir();
    Some(PriceCache::at(folder.join("paperboat").join("prices.json")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_discount_is_shown_where_there_is_one() {
        for (ratio, shown) in [
            (Some("0.8"), "$0.24, or $0.192 if the discount counts"),
            (Some("1"), "$0.24"),
            // A surcharge counts.
            (Some("1.5"), "$0.36"),
            (None, "$0.24"),
        ] {
            let ratio = ratio.map(|it| it.parse().unwrap());
            let price = Price::new("fox", "0.24".parse().unwrap(), ratio).unwrap();
            assert_eq!(listed(&price), shown);
        }
    }
}
