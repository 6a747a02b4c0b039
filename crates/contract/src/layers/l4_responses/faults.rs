//! Every fault that the mock knows, at both calls. What each comes to is a table of the
//! integration tests; here is what must hold whatever it comes to.

use cometapi_mock::Fault;

use super::wire::{Call, Wire, panicked, whole};
use contract_spec::report::Report;

pub(super) async fn faults(wire: &Wire, report: &mut Report) -> anyhow::Result<()> {
    for fault in Fault::catalogue() {
        for call in Call::ALL {
            let place = format!("{call:?} under {fault:?}");
            wire.server.clear_plans();
            let id = match wire.call(Call::Create, "").await {
                Ok(Ok(created)) => created.id().to_owned(),
                other => anyhow::bail!("the mock gives no prediction to look at: {other:?}"),
            };
            match call {
                Call::Create => wire.server.on_create(fault.clone()),
                Call::Get => wire.server.on_poll(fault.clone()),
            }
            let came = if never_ends(&fault) {
                wire.call_hastily(call, &id).await
            } else {
                wire.call(call, &id).await
            };
            let answered = wire
                .server
                .requests()
                .last()
                .and_then(|received| received.status);
            match came {
                Err(why) => panicked(&place, &why, report),
                Ok(Ok(prediction)) => {
                    if prediction.id().is_empty() {
                        report.fail(&place, "value-without-id", "make it an error");
                    }
                }
                Ok(Err(error)) => {
                    whole(&place, &error, call, None, report);
                    let lost = answered.map(|status| status.as_u16()) != error.status();
                    // Where the time ran out, the mock may not know yet what came of it.
                    if lost && answered.is_some() && error.status().is_none() && !is_silent(&fault)
                    {
                        report.fail(
                            &place,
                            "error-incomplete",
                            format!(
                                "the status {answered:?} was lost; fix the wrapper's classification"
                            ),
                        );
                    }
                }
            }
            report.pass("faults met");
        }
    }
    Ok(())
}

/// Faults that only the caller's own limit ends.
fn never_ends(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Delay(_) | Fault::Hang | Fault::StallBody | Fault::SlowBody(_)
    )
}

/// Faults whose head may not have come when the call ended.
fn is_silent(fault: &Fault) -> bool {
    let broken = matches!(fault, Fault::Close | Fault::Reset | Fault::ResetBody);
    broken || never_ends(fault)
}
