//! Sends the requests of the generated client through the transport that all clients share.

use cometapi_client::{ClientInfo, Transport};
use progenitor_client::{ClientHooks, OperationInfo};

use crate::generated::Client;

impl ClientHooks<Transport> for Client {
    async fn exec(
        &self,
        request: reqwest::Request,
        _operation: &OperationInfo,
    ) -> reqwest::Result<reqwest::Response> {
        self.inner().execute(self.client(), request).await
    }
}
