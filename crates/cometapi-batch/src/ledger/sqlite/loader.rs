//! Loading the rows of one file.

use crate::ledger::sqlite::writer::{Touch, WriterHandle};
use crate::ledger::sqlite::{load, stage};
use crate::ledger::{LedgerFuture, LoadId, Loaded, Loader, NewRow, Plan, Repeated};

/// Rows in a temporary table of the connection, which no other sees.
#[derive(Debug)]
pub(super) struct SqliteLoader {
    writer: WriterHandle,
    id: LoadId,
}

impl SqliteLoader {
    pub(super) fn new(writer: WriterHandle) -> Self {
        // Chance, because one connection serves many loads; from 0 on, as databases count.
        let id = LoadId(fastrand::i64(0..));
        Self { writer, id }
    }
}

impl Loader for SqliteLoader {
    fn id(&self) -> LoadId {
        self.id
    }

    fn add(&self, rows: Vec<NewRow>) -> LedgerFuture<Vec<Repeated>> {
        let id = self.id;
        self.writer.ask(Touch::Nothing, move |writer| {
            stage::stage(writer, id, &rows)
        })
    }

    fn load(&self, plan: Plan) -> LedgerFuture<Loaded> {
        let id = self.id;
        self.writer
            .ask_while_wanted(Touch::Money, move |writer| load::load(writer, id, &plan))
    }
}

impl Drop for SqliteLoader {
    fn drop(&mut self) {
        let id = self.id;
        // The ledger does it whether or not the result is awaited.
        let unload = self
            .writer
            .ask(Touch::Nothing, move |writer| stage::unload(writer, id));
        drop(unload);
    }
}
