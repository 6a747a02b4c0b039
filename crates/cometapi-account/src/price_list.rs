//! The list of models with their prices, and how a model is found in it.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::generated::types;
use crate::json;
use crate::listed_model::ListedModel;
use crate::price::{Price, UnknownPrice};

/// How long the service's own command line uses a list (read in its source).
const FRESH: Duration = Duration::from_secs(60 * 60);

/// The models of a service with their prices, as they were at one time.
#[derive(Clone)]
pub struct PriceList {
    root: String,
    fetched_at: SystemTime,
    rows: Vec<types::ListedModel>,
    unreadable: usize,
    /// Rows by id.
    by_id: HashMap<String, Vec<usize>>,
    /// Rows by any of their names: id, code and name, each row once.
    by_name: HashMap<String, Vec<usize>>,
}

impl PriceList {
    /// The list of these rows. A row that cannot be read is counted and left out.
    pub(crate) fn new(root: &str, fetched_at: SystemTime, rows: Vec<Value>) -> Self {
        let mut list = Self {
            root: root.to_owned(),
            fetched_at,
            rows: Vec::with_capacity(rows.len()),
            unreadable: 0,
            by_id: HashMap::new(),
            by_name: HashMap::new(),
        };
        for row in rows {
            match serde_json::from_value(row) {
                Ok(row) => list.add(row),
                Err(_) => list.unreadable += 1,
            }
        }
        list
    }

    fn add(&mut self, row: types::ListedModel) {
        let [id, code, name] = [&row.id, &row.code, &row.name].map(|it| json::text(it.as_ref()));
        if id.is_none() && code.is_none() && name.is_none() {
            self.unreadable += 1;
            return;
        }
        let position = self.rows.len();
        for known in [&id, &code, &name].into_iter().flatten() {
            let rows = self.by_name.entry(known.clone()).or_default();
            if rows.last() != Some(&position) {
                rows.push(position);
            }
        }
        if let Some(id) = id {
            self.by_id.entry(id).or_default().push(position);
        }
        // What nothing here reads is most of a row.
        self.rows.push(types::ListedModel {
            context_length: None,
            description: None,
            extra: serde_json::Map::new(),
            features: None,
            max_completion_tokens: None,
            provider_code: None,
            ..row
        });
    }

    /// Returns what one request of `model`, `owner/name`, costs.
    ///
    /// The model is the one with exactly that id, else each whose id, code (the name with `-` for each
    /// `.`) or name equals the part after the slash. If several have that name, they
    /// must cost the same.
    ///
    /// # Errors
    ///
    /// Fails with the reason why the price is unknown.
    pub fn price(&self, model: &str) -> Result<Price, UnknownPrice> {
        let mut found = self.find(model).into_iter();
        let first = found.next().ok_or(UnknownPrice::NotListed)?;
        let price = self.price_of(first);
        // Two models of one price differ in their id.
        let essence = |price: &Result<Price, UnknownPrice>| {
            let price = price.as_ref();
            price
                .map(|it| (it.list, it.discounted))
                .map_err(UnknownPrice::clone)
        };
        let is_same = |row| essence(&self.price_of(row)) == essence(&price);
        if found.all(is_same) {
            price
        } else {
            Err(UnknownPrice::Ambiguous)
        }
    }

    fn price_of(&self, row: usize) -> Result<Price, UnknownPrice> {
        let model = self.rows.get(row).and_then(ListedModel::read);
        model.ok_or(UnknownPrice::NotListed)?.price
    }

    /// The rows of a model, in order, each once.
    fn find(&self, model: &str) -> Vec<usize> {
        if let Some(rows) = self.by_id.get(model) {
            return rows.clone();
        }
        let name = model.rsplit_once('/').map_or(model, |(_, name)| name);
        let codes = [model, name].map(|it| it.replace('.', "-"));
        let names = [model, name, &codes[0], &codes[1]];
        let found = names.iter().filter_map(|name| self.by_name.get(*name));
        let mut rows: Vec<_> = found.flatten().copied().collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    /// Returns the models, in the order of the service.
    pub fn models(&self) -> impl Iterator<Item = ListedModel> + '_ {
        self.rows.iter().filter_map(ListedModel::read)
    }

    /// How many models there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows could not be read and are left out.
    pub fn unreadable(&self) -> usize {
        self.unreadable
    }

    /// The [root](crate::Account::root) that the list came from.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// When it came.
    pub fn fetched_at(&self) -> SystemTime {
        self.fetched_at
    }

    /// How old it is, by the system's clock; nothing if the clock was set back since.
    pub fn age(&self) -> Duration {
        self.fetched_at.elapsed().unwrap_or_default()
    }

    /// Whether it can be used at `now`: it came in the hour before.
    pub(crate) fn is_fresh_at(&self, now: SystemTime) -> bool {
        let age = now.duration_since(self.fetched_at);
        age.is_ok_and(|age| age < FRESH)
    }

    /// The rows, without what nothing here reads.
    pub(crate) fn rows(&self) -> &[types::ListedModel] {
        &self.rows
    }
}

impl fmt::Debug for PriceList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PriceList")
            .field("root", &self.root)
            .field("fetched_at", &self.fetched_at)
            .field("models", &self.rows.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn list(rows: Value) -> PriceList {
        let Value::Array(rows) = rows else {
            panic!("{rows}");
        };
        PriceList::new("https://x", SystemTime::now(), rows)
    }

    fn per_request(amount: &str) -> Value {
        json!({"currency": "USD", "per_request": amount})
    }

    fn shown(list: &PriceList, model: &str) -> String {
        match list.price(model) {
            Ok(price) => format!("{} {}", price.id, price.list),
            Err(unknown) => format!("{unknown:?}"),
        }
    }

    #[test]
    fn a_model_is_found_by_its_whole_id_and_else_by_its_name() {
        let list = list(json!([
            {"id": "acme/fox", "pricing": per_request("1")},
            {"id": "fox", "pricing": per_request("2")},
            {"id": "owl", "pricing": per_request("3")},
            {"id": "x1", "code": "v1-1-pro", "pricing": per_request("4")},
            {"id": "x2", "name": "bear", "pricing": per_request("5")},
            {"id": "x3", "name": "acme/wolf", "pricing": per_request("6")},
            {"id": "x4", "code": "acme/v2-0", "pricing": per_request("7")},
        ]));
        for (model, found) in [
            ("acme/fox", "acme/fox $1.00"),
            ("fox", "fox $2.00"),
            ("other/fox", "fox $2.00"),
            ("acme/owl", "owl $3.00"),
            ("acme/v1.1-pro", "x1 $4.00"),
            ("acme/bear", "x2 $5.00"),
            ("acme/wolf", "x3 $6.00"),
            ("acme/v2.0", "x4 $7.00"),
            ("acme/Fox", "NotListed"),
            ("acme/fo", "NotListed"),
            ("acme/", "NotListed"),
            ("", "NotListed"),
        ] {
            assert_eq!(shown(&list, model), found, "{model}");
        }
    }

    #[test]
    fn several_models_of_a_name_must_cost_the_same() {
        let fox = |id: &str, pricing: Value| json!({"id": id, "name": "fox", "pricing": pricing});
        let same = list(json!([
            fox("a", per_request("0.10")),
            fox("b", per_request("0.1"))
        ]));
        assert_eq!(shown(&same, "acme/fox"), "a $0.10");
        for other in [
            per_request("0.2"),
            json!(null),
            json!({"currency": "USD", "input": 1}),
        ] {
            let differ = list(json!([fox("a", per_request("0.1")), fox("b", other)]));
            assert_eq!(shown(&differ, "acme/fox"), "Ambiguous");
            // The whole id is not in doubt.
            assert_eq!(shown(&differ, "a"), "a $0.10");
        }
        let twice = list(json!([
            {"id": "a/fox", "pricing": per_request("1")},
            {"id": "a/fox", "pricing": per_request("2")},
        ]));
        assert_eq!(shown(&twice, "a/fox"), "Ambiguous");
    }

    #[test]
    fn a_row_that_cannot_be_read_is_counted_and_the_others_stay() {
        let rows = json!([
            null, 3, "x", [], {}, {"id": null},
            {"id": "owl", "pricing": per_request("3"), "new": {"a": 1}, "description": "d"},
        ]);
        let list = list(rows);
        assert_eq!((list.len(), list.unreadable()), (1, 6));
        assert_eq!(shown(&list, "acme/owl"), "owl $3.00");
    }

    #[test]
    fn a_hundred_thousand_models_are_listed() {
        let rows = (0..100_000).map(|number| {
            json!({
                "id": format!("acme/m{number}"),
                "name": format!("m{number}"),
                "pricing": {"currency": "USD", "per_request": number + 1},
                "ratio": 0.8,
            })
        });
        let list = list(rows.collect());
        assert_eq!(list.len(), 100_000);
        assert_eq!(list.models().count(), 100_000);
        let price = list.price("acme/m99999").unwrap();
        assert_eq!(price.discounted, "80000".parse().unwrap());
    }

    proptest! {
        /// Any JSON as any field of a row is read or unknown.
        #[test]
        fn any_row_is_read(
            field in prop::sample::select(vec!["id", "code", "name", "pricing", "ratio", "endpoints"]),
            value in prop::sample::select(vec![
                json!(null), json!(true), json!(-1), json!(1e300), json!(""), json!("x"), json!("{}"),
                json!("[1]"), json!({}), json!([]), json!({"currency": "USD", "per_request": 1e-30}),
                json!({"currency": [], "per_request": {}}), json!("79228162514264337593543950335"),
            ]),
        ) {
            let mut row = json!({"id": "a/fox", "pricing": per_request("1"), "ratio": "0.8"});
            row[field] = value;
            let list = list(json!([row, {"id": "a/owl", "pricing": per_request("2")}]));
            let _ = list.price("a/fox");
            prop_assert_eq!(shown(&list, "a/owl"), "a/owl $2.00");
        }
    }
}
