//! A rule, and what violates it.

use std::fmt;
use std::pin::Pin;

use crate::conformance::check::Checked;
use crate::conformance::harness::Harness;

pub(super) type Check =
    for<'h> fn(&'h dyn Harness) -> Pin<Box<dyn Future<Output = Checked> + Send + 'h>>;

/// A rule that every ledger keeps.
#[derive(Clone, Copy)]
pub struct Rule {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    pub(super) check: Check,
}

impl Rule {
    /// Its name, in words that `_` separates.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What every ledger does, in a sentence.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// Checks the rule on the empty ledger of `harness`. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// The first difference that was found, or an error of the ledger where none is expected.
    pub async fn check(&self, harness: &dyn Harness) -> Result<(), Violation> {
        (self.check)(harness).await.map_err(|mismatch| Violation {
            rule: *self,
            expected: mismatch.expected,
            found: mismatch.found,
        })
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rule").field(&self.name).finish()
    }
}

/// A rule that a ledger does not keep.
#[derive(Clone, Debug)]
pub struct Violation {
    pub(super) rule: Rule,
    pub(super) expected: String,
    pub(super) found: String,
}

impl Violation {
    /// The rule.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// What a ledger that keeps the rule does.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What this one did.
    pub fn found(&self) -> &str {
        &self.found
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            expected,
            found,
        } = self;
        write!(f, "{}: expected {expected}, found {found}", rule.name)?;
        write!(f, " (rule: {})", rule.text)
    }
}

impl std::error::Error for Violation {}
