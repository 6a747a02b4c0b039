//! The server's methods for the account side.

use super::amount::InvalidAmount;
use super::charges::Charge;
use super::endpoint::AccountEndpoint;
use super::price::Price;
use crate::fault::Fault;
use crate::plan::Plan;
use crate::server::MockServer;

impl MockServer {
    /// Plans a fault for one of the account's endpoints. Faults that reshape a prediction do nothing here,
    /// and nothing is carried out that [`after_accept`](Plan::after_accept) could change. A plan for a
    /// model is for `GET /api/model/{code}`, one for an id for lists of that task.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), cometapi_mock::StartError> {
    /// use cometapi_mock::{AccountEndpoint, Fault, MockServer};
    ///
    /// let server = MockServer::start().await?;
    /// server.on_account(AccountEndpoint::Models, Fault::FirewallPage.always());
    /// server.on_account(AccountEndpoint::Tasks, Fault::Hang);
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_account(&self, endpoint: AccountEndpoint, fault: impl Into<Plan<Fault>>) {
        self.state.on_account[endpoint as usize].add(fault.into());
    }

    /// How many requests an endpoint of the account has **received**, whatever their responses.
    pub fn account_requests(&self, endpoint: AccountEndpoint) -> usize {
        self.state.requests.count(endpoint.operation())
    }

    /// Every charge and refund so far, in the order in which they happened. A prediction that fails by the
    /// clock is refunded at that time, whether anything polls it or not; one that fails by counting polls,
    /// or by a script, when a poll is carried out that says so.
    ///
    /// A create request whose response a fault replaced is charged if it was carried out
    /// ([`after_accept`](Plan::after_accept)). One of a model without a price is charged 0.
    pub fn charges(&self) -> Vec<Charge> {
        self.state.charges()
    }

    /// The sum of [`charges`](Self::charges) now, in units of quota; 500,000 are one dollar.
    pub fn charged(&self) -> u64 {
        self.state.charged().sum
    }

    /// The highest that the sum of [`charges`](Self::charges) has ever been, in units of quota.
    pub fn max_charged(&self) -> u64 {
        self.state.charged().max
    }

    /// Changes the price of a model, listed and charged from now on.
    ///
    /// # Errors
    ///
    /// When the amount cannot be counted exactly.
    pub fn set_price<P>(&self, model: impl Into<String>, price: P) -> Result<(), InvalidAmount>
    where
        P: TryInto<Price>,
        P::Error: Into<InvalidAmount>,
    {
        let price = price.try_into().map_err(Into::into)?;
        self.state.set_price(model.into(), price);
        Ok(())
    }
}
