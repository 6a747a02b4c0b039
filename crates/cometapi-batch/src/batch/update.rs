//! Rows that were changed while their predictions ran.

use std::sync::Arc;

use crate::batch::context::Context;
use crate::batch::drive;
use crate::batch::event::Event;
use crate::batch::reason::Stopped;
use crate::batch::settings::Settings;
use crate::error::Error;
use crate::ledger::{Loaded, Loader, Plan};
use crate::rows::Problem;

/// Waits for the predictions that run with another input than their rows have now, and plans those rows
/// anew. Returns how many cannot be; those that another process holds are among them. Nothing is created
/// before: what fails in this run is not retried in it.
pub(crate) async fn update(
    context: &Arc<Context>,
    loader: &dyn Loader,
    plan: &Plan,
) -> Result<u64, Error> {
    drive::drive(context, 0).await?;
    if context.stopped().is_some() {
        return Ok(0);
    }
    let mut plan = Plan {
        retry_failed: false,
        retry_unresolved: false,
        skip_changed: true,
        ..plan.clone()
    };
    let mut left_out = 0;
    for update in [true, false] {
        plan.update = update;
        match loader.load(plan.clone()).await {
            Ok(report) => {
                notify_changed(&context.settings, &report);
                left_out += report.changed_total;
                if report.updated_later == 0 {
                    break;
                }
            }
            Err(e) => {
                context.halt(Stopped::Ledger(e));
                break;
            }
        }
    }
    Ok(left_out)
}

/// Reports the rows that were left out because they have another input.
pub(crate) fn notify_changed(settings: &Settings, loaded: &Loaded) {
    for changed in &loaded.changed {
        let problem = Problem::changed(changed);
        (settings.observer)(&Event::BadRow { problem: &problem });
    }
}
