//! A worker that is retired when it goes.

use std::sync::Arc;

use crate::error::Error;
use crate::ledger::{Ledger, WorkerId};

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
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Retiring a second time does nothing.
        self.ledger.abandon(self.id);
    }
}
