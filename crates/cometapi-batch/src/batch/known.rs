//! Rows that had ended before a run.

use std::sync::Arc;

use crate::batch::context::Context;
use crate::batch::event::Event;
use crate::error::Error;
use crate::ledger::{Filter, LoadId, State};

/// Reports the rows of a load that have ended or are unresolved, page by page. Those that the load planned
/// once more have not.
pub(crate) async fn report(context: &Arc<Context>, load: LoadId) -> Result<(), Error> {
    let mut after = 0;
    loop {
        let filter = Filter {
            states: vec![State::Ended, State::Unresolved],
            load: Some(load),
            after: Some(after),
            ..Filter::default()
        };
        let page = context.settings.ledger.list(filter).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = last.seq;
        for entry in &page {
            context.notify(&Event::Known { entry });
        }
    }
}
