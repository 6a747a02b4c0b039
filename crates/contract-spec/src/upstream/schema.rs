//! How two schemas differ, in the words of OpenAPI 3.0 and 3.1 alike.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::difference::{Difference, Place};
use crate::oracle::{Oracle, members};

/// Keywords for people, which bind nobody.
const PROSE: [&str; 9] = [
    "description",
    "title",
    "summary",
    "example",
    "examples",
    "externalDocs",
    "xml",
    "discriminator",
    "$comment",
];

/// A schema with its references followed, its `allOf` merged and its unions in one list.
#[derive(Default)]
struct Shape<'s> {
    types: BTreeSet<String>,
    nullable: bool,
    enumeration: Option<Enumeration>,
    /// Every other keyword, by its name.
    keywords: BTreeMap<String, Value>,
    properties: BTreeMap<&'s str, &'s Value>,
    required: BTreeSet<&'s str>,
    items: Option<&'s Value>,
    additional: Option<&'s Value>,
    variants: Vec<&'s Value>,
}

#[derive(Default, PartialEq)]
struct Enumeration {
    values: BTreeSet<String>,
    /// Whether other values are valid too.
    is_open: bool,
}

impl Enumeration {
    fn described(&self) -> String {
        let values: Vec<_> = self.values.iter().map(String::as_str).collect();
        let more = if self.is_open { ", or others" } else { "" };
        format!("{}{more}", values.join(", "))
    }
}

impl<'s> Shape<'s> {
    fn of(oracle: &'s Oracle, schema: &'s Value) -> Self {
        let mut shape = Self::default();
        shape.merge(oracle, schema, 0);
        shape
    }

    fn merge(&mut self, oracle: &'s Oracle, schema: &'s Value, depth: u8) {
        // Deeper than any chain of `allOf` that is not a circle.
        if depth > 16 {
            return;
        }
        let target = oracle.resolve(schema);
        if !std::ptr::eq(target, schema) {
            self.merge(oracle, target, depth + 1);
        }
        // Beside a reference OpenAPI 3.1 allows more keywords.
        for (keyword, value) in members(Some(schema)) {
            match keyword.as_str() {
                "type" => self.add_types(value),
                "nullable" => self.nullable |= *value == Value::Bool(true),
                "enum" => self.add_values(value.as_array().into_iter().flatten(), false),
                "x-extensible-enum" => {
                    self.add_values(value.as_array().into_iter().flatten(), true);
                }
                "const" => self.add_values(std::iter::once(value), false),
                "properties" => {
                    let all = members(Some(value)).map(|(name, schema)| (name.as_str(), schema));
                    self.properties.extend(all);
                }
                "required" => {
                    let names = value.as_array().into_iter().flatten();
                    self.required.extend(names.filter_map(Value::as_str));
                }
                "items" => self.items = Some(value),
                "additionalProperties" => self.additional = Some(value),
                "allOf" => {
                    for part in value.as_array().into_iter().flatten() {
                        self.merge(oracle, part, depth + 1);
                    }
                }
                "anyOf" | "oneOf" => {
                    for variant in value.as_array().into_iter().flatten() {
                        self.add_variant(oracle, variant);
                    }
                }
                "$ref" => {}
                "x-default" => self.add_keyword("default", value),
                keyword if PROSE.contains(&keyword) => {}
                keyword => self.add_keyword(keyword, value),
            }
        }
        if depth == 0 && self.variants.len() == 1 {
            let only = self.variants.remove(0);
            self.merge(oracle, only, 1);
        }
    }

    fn add_types(&mut self, value: &Value) {
        let names = match value {
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            other => other.as_str().into_iter().collect::<Vec<_>>(),
        };
        for name in names {
            if name == "null" {
                self.nullable = true;
            } else {
                self.types.insert(name.to_owned());
            }
        }
    }

    fn add_values<'v>(&mut self, values: impl Iterator<Item = &'v Value>, is_open: bool) {
        let enumeration = self.enumeration.get_or_insert_default();
        enumeration.is_open |= is_open;
        for value in values {
            if value.is_null() {
                self.nullable = true;
            } else {
                enumeration.values.insert(value.to_string());
            }
        }
    }

    fn add_variant(&mut self, oracle: &'s Oracle, variant: &'s Value) {
        let resolved = oracle.resolve(variant);
        let is_null = resolved["type"] == "null" || resolved["enum"] == json!([null]);
        if is_null {
            self.nullable = true;
        } else {
            self.variants.push(variant);
        }
    }

    fn add_keyword(&mut self, keyword: &str, value: &Value) {
        self.keywords.insert(keyword.to_owned(), value.clone());
    }

    fn kind(&self) -> String {
        let types: Vec<_> = self.types.iter().map(String::as_str).collect();
        let types = match types[..] {
            [] => "any".to_owned(),
            _ => types.join(" or "),
        };
        if self.nullable && !self.types.is_empty() {
            format!("{types} or null")
        } else {
            types
        }
    }
}

/// Compares schemas of two documents.
pub(super) struct Schemas<'d> {
    pub(super) ours: &'d Oracle,
    pub(super) theirs: &'d Oracle,
    /// The pairs that are being compared, so that a schema may contain itself.
    pub(super) open: Vec<(Value, Value)>,
    pub(super) found: &'d mut Vec<Difference>,
}

impl Schemas<'_> {
    pub(super) fn compare(&mut self, place: Place, ours: &Value, theirs: &Value) {
        let pair = (ours.clone(), theirs.clone());
        if self.open.contains(&pair) {
            return;
        }
        self.open.push(pair);
        let place = place.in_component(ours);
        let (our, their) = (Shape::of(self.ours, ours), Shape::of(self.theirs, theirs));
        match (our.variants.is_empty(), their.variants.is_empty()) {
            (true, false) => self.pair_variants(&place, vec![ours], their.variants),
            (false, true) => self.pair_variants(&place, our.variants, vec![theirs]),
            _ => self.compare_shapes(&place, our, their),
        }
        self.open.pop();
    }

    fn compare_shapes(&mut self, place: &Place, ours: Shape<'_>, theirs: Shape<'_>) {
        let mut differ = |aspect: &str, ours: Option<String>, theirs: Option<String>| {
            if ours != theirs {
                self.found
                    .push(Difference::new(place, aspect, ours, theirs));
            }
        };
        differ("type", Some(ours.kind()), Some(theirs.kind()));
        let described = |shape: &Shape<'_>| shape.enumeration.as_ref().map(Enumeration::described);
        differ("values", described(&ours), described(&theirs));
        for (keyword, our, their) in union(&ours.keywords, &theirs.keywords) {
            // An extension is comparable only where both documents have it.
            if keyword.starts_with("x-") && (our.is_none() || their.is_none()) {
                continue;
            }
            differ(
                keyword,
                our.map(ToString::to_string),
                their.map(ToString::to_string),
            );
        }
        self.properties(place, &ours, &theirs);
        self.optional(&place.below("[]"), ours.items, theirs.items);
        self.additional(&place.below("{}"), ours.additional, theirs.additional);
        self.pair_variants(place, ours.variants, theirs.variants);
    }

    fn properties(&mut self, place: &Place, ours: &Shape<'_>, theirs: &Shape<'_>) {
        for (name, our, their) in union(&ours.properties, &theirs.properties) {
            let place = place.below(&format!(".{name}"));
            let required = |shape: &Shape<'_>| {
                let is_required = shape.required.contains(*name);
                Some(if is_required { "required" } else { "optional" }.to_owned())
            };
            match (our, their) {
                (Some(our), Some(their)) => {
                    if required(ours) != required(theirs) {
                        let difference =
                            Difference::new(&place, "presence", required(ours), required(theirs));
                        self.found.push(difference);
                    }
                    self.compare(place, our, their);
                }
                (our, their) => self.one_sided(&place, our.copied(), their.copied()),
            }
        }
    }

    fn optional(&mut self, place: &Place, ours: Option<&Value>, theirs: Option<&Value>) {
        match (ours, theirs) {
            (Some(ours), Some(theirs)) => self.compare(place.clone(), ours, theirs),
            (ours, theirs) => self.one_sided(place, ours, theirs),
        }
    }

    /// Absent, `true` and `{}` allow the same.
    fn additional(&mut self, place: &Place, ours: Option<&Value>, theirs: Option<&Value>) {
        let all = Value::Object(Map::new());
        let plain = |given: Option<&Value>| match given {
            None | Some(Value::Bool(true)) => all.clone(),
            Some(other) => other.clone(),
        };
        let (ours, theirs) = (plain(ours), plain(theirs));
        if ours.is_object() && theirs.is_object() {
            self.compare(place.clone(), &ours, &theirs);
        } else if ours != theirs {
            let said = |value: &Value| (!value.is_object()).then(|| "none".to_owned());
            self.found.push(Difference::new(
                place,
                "additional properties",
                said(&ours),
                said(&theirs),
            ));
        }
    }

    /// Compares the variants that have most names in common, the closest pair first. A schema that
    /// is no union counts as its only variant.
    fn pair_variants<'v>(
        &mut self,
        place: &Place,
        mut ours_left: Vec<&'v Value>,
        mut theirs_left: Vec<&'v Value>,
    ) {
        let (our_oracle, their_oracle) = (self.ours, self.theirs);
        while !ours_left.is_empty() && !theirs_left.is_empty() {
            let mut best = (0, 0, f64::MIN);
            for (o, our) in ours_left.iter().enumerate() {
                for (t, their) in theirs_left.iter().enumerate() {
                    let close =
                        closeness(&Shape::of(our_oracle, our), &Shape::of(their_oracle, their));
                    if close > best.2 {
                        best = (o, t, close);
                    }
                }
            }
            let (our, their) = (ours_left.remove(best.0), theirs_left.remove(best.1));
            self.compare(place.variant(our), our, their);
        }
        for our in ours_left {
            self.one_sided(&place.variant(our), Some(our), None);
        }
        for their in theirs_left {
            self.one_sided(&place.variant(their), None, Some(their));
        }
    }

    fn one_sided(&mut self, place: &Place, ours: Option<&Value>, theirs: Option<&Value>) {
        let is = |oracle: &Oracle, schema: &Value| Shape::of(oracle, schema).kind();
        let ours = ours.map(|schema| is(self.ours, schema));
        let theirs = theirs.map(|schema| is(self.theirs, schema));
        if ours.is_some() || theirs.is_some() {
            self.found
                .push(Difference::new(place, "schema", ours, theirs));
        }
    }
}

/// How much two variants have in common, from 0 to 1, most of it by the names of their fields.
fn closeness(ours: &Shape<'_>, theirs: &Shape<'_>) -> f64 {
    let all = union(&ours.properties, &theirs.properties);
    let common = all
        .iter()
        .filter(|(_, our, their)| our.is_some() && their.is_some());
    let common = common.count();
    let by_name = match all.len() {
        0 => 0.5,
        // Counts of fields are far below the precision of an f64.
        #[allow(clippy::cast_precision_loss, reason = "small counts")]
        total => common as f64 / total as f64,
    };
    let by_type = if ours.types == theirs.types { 1.0 } else { 0.0 };
    0.8 * by_name + 0.2 * by_type
}

type Sides<'m, K, V> = Vec<(&'m K, Option<&'m V>, Option<&'m V>)>;

/// All keys of two maps with the value of each.
pub(super) fn union<'m, K: Ord, V>(
    ours: &'m BTreeMap<K, V>,
    theirs: &'m BTreeMap<K, V>,
) -> Sides<'m, K, V> {
    let keys: BTreeSet<&K> = ours.keys().chain(theirs.keys()).collect();
    keys.into_iter()
        .map(|key| (key, ours.get(key), theirs.get(key)))
        .collect()
}
