//! Settings of the account side before the server starts.

use bytes::Bytes;

use super::amount::{InvalidAmount, QUOTA_PER_DOLLAR};
use super::price::PriceChanges;
use super::task::TaskForm;

#[derive(Clone, Debug)]
pub(crate) struct AccountSettings {
    pub(crate) prices: PriceChanges,
    /// Replaces the response of the list of models.
    pub(crate) models_body: Option<Bytes>,
    /// In units of quota.
    pub(crate) balance: u64,
    /// Whether create requests beyond the balance are refused.
    pub(crate) enforces_balance: bool,
    /// Whether what fails is refunded.
    pub(crate) refunds: bool,
    pub(crate) task_form: TaskForm,
    /// The first amount that cannot be counted, and what it was for. The start fails with it.
    pub(crate) invalid: Option<(String, InvalidAmount)>,
}

/// Enough for every test that does not think of money.
const BALANCE: u64 = 100 * QUOTA_PER_DOLLAR;

impl Default for AccountSettings {
    fn default() -> Self {
        Self {
            prices: PriceChanges::default(),
            models_body: None,
            balance: BALANCE,
            enforces_balance: false,
            refunds: true,
            task_form: TaskForm::default(),
            invalid: None,
        }
    }
}

impl AccountSettings {
    /// The amount, or `None` and a failed start.
    pub(crate) fn checked<T>(
        &mut self,
        what: impl FnOnce() -> String,
        amount: Result<T, InvalidAmount>,
    ) -> Option<T> {
        match amount {
            Ok(amount) => Some(amount),
            Err(error) => {
                self.invalid.get_or_insert_with(|| (what(), error));
                None
            }
        }
    }
}
