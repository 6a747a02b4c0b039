//! What a batch would cost.

use cometapi_batch::{Planned, Report, Usd};
use serde_json::{Value, json};

use crate::args::Service;
use crate::connect::Connection;
use crate::pricing::{self, Pricing};

/// What is to be created, and what it would cost.
pub(in crate::command) struct Estimate {
    models: Vec<Model>,
    /// How old the prices are.
    age: Option<String>,
    /// What the account has left, if that is known.
    pub(super) balance: Option<Usd>,
}

struct Model {
    name: String,
    planned: Planned,
    /// What a prediction is counted as.
    price: Option<Usd>,
    /// What the service shows as its price, if that is less.
    discounted: Option<Usd>,
    /// Why the list has no price.
    why: Option<String>,
}

impl Model {
    fn cost(&self) -> Option<Usd> {
        self.price?.times(self.planned.predictions)
    }
}

impl Estimate {
    pub(in crate::command) async fn of(
        report: &Report,
        pricing: &Pricing,
        connection: &Connection,
        service: &Service,
    ) -> Self {
        let models = report.planned.iter().map(|(name, planned)| {
            let listed = pricing.lookup(name);
            let price = pricing.price(name);
            Model {
                name: name.clone(),
                planned: *planned,
                price,
                discounted: listed
                    .as_ref()
                    .ok()
                    .map(|it| it.discounted)
                    .filter(|it| Some(*it) < price),
                why: listed.err(),
            }
        });
        let models: Vec<_> = models.collect();
        let balance = if models.is_empty() {
            None
        } else {
            pricing::balance(connection, service).await
        };
        Self {
            models,
            age: pricing.age(),
            balance,
        }
    }

    /// What all of it would cost; `None` if a price is not known.
    pub(super) fn total(&self) -> Option<Usd> {
        self.models.iter().map(Model::cost).sum()
    }

    pub(super) fn models_json(&self) -> Value {
        let of = |model: &Model| {
            json!({
                "model": model.name,
                "predictions": model.planned.predictions,
                "files": model.planned.files,
                "price_usd": model.price,
                "discounted_usd": model.discounted,
                "cost_usd": model.cost(),
            })
        };
        self.models.iter().map(of).collect()
    }

    /// A line for each model, one for all, and the balance.
    pub(super) fn lines(&self) -> Vec<String> {
        if self.models.is_empty() {
            return Vec::new();
        }
        let names = self.models.iter().map(|it| it.name.chars().count());
        let width = names.max().unwrap_or(0).max("MODEL".len());
        let line = |name: &str, predictions: &str, files: &str, price: &str, cost: &str| {
            let line =
                format!("{name:<width$}  {predictions:>11}  {files:>7}  {price:>9}  {cost:>10}");
            line.trim_end().to_owned()
        };
        let known =
            |amount: Option<Usd>| amount.map_or_else(|| "unknown".to_owned(), |it| it.to_string());
        let mut lines = vec![
            String::new(),
            line("MODEL", "PREDICTIONS", "FILES", "PRICE", "COST"),
        ];
        let (mut predictions, mut files) = (0, 0);
        for model in &self.models {
            predictions += model.planned.predictions;
            files += model.planned.files;
            lines.push(line(
                &model.name,
                &model.planned.predictions.to_string(),
                &model.planned.files.to_string(),
                &known(model.price),
                &known(model.cost()),
            ));
        }
        let (predictions, files) = (predictions.to_string(), files.to_string());
        lines.push(line(
            "in all",
            &predictions,
            &files,
            "",
            &known(self.total()),
        ));
        if let Some(balance) = self.balance {
            lines.push(line("balance", "", "", "", &balance.to_string()));
        }
        if let Some(age) = &self.age {
            lines.push(format!("the price list is {age} old"));
        }
        for model in &self.models {
            if let Some(why) = &model.why {
                let assumed = model.price.map(|price| format!("; {price} is assumed"));
                let assumed = assumed.unwrap_or_default();
                lines.push(format!("{}: {why}{assumed}", model.name));
            }
            if let Some(discounted) = model.discounted {
                lines.push(format!(
                    "{}: {discounted} each after the discount that the list names, if that is charged",
                    model.name
                ));
            }
        }
        lines
    }
}
