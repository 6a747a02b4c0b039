//! Comparisons that return instead of panicking.

use std::fmt::{Debug, Display};

use crate::error::{Error, ErrorKind};

/// What a rule expected, and what it found.
#[derive(Debug)]
pub(super) struct Mismatch {
    pub(super) expected: String,
    pub(super) found: String,
}

pub(super) type Checked<T = ()> = Result<T, Mismatch>;

impl Mismatch {
    pub(super) fn new(expected: impl Display, found: impl Display) -> Self {
        Self {
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}

/// An error where none is expected.
impl From<Error> for Mismatch {
    fn from(e: Error) -> Self {
        Self::new("no error", format!("{:?}: {e:?}", e.kind()))
    }
}

/// Checks that `found` equals `expected`; `what` names it.
pub(super) fn same<T, U>(what: &str, found: T, expected: U) -> Checked
where
    T: PartialEq<U> + Debug,
    U: Debug,
{
    if found == expected {
        return Ok(());
    }
    Err(Mismatch::new(
        format!("{what} {expected:?}"),
        format!("{found:?}"),
    ))
}

/// Checks that a call was refused with `kind`; `what` names the call.
pub(super) fn refused<T: Debug>(what: &str, result: Result<T, Error>, kind: ErrorKind) -> Checked {
    let found = match result {
        Err(e) if e.kind() == kind => return Ok(()),
        Err(e) => format!("{:?}: {e:?}", e.kind()),
        Ok(value) => format!("success: {value:?}"),
    };
    Err(Mismatch::new(
        format!("{what} to be refused as {kind:?}"),
        found,
    ))
}

/// Checks how many there are, and returns them; `what` names them.
pub(super) fn exactly<const N: usize, T: Debug>(what: &str, found: Vec<T>) -> Checked<[T; N]> {
    let many = |found: Vec<T>| Mismatch::new(format!("{N} {what}"), format!("{found:?}"));
    found.try_into().map_err(many)
}
