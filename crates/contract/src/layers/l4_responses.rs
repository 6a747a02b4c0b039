//! L4: every response reaches the public API as the right value, or as the right error with status,
//! request id and body, and never as a panic.

mod examples;
mod faults;
mod generated;
mod shown;
mod wire;

use self::wire::Wire;
use cometapi_mock::Spec;

use super::l3_requests::runtime;
use super::{Options, operations};
use contract_spec::oracle::Oracle;
use contract_spec::report::Report;
use contract_spec::workspace::SPEC;

pub(super) fn run(options: &Options) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let spec = Spec::parse(&options.workspace.read(SPEC)?)?;
    let oracle = Oracle::new(options.workspace.spec()?);
    runtime()?.block_on(async {
        let wire = Wire::start().await?;
        examples::examples(options, &oracle, &wire, &mut report).await?;
        examples::fixtures(options, &oracle, &wire, &mut report).await?;
        generated::predictions(&oracle, &wire, &mut report).await?;
        generated::errors(&oracle, &wire, &mut report).await?;
        shown::fields(options, &oracle, &wire, &mut report).await?;
        faults::faults(&wire, &mut report).await?;
        let requests = wire.server.requests();
        operations::check("l4_responses/wire.rs", &requests, &spec, &mut report);
        anyhow::Ok(())
    })?;
    Ok(report)
}
