//! Decoding JSON into a limited amount of memory.
//!
//! A number of two bytes takes 64 bytes as a decoded value, and an object of six bytes takes
//! several hundred. So a body of 64 MiB could take gigabytes. What would need too much is left out,
//! member by member, so that the id, the status and the URLs beside it are still found.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::{Map, Number, Value};

use crate::ignored_field::IgnoredField;

/// The most memory that a decoded value takes besides its strings, in bytes: enough for half a
/// million numbers. Strings are limited by the body that they are part of.
pub(crate) const LIMIT: usize = 32 << 20;

/// The same for a member that holds a single string or number as a rule.
pub(crate) const SCALAR_LIMIT: usize = 64 << 10;

/// The most memory for URLs found in an output that is itself too large.
const URL_LIMIT: usize = 8 << 20;

/// How many objects around a value may have members of their own left out. An envelope in an
/// envelope holds a prediction; deeper objects are kept or left out whole.
pub(crate) const LEVELS: usize = 5;

/// How many of the members that were left out are listed.
const LISTED: usize = 20;

// Estimates. A list grows by doubling, and a map allocates room for several members at once.
const VALUE: usize = 2 * size_of::<Value>();
const LIST: usize = 4 * size_of::<Value>();
const OBJECT: usize = 640;
const MEMBER: usize = 160;

/// Why a member was left out.
const TOO_LARGE: &str = "holds too many values to be decoded";

/// Any JSON; members may have been left out.
pub(crate) struct Json(pub(crate) Value);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut budget = Budget::new(LIMIT);
        let tree = Tree {
            budget: &mut budget,
            levels: LEVELS,
        };
        match tree.deserialize(deserializer)? {
            Item::Value(json) => Ok(Self(json)),
            Item::Text | Item::Other => Err(too_large()),
        }
    }
}

/// Reads a whole list. `None` if it is too large.
pub(crate) fn list<'de, A: SeqAccess<'de>>(seq: A) -> Result<Option<Value>, A::Error> {
    let mut budget = Budget::new(LIMIT);
    let tree = Tree {
        budget: &mut budget,
        levels: 0,
    };
    Ok(match tree.visit_seq(seq)? {
        Item::Value(list) => Some(list),
        Item::Text | Item::Other => None,
    })
}

/// Fails a decode as a whole.
pub(crate) fn too_large<E: de::Error>() -> E {
    E::custom(format_args!("it {TOO_LARGE}"))
}

/// A value that was read, or what is known of one that was left out.
enum Item {
    Value(Value),
    /// A string, left out.
    Text,
    /// Anything else, left out.
    Other,
}

/// What may still be allocated.
struct Budget {
    limit: usize,
    left: usize,
    /// What may be allocated for URLs after all else is used up; `None` to keep none.
    for_urls: Option<usize>,
    is_exceeded: bool,
    /// The paths of members that were left out.
    left_out: Vec<String>,
}

impl Budget {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            left: limit,
            for_urls: None,
            is_exceeded: false,
            left_out: Vec::new(),
        }
    }

    /// Returns whether there is room. Once there was none, there is none any more.
    fn take(&mut self, bytes: usize) -> bool {
        let left = self.left.checked_sub(bytes);
        self.is_exceeded |= left.is_none();
        if let Some(left) = left.filter(|_| !self.is_exceeded) {
            self.left = left;
        }
        !self.is_exceeded
    }

    fn take_for_url(&mut self, text: &str) -> bool {
        let Some(left) = &mut self.for_urls else {
            return false;
        };
        match left.checked_sub(VALUE + text.len()) {
            Some(rest) if is_url(text) => {
                *left = rest;
                true
            }
            _ => false,
        }
    }

    /// Whether nothing more can be kept of the value that is being read.
    fn is_spent(&self) -> bool {
        self.is_exceeded && self.for_urls.is_none()
    }
}

/// Reads the value of the member `name` within `limit` bytes, and returns it with its estimated
/// size. `None` if it is left out; `left_out` then holds its path, or those of members in it.
pub(crate) fn member<'de, A: MapAccess<'de>>(
    name: &str,
    limit: usize,
    levels: usize,
    left_out: &mut LeftOut,
    members: &mut A,
) -> Result<Option<(Value, usize)>, A::Error> {
    let mut budget = Budget::new(limit);
    if name == "output" {
        budget.for_urls = Some(URL_LIMIT);
    }
    let levels = if name == "output" { 0 } else { levels };
    let item = members.next_value_seed(Tree {
        budget: &mut budget,
        levels,
    })?;
    for path in &budget.left_out {
        left_out.push(format!("{name}.{path}"));
    }
    let Item::Value(value) = item else {
        left_out.push(name.to_owned());
        return Ok(None);
    };
    if !budget.is_exceeded {
        return Ok(Some((value, limit - budget.left)));
    }
    left_out.push(name.to_owned());
    Ok(urls_alone(value).map(|urls| {
        let size = size(&urls);
        (urls, size)
    }))
}

/// The estimated size of `value`.
fn size(value: &Value) -> usize {
    VALUE
        + match value {
            Value::Array(items) => LIST + items.iter().map(size).sum::<usize>(),
            Value::Object(members) => {
                let members = members.iter();
                OBJECT
                    + members
                        .map(|(name, value)| MEMBER + name.len() + size(value))
                        .sum::<usize>()
            }
            _ => 0,
        }
}

/// The paths of members that were left out, the first few.
#[derive(Default)]
pub(crate) struct LeftOut(Vec<String>);

impl LeftOut {
    pub(crate) fn push(&mut self, path: String) {
        if self.0.len() < LISTED && !self.0.contains(&path) {
            self.0.push(path);
        }
    }

    pub(crate) fn append(&mut self, name: &str, inner: Self) {
        for path in inner.0 {
            self.push(format!("{name}.{path}"));
        }
    }

    pub(crate) fn into_fields(self) -> impl Iterator<Item = IgnoredField> {
        self.0.into_iter().map(|path| IgnoredField {
            path,
            reason: TOO_LARGE.to_owned(),
        })
    }
}

/// An object that takes at most `limit` bytes; its largest members are left out first.
pub(crate) struct BoundedMap {
    limit: usize,
    size: usize,
    /// The members that are worth leaving out, with their sizes.
    large: Vec<(usize, String)>,
    pub(crate) map: Map<String, Value>,
    pub(crate) left_out: LeftOut,
}

impl BoundedMap {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            size: OBJECT,
            large: Vec::new(),
            map: Map::new(),
            left_out: LeftOut::default(),
        }
    }

    /// Reads the value of the member `name`.
    pub(crate) fn read<'de, A: MapAccess<'de>>(
        &mut self,
        name: String,
        levels: usize,
        members: &mut A,
    ) -> Result<(), A::Error> {
        let read = member(&name, self.limit, levels, &mut self.left_out, members)?;
        if let Some((value, size)) = read {
            self.insert(name, value, size);
        }
        Ok(())
    }

    fn insert(&mut self, name: String, value: Value, size: usize) {
        let size = size + MEMBER + name.len();
        self.size += size;
        if size > self.limit / 64 {
            self.large.push((size, name.clone()));
        }
        while self.size > self.limit {
            let largest = (0..self.large.len()).max_by_key(|at| self.large[*at].0);
            let Some(at) = largest else {
                self.size -= size;
                self.left_out.push(name);
                return;
            };
            let (size, largest) = self.large.swap_remove(at);
            self.size -= size;
            self.left_out.push(largest.clone());
            if largest == name {
                return;
            }
            self.map.remove(&largest);
        }
        self.map.insert(name, value);
    }
}

/// Reads any JSON within a budget. In the outer `levels` of objects, members are left out one by
/// one; everything below is kept or left out whole.
struct Tree<'b> {
    budget: &'b mut Budget,
    levels: usize,
}

impl Tree<'_> {
    fn scalar(self, value: Value) -> Item {
        if self.budget.take(VALUE) {
            Item::Value(value)
        } else {
            Item::Other
        }
    }

    fn text(self, text: impl AsRef<str> + Into<String>) -> Item {
        if self.budget.take(VALUE) || self.budget.take_for_url(text.as_ref()) {
            Item::Value(Value::String(text.into()))
        } else {
            Item::Text
        }
    }

    /// The tree of a value inside this one.
    fn inner(&mut self) -> Tree<'_> {
        Tree {
            budget: self.budget,
            levels: 0,
        }
    }

    fn members<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let mut object = BoundedMap::new(self.budget.limit);
        while let Some(name) = map.next_key()? {
            object.read(name, self.levels - 1, &mut map)?;
        }
        self.budget.left = self.budget.left.saturating_sub(object.size);
        self.budget.left_out = object.left_out.0;
        Ok(Item::Value(Value::Object(object.map)))
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Item;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Item, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Item, E> {
        Ok(self.scalar(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Item, E> {
        Ok(self.scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Item, E> {
        Ok(self.scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Item, E> {
        Ok(self.scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Item, E> {
        Ok(self.scalar(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Item, E> {
        Ok(self.text(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Item, E> {
        Ok(self.text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Item, A::Error> {
        let mut items = Vec::new();
        let (mut is_text, mut has_words) = (true, false);
        self.budget.take(VALUE + LIST);
        while !self.budget.is_spent() {
            let Some(item) = seq.next_element_seed(self.inner())? else {
                break;
            };
            match &item {
                Item::Value(Value::String(text)) => has_words |= !is_url(text),
                Item::Value(Value::Null) => {}
                Item::Text => has_words = true,
                Item::Value(_) | Item::Other => is_text = false,
            }
            if let Item::Value(value) = item {
                items.push(value);
            }
        }
        while self.budget.is_spent() && seq.next_element::<IgnoredAny>()?.is_some() {}
        // Strings that are text together hold no URL of a file, whatever one of them is.
        if self.budget.is_spent() || self.budget.is_exceeded && is_text && has_words {
            return Ok(Item::Other);
        }
        Ok(Item::Value(Value::Array(items)))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Item, A::Error> {
        if self.levels > 0 {
            return self.members(map);
        }
        let mut object = Map::new();
        self.budget.take(VALUE);
        while !self.budget.is_spent() {
            let Some(name) = map.next_key::<String>()? else {
                break;
            };
            let first = if object.is_empty() { OBJECT } else { 0 };
            self.budget.take(first + MEMBER + name.len());
            if let Item::Value(value) = map.next_value_seed(self.inner())? {
                object.insert(name, value);
            }
        }
        while self.budget.is_spent() && map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        if self.budget.is_spent() {
            return Ok(Item::Other);
        }
        Ok(Item::Value(Value::Object(object)))
    }
}

/// Whether a string begins as the URL of a file does.
fn is_url(text: &str) -> bool {
    let text = text.trim_start();
    ["https://", "http://", "data:"].iter().any(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// The URLs in `value`, in the lists and under the keys that they are in; `None` if there is none.
fn urls_alone(value: Value) -> Option<Value> {
    match value {
        Value::String(text) if is_url(&text) => Some(Value::String(text)),
        Value::Array(items) => {
            let mut words = items.iter().filter(|item| !item.is_null());
            let is_text = words.clone().all(Value::is_string)
                && words.any(|word| !word.as_str().is_some_and(is_url));
            if is_text {
                return None;
            }
            let items: Vec<_> = items.into_iter().filter_map(urls_alone).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::Object(members) => {
            let members: Map<_, _> = members
                .into_iter()
                .filter_map(|(name, value)| Some((name, urls_alone(value)?)))
                .collect();
            (!members.is_empty()).then_some(Value::Object(members))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
