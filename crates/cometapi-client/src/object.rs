//! Objects that are read member by member, and the strict way to do so: the first member that does
//! not fit ends it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// A type that is read from the members of an object.
pub(crate) trait Members: Default {
    /// What a member is called.
    type Key: for<'de> Deserialize<'de>;

    /// Reads the value of the member `key`.
    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        key: Self::Key,
        members: &mut A,
    ) -> Result<(), A::Error>;

    /// Whether every required member was read; the strict way asks.
    fn is_complete(&self) -> bool {
        true
    }
}

/// A [`Members`] type that decodes.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Members> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_map(ObjectVisitor(PhantomData))
            .map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Members> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut value = T::default();
        while let Some(key) = map.next_key()? {
            value.read(key, &mut map)?;
        }
        if value.is_complete() {
            Ok(value)
        } else {
            Err(mismatch())
        }
    }
}

/// The error of a member that does not fit. It is never shown: the lenient decoder follows.
pub(crate) fn mismatch<E: Error>() -> E {
    E::custom("")
}
