//! Responses that wait for a test.

use std::sync::Arc;

use tokio::sync::watch;

/// Holds responses back until [`release`](Self::release) is called. Clones are the same hold.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), cometapi_mock::StartError> {
/// use cometapi_mock::{Fault, Hold, MockServer};
///
/// let server = MockServer::start().await?;
/// let hold = Hold::new();
/// server.on_create(Fault::Hold(hold.clone()));
/// // … send a create request, and do what is to happen before its response …
/// hold.release();
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Hold(Arc<watch::Sender<bool>>);

impl Default for Hold {
    fn default() -> Self {
        Self::new()
    }
}

impl Hold {
    /// Creates a hold that has not been released.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Sends every response that is held back. Later responses are not held.
    pub fn release(&self) {
        self.0.send_replace(true);
    }

    pub(crate) async fn released(&self) {
        // Cannot fail: `self` owns the sender.
        let _ = self.0.subscribe().wait_for(|released| *released).await;
    }
}

impl PartialEq for Hold {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Hold {}
