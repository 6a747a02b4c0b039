//! Loading the rows of one file.

use cometapi_batch::{LedgerFuture, LoadId, Loaded, Loader, NewRow, Plan, Repeated};

use crate::columns::token;
use crate::lane::{LaneHandle, Touch};
use crate::load;
use crate::session::Session;
use crate::stage;

/// Rows in a table of the ledger, where each load sees its own.
#[derive(Debug)]
pub(crate) struct PostgresLoader {
    lane: LaneHandle,
    id: LoadId,
}

impl PostgresLoader {
    pub(crate) fn new(lane: LaneHandle, id: LoadId) -> Self {
        Self { lane, id }
    }
}

impl Loader for PostgresLoader {
    fn id(&self) -> LoadId {
        self.id
    }

    fn add(&self, rows: Vec<NewRow>) -> LedgerFuture<Vec<Repeated>> {
        let (id, part) = (self.id, token());
        self.lane
            .ask(Touch::Transaction, async move |session: &Session, again| {
                stage::stage(session, id, &rows, part, again).await
            })
    }

    fn load(&self, plan: Plan) -> LedgerFuture<Loaded> {
        let id = self.id;
        // The server must know how many rows these are, to join them well. Not in the transaction, in which
        // it would keep a lock that other loads wait for.
        let analyzed = self
            .lane
            .ask(Touch::Statements, async |session: &Session, _| {
                session.batch("ANALYZE staged").await
            });
        // Without it the load is slower.
        drop(analyzed);
        let touch = if plan.dry { Touch::Dry } else { Touch::Load };
        self.lane
            .ask_while_wanted(touch, async move |session: &Session, _| {
                load::load(session, id, &plan).await
            })
    }
}

impl Drop for PostgresLoader {
    fn drop(&mut self) {
        let id = self.id;
        // The ledger does it whether or not the result is awaited.
        let unload = self
            .lane
            .ask(Touch::Transaction, async move |session: &Session, _| {
                stage::unload(session, id).await
            });
        drop(unload);
    }
}
