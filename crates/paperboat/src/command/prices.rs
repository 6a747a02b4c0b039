//! `paperboat prices`: what predictions cost.

use cometapi_account::{Account, Price, PriceList};
use serde_json::{Value, json};

use crate::args::Prices;
use crate::failure::Failure;
use crate::{connect, pricing, print};

pub(crate) async fn execute(args: Prices) -> Result<(), Failure> {
    let account = connect::public_account(&args.service)?;
    let list = list(&account).await?;
    if let Some(model) = &args.model {
        let model = model.to_string();
        let price = list.price(&model);
        let price = price.map_err(|why| Failure::usage(format!("{model}: {why}")))?;
        return show(&args, &list, &[(model, price)]);
    }
    let known = cometapi::models::models().iter();
    let known = known.filter_map(|model| {
        let price = list.price(model.name()).ok()?;
        Some((model.name().to_owned(), price))
    });
    let known: Vec<_> = known.collect();
    if known.is_empty() && !args.json {
        print::stderr("the service's list has no price for a model known here");
        return Ok(());
    }
    show(&args, &list, &known)
}

async fn list(account: &Account) -> Result<PriceList, Failure> {
    pricing::prices(account).await.map_err(|e| {
        let failure = Failure::account(&e);
        failure.with_advice("prices are published at https://www.cometapi.com/pricing")
    })
}

fn show(args: &Prices, list: &PriceList, prices: &[(String, Price)]) -> Result<(), Failure> {
    if args.json {
        for (model, price) in prices {
            print::json(price_json(model, price, list))?;
        }
        return Ok(());
    }
    let width = prices
        .iter()
        .map(|(model, _)| model.len())
        .max()
        .unwrap_or(0);
    print::stdout(format_args!(
        "{:<width$}  {:>10}  {:>10}",
        "MODEL", "LIST", "DISCOUNTED"
    ))?;
    for (model, price) in prices {
        print::stdout(format_args!(
            "{model:<width$}  {:>10}  {:>10}",
            price.list, price.discounted
        ))?;
    }
    print::stderr(format_args!(
        "per prediction, in US dollars; the list is {} old",
        pricing::age(list)
    ));
    Ok(())
}

fn price_json(model: &str, price: &Price, list: &PriceList) -> Value {
    json!({
        "model": model,
        "list_usd": price.list,
        "ratio": price.ratio.map(|ratio| ratio.normalize().to_string()),
        "discounted_usd": price.discounted,
        "age_seconds": list.age().as_secs(),
    })
}
