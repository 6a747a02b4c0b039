//! The builder's methods for the account side.

use bytes::Bytes;

use super::amount::{self, InvalidAmount};
use super::price::Price;
use super::task::TaskForm;
use crate::builder::{Builder, Key};

impl Builder {
    /// Sets the price of a model: dollars as a decimal string, or those and a ratio. The models of the
    /// document have a plausible price unless set; others have none.
    ///
    /// The start fails if the amount cannot be counted exactly (see [`Price`]).
    ///
    /// ```
    /// use cometapi_mock::MockServer;
    ///
    /// let builder = MockServer::builder()
    ///     .price("acme/portrait", "0.05")
    ///     .price("black-forest-labs/flux-2-flex", ("0.24", "0.8"));
    /// # let _ = builder;
    /// ```
    pub fn price<P>(mut self, model: impl Into<String>, price: P) -> Self
    where
        P: TryInto<Price>,
        P::Error: Into<InvalidAmount>,
    {
        let model = model.into();
        let account = &mut self.settings.account;
        let price = price.try_into().map_err(Into::into);
        if let Some(price) = account.checked(|| format!("the price of {model}"), price) {
            account.prices.set(model, Some(price));
        }
        self
    }

    /// Takes the price of a model away: it is not listed, and a create request is charged nothing.
    pub fn no_price(mut self, model: impl Into<String>) -> Self {
        self.settings.account.prices.set(model.into(), None);
        self
    }

    /// Leaves a model out of the list of prices. Its price, if it has one, is charged anyway.
    pub fn unlisted(mut self, model: impl Into<String>) -> Self {
        self.settings.account.prices.leave_out(model.into());
        self
    }

    /// Replaces the body of the response to `GET /api/models`, whatever it is: 200, as JSON.
    pub fn models_body(mut self, body: impl Into<Bytes>) -> Self {
        self.settings.account.models_body = Some(body.into());
        self
    }

    /// Sets what the account has at the start, in dollars as a decimal string; 100 unless set. The
    /// vendor's client takes 100,000,000 or more as "unlimited" (observed).
    ///
    /// The start fails if it is not a multiple of 0.000002 below a billion.
    pub fn balance(mut self, dollars: &str) -> Self {
        let account = &mut self.settings.account;
        let balance = account.checked(|| "the balance".to_owned(), amount::quota(dollars));
        account.balance = balance.unwrap_or(account.balance);
        self
    }

    /// Refuses a create request that costs more than what is left, with 403 `insufficient_user_quota`.
    /// Unless set, the balance becomes negative.
    pub fn enforce_balance(mut self) -> Self {
        self.settings.account.enforces_balance = true;
        self
    }

    /// Keeps the charges of predictions that fail, are canceled or aborted. Unless set, they are refunded
    /// when they end.
    pub fn no_refunds(mut self) -> Self {
        self.settings.account.refunds = false;
        self
    }

    /// The form in which tasks are listed; [`TaskForm::List`] unless set.
    pub fn task_form(mut self, form: TaskForm) -> Self {
        self.settings.account.task_form = form;
        self
    }

    /// Takes this access token alone for the account's balance and tasks, and nowhere else. Unless set, any
    /// credential is taken there but the [key](Self::key), and one that begins with `sk-`, as API keys of
    /// the gateway's software family do.
    pub fn access_token(mut self, token: impl Into<String>) -> Self {
        self.settings.access_token = Some(Key(token.into()));
        self
    }
}
