//! A worker of a ledger, which is retired when it is dropped.

use std::sync::Arc;

use crate::error::Error;
use crate::ledger::{Ledger, LedgerFuture, Mark, WorkerId};

#[derive(Debug)]
pub(crate) struct Worker {
    ledger: Arc<dyn Ledger>,
    id: WorkerId,
}

impl Worker {
    pub(crate) async fn register(
        ledger: &Arc<dyn Ledger>,
        service: impl Into<String>,
    ) -> Result<Self, Error> {
        let ledger = Arc::clone(ledger);
        let id = ledger.register(service.into()).await?;
        Ok(Self { ledger, id })
    }

    pub(crate) fn id(&self) -> WorkerId {
        self.id
    }

    /// Records what happened to a prediction that this worker holds. The ledger is asked by the
    /// call, before the future is polled.
    pub(crate) fn record(&self, seq: u64, mark: Mark) -> LedgerFuture<()> {
        self.ledger.record(self.id, seq, mark)
    }

    /// Releases everything that this worker holds.
    pub(crate) fn retire(&self) -> LedgerFuture<()> {
        self.ledger.retire(self.id)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Asked for by the call. Retiring a second time does nothing.
        drop(self.ledger.retire(self.id));
    }
}
