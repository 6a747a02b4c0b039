//! Every rule checked.

use std::fmt;

use crate::conformance::harness::Harness;
use crate::conformance::list::RULES;
use crate::conformance::rule::{Rule, Violation};

/// Every rule.
pub fn rules() -> &'static [Rule] {
    RULES
}

/// Checks every rule, each on the ledger of the next harness.
///
/// # Errors
///
/// Every rule that is violated. `harnesses` must have one for each [rule](rules): those for which
/// there is none are violated.
pub async fn check_all<H: Harness>(
    harnesses: impl IntoIterator<Item = H>,
) -> Result<(), Violations> {
    let mut harnesses = harnesses.into_iter();
    let mut violations = Vec::new();
    for rule in rules() {
        let checked = match harnesses.next() {
            Some(harness) => rule.check(&harness).await,
            None => Err(Violation {
                rule: *rule,
                expected: "a harness".to_owned(),
                found: "none".to_owned(),
            }),
        };
        violations.extend(checked.err());
    }
    if violations.is_empty() {
        return Ok(());
    }
    Err(Violations(violations))
}

/// Every violation that [`check_all`] found; one at least.
#[derive(Clone)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// The violations, in the order of the [rules](rules()).
    pub fn iter(&self) -> std::slice::Iter<'_, Violation> {
        self.0.iter()
    }
}

impl<'v> IntoIterator for &'v Violations {
    type Item = &'v Violation;
    type IntoIter = std::slice::Iter<'v, Violation>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One line for each.
impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} rules are violated",
            self.0.len(),
            rules().len()
        )?;
        self.iter()
            .try_for_each(|violation| write!(f, "\n{violation}"))
    }
}

/// As [`Display`](fmt::Display) prints it, for a `main` or a test that returns it.
impl fmt::Debug for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Violations {}
